# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Training for as many epochs as it takes: when each output of a model stops."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from gpu_hpo.devices import array_namespace, to_host
from gpu_hpo.linear_model._answers import validation_scores
from gpu_hpo.linear_model._hot_loop import train_epoch
from gpu_hpo.linear_model._lanes import (
    ETA,
    LOSS,
    OBJECTIVE,
    Lanes,
    Rows,
    Rules,
    begin,
)
from gpu_hpo.linear_model._linear_stack import diverged


def train_until_done(
    xp: Any, model: Any, rules: Rules, lanes: Lanes, rows: Rows, held: Any
) -> int:
    """Train the outputs of one model, each until it no longer improves.

    Parameters
    ----------
    xp : module
        NumPy or CuPy.
    model : SGDClassifier or SGDRegressor
    rules : Rules
    lanes : Lanes
        Are changed.
    rows : Rows
    held : ndarray of int of shape (n_held,)
        Rows to score on and not to train on; none without early stopping.

    Returns
    -------
    int
        Epochs, of the output that took most.

    Raises
    ------
    ValueError
        If weights are no longer finite.
    """
    rng = check_random_state(model.random_state)
    train = np.setdiff1d(np.arange(rows.X.shape[0]), held)
    validation = rows.take(xp.asarray(held)) if len(held) else None
    begin(xp, rules, lanes)
    books = _Books(model, len(train), len(lanes))
    active = np.arange(len(lanes))
    part = lanes.take(active)
    order = train
    for epoch in range(1, model.max_iter + 1):
        if model.shuffle:
            order = order[rng.permutation(len(order))]
        part.table[[LOSS, OBJECTIVE]] = 0
        orders = order[None], np.zeros(len(active), np.intp)
        with np.errstate(all="ignore"):
            train_epoch(xp, rules, part, rows, orders)
        finite = xp.isfinite(part.weights).all() & xp.isfinite(part.intercepts).all()
        if not bool(finite):
            raise diverged(epoch)
        found = None
        if validation is not None:
            found = to_host(validation_scores(xp, part, validation))
        stops = books.stop(epoch, active, part, found)
        if stops.any():
            lanes.put(active, part)
            active = active[~stops]
            if len(active) == 0:
                return epoch
            part = lanes.take(active)
    lanes.put(active, part)
    return int(model.max_iter)


class _Books:
    """How well each lane has done so far."""

    def __init__(self, model: Any, n_rows: int, n_lanes: int) -> None:
        self.model = model
        self.n_rows = n_rows
        self.tol = -np.inf if model.tol is None else model.tol
        self.best = np.full(n_lanes, np.inf)
        self.count = np.zeros(n_lanes, int)

    def stop(self, epoch: int, active: Any, lanes: Lanes, scores: Any) -> Any:
        """Say which of the active lanes should stop; the others may slow down."""
        sums = to_host(lanes.table[[LOSS, OBJECTIVE]]) / self.n_rows
        # The less, the better.
        now = sums[1] if scores is None else -scores
        if self.model.verbose:
            said = "" if scores is None else f", validation scores: {scores}"
            print(f"-- Epoch {epoch}, losses: {sums[0]}, objectives: {sums[1]}{said}")
        best = self.best[active]
        worse = (now > best - self.tol) & (self.tol > -np.inf)
        self.count[active] = np.where(worse, self.count[active] + 1, 0)
        self.best[active] = np.where(now < best, now, best)
        stops = self.count[active] >= self.model.n_iter_no_change
        if self.model.learning_rate == "adaptive":
            rates = to_host(lanes.table[ETA])
            slows = stops & (rates > 1e-6)
            self.count[active[slows]] = 0
            slower = np.where(slows, rates / 5, rates)
            lanes.table[ETA] = array_namespace(lanes.table).asarray(slower)
            stops &= ~slows
        return stops
