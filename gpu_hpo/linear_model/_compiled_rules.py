# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a mini-batch does to each lane, compiled for the CPU.

Lanes are innermost and independent of each other: what is computed for one does not
depend on how many there are. All of it is in float64; only weights and rows may not be.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from gpu_hpo.devices._jit import inlined
from gpu_hpo.devices._scopes import choice, compile_into
from gpu_hpo.devices._vector_exp import MATHS, exp
from gpu_hpo.linear_model._lanes import (
    ALPHA,
    AVERAGE,
    CODE,
    EPSILON,
    ETA,
    L1_RATIO,
    LOSS,
    MAGNITUDES,
    NEGATIVE,
    OBJECTIVE,
    OWED,
    POSITIVE,
    POWER_T,
    SCALE,
    SHARE,
    SQUARES,
    START,
    Rules,
)
from gpu_hpo.stacks import _scalars
from gpu_hpo.stacks._scalars import LOSSES

NUMBERS = {name: number for number, name in enumerate(LOSSES)}
RATES = {
    "constant": 0,
    "adaptive": 0,
    "optimal": 1,
    "invscaling": 2,
    "pa1": 3,
    "pa2": 4,
}
# `Rules` in numbers.
Plan = namedtuple(
    "Plan",
    "loss rate size fit_intercept shrinks truncates averaging objective classes decay",
)
# Room for a batch: learning rates, factors that shrink, what is added to the
# intercepts, whether a lane moves, new averages' parts; and for a row: scores, targets,
# what the row counts, and a result.
Room = namedtuple("Room", "eta shrink bias moved keep fresh score target counts out")


def _over_lanes(function: Any) -> Any:
    """Make a part that sets what a function of score, target and epsilon gives."""

    def set_all(score, target, epsilon, out):
        for j in range(len(out)):
            out[j] = function(score[j], target[j], epsilon[j])

    return inlined(set_all)


# Each is told by its first argument which loss.
set_losses, set_slopes = (
    choice([_over_lanes(f) for f in compile_into({**MATHS}, inlined, *each)], inlined)
    for each in zip(*LOSSES.values(), strict=True)
)
gradient_step, passive_step = compile_into(
    {**MATHS}, inlined, _scalars.gradient_step, _scalars.passive_step
)


def plan(rules: Rules, classes: bool, decay: float) -> Plan:
    """Translate rules into numbers."""
    return Plan(
        NUMBERS[rules.loss],
        RATES[rules.learning_rate],
        rules.batch_size,
        rules.fit_intercept,
        rules.shrinks,
        rules.truncates,
        rules.averaging,
        rules.objective,
        classes,
        decay,
    )


@inlined
def room_for(n_lanes):
    """Make room."""
    room = np.zeros((10, n_lanes))
    return Room(
        room[0],
        room[1],
        room[2],
        room[3],
        room[4],
        room[5],
        room[6],
        room[7],
        room[8],
        room[9],
    )


@inlined
def start_batch(plan, t, table, room):
    """Set learning rates and what they shrink the weights by."""
    n_lanes = len(room.eta)
    if plan.rate == 1:
        for j in range(n_lanes):
            room.eta[j] = 1 / (table[ALPHA, j] * (table[START, j] + t - 1))
    elif plan.rate == 2:
        log_t = np.log(t)
        for j in range(n_lanes):
            room.eta[j] = table[ETA, j] * exp(-table[POWER_T, j] * log_t)
    else:
        for j in range(n_lanes):
            room.eta[j] = table[ETA, j]
    for j in range(n_lanes):
        room.bias[j] = 0
        room.moved[j] = 0
        room.shrink[j] = 1
    if plan.shrinks:
        for j in range(n_lanes):
            by = 1 - (1 - table[L1_RATIO, j]) * room.eta[j] * table[ALPHA, j]
            room.shrink[j] = 0.0 if by < 0 else by


