# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tell scikit-learn's callbacks of the fits of an exhaustive search."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from gpu_hpo._sklearn_private import propagated, propagates


@dataclass(frozen=True)
class CallbackTask:
    """Scikit-learn's callback context of one fit, and the search that it belongs to."""

    search: Any
    context: Any

    @contextmanager
    def notified(self, model: Any, **args: Any) -> Iterator[list[bool]]:
        """Notify callbacks that a fit begins, and that it has ended.

        Yields
        ------
        list of bool
            In the end, whether one of them wants the search to stop.
        """
        stops: list[bool] = []
        try:
            with propagated(self.context, model):
                self.context.call_on_fit_task_begin(estimator=self.search, **args)
                yield stops
        finally:
            ended = self.context.call_on_fit_task_end(estimator=self.search, **args)
            stops.append(bool(ended))


def callback_tasks(
    search: Any, context: Any, first: int, n_splits: int
) -> Callable[[int, int], CallbackTask]:
    """Return what makes the task of a candidate, by its number, on a split.

    Parameters
    ----------
    search : ExhaustiveSearch
    context : sklearn.callback.CallbackContext
        That of all candidates.
    first : int
        Number of the first of them.
    n_splits : int
    """

    def task(number: int, split: int) -> CallbackTask:
        position = (number - first) * n_splits + split
        name = "candidate-split-evaluation"
        return CallbackTask(
            search, context.subcontext(task_name=name, task_id=position)
        )

    return task


def told_of_fits(search: Any, context: Any, model: Any) -> AbstractContextManager[None]:
    """Pass callbacks on to a model, if there are any that are told of fits.

    Others stay in this process, and need not be picklable.
    """
    wanted = has_callbacks(search) or hasattr(model, "_skl_callbacks")
    return propagated(context, model) if wanted else nullcontext()


def warn_of_deaf(context: Any, estimator: Any) -> None:
    """Warn, once for all fits, that callbacks are not told what the estimator does.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext or None
        That of the candidates.
    estimator : estimator
        What is fitted.
    """
    if context is None or not propagates(context):
        return
    if not hasattr(estimator, "set_callbacks"):
        warnings.warn(
            f"The estimator {type(estimator).__name__} does not support callbacks. "
            f"The callbacks attached to {context.estimator_name} will not be "
            "propagated to this estimator.",
            stacklevel=2,
        )


def without_context(fitted: Any, given: Any) -> Any:
    """Return a fitted model that no longer belongs to a search that has ended.

    Parameters
    ----------
    fitted : estimator
        Perhaps a copy that was made while callbacks were propagated to what was given.
    given : estimator
        Has its own callbacks back.
    """
    if fitted is not given:
        for name in ("_parent_callback_ctx", "_skl_callbacks"):
            fitted.__dict__.pop(name, None)
            if name in vars(given):
                setattr(fitted, name, vars(given)[name])
    return fitted


def has_callbacks(search: Any) -> bool:
    """Return whether the search, or its caller, has callbacks that are told of fits.

    Those that only want scores say so by an attribute ``only_scores``.
    """
    of_fits = [
        callback
        for callback in getattr(search, "_skl_callbacks", [])
        if not getattr(callback, "only_scores", False)
    ]
    return bool(of_fits) or hasattr(search, "_parent_callback_ctx")


def may_be_stopped(search: Any) -> bool:
    """Return whether a callback of the search may end it.

    Those that never do say so by ``may_stop = False``.
    """
    return any(
        getattr(callback, "may_stop", True)
        for callback in getattr(search, "_skl_callbacks", [])
    )
