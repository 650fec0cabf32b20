# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Promote trials rung by rung: all start, and the best of each rung go on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

from gpu_hpo._arguments import NOT_NEGATIVE, TOL, checked
from gpu_hpo.schedules._base import (
    Advance,
    Drop,
    Event,
    Failed,
    Instruction,
    Rung,
    Schedule,
)
from gpu_hpo.schedules._plateau import may_be_plateau, on_plateau
from gpu_hpo.schedules._rung_state import RungState

# Scores that a trial is asked for before the first of them arrives: enough to keep a
# worker busy without a message per score, few enough to take no memory.
AHEAD = 64

# What all ladders have in common.
PLATEAU: dict[str, Any] = {
    "patience": [NOT_NEGATIVE],
    "tol": TOL,
    "extra_scores": ["boolean"],
}


class Ladder(Schedule):
    """Trials ``first_trial, first_trial + 1, ...`` on rungs that fewer and fewer reach.

    A trial is promoted as soon as the missing scores cannot push it out of the best
    that the next rung takes, and dropped as soon as they cannot bring it in. So the
    decisions are those of the complete rung, often before it is complete. Ties go to
    the lower trial number. Scores that are not finite rank last. A failed trial is
    never promoted, and no other trial takes a place that it had, or would have had:
    failing after the score at a rung is the same as failing on the way to the next.

    A trial does not wait for scores that decide nothing: it is asked for all scores up
    to its rung, some tens at a time, except for those after a possible plateau.

    Parameters
    ----------
    rungs : sequence of Rung
        Each has at most as many trials as the one before, and more calls. All trials of
        the last one are finalists.
    score_every : int, default=0
        Most calls between two scores between rungs, counted from the rung before, or
        from the first call. 0 scores at rungs only.
    patience : int, default=0
        Score at least every `patience` calls, and stop a trial that is on a plateau. A
        stopped trial keeps its rank but trains no more. 0 is off.
    tol : float or None, default=1e-3
        Improvement that is not a plateau.
    first_trial : int, default=0
        Number of the first trial.
    extra_scores : bool, default=True
        Whether to score every trial after its first call, which decides nothing, and
        as often as `score_every` and `patience` ask. If False, trials are scored at
        rungs only, for models that need a fit for each score.

    Raises
    ------
    ValueError
        If rungs are missing or out of order, or another argument is out of range.
    """

    @checked(
        rungs=[Sequence],
        score_every=[NOT_NEGATIVE],
        first_trial=[NOT_NEGATIVE],
        **PLATEAU,
    )
    def __init__(
        self,
        rungs: Sequence[Rung],
        *,
        score_every: int = 0,
        patience: int = 0,
        tol: float | None = 1e-3,
        first_trial: int = 0,
        extra_scores: bool = True,
    ) -> None:
        self.rungs = tuple(rungs)
        _check(self.rungs)
        self.score_every = score_every
        self.patience = patience
        self.tol = tol
        self.first_trial = first_trial
        self.extra_scores = extra_scores
        sizes = [rung.n_trials for rung in self.rungs]
        self._state = [
            RungState(keep=after, expected=size)
            for size, after in zip(sizes, [*sizes[1:], 0], strict=True)
        ]
        trials = range(first_trial, first_trial + sizes[0])
        self._rung = dict.fromkeys(trials, 0)  # rung that a trial trains for
        self._record: dict[int, list[tuple[int, float]]] = {t: [] for t in trials}
        self._asked = dict.fromkeys(trials, 0)  # calls of its last instruction
        self._due = dict.fromkeys(trials, 0)  # scores that were asked for, not yet in
        self._stopped: set[int] = set()
        self._out: set[int] = set()  # dropped or failed

    def start(self) -> list[Instruction]:
        return [step for trial in self._rung for step in self._advance(trial)]

    def tell(self, event: Event) -> list[Instruction]:
        trial = event.trial
        if trial in self._out:
            return []
        if isinstance(event, Failed):
            return self._fail(trial)
        if trial in self._stopped:
            return []
        record = self._record[trial]
        record.append((event.calls, event.score))
        self._due[trial] -= 1
        plateau = on_plateau(record, self.patience, self.tol)
        if plateau:
            self._stopped.add(trial)
        if plateau or event.calls >= self._target(trial):
            return self._settle(self._rung[trial], [trial])
        return self._advance(trial)

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

    def horizon(self) -> int | None:
        return self.rungs[-1].calls

    def validate(self) -> None:
        for rung, state in zip(self.rungs, self._state, strict=True):
            assert state.reached == sorted(state.reached)
            assert 0 <= state.awaited <= rung.n_trials
            assert state.promoted == state.certain
            assert state.expected <= rung.n_trials
        for before, after in pairwise(self._state):
            assert len(after.reached) + after.failed <= before.promoted
            assert before.promoted <= before.keep
            assert after.expected == before.able - after.failed
        for trial in self._rung.keys() - self._out:
            record, asked = self._record[trial], self._asked[trial]
            made = record[-1][0] if record else 0
            assert made <= asked <= self._target(trial)
            assert 0 <= self._due[trial] <= AHEAD
            # A stopped trial is asked for nothing more.
            assert trial not in self._stopped or made == asked
            assert (self._due[trial] == 0) == (made == asked)

    def _target(self, trial: int) -> int:
        """Return the calls of the rung that a trial trains for."""
        return self.rungs[self._rung[trial]].calls

    def _advance(self, trial: int) -> list[Instruction]:
        """Ask for further scores of a trial, up to its next possible plateau."""
        out: list[Instruction] = []
        if self._due[trial] > AHEAD // 2:
            return out
        record, target = self._record[trial], self._target(trial)
        made = record[-1][0] if record else 0
        asked = self._asked[trial]
        while asked < target and self._due[trial] < AHEAD:
            if asked > made and may_be_plateau(record, asked, self.patience, self.tol):
                break
            asked = self._next_score(trial, asked)
            self._due[trial] += 1
            out.append(Advance(trial, asked))
        self._asked[trial] = asked
        return out

    def _next_score(self, trial: int, calls: int) -> int:
        """Return when, in calls, to score a trial next after a score at `calls`."""
        target = self._target(trial)
        if not self.extra_scores:
            return target
        if calls == 0:
            return 1
        points = [target]
        if self.score_every:
            rung = self._rung[trial]
            start = self.rungs[rung - 1].calls if rung else 1
            done = (calls - start) // self.score_every
            points.append(start + (done + 1) * self.score_every)
        if self.patience:
            points.append(calls + self.patience)
        return min(points)

    def _fail(self, trial: int) -> list[Instruction]:
        """Take out `trial`: at the next rung, if it has been scored at this one."""
        self._out.add(trial)
        record = self._record[trial]
        drop: list[Instruction] = [Drop(trial)]
        reached = record and record[-1][0] >= self._target(trial)
        if reached or trial in self._stopped:
            return drop
        return drop + self._settle(self._rung[trial], failed=1)

    def _settle(
        self, index: int, arriving: Sequence[int] = (), failed: int = 0
    ) -> list[Instruction]:
        """Settle what is certain after trials have reached rung `index`, or failed.

        It goes on rung by rung: of the promoted trials, stopped ones reach the next
        rung at once, and those that have failed meanwhile never do.
        """
        out: list[Instruction] = []
        for i in range(index, len(self._state)):
            state = self._state[i]
            state.failed += failed
            able = self._state[i - 1].able if i else self.rungs[0].n_trials
            if not arriving and state.expected == able - state.failed:
                break
            going = state.expect(able - state.failed)
            losers = []
            for trial in arriving:
                promoted, loser = state.enter(trial, self._record[trial][-1][1])
                going += promoted
                if loser is not None and loser not in self._out:
                    self._out.add(loser)
                    losers.append(Drop(loser))
            arriving, failed = [], 0
            for trial in going:
                self._rung[trial] = i + 1
                if trial in self._out:
                    failed += 1
                elif trial in self._stopped:
                    arriving.append(trial)
                else:
                    out += self._advance(trial)
            out += losers
        return out


def _check(rungs: tuple[Rung, ...]) -> None:
    for rung in rungs:
        if not isinstance(rung, Rung) or not all(
            isinstance(number, Integral) for number in (rung.n_trials, rung.calls)
        ):
            raise TypeError(f"rungs has {rung!r}, which is no Rung of two integers")
    rising = all(a.calls < b.calls for a, b in pairwise(rungs))
    thinning = all(a.n_trials >= b.n_trials for a, b in pairwise(rungs))
    positive = bool(rungs) and rungs[0].calls > 0 and rungs[-1].n_trials > 0
    if not (rising and thinning and positive):
        raise ValueError(
            f"rungs={rungs} must be at least one, each of no more trials than the one "
            "before and of more calls"
        )
