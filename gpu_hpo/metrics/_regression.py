# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compute metrics of predicted numbers, one or several per row.

With several outputs a score is the mean over them.
"""

from __future__ import annotations

from gpu_hpo._typing import Array
from gpu_hpo.metrics._encoding import is_number
from gpu_hpo.metrics._responses import StackedResponses
from gpu_hpo.metrics._sums import ratio, row_sums


def neg_mean_squared_error(stacked: StackedResponses) -> Array:
    """Return the mean of squared errors, negated."""
    error = _errors(stacked)
    if error is None:
        return stacked.undefined()
    return -_over_outputs(stacked, stacked.truth.mean(error * error))


def neg_root_mean_squared_error(stacked: StackedResponses) -> Array:
    """Return the root of the mean of squared errors, negated."""
    error = _errors(stacked)
    if error is None:
        return stacked.undefined()
    roots = stacked.xp.sqrt(stacked.truth.mean(error * error))
    return -_over_outputs(stacked, roots)


def neg_mean_absolute_error(stacked: StackedResponses) -> Array:
    """Return the mean of absolute errors, negated."""
    error = _errors(stacked)
    if error is None:
        return stacked.undefined()
    return -_over_outputs(stacked, stacked.truth.mean(stacked.xp.abs(error)))


def neg_median_absolute_error(stacked: StackedResponses) -> Array:
    """Return the median of absolute errors, weighted and negated.

    If it is exactly half, the median is the mean of the two errors next to it. Where
    scikit-learn's sums of weights miss the half by rounding it takes one of them.
    """
    error = _errors(stacked)
    if error is None:
        return stacked.undefined()
    xp, weight = stacked.xp, stacked.truth.integer_weight
    error = xp.abs(error)
    last = error.shape[-1] - 1
    if weight is None:
        error = xp.sort(error, axis=-1)
        median = (error[..., last // 2] + error[..., (last + 1) // 2]) / 2
    else:
        order = xp.argsort(error, axis=-1)
        error = xp.take_along_axis(error, order, axis=-1)
        doubled = 2.0 * xp.cumsum(weight[order], axis=-1)
        total = stacked.truth.integer_total
        # Where the sum reaches a half, and where it passes it.
        ends = [(doubled < total), (doubled <= total)]
        at = [xp.minimum(end.sum(axis=-1), last)[..., None] for end in ends]
        low, high = (xp.take_along_axis(error, i, axis=-1)[..., 0] for i in at)
        median = (low + high) / 2
    # What is not a number, or infinite, comes last.
    finite = xp.isfinite(error[..., -1]).all(axis=-1)
    return stacked.where(finite, -_over_outputs(stacked, median))


def r2(stacked: StackedResponses) -> Array:
    """Return the coefficient of determination.

    Of a constant y it is 1 if no prediction is wrong, else 0.
    """
    error = _errors(stacked)
    if error is None or stacked.truth.n_rows < 2:
        return stacked.undefined()
    return _explained(stacked, stacked.truth.mean(error * error))


def explained_variance(stacked: StackedResponses) -> Array:
    """Return the share of the variance of y that errors do not have.

    For a constant y it is what `r2` is.
    """
    error = _errors(stacked)
    if error is None:
        return stacked.undefined()
    return _explained(stacked, _variance(stacked, error))


def _explained(stacked: StackedResponses, left: Array) -> Array:
    """Return 1 less the ratio of `left`, of shape (n_models, n_outputs), to y's."""
    xp = stacked.xp
    target = _outputs_first(stacked, stacked.truth.y[None])
    variance = _variance(stacked, target.astype(xp.float64))
    all_or_nothing = (left == 0).astype(xp.float64)
    shares = xp.where(variance > 0, 1.0 - ratio(xp, left, variance), all_or_nothing)
    defined = xp.isfinite(left) & xp.isfinite(variance)
    return _over_outputs(stacked, xp.where(defined, shares, xp.nan))


def _variance(stacked: StackedResponses, values: Array) -> Array:
    mean = stacked.truth.mean(values)[..., None]
    # The mean of equal values may differ from them by rounding; this one does not.
    mean = mean + stacked.truth.mean(values - mean)[..., None]
    values = values - mean
    return stacked.truth.mean(values * values)


def _errors(stacked: StackedResponses) -> Array:
    """Return y less predictions, (n_models, n_outputs, n_rows); None if unlike."""
    return stacked.shared("errors", lambda: _subtract(stacked))


def _subtract(stacked: StackedResponses) -> Array:
    predicted = stacked.of("predict")
    if not is_number(stacked.truth.y) or not is_number(predicted):
        return None
    target = _outputs_first(stacked, stacked.truth.y[None])
    predicted = _outputs_first(stacked, predicted)
    if target.shape[1:] != predicted.shape[1:]:
        return None
    float64 = stacked.xp.float64
    return target.astype(float64) - predicted.astype(float64, copy=False)


def _outputs_first(stacked: StackedResponses, values: Array) -> Array:
    """Turn (n_models, n_rows[, n_outputs]) into (n_models, n_outputs, n_rows)."""
    if values.ndim == 2:
        return values[:, None]
    return stacked.xp.ascontiguousarray(stacked.xp.moveaxis(values, -1, 1))


def _over_outputs(stacked: StackedResponses, values: Array) -> Array:
    return row_sums(stacked.xp, values) / values.shape[-1]
