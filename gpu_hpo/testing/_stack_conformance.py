# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Check what any estimator that trains in stacks must do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from gpu_hpo._arguments import checked
from gpu_hpo._sklearn_private import _num_samples
from gpu_hpo._typing import ArrayLike
from gpu_hpo.stacks._contract import Stack, fits_together, stack_key, takes_rows
from gpu_hpo.stacks._row_orders import take_part
from gpu_hpo.testing._fit_conformance import check_fit
from gpu_hpo.testing._same_models import (
    Untouched,
    check_equal,
    check_responses,
    copies,
    public,
)


@checked(models=[list, tuple], n_calls=[Integral])
def check_stackable(
    models: Sequence[Any],
    X: ArrayLike,
    y: ArrayLike,
    *,
    n_calls: int = 3,
    failing: Any = None,
    **fit_params: Any,
) -> None:
    """Check that models that share a stack come out as if trained alone, to the bit.

    It also checks that they train further correctly from there, alone and in stacks,
    and that a stack shares nothing that training changes (arrays, lists, random number
    generators) with the models that it was made of or that were made of it. If the
    stack takes `rows`, training is also checked with different rows for each model. If
    the stack has `fit`, models must come out of it as if fitted alone, and one that
    fails must not affect the others.

    Parameters
    ----------
    models : sequence of estimator
        At least three, not fitted, with equal `stack_key`; they should differ in
        every parameter that the key leaves free. They are left as they are. Give
        them an integer or a ``RandomState`` of their own each as `random_state`,
        and some of both: with the latter, it is checked that stacks copy it.
    X : array of shape (n_samples, n_features)
        It needs more than a few rows, since some models train on two thirds of them.
    y : array of shape (n_samples,) or (n_samples, n_outputs)
    n_calls : int, default=3
        Calls of `partial_fit` to make; at least 2.
    failing : estimator, optional
        A further model with the same key, not fitted, whose `fit` raises, for example
        since its rate is too high. It is used in the checks of `fit` only.
    **fit_params
        For the first call; all but ``classes`` go to every call, and to `fit`.

    Raises
    ------
    AssertionError
        If the contract of `gpu_hpo.stacks.Stack` is broken; the message says where.
    """
    n = len(models)
    assert n >= 3, f"needs at least three models, got {n}"
    assert n_calls >= 2, f"needs at least two calls, got {n_calls}"
    keys = {stack_key(m) for m in (*models, *([] if failing is None else [failing]))}
    assert len(keys) == 1, f"the models have {len(keys)} different keys"
    kind = type(models[0]).__name__
    assert None not in keys, f"{kind} has no stack_key or stack"
    assert hasattr(models[0], "partial_fit"), f"{kind} has no partial_fit"
    course = _Course(models, X, y, n_calls, fit_params)
    groups = _check_training(course, models, n_calls)
    for name, stack in groups.items():
        _check_group(course, name, stack, n_calls)
    # The following checks assume that stacks train correctly.
    for call in (0, 1):
        _check_list(course, call)
        _check_take_and_concat(course, call)
    _check_unstack(course)
    if takes_rows(groups["all"]):
        course = _Course(models, X, y, n_calls, fit_params, own_rows=True)
        for name, stack in _check_training(course, models, n_calls).items():
            _check_group(course, name, stack, n_calls)
    if fits_together(models[0]):
        fit_params.pop("classes", None)
        check_fit(models, X, y, fit_params, failing)
    else:
        assert failing is None, f"stacks of {course.kind.__name__} have no fit"


