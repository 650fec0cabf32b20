# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define what a kind of model offers if its fits have work in common.

To add a kind, write such a `SharedFit` beside this file and list it in
`_shared_fits.SHARED_FITS`; nothing else names a kind.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from gpu_hpo._typing import Estimator


class NotShared(Exception):
    """These models cannot be fitted together to these rows: fit them one by one."""


class SharedFit(NamedTuple):
    """The way in which models of one kind, of any library, are fitted together.

    Attributes
    ----------
    knows : callable
        Tells whether a model is of this kind.
    key : callable
        Returns a hashable for a model: models with equal keys may be fitted together.
        None if the model cannot be, or is of another kind.
    stack : callable
        Makes an object with ``fit(X, y, ...)``, `predict`, `errors` and `unstack`, as
        in `gpu_hpo.stacks.Stack`, from models with equal keys. Its `fit` may raise
        `NotShared`.
    """

    knows: Callable[[Estimator], bool]
    key: Callable[[Estimator], Hashable | None]
    stack: Callable[[Sequence[Estimator]], Any]
