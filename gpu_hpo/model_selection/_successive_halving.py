# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Successive halving as a scikit-learn search."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from gpu_hpo.model_selection._base import BaseIncrementalSearchCV, warn_small_space
from gpu_hpo.model_selection._docs import with_shared_docs
from gpu_hpo.model_selection._search_space import sample
from gpu_hpo.schedules import Rung, Schedule, SuccessiveHalving, halving_rungs
from gpu_hpo.training import Budget


@with_shared_docs
class SuccessiveHalvingSearchCV(BaseIncrementalSearchCV):
    """Successive halving: train many models a little, keep the best, go on.

    Parameters
    ----------
    {{estimator}}
    n_initial_parameters : int, default=10
        Parameter sets to start with.
    n_initial_iter : int
        Calls before the first decision. Required.
    max_iter : int, optional
        Most calls of any model. By default halving goes on until one is left.
    aggressiveness : int, default=3
        Keep one model of so many at each decision; at least 2.
    patience : int or False, default=False
        Stop models whose score rose by no more than `tol` in so many calls. At least
        2.
    {{shared}}

    Attributes
    ----------
    cv_results_, history_, model_history_, best_estimator_, best_score_, \
best_params_, best_index_, scorer_, multimetric_, n_splits_, device_
        As in `HyperbandSearchCV`; ``model_id`` is the number of the model.
    metadata, metadata_ : dict
        ``partial_fit_calls``, ``n_models``, ``max_iter``: as planned, and as done; and
        what refits came to, as in `HyperbandSearchCV`.

    References
    ----------
    Jamieson and Talwalkar, "Non-stochastic best arm identification and
    hyperparameter optimization", 2016, https://arxiv.org/abs/1502.07943
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseIncrementalSearchCV._parameter_constraints,
        "n_initial_parameters": [Interval(Integral, 1, None, closed="left")],
        "n_initial_iter": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "aggressiveness": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Any,
        parameters: Any,
        n_initial_parameters: int = 10,
        n_initial_iter: Any = None,
        max_iter: int | None = None,
        aggressiveness: int = 3,
        test_size: float | None = None,
        patience: int | bool = False,
        tol: float | None = 1e-3,
        random_state: Any = None,
        scoring: Any = None,
        verbose: bool | float = False,
        prefix: str = "",
        *,
        refit: bool | str | None = None,
        cv: Any = None,
        stratify: bool | None = None,
        chunk_size: int | None = None,
        stack: bool = True,
        resource: str = "partial_fit",
        device: str = "auto",
    ) -> None:
        super().__init__(
            estimator,
            parameters,
            patience=patience,
            tol=tol,
            test_size=test_size,
            random_state=random_state,
            scoring=scoring,
            verbose=verbose,
            prefix=prefix,
            refit=refit,
            cv=cv,
            stratify=stratify,
            chunk_size=chunk_size,
            stack=stack,
            resource=resource,
            device=device,
        )
        self.n_initial_parameters = n_initial_parameters
        self.n_initial_iter = n_initial_iter
        self.max_iter = max_iter
        self.aggressiveness = aggressiveness

    @property
    def metadata(self) -> dict[str, int]:
        """What a fit will do if it is not cut short by `patience`."""
        self._validate_params()
        rungs = halving_rungs(
            self.n_initial_parameters,
            self.n_initial_iter,
            self.aggressiveness,
            self.max_iter,
        )
        return {
            "partial_fit_calls": planned_calls(rungs),
            "n_models": self.n_initial_parameters,
            "max_iter": rungs[-1].calls,
            **planned_fits(rungs, self._budget()),
        }

    def _plan(self, seed: np.random.SeedSequence) -> tuple[Schedule, list[Any]]:
        params = sample(self.parameters, self.n_initial_parameters, seed)
        if len(params) < self.n_initial_parameters:
            warn_small_space(self.n_initial_parameters, len(params))
        schedule = SuccessiveHalving(
            len(params),
            self.n_initial_iter,
            aggressiveness=self.aggressiveness,
            max_calls=self.max_iter,
            patience=self._patience(),
            tol=self.tol,
            extra_scores=not self._budget().refits,
        )
        return schedule, params

    def _max_calls(self) -> int:
        rungs = halving_rungs(
            self.n_initial_parameters,
            self.n_initial_iter,
            self.aggressiveness,
            self.max_iter,
        )
        return rungs[-1].calls

    def _label(self, schedule: Schedule, trial: int) -> dict[str, Any]:
        return {"model_id": trial}

    def _set_metadata(self, schedule: Schedule, history: list[dict[str, Any]]) -> None:
        check_is_fitted(self, "model_history_")
        calls = [
            entries[-1]["partial_fit_calls"]
            for entries in self.model_history_.values()
            if entries
        ]
        self.metadata_ = {
            "partial_fit_calls": sum(calls),
            "n_models": len(self.model_history_),
            "max_iter": max(calls),
        }


def planned_calls(rungs: Sequence[Rung]) -> int:
    """Calls that the models of a successive-halving run get to in all."""
    starts = [0, *(rung.calls for rung in rungs)]
    return sum(
        rung.n_trials * (rung.calls - start)
        for start, rung in zip(starts, rungs, strict=False)
    )


def planned_fits(rungs: Sequence[Rung], budget: Budget) -> dict[str, int]:
    """How many fits a run takes, and the calls that they are worth; {} if none."""
    if not budget.refits:
        return {}
    starts = [0, *(rung.calls for rung in rungs)]
    return {
        "n_fits": sum(rung.n_trials for rung in rungs),
        "calls_fitted": sum(
            rung.n_trials * budget.cost(start, rung.calls)
            for start, rung in zip(starts, rungs, strict=False)
        ),
    }
