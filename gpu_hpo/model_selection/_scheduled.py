# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Search by one schedule for all models, which may be the user's."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from distributed import Future
from sklearn.model_selection import ParameterGrid

from gpu_hpo._sklearn_private import Interval, StrOptions
from gpu_hpo._typing import (
    CrossValidation,
    Estimator,
    ParameterSpace,
    RandomState,
    Scorers,
)
from gpu_hpo.adaptive._base import BaseIncrementalSearchCV
from gpu_hpo.adaptive._docs import with_shared_docs
from gpu_hpo.adaptive._search_space import n_to_sample, sample, warn_small_space
from gpu_hpo.journal._journal import JournalLike
from gpu_hpo.schedules._base import Schedule


class BaseScheduledSearchCV(BaseIncrementalSearchCV):
    """Base of the searches whose models are all in one schedule from the start.

    Subclasses set `n_initial_parameters` and implement `_schedule`.
    """

    n_initial_parameters: int | str

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseIncrementalSearchCV._parameter_constraints,
        "n_initial_parameters": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"grid"}),
        ],
    }

    @abstractmethod
    def _schedule(self, n_trials: int) -> Schedule:
        """Return a new schedule for this many trials."""

    def _validate_params(self) -> None:
        super()._validate_params()
        if self.n_initial_parameters == "grid":
            _check_grid(self.parameters)

    def _n_models(self) -> int:
        """Return how many models to train: at most one for each parameter set."""
        if self.n_initial_parameters == "grid":
            return len(ParameterGrid(self.parameters))
        return n_to_sample(self.parameters, int(self.n_initial_parameters))

    def _plan(self, seed: np.random.SeedSequence) -> tuple[Schedule, list[Any]]:
        if self.n_initial_parameters == "grid":
            params = list(ParameterGrid(self.parameters))
        else:
            wanted = int(self.n_initial_parameters)
            params = sample(self.parameters, wanted, seed)
            if len(params) < wanted:
                warn_small_space(params, str(wanted))
        return self._schedule(len(params)), params

    def _max_calls(self) -> int:
        horizon = self._schedule(self._n_models()).horizon()
        # Only a budget that cuts chunks for calls asks, and it refuses an open horizon.
        return sys.maxsize if horizon is None else horizon

    def _calls_for_all_rows(self) -> int:
        # This may be more than any model of this schedule reaches.
        most = getattr(self, "max_iter", None)
        return self._max_calls() if most is None else int(most)

    def _label(self, schedule: Schedule, trial: int) -> dict[str, Any]:
        return {"model_id": trial}

    def _set_metadata(self, schedule: Schedule, history: list[dict[str, Any]]) -> None:
        calls = [
            entries[-1]["partial_fit_calls"]
            for entries in self.model_history_.values()
            if entries
        ]
        self.metadata_ = {
            "partial_fit_calls": sum(calls),
            "n_models": len(self.model_history_),
            "max_iter": max(calls, default=0),
        }


