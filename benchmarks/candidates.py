# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a candidate costs beyond its fits.

100,000 candidates of an estimator whose `fit` and `score` do nothing, two splits of 20
rows, no refit, on two worker processes of one thread. Each line is a process of its
own, which has imported all, started its cluster and searched 20 candidates before the
clock starts. Printed are

first    seconds from the call of `fit` until the table of scores is given its first one
total    seconds of `fit`
us/cand  microseconds per candidate, `total` over their number; us/fit half of that
peak     most memory that the process of the client ever had (ru_maxrss), in MB; before:
         the same when the clock starts

beside scikit-learn's search over 2,000 of them with one job and with two, which have
been warmed up in the same way. Aims: first 5 s, peak 500 MB.

grid           GridSearchCV, 1,000 values by 100
lists          RandomizedSearchCV, 100,000 of 1,000,000 combinations
distributions  RandomizedSearchCV, from two continuous distributions
pipeline       GridSearchCV over two steps, 100 values by 1,000: what is shared is only
               known when all candidates are

    python benchmarks/candidates.py
"""

# Nothing heavy is imported here: where a process is started from counts as its memory.
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from time import perf_counter

FORMS = ("grid", "lists", "distributions", "pipeline")
N_WARM = 20
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)


def make_search(form, module, n, **options):
    """A search of scikit-learn's `model_selection` or ours, over `n` candidates."""
    from _no_op import NoOp
    from scipy.stats import loguniform, uniform
    from sklearn.pipeline import Pipeline

    options |= {"cv": 2, "refit": False}
    few, many = list(range(max(n // 1000, 1))), list(range(min(n, 1000)))
    if form == "grid":
        space = {"first": many, "second": few}
        return module.GridSearchCV(NoOp(), space, **options)
    if form == "pipeline":
        space = {"early__first": few, "late__second": many}
        steps = [("early", NoOp()), ("late", NoOp())]
        return module.GridSearchCV(Pipeline(steps), space, **options)
    options |= {"n_iter": n, "random_state": 0}
    if form == "lists":
        space = {"first": list(range(1000)), "second": list(range(1000))}
    else:
        space = {"first": uniform(), "second": loguniform(1e-6, 1)}
    return module.RandomizedSearchCV(NoOp(), space, **options)


def rows():
    import numpy as np

    return np.zeros((20, 1)), np.arange(20) % 2


def peak():
    """Most memory that this process ever had, in MB."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most * (1 if sys.platform == "darwin" else 1024) / 1e6


def timed(search):
    """Seconds of `fit`, until the first score and in all."""
    from gpu_hpo.exhaustive._score_table import ScoreTable

    first, take = [], ScoreTable.take

    def noting(table, *args):
        take(table, *args)
        first.append(perf_counter())
        ScoreTable.take = take

    ScoreTable.take = noting
    began = perf_counter()
    try:
        search.fit(*rows())
    finally:
        ScoreTable.take = take
    ended = perf_counter()
    return (first[0] if first else ended) - began, ended - began


def ours(form, n, where):
    """One search of ours."""
    from contextlib import ExitStack

    from distributed import Client

    from gpu_hpo import model_selection
    from gpu_hpo.compute import local_cluster

    with ExitStack() as stack:
        scheduler = where
        if where == "processes":
            cluster = stack.enter_context(local_cluster(2, device="cpu"))
            scheduler = stack.enter_context(Client(cluster))
        options = {"scheduler": scheduler, "n_jobs": 2}
        make_search(form, model_selection, N_WARM, **options).fit(*rows())
        search = make_search(form, model_selection, n, **options)
        before = peak()
        first, total = timed(search)
        found = {"first": first, "total": total, "before": before, "peak": peak()}
        if len(search.cv_results_["params"]) != n:
            raise AssertionError(f"not {n} candidates")
    return found


def theirs(form, n, n_jobs):
    """One search of scikit-learn's."""
    from sklearn import model_selection

    make_search(form, model_selection, N_WARM, n_jobs=n_jobs).fit(*rows())
    search = make_search(form, model_selection, n, n_jobs=n_jobs)
    before = peak()
    began = perf_counter()
    search.fit(*rows())
    total = perf_counter() - began
    return {"first": None, "total": total, "before": before, "peak": peak()}


def in_a_process(**job):
    """What one search took, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--job", json.dumps(job)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **ONE_THREAD},
    )
    return json.loads(done.stdout.splitlines()[-1])


def show(name, n, found):
    first = "" if found["first"] is None else f"{found['first']:.2f}"
    each = 1e6 * found["total"] / n
    print(
        f"{name:>30} {n:8,} {first:>7} {found['total']:8.2f} {each:8.0f} "
        f"{each / 2:7.0f} {found['before']:7.0f} {found['peak']:6.0f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--peer-candidates", type=int, default=2_000)
    parser.add_argument("--forms", nargs="+", default=FORMS, choices=FORMS)
    parser.add_argument(
        "--where",
        nargs="+",
        default=["processes"],
        choices=("processes", "threads", "synchronous"),
    )
    parser.add_argument("--job", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        job = json.loads(args.job)
        run = theirs if "n_jobs" in job else ours
        print(json.dumps(run(**job)))
        return
    print(
        f"{'':>30} {'':>8} {'first':>7} {'total':>8} {'us/cand':>8} {'us/fit':>7} "
        f"{'before':>7} {'peak':>6}   aims: first 5, peak 500"
    )
    few = args.peer_candidates
    for form in args.forms:
        for n_jobs in (1, 2):
            found = in_a_process(form=form, n=few, n_jobs=n_jobs)
            show(f"{form}, scikit-learn, n_jobs={n_jobs}", few, found)
        for where in args.where:
            for n in (few, args.candidates):
                found = in_a_process(form=form, n=n, where=where)
                show(f"{form}, {where}", n, found)


if __name__ == "__main__":
    main()
