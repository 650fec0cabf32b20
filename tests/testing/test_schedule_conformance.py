# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests that the conformance suite finds what is wrong with a schedule."""

import math
import random

import pytest

from gpu_hpo.schedules import (
    Advance,
    Drop,
    Failed,
    Rung,
    Schedule,
    Scored,
    SuccessiveHalving,
)
from gpu_hpo.testing import check_schedule


class Halves(Schedule):
    """Four trials train one call, the better two another: right, and slow to decide."""

    def __init__(self):
        self.scores = {}
        self.failed = set()
        self.going = set()

    def start(self):
        return [Advance(trial, 1) for trial in range(4)]

    def tell(self, event):
        if isinstance(event, Failed):
            self.failed.add(event.trial)
            self.going.discard(event.trial)
        else:
            self.scores[event.trial, event.calls] = event.score
            if event.calls == 2:
                self.going.discard(event.trial)
                return []
        first = [trial for trial, calls in self.scores if calls == 1]
        if isinstance(event, Failed) and event.calls == 1:
            return []
        if len({*first} | self.failed) < 4:
            return []
        ranked = sorted(first, key=self.rank)
        self.going = set(ranked[:2])
        return [Advance(trial, 2) for trial in ranked[:2]]

    def rank(self, trial):
        score = self.scores[trial, 1]
        finite = math.isfinite(score)
        return (not finite, -score if finite else 0, trial)

    @property
    def n_trials(self):
        return 4

    @property
    def done(self):
        first = {trial for trial, calls in self.scores if calls == 1}
        return len(first | self.failed) == 4 and not self.going

    @property
    def finalists(self):
        return [trial for trial, calls in self.scores if calls == 2]

    def outlook(self, trial):
        return (
            (Rung(4, 1), Rung(2, 2)) if (trial, 1) not in self.scores else (Rung(2, 2),)
        )


def test_a_right_schedule_passes():
    """The suite accepts a schedule that has nothing to do with ours."""
    check_schedule(Halves, total_calls=6)


class ByArrival(Halves):
    def rank(self, trial):
        return list(self.scores).index((trial, 1))


class ForgetsOne(Halves):
    def start(self):
        return super().start()[:3]


class EndsEarly(Halves):
    done = property(lambda self: len(self.scores) >= 5)


class NeverEnds(Halves):
    done = property(lambda self: False)


class GoesBack(Halves):
    def tell(self, event):
        return [Advance(step.trial, 1) for step in super().tell(event)]


class AdvancesFailed(Halves):
    def tell(self, event):
        again = isinstance(event, Failed)
        return super().tell(event) + again * [Advance(event.trial, 3)]


class AdvancesDropped(Halves):
    def tell(self, event):
        answer = super().tell(event)
        return [Drop(step.trial) for step in answer] + answer


class DropsTwice(Halves):
    def tell(self, event):
        over = isinstance(event, Scored) and event.calls == 2
        return super().tell(event) + over * 2 * [Drop(event.trial)]


class DropsFinalists(Halves):
    def tell(self, event):
        over = isinstance(event, Scored) and event.calls == 2
        return super().tell(event) + over * [Drop(event.trial)]


class NoSuchTrial(Halves):
    def start(self):
        return [*super().start(), Advance(4, 1)]


class Guesses(Halves):
    def rank(self, trial):
        return random.random()


class Invalid(Halves):
    def validate(self):
        assert not self.scores, "something is wrong inside"


class ShortSighted(Halves):
    def outlook(self, trial):
        return (Rung(4, 1),)

    def horizon(self):
        return None


class GoesTooFar(Halves):
    def horizon(self):
        return 1


class NaNIsBest(Halves):
    """Python's sort leaves NaN about where it was, so order of arrival decides."""

    def rank(self, trial):
        return (-self.scores[trial, 1], trial)

    def tell(self, event):
        answer = super().tell(event)
        return [Advance(t, 2) for t in sorted(step.trial for step in answer)]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (ByArrival, "gives other instructions than .*reverse order"),
        (ForgetsOne, "is not done, but asks for nothing more"),
        (EndsEarly, "is done while an event is due"),
        (NeverEnds, "is not done, but asks for nothing more"),
        (GoesBack, "asks trial . for 1 calls, though 1 were asked for before"),
        (AdvancesFailed, "advances failed trial"),
        (AdvancesDropped, "advances dropped trial"),
        (DropsTwice, "drops trial . twice"),
        (DropsFinalists, "dropped trial as finalist"),
        (NoSuchTrial, "names trial 4, which it does not have"),
        (Guesses, "answers the same events in another way|gives other"),
        (Invalid, "(?s)something is wrong inside.*after Scored"),
        (ShortSighted, "has an outlook of"),
        (GoesTooFar, "asks trial . for 2 calls, beyond its horizon of 1"),
        (NaNIsBest, "gives other"),
    ],
)
def test_broken_schedules_fail(broken, message):
    """The suite names what a broken schedule does wrong, and in which order."""
    with pytest.raises(AssertionError, match=message):
        check_schedule(broken, orders=20)


def test_calls_must_add_up():
    """The suite compares with the total that the user expects."""
    with pytest.raises(AssertionError, match="made 6 calls in all, not 7"):
        check_schedule(Halves, total_calls=7)


def test_awaiting_the_lost_is_found():
    """A failure that the schedule goes on waiting for is found."""

    class Waits(SuccessiveHalving):
        def tell(self, event):
            return [] if isinstance(event, Failed) else super().tell(event)

    with pytest.raises(AssertionError, match="asks for nothing more"):
        check_schedule(lambda: Waits(9, 1), fails=lambda trial, call: trial == 3)
