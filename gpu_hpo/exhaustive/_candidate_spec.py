# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say what holds for all fits of an exhaustive search, and where their rows go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpu_hpo._sklearn_private import _num_samples
from gpu_hpo._typing import ArrayLike
from gpu_hpo.data._on_device import OnDevice, moved_params, moved_y
from gpu_hpo.devices._cuml_task import cuml_task
from gpu_hpo.devices._namespace import is_device_array
from gpu_hpo.exhaustive._lent_steps import is_rows
from gpu_hpo.training._lending import Access, fit_lent
from gpu_hpo.training._spec import TrainingSpec
from gpu_hpo.training._text_labels import explained, label_numbers, number_weights
from gpu_hpo.training._turns import Turns, give_back


@dataclass(frozen=True)
class CandidateSpec(TrainingSpec):
    """The settings of all fits of an exhaustive search.

    Attributes
    ----------
    scorer : callable
        As scikit-learn's searches make it from `scoring`.
    error_score : "raise" or float
    return_train_score : bool
    keep_fitted : bool
        Whether the fitted steps before the last one are needed later.
    on_device : OnDevice or None
        What models want of rows in GPU memory; None if rows stay where they are.
    labels : ndarray or None
        All labels of y, sorted. If given, y becomes their numbers, as a GPU has no
        strings. Models are trained on these, and scored by the labels.
    turns : Turns or None
        How fits share a GPU, if they run on one.
    to_host : bool
        Whether the best model arrives in host memory where the search was called, since
        there is no GPU.
    """

    scorer: Any
    error_score: str | float
    return_train_score: bool = False
    keep_fitted: bool = False
    on_device: OnDevice | None = None
    labels: np.ndarray | None = None
    turns: Turns | None = None
    to_host: bool = False

    @property
    def raises(self) -> bool:
        """Whether the first failure ends the search."""
        return isinstance(self.error_score, str)

    @contextmanager
    def task(self, X: Any = None) -> Iterator[None]:
        """Work on X under the settings of the search.

        cuML then returns device arrays for rows on a device, and NumPy arrays for rows
        on the host.
        """
        on_device = is_rows(X) and is_device_array(X)
        cuml = cuml_task(assume_finite=False) if on_device else nullcontext()
        with self.in_force(), cuml:
            yield

    @contextmanager
    def fitting(self, X: Any = None) -> Iterator[None]:
        """Fit to X: as `task`, and in turn with others where fits run on a GPU."""
        turn = nullcontext() if self.turns is None else self.turns.turn()
        with turn, self.task(X):
            yield

    def fit(
        self, model: Any, X: Any, y: Any, params: Mapping[str, Any], access: Access
    ) -> None:
        """Fit a model, or a stack, to rows and labels that were moved, and are lent."""
        with explained(self.labels):
            fit_lent(number_weights(model, self.labels), X, y, params, access)

    def give_back(self) -> None:
        """Free what a fit on a GPU has left, before the next one begins."""
        if self.turns is not None:
            give_back()

    def moved_X(self, X: Any) -> Any:
        """Move rows of X to where models want them."""
        return X if self.on_device is None else self.on_device.moved(X)

    def moved_y(self, y: Any) -> Any:
        """Move labels or targets to where models want them."""
        return y if self.on_device is None else moved_y(y, self.labels)

    def moved_params(self, params: Mapping[str, Any], n_rows: int) -> dict[str, Any]:
        """Move parameters of so many rows to where models want them."""
        if self.on_device is None:
            return dict(params)
        moved = moved_params(params, n_rows)
        if self.labels is not None and moved.get("classes") is not None:
            moved["classes"] = label_numbers(self.labels, moved["classes"])
        return moved


def n_chosen(rows: ArrayLike) -> int:
    """Count the rows that row numbers, or a mask, stand for."""
    rows = np.asarray(rows)
    return int(rows.sum()) if rows.dtype == bool else len(rows)


def moved_data(spec: CandidateSpec, data: Mapping[str, Any]) -> dict[str, Any]:
    """Move all rows to where models want them; parameters as of `cut_fold`."""
    if spec.on_device is None:
        return dict(data)
    n_rows = _num_samples(data["X"])
    return {
        "X": spec.moved_X(data["X"]),
        "y": spec.moved_y(data["y"]),
        "fit": spec.moved_params(data["fit"], n_rows),
    }
