# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How a cohort of models advances through chunks and is scored, on one device."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

from gpu_hpo.data import Chunk, concat_chunks
from gpu_hpo.devices import annotated, harms_rows, n_device_bytes
from gpu_hpo.training._models import (
    Recipe,
    Trial,
    make_model,
    refit,
    train_call,
)
from gpu_hpo.training._own_rows import rows_for
from gpu_hpo.training._scoring import Answers
from gpu_hpo.training._stack import stack_key


@dataclass
class Member:
    """One trial's model in a cohort.

    Attributes
    ----------
    model : estimator or None
        None once it failed.
    calls : int
        Calls that it has made.
    answers, seen : list
        Its answers for validation parts scored so far, and what of these parts the
        score needs, while a score is spread over several tasks.
    """

    model: Any
    calls: int = 0
    answers: list[Answers] = field(default_factory=list)
    seen: list[Chunk] = field(default_factory=list)


class Cohort(dict[int, Member]):
    """Trials by number that one worker advances together."""

    def __sizeof__(self) -> int:
        # Dask would take a model for an object of some 50 bytes.
        return sum(n_device_bytes(member.model) for member in self.values())


@dataclass(frozen=True)
class Work:
    """What one member of a cohort is to do.

    Attributes
    ----------
    trial : int
    new : Trial or None
        Makes the model if it is this trial's first task.
    start, stop : int
        Calls made before and after.
    scores : tuple of int
        After which numbers of calls to score.
    last_part : bool
        Whether the parts at hand complete the score.
    """

    trial: int
    new: Trial | None
    start: int
    stop: int
    scores: tuple[int, ...] = ()
    last_part: bool = True


@dataclass
class Outcome:
    """What became of one member; seconds per score run from the one before."""

    trial: int
    n_calls: int = 0  # that it trained, those of a refit all again
    scores: list[tuple[int, dict[str, float], float, float]] = field(
        default_factory=list
    )
    fit_seconds: float = 0.0
    score_seconds: float = 0.0
    fit_pending: float = 0.0
    score_pending: float = 0.0
    error: str = ""


def advance_cohort(
    recipe: Recipe,
    work: Sequence[Work],
    before: Mapping[int, Member],
    chunk_of_call: Callable[[int], Chunk],
    parts: Sequence[Chunk],
    n_chunks: int = 0,
) -> tuple[Cohort, list[Outcome]]:
    """Advance and score a cohort, chunk by chunk: each chunk is read once for all.

    Parameters
    ----------
    recipe : Recipe
    work : sequence of Work
    before : mapping of int to Member
        Where each trial that is not new stands. Is not changed: another task, or a
        repetition of this one, may need it.
    chunk_of_call : callable
        Chunk for call number n, counted from 1.
    parts : sequence of Chunk
        Validation parts to score on.
    n_chunks : int, default=0
        How many chunks are all, for budgets that read all.

    Returns
    -------
    cohort : Cohort
        Every trial of `work`; one that failed has no model.
    outcomes : list of Outcome
        In the order of `work`. A model that raises fails alone.
    """
    cohort = Cohort()
    outcomes = {item.trial: Outcome(item.trial) for item in work}
    groups: dict[tuple[Any, ...], list[Work]] = {}
    for item in work:
        with _blame(cohort, [outcomes[item.trial]]):
            cohort[item.trial] = _begin(recipe, item, before)
            key = _stack_key(recipe, cohort[item.trial].model)
            alone = item.trial if key is None else None
            # Only those that do the same at every call train together.
            together = key, alone, item.start, item.stop, item.scores
            groups.setdefault(together, []).append(item)
    units = [
        _Unit(recipe, items, cohort, outcomes, stacked=key is not None)
        for (key, *_), items in groups.items()
    ]
    if recipe.budget.refits:
        _refit(recipe, units, chunk_of_call, n_chunks, parts)
    else:
        _train(units, chunk_of_call, parts)
    for unit in units:
        unit.end()
    return cohort, [outcomes[item.trial] for item in work]


def _stack_key(recipe: Recipe, model: Any) -> Any:
    return stack_key(model) if recipe.stacked and not recipe.budget.refits else None


