# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Read what users pass as `resource`, and train by it."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

import numpy as np

from gpu_hpo._typing import Estimator
from gpu_hpo.adaptive.training._boosters import BoostingRounds
from gpu_hpo.adaptive.training._budget import Budget, ByCalls, check_has_fit
from gpu_hpo.data._chunk import Chunk, targets
from gpu_hpo.training import _pipelines
from gpu_hpo.training._lending import Access, call_lent

# Integer parameters of which more does not make a model better.
_NO_RESOURCE = frozenset({"n_jobs", "n_streams", "random_state", "verbose"})


class PartialFit(ByCalls):
    """One call is one `partial_fit`, of each step if the model is a pipeline."""

    method = "partial_fit"

    def __init__(self) -> None:
        super().__init__("partial_fit")

    def check(self, estimator: Estimator) -> None:
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

    def takes_param(self, estimator: Estimator, name: str) -> bool:
        return _pipelines.takes_param(estimator, name)

    def takes_classes(self, estimator: Estimator) -> bool:
        return _pipelines.takes_classes(estimator)

    def can_route(self, estimator: Estimator) -> bool:
        return not _pipelines.is_chain(estimator)

    def train(
        self,
        model: Any,
        chunk: Chunk,
        params: dict[str, Any],
        classes: np.ndarray | None,
        *,
        first: bool,
        access: Access,
    ) -> None:
        if classes is not None and (first or _pipelines.needs_classes(model)):
            params = {**params, "classes": classes}
        if _pipelines.is_chain(model):
            _pipelines.train(model, targets(chunk), params, access)
        else:
            call_lent(model.partial_fit, targets(chunk), params, access)


class NSamples(Budget):
    """After n calls, a model has been fitted to the first n chunks, by one `fit`."""

    def __init__(self) -> None:
        super().__init__("n_samples")

    def check(self, estimator: Estimator) -> None:
        check_has_fit(estimator, self.resource)

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
    """After n calls, a model has been fitted to all rows with a parameter set to n.

    Parameters
    ----------
    resource : str
        The parameter, as the user names it.
    name : str, optional
        Its name in the estimator that trains; by default the same.
    """

    def __init__(self, resource: str, name: str | None = None) -> None:
        super().__init__(resource)
        self.name = name or resource

    @property
    def few_iterations(self) -> bool:
        return "iter" in self.name or "epoch" in self.name

    def sets(self, estimator: Estimator) -> dict[str, Any]:
        return {self.name: estimator.get_params(deep=True).get(self.name)}

    def check(self, estimator: Estimator) -> None:
        check_has_fit(estimator, self.resource)
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

    def prepare(self, model: Estimator, start: int, stop: int) -> Any:
        return super().prepare(model, start, stop).set_params(**{self.name: stop})


class WarmStart(Budget):
    """One call is one more iteration, or tree, of an estimator with `warm_start`.

    Where `max_iter` counts the iterations of one `fit`, it is set to the calls of the
    step; ensembles count all their trees, so they get the total of all calls.
    """

    resumes = True

    def __init__(self) -> None:
        super().__init__("warm_start")

    def check(self, estimator: Estimator) -> None:
        check_has_fit(estimator, self.resource)
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

    def sets(self, estimator: Estimator) -> dict[str, Any]:
        params = estimator.get_params(deep=False)
        counter = _counter(params)
        names = ["warm_start"] if counter is None else [counter, "warm_start"]
        return {name: params.get(name) for name in names}

    def cost(self, start: int, stop: int) -> int:
        return stop - start

    def prepare(self, model: Estimator, start: int, stop: int) -> Any:
        counter = _counter(model.get_params(deep=False))
        assert counter is not None
        in_all = counter == "n_estimators" or _is_ensemble(model)
        count = stop if in_all else stop - start
        return model.set_params(warm_start=True, **{counter: count})


def make_budget(resource: str) -> Budget:
    """Return the budget for what the user passed as `resource`."""
    kinds: dict[str, type[PartialFit | NSamples | WarmStart | BoostingRounds]] = {
        "partial_fit": PartialFit,
        "n_samples": NSamples,
        "warm_start": WarmStart,
        "boosting_rounds": BoostingRounds,
    }
    return kinds[resource]() if resource in kinds else Parameter(resource)


def _counts(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _counter(params: dict[str, Any]) -> str | None:
    return next((name for name in ("n_estimators", "max_iter") if name in params), None)


def _is_ensemble(model: Estimator) -> bool:
    # HistGradientBoosting's `max_iter` counts the trees of all fits.
    roots = {base.__module__ for base in type(model).__mro__}
    return any(root.startswith("sklearn.ensemble.") for root in roots)
