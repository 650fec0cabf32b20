# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Check what any schedule must do, in whichever order trials report."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Integral

from gpu_hpo._arguments import NOT_NEGATIVE, POSITIVE, checked
from gpu_hpo.schedules._base import (
    Advance,
    Drop,
    Event,
    Failed,
    Instruction,
    Schedule,
    Scored,
)

ScoreFunction = Callable[[int, int], float]
FailFunction = Callable[[int, int], bool]
Choose = Callable[[int], int]


@dataclass(slots=True)
class Outcome:
    """Say how a schedule's run ended.

    Attributes
    ----------
    asked : set of (trial, calls)
        All its `Advance` instructions.
    scores : dict of (trial, calls) to float
    made : dict of int to int
        Calls made, by trial.
    finalists : list of int
        Sorted.
    failed, dropped : set of int
    events : list of Event
        In the order of delivery.
    answers : list of list of Instruction
        To the start, and to each event.
    """

    asked: set[tuple[int, int]] = field(default_factory=set)
    scores: dict[tuple[int, int], float] = field(default_factory=dict)
    made: dict[int, int] = field(default_factory=dict)
    finalists: list[int] = field(default_factory=list)
    failed: set[int] = field(default_factory=set)
    dropped: set[int] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    answers: list[list[Instruction]] = field(default_factory=list)

    @property
    def total_calls(self) -> int:
        """Count the calls made by all trials."""
        return sum(self.made.values())


@checked(
    make=[callable],
    score=[callable, None],
    fails=[callable, None],
    total_calls=[NOT_NEGATIVE, None],
    orders=[NOT_NEGATIVE],
    seed=[Integral],
)
def check_schedule(
    make: Callable[[], Schedule],
    *,
    score: ScoreFunction | None = None,
    fails: FailFunction | None = None,
    total_calls: int | None = None,
    orders: int = 4,
    seed: int = 0,
) -> None:
    """Check that a schedule keeps the promises of `Schedule`.

    The schedule runs with scores that all differ, that tie, that are all equal and that
    are NaN or infinite, each without and with failing trials, and with reports in the
    order of instructions, in reverse order and in random orders.

    Parameters
    ----------
    make : callable
        ``make()`` returns a new schedule, the same each time.
    score : callable, optional
        ``score(trial, calls)``, to be used instead of the scores above.
    fails : callable, optional
        ``fails(trial, call)``, whether that call of that trial (from 1) raises; by
        default no call, and then random ones.
    total_calls : int, optional
        Calls that all trials make together if none fails.
    orders : int, default=4
        Random orders to try.
    seed : int, default=0
        Seed of random scores, failures and orders.

    Raises
    ------
    AssertionError
        Says which promise was broken, with which scores and in which order.

    Examples
    --------
    >>> from gpu_hpo.schedules import Hyperband
    >>> from gpu_hpo.testing import check_schedule
    >>> check_schedule(lambda: Hyperband(27, 3), total_calls=357)
    """
    scores = {_name(score): score} if score else _scores(seed)
    failures = {_name(fails): fails} if fails else _failures(seed)
    for score_name, score_of in scores.items():
        for fails_name, fails_at in failures.items():
            where = f"scores {score_name}, failures {fails_name}"
            total = total_calls if fails_at is _never else None
            choices = _choices(orders, seed)
            _check_orders(make, score_of, fails_at, total, choices, where)


def _choices(n_random: int, seed: int) -> dict[str, Choose]:
    """Return orders of reports, by what they are called in errors."""
    choices: dict[str, Choose] = {
        "order of instructions": lambda n: 0,
        "reverse order": lambda n: n - 1,
    }
    for i in range(n_random):
        choices[f"random order {i}"] = random.Random(f"{seed} {i}").randrange
    return choices


def _check_orders(
    make: Callable[[], Schedule],
    score: ScoreFunction,
    fails: FailFunction,
    total_calls: int | None,
    orders: dict[str, Choose],
    where: str,
) -> None:
    first: Outcome | None = None
    for order, choose in orders.items():
        try:
            outcome = drive_schedule(make(), score, fails=fails, choose=choose)
            _check_replay(make(), outcome)
            if total_calls is not None:
                made = outcome.total_calls
                _require(
                    made == total_calls, f"made {made} calls in all, not {total_calls}"
                )
            if first is None:
                first = outcome
            _require_same("instructions", first.asked, outcome.asked)
            _require_same("finalists", set(first.finalists), set(outcome.finalists))
            _require_same("calls", set(first.made.items()), set(outcome.made.items()))
        except AssertionError as error:
            raise AssertionError(f"{error} ({where}, {order})") from error


@checked(
    schedule=[Schedule],
    score=[callable],
    fails=[callable, None],
    choose=[callable],
    max_events=[POSITIVE],
)
def drive_schedule(
    schedule: Schedule,
    score: ScoreFunction,
    *,
    fails: FailFunction | None = None,
    choose: Choose = lambda n: 0,
    max_events: int = 1_000_000,
) -> Outcome:
    """Carry out a schedule, checking each step.

    The instructions for one trial are carried out in the order in which they were
    given; which trial reports next is chosen.

    Parameters
    ----------
    schedule : Schedule
        Not started.
    score : callable
        ``score(trial, calls)``
    fails : callable, optional
        ``fails(trial, call)``, whether that call (from 1) raises.
    choose : callable, optional
        ``choose(n)``, a number below `n`: which of the trials with pending
        instructions, in the order of these, reports next. ``lambda n:
        data.draw(st.integers(0, n - 1))`` lets Hypothesis choose.
    max_events : int
        With more events a schedule is considered endless.

    Returns
    -------
    Outcome

    Raises
    ------
    AssertionError
        Says which promise was broken.
    """
    driver = _Driver(schedule, score, fails or _never)
    driver.follow(schedule.start())
    while driver.pending:
        _require(not schedule.done, "is done while an event is due")
        _require(len(driver.outcome.events) < max_events, "does not end")
        event = driver.carry_out(choose(len(driver.pending)))
        driver.outcome.events.append(event)
        try:
            driver.follow(schedule.tell(event))
        except AssertionError as error:
            raise AssertionError(f"{error}, after {event}") from error
    _require(schedule.done, "is not done, but asks for nothing more")
    finalists = sorted(schedule.finalists)
    out = driver.outcome.failed | driver.outcome.dropped
    _require(len(set(finalists)) == len(finalists), "names a finalist twice")
    _require(not out & set(finalists), "has a failed or dropped trial as finalist")
    driver.outcome.finalists = finalists
    return driver.outcome


