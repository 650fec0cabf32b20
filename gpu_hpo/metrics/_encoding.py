# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Number class labels."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Protocol

import numpy as np

from gpu_hpo._typing import Array

# Labels further apart than this are searched for, instead of looked up in a table.
_LONGEST_TABLE = 1 << 16


class Encoding(Protocol):
    """Numbers of labels, from 0 up in their order.

    Attributes
    ----------
    n : int
        How many labels there are.
    """

    n: int

    def __call__(self, values: Array) -> Array:
        """Return the numbers of `values`, of their shape; `n` for what is no label."""

    def position(self, label: int) -> int:
        """Return the number of one label; `n` if it is none."""


class NumberEncoding:
    """Numbers of labels that are whole numbers, be they integers, floats or bools.

    Parameters
    ----------
    xp : module
        Namespace of what is to be encoded.
    labels : array of shape (n_labels,)
        In order; in the namespace `xp` or on the host, where they cost no waiting for
        a device.
    """

    def __init__(self, xp: ModuleType, labels: Array) -> None:
        self._xp = xp
        self.n = labels.shape[0]
        self._first = int(labels[0]) if self.n else 0
        last = int(labels[-1]) if self.n else -1
        self._span = last - self._first + 1
        self._labels = xp.asarray(labels).astype(xp.int64)
        self._table = None
        if self.n < self._span <= _LONGEST_TABLE:
            self._table = xp.full(self._span + 1, self.n, xp.int64)
            self._table[self._labels - self._first] = xp.arange(self.n)

    def __call__(self, values: Array) -> Array:
        xp = self._xp
        integers = values.astype(xp.int64)
        if self._span > _LONGEST_TABLE and self._span > self.n:
            at = xp.minimum(xp.searchsorted(self._labels, integers), self.n - 1)
            at = xp.where(self._labels[at] == integers, at, self.n)
        else:
            # Unsigned, what is below the first is beyond the last.
            off = (integers - self._first).view(xp.uint64)
            at = xp.minimum(off, self._span).view(xp.int64)
            at = at if self._table is None else self._table[at]
        if values.dtype.kind == "f":
            at = xp.where(integers == values, at, self.n)
        return at

    def position(self, label: int) -> int:
        return int(self(self._xp.asarray([label]))[0])


class TextEncoding:
    """Numbers of labels that are strings, on the host.

    Parameters
    ----------
    labels : sequence of str
        In order.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.n = len(labels)
        self._table = {label: i for i, label in enumerate(labels)}

    def __call__(self, values: np.ndarray) -> np.ndarray:
        numbers = (self._table.get(value, self.n) for value in values.ravel().tolist())
        return np.fromiter(numbers, np.int64, values.size).reshape(values.shape)

    def position(self, label: int) -> int:
        return self.n  # a number is no string


def is_text(values: Array) -> bool:
    """Return whether an array on the host holds strings and nothing else."""
    if values.dtype.kind == "O":
        return all(isinstance(value, str) for value in values.ravel().tolist())
    return bool(values.dtype.kind == "U")


def can_number(labels: Array) -> bool:
    """Return whether a `NumberEncoding` takes labels of this type."""
    # Among int64, the largest of uint64 would be negative.
    return is_number(labels) and bool(labels.dtype != np.uint64)


def is_number(values: Array) -> bool:
    """Return whether an array holds real numbers or bools."""
    return values.dtype.kind in "biuf"
