# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train all models to the end, as a scikit-learn search."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from distributed import Future

from gpu_hpo._sklearn_private import Hidden, Interval, StrOptions
from gpu_hpo._typing import (
    CrossValidation,
    Estimator,
    ParameterSpace,
    RandomState,
    Scorers,
)
from gpu_hpo.adaptive._docs import with_shared_docs
from gpu_hpo.adaptive._planned import planned_metadata
from gpu_hpo.exceptions import GpuHpoWarning, NoEffectWarning
from gpu_hpo.journal._journal import JournalLike
from gpu_hpo.model_selection._scheduled import BaseScheduledSearchCV
from gpu_hpo.schedules._base import Schedule
from gpu_hpo.schedules._incremental import Incremental
from gpu_hpo.schedules._ladder import Ladder


@with_shared_docs
class IncrementalSearchCV(BaseScheduledSearchCV):
    """Train all models chunk by chunk, and score them regularly.

    No model is dropped, but with `patience` models stop that no longer improve. It
    suits data that does not fit into memory and few parameter sets. A drop-in
    replacement for dask-ml's class of the same name.

    Parameters
    ----------
    {{estimator}}
    n_initial_parameters : int or "grid", default=10
        Parameter sets to sample, or "grid" for all in a space of lists.
    decay_rate : float, optional
        Has no effect, as in dask-ml since its 1.4.0, and warns if it is passed; use
        `InverseDecaySearchCV` instead.
    patience : int or False, default=False
        Stop models whose score rose by no more than `tol` in this many calls. At least
        2. Models that were stopped may still be the best.
    fits_per_score : int, default=1
        Most calls between two scores of a model.
    max_iter : int, default=100
        Calls of each model, if `patience` does not stop it. It is never exceeded.
    scores_per_fit : int, optional
        Old name of `fits_per_score`; warns.
    {{meta}}
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

    Notes
    -----
    If `resource` trains by refits, each score takes a fit. Models are then scored only
    after `max_iter` calls and, with `patience`, where a plateau would stop them.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseScheduledSearchCV._parameter_constraints,
        "decay_rate": [
            Interval(Real, 0, None, closed="left"),
            None,
            Hidden(StrOptions({"deprecated"})),
        ],
        "fits_per_score": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "scores_per_fit": [Interval(Integral, 1, None, closed="left"), None],
        "predict_meta": "no_validation",
        "predict_proba_meta": "no_validation",
        "transform_meta": "no_validation",
    }

    def __init__(
        self,
        estimator: Estimator | Future,
        parameters: ParameterSpace,
        n_initial_parameters: int | str = 10,
        decay_rate: Any = "deprecated",
        test_size: float | None = None,
        patience: int | bool = False,
        tol: float | None = 1e-3,
        fits_per_score: int = 1,
        max_iter: int = 100,
        random_state: RandomState = None,
        scoring: Scorers | None = None,
        verbose: bool | float = False,
        prefix: str = "",
        scores_per_fit: int | None = None,
        predict_meta: Any = None,
        predict_proba_meta: Any = None,
        transform_meta: Any = None,
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
        self.decay_rate = decay_rate
        self.fits_per_score = fits_per_score
        self.max_iter = max_iter
        self.scores_per_fit = scores_per_fit
        self.predict_meta = predict_meta
        self.predict_proba_meta = predict_proba_meta
        self.transform_meta = transform_meta

    @property
    def metadata(self) -> dict[str, int]:
        """What a fit will do if it is not cut short by `patience`."""
        self._validate_params()
        return planned_metadata(self._schedule(self._n_models()), self._budget())

    def _validate_params(self) -> None:
        super()._validate_params()
        if self.scores_per_fit is not None and self.fits_per_score != 1:
            raise ValueError(
                f"scores_per_fit={self.scores_per_fit} is the old name of "
                f"fits_per_score, which is {self.fits_per_score}: pass fits_per_score "
                "only"
            )

    def _plan(self, seed: np.random.SeedSequence) -> tuple[Schedule, list[Any]]:
        self._warn_deprecated()
        return super()._plan(seed)

    def _warn_deprecated(self) -> None:
        if self.decay_rate not in (None, "deprecated"):
            warnings.warn(
                f"decay_rate={self.decay_rate} has no effect on IncrementalSearchCV: "
                "InverseDecaySearchCV is the search whose models decay",
                NoEffectWarning,
                stacklevel=2,
            )
        if self.scores_per_fit is not None:
            warnings.warn(
                "scores_per_fit is the old name of fits_per_score: pass "
                f"fits_per_score={self.scores_per_fit}",
                GpuHpoWarning,
                stacklevel=2,
            )

    def _fits_per_score(self) -> int:
        if self.scores_per_fit is not None:
            return int(self.scores_per_fit)
        return int(self.fits_per_score)

    def _schedule(self, n_trials: int) -> Ladder:
        return Incremental(
            n_trials,
            int(self.max_iter),
            fits_per_score=self._fits_per_score(),
            patience=self._patience(),
            tol=self.tol,
            extra_scores=not self._budget().refits,
        )
