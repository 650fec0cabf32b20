# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Try a number of parameter sets drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import model_selection as theirs

from gpu_hpo._typing import (
    CrossValidation,
    Estimator,
    ParameterSpace,
    RandomState,
    Scorers,
)
from gpu_hpo.compute._backends import Scheduler
from gpu_hpo.exhaustive._base import OWN_CONSTRAINTS, ExhaustiveSearch


class RandomizedSearchCV(ExhaustiveSearch, theirs.RandomizedSearchCV):
    """Tries parameters drawn at random, and fits nothing twice.

    scikit-learn's ``RandomizedSearchCV``, on threads, processes or a Dask cluster, for
    Dask collections and data on a device too. Candidates that have first steps of a
    pipeline in common share their fits, and those that can be fitted together are.

    Parameters
    ----------
    estimator : estimator
    param_distributions : dict or list of dict
        Names of parameters, and of each a list of values or a distribution with `rvs`.
    n_iter : int, default=10
        Sets of parameters that are drawn.
    scoring : str, callable, list, tuple, dict or None, default=None
        As in scikit-learn.
    n_jobs : int or None, default=None
        Tasks at a time: None or -1 for as many as there are cores, or threads of the
        cluster's workers; -2 for one fewer, and so on. 1 uses no other thread.
    refit : bool, str or callable, default=True
        Whether, or by which metric, the best parameters are fitted to all rows.
    cv : int, splitter, iterable or None, default=None
        As in scikit-learn; None is 5 folds, where dask-ml made 3.
    verbose : int, default=0
        Lines are printed as scores arrive.
    pre_dispatch : int or str, default="2*n_jobs"
        Tasks that are submitted at a time.
    random_state : int, RandomState or None, default=None
        Decides what is drawn. An integer gives what scikit-learn draws.
    error_score : "raise" or float, default=nan
        What a candidate that cannot be fitted scores.
    return_train_score : bool, default=False
        Whether the rows that train are scored, too.
    scheduler : str, Client, Executor, callable or None, default=None
        Where to run: a ``distributed.Client``; "threads", "processes", "synchronous" or
        "distributed"; an executor of ``concurrent.futures``; a Dask ``get`` function.
        None is what Dask is configured to use, else the active client, else threads.
    iid : bool, default=True
        Accepted for dask-ml's sake; without effect.
    cache_cv : bool, default=True
        Whether the rows of a split are kept while candidates use them, which takes the
        memory of the data once per split, rather than cut again for each task.

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, scorer_, \
n_splits_, refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_
        As in scikit-learn. The times of a candidate are those of all its steps, also of
        those that it shares with others; of candidates that were fitted together each
        has its share.

    See Also
    --------
    GridSearchCV : Tries all combinations.
    HyperbandSearchCV : Stops candidates early that are not promising.

    Notes
    -----
    A fit is the same as another if the estimators' types, their parameters and what
    they are fitted to are the same; a `random_state` of None is the same as another.
    Of pipelines, ``FeatureUnion`` and ``ColumnTransformer``, nested in any way, the
    parts are looked at; of subclasses of these, and of pipelines with
    `transform_input`, only the whole. Where there are callbacks nothing is shared: all
    fits are made, and told of them.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn.svm import SVC
    >>> from gpu_hpo.model_selection import RandomizedSearchCV
    >>> X, y = load_digits(return_X_y=True)
    >>> pipeline = Pipeline([("pca", PCA(random_state=0)), ("svc", SVC())])
    >>> space = {"pca__n_components": [8, 16], "svc__C": loguniform(0.1, 10)}
    >>> search = RandomizedSearchCV(pipeline, space, n_iter=4, random_state=0)
    >>> bool(search.fit(X, y).best_score_ > 0.9)
    True
    """

    _parameter_constraints: dict = {
        **theirs.RandomizedSearchCV._parameter_constraints,
        **OWN_CONSTRAINTS,
    }

    def __init__(
        self,
        estimator: Estimator,
        param_distributions: ParameterSpace,
        *,
        n_iter: int = 10,
        scoring: Scorers | None = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable[..., Any] = True,
        cv: CrossValidation = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: RandomState = None,
        error_score: str | float = np.nan,
        return_train_score: bool = False,
        scheduler: Scheduler = None,
        iid: bool = True,
        cache_cv: bool = True,
    ) -> None:
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.scheduler = scheduler
        self.iid = iid
        self.cache_cv = cache_cv
