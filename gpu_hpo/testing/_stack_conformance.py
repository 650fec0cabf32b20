# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What any estimator that trains in stacks must do."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gpu_hpo._row_orders import take_rows
from gpu_hpo.devices import to_host
from gpu_hpo.training import stack_key, takes_rows

_ANSWERS = ("predict", "predict_proba", "decision_function")


def check_stackable(
    models: Sequence[Any], X: Any, y: Any, *, n_calls: int = 3, **fit_params: Any
) -> None:
    """Check that models that share a stack come out as if trained alone, to the bit.

    Also that they go on as such from there, alone and in stacks, and that a stack
    shares nothing that training changes with what it was made of or what was made
    of it: arrays, lists and generators of random numbers. If the stack takes `rows`,
    so that models may train on rows of their own, all but the latter is checked with
    these too; it need not take them.

    Parameters
    ----------
    models : sequence of estimator
        At least three, not fitted, with equal `stack_key`; they should differ in
        every parameter that the key leaves free. They are left as they are. Give
        them an integer or a ``RandomState`` of their own each as `random_state`,
        and some of both: with the latter, it is checked that stacks copy it.
    X : array of shape (n_samples, n_features)
        With more than a few rows, for some models train on two thirds of them.
    y : array of shape (n_samples,) or (n_samples, n_outputs)
    n_calls : int, default=3
        Calls of `partial_fit` to make; at least 2.
    **fit_params
        For the first call; those but ``classes`` go to every call.

    Raises
    ------
    AssertionError
        If the contract of `gpu_hpo.training.Stack` is broken; says where.
    """
    n = len(models)
    assert n >= 3, f"needs at least three models, got {n}"
    assert n_calls >= 2, f"needs at least two calls, got {n_calls}"
    keys = {stack_key(model) for model in models}
    assert len(keys) == 1, f"the models have {len(keys)} different keys"
    assert None not in keys, f"{type(models[0]).__name__} has no stack_key or stack"
    course = _Course(models, X, y, n_calls, fit_params)
    groups = _check_training(course, models, n_calls)
    for name, stack in groups.items():
        _check_group(course, name, stack, n_calls)
    # What follows takes for granted that stacks train as they should.
    for call in (0, 1):
        _check_list(course, call)
        _check_take_and_concat(course, call)
    _check_unstack(course)
    if takes_rows(groups["all"]):
        course = _Course(models, X, y, n_calls, fit_params, own_rows=True)
        for name, stack in _check_training(course, models, n_calls).items():
            _check_group(course, name, stack, n_calls)


class _Course:
    """Calls of `partial_fit`, and what they make of models that train alone.

    Parameters
    ----------
    models, X, y, n_calls, fit_params
        As of `check_stackable`.
    own_rows : bool
        Whether models train on rows of their own.

    Attributes
    ----------
    kind : type
    states : list of list of estimator
        By the number of calls made, from 0 to one more than is asked for; not to be
        changed.
    """

    def __init__(
        self,
        models: Sequence[Any],
        X: Any,
        y: Any,
        n_calls: int,
        fit_params: Mapping[str, Any],
        *,
        own_rows: bool = False,
    ) -> None:
        self.kind = type(models[0])
        self.X, self.y, self._fit_params = X, y, fit_params
        self.own_rows = own_rows
        self._n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        self._parts: list[Any] = [None]
        if own_rows:
            # As of three folds, of which one has a row more than another.
            numbers = np.arange(self._n_rows)
            self._parts += [numbers[numbers % 3 != k] for k in range(3)]
            self._parts[1] = np.setdiff1d(self._parts[1], numbers[-1:])
        alone = _copies(models)
        self.states = [_copies(alone)]
        for call in range(n_calls + 1):
            for i, model in enumerate(alone):
                self.train(model, call, i)
            self.states.append(_copies(alone))
        assert any(name.endswith("_") for name in _public(alone[0])), (
            f"{self.kind.__name__} has no fitted attributes after partial_fit"
        )

    def __len__(self) -> int:
        return len(self.states[0])

    def train(self, model: Any, call: int, i: int) -> None:
        """Make one call of model number `i`, which has made `call` before."""
        rows = self._rows(i, call)
        given = {
            name: take_rows(value, rows) if self._per_row(name, value) else value
            for name, value in self._given(call).items()
        }
        model.partial_fit(take_rows(self.X, rows), take_rows(self.y, rows), **given)

    def train_stack(self, stack: Any, call: int, members: Sequence[int]) -> None:
        """Make one call of a stack of some models, none of which must fail."""
        self.call_stack(stack, call, members)
        assert stack.errors == [None] * len(stack), f"errors: {stack.errors}"

    def call_stack(self, stack: Any, call: int, members: Sequence[int]) -> None:
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

    def _rows(self, i: int, call: int) -> Any:
        """Rows that model number `i` trains on; others at the next call."""
        return self._parts[(i + call) % len(self._parts)]

    def stack(self, call: int, members: Sequence[int]) -> Any:
        """Stack of some of the models that has made `call` calls."""
        stack = self.kind.stack(_copies([self.states[0][i] for i in members]))
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
            _check_equal(f"{where}: model {i}", model, self.states[call][i])

    def check_stack(
        self, where: str, stack: Any, call: int, members: Sequence[int]
    ) -> None:
        """Check that a stack stands where `call` calls led, and goes on from there."""
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
) -> dict[str, Any]:
    """Train stacks that are made in three ways, and watch what they are made of."""
    n, kind = len(models), course.kind
    given = _Untouched(models)
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
        fitted = _Untouched(made)
        groups["some"] = kind.stack(made)
        fitted.check("stack")
        watched = [given, fitted]
    return groups


