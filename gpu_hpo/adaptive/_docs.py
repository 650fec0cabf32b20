# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Share the parts of docstrings that all adaptive searches have in common."""

from __future__ import annotations

from gpu_hpo._docs import fill_in

_SHARED = {
    "estimator": """\
    estimator : estimator
        Cloned for each parameter set; must have what `resource` takes. May be a
        ``distributed.Future`` of one.
    parameters : dict or list of dict
        Parameter names with lists of values or distributions with a method ``rvs``.
""",
    "tol": """\
    tol : float or None, default=1e-3
        Improvement that counts for `patience`; None never stops.
""",
    "meta": """\
    predict_meta, predict_proba_meta, transform_meta : array or frame, optional
        Empty ones of the kind that the method gives for a Dask collection. By default
        the model is tried on one row.
""",
    "shared": """\
    test_size : float, optional
        Fraction of the rows to validate on; by default ``min(0.2, 1 / n_chunks)``, and
        0.2 if `resource` is not "partial_fit". Not with `cv`.
    random_state : int, RandomState or None, default=None
        Decides on sampled parameters, validation rows, order of chunks, and the
        `random_state` of models that have none. An integer gives the same scores and
        the same best model on any cluster.
    scoring : str, callable, list, tuple, dict or None, default=None
        As in scikit-learn. With several metrics `refit` names the one that decides.
    verbose : bool or float, default=False
        Log to standard output; a number says which fraction of the scores.
    prefix : str, default=""
        Put before each line of the log.
    refit : bool, str or None, default=None
        True trains the best parameters again, from the first call, on all rows,
        validation rows included, for `best_estimator_`: by as many calls as in the
        search or, with `validation_data`, as often through all rows. False leaves
        `best_estimator_` the model that the search trained. None is True with `cv`,
        where no model of the search has seen all, and else False. With several metrics,
        the name of the one that decides; then as with None.
    cv : int, splitter, iterable or None, default=None
        None validates on one part of the rows, which is held out of every chunk. An
        integer k makes each parameter set k models, of which each trains on the rows of
        every chunk that are not in its fold, and whose mean score decides; folds are
        drawn at random from each chunk, with as many of each class if `stratify`. Data
        in memory, and Dask arrays of known lengths, also take scikit-learn's splitters
        and iterables of index arrays, for which y and `groups`, but never X, come to
        the client.
    stratify : bool or None, default=None
        Whether each class has its share of the validation rows; None if the estimator
        is a classifier. Not where `groups` are given.
    chunk_size : int, optional
        Rows per chunk of data that is not a Dask collection. By default about 20
        chunks of at least 1,000 rows and at most 64 MiB.
    stack : bool, default=True
        Train models that can share a stack as one set of arrays (see
        `gpu_hpo.stacks.Stack`). The results are the same without.
    resource : str, default="partial_fit"
        What a model gets more of by each call, up to `max_iter`. "partial_fit" trains
        it on another chunk. Anything else fits it anew at each decision: to as many
        chunks as it has made calls ("n_samples"; data that is not a Dask collection is
        cut into `max_iter` chunks, each of rows from everywhere, or into as many as a
        model may make calls where there is no `max_iter`), or to all rows with
        an integer parameter at that number (its name: "n_estimators", "max_iter",
        "clf__epochs", ...), or for so many iterations more ("warm_start", for
        estimators with that parameter).
    device : {"auto", "cpu", "cuda"}, default="auto"
        "cuda" trains cuML's counterparts of scikit-learn's estimators, "cpu"
        scikit-learn's of cuML's (see `gpu_hpo.devices.convert`). "auto" takes GPUs if
        each worker has one, and the CPU if the estimator has no counterpart there.
        ``GPU_HPO_DEVICE`` overrides it.
""",
}


with_shared_docs = fill_in(_SHARED)
