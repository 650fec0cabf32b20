# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say how far a search is, in words that a bar can show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

_LONGEST = 24  # characters of a value


@dataclass(frozen=True)
class Part:
    """A part of a search with a bar of its own, such as a bracket.

    Attributes
    ----------
    name : str
    done, total : int
    alive : int
        Trials that may still train.
    """

    name: str
    done: int
    total: int
    alive: int = 0


@dataclass(frozen=True)
class State:
    """How far a search is.

    Attributes
    ----------
    unit : {"calls", "fits"}
    done : int
    total : int or None
        None if it is not known.
    elapsed : float
        Seconds so far.
    left : float or None
        Seconds that are left, by what calls or fits have cost so far.
    best_score : float or None
    best_params : mapping of str to object
    alive, n_trials : int
        Trials that may still train, and all.
    busy, slots : int
        Tasks that run, and that can run at a time.
    parts : tuple of Part
    """

    unit: str
    done: int
    total: int | None
    elapsed: float
    left: float | None = None
    best_score: float | None = None
    best_params: Mapping[str, Any] = field(default_factory=dict)
    alive: int = 0
    n_trials: int = 0
    busy: int = 0
    slots: int = 0
    parts: tuple[Part, ...] = ()

    @property
    def share(self) -> float:
        """The share that is done, from 0 to 1; 0 if it is not known."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def counted(self) -> str:
        """What is done, such as "1,234 of 3,000 calls"."""
        of = "" if self.total is None else f" of {self.total:,}"
        return f"{self.done:,}{of} {self.unit}"

    @property
    def time(self) -> str:
        """The time that has passed and that is left."""
        passed = clock(self.elapsed)
        known = self.left is not None and math.isfinite(self.left)
        return f"{passed}, {clock(self.left or 0.0)} left" if known else passed

    @property
    def best(self) -> str:
        """The best score so far, with its parameters."""
        if self.best_score is None:
            return "no score yet"
        params = described(self.best_params)
        return f"best {self.best_score:.4g}" + (f": {params}" if params else "")

    @property
    def running(self) -> str:
        """What runs: models that may still train, and workers that are busy."""
        models = f"{self.alive:,} of {self.n_trials:,} models left, "
        return (models if self.alive else "") + f"{self.busy} of {self.slots} busy"


def clock(seconds: float) -> str:
    """Write seconds as people read them: 7 s, 1:02 min, 2:03:04 h."""
    whole = round(max(seconds, 0.0))
    minutes, rest = divmod(whole, 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes}:{rest:02} min"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02} h"


def described(params: Mapping[str, Any]) -> str:
    """Write parameters in a few characters."""
    return ", ".join(f"{name}={brief(value)}" for name, value in params.items())


def brief(value: Any) -> str:
    """Write a value of a parameter in a few characters."""
    text = f"{value:.3g}" if isinstance(value, Real) else repr(value)
    if isinstance(value, bool | int):
        text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