def _train(
    units: Sequence[_Unit],
    chunk_of_call: Callable[[int], Chunk],
    parts: Sequence[Chunk],
) -> None:
    """Train by calls, each on its chunk."""
    first = min((unit.start for unit in units), default=0)
    last = max((unit.stop for unit in units), default=0)
    for calls in range(first, last + 1):
        for unit in units:
            if unit.start < calls <= unit.stop:
                unit.train(chunk_of_call(calls))
            if calls in unit.scores:
                unit.score(parts)


def _refit(
    recipe: Recipe,
    units: Sequence[_Unit],
    chunk_of_call: Callable[[int], Chunk],
    n_chunks: int,
    parts: Sequence[Chunk],
) -> None:
    """Fit each model once, to the rows that its budget grants."""
    joined: dict[tuple[int, int], Chunk] = {}

    def granted(span: tuple[int, int]) -> Chunk:
        if span not in joined:
            joined.clear()
            calls = range(span[0] + 1, span[1] + 1)
            joined[span] = concat_chunks([chunk_of_call(n) for n in calls])
        return joined[span]

    # Those that read the same rows come after each other, so that these are kept once.
    for unit in sorted(units, key=lambda unit: unit.stop):
        if unit.start < unit.stop:
            span = recipe.budget.span(unit.start, unit.stop) or (0, n_chunks)
            unit.refit(partial(granted, span))
        if unit.scores:
            unit.score(parts)


def _begin(recipe: Recipe, item: Work, before: Mapping[int, Member]) -> Member:
    if item.new is not None:
        seeds, device = recipe.unset_seeds, recipe.converted_to
        return Member(make_model(recipe.prototype, item.new, seeds, device))
    member = before[item.trial]
    if item.start == item.stop:
        # Scoring leaves the model as it is.
        answers, seen = list(member.answers), list(member.seen)
        return Member(member.model, member.calls, answers, seen)
    return Member(member.model, member.calls)


