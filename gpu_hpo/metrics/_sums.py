# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Sum so that results depend neither on who shares an array nor on the device.

A library adds up an axis in an order that may depend on the other axes, on a GPU on
chance even. A score must depend on neither.
"""

from __future__ import annotations

from types import ModuleType

from gpu_hpo._typing import Array


def row_sums(xp: ModuleType, values: Array) -> Array:
    """Sum over the last axis, in an order that only its length determines.

    One half is added to the other until one value is left: additions of elements,
    which every device does alike, as exact as NumPy's pairwise summation.

    Parameters
    ----------
    xp : module
        Namespace of the array.
    values : array of float64, of shape (..., n)

    Returns
    -------
    array of shape (...)
        0 where n is.
    """
    n = values.shape[-1]
    if n == 0:
        return xp.zeros(values.shape[:-1], xp.float64)
    half = (n + 1) // 2
    sums = values[..., :half].copy()
    while n > 1:
        half = (n + 1) // 2
        left = sums[..., : n - half]
        right = values[..., half:n]
        xp.add(left, right, out=left)
        values, n = sums, half
    return sums[..., 0]


def integer_weights(xp: ModuleType, weight: Array) -> Array:
    """Return weights as whole numbers whose sum has no more than 53 bits.

    Sums of such are exact, so that they may be added up in any order, by atomic
    additions too. What is lost of each weight is a share of 2**-53 of their sum, which
    is what adding them up as they are would lose.

    Parameters
    ----------
    xp : module
        Namespace of the array.
    weight : array of float64, of shape (n,)
        Positive and finite.

    Returns
    -------
    array of float64, of shape (n,)
        None is 0. All are multiplied by one power of two.
    """
    _, exponent = xp.frexp(row_sums(xp, weight))
    return xp.maximum(xp.rint(xp.ldexp(weight, 52 - exponent)), 1.0)


def ratio(xp: ModuleType, part: Array, total: Array) -> Array:
    """Divide, with 0 for a share of nothing."""
    nothing = total == 0
    return xp.where(nothing, 0.0, part / xp.where(nothing, 1.0, total))
