# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Ask a function after each round which trials train on, and how far."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any

from gpu_hpo._arguments import POSITIVE, checked
from gpu_hpo.schedules._base import (
    Advance,
    Drop,
    Event,
    Failed,
    Instruction,
    Rung,
    Schedule,
)

Records = dict[int, tuple[tuple[int, float], ...]]
Decide = Callable[[Records], Mapping[int, int]]


class Rounds(Schedule):
    """Rounds in which all live trials are scored, with a decision after each.

    The rule is that of dask-ml's ``additional_calls``. In the first round every trial
    makes `first_calls` calls. Once all have been scored, `decide` says how many more
    calls each makes in the next round. The search ends when none makes any.

    Parameters
    ----------
    n_trials : int
    decide : callable
        ``decide(records)`` gets a dict from the numbers of all live trials to their
        (calls, score) pairs, oldest first. Failed trials are left out, and scores that
        are not finite are given as minus infinity. It returns a dict from some of these
        trials to the number of calls that each makes before its next score; 0 keeps a
        trial as it is. A trial that is left out is dropped for good. If no number is
        positive, the best is chosen among the trials in the dict. The result must
        depend on `records` only, or the search is not reproducible.
    first_calls : int, default=1
        Calls of every trial in the first round.
    max_calls : int, optional
        Most calls of any trial; `decide` cannot exceed them.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, or `first_calls` is more than `max_calls`; while
        the search runs, if the result of `decide` is invalid.

    Examples
    --------
    Drop the worst in each round, until one is left:

    >>> from gpu_hpo.schedules import Rounds
    >>> def drop_worst(records):
    ...     ranked = sorted(records, key=lambda trial: records[trial][-1][1])
    ...     best = ranked[1:] or ranked
    ...     return dict.fromkeys(best, 1 if len(best) > 1 else 0)
    >>> schedule = Rounds(10, drop_worst)
    >>> drop_worst({0: ((1, 0.5),), 1: ((1, 0.25),), 2: ((1, 0.75),)})
    {0: 1, 2: 1}
    """

    @checked(
        n_trials=[POSITIVE],
        decide=[callable],
        first_calls=[POSITIVE],
        max_calls=[POSITIVE, None],
    )
    def __init__(
        self,
        n_trials: int,
        decide: Decide,
        *,
        first_calls: int = 1,
        max_calls: int | None = None,
    ) -> None:
        if max_calls is not None and first_calls > max_calls:
            raise ValueError(
                f"first_calls={first_calls} must not be more than max_calls={max_calls}"
            )
        self.decide = decide
        self.max_calls = max_calls
        self._records: dict[int, list[tuple[int, float]]]
        self._records = {trial: [] for trial in range(n_trials)}
        self._target = dict.fromkeys(
            range(n_trials), first_calls
        )  # calls asked for so far
        self._live = set(range(n_trials))
        self._awaited = set(range(n_trials))
        self._width = n_trials  # trials of the round under way

    def start(self) -> list[Instruction]:
        return [Advance(trial, calls) for trial, calls in self._target.items()]

    def tell(self, event: Event) -> list[Instruction]:
        trial = event.trial
        if trial not in self._live:
            return []
        out: list[Instruction] = []
        due = bool(self._awaited)
        if isinstance(event, Failed):
            self._live.remove(trial)
            out.append(Drop(trial))
        elif trial in self._awaited:
            # So that a missing score is the worst in any comparison.
            score = event.score if math.isfinite(event.score) else -math.inf
            self._records[trial].append((event.calls, score))
        self._awaited.discard(trial)
        if due and not self._awaited and self._live:
            out += self._next_round()
        return out

    @property
    def n_trials(self) -> int:
        return len(self._records)

    @property
    def done(self) -> bool:
        return not self._awaited

    @property
    def finalists(self) -> list[int]:
        return sorted(self._live)

    def outlook(self, trial: int) -> tuple[Rung, ...]:
        calls = self._target[trial]
        if trial in self._awaited:
            rungs = [Rung(self._width, calls)]
            if self.max_calls is not None and calls < self.max_calls:
                rungs.append(Rung(1, self.max_calls))
            return tuple(rungs)
        if trial in self._live and not self.done:
            # It waits for the end of the round, and may go on after it.
            calls = calls + 1 if self.max_calls is None else self.max_calls
        return (Rung(self._width, calls),)

    def horizon(self) -> int | None:
        return self.max_calls

    def validate(self) -> None:
        assert self._awaited <= self._live <= self._records.keys()
        for trial in self._live:
            record = self._records[trial]
            made = record[-1][0] if record else 0
            target = self._target[trial]
            assert made < target if trial in self._awaited else made == target
            assert self.max_calls is None or target <= self.max_calls

    def _next_round(self) -> list[Instruction]:
        records = {trial: tuple(self._records[trial]) for trial in sorted(self._live)}
        more = self._checked(self.decide(dict(records)), records)
        for trial in records.keys() - more.keys():
            self._live.remove(trial)
        out: list[Instruction] = [Drop(t) for t in records if t not in more]
        for trial in sorted(more):
            calls = self._target[trial] + more[trial]
            if self.max_calls is not None:
                calls = min(calls, self.max_calls)
            if calls > self._target[trial]:
                self._target[trial] = calls
                self._awaited.add(trial)
                out.append(Advance(trial, calls))
        self._width = len(self._awaited) or len(self._live)
        return out

    def _checked(self, answer: Any, records: Records) -> dict[int, int]:
        """Return what `decide` returned, if it is valid."""
        if not isinstance(answer, Mapping):
            raise TypeError(
                "decide must return a dict of trials to calls to make; it returned "
                f"{answer!r}"
            )
        if not answer:
            raise ValueError(
                "decide dropped every trial, so that none is left to be the best; to "
                "end a search, return those to choose from with 0 calls to make"
            )
        for trial, calls in answer.items():
            if trial not in records:
                raise ValueError(
                    f"decide returned {trial!r}, which is no live trial; those are "
                    f"{list(records)}"
                )
            if isinstance(calls, bool) or not isinstance(calls, Integral):
                raise TypeError(
                    f"decide must return numbers of calls as int; trial {trial} has "
                    f"{calls!r}"
                )
            if calls < 0:
                raise ValueError(
                    f"decide returned {calls} calls for trial {trial}; it must be 0 or "
                    "more"
                )
        return {int(trial): int(calls) for trial, calls in answer.items()}