class _Course:
    """Make calls of `partial_fit`, and keep what they make of models that train alone.

    `states` has copies of the models by the number of calls made, from 0 to one more
    than is asked for; they are not to be changed. With `own_rows` models train on rows
    of their own.
    """

    def __init__(
        self,
        models: Sequence[Any],
        X: ArrayLike,
        y: ArrayLike,
        n_calls: int,
        fit_params: Mapping[str, Any],
        *,
        own_rows: bool = False,
    ) -> None:
        self.kind = type(models[0])
        self.X, self.y, self._fit_params = X, y, fit_params
        self.own_rows = own_rows
        self._n_rows = _num_samples(X)
        self._parts: list[np.ndarray | None] = [None]
        if own_rows:
            # As in three folds, of which one has one more row than another.
            numbers = np.arange(self._n_rows)
            first, *others = (numbers[numbers % 3 != k] for k in range(3))
            self._parts += [np.setdiff1d(first, numbers[-1:]), *others]
        alone = copies(models)
        self.states = [copies(alone)]
        for call in range(n_calls + 1):
            for i, model in enumerate(alone):
                self.train(model, call, i)
            self.states.append(copies(alone))
        assert any(name.endswith("_") for name in public(alone[0])), (
            f"{self.kind.__name__} has no fitted attributes after partial_fit"
        )

    def __len__(self) -> int:
        return len(self.states[0])

    def train(self, model: Any, call: int, i: int) -> None:
        """Make one call of model number `i`, which has made `call` before."""
        rows = self._rows(i, call)
        given = {
            name: take_part(value, rows) if self._per_row(name, value) else value
            for name, value in self._given(call).items()
        }
        model.partial_fit(take_part(self.X, rows), take_part(self.y, rows), **given)

    def train_stack(self, stack: Stack, call: int, members: Sequence[int]) -> None:
        """Make one call of a stack of some models, none of which must fail."""
        self.call_stack(stack, call, members)
        assert stack.errors == [None] * len(stack), f"errors: {stack.errors}"

    def call_stack(self, stack: Stack, call: int, members: Sequence[int]) -> None:
        """Make one call of a stack of some models."""
        given = self._given(call)
        if self.own_rows:
            given["rows"] = [self._rows(i, call) for i in members]
        stack.partial_fit(self.X, self.y, **given)

    def _given(self, call: int) -> dict[str, Any]:
        given = dict(self._fit_params)
        if call:
            given.pop("classes", None)
        return given

    def _per_row(self, name: str, value: Any) -> bool:
        shape = getattr(value, "shape", None) or np.shape(value)
        return name != "classes" and shape[:1] == (self._n_rows,)

    def _rows(self, i: int, call: int) -> np.ndarray | None:
        """Return the rows that model number `i` trains on in a call; they vary."""
        return self._parts[(i + call) % len(self._parts)]

    def stack(self, call: int, members: Sequence[int]) -> Stack:
        """Return a stack of some of the models that has made `call` calls."""
        stack = self.kind.stack(copies([self.states[0][i] for i in members]))
        for made in range(call):
            self.train_stack(stack, made, members)
        return stack

    def check_models(
        self, where: str, models: Sequence[Any], call: int, members: Sequence[int]
    ) -> None:
        """Compare models that have made `call` calls with those that did so alone."""
        assert len(models) == len(members), (
            f"{where}: {len(models)} models instead of {len(members)}"
        )
        for i, model in zip(members, models, strict=True):
            check_equal(f"{where}: model {i}", model, self.states[call][i])

    def check_stack(
        self, where: str, stack: Stack, call: int, members: Sequence[int]
    ) -> None:
        """Check a stack after `call` calls, and after one more."""
        assert len(stack) == len(members), (
            f"{where}: it has {len(stack)} models instead of {len(members)}"
        )
        if call:
            self.check_models(where, stack.unstack(), call, members)
        self.train_stack(stack, call, members)
        where = f"{where}, after one more call"
        self.check_models(where, stack.unstack(), call + 1, members)


