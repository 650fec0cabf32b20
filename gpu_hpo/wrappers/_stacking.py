# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train wrapped models as a stack, if what they wrap can."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from sklearn.utils.metaestimators import available_if

from gpu_hpo._typing import ArrayLike


def _fits_as_wrapped(stack: Any) -> bool:
    """Return whether the wrappers' `fit` only calls that of the models inside."""
    return stack._wrappers[0]._fits_by == "fit" and hasattr(stack._stack, "fit")


class WrappedStack:
    """A stack of the models inside wrappers; see `gpu_hpo.stacks.Stack`.

    It trains and responds as the stack inside does.

    Parameters
    ----------
    wrappers : sequence of ParallelPostFit
        With equal `stack_key`. They are left as they are.
    stack : Stack, optional
        Of the models inside, if there is one already.
    """

    def __init__(self, wrappers: Sequence[Any], stack: Any = None) -> None:
        self._wrappers = list(wrappers)
        if stack is None:
            models = [wrapper._to_train() for wrapper in wrappers]
            stack = type(models[0]).stack(models)
        self._stack = stack

    def __getattr__(self, name: str) -> Any:
        if name in ("_stack", "_wrappers", "fit") or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._stack, name)

    def __len__(self) -> int:
        return len(self._wrappers)

    @available_if(_fits_as_wrapped)
    def fit(self, X: ArrayLike, y: ArrayLike | None, **params: Any) -> WrappedStack:
        """Fit the models inside."""
        self._stack.fit(X, y, **params)
        return self

    def take(self, indices: Sequence[int]) -> WrappedStack:
        """Return a stack of some of the models."""
        wrappers = [self._wrappers[i] for i in indices]
        return WrappedStack(wrappers, self._stack.take(indices))

    def concat(self, others: Sequence[WrappedStack]) -> WrappedStack:
        """Return a stack of these models and those of `others`."""
        stacks = [self, *others]
        wrappers = [wrapper for stack in stacks for wrapper in stack._wrappers]
        stack = self._stack.concat([other._stack for other in others])
        return WrappedStack(wrappers, stack)

    def unstack(self) -> list[Any]:
        """Return one wrapper per model."""
        models = self._stack.unstack()
        wrappers = [copy.copy(wrapper) for wrapper in self._wrappers]
        for wrapper, model in zip(wrappers, models, strict=True):
            wrapper._take_over(model)
        return wrappers
