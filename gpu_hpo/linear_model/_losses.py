# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Losses of linear models, in array operations.

Scores and targets have shape (n_lanes, n_rows), or one that gives this together with
the other; `epsilon` is a column. The targets of classes are -1 and 1.
"""

from __future__ import annotations

from types import ModuleType

from gpu_hpo._typing import Array

THRESHOLDS = {"hinge": 1.0, "perceptron": 0.0}


def losses(
    xp: ModuleType, name: str, score: Array, target: Array, epsilon: Array
) -> Array:
    """Compute losses, of the shape of the scores."""
    if name in THRESHOLDS:
        return xp.maximum(THRESHOLDS[name] - score * target, 0)
    if name == "squared_hinge":
        return xp.maximum(1 - score * target, 0) ** 2
    if name == "log_loss":
        z = score * target
        return xp.log1p(xp.exp(-xp.abs(z))) + xp.maximum(-z, 0)
    if name == "modified_huber":
        z = score * target
        return xp.where(z < -1, -4 * z, xp.maximum(1 - z, 0) ** 2)
    off = xp.abs(score - target)
    if name == "squared_error":
        return 0.5 * off * off
    if name == "huber":
        return xp.where(off > epsilon, epsilon * (off - 0.5 * epsilon), 0.5 * off * off)
    off = xp.maximum(off - epsilon, 0)
    return off if name == "epsilon_insensitive" else off * off


def gradients(
    xp: ModuleType, name: str, score: Array, target: Array, epsilon: Array
) -> Array:
    """Return the derivatives of the losses by the scores."""
    if name in THRESHOLDS:
        return xp.where(score * target > THRESHOLDS[name], 0, -target)
    if name == "squared_hinge":
        return -2 * target * xp.maximum(1 - score * target, 0)
    if name == "log_loss":
        z = score * target
        small = xp.exp(-xp.abs(z))
        return -target * xp.where(z > 0, small, 1) / (1 + small)
    if name == "modified_huber":
        z = score * target
        return -target * xp.where(z < -1, 4, 2 * xp.maximum(1 - z, 0))
    off = score - target
    if name == "squared_error":
        return off
    if name == "huber":
        return xp.clip(off, -epsilon, epsilon)
    if name == "epsilon_insensitive":
        return xp.where(xp.abs(off) > epsilon, xp.sign(off), 0 * off)
    return 2 * xp.sign(off) * xp.maximum(xp.abs(off) - epsilon, 0)
