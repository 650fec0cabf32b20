# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Offer Hyperband as a scikit-learn search."""

from __future__ import annotations

import math
import warnings
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from distributed import Future

from gpu_hpo._sklearn_private import Interval
from gpu_hpo._typing import (
    CrossValidation,
    Estimator,
    ParameterSpace,
    RandomState,
    Scorers,
)
from gpu_hpo.adaptive._base import BaseIncrementalSearchCV
from gpu_hpo.adaptive._docs import with_shared_docs
from gpu_hpo.adaptive._planned import planned_calls, planned_fits
from gpu_hpo.adaptive._search_space import n_to_sample, sample, warn_small_space
from gpu_hpo.data._random_split import spawn_seed
from gpu_hpo.exceptions import GpuHpoWarning
from gpu_hpo.journal._journal import JournalLike
from gpu_hpo.schedules._base import Schedule
from gpu_hpo.schedules._hyperband import (
    Bracket,
    Hyperband,
    hyperband_brackets,
    rule_of_thumb,
)
from gpu_hpo.schedules._successive_halving import halving_rungs


@with_shared_docs
class HyperbandSearchCV(BaseIncrementalSearchCV):
    """Hyperband: find good parameters with few calls of `partial_fit`.

    Runs several brackets of successive halving side by side, from one that samples
    many models and drops most of them after few calls to one that trains a few
    models to the end. A drop-in replacement for dask-ml's class of the same name.

    To choose `max_iter` and the number of rows per chunk, decide how many rows the best
    model should see, ``n_examples``, and about how many parameter sets to try,
    ``n_params``. Then take ``max_iter = n_params`` and chunks of ``n_examples //
    n_params`` rows, as `from_rule_of_thumb` does. ``gpu-hpo plan`` says what such a
    search will do.

    Parameters
    ----------
    {{estimator}}
    max_iter : int, default=81
        Most calls of any model. A call is one `partial_fit` on one chunk, or what
        `resource` says.
    aggressiveness : int, default=3
        At each decision, one of this many models is kept; at least 2. 4 suits a first
        look.
    patience : int or bool, default=False
        Stop models whose score rose by no more than `tol` in this many calls. At least
        2; True is ``max_iter // aggressiveness``.
    {{meta}}
    {{tol}}
    {{shared}}

    Attributes
    ----------
    cv_results_ : dict of ndarray
        One row per model: ``model_id`` ("bracket=B-I"), ``bracket``, ``params``,
        ``param_NAME`` (masked where a model does not have it), ``test_score`` (the
        last), ``rank_test_score``, ``partial_fit_calls``, means and standard
        deviations of ``partial_fit_time`` and ``score_time`` in seconds, ``status``
        ("completed", "stopped", "failed", "lost" or "timeout") and ``error``. Models
        are "stopped" if they were dropped before the end of their bracket; those that
        `patience` stopped are "completed" if they kept their rank to the end. Ranks go
        by status, then by last score: completed models first (the best has rank 1),
        then those that were stopped, then the others. Equal scores with equal
        status share the lower rank; all models whose last score is not finite share
        the last rank. Other metrics are ranked in the same way.
    history_ : list of dict
        One per score, oldest first: ``model_id``, ``bracket``, ``params``, ``score``,
        ``partial_fit_calls``, ``partial_fit_time`` and ``score_time`` (seconds since
        the model's previous record), ``elapsed_wall_time``, ``worker`` (its address).
    model_history_ : dict of str to list of dict
        The same entries by ``model_id``.
    best_estimator_ : estimator
        The model with the best last score of those trained to the end of their
        bracket. It is not trained again on all rows unless `refit` says so.
    best_score_, best_params_, best_index_
        Its score, parameters and row in `cv_results_`.
    metadata, metadata_ : dict
        ``n_models``, ``partial_fit_calls`` and ``brackets``: as planned, and as done.
        A bracket has no more models than a space of lists has parameter sets.
        If `resource` trains by refits, both also have ``n_fits`` and ``calls_fitted``,
        and `metadata_` has ``resource`` and ``rows_fitted``. These count the work of
        all fits that were scored; ``partial_fit_calls`` counts the calls that models
        reached.
    device_ : gpu_hpo.devices.Device
        Where models trained, and why there.
    stopped_ : {"", "max_seconds", "stop_score", "callback", "interrupt", "error"}
        What ended the search before it was done. The best model is then the one with
        the best last score of all that were not dropped.
    scorer_, multimetric_, n_splits_
        As in scikit-learn.

    References
    ----------
    Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, "Hyperband: a novel
    bandit-based approach to hyperparameter optimization", 2016,
    https://arxiv.org/abs/1603.06560

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import SGDClassifier
    >>> from gpu_hpo.model_selection import HyperbandSearchCV
    >>> X, y = load_digits(return_X_y=True)
    >>> params = {"alpha": loguniform(1e-5, 1e1)}
    >>> search = HyperbandSearchCV(SGDClassifier(), params, max_iter=9, random_state=0)
    >>> bool(search.fit(X, y).best_score_ > 0.8)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseIncrementalSearchCV._parameter_constraints,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "aggressiveness": [Interval(Integral, 2, None, closed="left")],
        "predict_meta": "no_validation",
        "predict_proba_meta": "no_validation",
        "transform_meta": "no_validation",
    }

    def __init__(
        self,
        estimator: Estimator | Future,
        parameters: ParameterSpace,
        max_iter: int = 81,
        aggressiveness: int = 3,
        patience: int | bool = False,
        tol: float | None = 1e-3,
        test_size: float | None = None,
        random_state: RandomState = None,
        scoring: Scorers | None = None,
        verbose: bool | float = False,
        prefix: str = "",
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
        self.max_iter = max_iter
        self.aggressiveness = aggressiveness
        self.predict_meta = predict_meta
        self.predict_proba_meta = predict_proba_meta
        self.transform_meta = transform_meta

    @classmethod
    def from_rule_of_thumb(
        cls,
        estimator: Estimator | Future,
        parameters: ParameterSpace,
        *,
        n_examples: int,
        n_params: int,
        **kwargs: Any,
    ) -> Self:
        """Return a search whose `max_iter` and `chunk_size` follow from what is wanted.

        Parameters
        ----------
        estimator : estimator
            As for the class.
        parameters : dict or list of dict
            As for the class.
        n_examples : int
            Rows that the models which train longest see, over all their calls. For
            20 passes through the data, 20 times its rows.
        n_params : int
            Roughly how many parameter sets are tried: ``metadata["n_models"]`` of the
            search is the exact number, which `aggressiveness` decides too.
        **kwargs : dict
            Other arguments of the class, by name, but not `max_iter` and `chunk_size`.

        Returns
        -------
        HyperbandSearchCV
            With ``max_iter=n_params`` and ``chunk_size=n_examples // n_params``. A
            search cuts data in memory into chunks of that size; a Dask collection keeps
            its own, so rechunk it first, such as by ``X.rechunk((search.chunk_size,
            -1))``.

        Raises
        ------
        ValueError
            If `n_examples` or `n_params` is no positive integer, or `n_examples` is
            less than `n_params`.
        TypeError
            If `max_iter` or `chunk_size` is given, or the class has no such argument.

        Examples
        --------
        >>> from sklearn.linear_model import SGDClassifier
        >>> from gpu_hpo.model_selection import HyperbandSearchCV
        >>> search = HyperbandSearchCV.from_rule_of_thumb(
        ...     SGDClassifier(),
        ...     {"alpha": [1e-4, 1e-3, 1e-2]},
        ...     n_examples=20 * 1500,
        ...     n_params=30,
        ... )
        >>> search.max_iter, search.chunk_size
        (30, 1000)
        """
        derived = {"max_iter", "chunk_size"} & kwargs.keys()
        if derived:
            name = min(derived)
            raise TypeError(
                f"{name}={kwargs[name]!r} cannot be given: it follows from n_examples "
                "and n_params"
            )
        max_iter, chunk_size = rule_of_thumb(n_examples, n_params)
        return cls(
            estimator, parameters, max_iter=max_iter, chunk_size=chunk_size, **kwargs
        )

    @property
    def metadata(self) -> dict[str, Any]:
        """What a fit will do if it is not cut short by `patience`."""
        self._validate_params()
        brackets = []
        for bracket in reversed(hyperband_brackets(self.max_iter, self.aggressiveness)):
            n_models = n_to_sample(self.parameters, bracket.n_trials)
            rungs = halving_rungs(
                n_models, bracket.n_calls, self.aggressiveness, self.max_iter
            )
            brackets.append(
                {
                    "bracket": bracket.index,
                    "n_models": n_models,
                    "partial_fit_calls": planned_calls(rungs),
                    "decisions": [rung.calls for rung in rungs],
                    **planned_fits(rungs, self._budget()),
                    "SuccessiveHalvingSearchCV params": self._halving_params(
                        bracket, n_models
                    ),
                }
            )
        return _total(brackets)

    def _plan(self, seed: np.random.SeedSequence) -> tuple[Schedule, list[Any]]:
        self._warn_impatient()
        params: list[Any] = []
        sizes: dict[int, int] = {}
        brackets = hyperband_brackets(self.max_iter, self.aggressiveness)
        for bracket in brackets:
            found = sample(
                self.parameters, bracket.n_trials, spawn_seed(seed, bracket.index)
            )
            sizes[bracket.index] = len(found)
            params += found
        wanted = [bracket.n_trials for bracket in brackets]
        if len(params) < sum(wanted):
            # A bracket that wants more parameter sets than there are has all of them.
            by_bracket = " + ".join(map(str, wanted))
            warn_small_space(params, f"{sum(wanted)} ({by_bracket} by bracket)")
        schedule = Hyperband(
            self.max_iter,
            self.aggressiveness,
            patience=self._patience(),
            tol=self.tol,
            extra_scores=not self._budget().refits,
            n_trials=sizes,
        )
        return schedule, params

    def _max_calls(self) -> int:
        return int(self.max_iter)

    def _patience(self) -> int:
        if isinstance(self.patience, bool | np.bool) and self.patience:
            return max(self.max_iter // self.aggressiveness, 2)
        return int(self.patience)

    def _warn_impatient(self) -> None:
        least = self.max_iter // self.aggressiveness
        idle = self.tol is None or math.isnan(self.tol)
        if 0 < self._patience() < least and not idle:
            warnings.warn(
                f"patience={self.patience} may stop models that Hyperband would have "
                f"trained on: it stops bad ones anyway, and patience is for the few "
                f"that remain. Set patience=True, patience >= {least} or tol=None",
                GpuHpoWarning,
                stacklevel=2,
            )

    def _label(self, schedule: Schedule, trial: int) -> dict[str, Any]:
        assert isinstance(schedule, Hyperband)
        bracket = schedule.bracket_of(trial)
        number = trial - schedule.brackets[bracket].first_trial
        return {"model_id": f"bracket={bracket}-{number}", "bracket": bracket}

    def _set_metadata(self, schedule: Schedule, history: list[dict[str, Any]]) -> None:
        assert isinstance(schedule, Hyperband)
        starts = hyperband_brackets(self.max_iter, self.aggressiveness)
        brackets = []
        for bracket in reversed(starts):
            records = [
                entries
                for entries in self.model_history_.values()
                if entries and entries[-1]["bracket"] == bracket.index
            ]
            decisions = {
                entry["partial_fit_calls"] for entries in records for entry in entries
            }
            if bracket.n_calls > 1:
                decisions.discard(1)  # every model's first score decides nothing
            n_models = schedule.brackets[bracket.index].n_trials
            brackets.append(
                {
                    "bracket": bracket.index,
                    "n_models": n_models,
                    "partial_fit_calls": sum(
                        entries[-1]["partial_fit_calls"] for entries in records
                    ),
                    "decisions": sorted(decisions),
                    "SuccessiveHalvingSearchCV params": self._halving_params(
                        bracket, n_models
                    ),
                }
            )
        self.metadata_ = _total(brackets)

    def _halving_params(self, bracket: Bracket, n_models: int) -> dict[str, Any]:
        """Return the arguments of `SuccessiveHalvingSearchCV` for one bracket alone."""
        return {
            "aggressiveness": self.aggressiveness,
            "max_iter": self.max_iter,
            "n_initial_iter": bracket.n_calls,
            "n_initial_parameters": n_models,
            "patience": self._patience() or False,
            "prefix": f"{self.prefix}, bracket={bracket.index}",
            "random_state": self.random_state,
            "scoring": self.scoring,
            "test_size": self.test_size,
            "tol": self.tol,
            "verbose": self.verbose,
            **({"resource": self.resource} if self._budget().refits else {}),
        }


def _total(brackets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "n_models": sum(bracket["n_models"] for bracket in brackets),
        "partial_fit_calls": sum(bracket["partial_fit_calls"] for bracket in brackets),
        **{
            name: sum(bracket[name] for bracket in brackets)
            for name in ("n_fits", "calls_fitted")
            if name in brackets[0]
        },
        "brackets": brackets,
    }
