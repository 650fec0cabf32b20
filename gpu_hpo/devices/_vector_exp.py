# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compute exp in a way that compiled loops can vectorise."""

from __future__ import annotations

import numpy as np

from gpu_hpo.devices._jit import inlined


@inlined
def exp(x):
    """Compute the exponential in arithmetic that vector instructions do.

    Every element is computed in the same way, wherever it is in a vector, which the
    libraries' functions do not promise. Arguments are limited to -700 and 700; the
    relative error is at most about 1e-13.
    """
    known = x if x == x else 0.0
    known = -700.0 if known < -700.0 else known
    known = 700.0 if known > 700.0 else known
    twos = np.int32(known * 1.4426950408889634 + (0.5 if known > 0 else -0.5))
    r = (known if x == x else x) - np.float64(twos) * 0.6931471805599453
    p = 1 / 6227020800
    p = p * r + 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 1 / 2
    p = p * r + 1
    p = p * r + 1
    bits = np.int64((np.int64(twos) + np.int64(1023)) << np.int64(52))
    return p * bits.view(np.float64)


# What `compile_into` should find for the CPU.
MATHS = {"exp": exp, "log": np.log, "log1p": np.log1p, "sqrt": np.sqrt}
