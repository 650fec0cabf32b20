# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What grids over pipelines cost where candidates share their first steps.

text    the pipeline of dask-ml's guide: counts of words, weights, a linear classifier
mixed   numbers through three steps and categories, side by side, then a classifier

First printed is how many fits there are in scikit-learn's search and how many differ,
and the bound: each distinct fit made once, alone, in this process, with what a fold
takes besides (rows cut out and transformed, scores). No search on two workers can be
over before half of this work is done, nor before the longest chain of steps, and all
searches fit the best to all rows at the end, alone.

Then the wall times of all searches, each warmed up on a few rows just before, with
processes that have been started. All scores must be scikit-learn's to the bit. Aim:
half of scikit-learn's time.

    python benchmarks/pipeline.py --rounds 3 --peer ~/peer/bin/python
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from _pipeline_data import FOLDS, N_WORKERS, documents, mixed, table, text
from distributed import Client
from scipy import sparse
from sklearn import model_selection as theirs
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, StratifiedKFold
from sklearn.utils import _safe_indexing

from gpu_hpo import model_selection as ours
from gpu_hpo.compute import local_cluster
from gpu_hpo.exhaustive.plan._nodes import Step
from gpu_hpo.exhaustive.plan._planner import Planner

FEW = 1500  # rows to warm up with

State = Mapping[str, Any]  # of a fold: "train", "test", "y_train", "y_test", and others


class Choice(NamedTuple):
    """One way to take a step."""

    take: Callable[[State], State]
    params: Mapping[str, Any] = {}  # that this way stands for
    beside: bool = False  # whether other steps need not wait for it


@dataclass
class Bare:
    """What the distinct fits of one search took."""

    seconds: float = 0.0
    anew: float = 0.0  # if each candidate had its own
    longest: float = 0.0
    n_fits: int = 0
    scores: dict[Any, list[float]] = field(default_factory=dict)


def transformed(transformer: Any, columns: Any = None, name: str = "") -> Any:
    """A step that fits a transformer, of some columns, and keeps what it gives."""

    def take(state: State) -> State:
        train, test = state["train"], state["test"]
        if columns is not None:
            train, test = train[columns], test[columns]
        model = clone(transformer)
        train = model.fit_transform(train, state["y_train"])
        found = {"train": train, "test": model.transform(test)}
        return {**state, **{f"{name}{kind}": rows for kind, rows in found.items()}}

    return take


def joined(state: State) -> State:
    """Numbers beside categories, as ColumnTransformer puts them together."""
    found = {
        kind: sparse.hstack([state[kind], state[f"categories {kind}"]]).tocsr()
        for kind in ("train", "test")
    }
    return {**state, **found}


def scored(model: Any) -> Any:
    """The last step: a model, and its score."""

    def take(state: State) -> State:
        fitted = clone(model).fit(state["train"], state["y_train"])
        return {"score": fitted.score(state["test"], state["y_test"])}

    return take


def text_steps(pipeline: Any, grid: Mapping[str, Any]) -> list[list[Choice]]:
    """The steps of `text`, one after another, with all ways to take each."""
    steps = dict(pipeline.steps)
    return [
        choices(grid, "vect__ngram_range", steps["vect"], transformed),
        choices(grid, "tfidf__norm", steps["tfidf"], transformed),
        choices(grid, "clf__alpha", steps["clf"], scored),
    ]


def mixed_steps(pipeline: Any, grid: Mapping[str, Any]) -> list[list[Choice]]:
    """The steps of `mixed`."""
    (_, numbers, of_numbers), (_, encode, of_categories) = pipeline[0].transformers
    impute, scale, reduce = (step for _, step in numbers.steps)
    at = "columns__numbers"

    def imputed(model: Any) -> Any:
        return transformed(model, of_numbers)

    return [
        [Choice(transformed(encode, of_categories, "categories "), beside=True)],
        choices(grid, f"{at}__impute__strategy", impute, imputed),
        [Choice(transformed(scale))],
        choices(grid, f"{at}__reduce__n_components", reduce, transformed),
        [Choice(joined)],
        choices(grid, "classify__C", pipeline[-1], scored),
    ]


def choices(grid: Mapping[str, Any], name: str, model: Any, make: Any) -> list[Choice]:
    """One way for each value of a parameter."""
    short = name.rpartition("__")[2]
    return [
        Choice(make(clone(model).set_params(**{short: value})), {name: value})
        for value in grid[name]
    ]


def walk(
    steps: Sequence[Sequence[Choice]],
    state: State,
    params: Mapping[str, Any],
    before: tuple[float, float],
    bare: Bare,
) -> None:
    """Take all ways through the steps, each as far as it is common only once."""
    chain, way = before
    if not steps:
        bare.longest = max(bare.longest, chain)
        bare.anew += way
        bare.scores.setdefault(key(params), []).append(state["score"])
        return
    for choice in steps[0]:
        began = perf_counter()
        found = choice.take(state)
        took = perf_counter() - began
        bare.seconds += took
        bare.n_fits += choice.take is not joined
        passed = (chain if choice.beside else chain + took), way + took
        walk(steps[1:], found, {**params, **choice.params}, passed, bare)


def bare_fits(steps: Sequence[Sequence[Choice]], X: Any, y: np.ndarray) -> Bare:
    """Make all distinct fits."""
    bare = Bare()
    for train, test in StratifiedKFold(FOLDS).split(np.zeros(len(y)), y):
        began = perf_counter()
        state = {"train": _safe_indexing(X, train), "test": _safe_indexing(X, test)}
        state |= {"y_train": y[train], "y_test": y[test]}
        took = perf_counter() - began
        bare.seconds += took
        walk(steps, state, {}, (took, took), bare)
    return bare


