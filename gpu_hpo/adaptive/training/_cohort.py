# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Advance a cohort of trials through chunks, and score it, on one device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from gpu_hpo._typing import Estimator
from gpu_hpo.adaptive.training._members import (
    Cohort,
    FailsTrials,
    FoldModel,
    Slot,
    TrialOutcome,
    TrialWork,
)
from gpu_hpo.adaptive.training._model_group import ModelGroup, Splits
from gpu_hpo.adaptive.training._models import TrialSpec, make_model
from gpu_hpo.compute._transport import NotSent
from gpu_hpo.data._chunk import Chunk, concat_chunks
from gpu_hpo.stacks._contract import stack_key, takes_rows
from gpu_hpo.training._text_labels import number_weights


def advance_cohort(
    spec: TrialSpec,
    work: Sequence[TrialWork],
    before: Mapping[int, list[FoldModel]],
    chunk_of_call: Callable[[int], Chunk],
    parts: Sequence[Chunk],
    n_chunks: int = 0,
    is_over: Callable[[], bool] = lambda: False,
    begins: bool = True,
) -> tuple[Cohort, list[TrialOutcome]]:
    """Advance and score a cohort chunk by chunk; each chunk is read once for all.

    Parameters
    ----------
    spec : TrialSpec
    work : sequence of TrialWork
    before : mapping of int to list of FoldModel
        The models of trials that are not new. They are not changed: another task, or a
        repetition of this one, may need them.
    chunk_of_call : callable
        Chunk for call number n, counted from 1.
    parts : sequence of Chunk
        Validation parts to score on.
    n_chunks : int, default=0
        Number of all chunks, for budgets that read all.
    begins : bool, default=True
        Whether the first call is made even if time is over.
    is_over : callable, optional
        Whether no further call is to be made, asked after each but the last. What was
        trained since its last score is then scored, if this task scores at all.

    Returns
    -------
    cohort : Cohort
        Every trial of `work`; one that failed has no models.
    outcomes : list of TrialOutcome
        In the order of `work`. If a model raises, only its trial fails.
    """
    cohort = Cohort()
    outcomes = {item.trial: TrialOutcome(item.trial) for item in work}
    alike: dict[tuple[Any, ...], list[tuple[TrialWork, Slot]]] = {}
    for item in work:
        outcome = outcomes[item.trial]
        source = [] if item.new is not None else before[item.trial]
        if any(isinstance(member.model, NotSent) for member in source):
            outcome.cannot_move = True
            cohort[item.trial] = source
            continue
        with FailsTrials(cohort, [outcome]):
            cohort[item.trial] = members = _begin(spec, item, before)
            key = _stack_key(spec, members[0].model)
            joint = key is not None and (
                spec.n_splits == 1 or _trains_by_rows(members[0].model)
            )
            for split in range(spec.n_splits):
                # Only models that do the same at every call train together.
                alone = None if key is not None else item.trial
                apart = None if joint else split
                together = key, alone, apart, item.start, item.stop, item.scores
                slot = Slot(outcome, split, cohort)
                alike.setdefault(together, []).append((item, slot))
    groups = [
        ModelGroup(
            spec,
            items[0][0],
            [slot for _, slot in items],
            cohort,
            stacked=key is not None,
        )
        for (key, *_), items in alike.items()
    ]
    if spec.budget.refits:
        _refit(spec, groups, chunk_of_call, n_chunks, parts)
    else:
        _train(spec, groups, chunk_of_call, parts, is_over, begins)
    for group in groups:
        group.end()
    return cohort, [outcomes[item.trial] for item in work]


def _begin(
    spec: TrialSpec, item: TrialWork, before: Mapping[int, list[FoldModel]]
) -> list[FoldModel]:
    if item.new is not None:
        seeds, device = spec.unset_seeds, spec.converted_to
        return [
            FoldModel(
                number_weights(
                    make_model(spec.prototype, item.new, seeds, device), spec.labels
                )
            )
            for _ in range(spec.n_splits)
        ]
    if item.start == item.stop:
        # Scoring leaves the models as they are.
        return [
            FoldModel(m.model, m.calls, list(m.responses), list(m.seen))
            for m in before[item.trial]
        ]
    return [FoldModel(m.model, m.calls) for m in before[item.trial]]


