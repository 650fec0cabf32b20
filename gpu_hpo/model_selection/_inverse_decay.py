# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Offer inverse decay as a scikit-learn search."""

from __future__ import annotations

from typing import Any, ClassVar

from distributed import Future

from gpu_hpo._arguments import NOT_NEGATIVE_NUMBER
from gpu_hpo._typing import (
    CrossValidation,
    Estimator,
    ParameterSpace,
    RandomState,
    Scorers,
)
from gpu_hpo.adaptive._docs import with_shared_docs
from gpu_hpo.journal._journal import JournalLike
from gpu_hpo.model_selection._incremental import IncrementalSearchCV
from gpu_hpo.schedules._inverse_decay import InverseDecay
from gpu_hpo.schedules._ladder import Ladder


@with_shared_docs
class InverseDecaySearchCV(IncrementalSearchCV):
    """Train fewer models the more calls they have made.

    After ``t`` calls the best ``n_initial_parameters / (2 + t) ** decay_rate`` models,
    roughly, train further, until one is left. A drop-in replacement for dask-ml's class
    of the same name, with the same numbers, except that no model makes more than
    `max_iter` calls.

    Parameters
    ----------
    {{estimator}}
    n_initial_parameters : int or "grid", default=10
        Parameter sets to sample, or "grid" for all in a space of lists.
    patience : int or False, default=False
        Stop models whose score rose by no more than `tol` in this many calls. At least
        2. Models that were stopped keep their rank.
    fits_per_score : int, default=1
        With `patience`, or with ``decay_rate=0``: most calls between two scores of a
        model.
    max_iter : int, default=100
        Most calls of any model.
    decay_rate : float, default=1.0
        How fast the number of models falls; 0 keeps all.
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

    See Also
    --------
    gpu_hpo.schedules.inverse_decay_rungs : How many models make how many calls.

    References
    ----------
    Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, "Hyperband: a novel
    bandit-based approach to hyperparameter optimization", 2016,
    https://arxiv.org/abs/1603.06560. A `decay_rate` of 1 is close to the most adaptive
    bracket of that paper.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **IncrementalSearchCV._parameter_constraints,
        "decay_rate": [NOT_NEGATIVE_NUMBER],
    }

    def __init__(
        self,
        estimator: Estimator | Future,
        parameters: ParameterSpace,
        n_initial_parameters: int | str = 10,
        test_size: float | None = None,
        patience: int | bool = False,
        tol: float | None = 1e-3,
        fits_per_score: int = 1,
        max_iter: int = 100,
        random_state: RandomState = None,
        scoring: Scorers | None = None,
        verbose: bool | float = False,
        prefix: str = "",
        decay_rate: float = 1.0,
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
            n_initial_parameters=n_initial_parameters,
            decay_rate=decay_rate,
            test_size=test_size,
            patience=patience,
            tol=tol,
            fits_per_score=fits_per_score,
            max_iter=max_iter,
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

    def _warn_deprecated(self) -> None:
        """Do not warn: here `decay_rate` has an effect."""

    def _schedule(self, n_trials: int) -> Ladder:
        return InverseDecay(
            n_trials,
            float(self.decay_rate),
            max_calls=int(self.max_iter),
            fits_per_score=self._fits_per_score(),
            patience=self._patience(),
            tol=self.tol,
            extra_scores=not self._budget().refits,
        )
