# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Try all combinations of listed parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import model_selection as theirs

from gpu_hpo._typing import CrossValidation, Estimator, ParameterSpace, Scorers
from gpu_hpo.compute._backends import Scheduler
from gpu_hpo.exhaustive._base import EXTRA_CONSTRAINTS, ExhaustiveSearch
from gpu_hpo.exhaustive._docs import with_shared_docs
from gpu_hpo.journal._journal import JournalLike


@with_shared_docs
class GridSearchCV(ExhaustiveSearch, theirs.GridSearchCV):
    """Tries all combinations of parameters, and fits nothing twice.

    It is scikit-learn's ``GridSearchCV``, on threads, processes or a Dask cluster, also
    for Dask collections and data on a device. Candidates share the fits of equal first
    steps of a pipeline, and are fitted together where they can be.

    Parameters
    ----------
    estimator : estimator
    param_grid : dict or list of dict
        Names of parameters and the values of each to try.
    {{tasks}}
    {{where}}

    Attributes
    ----------
    {{attributes}}

    See Also
    --------
    RandomizedSearchCV : Draws parameters at random.
    HyperbandSearchCV : Stops candidates early if they are not promising.

    Notes
    -----
    {{notes}}

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn.svm import SVC
    >>> from gpu_hpo.model_selection import GridSearchCV
    >>> X, y = load_digits(return_X_y=True)
    >>> pipeline = Pipeline([("pca", PCA(random_state=0)), ("svc", SVC())])
    >>> grid = {"pca__n_components": [8, 16], "svc__C": [1, 10]}
    >>> search = GridSearchCV(pipeline, grid)
    >>> bool(search.fit(X, y).best_score_ > 0.9)
    True
    """

    _parameter_constraints: dict = {
        **theirs.GridSearchCV._parameter_constraints,
        **EXTRA_CONSTRAINTS,
    }

    def __init__(
        self,
        estimator: Estimator,
        param_grid: ParameterSpace,
        *,
        scoring: Scorers | None = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable[..., Any] = True,
        cv: CrossValidation = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        error_score: str | float = np.nan,
        return_train_score: bool = False,
        scheduler: Scheduler = None,
        iid: bool = True,
        cache_cv: bool = True,
        device: str = "auto",
        max_seconds: float | None = None,
        stop_score: float | None = None,
        progress: bool | None = None,
        journal: JournalLike = None,
    ) -> None:
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.scheduler = scheduler
        self.iid = iid
        self.cache_cv = cache_cv
        self.device = device
        self.max_seconds = max_seconds
        self.stop_score = stop_score
        self.progress = progress
        self.journal = journal
