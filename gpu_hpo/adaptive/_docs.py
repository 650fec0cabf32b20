# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Hold the parts of docstrings that all adaptive searches have in common."""

from __future__ import annotations

from gpu_hpo._docs import fill_in

_SHARED = {
    "estimator": """\
    estimator : estimator
        Cloned for each parameter set; must have what `resource` needs. May be a
        ``distributed.Future`` of an estimator.
    parameters : dict or list of dict
        Parameter names with lists of values or distributions with a method ``rvs``.
""",
    "tol": """\
    tol : float or None, default=1e-3
        Improvement that counts for `patience`; None never stops.
""",
    "meta": """\
    predict_meta, predict_proba_meta, transform_meta : array or frame, optional
        Empty, of the kind that the method returns for blocks of a Dask collection. By
        default the model is tried on one row to find out.
""",
    "shared": """\
    test_size : float, optional
        Fraction of the rows to validate on; by default ``min(0.2, 1 / n_chunks)``, and
        0.2 if `resource` trains by refits. Not with `cv`.
    random_state : int, RandomState or None, default=None
        Determines sampled parameters, validation rows, the order of chunks, and the
        `random_state` of models that have none. An integer gives the same scores and
        the same best model on any cluster.
    scoring : str, callable, list, tuple, dict or None, default=None
        As in scikit-learn. With several metrics `refit` names the one that decides.
    verbose : bool or float, default=False
        Log to standard output; a number is the fraction of scores that is logged.
    prefix : str, default=""
        Put before each line of the log.
    refit : bool, str or None, default=None
        True trains `best_estimator_` anew with the best parameters, on all rows,
        validation rows included: by as many calls as in the search or, with
        `validation_data`, as often through all rows. False makes it the model that the
        search trained. None is True with `cv`, where no model of the search has seen
        all rows, and else False. With several metrics it is the name of the one that
        decides, and means None otherwise.
    cv : int, splitter, iterable or None, default=None
        None holds out a share of every chunk to validate on. With an integer k each
        parameter set has k models; each trains on the rows of every chunk that are not
        in its fold, and their mean score decides. Folds are drawn at random from each
        chunk, with the same share of each class if `stratify`. For data in memory and
        Dask arrays of known lengths, scikit-learn's splitters and iterables of index
        arrays are accepted too; then y and `groups`, but never X, come to the client.
    stratify : bool or None, default=None
        Whether validation rows have the same share of each class as all rows; None
        does so for classifiers. Not where `groups` are given.
    chunk_size : int, optional
        Rows per chunk of data that is not a Dask collection. By default about 20
        chunks of at least 1,000 rows and at most 64 MiB.
    stack : bool, default=True
        Whether to train models that can share a stack as one set of arrays (see
        `gpu_hpo.stacks.Stack`). The results are the same either way.
    resource : str, default="partial_fit"
        What a model gets more of by each call, up to `max_iter` calls. After n calls
        it is

        - "partial_fit": trained on n chunks, one after another;
        - "n_samples": fitted to the first n chunks. Data that is not a Dask collection
          is cut into `max_iter` chunks, or as many as a model may make calls where
          there is no `max_iter`; each has rows from everywhere;
        - an integer parameter's name ("n_estimators", "max_iter", "clf__epochs", ...):
          fitted to all rows with that parameter set to n;
        - "boosting_rounds": grown to n times its own `n_estimators` trees, by fitting
          new trees to one more chunk at each call;
        - "warm_start", for estimators with that parameter: trained for n iterations,
          or to n trees, by fits that resume.

        All but "partial_fit" and "boosting_rounds" train by refits, at each decision.
    device : {"auto", "cpu", "cuda"}, default="auto"
        "cuda" trains cuML's counterparts of scikit-learn's estimators, "cpu"
        scikit-learn's counterparts of cuML's (see `gpu_hpo.devices.convert`). "auto"
        uses GPUs if each worker has one and the estimator can train there, else the
        CPU. The environment variable ``GPU_HPO_DEVICE`` overrides it.
    call_timeout : float, optional
        Seconds that a call, or a score, may take. A trial whose call takes longer has
        the status "timeout", and its worker is replaced by a new process; a worker
        without a nanny, such as one of threads, is left with one thread fewer. Each
        task then makes one call, which costs some milliseconds. By default a search
        waits, and warns of calls that take minutes longer than expected.
    max_seconds : float, optional
        Seconds after which the search ends with the best model so far. The start of a
        cluster does not count; loading data does, and training the best parameters on
        all rows, if `refit` asks for it. Calls that run then are waited for, and one
        score is always waited for. Before, the last seconds go to the most promising
        models: those with the best last scores train on, since the schedule would not
        come to its end.
    stop_score : float, optional
        The search ends once a model has this score.
    progress : bool, optional
        Whether to show a bar with the calls that were made, the time that is left, the
        best score and its parameters. By default where somebody looks, in a terminal or
        a notebook, if ``rich`` is installed.
    journal : str, os.PathLike or gpu_hpo.journal.Journal, optional
        A file to which each score is written as it comes. If the process ends before
        the search does, the next `fit` of the same search on the same rows goes on
        where it was, with the same answer. A search that has ended may be gone on with
        by a larger `max_iter`, more parameter sets, or more time.
""",
}


with_shared_docs = fill_in(_SHARED)