class _Driver:
    """Carry out instructions for trials; `pending` is in the order of giving."""

    def __init__(
        self, schedule: Schedule, score: ScoreFunction, fails: FailFunction
    ) -> None:
        self.schedule = schedule
        self.score = score
        self.fails = fails
        self.outcome = Outcome()
        self.horizon = schedule.horizon()
        self.pending: dict[int, list[int]] = {}
        self.asked: dict[int, int] = {}

    def follow(self, instructions: list[Instruction]) -> None:
        self.outcome.answers.append(instructions)
        for step in instructions:
            known = 0 <= step.trial < self.schedule.n_trials
            _require(known, f"names trial {step.trial}, which it does not have")
            if isinstance(step, Drop):
                _require(
                    step.trial not in self.outcome.dropped,
                    f"drops trial {step.trial} twice",
                )
                self.outcome.dropped.add(step.trial)
                self.pending.pop(step.trial, None)
            else:
                self._advance(step)
        self.schedule.validate()
        for trial in {step.trial for step in instructions} & self.pending.keys():
            target = self.pending[trial][-1]
            ahead = [rung.calls for rung in self.schedule.outlook(trial)]
            _require(
                bool(ahead) and ahead[0] >= target and ahead == sorted(ahead),
                f"has an outlook of {ahead} calls for trial {trial}, which is to "
                f"advance to {target}",
            )

    def carry_out(self, number: int) -> Event:
        trial = list(self.pending)[number]
        calls = self.pending[trial].pop(0)
        made = self.outcome.made.get(trial, 0)
        while made < calls and not self.fails(trial, made + 1):
            made += 1
        self.outcome.made[trial] = made
        if made < calls:
            self.outcome.failed.add(trial)
            del self.pending[trial]
            return Failed(trial, made, "on purpose")
        if not self.pending[trial]:
            del self.pending[trial]
        self.outcome.scores[trial, calls] = value = self.score(trial, calls)
        return Scored(trial, calls, value)

    def _advance(self, step: Advance) -> None:
        trial = step.trial
        _require(trial not in self.outcome.failed, f"advances failed trial {trial}")
        _require(trial not in self.outcome.dropped, f"advances dropped trial {trial}")
        before = self.asked.get(trial, 0)
        _require(
            step.calls > before,
            f"asks trial {trial} for {step.calls} calls, though {before} were asked "
            "for before",
        )
        _require(
            self.horizon is None or step.calls <= self.horizon,
            f"asks trial {trial} for {step.calls} calls, beyond its horizon of "
            f"{self.horizon}",
        )
        self.asked[trial] = step.calls
        self.outcome.asked.add((trial, step.calls))
        self.pending.setdefault(trial, []).append(step.calls)


def _check_replay(schedule: Schedule, outcome: Outcome) -> None:
    """Check that the same events give the same instructions."""
    answers = [schedule.start(), *map(schedule.tell, outcome.events)]
    _require(answers == outcome.answers, "answers the same events in another way")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(f"the schedule {message}")


def _require_same(what: str, first: set[int] | set[tuple[int, int]], now: set) -> None:
    different = sorted(first ^ now)
    _require(
        not different,
        f"gives other {what} than where reports came in the order of instructions: "
        f"{different[:5]}",
    )


# ---- scores and failures, the same for the same seed in whatever order asked for ----


def _random(*what: object) -> random.Random:
    return random.Random(" ".join(map(str, what)))


def _scores(seed: int) -> dict[str, ScoreFunction]:
    """Return kinds of scores, by what they are called in errors."""

    def sometimes_not_finite(draw: random.Random) -> float:
        special = [math.nan, math.inf, -math.inf]
        return draw.choice(special) if draw.random() < 0.3 else draw.random()

    kinds: dict[str, Callable[[random.Random], float]] = {
        "distinct": lambda draw: draw.random(),
        "tied": lambda draw: float(draw.randrange(3)),
        "equal": lambda draw: 0.0,
        "sometimes_not_finite": sometimes_not_finite,
        "never_finite": lambda draw: math.nan,
    }

    def scored_by(kind: Callable[[random.Random], float]) -> ScoreFunction:
        return lambda trial, calls: kind(_random(seed, trial, calls))

    return {name: scored_by(kind) for name, kind in kinds.items()}


def _failures(seed: int) -> dict[str, FailFunction]:
    """Return when calls fail, by what that is called in errors."""

    def failing(share: float) -> FailFunction:
        return lambda trial, n: _random(seed, "fails", trial, n).random() < share

    return {"never": _never, "rare": failing(0.02), "frequent": failing(0.3)}


def _never(trial: int, call: int) -> bool:
    return False


def _name(function: Callable[..., object]) -> str:
    return function.__qualname__.split(".<locals>")[0].lstrip("_")
