# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which rows the members of a stack are fitted to, and in which orders."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from gpu_hpo.devices._namespace import array_namespace
from gpu_hpo.stacks._row_orders import is_fixed

# Row numbers in the orders of members that train together: 256 MB of them.
MOST_ROW_NUMBERS = 2**25


def warn_of_models(warning: Warning, models: Sequence[int]) -> None:
    """Warn of some models of a stack, and let the warning say which: as `models`."""
    warning.models = tuple(models)  # type: ignore[attr-defined]
    warnings.warn(warning)


@dataclass
class Course:
    """Rows that some members of a stack go through in one order, and those held out.

    Attributes
    ----------
    members : list of int
        Their places in the stack.
    order : ndarray of int of shape (n_rows,)
        Rows to train on.
    held : ndarray of int of shape (n_held,)
        Rows that say when to stop; none without early stopping.
    rng : RandomState or None
        Gives each epoch another order; None if it stays.
    """

    members: list[int]
    order: Any
    held: Any
    rng: Any

    def next(self) -> Any:
        """Order of one more epoch."""
        if self.rng is not None:
            self.order = self.order[self.rng.permutation(len(self.order))]
        return self.order


def find_courses(
    models: Sequence[Any],
    n_rows: int,
    hold_out: Callable[[Any, Any], tuple[Any, Any]],
    errors: list[Exception | None],
    begun: Mapping[int, Any] | None = None,
) -> Iterator[list[Course]]:
    """Say who of a stack is fitted together.

    Members with equal fixed seeds share a course. A stack falls into several parts if
    members hold out unequal numbers of rows, or for want of room for all orders.

    Parameters
    ----------
    models : sequence of estimator
    n_rows : int
    hold_out : callable
        Gives, for a model and its generator of random numbers, which rows to train on
        and which are held out.
    errors : list of (Exception or None)
        Gets what is wrong with the rows that a model holds out.
    begun : mapping of int to RandomState, optional
        Of fixed seeds, what has been drawn from already. It is not changed.

    Yields
    ------
    list of Course
        With equal numbers of rows, each member in one.
    """
    sharing: dict[Hashable, list[int]] = {}
    for i, model in enumerate(models):
        sharing.setdefault(_course_key(i, model), []).append(i)
    every = list(sharing.values())
    most = max(1, MOST_ROW_NUMBERS // n_rows)
    for start in range(0, len(every), most):
        by_length: dict[int, list[Course]] = {}
        for members in every[start : start + most]:
            lead = models[members[0]]
            rng = _generator(lead.random_state, begun or {})
            try:
                order, held = hold_out(lead, rng)
            except ValueError as error:
                for i in members:
                    # Without the frames, which would keep the rows.
                    errors[i] = error.with_traceback(None)
                continue
            course = Course(members, order, held, rng if lead.shuffle else None)
            by_length.setdefault(len(order), []).append(course)
        yield from by_length.values()


def _course_key(i: int, model: Any) -> Hashable:
    """Return what members share that go through the same rows in one order."""
    if not (model.shuffle or model.early_stopping):
        return None
    if not is_fixed(model.random_state):
        return "own", i
    held = model.validation_fraction if model.early_stopping else None
    return int(model.random_state), held


def _generator(seed: Any, begun: Mapping[int, Any]) -> Any:
    if is_fixed(seed) and int(seed) in begun:
        return copy.deepcopy(begun[int(seed)])
    return check_random_state(seed)


def next_orders(
    courses: Sequence[Course], which: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the orders of one more epoch, of those courses that are still gone through.

    Parameters
    ----------
    courses : sequence of Course
    which : ndarray of int of shape (n,)
        Course of each of those who go on.

    Returns
    -------
    orders : ndarray of int of shape (n_orders, n_rows)
    which : ndarray of int of shape (n,)
        Which of them each goes by.
    """
    if len(courses) == 1:
        return courses[0].next()[None], which
    used, places = np.unique(which, return_inverse=True)
    return np.stack([courses[k].next() for k in used.tolist()]), places


class HeldRows:
    """Rows that courses hold out: of one at a time, lest they take too much room.

    Parameters
    ----------
    rows : Rows
        All there are.
    """

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        self._course: Course | None = None
        self._held: Any = None

    def of(self, course: Course) -> Any:
        """Rows that a course holds out."""
        if course is not self._course:
            xp = array_namespace(self._rows.X)
            self._held = self._rows.take(xp.asarray(course.held))
            self._course = course
        return self._held


def check_begins_anew(models: Sequence[Any], *, fitted: bool) -> None:
    """Refuse to fit a stack of models that would go on from where they are."""
    if fitted and any(model.warm_start for model in models):
        raise ValueError(
            "a stack is fitted from scratch, but its models have been trained before "
            "and have warm_start=True; fit them one by one"
        )
