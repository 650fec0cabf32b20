# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compute metrics of the order that decisions or probabilities put rows in."""

from __future__ import annotations

from itertools import combinations, pairwise
from types import ModuleType

from gpu_hpo._typing import Array
from gpu_hpo.metrics._probabilities import ClassRows, class_rows
from gpu_hpo.metrics._responses import StackedResponses
from gpu_hpo.metrics._sums import row_sums


def roc_auc(stacked: StackedResponses) -> Array:
    """Return the area under the ROC curve, for two classes."""
    method = stacked.first("decision_function", "predict_proba")
    rows = class_rows(stacked, method)
    return _of_two(stacked, rows, method)


def roc_auc_ovr(stacked: StackedResponses, average: str) -> Array:
    """Average the area under the ROC curve of each class against all others.

    Parameters
    ----------
    stacked : StackedResponses
    average : {"macro", "weighted"}
        By how much there is of each class, if weighted.
    """
    rows = class_rows(stacked, "predict_proba")
    if rows is None or rows.values.ndim == 2:
        return _of_two(stacked, rows, "predict_proba")
    xp, sums = stacked.xp, rows.labels.sums
    wins, defined = _all_wins(stacked, rows)
    total = stacked.truth.integer_total
    areas, shares = [], []
    for i, won in enumerate(wins):
        against = xp.stack([*won[:i], *won[i + 1 :]], axis=1)
        areas.append(row_sums(xp, against) / (2.0 * sums[i] * (total - sums[i])))
        shares.append(sums[i])
    return stacked.where(defined, _average(xp, areas, shares, average))


def roc_auc_ovo(stacked: StackedResponses, average: str) -> Array:
    """Average the area under the ROC curve of each class against each other.

    As Hand and Till define it. Row weights, which scikit-learn does not take here, mean
    what they mean elsewhere: a row of weight 2 is two rows.

    Parameters
    ----------
    stacked : StackedResponses
    average : {"macro", "weighted"}
        By how much there is of each pair of classes, if weighted.

    References
    ----------
    D. J. Hand and R. J. Till, "A simple generalisation of the area under the ROC curve
    for multiple class classification problems", Machine Learning 45 (2001), 171-186.
    """
    rows = class_rows(stacked, "predict_proba")
    if rows is None or rows.values.ndim == 2:
        return _of_two(stacked, rows, "predict_proba")
    xp, sums = stacked.xp, rows.labels.sums
    wins, defined = _all_wins(stacked, rows)
    areas, shares = [], []
    for i, j in combinations(range(len(wins)), 2):
        areas.append((wins[i][j] + wins[j][i]) / (4.0 * sums[i] * sums[j]))
        shares.append(sums[i] + sums[j])
    return stacked.where(defined, _average(xp, areas, shares, average))


def _average(
    xp: ModuleType, areas: list[Array], shares: list[Array], average: str
) -> Array:
    """Average areas, each of shape (n_models,)."""
    table = xp.stack(areas, axis=1)
    if average == "macro":
        return row_sums(xp, table) / len(areas)
    weights = xp.stack(shares)
    return row_sums(xp, table * weights) / row_sums(xp, weights)


def _of_two(stacked: StackedResponses, rows: ClassRows | None, method: str) -> Array:
    """Return the area of the second of two classes; NaN if they are not two."""
    if rows is None or rows.values.ndim != 2:
        return stacked.undefined()

    def compute() -> Array:
        (lost, _), finite = _wins(stacked, rows, rows.values, 1)
        negative, positive = rows.labels.sums[0], rows.labels.sums[1]
        area = lost / (2.0 * positive * negative)
        return stacked.where(rows.defined & finite, area)

    return stacked.shared(("area", method), compute)


def _all_wins(
    stacked: StackedResponses, rows: ClassRows
) -> tuple[list[list[Array]], Array]:
    """Return what `_wins` does for each class, and for which models it is defined."""

    def count() -> tuple[list[list[Array]], Array]:
        xp, values = stacked.xp, rows.values
        total = values.sum(axis=-1)
        near = xp.abs(1 - total) <= 1e-8 + 1e-5 * xp.abs(total)
        defined = rows.defined & near.all(axis=-1)
        wins = []
        for i in range(values.shape[2]):
            won, finite = _wins(stacked, rows, values[..., i], i)
            wins.append(won)
            defined = defined & finite
        return wins, defined

    return stacked.shared("wins", count)


def _wins(
    stacked: StackedResponses, rows: ClassRows, scores: Array, positive: int
) -> tuple[list[Array], Array]:
    """Return how often a row of one class is above a row of another one.

    Parameters
    ----------
    stacked : StackedResponses
    rows : ClassRows
    scores : array of numbers, of shape (n_models, n_rows)
    positive : int
        Number of the class that is to be above.

    Returns
    -------
    wins : list of arrays of shape (n_models,)
        Per class, the weight of pairs in which the row of the positive class has the
        larger score, twice, and of pairs with equal scores.
    finite : array of bool, of shape (n_models,)
        Whether all scores of a model are finite. Other wins mean nothing.
    """
    xp, weight, labels = stacked.xp, stacked.truth.integer_weight, rows.labels
    n_models, n_rows = scores.shape
    # Rows class by class, so that the sum over a class is that over a slice.
    by_class, edges = labels.by_class
    scores = scores.take(by_class, axis=1)
    ones = xp.zeros(n_rows)
    positives = slice(edges[positive], edges[positive + 1])
    if weight is not None:
        weight = weight[by_class]
    ones[positives] = 1.0 if weight is None else weight[positives]

    order = xp.argsort(scores, axis=-1)
    scores = xp.take_along_axis(scores, order, axis=-1)
    finite = xp.isfinite(scores[:, 0]) & xp.isfinite(scores[:, -1])
    # Sums of whole numbers: exact, so that equal scores may come in any order.
    ordered = ones[order]
    below = xp.cumsum(ordered, axis=-1).ravel()
    begins = xp.ones(scores.shape, bool)
    begins[:, 1:] = scores[:, 1:] != scores[:, :-1]
    # For each run of equal scores, what is above it twice and what is in it.
    first = xp.flatnonzero(begins)
    last = xp.full(first.shape, n_models * n_rows - 1)
    last[:-1] = first[1:] - 1
    before = below[first] - ordered.ravel()[first]
    won = 2.0 * labels.sums[positive] - before - below[last]
    # Back from runs to rows.
    order += n_rows * xp.arange(n_models)[:, None]
    of_row = xp.zeros(n_models * n_rows)
    of_row[order.ravel()] = won[xp.cumsum(begins.ravel(), dtype=xp.int64) - 1]
    of_row = of_row.reshape(n_models, n_rows)
    if weight is not None:
        of_row *= weight
    wins = [row_sums(xp, of_row[:, start:stop]) for start, stop in pairwise(edges)]
    return wins, finite
