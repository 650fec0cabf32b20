# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Know the searches of this process that run now, for a live view of them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gpu_hpo.progress._state import State

_KEPT = 5  # searches that have ended


@dataclass(frozen=True)
class Curve:
    """The scores of one trial.

    Attributes
    ----------
    name : str
    group : str
        Such as its bracket; "" if there are no groups.
    calls, scores : sequence of number
    status : {"training", "completed", "stopped", "failed", "lost", "timeout"}
    params : str
    """

    name: str
    group: str
    calls: Sequence[int]
    scores: Sequence[float]
    status: str
    params: str


class Watched(Protocol):
    """A search that can be looked at."""

    title: str

    def state(self) -> State:
        """Return how far it is."""

    def curves(self) -> list[Curve]:
        """Return the scores of its trials so far."""


class Past:
    """What a search was like at its end; it keeps neither models nor data."""

    def __init__(self, search: Watched) -> None:
        self.title = search.title
        self._state, self._curves = search.state(), search.curves()

    def state(self) -> State:
        """Return how far it was."""
        return self._state

    def curves(self) -> list[Curve]:
        """Return the scores of its trials."""
        return self._curves


_lock = threading.Lock()
_running: list[Watched] = []
_ended: deque[Past] = deque(maxlen=_KEPT)


def begin(search: Watched) -> None:
    """Note that a search has begun."""
    with _lock:
        _running.append(search)


def end(search: Watched) -> None:
    """Note that a search has ended, in any way."""
    with _lock:
        if search in _running:
            _running.remove(search)
            _ended.append(Past(search))


def to_be_seen() -> list[tuple[Watched, bool]]:
    """Return the searches to look at, the newest first, and whether each runs."""
    with _lock:
        seen: list[tuple[Watched, bool]] = [(s, True) for s in reversed(_running)]
        return seen + [(search, False) for search in reversed(_ended)]
