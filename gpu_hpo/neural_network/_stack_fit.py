# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fitting a stack of networks, of which a network by itself is the only member."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split

from gpu_hpo.devices import to_host
from gpu_hpo.neural_network._bookkeeping import draw_weights
from gpu_hpo.neural_network._rows import Rows
from gpu_hpo.stacks._fit_courses import (
    Course,
    HeldRows,
    find_courses,
    next_orders,
    warn_of_models,
)


def begin_fit(stack: Any, rows: Rows) -> Mapping[int, Any]:
    """Give every network of a stack its first weights.

    Returns
    -------
    mapping of int to RandomState
        What integer seeds have become by that.
    """
    initial, begun = draw_weights(stack.models, rows)
    stack.begin(rows, initial)
    if stack.models[0].early_stopping:
        for model in stack.models:
            model.validation_scores_ = []
            model.best_validation_score_ = -np.inf
            model.best_loss_ = None
    return begun


def train_until_done(stack: Any, rows: Rows, begun: Mapping[int, Any]) -> list[int]:
    """Train each network of a stack until it no longer improves.

    Parameters
    ----------
    stack : NetworkStack
        What becomes of its networks stands in it. Its `errors` get why some could not
        go on, but not whether weights are finite.
    rows : Rows
    begun : mapping of int to RandomState
        Of integer seeds, what has been drawn from already.

    Returns
    -------
    list of int
        Places of those that were not done after `max_iter` epochs.
    """
    cut_off: list[int] = []
    for model in stack.models:
        model.n_iter_ = 0
    for courses in find_courses(
        stack.models, len(rows.X), _holding_out(rows), stack.errors, begun
    ):
        members = [i for course in courses for i in course.members]
        part = stack._part(members)
        cut_off += [members[i] for i in _train(part, rows, courses)]
        stack._put(members, part)
    return cut_off


def say_how_it_went(cut_off: Mapping[int, Any]) -> None:
    """Warn, once for all, of networks that were not done.

    Parameters
    ----------
    cut_off : mapping of int to estimator
        By their places in the stack, which the warning has as `models`.
    """
    for most in sorted({model.max_iter for model in cut_off.values()}):
        warn_of_models(
            ConvergenceWarning(
                f"Stochastic Optimizer: Maximum iterations ({most}) reached and the "
                "optimization hasn't converged yet."
            ),
            [i for i, model in cut_off.items() if model.max_iter == most],
        )


def _train(stack: Any, rows: Rows, courses: Sequence[Course]) -> list[int]:
    """Train networks that are in the order of the courses that they are members of."""
    lead = stack.models[0]
    course = np.repeat(np.arange(len(courses)), [len(c.members) for c in courses])
    n_rows = len(courses[0].order)
    as_they_stand = not (lead.shuffle or lead.early_stopping)
    held = HeldRows(rows)
    best: Any = stack.params.copy() if lead.early_stopping else None
    found = np.zeros(len(stack), bool)
    cut_off: list[int] = []
    active, part = np.arange(len(stack)), stack
    while len(active):
        orders = None if as_they_stand else next_orders(courses, course[active])
        part.epoch(rows, orders)
        if lead.early_stopping:
            better = _score(part, held, courses, course[active])
            places = stack.xp.asarray(np.flatnonzero(better))
            best[stack.xp.asarray(active[better])] = part.params[places]
            found[active[better]] = True
        for model in part.models:
            if model.verbose:
                print(f"Iteration {model.n_iter_ + 1}, loss = {model.loss_:.8f}")
        stops = np.array(part.end_epoch(n_rows))
        failed = np.array([error is not None for error in part.errors])
        last = np.array([model.n_iter_ == model.max_iter for model in part.models])
        cut_off += active[last & ~stops & ~failed].tolist()
        stays = ~(last | stops | failed)
        if best is None:
            stays &= ~_lost(part)
        if not stays.all():
            stack._put(active, part)
            active = active[stays]
            part = stack._part(active)
    if best is not None:
        places = stack.xp.asarray(np.flatnonzero(found))
        stack.params[places] = best[places]
    return cut_off


def _lost(stack: Any) -> np.ndarray:
    """Say which networks have diverged, which no further epoch can mend."""
    lost = ~np.isfinite([model.loss_ for model in stack.models])
    if lost.any():
        lost &= ~to_host(stack.xp.isfinite(stack.params).all(axis=1))
    return lost


def _score(
    stack: Any, held: HeldRows, courses: Sequence[Course], which: np.ndarray
) -> np.ndarray:
    """Score networks on what was held out; True where no score was better before."""
    better = np.zeros(len(stack), bool)
    for k in np.unique(which).tolist():
        some = np.flatnonzero(which == k)
        rows = held.of(courses[k])
        target = to_host(rows.target)
        weight = None if rows.weight is None else to_host(rows.weight)
        answers = to_host(stack._part(some).predict_rows(rows.X))
        for i, predicted in zip(some.tolist(), answers, strict=True):
            if stack.errors[i] is not None:
                continue
            try:
                better[i] = _improved(stack.models[i], target, predicted, weight)
            except ValueError as error:
                # Without the frames, which would keep the rows.
                stack.errors[i] = error.with_traceback(None)
    return better


def _improved(model: Any, target: Any, predicted: Any, weight: Any) -> bool:
    """Note how well a network does; True if it never did better."""
    metric = accuracy_score if is_classifier(model) else r2_score
    score = float(metric(target, predicted, sample_weight=weight))
    model.validation_scores_.append(score)
    if score < model.best_validation_score_ + model.tol:
        model._no_improvement_count += 1
    else:
        model._no_improvement_count = 0
    better = score > model.best_validation_score_
    if better:
        model.best_validation_score_ = score
    return bool(better)


def _holding_out(rows: Rows) -> Callable[..., tuple[Any, Any]]:
    """Say which rows a network trains on, and which say when to stop."""
    every = np.arange(len(rows.X))

    def hold_out(model: Any, rng: Any) -> tuple[Any, Any]:
        if not model.early_stopping:
            return every, every[:0]
        stratify = is_classifier(model) and rows.n_outputs == 1
        train, held = train_test_split(
            every,
            random_state=rng,
            test_size=model.validation_fraction,
            stratify=rows.target if stratify else None,
        )
        if len(held) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        return train, held

    return hold_out
