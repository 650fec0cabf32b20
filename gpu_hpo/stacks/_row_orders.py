# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find the rows that each model of a stack trains on, and their order."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from sklearn.utils import check_random_state

from gpu_hpo._sklearn_private import _num_samples
from gpu_hpo._typing import Array, ArrayLike, RandomState
from gpu_hpo.devices._namespace import array_namespace
from gpu_hpo.devices._take_rows import take_rows

# Row numbers in some orders, of shape (n_orders, n_rows), and the order that each model
# or lane uses, of shape (n,) and on the host. Rows that are in no order are not trained
# on.
Orders: TypeAlias = tuple[Array, np.ndarray]


def is_fixed(seed: RandomState) -> TypeGuard[int | np.integer[Any]]:
    """Tell whether a `random_state` gives the same numbers at each call."""
    return isinstance(seed, int | np.integer)


# The generators that fixed seeds have become, where numbers have been drawn already.
Begun: TypeAlias = Mapping[int, np.random.RandomState]


@dataclass(frozen=True)
class Lot:
    """Say which members of a stack train together: on as many rows of the same data."""

    members: np.ndarray | None  # places in the stack; None if they are all of it
    data: tuple[Any, ...]  # what reading the data gave, of which the rows are first
    n_rows: int  # that each member trains on
    parts: list[np.ndarray | None]  # rows to train on; None if all
    which: Sequence[int]  # part of each member

    def orders(
        self, models: Sequence[Any], begun: Begun | None = None
    ) -> Orders | None:
        """Draw an order of rows for each model; None if all use the given order.

        Models with the same part and equal fixed seeds share an order.
        """
        shuffle = models[0].shuffle
        if not shuffle and all(part is None for part in self.parts):
            return None
        at: dict[Any, int] = {}
        orders: list[np.ndarray] = []
        which: list[int] = []
        for i, (model, part) in enumerate(zip(models, self.which, strict=True)):
            seed, own = model.random_state, None
            if shuffle:
                own = (0, int(seed)) if is_fixed(seed) else (1, i)
            if (part, own) not in at:
                at[part, own] = len(orders)
                order = np.arange(self.n_rows)
                if shuffle:
                    order = _permutation(seed, self.n_rows, begun or {})
                rows = self.parts[part]
                orders.append(order if rows is None else rows[order])
            which.append(at[part, own])
        return np.stack(orders), np.array(which)


def _permutation(seed: RandomState, n_rows: int, begun: Begun) -> np.ndarray:
    if not is_fixed(seed):
        return check_random_state(seed).permutation(n_rows)
    if int(seed) in begun:
        return copy.deepcopy(begun[int(seed)]).permutation(n_rows)
    return _fixed_permutation(int(seed), n_rows)


# Usually all models have one seed, and chunks have one or two lengths per fold.
@lru_cache(maxsize=4)
def _fixed_permutation(seed: int, n_rows: int) -> np.ndarray:
    return np.random.RandomState(seed).permutation(n_rows)


def read_lots(
    read: Callable[[Any, Any, Any], tuple[Any, ...]],
    X: ArrayLike,
    y: ArrayLike,
    weight: ArrayLike | float | None,
    rows: Sequence[ArrayLike | None] | None,
    errors: list[Exception | None],
    *,
    apart: bool = False,
) -> Iterator[Lot]:
    """Read the rows that a stack trains on, and find which models train together.

    Parameters
    ----------
    read : callable
        Checks X, y and weights, which may be one number. What it gives is a tuple,
        whose first item has the checked rows as `X` and what they count as `weight`.
    X, y, weight
    rows : sequence of (array-like of int or None), or None
        For each member the numbers of its rows, ascending; None if all.
    errors : list of (Exception or None)
        Gets what is wrong with the rows of some members but not of all.
    apart : bool, default=False
        Whether `read` gives other answers for some rows than for all.

    Yields
    ------
    Lot
        If all rows are valid, the models that train on equally many rows. If not, the
        models of each part, one part after another: each part is read by itself, so its
        error is the same as for a model alone. Errors for the rows of all models are
        raised.
    """
    if rows is None:
        data = read(X, y, weight)
        yield Lot(None, data, data[0].X.shape[0], [None], [0] * len(errors))
        return
    parts, which = _parts(list(rows), len(errors), _num_samples(X))
    given: tuple[Any, ...] = X, y, weight
    wrong: Exception | None = None
    try:
        data = read(*given)
    except (TypeError, ValueError) as error:
        if len({_num_samples(value) for value in given if np.ndim(value)}) > 1:
            raise
        wrong = error
    else:
        if not apart and _all_count(data[0], parts):
            yield from _by_length(data, parts, which)
            return
        # Parts are copied one after another, which takes memory.
        del data
    yield from _by_part(read, given, parts, which, errors, wrong)


