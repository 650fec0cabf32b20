# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compute scores and probabilities of many linear models at once."""

from __future__ import annotations

from types import ModuleType

from gpu_hpo._typing import Array
from gpu_hpo.devices._namespace import array_namespace
from gpu_hpo.linear_model._lanes import CODE, Lanes
from gpu_hpo.stacks._rows import Rows


def scores(xp: ModuleType, coefs: Array, intercepts: Array, X: Array) -> Array:
    """Compute distances from the hyperplanes: (n_models, n_samples, n_outputs).

    There is one product per model, so that none depends on how many models there are.
    """
    if hasattr(X, "indptr"):
        out = xp.stack([xp.asarray(X @ coef.T) for coef in coefs])
    else:
        out = xp.matmul(coefs, X.T).swapaxes(1, 2)
    return out + intercepts[:, None]


def probabilities(xp: ModuleType, loss: str, scores: Array) -> Array:
    """Compute probabilities of the classes: (n_models, n_samples, n_classes)."""
    if loss == "log_loss":
        small = xp.exp(-xp.abs(scores))
        out = xp.where(scores >= 0, 1, small) / (1 + small)
    else:
        out = (xp.clip(scores, -1, 1) + 1) / 2
    if out.shape[-1] == 1:
        return xp.concatenate([1 - out, out], axis=-1)
    # A row that is of no class gets equal probabilities.
    out = xp.where((out == 0).all(axis=-1)[..., None], 1, out)
    return out / out.sum(axis=-1)[..., None]


def validation_scores(lanes: Lanes, rows: Rows) -> Array:
    """Compute the accuracy, or coefficient of determination, of each lane.

    There is one product per lane, so that none depends on how many lanes there are.
    """
    xp = array_namespace(lanes.weights)
    if rows.sparse:
        predicted = xp.stack(
            [xp.asarray(rows.X @ weights) for weights in lanes.weights]
        )
    else:
        predicted = xp.matmul(lanes.weights[:, None], rows.X.T)[:, 0]
    predicted = predicted + lanes.intercepts[:, None]
    weight = xp.ones(len(rows.y)) if rows.weight is None else rows.weight
    code = lanes.table[CODE][:, None]
    if bool((code >= 0).all()):
        right = (predicted > 0) == (rows.y == code)
        return (right * weight).sum(axis=1) / weight.sum()
    mean = (rows.y * weight).sum() / weight.sum()
    wrong = (weight * (rows.y - predicted) ** 2).sum(axis=1)
    spread = (weight * (rows.y - mean) ** 2).sum()
    if spread == 0:
        # Nothing to explain.
        return xp.where(wrong == 0, 1.0, 0.0)
    return 1 - wrong / spread
