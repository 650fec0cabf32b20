# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a mini-batch does to each lane, compiled for the CPU.

Lanes are innermost and independent of each other: what is computed for one does not
depend on how many there are. All of it is in float64; only weights and rows may not be.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from gpu_hpo.devices._jit import inlined
from gpu_hpo.devices._vector_exp import exp
from gpu_hpo.linear_model._lanes import (
    ALPHA,
    AVERAGE,
    CODE,
    EPSILON,
    ETA,
    L1_RATIO,
    LOSS,
    MAGNITUDES,
    MOST_GRADIENT,
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

LOSSES = {
    "hinge": 0,
    "perceptron": 1,
    "squared_hinge": 2,
    "log_loss": 3,
    "modified_huber": 4,
    "squared_error": 5,
    "huber": 6,
    "epsilon_insensitive": 7,
    "squared_epsilon_insensitive": 8,
}
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


def plan(rules: Rules, classes: bool, decay: float) -> Plan:
    """Translate rules into numbers."""
    return Plan(
        LOSSES[rules.loss],
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
def row_update(plan, scores, intercepts, y, weight, norm, n, table, room, update):
    """Set what one of the `n` rows of a batch adds to the weights, per unit of x."""
    n_lanes = len(room.eta)
    score, target, counts, out = room.score, room.target, room.counts, room.out
    weight = weight / n
    for j in range(n_lanes):
        score[j] = scores[j] + intercepts[j]
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
        set_losses(plan.loss, score, target, table, out)
    if plan.objective:
        for j in range(n_lanes):
            table[LOSS, j] += out[j]
            table[OBJECTIVE, j] += out[j]
    if plan.rate >= 3:
        for j in range(n_lanes):
            if plan.rate == 3:
                step = out[j] / norm if norm > 0 else 0.0
                step = room.eta[j] if step > room.eta[j] else step
                step = step if norm > 0 else 0.0
            else:
                step = out[j] / (norm + 0.5 / room.eta[j])
            if plan.loss <= 1:
                step *= target[j]
            elif target[j] < score[j]:
                step = -step
            out[j] = step * counts[j]
    else:
        set_gradients(plan.loss, score, target, table, out)
        for j in range(n_lanes):
            slope = -MOST_GRADIENT if out[j] < -MOST_GRADIENT else out[j]
            slope = MOST_GRADIENT if slope > MOST_GRADIENT else slope
            out[j] = -room.eta[j] * slope * counts[j]
    for j in range(n_lanes):
        update[j] = out[j]
        room.bias[j] += out[j]
        room.moved[j] = 1.0 if out[j] != 0 else room.moved[j]


@inlined
def set_gradients(loss, score, target, table, out):
    """Derivative of the loss by the score, per lane."""
    n_lanes = len(out)
    if loss <= 1:
        threshold = 1.0 if loss == 0 else 0.0
        for j in range(n_lanes):
            z = score[j] * target[j]
            # NaN, which is on no side of the threshold, must not pass for right.
            out[j] = 0.0 if z > threshold else -target[j]
    elif loss == 2:
        for j in range(n_lanes):
            z = 1 - score[j] * target[j]
            out[j] = -2 * target[j] * (0.0 if z < 0 else z)
    elif loss == 3:
        for j in range(n_lanes):
            z = score[j] * target[j]
            e = exp(-abs(z))
            out[j] = -target[j] * (e if z > 0 else 1.0) / (1 + e)
    elif loss == 4:
        for j in range(n_lanes):
            z = score[j] * target[j]
            slope = -2 * (1 - z) * target[j]
            slope = -4 * target[j] if z < -1 else slope
            out[j] = 0.0 if z >= 1 else slope
    elif loss == 5:
        for j in range(n_lanes):
            out[j] = score[j] - target[j]
    elif loss == 6:
        for j in range(n_lanes):
            off = score[j] - target[j]
            most = table[EPSILON, j]
            off = most if off > most else off
            out[j] = -most if off < -most else off
    elif loss == 7:
        for j in range(n_lanes):
            off = score[j] - target[j]
            slope = 0.0 if off == off else off
            slope = 1.0 if off > table[EPSILON, j] else slope
            out[j] = -1.0 if off < -table[EPSILON, j] else slope
    else:
        for j in range(n_lanes):
            off = score[j] - target[j]
            most = table[EPSILON, j]
            slope = 0.0 if off == off else off
            slope = 2 * (off - most) if off > most else slope
            out[j] = 2 * (off + most) if off < -most else slope


@inlined
def set_losses(loss, score, target, table, out):
    """Loss per lane."""
    n_lanes = len(out)
    if loss <= 1:
        threshold = 1.0 if loss == 0 else 0.0
        for j in range(n_lanes):
            z = threshold - score[j] * target[j]
            out[j] = 0.0 if z < 0 else z
    elif loss == 2:
        for j in range(n_lanes):
            z = 1 - score[j] * target[j]
            z = 0.0 if z < 0 else z
            out[j] = z * z
    elif loss == 3:
        for j in range(n_lanes):
            z = score[j] * target[j]
            out[j] = np.log1p(exp(-abs(z))) + (0.0 if z > 0 else -z)
    elif loss == 4:
        for j in range(n_lanes):
            z = score[j] * target[j]
            value = -4 * z if z < -1 else (1 - z) * (1 - z)
            out[j] = 0.0 if z >= 1 else value
    elif loss == 5:
        for j in range(n_lanes):
            off = score[j] - target[j]
            out[j] = 0.5 * off * off
    elif loss == 6:
        for j in range(n_lanes):
            off = abs(score[j] - target[j])
            most = table[EPSILON, j]
            out[j] = most * (off - 0.5 * most) if off > most else 0.5 * off * off
    else:
        for j in range(n_lanes):
            off = abs(score[j] - target[j]) - table[EPSILON, j]
            off = 0.0 if off < 0 else off
            out[j] = off * off if loss == 8 else off


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
