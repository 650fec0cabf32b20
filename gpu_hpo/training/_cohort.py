# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How a cohort of models advances through chunks and is scored, on one device."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from gpu_hpo.data import Chunk
from gpu_hpo.training._models import Recipe, Trial, make_model, train_call
from gpu_hpo.training._scoring import Answers


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
        return sum(_n_bytes(member.model) for member in self.values())


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
    n_calls: int = 0
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

    Returns
    -------
    cohort : Cohort
        Every trial of `work`; one that failed has no model.
    outcomes : list of Outcome
        In the order of `work`. A model that raises fails alone.
    """
    cohort = Cohort()
    outcomes = {item.trial: Outcome(item.trial) for item in work}
    for item in work:
        with _blame(cohort, outcomes[item.trial]):
            cohort[item.trial] = _begin(recipe, item, before)
    first = min((item.start for item in work), default=0)
    last = max((item.stop for item in work), default=0)
    for calls in range(first, last + 1):
        for item in work:
            member, outcome = cohort[item.trial], outcomes[item.trial]
            if member.model is None or not item.start <= calls <= item.stop:
                continue
            with _blame(cohort, outcome):
                if calls > item.start:
                    _train(recipe, member, outcome, chunk_of_call(calls))
                if calls in item.scores:
                    _score(recipe, member, outcome, parts, item.last_part)
    return cohort, [outcomes[item.trial] for item in work]


def _begin(recipe: Recipe, item: Work, before: Mapping[int, Member]) -> Member:
    if item.new is not None:
        return Member(make_model(recipe.prototype, item.new, recipe.unset_seeds))
    member = before[item.trial]
    if item.start == item.stop:
        # Scoring leaves the model as it is.
        return Member(
            member.model, member.calls, list(member.answers), list(member.seen)
        )
    return Member(copy.deepcopy(member.model), member.calls)


def _train(recipe: Recipe, member: Member, outcome: Outcome, chunk: Chunk) -> None:
    began = perf_counter()
    train_call(member.model, chunk, recipe, first=member.calls == 0)
    seconds = perf_counter() - began
    member.calls += 1
    outcome.n_calls += 1
    outcome.fit_seconds += seconds
    outcome.fit_pending += seconds


def _score(
    recipe: Recipe,
    member: Member,
    outcome: Outcome,
    parts: Sequence[Chunk],
    complete: bool,
) -> None:
    began = perf_counter()
    scoring = recipe.scoring
    for part in parts:
        member.answers.append(scoring.answers(member.model, part))
        member.seen.append(
            part if scoring.whole else {k: v for k, v in part.items() if k != "X"}
        )
    metrics = None
    if complete:
        metrics = scoring.score(
            member.model, member.answers, member.seen, recipe.score_rows
        )
        member.answers, member.seen = [], []
    seconds = perf_counter() - began
    outcome.score_seconds += seconds
    outcome.score_pending += seconds
    if metrics is not None:
        outcome.scores.append(
            (member.calls, metrics, outcome.fit_pending, outcome.score_pending)
        )
        outcome.fit_pending = outcome.score_pending = 0.0


class _blame:
    """Turns an exception into the end of one member instead of all."""

    def __init__(self, cohort: Cohort, outcome: Outcome) -> None:
        self._cohort = cohort
        self._outcome = outcome

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is None:
            return False
        if not isinstance(error, Exception):
            return False
        self._outcome.error = "".join(traceback.format_exception(error))
        self._cohort[self._outcome.trial] = Member(None)
        return True


def _n_bytes(value: Any) -> int:
    """Bytes of the arrays that a model holds, also in lists and parts of it."""
    if isinstance(value, list | tuple):
        return sum(map(_n_bytes, value))
    if isinstance(value, dict):
        return sum(map(_n_bytes, value.values()))
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    if hasattr(value, "get_params"):
        return _n_bytes(vars(value))
    return 0
