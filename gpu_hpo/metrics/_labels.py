# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compute metrics of predicted labels.

All but accuracy need no more than how much of each label is true, is predicted and is
both. These sums are of whole numbers, so they are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpu_hpo._typing import Array
from gpu_hpo.metrics._encoding import is_number
from gpu_hpo.metrics._responses import StackedResponses
from gpu_hpo.metrics._sums import ratio, row_sums


@dataclass(frozen=True)
class _Tally:
    """Weights of each label in y, in predictions and where both agree.

    Attributes
    ----------
    true : array of shape (1, n_labels)
    predicted, right : array of shape (n_models, n_labels)
    defined : array of bool, of shape (n_models,)
        Whether all that a model predicts is one of the labels.
    """

    true: Array
    predicted: Array
    right: Array
    defined: Array


def accuracy(stacked: StackedResponses) -> Array:
    """Return the share of rows predicted right."""
    truth, xp = stacked.truth, stacked.xp
    predicted = stacked.of("predict")
    if not is_number(truth.y) or not is_number(predicted):
        return _averaged(stacked, "recall", "micro")
    if truth.y.ndim != 1 or predicted.ndim != 2:
        return stacked.undefined()
    right = predicted == truth.y
    if truth.integer_weight is None:
        share = xp.count_nonzero(right, axis=-1) / truth.n_rows
    else:
        share = row_sums(xp, right * truth.integer_weight) / truth.integer_total
    for values in (truth.y, predicted):
        if values.dtype.kind == "f":  # what is no whole number is no label
            integral = values - xp.floor(values) == 0  # infinity is none
            share = stacked.where(integral.all(axis=-1), share)
    return share


def balanced_accuracy(stacked: StackedResponses) -> Array:
    """Average over the labels of y the share that is predicted right."""
    tally = _tally(stacked)
    if tally is None:
        return stacked.undefined()
    shares = row_sums(stacked.xp, ratio(stacked.xp, tally.right, tally.true))
    n_labels = (tally.true > 0).sum(axis=-1)
    return stacked.where(tally.defined, shares / n_labels)


def matthews_corrcoef(stacked: StackedResponses) -> Array:
    """Correlate labels and predictions (Gorodkin 2004); 0 if one is constant.

    References
    ----------
    J. Gorodkin, "Comparing two K-category assignments by a K-category correlation
    coefficient", Computational Biology and Chemistry 28 (2004), 367-374.
    """
    tally = _tally(stacked)
    if tally is None:
        return stacked.undefined()
    xp = stacked.xp
    true, predicted = tally.true, tally.predicted
    total = row_sums(xp, true)
    covariance = row_sums(xp, tally.right) * total - row_sums(xp, true * predicted)
    of_true = total * total - row_sums(xp, true * true)
    of_predicted = total * total - row_sums(xp, predicted * predicted)
    correlation = ratio(xp, covariance, xp.sqrt(of_true * of_predicted))
    return stacked.where(tally.defined, correlation)


def precision(stacked: StackedResponses, average: str) -> Array:
    """Return the share of what is predicted to have a label that has it."""
    return _averaged(stacked, "precision", average)


def recall(stacked: StackedResponses, average: str) -> Array:
    """Return the share of what has a label that is predicted to have it."""
    return _averaged(stacked, "recall", average)


def f1(stacked: StackedResponses, average: str) -> Array:
    """Return the harmonic mean of precision and recall."""
    return _averaged(stacked, "f1", average)


def _averaged(stacked: StackedResponses, name: str, average: str) -> Array:
    """Average a share per label over labels.

    Parameters
    ----------
    stacked : StackedResponses
    name : {"precision", "recall", "f1"}
    average : {"binary", "macro", "micro", "weighted"}
        The share of label 1; its mean over labels that occur, true or predicted; of
        all rows together; its mean over labels by how much is true of each.
    """
    tally = _tally(stacked)
    if tally is None:
        return stacked.undefined()
    xp = stacked.xp
    right, predicted, true = tally.right, tally.predicted, tally.true
    defined = tally.defined
    if average == "micro":
        right, predicted, true = (
            row_sums(xp, values)[:, None] for values in (right, predicted, true)
        )
    elif average == "binary":
        labels = stacked.truth.labels
        assert labels is not None  # or there were no tally
        if labels.named:  # none of which is 1
            return stacked.undefined()
        one = labels.encoding.position(1)
        if one == labels.encoding.n or not labels.all_known:
            return stacked.undefined()
        occurs = (predicted + true) > 0
        n_labels = occurs.sum(axis=-1)
        defined = defined & (n_labels <= 2) & (occurs[:, one] | (n_labels < 2))
        right, predicted, true = (
            values[:, one : one + 1] for values in (right, predicted, true)
        )
    if name == "precision":
        shares = ratio(xp, right, predicted)
    elif name == "recall":
        shares = ratio(xp, right, true)
    else:
        shares = ratio(xp, 2.0 * right, predicted + true)
    if average == "macro":
        n_labels = ((predicted + true) > 0).sum(axis=-1)
        mean = row_sums(xp, shares) / n_labels
    elif average == "weighted":
        mean = row_sums(xp, shares * true) / row_sums(xp, true)
    else:
        mean = shares[:, 0]
    return stacked.where(defined, mean)


def _tally(stacked: StackedResponses) -> _Tally | None:
    return stacked.shared("tally", lambda: _count(stacked))


def _count(stacked: StackedResponses) -> _Tally | None:
    truth, xp = stacked.truth, stacked.xp
    predicted = stacked.of("predict")
    labels = truth.labels
    if labels is None or predicted.ndim != 2 or labels.text == is_number(predicted):
        return None
    # One number says which model, which label, and whether that is right.
    n_labels = labels.encoding.n + 1  # the last is what is no label
    at = labels.encoding(predicted)
    right = at == labels.codes
    at += n_labels * xp.arange(stacked.n_models)[:, None]
    at *= 2
    at += right
    weight = truth.integer_weight
    if weight is not None:
        weight = xp.broadcast_to(weight, at.shape).ravel()
    shape = stacked.n_models, n_labels, 2
    counts = xp.bincount(
        at.ravel(), weights=weight, minlength=stacked.n_models * n_labels * 2
    )
    counts = counts.astype(xp.float64).reshape(shape)
    counts, others = counts[:, :-1], counts[:, -1].sum(axis=-1)
    return _Tally(
        labels.sums[None],
        counts.sum(axis=-1),
        counts[..., 1],
        (others == 0) & labels.usable,
    )