def key(params: Mapping[str, Any]) -> Any:
    return tuple(sorted(params.items()))


def n_planned(estimator: Any, grid: Mapping[str, Any]) -> int:
    """Fits that our search makes, the last one apart."""
    planner = Planner(estimator)
    leaves = {planner.plan(params).key for params in ParameterGrid(grid)}
    steps = [node for node in planner.nodes.values() if isinstance(node, Step)]
    return FOLDS * (len(steps) + len(leaves))


def scores(search: Any) -> np.ndarray:
    """By split and candidate."""
    return np.array([search.cv_results_[f"split{i}_test_score"] for i in range(FOLDS)])


def warm_and_timed(search: Any, X: Any, y: np.ndarray) -> float:
    search.fit(X[:FEW], y[:FEW])
    began = perf_counter()
    search.fit(X, y)
    return perf_counter() - began


def dask_ml(peer: Path, n: int) -> dict[str, Any]:
    """Wall time and mean scores of dask-ml's search, in its own environment."""
    script = Path(__file__).with_name("_pipeline_dask_ml.py")
    command = [str(peer), str(script), "--documents", str(n), "--few", str(FEW)]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(next(line for line in out.splitlines() if line[:1] == "{"))


def compare(name: str, n_rows: int, client: Client, args: Any) -> None:
    (pipeline, grid), make, make_steps, n_steps = {
        "text": (text(), documents, text_steps, 3),
        "mixed": (mixed(), table, mixed_steps, 5),
    }[name]
    X, y = make(n_rows)
    steps = make_steps(pipeline, grid)
    n_candidates = len(ParameterGrid(grid))
    n_theirs = FOLDS * n_candidates * n_steps
    print(f"\n{name}: {n_rows} rows, {n_candidates} candidates, {FOLDS} folds")
    n_ours = n_planned(pipeline, grid)
    print(f"fits, the last one apart: {n_theirs} in scikit-learn's, {n_ours} distinct")
    bare_fits(steps, X[:FEW], y[:FEW])  # warms up

    common = {"cv": FOLDS}
    searches = {
        "scikit-learn, n_jobs=2": theirs.GridSearchCV(
            pipeline, grid, n_jobs=N_WORKERS, **common
        ),
        "gpu_hpo, processes": ours.GridSearchCV(
            pipeline, grid, scheduler=client, **common
        ),
        "gpu_hpo, threads": ours.GridSearchCV(
            pipeline, grid, scheduler="threads", n_jobs=N_WORKERS, **common
        ),
        "gpu_hpo, synchronous": ours.GridSearchCV(
            pipeline, grid, scheduler="synchronous", **common
        ),
    }
    peer = Path(args.peer).expanduser() if name == "text" else None
    if peer is not None and not peer.exists():
        print(f"dask-ml is left out: there is no interpreter {args.peer}")
        peer = None
    rounds: list[dict[str, float]] = []
    for _ in range(args.rounds):
        bare = bare_fits(steps, X, y)
        if bare.n_fits != n_ours:
            raise AssertionError(f"{bare.n_fits} fits by hand, {n_ours} planned")
        row: dict[str, float] = {}
        for label, search in searches.items():
            row[label] = warm_and_timed(search, X, y)
        expected = scores(searches["scikit-learn, n_jobs=2"])
        for label, search in searches.items():
            if not np.array_equal(scores(search), expected):
                raise AssertionError(f"{label}: other scores than scikit-learn's")
        params = searches["scikit-learn, n_jobs=2"].cv_results_["params"]
        by_hand = np.transpose([bare.scores[key(p)] for p in params])
        if not np.array_equal(by_hand, expected):
            raise AssertionError("the bare fits are not those of the searches")
        refit = searches["gpu_hpo, synchronous"].refit_time_
        if peer is not None:
            found = dask_ml(peer, n_rows)
            row["dask-ml"] = found["wall"]
            differs = np.abs(expected.mean(axis=0) - found["means"]).max()
        bound = max(bare.seconds / N_WORKERS, bare.longest) + refit
        row = {"bound": bound, **row}
        rounds.append(row)
        print(
            f"bound {bound:.2f} s: work {bare.seconds:.2f} s over {N_WORKERS}, longest "
            f"chain {bare.longest:.2f} s, last fit {refit:.2f} s; anew for every "
            f"candidate the same would be {bare.anew:.2f} s of work",
            flush=True,
        )
    print(f"{'':>24} {'wall, s':>8} {'of theirs':>10} {'of bound':>9}")
    for label in rounds[0]:
        shares = [row[label] / row["scikit-learn, n_jobs=2"] for row in rounds]
        above = [row[label] / row["bound"] for row in rounds]
        print(
            f"{label:>24} {median(row[label] for row in rounds):8.2f} "
            f"{median(shares):10.2f} {median(above):9.2f}"
        )
    print("scores: equal to the bit", end="")
    print(
        f"; means of dask-ml's, by its own scikit-learn, within {differs:.1e}"
        if peer
        else "",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=5_000)
    parser.add_argument("--rows", type=int, default=60_000, help="of `mixed`")
    parser.add_argument(
        "--cases", nargs="+", default=["text", "mixed"], choices=("text", "mixed")
    )
    parser.add_argument("--rounds", type=int, default=1, help="of which the medians")
    parser.add_argument(
        "--peer",
        metavar="PYTHON",
        default="~/peer/bin/python",
        help="interpreter with dask-ml",
    )
    args = parser.parse_args()
    with local_cluster(N_WORKERS, device="cpu") as cluster, Client(cluster) as client:
        client.wait_for_workers(N_WORKERS)
        for name in args.cases:
            compare(name, args.documents if name == "text" else args.rows, client, args)


if __name__ == "__main__":
    main()
