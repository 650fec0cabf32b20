# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What members of a stack draw: the order in which each goes through the rows."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.utils import check_random_state


def is_fixed(seed: Any) -> bool:
    """Whether a `random_state` gives the same numbers at each call."""
    return isinstance(seed, int | np.integer)


def copy_member(model: Any) -> Any:
    """Copy a model but not its arrays; what it draws from is its own afterwards."""
    out = copy.copy(model)
    if isinstance(out.random_state, np.random.RandomState):
        out.random_state = copy.deepcopy(out.random_state)
    return out


def draw_orders(seeds: Sequence[Any], n_rows: int) -> tuple[Any, Any]:
    """Draw an order of the rows per model; models with equal fixed seeds share it.

    Parameters
    ----------
    seeds : sequence of (int, RandomState or None)
        The `random_state` of each model.
    n_rows : int

    Returns
    -------
    orders : ndarray of int of shape (n_orders, n_rows)
    which : ndarray of int of shape (n_models,)
        Which of them each model goes by.
    """
    orders: list[Any] = []
    which: list[int] = []
    at: dict[int, int] = {}
    for seed in seeds:
        if is_fixed(seed):
            i = at.setdefault(int(seed), len(orders))
            if i == len(orders):
                orders.append(_fixed_order(int(seed), n_rows))
        else:
            i = len(orders)
            orders.append(check_random_state(seed).permutation(n_rows))
        which.append(i)
    return np.stack(orders), np.array(which)


# One seed for all models is the usual case, with chunks of one or two lengths.
@lru_cache(maxsize=2)
def _fixed_order(seed: int, n_rows: int) -> Any:
    return np.random.RandomState(seed).permutation(n_rows)