def _stack_key(spec: TrialSpec, model: Estimator) -> Any:
    return stack_key(model) if spec.stacked and not spec.budget.refits else None


def _trains_by_rows(model: Any) -> bool:
    return takes_rows(type(model).stack([model]))


def _train(
    spec: TrialSpec,
    groups: Sequence[ModelGroup],
    chunk_of_call: Callable[[int], Chunk],
    parts: Sequence[Chunk],
    is_over: Callable[[], bool],
    begins: bool,
) -> None:
    """Train by calls, each on its chunk."""
    first = min((group.start for group in groups), default=0)
    last = max((group.stop for group in groups), default=0)
    made = 0
    for calls in range(first, last + 1):
        training = [group for group in groups if group.start < calls <= group.stop]
        if training:
            rows = Splits(chunk_of_call(calls), by_roles=spec.by_roles)
            for i, group in enumerate(training):
                if (made or not begins) and is_over():
                    _cut_short(spec, groups, calls, training[:i], parts)
                    return
                group.train(rows)
                made += 1
        _score(spec, [group for group in groups if calls in group.scores], parts)


def _cut_short(
    spec: TrialSpec,
    groups: Sequence[ModelGroup],
    calls: int,
    trained: Sequence[ModelGroup],
    parts: Sequence[Chunk],
) -> None:
    """Leave out the calls that are left, and score those that were made last.

    Parameters
    ----------
    spec, groups, parts
        As in `_train`.
    calls : int
        Calls of those groups that have made the last one.
    trained : sequence of ModelGroup
        These groups.
    """
    left = [group for group in groups if group.stop >= calls]
    for group in left:
        for outcome in group.outcomes:
            outcome.cut_short = True

    def is_known(group: ModelGroup) -> bool:
        made = calls if group in trained else calls - 1
        return made <= group.start or (group not in trained and made in group.scores)

    # A task that is not to score has nothing to score on.
    unknown = [group for group in left if group.scores and not is_known(group)]
    _score(spec, unknown, parts)


def _refit(
    spec: TrialSpec,
    groups: Sequence[ModelGroup],
    chunk_of_call: Callable[[int], Chunk],
    n_chunks: int,
    parts: Sequence[Chunk],
) -> None:
    """Fit each model once, to the rows that its budget gives it."""
    joined: dict[tuple[Any, ...], Splits] = {}

    def granted(span: tuple[int, int], split: int) -> Chunk:
        # One split's rows at a time: they may be a copy of nearly all rows.
        if (span, split) not in joined:
            joined.clear()
            calls = range(span[0] + 1, span[1] + 1)
            rows = concat_chunks([chunk_of_call(n) for n in calls])
            joined[span, split] = Splits(rows, by_roles=spec.by_roles)
        return joined[span, split].train(split)

    # Groups that read the same rows follow each other, so that these are joined once.
    for group in sorted(groups, key=lambda group: (group.stop, group.split)):
        if group.start < group.stop:
            span = spec.budget.span(group.start, group.stop) or (0, n_chunks)
            group.refit(partial(granted, span, group.split))
    joined.clear()
    _score(spec, [group for group in groups if group.scores], parts)


def _score(
    spec: TrialSpec, groups: Sequence[ModelGroup], parts: Sequence[Chunk]
) -> None:
    """Score groups on all parts; a trial's score is the mean over its models."""
    if not groups:
        return
    for part in parts:
        rows = Splits(part, by_roles=spec.by_roles)
        for group in groups:
            group.respond(rows)
    for group in groups:
        group.score()
    for outcome in {id(o): o for group in groups for o in group.outcomes}.values():
        outcome.conclude(spec)