@inlined
def set_updates(plan, rows, y, weight, norms, intercepts, table, room, batch):
    """Replace the scores of a batch's rows by what each adds to the weights.

    That is per unit of x.
    """
    for i in range(len(rows)):
        counts = weight[rows[i]] if len(weight) > 0 else 1.0
        share = counts / len(rows)
        _set_update(
            plan, y[rows[i]], share, norms[i], intercepts, table, room, batch[i]
        )


@inlined
def _set_update(plan, y, weight, norm, intercepts, table, room, row):
    """Do what `set_updates` says for a row, which counts `weight`."""
    n_lanes = len(room.eta)
    score, target, counts, out = room.score, room.target, room.counts, room.out
    for j in range(n_lanes):
        score[j] = row[j] + intercepts[j]
    if plan.classes:
        for j in range(n_lanes):
            target[j] = 1.0 if table[CODE, j] == y else -1.0
            of_class = table[POSITIVE, j] if table[CODE, j] == y else table[NEGATIVE, j]
            counts[j] = weight * of_class
    else:
        for j in range(n_lanes):
            target[j] = y
            counts[j] = weight
    if plan.objective or plan.rate >= 3:
        set_losses(plan.loss, score, target, table[EPSILON], out)
    if plan.objective:
        for j in range(n_lanes):
            table[LOSS, j] += out[j]
            table[OBJECTIVE, j] += out[j]
    if plan.rate >= 3:
        for j in range(n_lanes):
            step = passive_step(plan.rate == 3, out[j], norm, room.eta[j])
            if plan.loss <= 1:
                step *= target[j]
            elif target[j] < score[j]:
                step = -step
            out[j] = step * counts[j]
    else:
        set_slopes(plan.loss, score, target, table[EPSILON], out)
        for j in range(n_lanes):
            out[j] = gradient_step(out[j], room.eta[j]) * counts[j]
    for j in range(n_lanes):
        row[j] = out[j]
        room.bias[j] += out[j]
        room.moved[j] = 1.0 if out[j] != 0 else room.moved[j]


@inlined
def add_penalties(plan, n, table):
    """Add to the objective what the weights cost, for `n` rows."""
    if plan.rate >= 3 or not (plan.shrinks or plan.truncates):
        return
    for j in range(table.shape[1]):
        ratio = table[L1_RATIO, j]
        cost = (1 - ratio) * 0.5 * table[SQUARES, j] + ratio * table[MAGNITUDES, j]
        table[OBJECTIVE, j] += n * table[ALPHA, j] * cost


@inlined
def end_batch(plan, t, intercepts, average_intercepts, table, room):
    """Change intercepts, what is owed, and what becomes of averages."""
    n_lanes = len(room.eta)
    if plan.fit_intercept:
        for j in range(n_lanes):
            intercepts[j] += room.bias[j] * plan.decay
    if plan.truncates:
        for j in range(n_lanes):
            table[OWED, j] += table[L1_RATIO, j] * room.eta[j] * table[ALPHA, j]
    if not plan.averaging:
        return
    for j in range(n_lanes):
        n = t - table[AVERAGE, j] + 1
        fresh = 1 / n if n >= 1 else 0.0
        room.fresh[j] = fresh
        # Nothing is forgotten at the first: as in scikit-learn, whose averages of a
        # regressor that is fitted again are added to.
        room.keep[j] = 1 - fresh if n > 1 else 1.0
        change = (intercepts[j] - average_intercepts[j]) * fresh
        average_intercepts[j] += change if n >= 1 else 0.0


@inlined
def rescale(least, table, room):
    """Note in SCALE how weights were shrunk; SHARE is what is averaged of a scale.

    Where a scale becomes too small to go on with it, scikit-learn applies it to the
    weights, and the L1 penalty no longer takes anything off the averages.
    """
    for j in range(len(room.eta)):
        scale = table[SCALE, j] * room.shrink[j]
        small = scale < least
        table[SHARE, j] = 0.0 if small else table[SHARE, j] / room.shrink[j]
        table[SCALE, j] = 1.0 if small else scale
