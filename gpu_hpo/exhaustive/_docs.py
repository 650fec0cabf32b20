# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say once what the docstrings of both exhaustive searches have in common."""

from __future__ import annotations

from gpu_hpo._docs import fill_in

_SHARED = {
    "tasks": """\
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
""",
    "where": """\
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
""",
    "attributes": """\
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, scorer_, \
n_splits_, refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_
        As in scikit-learn. The times of a candidate are those of all its steps, also of
        those that it shares with others; of candidates that were fitted together each
        has its share.
""",
    "notes": """\
    A fit is the same as another if the estimators' types, their parameters and what
    they are fitted to are the same; a `random_state` of None is the same as another.
    Of pipelines, ``FeatureUnion`` and ``ColumnTransformer``, nested in any way, the
    parts are looked at; of subclasses of these, and of pipelines with
    `transform_input`, only the whole. Where there are callbacks nothing is shared: all
    fits are made, and told of them.
""",
}

with_shared_docs = fill_in(_SHARED)
