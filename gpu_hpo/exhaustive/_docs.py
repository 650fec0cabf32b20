# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Hold the parts of docstrings that both exhaustive searches have in common."""

from __future__ import annotations

from gpu_hpo._docs import fill_in

_SHARED = {
    "tasks": """\
    scoring : str, callable, list, tuple, dict or None, default=None
        As in scikit-learn.
    n_jobs : int or None, default=None
        Tasks at a time: None or -1 for as many as there are cores, or threads of the
        cluster's workers; -2 for one fewer, and so on. 1 uses no other thread. For
        fits on GPUs see `device`.
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
        Whether to score models also on the rows that they were trained on.
    scheduler : str, Client, Executor, callable or None, default=None
        Where to run: a ``distributed.Client``; "threads", "processes", "synchronous" or
        "distributed"; an executor of ``concurrent.futures``; a Dask ``get`` function.
        None is what Dask is configured to use, else the active client, else threads.
        On an asynchronous client `fit` is awaited.
    iid : bool, default=True
        Accepted as in dask-ml; it has no effect.
    cache_cv : bool, default=True
        Whether to keep the rows of a split while candidates use them, which takes the
        memory of the data once per split. If False, each task cuts them again.
    device : {"auto", "cpu", "cuda"}, default="auto"
        "cuda" trains cuML's counterparts of scikit-learn's estimators, "cpu"
        scikit-learn's counterparts of cuML's (see `gpu_hpo.devices.convert`). "auto"
        uses GPUs if each worker, or this process, has one and all candidates can train
        there, else the CPU. The environment variable ``GPU_HPO_DEVICE`` overrides it.
        On GPUs the rows of a split go to a worker's GPU once. One model at a time is
        fitted on each, and what a fit has held is given back before the next begins. If
        `n_jobs` is a number above 1, up to so many are fitted at a time on each GPU,
        but only as far as memory is known to be free: another fit begins if twice as
        much is free at that moment as it and those that run would take together, each
        as much as any fit that ran alone was seen to take. Of RMM's pools this is known
        only if their allocations are tracked.
    max_seconds : float, optional
        Seconds after which the search ends with the best candidate so far. They count
        from when there is a cluster, and include fitting the best parameters to all
        rows. Fits that run then are waited for; one candidate is always scored on all
        splits. Before, a candidate is begun only if there is time for all its splits,
        by what others took. Those that were not tried score NaN, or are not listed.
        Candidates are tried in a mixed order then, the same each time.
    stop_score : float, optional
        The search ends once a candidate has this mean score.
    progress : bool, optional
        Whether to show a bar with the fits that were made, the time that is left, the
        best score and its parameters. By default where somebody looks, in a terminal or
        a notebook, if ``rich`` is installed.
    journal : str, os.PathLike or gpu_hpo.journal.Journal, optional
        A file to which the scores of each fit are written as they come. If the process
        ends before the search does, the next `fit` of the same search on the same rows
        goes on with the fits that are missing; other candidates may be added.
""",
    "attributes": """\
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, scorer_, \
n_splits_, refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_
        As in scikit-learn. The times of a candidate include all of its steps, also
        those that it shares with others; candidates that were fitted together divide
        the time.
    device_ : gpu_hpo.devices.Device
        Where models trained, and why there.
    stopped_ : {"", "max_seconds", "stop_score", "callback", "interrupt", "error"}
        What ended the search before all was tried.
""",
    "notes": """\
    Two fits are the same if the estimators' types and parameters, and the rows that
    they are fitted to, are the same; a `random_state` of None is the same as another.
    The steps of pipelines, ``FeatureUnion`` and ``ColumnTransformer``, nested in any
    way, are compared one by one; subclasses of these, and pipelines with
    `transform_input`, only as a whole. If there are callbacks, nothing is shared: they
    are told of each fit.
""",
}

with_shared_docs = fill_in(_SHARED)
