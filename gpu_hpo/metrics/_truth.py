# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Hold what models are measured by: y, and how much each of its rows counts."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise

import numpy as np

from gpu_hpo._typing import Array
from gpu_hpo.devices._kept import kept
from gpu_hpo.devices._namespace import array_namespace, is_device_array, to_host
from gpu_hpo.metrics._encoding import (
    Encoding,
    NumberEncoding,
    TextEncoding,
    can_number,
    is_number,
    is_text,
)
from gpu_hpo.metrics._sums import integer_weights, row_sums


class Truth:
    """The rows that count, and what all metrics and all models have in common.

    Rows of weight 0 are left out from the start, so nothing can depend on them.

    Parameters
    ----------
    y : array of shape (n_samples,) or (n_samples, n_outputs)
    weight : array of shape (n_samples,), optional
        In the namespace of `y`.
    classes : array of shape (n_classes,), optional
        The labels that the models know, as ``model.classes_``; on the host or where y
        is. Metrics of classes need them.
    numbered : bool, default=False
        Whether labels are text, and y and `classes` are their numbers.

    Attributes
    ----------
    xp : module
        The namespace of y.
    y : array of shape (n_rows,) or (n_rows, n_outputs)
    weight : array of shape (n_rows,) or None
        Positive, unless `usable` is false.
    n_rows : int
        How many rows count.
    """

    def __init__(
        self,
        y: Array,
        weight: Array = None,
        classes: Array = None,
        *,
        numbered: bool = False,
    ) -> None:
        xp = self.xp = array_namespace(y)
        self._rows: Array = None
        if weight is not None:
            counts = xp.flatnonzero(weight)
            if counts.shape[0] < weight.shape[0]:
                self._rows = counts
                y, weight = y[counts], weight[counts]
            weight = weight.astype(xp.float64)
        self.y = y
        self.weight = weight
        self.classes = classes
        self.numbered = numbered
        self.n_rows: int = y.shape[0]

    def rows_that_count(self, responses: Array) -> Array:
        """Return responses of shape (n_models, n_samples, ...) for rows that count."""
        if self._rows is None:
            return self.xp.ascontiguousarray(responses)
        return self.xp.take(responses, self._rows, axis=1)

    @cached_property
    def usable(self) -> Array:
        """Whether y is finite and all weights are positive: an array without axes."""
        xp = self.xp
        usable = xp.asarray(True)
        if self.weight is not None:
            usable = ((self.weight > 0) & (self.weight < xp.inf)).all()
        if self.y.dtype.kind == "f":
            usable = usable & xp.isfinite(self.y).all()
        return usable

    @cached_property
    def integer_weight(self) -> Array:
        """Weights as whole numbers (see `integer_weights`), or None."""
        return None if self.weight is None else integer_weights(self.xp, self.weight)

    @cached_property
    def integer_total(self) -> Array:
        """Sum of the weights as whole numbers, or the number of rows."""
        weight = self.integer_weight
        return self.n_rows if weight is None else row_sums(self.xp, weight)

    @cached_property
    def _total(self) -> Array:
        return self.n_rows if self.weight is None else row_sums(self.xp, self.weight)

    def mean(self, values: Array) -> Array:
        """Return weighted means over the rows, which are the last axis."""
        if self.weight is not None:
            values = values * self.weight
        return row_sums(self.xp, values) / self._total

    @cached_property
    def labels(self) -> Labels | None:
        """The labels of y and of the models; None if there cannot be such."""
        if self.y.ndim != 1 or (self.classes is not None and self.classes.ndim != 1):
            return None
        known = None if self.classes is None else _in_order(self.classes)
        if self.classes is not None and known is None:
            return None
        if can_number(self.y) and (known is None or can_number(known)):
            return Labels(self, known)
        if self.xp is np and is_text(self.y) and (known is None or is_text(known)):
            return Labels(self, known)
        return None


class Labels:
    """The labels that y and the models have, numbered in their order.

    Parameters
    ----------
    truth : Truth
        Its y has one axis, of numbers or of strings.
    known : array of shape (n_classes,) or None
        What the models know, in order.

    Attributes
    ----------
    encoding : Encoding
        Gives the numbers of labels.
    codes : array of int64, of shape (n_rows,)
        Numbers of y.
    all_known : bool
        Whether the models know all labels of y: then the encoding is of `known`.
    text : bool
        Whether y holds strings.
    named : bool
        Whether labels are strings: y may hold their numbers, of which 1 is no label.
    """

    def __init__(self, truth: Truth, known: Array) -> None:
        xp, y = truth.xp, truth.y
        self._truth = truth
        self.text = not is_number(y)
        self.named = self.text or truth.numbered
        # None of the models' labels is what all labels of y are added to.
        known = y[:0] if known is None else known
        self.encoding: Encoding = self._encode(known)
        self.codes, self.all_known = self._find(y, known)
        if not self.all_known:
            if self.text:
                labels = sorted({*known.tolist(), *y.tolist()})
            else:
                both = (xp.asarray(known).astype(xp.int64), y.astype(xp.int64))
                labels = xp.unique(xp.concatenate(both))
            self.encoding = self._encode(labels)
            self.codes = self.encoding(y)
            self.all_known = known.shape[0] == 0

    def _find(self, y: Array, known: Array) -> tuple[Array, bool]:
        """Return the numbers of labels, and whether models know all of them."""

        def find() -> tuple[Array, bool]:
            codes = self.encoding(y)
            return codes, not bool((codes == self.encoding.n).any())

        if not is_device_array(y) or is_device_array(known):
            return find()
        return kept(("labels", *known.tolist()), (y,), find)

    def _encode(self, labels: Array) -> Encoding:
        if self.text:
            return TextEncoding(list(labels))
        return NumberEncoding(self._truth.xp, labels)

    @cached_property
    def usable(self) -> Array:
        """Whether all of y can be labels: an array without axes."""
        xp, y = self._truth.xp, self._truth.y
        return (xp.floor(y) == y).all() if y.dtype.kind == "f" else xp.asarray(True)

    @cached_property
    def sums(self) -> Array:
        """How much each label counts, in whole numbers: of shape (n_labels,)."""
        xp, weight = self._truth.xp, self._truth.integer_weight
        counts = xp.bincount(self.codes, weights=weight, minlength=self.encoding.n + 1)
        return counts[: self.encoding.n].astype(xp.float64)

    @cached_property
    def by_class(self) -> tuple[Array, list[int]]:
        """Rows in the order of their labels, and where each label begins and ends."""
        xp, n_labels = self._truth.xp, self.encoding.n

        def find() -> tuple[Array, list[int]]:
            rows = xp.argsort(self.codes, kind="stable")
            edges = xp.searchsorted(self.codes[rows], xp.arange(n_labels + 1))
            # The host waits once for all.
            return rows, to_host(edges).tolist()

        return kept(("by class", n_labels), (self.codes,), find)


def _in_order(labels: Array) -> Array:
    """Return labels; None if they are not whole numbers or strings in order."""
    if labels.shape[0] == 0:
        return None
    if is_number(labels):
        if labels.dtype.kind == "f" and not bool((labels == labels.round()).all()):
            return None
        fine = bool((labels[1:] > labels[:-1]).all())
    else:
        fine = is_text(labels) and all(a < b for a, b in pairwise(labels.tolist()))
    return labels if fine else None
