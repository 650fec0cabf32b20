# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Check the `fit` of a stack, which fits its models together."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from gpu_hpo._typing import ArrayLike
from gpu_hpo.testing._same_models import Untouched, check_equal, check_responses, copies


def check_fit(
    models: Sequence[Any],
    X: ArrayLike,
    y: ArrayLike,
    params: Mapping[str, Any],
    failing: Any = None,
) -> None:
    """Check that models fitted in a stack come out as if fitted alone, to the bit.

    The models are not fitted and have equal `stack_key`. They are left as they are.
    `failing` is one more, of which `fit` raises.
    """
    course = _Fits(models, X, y, params)
    course.check("all", range(len(models)))
    course.check("some", range(1, len(models)))
    course.check("regrouped", range(len(models))[::-1])
    for i in range(len(models)):
        course.check("one", [i])
    course.check_again()
    if failing is not None:
        course = _Fits([*models[:1], failing, *models[1:]], X, y, params)
        assert course.errors[1] is not None, "fit of the failing model alone succeeded"
        course.check("with one that fails", range(len(models) + 1))
        course.check("one that fails", [1])


class _Fits:
    """Fit models alone: as `alone`, with what their `fit` raised as `errors`."""

    def __init__(
        self,
        models: Sequence[Any],
        X: ArrayLike,
        y: ArrayLike,
        params: Mapping[str, Any],
    ) -> None:
        self.kind = type(models[0])
        self._models = list(models)
        self._X, self._y, self._params = X, y, dict(params)
        self.alone = copies(models)
        self.errors = [self._fit_alone(model) for model in self.alone]

    def _fit_alone(self, model: Any) -> Exception | None:
        try:
            self._fit(model)
        except Exception as error:
            return error
        return None

    def _fit(self, model: Any) -> Any:
        with warnings.catch_warnings():
            # Warnings that it did not converge do not matter here.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return model.fit(self._X, self._y, **self._params)

    def check(self, name: str, members: Sequence[int]) -> None:
        """Fit a stack of some of the models, and compare."""
        shown = f"fit of the stack {name!r}"
        models = [self._models[i] for i in members]
        given = Untouched(models)
        stack = self._stack(name, models)
        self._fit_stack(shown, stack)
        given.check(shown)
        out = stack.unstack()
        assert len(out) == len(members), (
            f"{shown}: {len(out)} models instead of {len(members)}"
        )
        for i, model, error in zip(members, out, stack.errors, strict=True):
            _check_outcome(shown, i, (model, error), (self.alone[i], self.errors[i]))
        fine = [k for k, i in enumerate(members) if self.errors[i] is None]
        if not fine:
            return
        alone = {members[k]: self.alone[members[k]] for k in fine}
        check_responses(f"the fitted stack {name!r}", stack.take(fine), alone, self._X)
        # Training further shows the state of a solver, whatever its attributes are.
        where = f"what the fitted stack {name!r} gave goes on otherwise than if alone"
        for k in fine:
            (model,) = copies([self.alone[members[k]]])
            for each in (out[k], model):
                each.partial_fit(self._X, self._y, **self._params)
            check_equal(f"{where}: model {members[k]}", out[k], model)

    def check_again(self) -> None:
        """Fit a stack twice; the second fit must not depend on the first."""
        if any(self.errors) or any(
            getattr(model, "warm_start", False) for model in self._models
        ):
            return
        stack = self._stack("all", self._models)
        for _ in range(2):
            self._fit_stack("fit of a stack, twice", stack)
        shown = "fit of a stack that was fitted before"
        alone = copies(self.alone)
        errors = [self._fit_alone(model) for model in alone]
        out = zip(stack.unstack(), stack.errors, strict=True)
        for i, found in enumerate(out):
            _check_outcome(shown, i, found, (alone[i], errors[i]))

    def _stack(self, name: str, models: Sequence[Any]) -> Any:
        if name != "regrouped":
            return self.kind.stack(models)
        last = self.kind.stack(models[-1:])
        rest = self.kind.stack(models[-2::-1])
        n = len(models)
        return last.concat([rest]).take(range(n)[::-1])

    def _fit_stack(self, shown: str, stack: Any) -> None:
        try:
            out = self._fit(stack)
        except Exception as error:
            raise AssertionError(f"{shown} raised {error!r}") from error
        assert out is stack, f"{shown} gave {out!r} instead of the stack"
        n = len(stack.errors)
        assert n == len(stack), f"{shown} left {n} errors of {len(stack)} models"


def _check_outcome(
    where: str,
    i: int,
    found: tuple[Any, Exception | None],
    alone: tuple[Any, Exception | None],
) -> None:
    """Compare a model and its error with the results of fitting it alone."""
    (model, error), (expected, cause) = found, alone
    assert repr(error) == repr(cause), (
        f"{where}: the error of model {i} is {error!r}, alone it is {cause!r}"
    )
    if cause is None:
        check_equal(f"{where}: model {i}", model, expected)
