# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Successive halving: train all, keep the best part, train those longer."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field

from gpu_hpo.schedules._base import (
    Advance,
    Drop,
    Event,
    Failed,
    Instruction,
    Rung,
    Schedule,
)
from gpu_hpo.schedules._plateau import on_plateau

# How scores sort: finite before the rest, high before low, then by trial number.
_Key = tuple[bool, float, int]


def _key(trial: int, score: float) -> _Key:
    finite = math.isfinite(score)
    return (not finite, -score if finite else 0.0, trial)


def halving_rungs(
    n_trials: int, n_calls: int, aggressiveness: int, max_calls: int | None = None
) -> tuple[Rung, ...]:
    """Rungs of one successive-halving run, in integers.

    Rung ``i`` holds ``n_trials // aggressiveness**i`` trials at ``n_calls *
    aggressiveness**i`` calls; the last one is the first with a single trial, or the
    first to reach `max_calls`, which it does not exceed.

    Parameters
    ----------
    n_trials, n_calls : int
        Trials in the first rung, and calls that each of them makes.
    aggressiveness : int
        Of how many trials one is kept; at least 2.
    max_calls : int, optional
        Most calls of any trial.

    Returns
    -------
    tuple of Rung

    References
    ----------
    Jamieson and Talwalkar, "Non-stochastic best arm identification and
    hyperparameter optimization", 2016, https://arxiv.org/abs/1502.07943
    """
    rungs = []
    calls = n_calls
    while n_trials >= 1:
        calls = calls if max_calls is None else min(calls, max_calls)
        rungs.append(Rung(n_trials, calls))
        if n_trials == 1 or calls == max_calls:
            break
        n_trials //= aggressiveness
        calls *= aggressiveness
    return tuple(rungs)


@dataclass(slots=True)
class _RungState:
    """Who has reached a rung, best first."""

    keep: int  # how many go on to the next rung, at most
    expected: int  # how many may still reach this rung or have done so
    failed: int = 0  # how many were to reach it and failed on the way
    reached: list[_Key] = field(default_factory=list)
    promoted: int = 0  # the first so many of `reached` are promoted

    @property
    def awaited(self) -> int:
        return self.expected - len(self.reached)

    @property
    def certain(self) -> int:
        """How many of the best so far no missing trial can push out."""
        return max(0, min(self.keep - self.awaited, len(self.reached)))


