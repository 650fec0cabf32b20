# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Let fits use a GPU in turns, each after the one before has given back its memory."""

from __future__ import annotations

import gc
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gpu_hpo.devices._free_memory import free_bytes

_MARGIN = 2  # how much more must be free than fits were seen to take
_LOOK_SECONDS = 0.002  # between looks at the memory while a fit runs
_SEARCHES = 32  # that a process remembers

_lock = threading.Lock()
_of_searches: OrderedDict[str, _Card] = OrderedDict()
_of_thread = threading.local()


@dataclass(frozen=True)
class Turns:
    """Says how the fits of a search share a GPU; it travels with their tasks.

    Parameters
    ----------
    most : int
        Fits at a time on the GPU of a process. More than one only as far as memory is
        known to be free: one begins beside others if twice as much is free as they all
        would take, each as much as any fit of the search that ran alone was seen to
        take. Where that is not known, one runs at a time.
    search : str
        Searches do not wait for each other, or one within a fit of another would wait
        for ever.
    """

    most: int = 1
    search: str = field(default_factory=lambda: uuid.uuid4().hex)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and give back at its end what is garbage by then."""
        card = _card(self.search)
        held = _of_thread.__dict__.setdefault("held", [])
        card.begin(self.most)
        held.append((card, self.most))
        try:
            with _garbage_of_before_left_alone():
                try:
                    yield
                finally:
                    give_back()
        finally:
            held.pop()
            card.end()


def give_back() -> None:
    """Free what fits of this turn have left, also what refers to itself.

    An array on a GPU is a small object, of which Python's own collector, which counts
    objects, may take no notice before memory is short.
    """
    gc.collect()


def let_go_of_rows(parts: Iterable[Any]) -> None:
    """Have boosters among fitted estimators forget the rows that they have trained on.

    XGBoost's keep these, and more, in GPU memory for trees that may follow, until they
    are turned into bytes (issue 6225 of XGBoost).
    """
    for part in parts:
        if not hasattr(part, "get_booster") or not part.__sklearn_is_fitted__():
            continue
        booster = part.get_booster()
        if hasattr(booster, "reset"):  # since XGBoost 3.0
            booster.reset()
        else:
            part.load_model(booster.save_raw())


@contextmanager
def stepped_aside() -> Iterator[None]:
    """Give up the turns that this thread has, while it waits for a search."""
    held = list(getattr(_of_thread, "held", []))
    for card, _ in reversed(held):
        card.end()
    try:
        yield
    finally:
        for card, most in held:
            card.begin(most)


def _card(search: str) -> _Card:
    with _lock:
        card = _of_searches.setdefault(search, _Card())
        _of_searches.move_to_end(search)
        while len(_of_searches) > _SEARCHES:
            _of_searches.popitem(last=False)
        return card


class _Card:
    """The GPU of this process, as the fits of one search share it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._watch: _Watch | None = None  # of the fit that runs alone
        self._largest = 0  # bytes that a fit alone was seen to take

    def begin(self, most: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._has_room(most))
            watch, self._watch = self._watch, None
            if watch is not None:
                watch.end()  # it is alone no more
            self._running += 1
            if self._running == 1 and most > 1:
                self._watch = _Watch()

    def end(self) -> None:
        with self._changed:
            self._running -= 1
            if self._watch is not None:
                self._largest = max(self._largest, self._watch.end())
                self._watch = None
            self._changed.notify_all()

    def _has_room(self, most: int) -> bool:
        if not self._running:
            return True
        if self._running >= most or not self._largest:
            return False
        free = free_bytes()
        # Those that run may not have taken yet what they will.
        needed = _MARGIN * self._largest * (self._running + 1)
        return free is not None and free >= needed


class _Watch:
    """Looks in a thread how far the free memory falls."""

    def __init__(self) -> None:
        self._before = self._least = free_bytes()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        if self._before is not None:
            self._thread = threading.Thread(target=self._look, daemon=True)
            self._thread.start()

    def end(self) -> int:
        """Return by how many bytes it fell; 0 if that is not known."""
        self._ended.set()
        if self._thread is None:
            return 0
        self._thread.join()
        if self._before is None or self._least is None:
            return 0
        return max(self._before - self._least, 0)

    def _look(self) -> None:
        while True:
            ended = self._ended.wait(_LOOK_SECONDS)
            free = free_bytes()
            if free is None or self._least is None:
                self._least = None
                return
            self._least = min(self._least, free)
            if ended:
                return


class _Freeze:
    """Knows how many blocks of this process want old objects to be left alone."""

    def __init__(self) -> None:
        self._users = 0
        self._frozen = False

    def begin(self) -> None:
        with _lock:
            # Not where the user has frozen some: all would be thawed with ours.
            if not self._users and not gc.get_freeze_count():
                gc.freeze()
                self._frozen = True
            self._users += 1

    def end(self) -> None:
        with _lock:
            self._users -= 1
            if not self._users and self._frozen:
                gc.unfreeze()
                self._frozen = False


_freeze = _Freeze()


@contextmanager
def _garbage_of_before_left_alone() -> Iterator[None]:
    """Have `gc.collect` look at no object that is there already.

    It would else look at all objects of the process each time, which takes a tenth of a
    second where scikit-learn and pandas are imported.
    """
    _freeze.begin()
    try:
        yield
    finally:
        _freeze.end()
