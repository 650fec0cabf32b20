# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""One pass of many lanes through mini-batches, in array operations on any device.

It is the shortest form of training; `_compiled` does the same faster.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from gpu_hpo._typing import Array
from gpu_hpo.devices._namespace import array_namespace
from gpu_hpo.linear_model import _lanes as lane
from gpu_hpo.linear_model._lanes import Lanes, Rules
from gpu_hpo.linear_model._losses import THRESHOLDS, gradients, losses
from gpu_hpo.stacks._row_orders import Orders
from gpu_hpo.stacks._rows import Rows
from gpu_hpo.stacks._scalars import MOST_GRADIENT


def array_epoch(rules: Rules, lanes: Lanes, rows: Rows, orders: Orders) -> None:
    """Do what `_hot_loop.train_epoch` says."""
    xp = array_namespace(lanes.weights)
    order, which = orders
    if rows.sparse and len(order) > 1:
        # There are no sparse arrays of three axes.
        for i in range(len(order)):
            found = np.flatnonzero(which == i)
            part = lanes.part(found)
            _LanePass(xp, rules, part, rows).run(xp.asarray(order[i : i + 1]), None)
            lanes.put(found, part)
        return
    picked = xp.asarray(which) if len(order) > 1 else None
    _LanePass(xp, rules, lanes, rows).run(xp.asarray(order), picked)


