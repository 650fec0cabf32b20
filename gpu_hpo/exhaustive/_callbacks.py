# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tell scikit-learn's callbacks of the fits of an exhaustive search."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


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
            with self.context.propagate_callback_context(model):
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
