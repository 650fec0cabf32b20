# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define what one call means: a chunk more, or a refit with more of something."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone, is_classifier

from gpu_hpo.adaptive.training import _boosters
from gpu_hpo.data._chunk import Chunk, targets
from gpu_hpo.training import _pipelines
from gpu_hpo.training._lending import Access, access_of, call_lent

# Integers, but nothing of which a model gets better.
_NO_RESOURCE = frozenset({"n_jobs", "n_streams", "random_state", "verbose"})


class Budget(ABC):
    """The resource that a model gets more of from one number of calls to another.

    Attributes
    ----------
    resource : str
        As the user names it.
    method : {"partial_fit", "fit"}
        Of the estimator, by which it trains.
    refits : bool
        Whether a step, however many calls it makes, is one `fit` that cannot be cut.
    resumes : bool
        Whether such a fit goes on from where the one before has ended: what comes out
        then depends on where that was.
    """

    method: ClassVar[str] = "fit"
    refits: ClassVar[bool] = True
    resumes: ClassVar[bool] = False

    def __init__(self, resource: str) -> None:
        self.resource = resource

    @property
    def few_iterations(self) -> bool:
        """Whether it is the budget that keeps a solver from its optimum."""
        return False

    def sets(self, estimator: Any) -> dict[str, Any]:
        """Return the parameters that the budget sets, as they are to begin with."""
        return {}

    def check_least(self, estimator: Any, calls: int) -> None:
        """Raise ValueError if an estimator cannot be what it is after `calls` calls."""
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
    def check(self, estimator: Any) -> None:
        """Raise ValueError if `estimator` cannot be trained by this budget."""

    def check_labels(  # noqa: B027 - only some estimators want labels of a kind
        self, estimator: Any, labels: np.ndarray
    ) -> None:
        """Raise ValueError if `estimator` cannot tell classes of these labels apart."""

    def takes_param(self, estimator: Any, name: str) -> bool:
        """Return whether a step of `estimator` takes a fit parameter of this name."""
        return _pipelines.takes(estimator.fit, name)

    def takes_classes(self, estimator: Any) -> bool:
        """Return whether `estimator` has to be told all classes, as it lacks rows."""
        return False

    def can_route(self, estimator: Any) -> bool:
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
            Calls that all rows are worth, where a call adds rows. There may be models
            that make so many, or none.
        chunk_size : int or None
            What the user wants, if anything.
        """
        return {"chunk_size": chunk_size or n_samples}  # to be read as it is

    def check_chunks(  # noqa: B027 - only some budgets have to look
        self, n_chunks: int, max_calls: int
    ) -> None:
        """Raise ValueError if there are too few chunks for a model to grow by.

        Parameters
        ----------
        n_chunks : int
        max_calls : int
            Most calls of any model.
        """

    def span(self, start: int, stop: int) -> tuple[int, int] | None:
        """Return the calls whose chunks a step from `start` to `stop` calls reads.

        The first is excluded, the last included; None are all chunks there are.
        """
        return None

    def cost(self, start: int, stop: int) -> int:
        """Count the calls that such a step is worth, repeated ones included."""
        return stop

    def prepare(self, model: Any, start: int, stop: int) -> Any:
        """Return the model to call `fit` of for such a step.

        Parameters
        ----------
        model : estimator
            After `start` calls. It is not changed, unless it was never fitted.
        """
        return model if start == 0 else clone(model)


class ByCalls(Budget):
    """One call is one chunk more, and any number of calls can be made in a row."""

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
        model: Any,
        chunk: Chunk,
        params: dict[str, Any],
        classes: np.ndarray | None,
        *,
        first: bool,
        access: Access | None = None,
    ) -> None:
        """Make one call, in place.

        Parameters
        ----------
        model : estimator or Stack
        chunk : Chunk
        params : dict
            Fit parameters of this call; what is rows of the chunk is called as there.
        classes : ndarray or None
            All there are, if they are known.
        first : bool
            Whether it is the model's first call.
        access : Access, optional
            What the model may have of the rows, if that is known.
        """


class PartialFit(ByCalls):
    """One call is one of `partial_fit`, of each step if the model is a pipeline."""

    method = "partial_fit"

    def __init__(self) -> None:
        super().__init__("partial_fit")

    def check(self, estimator: Any) -> None:
        reason = _pipelines.untrainable(estimator)
        if reason is None:
            return
        if "needs fitting" in reason:
            reason += (
                ", unless it is fitted to a sample and frozen, by "
                "sklearn.frozen.FrozenEstimator"
            )
        raise ValueError(
            f"estimator={estimator!r} cannot be trained by resource='partial_fit': "
            f"{reason}; resource may also be 'n_samples', 'warm_start', "
            "'boosting_rounds', or the name of an integer parameter such as "
            "'n_estimators' or 'max_iter'"
        )

    def takes_param(self, estimator: Any, name: str) -> bool:
        return _pipelines.takes_param(estimator, name)

    def takes_classes(self, estimator: Any) -> bool:
        return _pipelines.takes_classes(estimator)

    def can_route(self, estimator: Any) -> bool:
        return not _pipelines.is_chain(estimator)

    def train(
        self,
        model: Any,
        chunk: Chunk,
        params: dict[str, Any],
        classes: np.ndarray | None,
        *,
        first: bool,
        access: Access | None = None,
    ) -> None:
        if classes is not None and (first or _pipelines.needs_classes(model)):
            params = {**params, "classes": classes}
        access = access_of(model) if access is None else access
        _pipelines.train(model, targets(chunk), params, access)


class BoostingRounds(ByCalls):
    """One call adds a model's own number of trees, fitted to one more chunk.

    A search over that number (`n_estimators`) is one over how much a call does. The
    model goes on from what it is, by XGBoost's, LightGBM's or scikit-learn's way to do
    that; see ``gpu_hpo.adaptive.training._boosters``.
    """

    def __init__(self) -> None:
        super().__init__("boosting_rounds")

    def check(self, estimator: Any) -> None:
        _check_fits(estimator, self.resource)
        reason = _boosters.cannot_go_on(estimator)
        if reason is not None:
            raise ValueError(f"resource={self.resource!r} {reason}")

    def check_least(self, estimator: Any, calls: int) -> None:
        """Do nothing: what this sets are no numbers of calls."""

    def check_labels(self, estimator: Any, labels: np.ndarray) -> None:
        _boosters.check_labels(estimator, labels)

    def sets(self, estimator: Any) -> dict[str, Any]:
        return _boosters.set_by_budget(estimator)

    def takes_param(self, estimator: Any, name: str) -> bool:
        return _boosters.takes_param(estimator, name)

    def takes_classes(self, estimator: Any) -> bool:
        return is_classifier(estimator)

    def cut(
        self, n_samples: int, all_calls: int, chunk_size: int | None
    ) -> dict[str, int | None]:
        # The chunks of sorted data would lack classes, and trees are not unlearned.
        return {"chunk_size": chunk_size, "interleave": True}

    def train(
        self,
        model: Any,
        chunk: Chunk,
        params: dict[str, Any],
        classes: np.ndarray | None,
        *,
        first: bool,
        access: Access | None = None,
    ) -> None:
        access = access_of(model) if access is None else access

        def boost(*rows: Any, **others: Any) -> None:
            lent = dict(zip(chunk, rows, strict=True))
            given = {**others, **{n: lent[n] for n in params if n in lent}}
            _boosters.boost(model, lent, given, classes, first=first)

        others = {name: value for name, value in params.items() if name not in chunk}
        call_lent(boost, list(chunk.values()), others, access)


class NSamples(Budget):
    """After n calls, a model has been fitted to the first n chunks, by one `fit`."""

    def __init__(self) -> None:
        super().__init__("n_samples")

    def check(self, estimator: Any) -> None:
        _check_fits(estimator, self.resource)

    def cut(
        self, n_samples: int, all_calls: int, chunk_size: int | None
    ) -> dict[str, int | None]:
        # The first chunk of sorted data would hold one class.
        chunks = math.ceil(n_samples / chunk_size) if chunk_size else all_calls
        return {"n_interleaved": chunks}

    def check_chunks(self, n_chunks: int, max_calls: int) -> None:
        if n_chunks < max_calls:
            raise ValueError(
                f"resource='n_samples' adds a chunk a call, up to {max_calls}, but X "
                f"has {n_chunks}: let chunks be smaller, or max_iter"
            )

    def span(self, start: int, stop: int) -> tuple[int, int] | None:
        return 0, stop


class Parameter(Budget):
    """After n calls, a model has been fitted to all rows with a parameter at n.

    Parameters
    ----------
    resource : str
        The parameter, as the user names it.
    name : str, optional
        As the estimator that is trained names it; by default the same.
    """

    def __init__(self, resource: str, name: str | None = None) -> None:
        super().__init__(resource)
        self.name = name or resource

    @property
    def few_iterations(self) -> bool:
        return "iter" in self.name or "epoch" in self.name

    def sets(self, estimator: Any) -> dict[str, Any]:
        return {self.name: estimator.get_params(deep=True).get(self.name)}

    def check(self, estimator: Any) -> None:
        _check_fits(estimator, self.resource)
        params = estimator.get_params(deep=True)
        if self.name not in params or self.name.rpartition("__")[2] in _NO_RESOURCE:
            counts = sorted(
                name
                for name, value in params.items()
                if _counts(value) and name.rpartition("__")[2] not in _NO_RESOURCE
            )
            raise ValueError(
                f"resource={self.resource!r} is none of 'partial_fit', 'n_samples', "
                "'warm_start' and 'boosting_rounds', and not a parameter of "
                f"{type(estimator).__name__} to grow by; its integer parameters are "
                f"{counts}"
            )
        value = params[self.name]
        if value is not None and not _counts(value):
            raise ValueError(
                f"resource={self.resource!r} is a parameter of "
                f"{type(estimator).__name__} that is {value!r}, not an integer"
            )

    def prepare(self, model: Any, start: int, stop: int) -> Any:
        return super().prepare(model, start, stop).set_params(**{self.name: stop})


class WarmStart(Budget):
    """One call is one more iteration, or tree, of an estimator that goes on.

    Estimators whose `max_iter` counts the iterations of one `fit` are given as many as
    there are calls to make; ensembles, which count what they have in all, their total.
    """

    resumes = True

    def __init__(self) -> None:
        super().__init__("warm_start")

    def check(self, estimator: Any) -> None:
        _check_fits(estimator, self.resource)
        params = estimator.get_params(deep=False)
        name = type(estimator).__name__
        if "warm_start" not in params:
            raise ValueError(
                f"resource='warm_start' needs an estimator with a parameter "
                f"warm_start; {name} has none"
            )
        if _counter(params) is None:
            raise ValueError(
                f"resource='warm_start' needs an estimator with a parameter max_iter "
                f"or n_estimators to count by; {name} has neither"
            )

        if params.get("solver") == "liblinear":
            raise ValueError(
                f"resource='warm_start' needs a solver that goes on; {name} with "
                "solver='liblinear' begins anew"
            )

    @property
    def few_iterations(self) -> bool:
        return True

    def sets(self, estimator: Any) -> dict[str, Any]:
        params = estimator.get_params(deep=False)
        counter = _counter(params)
        names = ["warm_start"] if counter is None else [counter, "warm_start"]
        return {name: params.get(name) for name in names}

    def cost(self, start: int, stop: int) -> int:
        return stop - start

    def prepare(self, model: Any, start: int, stop: int) -> Any:
        counter = _counter(model.get_params(deep=False))
        assert counter is not None
        in_all = counter == "n_estimators" or _is_ensemble(model)
        count = stop if in_all else stop - start
        return model.set_params(warm_start=True, **{counter: count})


def make_budget(resource: str) -> Budget:
    """Read what the user passed as `resource`."""
    kinds: dict[str, type[PartialFit | NSamples | WarmStart | BoostingRounds]] = {
        "partial_fit": PartialFit,
        "n_samples": NSamples,
        "warm_start": WarmStart,
        "boosting_rounds": BoostingRounds,
    }
    return kinds[resource]() if resource in kinds else Parameter(resource)


def _check_fits(estimator: Any, resource: str) -> None:
    if not hasattr(estimator, "fit"):
        raise ValueError(
            f"estimator={estimator!r} has no method fit, by which resource="
            f"{resource!r} trains"
        )


def _counts(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _counter(params: dict[str, Any]) -> str | None:
    return next((name for name in ("n_estimators", "max_iter") if name in params), None)


def _is_ensemble(model: Any) -> bool:
    # The histogram-based ones count the trees of all fits by `max_iter`.
    roots = {base.__module__ for base in type(model).__mro__}
    return any(root.startswith("sklearn.ensemble.") for root in roots)