class _Unit:
    """Members of a cohort that train by the same calls: one, or a stack of several."""

    def __init__(
        self,
        recipe: Recipe,
        items: Sequence[Work],
        cohort: Cohort,
        outcomes: Mapping[int, Outcome],
        *,
        stacked: bool,
    ) -> None:
        lead = items[0]
        self.start, self.stop, self.scores = lead.start, lead.stop, lead.scores
        self._complete = lead.last_part
        self._recipe = recipe
        self._cohort = cohort
        self._outcomes = [outcomes[item.trial] for item in items]
        self._stack: Any = None
        self._harms: bool | None = None
        with self._blame():
            models = [member.model for member in self._members]
            if stacked:
                self._stack = type(models[0]).stack(models)
            elif lead.new is None and lead.start < lead.stop and _changes(recipe):
                self._members[0].model = copy.deepcopy(models[0])
        self._drop_failed()

    @property
    def _members(self) -> list[Member]:
        return [self._cohort[outcome.trial] for outcome in self._outcomes]

    def _blame(self) -> _blame:
        return _blame(self._cohort, self._outcomes)

    def train(self, chunk: Chunk) -> None:
        """Make one call."""
        if not self._outcomes:
            return
        began = perf_counter()
        lead = self._members[0]
        with self._blame(), annotated("train"):
            if self._stack is None:
                trained, chunk = lead.model, self._own(chunk)
            else:
                trained = self._stack
            train_call(trained, chunk, self._recipe, first=lead.calls == 0)
        self._trained(1, 1, perf_counter() - began)

    def _own(self, rows: Chunk) -> Chunk:
        """Rows for the one model that this is; whether it harms them is asked once."""
        if self._harms is None:
            self._harms = harms_rows(self._members[0].model)
        return rows_for(self._members[0].model, rows) if self._harms else rows

    def refit(self, granted: Callable[[], Chunk]) -> None:
        """Fit the one model that this is to the rows of all its calls."""
        if not self._outcomes:
            return
        began = perf_counter()
        member = self._members[0]
        with self._blame(), annotated("train"):
            member.model = refit(
                member.model, granted(), self._recipe, self.start, self.stop
            )
        worth = self._recipe.budget.cost(self.start, self.stop)
        self._trained(self.stop - self.start, worth, perf_counter() - began)

    def _trained(self, calls: int, worth: int, seconds: float) -> None:
        """Note that so many calls were made, and what they were worth and took."""
        seconds /= len(self._outcomes)
        self._drop_failed()
        for member, outcome in zip(self._members, self._outcomes, strict=True):
            member.calls += calls
            outcome.n_calls += worth
            outcome.fit_seconds += seconds
            outcome.fit_pending += seconds

    def score(self, parts: Sequence[Chunk]) -> None:
        """Score, or keep what the score needs if there are more parts to come."""
        if not self._outcomes:
            return
        began = perf_counter()
        metrics: dict[int, dict[str, float]] = {}
        with self._blame(), annotated("score"):
            self._answer(parts)
            if self._complete:
                metrics = self._metrics()
        seconds = (perf_counter() - began) / len(self._outcomes)
        self._drop_failed()
        for member, outcome in zip(self._members, self._outcomes, strict=True):
            outcome.score_seconds += seconds
            outcome.score_pending += seconds
            if outcome.trial in metrics:
                metric = metrics[outcome.trial]
                outcome.scores.append(
                    (member.calls, metric, outcome.fit_pending, outcome.score_pending)
                )
                outcome.fit_pending = outcome.score_pending = 0.0

    def end(self) -> None:
        """Give the members of a stack their models."""
        if self._stack is not None and self._outcomes:
            with self._blame():
                models = self._stack.unstack()
                for member, model in zip(self._members, models, strict=True):
                    member.model = model

    def _answer(self, parts: Sequence[Chunk]) -> None:
        """Keep each member's answers for some validation parts."""
        scoring, members = self._recipe.scoring, self._members
        for part in parts:
            needed = part if scoring.whole else _without_X(part)
            if self._stack is None:
                answers = [scoring.answers(members[0].model, part)]
            else:
                joint = scoring.answers(self._stack, part)
                answers = [
                    {name: answer[i] for name, answer in joint.items()}
                    for i in range(len(members))
                ]
            for member, answer in zip(members, answers, strict=True):
                member.answers.append(answer)
                member.seen.append(needed)

    def _metrics(self) -> dict[int, dict[str, float]]:
        """Score the members by the answers that they have given, each for itself."""
        rows = self._recipe.score_rows
        if self._stack is None:
            models = [self._members[0].model]
        else:
            models = self._stack.unstack()
        metrics = {}
        for model, member, outcome in zip(
            models, self._members, self._outcomes, strict=True
        ):
            answers, seen = member.answers, member.seen
            member.answers, member.seen = [], []
            with _blame(self._cohort, [outcome]):
                metrics[outcome.trial] = self._recipe.scoring.score(
                    model, answers, seen, rows
                )
        return metrics

    def _drop_failed(self) -> None:
        """Go on without those that failed."""
        if self._stack is not None:
            for outcome, error in zip(self._outcomes, self._stack.errors, strict=True):
                if error is not None and not outcome.error:
                    with _blame(self._cohort, [outcome]):
                        raise error
        kept = [i for i, outcome in enumerate(self._outcomes) if not outcome.error]
        if len(kept) < len(self._outcomes):
            self._outcomes = [self._outcomes[i] for i in kept]
            if self._stack is not None and kept:
                self._stack = self._stack.take(kept)


def _changes(recipe: Recipe) -> bool:
    """Whether training changes the model that it begins with."""
    return not recipe.budget.refits or recipe.budget.resumes


def _without_X(part: Chunk) -> Chunk:
    return {name: value for name, value in part.items() if name != "X"}


class _blame:
    """Turns an exception into the end of some members instead of all."""

    def __init__(self, cohort: Cohort, outcomes: Sequence[Outcome]) -> None:
        self._cohort = cohort
        self._outcomes = outcomes

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is None:
            return False
        if not isinstance(error, Exception):
            return False
        text = "".join(traceback.format_exception(error))
        for outcome in self._outcomes:
            outcome.error = text
            self._cohort[outcome.trial] = Member(None)
        return True