def _check_training(
    course: _Course, models: Sequence[Any], n_calls: int
) -> dict[str, Stack]:
    """Train stacks that are made in three ways; their models must not change."""
    n, kind = len(models), course.kind
    given = Untouched(models)
    groups = {
        "all": kind.stack(models),
        "some": kind.stack(models[1:]),
        "regrouped": kind.stack(models[:1]).concat([kind.stack(models[1:])]),
    }
    given.check("stack")
    found = len(groups["all"])
    assert found == n, f"a stack of {n} says it has {found}"
    watched = [given]
    for call in range(n_calls):
        for name, stack in groups.items():
            course.train_stack(stack, call, _members(course, name))
            for each in watched:
                each.check("training a stack")
        # Apart, in another order, and together again.
        parts = [groups["regrouped"].take([i]) for i in reversed(range(n))]
        groups["regrouped"] = parts[-1].concat(parts[-2::-1])
        # By way of estimators, as between two tasks.
        made = groups["some"].unstack()
        fitted = Untouched(made)
        groups["some"] = kind.stack(made)
        fitted.check("stack")
        watched = [given, fitted]
    return groups


def _members(course: _Course, name: str) -> range:
    """Return the numbers of the models in a stack of `_check_training`."""
    return range(1 if name == "some" else 0, len(course))


def _check_group(course: _Course, name: str, stack: Stack, n_calls: int) -> None:
    """Compare a trained stack with models that trained alone, and let both go on."""
    members = _members(course, name)
    shown = f"the stack {name!r}"
    if course.own_rows:
        shown += " with rows of each model's own"
    out = stack.unstack()
    assert len(out) == len(stack), f"unstack gave {len(out)} of {len(stack)}"
    course.check_models(shown, out, n_calls, members)
    alone = {i: course.states[n_calls][i] for i in members}
    check_responses(shown, stack, alone, course.X)
    # Training further shows the state of a solver, whatever its attributes are.
    for i, model in zip(members, out, strict=True):
        course.train(model, n_calls, i)
    where = f"what {shown} gave goes on otherwise than if trained alone"
    course.check_models(where, out, n_calls + 1, members)


def _check_list(course: _Course, call: int) -> None:
    """Check that a stack does not depend on the list that it was made of."""
    where = "the stack depends on the list that it was made of, which was emptied"
    every = range(len(course))
    given = copies(course.states[call])
    stack = course.kind.stack(given)
    given.clear()
    try:
        course.call_stack(stack, call, every)
        answer, out = stack.predict(course.X), stack.unstack()
        taken = stack.take(every).unstack()
    except Exception as error:
        raise AssertionError(f"{where}: {error!r}") from error
    for found in (stack, answer, out, taken):
        assert len(found) == len(every), f"{where}: {len(found)} models are left"
    course.check_models(where, out, call + 1, every)
    course.check_models(where, taken, call + 1, every)


def _check_take_and_concat(course: _Course, call: int) -> None:
    """Check that stacks made of other stacks do not depend on these."""
    every = range(len(course))
    for indices in (every, every[-1:]):
        stack = course.stack(call, every)
        course.train_stack(stack.take(list(indices)), call, indices)
        where = "training what take gave changed the stack that it came from"
        course.check_stack(where, stack, call, every)
    first, rest = course.stack(call, every[:1]), course.stack(call, every[1:])
    course.train_stack(first.concat([rest]), call, every)
    where = "training what concat gave changed a stack that it came from"
    course.check_stack(where, first, call, every[:1])
    course.check_stack(where, rest, call, every[1:])


def _check_unstack(course: _Course) -> None:
    """Check that a stack and the estimators from it train independently."""
    every = range(len(course))
    stack = course.stack(1, every)
    for i, model in zip(every, stack.unstack(), strict=True):
        course.train(model, 1, i)
    where = "training what unstack gave changed the stack that it came from"
    course.check_stack(where, stack, 1, every)
    stack = course.stack(1, every)
    out = stack.unstack()
    watched = Untouched(out)
    course.train_stack(stack, 1, every)
    watched.check("training a stack", "that it had given before")