@with_shared_docs
class ScheduledSearchCV(BaseScheduledSearchCV):
    """Follow your own schedule, which decides which model trains how long.

    It does everything that the other searches do, except decide. To decide by a
    function after each round of scores, as with dask-ml's ``additional_calls``, make
    the schedule with `gpu_hpo.schedules.Rounds`. To decide before a round is complete,
    write a `gpu_hpo.schedules.Schedule`, and check it with
    `gpu_hpo.testing.check_schedule`.

    Parameters
    ----------
    {{estimator}}
    schedule : callable
        ``schedule(n_trials)`` returns a new `gpu_hpo.schedules.Schedule` of this many
        trials, one for each parameter set, in their order. It is called more than once.
    n_initial_parameters : int or "grid", default=10
        Parameter sets to sample, or "grid" for all in a space of lists.
    {{shared}}

    Attributes
    ----------
    cv_results_, history_, model_history_, best_estimator_, best_score_, \
best_params_, best_index_, scorer_, multimetric_, n_splits_, device_, \
stopped_
        As in `HyperbandSearchCV`; ``model_id`` is the number of the model.
    metadata_ : dict
        ``partial_fit_calls``, ``n_models`` and ``max_iter``, as done; and the work of
        refits, as in `HyperbandSearchCV`.

    Notes
    -----
    With ``resource="n_samples"`` the schedule must know beforehand how many calls a
    model may make: `Rounds` has the argument `max_calls` for this.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import SGDClassifier
    >>> from gpu_hpo.model_selection import ScheduledSearchCV
    >>> from gpu_hpo.schedules import Rounds
    >>> def drop_worst(records):
    ...     ranked = sorted(records, key=lambda model: records[model][-1][1])
    ...     best = ranked[1:] or ranked
    ...     return dict.fromkeys(best, 1 if len(best) > 1 else 0)
    >>> search = ScheduledSearchCV(
    ...     SGDClassifier(),
    ...     {"alpha": [1e-6, 1e-4, 1e-2, 1e0]},
    ...     lambda n_trials: Rounds(n_trials, drop_worst),
    ...     n_initial_parameters="grid",
    ... )
    >>> X, y = load_digits(return_X_y=True)
    >>> search.fit(X, y).metadata_
    {'partial_fit_calls': 9, 'n_models': 4, 'max_iter': 3}
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseScheduledSearchCV._parameter_constraints,
        "schedule": [callable],
    }

    def __init__(
        self,
        estimator: Estimator | Future,
        parameters: ParameterSpace,
        schedule: Callable[[int], Schedule],
        n_initial_parameters: int | str = 10,
        *,
        test_size: float | None = None,
        random_state: RandomState = None,
        scoring: Scorers | None = None,
        verbose: bool | float = False,
        prefix: str = "",
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
            # The schedule decides when models stop.
            patience=False,
            tol=None,
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
        self.schedule = schedule
        self.n_initial_parameters = n_initial_parameters

    def _validate_params(self) -> None:
        super()._validate_params()
        n_trials = self._n_models()
        first = self._schedule(n_trials)
        if self._schedule(n_trials) is first:
            raise ValueError(
                f"schedule={self.schedule!r} must return a new schedule each time; it "
                f"returned {first!r} twice"
            )
        if first.horizon() is None and self.resource == "n_samples":
            raise ValueError(
                "resource='n_samples' cuts X into as many chunks as a model may make "
                f"calls, which schedule={self.schedule!r} leaves open: let its horizon "
                "say it (Rounds has the argument max_calls)"
            )

    def _schedule(self, n_trials: int) -> Schedule:
        schedule = self.schedule(n_trials)
        if not isinstance(schedule, Schedule):
            raise TypeError(
                f"schedule={self.schedule!r} must return a gpu_hpo.schedules.Schedule; "
                f"for {n_trials} trials it returned {schedule!r}"
            )
        if schedule.n_trials != n_trials:
            raise ValueError(
                f"schedule={self.schedule!r} was asked for {n_trials} trials, and "
                f"returned a schedule of {schedule.n_trials}"
            )
        return schedule


def _check_grid(parameters: ParameterSpace) -> None:
    """Raise if some values cannot be iterated over.

    The number of models follows from the grid, so this comes before the space is
    checked against the estimator; errors have the same words as there.
    """
    spaces = [parameters] if isinstance(parameters, Mapping) else parameters
    if not spaces:
        raise ValueError(
            f"parameters={parameters!r} is an empty space: there is nothing to search"
        )
    for space in spaces:
        if not isinstance(space, Mapping):
            raise TypeError(
                f"parameters must be a dict or a list of dicts; it has {space!r}"
            )
        for name, values in space.items():
            _check_grid_values(name, values)


def _check_grid_values(name: Any, values: Any) -> None:
    """Raise if the values of one parameter are not a list, or an empty one."""
    if hasattr(values, "rvs"):
        raise ValueError(
            "n_initial_parameters='grid' takes each value once, but "
            f"parameters[{name!r}]={values!r} is a distribution: pass a list "
            "of values, or a number of parameter sets to sample"
        )
    array = isinstance(values, np.ndarray) and values.ndim == 1
    if isinstance(values, str) or not (array or isinstance(values, Sequence)):
        raise TypeError(
            f"parameters[{name!r}]={values!r} must be a list of values, or an array "
            "of one dimension, with n_initial_parameters='grid'"
        )
    if len(values) == 0:
        raise ValueError(f"parameters[{name!r}]={values!r} is empty")
