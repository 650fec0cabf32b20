# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which models one fit does for all, and what holds them meanwhile."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from gpu_hpo.exhaustive.sharing._ridge_path import NotShared
from gpu_hpo.exhaustive.sharing._ridge_stack import RidgeStack, is_ridge, ridge_key
from gpu_hpo.stacks._contract import fits_together, stack_key

__all__ = ["NotShared", "is_ridge", "share_key", "shared_stack"]


def share_key(model: Any) -> Hashable | None:
    """Say with whom a model may share a fit.

    Parameters
    ----------
    model : estimator
        Not fitted.

    Returns
    -------
    hashable or None
        Models with equal keys may be in one `shared_stack`. None if with nobody.
    """
    if fits_together(model):
        return stack_key(model)
    # By exact type: a subclass may do anything.
    return ridge_key(model)


def shared_stack(models: Sequence[Any]) -> Any:
    """Put models of equal keys together.

    Parameters
    ----------
    models : sequence of estimators
        Not fitted. They are left as they are.

    Returns
    -------
    stack
        With ``fit(X, y, ...)``, `predict`, `errors` and `unstack` as in
        `gpu_hpo.stacks.Stack`. `fit` may raise `NotShared`, or whatever is wrong with
        the data; either way models that are fitted one by one say it as they do.
    """
    if fits_together(models[0]):
        return type(models[0]).stack(models)
    return RidgeStack(models)
