# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Training for as many epochs as it takes: when each output of a model stops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gpu_hpo.devices._namespace import array_namespace, to_host
from gpu_hpo.linear_model._hot_loop import train_epoch
from gpu_hpo.linear_model._lanes import ETA, LOSS, OBJECTIVE, Lanes, Rules
from gpu_hpo.linear_model._responses import validation_scores
from gpu_hpo.stacks._fit_courses import Course, HeldRows
from gpu_hpo.stacks._fit_loop import courses_of, train_active
from gpu_hpo.stacks._row_orders import Orders
from gpu_hpo.stacks._rows import Rows


def train_until_done(
    models: Sequence[Any],
    rules: Rules,
    lanes: Lanes,
    rows: Rows,
    courses: Sequence[Course],
) -> tuple[list[int], list[Exception | None]]:
    """Train the outputs of some models, each until it no longer improves.

    The models are in the order of the courses that they are members of; `lanes`, which
    are changed, are their outputs, as many of each. Says of each model how many epochs
    the output took that took most, and that its weights were no longer finite, which
    ends it.
    """
    owner = np.repeat(np.arange(len(models)), len(lanes) // len(models))
    books = _Books(models, owner, len(courses[0].order))
    course, held = courses_of(courses)[owner], HeldRows(rows)
    n_epochs = np.zeros(len(models), int)
    errors: list[Exception | None] = [None] * len(models)

    xp = array_namespace(lanes.weights)

    def epoch(part: Lanes, active: np.ndarray, orders: Orders) -> np.ndarray:
        n_epochs[owner[active]] += 1
        number = int(n_epochs.max())
        part.table[[LOSS, OBJECTIVE]] = 0
        with np.errstate(all="ignore"):
            train_epoch(rules, part, rows, orders)
        finite = xp.isfinite(part.weights).all(axis=1) & xp.isfinite(part.intercepts)
        failed = np.unique(owner[active[~to_host(finite)]])
        for i in failed.tolist():
            errors[i] = diverged(number)
        sound = ~np.isin(owner[active], failed)
        found = None
        if len(courses[0].held):
            found = _scores(part, held, courses, np.where(sound, course[active], -1))
        return sound & ~books.stop(number, active, part, found, sound)

    train_active(lanes, courses, course, epoch)
    return n_epochs.tolist(), errors


def _scores(
    lanes: Lanes, held: HeldRows, courses: Sequence[Course], which: np.ndarray
) -> np.ndarray:
    """Score lanes on the rows that each one's course holds out, on the host.

    NaN for lanes of course -1.
    """
    out = np.full(len(lanes), np.nan)
    for k in np.unique(which[which >= 0]).tolist():
        some = np.flatnonzero(which == k)
        scores = validation_scores(lanes.part(some), held.of(courses[k]))
        out[some] = to_host(scores)
    return out


class _Books:
    """Note how well each lane has done so far.

    `owner` says whose output each lane is, `n_rows` on how many it is trained.
    """

    def __init__(self, models: Sequence[Any], owner: np.ndarray, n_rows: int) -> None:
        self.models = models
        self.owner = owner
        self.n_rows = n_rows
        tol = [-np.inf if model.tol is None else model.tol for model in models]
        self.tol = np.array(tol)[owner]
        self.patience = np.array([m.n_iter_no_change for m in models])[owner]
        self.last = np.array([model.max_iter for model in models])[owner]
        self.talking = [i for i, model in enumerate(models) if model.verbose]
        self.best = np.full(len(owner), np.inf)
        self.count = np.zeros(len(owner), int)

    def stop(
        self,
        epoch: int,
        active: np.ndarray,
        lanes: Lanes,
        scores: np.ndarray | None,
        sound: np.ndarray,
    ) -> np.ndarray:
        """Say which of the active lanes should stop; the others may slow down.

        What it says of lanes that are not `sound` does not matter.
        """
        sums = to_host(lanes.table[[LOSS, OBJECTIVE]]) / self.n_rows
        # The less, the better.
        now = sums[1] if scores is None else -scores
        for i in self.talking:
            own = sound & (self.owner[active] == i)
            self._talk(epoch, own, sums, scores)
        best, tol = self.best[active], self.tol[active]
        worse = (now > best - tol) & (tol > -np.inf)
        self.count[active] = np.where(worse, self.count[active] + 1, 0)
        self.best[active] = np.where(now < best, now, best)
        stops = self.count[active] >= self.patience[active]
        if self.models[0].learning_rate == "adaptive":
            rates = to_host(lanes.table[ETA])
            slows = stops & (rates > 1e-6)
            self.count[active[slows]] = 0
            slower = np.where(slows, rates / 5, rates)
            lanes.table[ETA] = array_namespace(lanes.table).asarray(slower)
            stops &= ~slows
        return stops | (epoch >= self.last[active])

    def _talk(
        self, epoch: int, own: np.ndarray, sums: np.ndarray, scores: np.ndarray | None
    ) -> None:
        """Print how the active lanes of a model do, if it has any."""
        if own.any():
            said = "" if scores is None else f", validation scores: {scores[own]}"
            print(
                f"-- Epoch {epoch}, losses: {sums[0, own]}, objectives: "
                f"{sums[1, own]}{said}"
            )


def diverged(epoch: int) -> ValueError:
    """Return the error of a model whose weights are not finite after an epoch."""
    return ValueError(
        f"Floating-point under-/overflow occurred at epoch #{epoch}. Scaling input "
        "data with StandardScaler or MinMaxScaler might help."
    )
