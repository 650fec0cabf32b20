# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Record a search in a file, so that the next `fit` goes on where it was."""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from gpu_hpo.exceptions import GpuHpoWarning, JournalError, JournalMismatchError
from gpu_hpo.journal._file import JournalFile
from gpu_hpo.journal._identity import check_same

FORMAT = 1  # of the events; a reader knows all up to its own

Resume = Literal["auto", "must", "never"]


class Journal:
    """Where a search is recorded, and what to do with a search that is there already.

    A search that is given a path instead has ``Journal(path)``.

    Parameters
    ----------
    path : str or os.PathLike
        A file, made if it is not there, readable by its owner only; its folder must
        exist. Beside it is a file of the same name and ``.lock``.
    resume : {"auto", "must", "never"}, default="auto"
        What `fit` does. "auto" goes on with the search that is in the journal, or
        begins one; "must" raises an error if there is none, "never" if there is one.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, resume: Resume = "auto"
    ) -> None:
        check_path("path", path)
        if not isinstance(resume, str) or resume not in ("auto", "must", "never"):
            raise ValueError(
                f"resume must be 'auto', 'must' or 'never', not {resume!r}"
            )
        self.path = path
        self.resume = resume

    def __repr__(self) -> str:
        more = "" if self.resume == "auto" else f", resume={self.resume!r}"
        return f"Journal({os.fspath(self.path)!r}{more})"


def check_path(name: str, value: Any) -> None:
    """Raise TypeError unless an argument is a path."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be a str or an os.PathLike, not {value!r}")


JournalLike: TypeAlias = str | os.PathLike[str] | Journal | None


def as_journal(value: Any) -> Journal | None:
    """Return the journal that a search is given, by a path or as it is."""
    return value if value is None or isinstance(value, Journal) else Journal(value)


class OpenJournal:
    """The journal of one `fit`.

    Parameters
    ----------
    journal : Journal
    name : str
        Class of the search.

    Raises
    ------
    JournalError
        If it cannot be read or written, was changed since it was written, is of a newer
        version, or has a search, or none, where `resume` does not want that.
    JournalInUseError
        If another search writes it.
    JournalMismatchError
        If it has another kind of search.
    """

    def __init__(self, journal: Journal, name: str) -> None:
        self.path = Path(os.path.abspath(os.path.expanduser(journal.path)))
        if journal.resume == "must" and not self.path.exists():
            raise JournalError(
                f"{self.path} is not there to be gone on with, and resume='must'"
            )
        self._name = name
        self._file = JournalFile(self.path)
        try:
            self._check(journal.resume)
        except BaseException:
            self._file.close()
            raise

    def _check(self, resume: Resume) -> None:
        events = self._file.events
        if not events:
            if resume == "must":
                raise JournalError(
                    f"{self.path} has no search to go on with, and resume='must'"
                )
            return
        check_format(events, str(self.path))
        if events[0]["search"] != self._name:
            raise JournalMismatchError(
                f"{self.path} has a {events[0]['search']}, not a {self._name}"
            )
        if resume == "never":
            raise JournalError(f"{self.path} has a search, and resume='never'")

    @property
    def entropy(self) -> Any:
        """The seed of the search that is here, if there is one."""
        events = self._file.events
        return events[0]["seed"] if events else None

    def check(self, identity: Mapping[str, Any]) -> None:
        """Raise JournalMismatchError unless the search that is here is the same.

        Parameters
        ----------
        identity : mapping of str to object
            What it depends on, as far as it is known.
        """
        events = self._file.events
        if events:
            then = {key: events[0]["identity"].get(key) for key in identity}
            check_same(then, identity, str(self.path))

    def begin(
        self, seed: Any, identity: Mapping[str, Any], facts: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Begin to record; return the first event, and those of earlier runs after it.

        Parameters
        ----------
        seed : int
            From which all that is random follows.
        identity : mapping of str to object
            What the search depends on.
        facts : mapping of str to object
            What may change from one run to the next, such as the trials.
        """
        self.check(identity)
        known = self._file.events[1:]
        event = {
            "event": "begin" if not self._file.events else "resume",
            "journal": FORMAT,
            "search": self._name,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "host": socket.gethostname(),
            "pid": os.getpid(),
            **facts,
        }
        if not self._file.events:
            event |= {"seed": seed, "identity": identity}
        self._file.append(event)
        return (self._file.events or [event])[0], known

    def check_part(self, part: Mapping[str, Any]) -> None:
        """Raise JournalMismatchError if what became known later is not as it was.

        Parameters
        ----------
        part : mapping of str to object
            More of what the search depends on; recorded if it is new.
        """
        then: dict[str, Any] = {}
        for event in self._file.events:
            if event["event"] == "part":
                then |= event["part"]
        check_same(
            {key: then[key] for key in part if key in then},
            {key: part[key] for key in part if key in then},
            str(self.path),
        )
        new = {key: value for key, value in part.items() if key not in then}
        if new:
            self._file.append({"event": "part", "part": new})

    def write(self, event: Mapping[str, Any]) -> None:
        """Record an event."""
        self._file.append(event)

    def close(self) -> str:
        """Let others write; return what is to be said of it, or ""."""
        self._file.close()
        if self._file.n_missing:
            return (
                f"{self.path} lacks the last {self._file.n_missing} events: "
                f"{self._file.problem}. What is in it can be gone on with"
            )
        return ""


def check_format(events: Sequence[Mapping[str, Any]], where: str) -> None:
    """Raise JournalError unless these events are of a journal of a known format."""
    first = events[0]
    if first.get("event") != "begin" or "journal" not in first:
        raise JournalError(f"{where} is no journal of gpu_hpo")
    newest = max(event.get("journal", 0) for event in events)
    if newest > FORMAT:
        raise JournalError(
            f"{where} is of format {newest}, and this version of gpu_hpo knows those "
            f"up to {FORMAT}"
        )


@contextmanager
def opened(given: JournalLike, name: str) -> Iterator[OpenJournal | None]:
    """Open the journal that a search is given, if any; close it however that ends."""
    wanted = as_journal(given)
    if wanted is None:
        yield None
        return
    journal = OpenJournal(wanted, name)
    try:
        yield journal
    finally:
        if problem := journal.close():
            warnings.warn(problem, GpuHpoWarning, stacklevel=2)
