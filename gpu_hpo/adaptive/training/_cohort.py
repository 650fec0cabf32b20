# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How a cohort of trials advances through chunks and is scored, on one device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from gpu_hpo.adaptive.data._splitting import Splits
from gpu_hpo.adaptive.training._members import (
    Blame,
    Cohort,
    Entry,
    Member,
    Outcome,
    Work,
)
from gpu_hpo.adaptive.training._models import Recipe, make_model
from gpu_hpo.adaptive.training._unit import Unit
from gpu_hpo.data._chunk import Chunk, concat_chunks
from gpu_hpo.stacks._contract import stack_key, takes_rows


def advance_cohort(
    recipe: Recipe,
    work: Sequence[Work],
    before: Mapping[int, list[Member]],
    chunk_of_call: Callable[[int], Chunk],
    parts: Sequence[Chunk],
    n_chunks: int = 0,
) -> tuple[Cohort, list[Outcome]]:
    """Advance and score a cohort, chunk by chunk: each chunk is read once for all.

    Parameters
    ----------
    recipe : Recipe
    work : sequence of Work
    before : mapping of int to list of Member
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
        Every trial of `work`; the members of one that failed have no model.
    outcomes : list of Outcome
        In the order of `work`. A trial of which a model raises fails alone.
    """
    cohort = Cohort()
    outcomes = {item.trial: Outcome(item.trial) for item in work}
    groups: dict[tuple[Any, ...], list[tuple[Work, Entry]]] = {}
    for item in work:
        outcome = outcomes[item.trial]
        with Blame(cohort, [outcome]):
            cohort[item.trial] = members = _begin(recipe, item, before)
            key = _stack_key(recipe, members[0].model)
            joint = key is not None and (
                recipe.n_splits == 1 or _trains_by_rows(members[0].model)
            )
            for split in range(recipe.n_splits):
                # Only those that do the same at every call train together.
                alone = None if key is not None else item.trial
                apart = None if joint else split
                together = key, alone, apart, item.start, item.stop, item.scores
                entry = Entry(outcome, split, cohort)
                groups.setdefault(together, []).append((item, entry))
    units = [
        Unit(
            recipe,
            items[0][0],
            [entry for _, entry in items],
            cohort,
            stacked=key is not None,
        )
        for (key, *_), items in groups.items()
    ]
    if recipe.budget.refits:
        _refit(recipe, units, chunk_of_call, n_chunks, parts)
    else:
        _train(recipe, units, chunk_of_call, parts)
    for unit in units:
        unit.end()
    return cohort, [outcomes[item.trial] for item in work]


def _begin(
    recipe: Recipe, item: Work, before: Mapping[int, list[Member]]
) -> list[Member]:
    if item.new is not None:
        seeds, device = recipe.unset_seeds, recipe.converted_to
        return [
            Member(make_model(recipe.prototype, item.new, seeds, device))
            for _ in range(recipe.n_splits)
        ]
    if item.start == item.stop:
        # Scoring leaves the models as they are.
        return [
            Member(m.model, m.calls, list(m.answers), list(m.seen))
            for m in before[item.trial]
        ]
    return [Member(m.model, m.calls) for m in before[item.trial]]


def _stack_key(recipe: Recipe, model: Any) -> Any:
    return stack_key(model) if recipe.stacked and not recipe.budget.refits else None


def _trains_by_rows(model: Any) -> bool:
    return takes_rows(type(model).stack([model]))


def _train(
    recipe: Recipe,
    units: Sequence[Unit],
    chunk_of_call: Callable[[int], Chunk],
    parts: Sequence[Chunk],
) -> None:
    """Train by calls, each on its chunk."""
    first = min((unit.start for unit in units), default=0)
    last = max((unit.stop for unit in units), default=0)
    for calls in range(first, last + 1):
        training = [unit for unit in units if unit.start < calls <= unit.stop]
        if training:
            rows = Splits(chunk_of_call(calls), by_roles=recipe.by_roles)
            for unit in training:
                unit.train(rows)
        _score(recipe, [unit for unit in units if calls in unit.scores], parts)


def _refit(
    recipe: Recipe,
    units: Sequence[Unit],
    chunk_of_call: Callable[[int], Chunk],
    n_chunks: int,
    parts: Sequence[Chunk],
) -> None:
    """Fit each model once, to the rows that its budget grants."""
    joined: dict[tuple[Any, ...], Splits] = {}

    def granted(span: tuple[int, int], split: int) -> Chunk:
        # One split's rows at a time, since each may be a copy of nearly all.
        if (span, split) not in joined:
            joined.clear()
            calls = range(span[0] + 1, span[1] + 1)
            rows = concat_chunks([chunk_of_call(n) for n in calls])
            joined[span, split] = Splits(rows, by_roles=recipe.by_roles)
        return joined[span, split].train(split)

    # Those that read the same rows come after each other, so that these are kept once.
    for unit in sorted(units, key=lambda unit: (unit.stop, unit.split)):
        if unit.start < unit.stop:
            span = recipe.budget.span(unit.start, unit.stop) or (0, n_chunks)
            unit.refit(partial(granted, span, unit.split))
    joined.clear()
    _score(recipe, [unit for unit in units if unit.scores], parts)


def _score(recipe: Recipe, units: Sequence[Unit], parts: Sequence[Chunk]) -> None:
    """Score units on all parts; a trial's score is the mean over its models."""
    if not units:
        return
    for part in parts:
        rows = Splits(part, by_roles=recipe.by_roles)
        for unit in units:
            unit.answer(rows)
    for unit in units:
        unit.score()
    for outcome in {id(o): o for unit in units for o in unit.outcomes}.values():
        outcome.conclude(recipe.n_splits)