def _members(course: _Course, name: str) -> range:
    """Numbers of the models in a stack of `_check_training`."""
    return range(1 if name == "some" else 0, len(course))


def _check_group(course: _Course, name: str, stack: Any, n_calls: int) -> None:
    """Compare a trained stack with models that trained alone, and let both go on."""
    members = _members(course, name)
    shown = f"the stack {name!r}"
    if course.own_rows:
        shown += " with rows of each model's own"
    out = stack.unstack()
    assert len(out) == len(stack), f"unstack gave {len(out)} of {len(stack)}"
    course.check_models(shown, out, n_calls, members)
    alone = course.states[n_calls]
    for method in _ANSWERS:
        if hasattr(stack, method) and hasattr(alone[0], method):
            joint = to_host(getattr(stack, method)(course.X))
            assert len(joint) == len(members), (
                f"{method} of {shown} answers for {len(joint)} models"
            )
            for i, answer in zip(members, joint, strict=True):
                expected = to_host(getattr(alone[i], method)(course.X))
                assert np.array_equal(answer, expected), (
                    f"{method} of {shown} differs for model {i}"
                )
    # Shows what the state of a solver is, whatever its attributes are called.
    for i, model in zip(members, out, strict=True):
        course.train(model, n_calls, i)
    where = f"what {shown} gave goes on otherwise than if trained alone"
    course.check_models(where, out, n_calls + 1, members)


def _check_list(course: _Course, call: int) -> None:
    """Check that a stack does without the list that it was made of."""
    where = "the stack depends on the list that it was made of, which was emptied"
    every = range(len(course))
    given = _copies(course.states[call])
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
    """Check that stacks of other stacks' models train without these."""
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
    """Check that a stack and the estimators that it gives train without each other."""
    every = range(len(course))
    stack = course.stack(1, every)
    for i, model in zip(every, stack.unstack(), strict=True):
        course.train(model, 1, i)
    where = "training what unstack gave changed the stack that it came from"
    course.check_stack(where, stack, 1, every)
    stack = course.stack(1, every)
    out = stack.unstack()
    watched = _Untouched(out)
    course.train_stack(stack, 1, every)
    watched.check("training a stack", "that it had given before")


class _Untouched:
    """Models, and what they were when this was made."""

    def __init__(self, models: Sequence[Any]) -> None:
        self._models = list(models)
        self._before = _copies(models)
        self._shown = [repr(vars(model)) for model in models]

    def check(self, culprit: str, which: str = "that the stack was made of") -> None:
        """Check that nothing has changed, attributes that are private included."""
        for i, model in enumerate(self._models):
            where = f"{culprit} changed model {i} of those {which}"
            now, before = vars(model), vars(self._before[i])
            odd = sorted(now.keys() ^ before.keys())
            assert not odd, f"{where}: attributes {odd} came or went"
            for name, value in now.items():
                assert _same(value, before[name]), (
                    f"{where}: {_difference(name, value, before[name], 'it was')}"
                )
            assert repr(now) == self._shown[i], f"{where}: {now}"


def _copies(models: Sequence[Any]) -> list[Any]:
    """Copy models each by itself, so that they share no generator."""
    return [copy.deepcopy(model) for model in models]


def _public(model: Any) -> list[str]:
    """Parameters and fitted attributes."""
    return [name for name in vars(model) if not name.startswith("_")]


def _check_equal(where: str, model: Any, expected: Any) -> None:
    """Compare the parameters and the fitted attributes of two models."""
    for name in _public(model):
        assert name in vars(expected), f"{where} has {name}, alone it has not"
    for name in _public(expected):
        assert hasattr(model, name), f"{where} has no {name}"
        ours, theirs = getattr(model, name), getattr(expected, name)
        assert _same(ours, theirs), (
            f"{where}: {_difference(name, ours, theirs, 'alone it is')}"
        )


def _difference(name: str, ours: Any, theirs: Any, then: str) -> str:
    if _generator_state(ours) is not None and _generator_state(theirs) is not None:
        return f"{name} is at another place in its random numbers"
    return f"{name} is {ours}, {then} {theirs}"


def _generator_state(value: Any) -> Any:
    """State of a generator of random numbers, which its repr does not show."""
    if isinstance(value, np.random.RandomState):
        return value.get_state(legacy=False)
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    return None


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    state = _generator_state(a)
    if state is not None:
        return type(a) is type(b) and _same(state, _generator_state(b))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if hasattr(a, "shape") or hasattr(b, "shape"):
        return _same_array(to_host(a), to_host(b))
    if hasattr(a, "get_params"):
        return type(a) is type(b) and _same(vars(a), vars(b))
    inherited: Any = object.__eq__
    if type(a).__eq__ is inherited:
        # Equal to nothing but itself, so a copy says no more than its type.
        return type(a) is type(b)
    return bool(a == b)


def _same_array(a: Any, b: Any) -> bool:
    a, b = (x.toarray() if hasattr(x, "toarray") else x for x in (a, b))
    return np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f")
