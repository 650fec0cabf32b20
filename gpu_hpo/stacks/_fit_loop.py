# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train epoch by epoch, each model until it no longer improves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split

from gpu_hpo._typing import Array
from gpu_hpo.devices._namespace import to_host
from gpu_hpo.stacks._fit_courses import Course, HeldRows, HoldOut, next_orders
from gpu_hpo.stacks._row_orders import Orders
from gpu_hpo.stacks._rows import Rows


def train_active(
    every: Any,
    courses: Sequence[Course],
    course: np.ndarray,
    epoch: Callable[[Any, np.ndarray, Any], np.ndarray],
    *,
    as_they_stand: bool = False,
) -> None:
    """Train entries epoch by epoch, and set aside those that stop.

    Parameters
    ----------
    every : object
        Has ``part(places)``, which copies entries, and ``put(places, part)``. Is
        changed.
    courses, course
        The number of its course for each entry.
    epoch : callable
        ``epoch(part, places, orders)`` trains a part for an epoch, and says which of
        its entries go on.
    as_they_stand : bool, default=False
        Whether there are no orders, since all go through all rows as they stand.
    """
    active, part = np.arange(len(course)), every
    while len(active):
        orders = None if as_they_stand else next_orders(courses, course[active])
        stays = epoch(part, active, orders)
        if not stays.all():
            every.put(active, part)
            active = active[stays]
            part = every.part(active)


def courses_of(courses: Sequence[Course]) -> np.ndarray:
    """Return the course of each model, in the order of the courses."""
    return np.repeat(np.arange(len(courses)), [len(c.members) for c in courses])


def train_until_done(stack: Any, rows: Rows, courses: Sequence[Course]) -> list[int]:
    """Do what `ArrayStack.train_until_done` says, by `epoch` and `end_epoch`."""
    lead, course = stack.models[0], courses_of(courses)
    n_rows, early = len(courses[0].order), lead.early_stopping
    held = HeldRows(rows)
    names = stack.weights() if early else []
    best = {name: stack.arrays[name].copy() for name in names}
    found = np.zeros(len(stack), bool)
    cut_off: list[int] = []
    for model in stack.models:
        model.n_iter_ = 0

    def epoch(part: Any, active: np.ndarray, orders: Orders | None) -> np.ndarray:
        part.epoch(rows, orders)
        if early:
            better = _score(part, held, courses, course[active])
            places = stack.xp.asarray(np.flatnonzero(better))
            for name, array in best.items():
                array[stack.xp.asarray(active[better])] = part.arrays[name][places]
            found[active[better]] = True
        for model in part.models:
            if model.verbose:
                print(f"Iteration {model.n_iter_ + 1}, loss = {model.loss_:.8f}")
        stops = np.array(part.end_epoch(n_rows))
        failed = np.array([error is not None for error in part.errors])
        last = np.array([model.n_iter_ == model.max_iter for model in part.models])
        cut_off.extend(active[last & ~stops & ~failed].tolist())
        stays = ~(last | stops | failed)
        return stays if early else stays & ~_lost(part)

    as_they_stand = not (lead.shuffle or early)
    train_active(stack, courses, course, epoch, as_they_stand=as_they_stand)
    places = stack.xp.asarray(np.flatnonzero(found))
    for name, array in best.items():
        stack.arrays[name][places] = array[places]
    return cut_off


def new_books(model: Any) -> dict[str, Any]:
    """Return the attributes that record a model's training, at its beginning."""
    books = {"n_iter_": 0, "best_loss_": np.inf, "_no_improvement_count": 0}
    if not model.early_stopping:
        return books
    scores = {"validation_scores_": [], "best_validation_score_": -np.inf}
    return books | scores | {"best_loss_": None}


def end_epoch(model: Any) -> bool:
    """Record one epoch of a model; return whether it no longer improves."""
    model.n_iter_ += 1
    if not model.early_stopping:
        if model.loss_ > model.best_loss_ - model.tol:
            model._no_improvement_count += 1
        else:
            model._no_improvement_count = 0
        model.best_loss_ = min(model.loss_, model.best_loss_)
    return bool(model._no_improvement_count > model.n_iter_no_change)


def holding_out(rows: Rows, stratify: Array | None = None) -> HoldOut:
    """Return a function that chooses rows to train on and rows to stop by.

    If the labels `stratify` are given, held-out rows have the same share of each.
    """
    every = np.arange(rows.X.shape[0])
    labels = None if stratify is None else to_host(stratify)

    def hold_out(
        model: Any, rng: np.random.RandomState
    ) -> tuple[np.ndarray, np.ndarray]:
        if not model.early_stopping:
            return every, every[:0]
        train, held = train_test_split(
            every,
            random_state=rng,
            test_size=model.validation_fraction,
            stratify=labels,
        )
        if len(held) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        return train, held

    return hold_out


def _lost(stack: Any) -> np.ndarray:
    """Return which models have diverged, so that further epochs are useless."""
    lost = ~np.isfinite([model.loss_ for model in stack.models])
    return lost & ~stack.finite() if lost.any() else lost


def _score(
    stack: Any, held: HeldRows, courses: Sequence[Course], which: np.ndarray
) -> np.ndarray:
    """Score models on held-out rows; return which have their best score so far."""
    better = np.zeros(len(stack), bool)
    for k in np.unique(which).tolist():
        some = np.flatnonzero(which == k)
        rows = held.of(courses[k])
        target = stack.target(rows)
        weight = None if rows.weight is None else to_host(rows.weight)
        predictions = to_host(stack.part(some).predict_rows(rows.X))
        for i, predicted in zip(some.tolist(), predictions, strict=True):
            if stack.errors[i] is not None:
                continue
            try:
                better[i] = _improved(stack.models[i], target, predicted, weight)
            except ValueError as error:
                # Without the frames, which would keep the rows.
                stack.errors[i] = error.with_traceback(None)
    return better


def _improved(
    model: Any, target: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None
) -> bool:
    """Record a model's score; return whether it is the best so far."""
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
