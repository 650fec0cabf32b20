# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find the rows that models of a stack are fitted to, and their orders."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from sklearn.utils import check_random_state

from gpu_hpo._typing import RandomState
from gpu_hpo.devices._namespace import array_namespace
from gpu_hpo.stacks._row_orders import Begun, Orders, is_fixed
from gpu_hpo.stacks._rows import Rows

# Returns, for a model and its generator, the numbers of the rows to train on, and of
# the rows to stop by.
HoldOut: TypeAlias = Callable[
    [Any, np.random.RandomState], tuple[np.ndarray, np.ndarray]
]

# Most row numbers in the orders of models that train together: 256 MB.
MOST_ROW_NUMBERS = 2**25


def warn_of_models(warning: Warning, models: Sequence[int]) -> None:
    """Warn of some models of a stack; the warning's attribute `models` says which."""
    warning.models = tuple(models)  # type: ignore[attr-defined]
    warnings.warn(warning)


@dataclass
class Course:
    """Say which rows some members of a stack go through, and which are held out."""

    members: list[int]  # places in the stack
    order: np.ndarray  # rows to train on
    held: np.ndarray  # rows that say when to stop; none without early stopping
    rng: np.random.RandomState | None  # gives each epoch another order, if there is one

    def next(self) -> np.ndarray:
        """Draw the order of one more epoch."""
        if self.rng is not None:
            self.order = self.order[self.rng.permutation(len(self.order))]
        return self.order


def find_courses(
    models: Sequence[Any],
    n_rows: int,
    hold_out: HoldOut,
    errors: list[Exception | None],
    begun: Begun | None = None,
) -> Iterator[list[Course]]:
    """Say who of a stack is fitted together.

    Members with equal fixed seeds share a course. A stack falls into several parts if
    members hold out unequal numbers of rows, or for want of room for all orders: the
    courses of a part have equal numbers of rows, and each member of it is in one.
    `errors` gets what is wrong with the rows that a model holds out; `begun` is not
    changed.
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
                    # Drop the traceback, which would keep the rows alive.
                    errors[i] = error.with_traceback(None)
                continue
            course = Course(members, order, held, rng if lead.shuffle else None)
            by_length.setdefault(len(order), []).append(course)
        yield from by_length.values()


def _course_key(i: int, model: Any) -> Hashable:
    """Return a key that is equal for models with the same rows in the same order."""
    if not (model.shuffle or model.early_stopping):
        return None
    if not is_fixed(model.random_state):
        return "own", i
    held = model.validation_fraction if model.early_stopping else None
    return int(model.random_state), held


def _generator(seed: RandomState, begun: Begun) -> np.random.RandomState:
    if is_fixed(seed) and int(seed) in begun:
        return copy.deepcopy(begun[int(seed)])
    return check_random_state(seed)


def next_orders(courses: Sequence[Course], which: np.ndarray) -> Orders:
    """Draw the orders of one more epoch; `which` has each active model's course."""
    if len(courses) == 1:
        return courses[0].next()[None], which
    used, places = np.unique(which, return_inverse=True)
    return np.stack([courses[k].next() for k in used.tolist()]), places


class HeldRows:
    """Returns the rows that courses hold out, for one at a time to save memory."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._course: Course | None = None
        self._held = rows

    def of(self, course: Course) -> Rows:
        """Return the rows that a course holds out."""
        if course is not self._course:
            xp = array_namespace(self._rows.X)
            self._held = self._rows.take(xp.asarray(course.held))
            self._course = course
        return self._held
