# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Keep the file of a journal: one writer, who never waits for the disk."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpu_hpo.exceptions import JournalError, JournalInUseError
from gpu_hpo.journal._lines import encode, read_lines, seal

if TYPE_CHECKING:
    from filelock import FileLock

logger = logging.getLogger(__name__)

_EVERY = 1.0  # seconds between two times that lines are written, at most
_PRIVATE = 0o600


def read_file(path: Path) -> list[dict[str, Any]]:
    """Return the events of a journal, also while it is written.

    Raises
    ------
    FileNotFoundError
    JournalError
        If it was changed since it was written.
    """
    with path.open("rb") as file:
        return read_lines(file, str(path))[0]


class JournalFile:
    """Appends events to a file, in a thread, each at most a second later.

    What cannot be written, since the disk is full or gone, is tried again each second;
    the file ends with a whole line at any time.

    Parameters
    ----------
    path : Path
        Its folder must exist. A last line that was not written whole is cut off before
        the first event is appended; until then nothing is changed.

    Attributes
    ----------
    events : list of dict
        What was in it before.
    problem : str
        Why events could not be written, if that ever happened.
    n_missing : int
        Events that are not in the file, and should be.

    Raises
    ------
    JournalInUseError
        If another writer has it.
    JournalError
        If it cannot be read or written, or was changed since it was written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        self._lock = _locked(path)
        try:
            self._file = _open(path)
        except OSError as error:
            self._lock.release()
            raise JournalError(f"{path} cannot be written: {error.strerror}") from None
        try:
            self.events, self._size, self._check = read_lines(self._file, str(path))
        except BaseException:
            self._let_go()
            raise
        self._waiting: list[bytes] = []
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def append(self, event: Mapping[str, Any]) -> None:
        """Write an event soon; returns at once."""
        body = encode(event)
        with self._guard:
            self._waiting.append(body)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._write_on, name="gpu_hpo-journal", daemon=True
                )
                self._thread.start()
        self._wake.set()

    @property
    def n_missing(self) -> int:
        return len(self._waiting)

    def close(self) -> None:
        """Write what waits, once, and let others write."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._let_go()

    def _let_go(self) -> None:
        self._file.close()
        self._lock.release()

    def _write_on(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            if not self._write() and not self._closing.is_set():
                self._wake.set()
            self._closing.wait(_EVERY)
        self._write()

    def _write(self) -> bool:
        """Write what waits, as far as there is room; return whether that was all."""
        with self._guard:
            bodies = list(self._waiting)
        if not bodies:
            return True
        n = len(bodies)
        while n and not self._append(bodies[:n]):
            n //= 2  # there may be room for some
        with self._guard:
            del self._waiting[:n]
        return n == len(bodies)

    def _append(self, bodies: list[bytes]) -> bool:
        """Write some events, or none of them; return whether they are on the disk."""
        lines, check = [], self._check
        for body in bodies:
            line, check = seal(body, check)
            lines.append(line)
        data = b"".join(lines)
        try:
            self._file.truncate(self._size)
            self._file.seek(self._size)
            _write_all(self._file, data)
            os.fsync(self._file.fileno())
        except OSError as error:
            if not self.problem:
                logger.warning("%s cannot be written: %s", self.path, error.strerror)
            self.problem = error.strerror or str(error)
            self._cut_off()
            return False
        self._size += len(data)
        self._check = check
        return True

    def _cut_off(self) -> None:
        """Leave no part of a line behind what is whole."""
        try:
            self._file.truncate(self._size)
        except OSError as error:
            # Who reads it passes over a last line that is not whole.
            logger.info("%s cannot be cut off: %s", self.path, error.strerror)


def is_locked(path: Path) -> bool:
    """Return whether a search writes a journal, as far as this machine knows."""
    from filelock import FileLock, Timeout

    place = Path(f"{path}.lock")
    if not place.exists():
        return False
    try:
        with FileLock(place, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False  # it may only be read


def _locked(path: Path) -> FileLock:
    from filelock import FileLock, Timeout  # which no other search needs

    if not path.parent.is_dir():
        raise JournalError(f"{path} cannot be written: {path.parent} is no folder")
    if path.exists() and not path.is_file():
        raise JournalError(f"{path} cannot be written: it is no file")
    lock = FileLock(f"{path}.lock", mode=_PRIVATE, thread_local=False)
    try:
        # `is_locked` has it for a moment.
        lock.acquire(timeout=0.2, poll_interval=0.02)
    except Timeout:
        raise JournalInUseError(
            f"{path} is being written by another search. One search at a time can; "
            "gpu_hpo.journal.read reads it meanwhile"
        ) from None
    except OSError as error:
        raise JournalError(f"{path} cannot be written: {error.strerror}") from None
    return lock


def _open(path: Path) -> FileIO:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    return FileIO(os.open(path, flags, _PRIVATE), "r+")


def _write_all(file: FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) or 0 :]
