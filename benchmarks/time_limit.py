# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How well a search keeps its time, and what it finds in it.

Five kinds of models are searched with `max_seconds` of 1, 5 and 20, and of 60, which
counts as no limit: linear models and networks by chunks, forests by their number of
trees, support-vector machines by their number of rows, and a grid over a pipeline, all
so large that two cores need some half a minute or more. One worker per core, in a
cluster that is there before. Per run:

over      wall time of `fit` beyond `max_seconds`, in seconds
call      the longest call or fit of the search, with its score, in seconds: a search
          may end this much later
in time   whether `over` is at most `call` and 0.1 s, for what is not calls
regret    score of the model that is found in 60 seconds minus that of the model that is
          found in the limit, both on rows that no search has seen

    python benchmarks/time_limit.py --repeat 4
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from dask.distributed import Client
from scipy.stats import loguniform, randint
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from gpu_hpo.compute import local_cluster
from gpu_hpo.linear_model import SGDClassifier
from gpu_hpo.model_selection import GridSearchCV, HyperbandSearchCV
from gpu_hpo.neural_network import MLPClassifier

LIMITS = (1.0, 5.0, 20.0)
LONG = 60.0
SLACK = 0.1  # seconds, for what is not calls


def searches(seed: int) -> dict[str, tuple[int, object]]:
    """Return the searches by name, each with the rows that it is given."""
    fixed = {"random_state": seed, "progress": False}
    return {
        "linear, by chunks": (
            500_000,
            HyperbandSearchCV(
                SGDClassifier(batch_size=1),
                {"alpha": loguniform(1e-7, 1e-1), "eta0": loguniform(1e-4, 1)},
                max_iter=243,
                **fixed,
            ),
        ),
        "network, by chunks": (
            400_000,
            HyperbandSearchCV(
                MLPClassifier(hidden_layer_sizes=(64,)),
                {
                    "alpha": loguniform(1e-6, 1),
                    "learning_rate_init": loguniform(1e-4, 1e-1),
                },
                max_iter=243,
                **fixed,
            ),
        ),
        "forest, by trees": (
            10_000,
            HyperbandSearchCV(
                RandomForestClassifier(),
                {"max_depth": randint(2, 20), "max_features": randint(1, 30)},
                max_iter=81,
                resource="n_estimators",
                **fixed,
            ),
        ),
        "SVC, by rows": (
            12_000,
            HyperbandSearchCV(
                SVC(),
                {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-4, 1)},
                max_iter=81,
                resource="n_samples",
                **fixed,
            ),
        ),
        "SVC, grid": (
            3_000,
            GridSearchCV(
                make_pipeline(StandardScaler(), SVC()),
                {
                    "svc__C": np.logspace(-2, 3, 12),
                    "svc__gamma": np.logspace(-4, 0, 10),
                },
                progress=False,
            ),
        ),
    }


def longest_call(search: object) -> float:
    """Return the seconds of the longest call with its score, as far as is known."""
    results = search.cv_results_
    if "mean_fit_time" in results:
        return float(np.nanmax(results["mean_fit_time"] + results["mean_score_time"]))
    refits = search.resource != "partial_fit"
    seconds = [0.0]
    before: dict[object, int] = {}
    for entry in search.history_:
        calls = entry["partial_fit_calls"]
        made = 1 if refits else calls - before.get(entry["model_id"], 0)
        before[entry["model_id"]] = calls
        seconds.append(entry["partial_fit_time"] / max(made, 1) + entry["score_time"])
    return max(seconds)


def run(search: object, X: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the wall time of `fit`, and the score on rows kept back."""
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    began = time.monotonic()
    search.fit(X, y)
    return time.monotonic() - began, search.best_estimator_.score(X_test, y_test)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=4)
    parser.add_argument("--limits", type=float, nargs="+", default=LIMITS)
    parser.add_argument("--only", help="what the names of searches contain")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows: dict[str, list[tuple[float, ...]]] = {}
    with local_cluster() as cluster, Client(cluster):
        for seed in range(args.repeat):
            for name, (n, _) in searches(seed).items():
                if args.only and args.only not in name:
                    continue
                X, y = make_classification(
                    n, 30, n_informative=10, flip_y=0.05, random_state=seed
                )
                whole, best = None, float("nan")
                for limit in (LONG, *args.limits):
                    search = searches(seed)[name][1].set_params(max_seconds=limit)
                    seconds, score = run(search, X, y)
                    if limit == LONG:
                        whole, best = seconds, score
                        rows.setdefault(name, []).append((whole,))
                        continue
                    over = max(0.0, seconds - limit)
                    call = longest_call(search)
                    done = search.stopped_ == ""
                    rows.setdefault(f"{name}|{limit:g}", []).append(
                        (over, call, over <= call + SLACK, best - score, done)
                    )
                    print(f"  {name}, {limit:g} s: {seconds:.2f} s", flush=True)
    print(
        "search               limit   runs  in time  over (worst)  call  regret  whole"
    )
    for key, runs in rows.items():
        name, _, limit = key.partition("|")
        if not limit:
            print(f"{name:20} {'none':>5} {len(runs):6}", end="")
            print(f"{'':38}{np.median([r[0] for r in runs]):6.1f} s")
            continue
        over, call, in_time, regret, done = map(np.array, zip(*runs, strict=True))
        print(
            f"{name:20} {limit:>5} {len(runs):6} {in_time.sum():8}"
            f" {over.max():11.2f} s {call.max():5.2f} {regret.mean():7.4f}"
            f"{'  (done in time)' if done.all() else ''}"
        )


if __name__ == "__main__":
    main()
