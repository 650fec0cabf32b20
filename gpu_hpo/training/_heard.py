# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Record the warnings of fits, in threads and other processes, and show them once.

Warning filters, and the function that shows warnings, belong to a process. While fits
run in a process, one hook serves all of its threads, and gives each warning to the fit
in the thread that it comes from.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

# Actions that show a warning unless it was shown before. Which candidate warns first
# depends on threads, so all warnings are recorded, and repetitions removed later.
_SHOWN = frozenset({"default", "module", "once"})
_EACH = 10  # candidates with the same warning that get one each; the rest share one
# scikit-learn empties the filters of the process for a moment in each of its parallel
# calls, and warns if it finds them empty. With several threads this means nothing.
_OF_EMPTY_FILTERS = "`sklearn.utils.parallel.delayed` should be used with"


@dataclass(frozen=True)
class Heard:
    """A warning that a fit gave."""

    text: str
    category: type[Warning]
    filename: str
    lineno: int
    models: tuple[int, ...] | None = None  # of a stack, that it says it is about

    def about(self, n_models: int) -> list[int]:
        """Return which models it is about, of so many that were trained together."""
        every = range(n_models)
        return [i for i in every if self.models is None or i in self.models]


@dataclass(frozen=True)
class Hearing:
    """How warnings are treated where fits run.

    Attributes
    ----------
    filters : tuple
        Filters of the process that started the search.
    process : int
        The number of that process, where these filters hold anyway.
    """

    filters: tuple[Any, ...] = field(default_factory=lambda: tuple(warnings.filters))
    process: int = field(default_factory=os.getpid)

    @contextmanager
    def here(self) -> Iterator[None]:
        """Treat warnings in this way within a ``with`` block, in this process."""
        filters = None if os.getpid() == self.process else self.filters
        _hook.begin(filters)
        try:
            yield
        finally:
            _hook.end()


@contextmanager
def recorded() -> Iterator[list[Heard]]:
    """Record the warnings of this thread, within ``Hearing.here``, as they come."""
    found: list[Heard] = []
    lists = _of_thread.__dict__.setdefault("lists", [])
    lists.append(found)
    try:
        yield found
    finally:
        lists.remove(found) if lists[-1] is not found else lists.pop()


class Announcer:
    """Shows each warning of a search once, with the number of the candidate.

    Parameters
    ----------
    noun : str
        What is numbered: "candidate" or "trial".
    """

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._said: dict[Any, tuple[int, Heard]] = {}

    def take(
        self, number: int, heard: Iterable[Heard], source: Hashable = None
    ) -> None:
        """Record the warnings that the fit of a candidate gave.

        If candidates share what was fitted, the `source`, the lowest number is shown.
        """
        for item in heard:
            who = ("candidate", number) if source is None else source
            key = who, item.category, item.text
            known = self._said.get(key)
            if known is None or number < known[0]:
                self._said[key] = number, item

    def say(self) -> None:
        """Give all warnings that were recorded since the last time."""
        said, self._said = self._said, {}
        alike: dict[Any, list[tuple[int, Heard]]] = {}
        for number, item in sorted(said.values(), key=lambda pair: pair[0]):
            alike.setdefault((item.category, item.text), []).append((number, item))
        for items in alike.values():
            for number, item in items[:_EACH]:
                _warn(item, f"({self._noun} {number})")
            if len(items) > _EACH:
                rest = [number for number, _ in items[_EACH:]]
                _warn(items[_EACH][1], f"({self._noun}s {_ranges(rest)})")


def say(heard: Iterable[Heard], whose: str) -> None:
    """Give the warnings of one fit, with its name."""
    for item in dict.fromkeys(heard):
        _warn(item, f"({whose})")


class _Hook:
    """The hook that all threads of this process share while fits run in it.

    Models that change the filters for a while, in several threads, restore each other's
    filters in any order. Once no fit runs, all is as it was before. Code that restores
    our filters, or our function that shows warnings, even later gets the original ones.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._several = False  # whether several were active at a time
        self._given: list[Any] = []
        self._before: list[Any] = []
        self._ours: list[Any] = []
        self._show_before: Any = None
        self._show_impl: Any = None  # what `catch_warnings` has others record by
        self._default = ""
        self._seen: set[Any] = set()

    def begin(self, filters: Sequence[Any] | None) -> None:
        with self._lock:
            self._users += 1
            self._several = self._users > 1 or self._several
            if self._users > 1:
                return
            module: Any = warnings
            self._seen.clear()
            self._before = module.filters
            self._given = list(self._before if filters is None else filters)
            self._ours = [
                ("always" if item[0] in _SHOWN else item[0], *item[1:])
                for item in self._given
            ]
            module.filters = self._ours
            self._show_impl = getattr(module, "_showwarnmsg_impl", None)
            self._default = module.defaultaction
            if self._default in _SHOWN:
                module.defaultaction = "always"
            if module.showwarning != self._show:
                self._show_before = module.showwarning
                module.showwarning = self._show
            _changed()

    def end(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            self._several = False
            module: Any = warnings
            self._ours[:] = self._before
            module.filters = self._before
            module.defaultaction = self._default
            module.showwarning = self._show_before
            if self._show_impl is not None:
                module._showwarnmsg_impl = self._show_impl
            _changed()

    def _show(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        lists = getattr(_of_thread, "lists", None)
        text = str(message)
        if self._several and text.startswith(_OF_EMPTY_FILTERS):
            return
        if lists:
            models = getattr(message, "models", None)
            lists[-1].append(Heard(text, category, filename, lineno, models))
            return
        # Not from a fit: it would have been shown once.
        key = text, category, filename, lineno
        if self._users and self._action(key) in _SHOWN:
            if key in self._seen:
                return
            self._seen.add(key)
        self._show_before(message, category, filename, lineno, file, line)

    def _action(self, key: tuple[str, type[Warning], str, int]) -> str:
        """Return what the original filters do with a warning."""
        text, category, filename, lineno = key
        module = filename.removesuffix(".py")
        for action, words, kind, where, line in self._given:
            if (
                (words is None or words.match(text))
                and issubclass(category, kind)
                and (where is None or where.match(module))
                and line in (0, lineno)
            ):
                return str(action)
        return self._default


def _changed() -> None:
    """Make every module look at the filters again."""
    with warnings.catch_warnings():
        pass


_hook = _Hook()
_of_thread = threading.local()


def _warn(item: Heard, whose: str) -> None:
    category = _here(item.category)
    text = f"{item.text} {whose}"
    try:
        message = category(text)
    except Exception:  # its constructor does not take a text
        message = UserWarning(f"{category.__name__}: {text}")
    # It has passed the filters at its origin, which may depend on module and text.
    warnings.showwarning(message, type(message), item.filename, item.lineno)


def _here(category: type[Warning]) -> type[Warning]:
    """Return this process's class of that name, for a copy from another process."""
    if category.__module__ != "__main__":
        return category
    found = getattr(sys.modules["__main__"], category.__qualname__, category)
    return found if isinstance(found, type) else category


def _ranges(numbers: Sequence[int]) -> str:
    """Return numbers in ascending order, in words: "3, 5 to 9"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    shown = [" to ".join(map(str, part)) for part in parts[:_EACH]]
    more = sum(part[-1] - part[0] + 1 for part in parts[_EACH:])
    return ", ".join(shown) + (f" and {more} more" if more else "")
