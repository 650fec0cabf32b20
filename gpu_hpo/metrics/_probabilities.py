# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compute metrics of the probabilities of classes."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_hpo._typing import Array
from gpu_hpo.metrics._responses import StackedResponses
from gpu_hpo.metrics._truth import Labels


@dataclass(frozen=True)
class ClassRows:
    """Probabilities or decisions, where y has all the classes that models know.

    Attributes
    ----------
    values : array of numbers
        As the models gave them. Of shape (n_models, n_rows) for the second one of two
        classes, else (n_models, n_rows, n_classes).
    labels : Labels
        The numbers of classes are the columns.
    defined : array of bool, without axes
        Whether y has all the classes, and no other.
    """

    values: Array
    labels: Labels
    defined: Array


def class_rows(stacked: StackedResponses, method: str) -> ClassRows | None:
    """Return probabilities or decisions; None if they do not fit y.

    Parameters
    ----------
    stacked : StackedResponses
    method : {"predict_proba", "decision_function"}
    """
    return stacked.shared(("classes", method), lambda: _class_rows(stacked, method))


def _class_rows(stacked: StackedResponses, method: str) -> ClassRows | None:
    labels = stacked.truth.labels
    values = stacked.of(method)
    if labels is None or stacked.truth.classes is None or not labels.all_known:
        return None
    n_classes = labels.encoding.n
    columns = (n_classes,) if n_classes > 2 or method == "predict_proba" else ()
    if n_classes < 2 or values.shape[2:] != columns or values.dtype.kind not in "iuf":
        return None
    if n_classes == 2 and columns:
        values = stacked.xp.ascontiguousarray(values[..., 1])
    return ClassRows(values, labels, (labels.sums > 0).all() & labels.usable)


def neg_log_loss(stacked: StackedResponses) -> Array:
    """Average the logarithm of the probability of what is true.

    A probability counts at least as the epsilon of its floating-point type.
    """
    rows = class_rows(stacked, "predict_proba")
    if rows is None:
        return stacked.undefined()
    xp, values, codes = stacked.xp, rows.values, rows.labels.codes
    if values.dtype.kind != "f":
        values = values.astype(xp.float64)
    if values.ndim == 2:
        chosen = xp.where(codes == 1, values, 1 - values)
    else:
        n_rows, n_classes = values.shape[1:]
        at = n_classes * xp.arange(n_rows) + codes
        chosen = values.reshape(stacked.n_models, -1).take(at, axis=1)
    epsilon = float(xp.finfo(values.dtype).eps)
    chosen = xp.clip(chosen, epsilon, 1 - epsilon).astype(xp.float64)
    score = stacked.truth.mean(xp.log(chosen))
    return stacked.where(_are_probabilities(stacked, rows), score)


def neg_brier_score(stacked: StackedResponses) -> Array:
    """Return the mean squared difference to what is true, negated.

    With more than two classes the squares are summed over the classes.
    """
    rows = class_rows(stacked, "predict_proba")
    if rows is None:
        return stacked.undefined()
    values, codes = rows.values.astype(stacked.xp.float64), rows.labels.codes
    if values.ndim == 2:
        if rows.labels.named:  # scikit-learn asks which one is positive
            return stacked.undefined()
        off = values - codes
        loss = stacked.truth.mean(off * off)
    else:
        loss = 0.0
        for i in range(values.shape[2]):
            off = values[..., i] - (codes == i)
            loss = loss + stacked.truth.mean(off * off)
    return stacked.where(_are_probabilities(stacked, rows), -loss)


def _are_probabilities(stacked: StackedResponses, rows: ClassRows) -> Array:
    """Return whether y has all the classes and a model's values are from 0 to 1."""

    def check() -> Array:
        values = rows.values.reshape(stacked.n_models, -1)
        return (values.min(axis=-1) >= 0) & (values.max(axis=-1) <= 1)

    return rows.defined & stacked.shared("are probabilities", check)