class _LanePass:
    """Run the hot loop, with what it looks up."""

    def __init__(self, xp: ModuleType, rules: Rules, lanes: Lanes, rows: Rows) -> None:
        self.xp = xp
        self.rules = rules
        self.lanes = lanes
        self.rows = rows
        self.decay = lane.SPARSE_INTERCEPT_DECAY if rows.sparse else 1.0
        self.classes = bool((lanes.table[lane.CODE] >= 0).all())

    def run(self, order: Array, which: Array) -> None:
        """Go through the rows; `which` says which order a lane goes by, if any."""
        for start in range(0, order.shape[1], self.rules.batch_size):
            picked = order[:, start : start + self.rules.batch_size]
            self._step(picked[0] if which is None else picked, which)

    def _step(self, picked: Array, which: Array) -> None:
        """Change every lane by one batch: rows of one order, or per order."""
        xp, rules, lanes, table = self.xp, self.rules, self.lanes, self.lanes.table
        X, y = self.rows.X[picked], self.rows.y[picked]
        weight = None if self.rows.weight is None else self.rows.weight[picked]
        touched = None
        if self.rows.sparse:
            touched = xp.zeros(X.shape[1], bool)
            touched[X.indices] = True
            X = X.toarray()
        norms = (X.astype(xp.float64) ** 2).sum(axis=-1)
        if which is not None:
            X, y, norms = X[which], y[which], norms[which]
            weight = None if weight is None else weight[which]
        scores = xp.matmul(lanes.weights[:, None], X.swapaxes(-1, -2))[:, 0]
        eta = self._rates()
        updates = self._updates(scores, y, weight, norms, eta)
        shrink = xp.ones_like(eta)
        if rules.shrinks:
            ratio = (1 - table[lane.L1_RATIO]) * eta * table[lane.ALPHA]
            shrink = xp.maximum(1 - ratio, 0)
        # In scikit-learn a row of zeros makes no step of "pa1", so nothing changes.
        steps = (norms > 0).any(axis=-1) if rules.learning_rate == "pa1" else True
        steps = xp.broadcast_to(xp.asarray(steps), eta.shape)
        shrink = xp.where(steps, shrink, 1)
        updates = xp.where(steps[:, None], updates, 0)
        dtype = lanes.weights.dtype
        lanes.weights *= shrink[:, None].astype(dtype)
        lanes.weights += xp.matmul(updates[:, None].astype(dtype), X)[:, 0]
        if rules.objective:
            self._note_norms(shrink, (updates != 0).any(axis=1), touched)
        if rules.fit_intercept:
            lanes.intercepts += updates.sum(axis=1) * self.decay
        if rules.averaging:
            self._average(shrink, steps)
        if rules.truncates:
            table[lane.OWED] += xp.where(
                steps, table[lane.L1_RATIO] * eta * table[lane.ALPHA], 0
            )
            self._truncate(touched, steps)
        table[lane.T] += steps

    def _rates(self) -> Array:
        table = self.lanes.table
        if self.rules.learning_rate == "optimal":
            return 1 / (table[lane.ALPHA] * (table[lane.START] + table[lane.T] - 1))
        if self.rules.learning_rate == "invscaling":
            return table[lane.ETA] / table[lane.T] ** table[lane.POWER_T]
        return table[lane.ETA].copy()

    def _updates(
        self, scores: Array, y: Array, weight: Array, norms: Array, eta: Array
    ) -> Array:
        """Return what each row adds per unit of x, of shape (n_lanes, n_rows)."""
        xp, rules, table = self.xp, self.rules, self.lanes.table
        scores = scores + self.lanes.intercepts[:, None]
        counts = 1.0 if weight is None else weight
        if self.classes:
            positive = y == table[lane.CODE][:, None]
            y = xp.where(positive, 1.0, -1.0)
            of_class = xp.where(
                positive, table[lane.POSITIVE][:, None], table[lane.NEGATIVE][:, None]
            )
            counts = of_class * counts
        y = xp.broadcast_to(y, scores.shape)
        epsilon, eta = table[lane.EPSILON][:, None], eta[:, None]
        if rules.objective or rules.passive:
            values = losses(xp, rules.loss, scores, y, epsilon)
        if rules.objective:
            table[lane.LOSS] += values.sum(axis=1)
            table[lane.OBJECTIVE] += values.sum(axis=1) + len(y.T) * self._penalties()
        if rules.learning_rate == "pa1":
            one = xp.where(norms > 0, norms, 1)
            steps = xp.where(norms > 0, xp.minimum(eta, values / one), 0)
        elif rules.learning_rate == "pa2":
            steps = values / (norms + 0.5 / eta)
        else:
            slopes = gradients(xp, rules.loss, scores, y, epsilon)
            steps = -eta * xp.clip(slopes, -MOST_GRADIENT, MOST_GRADIENT)
        if rules.passive:
            steps = steps * (y if rules.loss in THRESHOLDS else xp.sign(y - scores))
        return steps * counts / len(y.T)

    def _penalties(self) -> Array:
        table = self.lanes.table
        if self.rules.passive or self.rules.penalty is None:
            return 0.0
        ratio = table[lane.L1_RATIO]
        sums = (1 - ratio) * 0.5 * table[lane.SQUARES] + ratio * table[lane.MAGNITUDES]
        return table[lane.ALPHA] * sums

    def _note_norms(self, shrink: Array, moved: Array, touched: Array) -> None:
        """Sum squares and magnitudes of weights; what scikit-learn takes for them.

        Of lanes that have not moved, not what an L1 penalty has taken since; and with
        sparse rows only of the features that are in the batch.
        """
        xp, table = self.xp, self.lanes.table
        weights = self.lanes.weights.astype(xp.float64)
        if touched is not None:
            weights = weights * touched
        table[lane.SQUARES] = xp.where(
            moved, (weights**2).sum(axis=1), table[lane.SQUARES] * shrink**2
        )
        table[lane.MAGNITUDES] = xp.where(
            moved, xp.abs(weights).sum(axis=1), table[lane.MAGNITUDES] * shrink
        )

    def _average(self, shrink: Array, steps: Array) -> None:
        xp, lanes, table = self.xp, self.lanes, self.lanes.table
        n = table[lane.T] - table[lane.AVERAGE] + 1
        fresh = xp.where((n >= 1) & steps, 1 / xp.maximum(n, 1), 0)
        # Nothing is forgotten at the first: as in scikit-learn, whose averages of a
        # regressor that is fitted again are added to.
        keep = xp.where(n > 1, 1 - fresh, 1)
        lanes.average_intercepts += fresh * (
            lanes.intercepts - lanes.average_intercepts
        )
        dtype = lanes.weights.dtype
        lanes.average_weights *= keep[:, None].astype(dtype)
        lanes.average_weights += fresh[:, None].astype(dtype) * lanes.weights
        table[lane.SCALE] *= shrink
        # Where scikit-learn applies what it has shrunk all weights by.
        small = table[lane.SCALE] < (1e-9 if dtype.itemsize > 4 else 1e-6)
        table[lane.SHARE] = xp.where(
            small, 0, table[lane.SHARE] / xp.where(shrink > 0, shrink, 1)
        )
        table[lane.SCALE] = xp.where(small, 1, table[lane.SCALE])
        table[lane.SHARE] = keep * table[lane.SHARE] + fresh

    def _truncate(self, touched: Array, steps: Array) -> None:
        """Subtract the L1 penalty that weights owe, but not past zero.

        Source: Tsuruoka, Tsujii and Ananiadou, "Stochastic gradient descent training
        for L1-regularized log-linear models with cumulative penalty", 2009,
        https://aclanthology.org/P09-1054/
        """
        xp, lanes = self.xp, self.lanes
        weights, paid = lanes.weights, lanes.paid
        owed = lanes.table[lane.OWED][:, None].astype(weights.dtype)
        left = xp.where(
            weights > 0,
            xp.maximum(weights - (owed + paid), 0),
            xp.minimum(weights + (owed - paid), 0),
        )
        pays = (weights != 0) & (weights == weights) & steps[:, None]
        if touched is not None:
            pays &= touched
        change = xp.where(pays, left - weights, 0)
        weights += change
        paid += change
        if self.rules.averaging:
            share = lanes.table[lane.SHARE][:, None].astype(weights.dtype)
            lanes.average_weights += share * change
