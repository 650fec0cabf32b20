# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Count launches, waits and copies, with the line of the package that caused each."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import gpu_hpo

PACKAGE = str(Path(gpu_hpo.__file__).parent) + "/"


@dataclass(frozen=True)
class Event:
    """Something that the host has asked of the device.

    Attributes
    ----------
    kind : {"launch", "wait", "upload", "download", "move", "fill"}
        A kernel or a call of a library; the host waits; a copy to, from or within the
        device, or of one byte over a piece of memory.
    what : str
        Name of the kernel or of the call.
    n_bytes : int
        That are copied.
    line : str
        ``file.py:12`` in the package, the innermost; "" if none is on the stack.
    stream : int
        CUDA's name of the stream: 0 is the default one, 2 the thread's own.
    thread : int
        Of the host.
    """

    kind: str
    what: str
    n_bytes: int
    line: str
    stream: int = 0
    thread: int = 0


@dataclass
class Counts:
    """Events of some time, in order."""

    events: list[Event] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Event]:
        """Return the events of some kinds."""
        return [event for event in self.events if event.kind in kinds]

    def totals(self) -> dict[str, int]:
        """Count events by kind."""
        return dict(Counter(event.kind for event in self.events))

    def lines(self, *kinds: str) -> list[tuple[str, int]]:
        """Count events of some kinds by line, the most first."""
        return Counter(
            f"{event.line or '-'} {event.what}" for event in self.of(*kinds)
        ).most_common()

    def n_bytes(self, kind: str) -> int:
        """Add up what was copied."""
        return sum(event.n_bytes for event in self.of(kind))


_open: list[Counts] = []
_lock = threading.Lock()
_own = threading.local()


def note(kind: str, what: str, n_bytes: int = 0, stream: int = 0) -> None:
    """Count an event for all who count now."""
    if not _open or getattr(_own, "quiet", 0):
        return
    event = Event(kind, what, n_bytes, _line(), stream, threading.get_ident())
    with _lock:
        for counts in _open:
            counts.events.append(event)


@contextmanager
def counting() -> Iterator[Counts]:
    """Count what all threads of this process ask of the device meanwhile."""
    counts = Counts()
    with _lock:
        _open.append(counts)
    try:
        yield counts
    finally:
        with _lock:
            # Two that are equal are not the same.
            _open[:] = [other for other in _open if other is not counts]


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what the emulator itself asks for, in this thread."""
    _own.quiet = getattr(_own, "quiet", 0) + 1
    try:
        yield
    finally:
        _own.quiet -= 1


def _line() -> str:
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(PACKAGE):
            return f"{name[len(PACKAGE) :]}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
