# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find models that can be fitted by one fit, and stack them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from gpu_hpo._typing import Estimator
from gpu_hpo.exhaustive.sharing._ridge_stack import RIDGE
from gpu_hpo.exhaustive.sharing._shared_fit import SharedFit
from gpu_hpo.stacks._contract import fits_together, stack_key

SHARED_FITS: tuple[SharedFit, ...] = (RIDGE,)


def saves_work(model: Estimator, n_models: int) -> bool:
    """Return whether fitting this many models like this one together saves work.

    Parameters
    ----------
    model : estimator
        Not fitted.
    n_models : int

    Returns
    -------
    bool
        Also True for a single stackable model, which trains as a stack of one anyway.
    """
    if fits_together(model):
        return True
    return n_models > 1 and any(kind.knows(model) for kind in SHARED_FITS)


def share_key(model: Estimator) -> Hashable | None:
    """Return a key that is equal for models that may share a fit.

    Parameters
    ----------
    model : estimator
        Not fitted.

    Returns
    -------
    hashable or None
        Models with equal keys may be in one `shared_stack`. None if it cannot share.
    """
    if fits_together(model):
        return stack_key(model)
    keys = (kind.key(model) for kind in SHARED_FITS)
    return next((key for key in keys if key is not None), None)


def shared_stack(models: Sequence[Estimator]) -> Any:
    """Stack models with equal keys.

    Parameters
    ----------
    models : sequence of estimators
        Not fitted. They are left as they are.

    Returns
    -------
    stack
        With ``fit(X, y, ...)``, `predict`, `errors` and `unstack` as in
        `gpu_hpo.stacks.Stack`. `fit` may raise `NotShared`, or an error of the data; in
        both cases fit the models one by one, so that each raises its own error.
    """
    if fits_together(models[0]):
        stackable: Any = type(models[0])
        return stackable.stack(models)
    kind = next(kind for kind in SHARED_FITS if kind.knows(models[0]))
    return kind.stack(models)