def _parts(
    rows: list[ArrayLike | None], n_members: int, n_rows: int
) -> tuple[list[np.ndarray | None], np.ndarray]:
    """Find the distinct objects in `rows`, and which of them each model has."""
    if len(rows) != n_members:
        raise ValueError(f"rows has {len(rows)} entries for {n_members} models")
    parts: list[np.ndarray | None] = []
    which: list[int] = []
    at: dict[int, int] = {}
    for i, part in enumerate(rows):
        if id(part) not in at:
            at[id(part)] = len(parts)
            parts.append(None if part is None else _checked(part, i, n_rows))
        which.append(at[id(part)])
    return parts, np.array(which)


def _checked(part: ArrayLike, i: int, n_rows: int) -> np.ndarray:
    """Check row numbers, so that compiled code can rely on them."""
    given = np.asarray(part)
    if given.ndim != 1 or (len(given) and given.dtype.kind not in "iu"):
        raise ValueError(
            f"rows[{i}] should be a 1d array of integers, got {given.dtype} of shape "
            f"{given.shape}"
        )
    numbers = given.astype(np.intp, copy=False)
    if (np.diff(numbers) <= 0).any():
        raise ValueError(f"rows[{i}] should be ascending and name no row twice")
    if len(numbers) and not 0 <= numbers[0] <= numbers[-1] < n_rows:
        raise ValueError(
            f"rows[{i}] goes from {numbers[0]} to {numbers[-1]}, X has {n_rows} rows"
        )
    return numbers


def _all_count(rows: Any, parts: Sequence[np.ndarray | None]) -> bool:
    """Tell whether each part has a row of positive weight."""
    given = [part for part in parts if part is not None]
    if not all(map(len, given)):
        return False
    if rows.weight is None or not given:
        return True
    xp = array_namespace(rows.weight)
    count = [(rows.weight[xp.asarray(part)] != 0).any() for part in given]
    # One copy to the host for all.
    return bool(xp.stack(count).all())


def _by_length(
    data: tuple[Any, ...], parts: Sequence[np.ndarray | None], which: np.ndarray
) -> Iterator[Lot]:
    """Group models that train on equally many rows."""
    every = data[0].X.shape[0]
    lengths = np.array([every if part is None else len(part) for part in parts])[which]
    for n_rows in np.unique(lengths).tolist():
        members = np.flatnonzero(lengths == n_rows)
        chosen, own = np.unique(which[members], return_inverse=True)
        yield Lot(
            members if len(members) < len(which) else None,
            data,
            n_rows,
            [parts[i] for i in chosen],
            own.tolist(),
        )


def _by_part(
    read: Callable[[Any, Any, Any], tuple[Any, ...]],
    given: tuple[Any, ...],
    parts: Sequence[np.ndarray | None],
    which: np.ndarray,
    errors: list[Exception | None],
    wrong: Exception | None,
) -> Iterator[Lot]:
    """Read one part after another; `wrong` is the error for all rows."""
    all_fail = True
    for i, part in enumerate(parts):
        members = np.flatnonzero(which == i)
        try:
            data = read(*(take_part(value, part) for value in given))
        except (TypeError, ValueError) as error:
            wrong = wrong or error
            for member in members:
                # Drop the traceback, which would keep the rows alive.
                errors[member] = error.with_traceback(None)
        else:
            all_fail = False
            n_rows = data[0].X.shape[0]
            yield Lot(members, data, n_rows, [None], [0] * len(members))
    if all_fail and wrong is not None:
        raise wrong


def take_part(value: Any, rows: np.ndarray | None) -> Any:
    """Take rows by their numbers; return all if `rows` is None or there are no rows."""
    if rows is None or not np.ndim(value):
        return value
    return take_rows(value, rows)
