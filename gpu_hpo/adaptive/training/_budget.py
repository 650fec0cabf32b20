# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define what one call means: one more chunk, or a refit with more of a resource."""

from __future__ import annotations

import threading
import warnings
from abc import ABC, abstractmethod
from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from gpu_hpo._typing import Estimator
from gpu_hpo.data._chunk import Chunk, targets
from gpu_hpo.training._lending import Access, access_of, call_lent
from gpu_hpo.training._pipelines import takes


class Budget(ABC):
    """Defines what calls mean for training, by the resource that they add.

    Attributes
    ----------
    resource : str
        As the user names it.
    method : {"partial_fit", "fit"}
        The estimator's method that trains.
    refits : bool
        Whether a step, however many calls it makes, is one `fit` that cannot be cut.
    resumes : bool
        Whether such a fit continues where the one before ended; then the result depends
        on where that was.
    """

    method: ClassVar[str] = "fit"
    refits: ClassVar[bool] = True
    resumes: ClassVar[bool] = False

    def __init__(self, resource: str) -> None:
        self.resource = resource

    @property
    def few_iterations(self) -> bool:
        """Whether the budget itself keeps a solver from its optimum."""
        return False

    def sets(self, estimator: Estimator) -> dict[str, Any]:
        """Return the parameters that the budget sets, with their values before."""
        return {}

    def check_least(self, estimator: Estimator, calls: int) -> None:
        """Raise ValueError if the budget's value for `calls` calls is not allowed."""
        params = self.sets(estimator)
        if not params or not hasattr(estimator, "_parameter_constraints"):
            return
        name = next(iter(params))
        try:
            clone(estimator).set_params(**{name: calls})._validate_params()
        except ValueError as error:
            raise ValueError(
                f"resource={self.resource!r} begins with {name}={calls}, the calls "
                f"before the first decision, but {error}"
            ) from error

    @abstractmethod
    def check(self, estimator: Estimator) -> None:
        """Raise ValueError if `estimator` cannot be trained by this budget."""

    def check_labels(  # noqa: B027 - only some estimators want labels of a kind
        self, estimator: Estimator, labels: np.ndarray
    ) -> None:
        """Raise ValueError if `estimator` cannot tell classes of these labels apart."""

    def takes_param(self, estimator: Any, name: str) -> bool:
        """Return whether a step of `estimator` takes a fit parameter of this name."""
        return takes(estimator.fit, name)

    def takes_classes(self, estimator: Estimator) -> bool:
        """Return whether `estimator` must be told all classes: it sees some rows."""
        return False

    def can_route(self, estimator: Estimator) -> bool:
        """Return whether scikit-learn's metadata routing reaches what a step trains."""
        return True

    def cut(
        self, n_samples: int, all_calls: int, chunk_size: int | None
    ) -> dict[str, int | None]:
        """Return how `as_blocks` is to cut data that may be cut anywhere.

        Parameters
        ----------
        n_samples : int
        all_calls : int
            Where a call adds rows, the calls that add all. Models may make fewer.
        chunk_size : int or None
            What the user wants, if anything.
        """
        return {"chunk_size": chunk_size or n_samples}  # one chunk

    def check_chunks(  # noqa: B027 - only some budgets have to look
        self, n_chunks: int, max_calls: int
    ) -> None:
        """Raise ValueError if there are fewer chunks than calls need.

        Parameters
        ----------
        n_chunks : int
        max_calls : int
            Most calls of any model.
        """

    def span(self, start: int, stop: int) -> tuple[int, int] | None:
        """Return the calls whose chunks a step from `start` to `stop` calls reads.

        The first is excluded, the last included; None stands for all chunks.
        """
        return None

    def cost(self, start: int, stop: int) -> int:
        """Count the calls that such a step makes, repeated ones included."""
        return stop

    def prepare(self, model: Estimator, start: int, stop: int) -> Any:
        """Return the model whose `fit` makes such a step.

        Parameters
        ----------
        model : estimator
            After `start` calls. It is not changed if it was fitted.
        """
        return model if start == 0 else clone(model)

    def refit(
        self, model: Any, rows: Chunk, params: dict[str, Any], start: int, stop: int
    ) -> Any:
        """Fit a model to `rows` for the calls from `start` to `stop`.

        Parameters
        ----------
        model : estimator
        rows : Chunk
        params : dict
            Fit parameters.
        start, stop : int

        Returns
        -------
        estimator
            A new one, unless the budget continues `model`.
        """
        model = self.prepare(model, start, stop)
        # The budget wants few iterations: no warning of that.
        with _few_iterations if self.few_iterations else nullcontext():
            call_lent(model.fit, targets(rows), params, access_of(model))
        return model


class ByCalls(Budget):
    """One call is one more chunk; a step can be cut after any call."""

    refits = False

    def cut(
        self, n_samples: int, all_calls: int, chunk_size: int | None
    ) -> dict[str, int | None]:
        return {"chunk_size": chunk_size}

    def span(self, start: int, stop: int) -> tuple[int, int] | None:
        return start, stop

    def cost(self, start: int, stop: int) -> int:
        return stop - start

    @abstractmethod
    def train(
        self,
        model: Estimator,
        chunk: Chunk,
        params: dict[str, Any],
        classes: np.ndarray | None,
        *,
        first: bool,
        access: Access,
    ) -> None:
        """Make one call, in place.

        Parameters
        ----------
        model : estimator or Stack
        chunk : Chunk
        params : dict
            Fit parameters of this call; what is rows of the chunk is called as there.
            "rows" says which rows each model of a stack trains on, if not all on all.
        classes : ndarray or None
            All there are, if they are known.
        first : bool
            Whether it is the model's first call.
        access : Access
            What the model may have of the rows.
        """


def check_has_fit(estimator: Estimator, resource: str) -> None:
    """Raise ValueError if an estimator cannot be fitted."""
    if not hasattr(estimator, "fit"):
        raise ValueError(
            f"estimator={estimator!r} has no method fit, by which resource="
            f"{resource!r} trains"
        )


class _Unsaid:
    """Ignores a category of warning while any thread is in this context.

    Filters belong to the process: if each thread restored the filters that it found, it
    would restore those of other threads.
    """

    def __init__(self, kind: type[Warning]) -> None:
        self._kind = kind
        self._lock = threading.Lock()
        self._inside = 0
        self._filters: Any = None

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore", self._kind)

    def __exit__(self, *error: Any) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._filters.__exit__(*error)


_few_iterations = _Unsaid(ConvergenceWarning)
