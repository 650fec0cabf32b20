# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What any estimator that trains in stacks must do."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from gpu_hpo.devices import to_host
from gpu_hpo.training import stack_key

_CHANGED = "a stack changed the models that it was made of"
_ANSWERS = ("predict", "predict_proba", "decision_function")


def check_stackable(
    models: Sequence[Any], X: Any, y: Any, *, n_calls: int = 3, **fit_params: Any
) -> None:
    """Check that models that share a stack come out as if trained alone, to the bit.

    Parameters
    ----------
    models : sequence of estimator
        At least three, not fitted, with equal `stack_key`; they should differ in
        every parameter that the key leaves free. They are left as they are.
    X : array of shape (n_samples, n_features)
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
    keys = {stack_key(model) for model in models}
    assert len(keys) == 1, f"the models have {len(keys)} different keys"
    assert None not in keys, f"{type(models[0]).__name__} has no stack_key or stack"
    kind = type(models[0])
    alone = [copy.deepcopy(model) for model in models]
    before = [repr(vars(model)) for model in models]
    groups = {
        "all": kind.stack(models),
        "some": kind.stack(models[1:]),
        "regrouped": kind.stack(models[:1]).concat([kind.stack(models[1:])]),
    }
    kept: list[tuple[list[Any], list[Any]]] = []
    found = len(groups["all"])
    assert found == n, f"a stack of {n} says it has {found}"
    for call in range(n_calls):
        given = dict(fit_params)
        if call:
            given.pop("classes", None)
        for model in alone:
            model.partial_fit(X, y, **given)
        for other in groups.values():
            other.partial_fit(X, y, **given)
            assert other.errors == [None] * len(other), f"errors: {other.errors}"
        # Apart, in another order, and together again.
        parts = [groups["regrouped"].take([i]) for i in reversed(range(n))]
        groups["regrouped"] = parts[-1].concat(parts[-2::-1])
        # By way of estimators, as between two tasks.
        made = groups["some"].unstack()
        groups["some"] = kind.stack(made)
        kept.append((made, copy.deepcopy(made)))
    for made, copies in kept:
        for model, expected in zip(made, copies, strict=True):
            assert vars(model).keys() == vars(expected).keys(), _CHANGED
            _check_equal("a model that a stack was made of", model, expected)
    assert [repr(vars(model)) for model in models] == before, _CHANGED
    for name, other in groups.items():
        members = range(1, n) if name == "some" else range(n)
        out = other.unstack()
        assert len(out) == len(other), f"unstack gave {len(out)} of {len(other)}"
        for i, model in zip(members, out, strict=True):
            _check_equal(f"model {i} in the stack {name!r}", model, alone[i])
        for method in _ANSWERS:
            if hasattr(other, method) and hasattr(alone[0], method):
                joint = to_host(getattr(other, method)(X))
                for i, answer in zip(members, joint, strict=True):
                    expected = to_host(getattr(alone[i], method)(X))
                    assert np.array_equal(answer, expected), (
                        f"{method} of the stack {name!r} differs for model {i}"
                    )


def _check_equal(where: str, model: Any, expected: Any) -> None:
    """Compare the fitted attributes of two models."""
    names = [n for n in vars(expected) if n.endswith("_") and not n.startswith("_")]
    assert names, f"{where} has no fitted attributes"
    for name in names:
        assert hasattr(model, name), f"{where} has no {name}"
        ours, theirs = getattr(model, name), getattr(expected, name)
        assert _same(ours, theirs), f"{where}: {name} is {ours}, alone it is {theirs}"


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if hasattr(a, "shape"):
        return bool(
            np.array_equal(to_host(a), to_host(b), equal_nan=a.dtype.kind == "f")
        )
    return bool(a == b)
