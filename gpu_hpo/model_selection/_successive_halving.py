# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Offer successive halving as a scikit-learn search."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

from distributed import Future

from gpu_hpo._sklearn_private import Interval
from gpu_hpo._typing import (
    CrossValidation,
    Estimator,
    ParameterSpace,
    RandomState,
    Scorers,
)
from gpu_hpo.adaptive._docs import with_shared_docs
from gpu_hpo.adaptive._planned import planned_metadata
from gpu_hpo.journal._journal import JournalLike
from gpu_hpo.model_selection._scheduled import BaseScheduledSearchCV
from gpu_hpo.schedules._successive_halving import SuccessiveHalving


@with_shared_docs
class SuccessiveHalvingSearchCV(BaseScheduledSearchCV):
    """Successive halving: train many models a little, keep the best, train on.

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
        At each decision, one of this many models is kept; at least 2.
    patience : int or False, default=False
        Stop models whose score rose by no more than `tol` in this many calls. At least
        2.
    {{tol}}
    {{shared}}

    Attributes
    ----------
    cv_results_, history_, model_history_, best_estimator_, best_score_, \
best_params_, best_index_, scorer_, multimetric_, n_splits_, device_, \
stopped_
        As in `HyperbandSearchCV`; ``model_id`` is the number of the model.
    metadata, metadata_ : dict
        ``partial_fit_calls``, ``n_models``, ``max_iter``: as planned, and as done; and
        the work of refits, as in `HyperbandSearchCV`.

    References
    ----------
    Jamieson and Talwalkar, "Non-stochastic best arm identification and
    hyperparameter optimization", 2016, https://arxiv.org/abs/1502.07943
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseScheduledSearchCV._parameter_constraints,
        "n_initial_parameters": [Interval(Integral, 1, None, closed="left")],
        "n_initial_iter": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "aggressiveness": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Estimator | Future,
        parameters: ParameterSpace,
        n_initial_parameters: int = 10,
        n_initial_iter: Any = None,
        max_iter: int | None = None,
        aggressiveness: int = 3,
        test_size: float | None = None,
        patience: int | bool = False,
        tol: float | None = 1e-3,
        random_state: RandomState = None,
        scoring: Scorers | None = None,
        verbose: bool | float = False,
        prefix: str = "",
        *,
        refit: bool | str | None = None,
        cv: CrossValidation = None,
        stratify: bool | None = None,
        chunk_size: int | None = None,
        stack: bool = True,
        resource: str = "partial_fit",
        device: str = "auto",
        call_timeout: float | None = None,
        max_seconds: float | None = None,
        stop_score: float | None = None,
        progress: bool | None = None,
        journal: JournalLike = None,
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
            call_timeout=call_timeout,
            max_seconds=max_seconds,
            stop_score=stop_score,
            progress=progress,
            journal=journal,
        )
        self.n_initial_parameters = n_initial_parameters
        self.n_initial_iter = n_initial_iter
        self.max_iter = max_iter
        self.aggressiveness = aggressiveness

    def _validate_params(self) -> None:
        super()._validate_params()
        if self.max_iter is not None and self.n_initial_iter > self.max_iter:
            raise ValueError(
                f"n_initial_iter={self.n_initial_iter} must not be more than "
                f"max_iter={self.max_iter}"
            )

    @property
    def metadata(self) -> dict[str, int]:
        """What a fit will do if it is not cut short by `patience`."""
        self._validate_params()
        return planned_metadata(self._schedule(self._n_models()), self._budget())

    def _schedule(self, n_trials: int) -> SuccessiveHalving:
        return SuccessiveHalving(
            n_trials,
            self.n_initial_iter,
            aggressiveness=self.aggressiveness,
            max_calls=self.max_iter,
            patience=self._patience(),
            tol=self.tol,
            extra_scores=not self._budget().refits,
        )