class SuccessiveHalving(Schedule):
    """One successive-halving run over trials ``first_trial, first_trial + 1, ...``.

    A trial is promoted as soon as the scores still missing cannot push it out of
    the best ``n // aggressiveness``, and dropped as soon as they cannot bring it
    in; so the decisions are those of the complete rung, often before it is
    complete. Ties go to the lower trial number. Scores that are not finite rank
    last. A failed trial is never promoted, and no other takes its place where it
    had been, or would be: failing after the score at a rung is the same as failing
    on the way to the next.

    Parameters
    ----------
    n_trials : int
        Trials to start with.
    n_calls : int
        Calls up to the first decision.
    aggressiveness : int, default=3
        Keep one trial of so many at each decision.
    max_calls : int, optional
        Most calls of any trial. By default halving goes on until one is left.
    patience : int, default=0
        Score at least so often (in calls), and stop a trial that is on a plateau. A
        stopped trial keeps its rank but trains no more. 0 is off.
    tol : float or None, default=1e-3
        Improvement that is not a plateau.
    first_trial : int, default=0
        Number of the first trial.
    extra_scores : bool, default=True
        Whether to score every trial after its first call, which decides nothing, and
        as often as `patience` asks. If not, trials are scored at decisions only, for
        models that would have to be trained apart for each score.
    """

    def __init__(
        self,
        n_trials: int,
        n_calls: int,
        *,
        aggressiveness: int = 3,
        max_calls: int | None = None,
        patience: int = 0,
        tol: float | None = 1e-3,
        first_trial: int = 0,
        extra_scores: bool = True,
    ) -> None:
        self.rungs = halving_rungs(n_trials, n_calls, aggressiveness, max_calls)
        self.patience = patience
        self.tol = tol
        self.first_trial = first_trial
        self.extra_scores = extra_scores
        sizes = [rung.n_trials for rung in self.rungs]
        self._state = [
            _RungState(keep=after, expected=size)
            for size, after in zip(sizes, [*sizes[1:], 0], strict=True)
        ]
        trials = range(first_trial, first_trial + n_trials)
        self._rung = dict.fromkeys(trials, 0)  # rung that a trial trains for
        self._record: dict[int, list[tuple[int, float]]] = {t: [] for t in trials}
        self._stopped: set[int] = set()
        self._out: set[int] = set()  # dropped or failed

    def start(self) -> list[Instruction]:
        out: list[Instruction] = []
        for trial in self._rung:
            if not self.extra_scores:
                out.append(self._next_step(trial, 0))
                continue
            out.append(Advance(trial, 1))
            if self.rungs[0].calls > 1:
                out.append(self._next_step(trial, 1))
        return out

    def tell(self, event: Event) -> list[Instruction]:
        if event.trial in self._out:
            return []
        if isinstance(event, Failed):
            return self._fail(event.trial)
        if event.trial in self._stopped:
            return []
        record = self._record[event.trial]
        record.append((event.calls, event.score))
        target = self.rungs[self._rung[event.trial]].calls
        plateau = on_plateau(record, self.patience, self.tol)
        if plateau:
            self._stopped.add(event.trial)
        if event.calls < target and not plateau:
            if event.calls == 1 and self.extra_scores:
                return []  # start() gave the step after it as well
            return [self._next_step(event.trial, event.calls)]
        return self._reach(event.trial, event.score)

    @property
    def n_trials(self) -> int:
        return len(self._rung)

    @property
    def done(self) -> bool:
        return all(state.awaited == 0 for state in self._state)

    @property
    def finalists(self) -> list[int]:
        ranked = [trial for _, _, trial in self._state[-1].reached]
        return [trial for trial in ranked if trial not in self._out]

    def outlook(self, trial: int) -> tuple[Rung, ...]:
        return self.rungs[self._rung[trial] :]

    def validate(self) -> None:
        for rung, state in zip(self.rungs, self._state, strict=True):
            assert state.reached == sorted(state.reached)
            assert 0 <= state.awaited <= rung.n_trials
            assert state.promoted == state.certain
            assert state.expected <= rung.n_trials
        for before, after in zip(self._state, self._state[1:], strict=False):
            assert len(after.reached) + after.failed <= before.promoted
            assert before.promoted <= before.keep
            assert after.expected == self._able(before) - after.failed

    def _next_step(self, trial: int, calls: int) -> Advance:
        target = self.rungs[self._rung[trial]].calls
        if not self.extra_scores:
            return Advance(trial, target)
        return Advance(trial, min(target, calls + (self.patience or target)))

    def _reach(self, trial: int, score: float) -> list[Instruction]:
        """Enter `trial` at its rung and settle what that makes certain."""
        index = self._rung[trial]
        state = self._state[index]
        place = bisect_left(state.reached, _key(trial, score))
        state.reached.insert(place, _key(trial, score))
        out = self._promote(index, place)
        if 0 < state.keep < len(state.reached):
            loser = state.reached[max(place, state.keep)][2]
            if loser not in self._out:
                self._out.add(loser)
                out.append(Drop(loser))
        return out

    def _promote(self, index: int, place: int) -> list[Instruction]:
        """Promote whoever is certain now; `place` is where the last one came in.

        The promoted are always the first of `reached`. One more report makes at
        most one more place certain, so that one trial enters: the new one if it
        came in among them, else the one on the last certain place.
        """
        state = self._state[index]
        out: list[Instruction] = []
        while state.promoted < state.certain:
            trial = state.reached[min(place, state.promoted)][2]
            state.promoted += 1
            self._rung[trial] = index + 1
            calls, score = self._record[trial][-1]
            if trial in self._out:
                out += self._expect_less(index + 1)
            elif trial in self._stopped:
                out += self._reach(trial, score)
            else:
                out.append(self._next_step(trial, calls))
            place = len(state.reached)
        return out

    def _fail(self, trial: int) -> list[Instruction]:
        """Take out `trial`, at the next rung if it has its place at this one."""
        self._out.add(trial)
        index, record = self._rung[trial], self._record[trial]
        out: list[Instruction] = [Drop(trial)]
        reached = record and record[-1][0] >= self.rungs[index].calls
        if not reached and trial not in self._stopped:
            out += self._expect_less(index)
        return out

    @staticmethod
    def _able(before: _RungState) -> int:
        """How many will be sent on from a rung if nobody else fails."""
        return min(before.expected, before.keep)

    def _expect_less(self, index: int) -> list[Instruction]:
        """Expect one trial less at rung `index`, and so perhaps at those after it."""
        self._state[index].failed += 1
        out: list[Instruction] = []
        for i in range(index, len(self._state)):
            state = self._state[i]
            able = self._able(self._state[i - 1]) if i else self.rungs[0].n_trials
            if state.expected == able - state.failed:
                break
            state.expected = able - state.failed
            out += self._promote(i, len(state.reached))
        return out
