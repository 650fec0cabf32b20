# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Keep what a search spends while it runs, for its report and its pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class TaskRun:
    """A task that has reported.

    Attributes
    ----------
    worker : str
    trials : tuple of int
        Those that it advanced or scored.
    ended : float
        When its report came, in seconds since training began.
    seconds : float
        How long it ran on the worker.
    """

    worker: str
    trials: tuple[int, ...]
    ended: float
    seconds: float


@dataclass
class Fits:
    """Fits of an exhaustive search.

    Attributes
    ----------
    n : int
    fit_seconds, score_seconds : float
    """

    n: int = 0
    fit_seconds: float = 0.0
    score_seconds: float = 0.0


@dataclass
class Ledger:
    """What one call of `fit` spent. What is None is not known.

    Attributes
    ----------
    seconds : float or None
        From the start of `fit` to its end.
    phases : dict of str to float
        Seconds of "load" (rows to the workers), "train" (calls and scores) and "finish"
        (the best model). The rest of `seconds` went into checks and the cluster.
    slots : dict of str to int
        Tasks that run at a time, by worker, when the search began.
    tasks : sequence of TaskRun or None
    n_rows : (int, int) or None
        That train and that validate.
    n_chunks, n_bytes : int or None
        Chunks that train, and their bytes.
    horizon : int or None
        The most calls that any trial may make.
    failures : dict of int to list of str
        Of an exhaustive search: tracebacks by candidate.
    fits : Fits or None
        Of an exhaustive search: what was fitted, also for candidates that were not
        tried on all splits.
    n_recalled : int
        Scores, or fits, that were not made but taken from a journal.
    """

    began: float = field(default_factory=monotonic)
    seconds: float | None = None
    phases: dict[str, float] = field(default_factory=dict)
    slots: Mapping[str, int] = field(default_factory=dict)
    tasks: Sequence[TaskRun] | None = None
    n_rows: tuple[int, int] | None = None
    n_chunks: int | None = None
    n_bytes: int | None = None
    horizon: int | None = None
    failures: Mapping[int, Sequence[str]] = field(default_factory=dict)
    fits: Fits | None = None
    n_recalled: int = 0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what is done in this context, however it ends."""
        began = monotonic()
        try:
            yield
        finally:
            self.phases[name] = self.phases.get(name, 0.0) + monotonic() - began

    async def timed(self, name: str, awaited: Awaitable[Result]) -> Result:
        """Time what is awaited, as a phase."""
        with self.phase(name):
            return await awaited

    def end(self) -> None:
        """Note that `fit` has ended; the last time counts."""
        self.seconds = monotonic() - self.began


@contextmanager
def kept_by(search: Any, *, anew: bool = True) -> Iterator[Ledger]:
    """Give a search a ledger, and note the end of `fit` however it ends.

    Parameters
    ----------
    search : estimator
    anew : bool, default=True
        Whether `fit` begins here; otherwise it has begun, and may end here.
    """
    ledger: Ledger = Ledger() if anew else search._ledger
    search._ledger = ledger
    try:
        yield ledger
    finally:
        ledger.end()


def reason_of(error: str) -> str:
    """Return kind and first line of the exception that a traceback ends with."""
    lines = error.rpartition("Traceback (most recent call last):\n")[2]
    stated = (line for line in lines.splitlines() if line and line[0] != " ")
    return next(stated, error)
