# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches on GPUs: what moves, how busy they are, what a CPU takes, what bounds it.

Printed in one run, on one machine:

- limits: how many bytes a second the device copies and takes from the host, and its
  rate in a float32 matrix product, measured in a worker;
- uploads: in how many arrays models meet a chunk on one worker (aim: 1);
- search: wall time over max(work / workers, longest model), and the share of wall time
  times workers in which a worker trained or scored, by the seconds that it measured
  itself; NVML's share of time with a kernel running beside it. A least-squares model
  of a few lines trains, on data that is on the GPUs beforehand;
- resident: the same search, beside one whose models copy the rows of every call;
- fallback: wall time with device="cpu" on the same rows over that on GPUs, from data
  that is in the hosts' memory beforehand;
- cohort: a search that drops nobody beside a bare loop over the same calls;
- stacks: 256 models in a stack beside single ones in a loop;
- grid: GridSearchCV of 100 ridge penalties, five folds, beside the factorisations
  alone, the same models one by one, and scikit-learn on the CPU; then of 50 forests,
  five folds, over the fits' own time, beside scikit-learn's GridSearchCV of the same
  forests, whose rows go from NumPy's memory to the device for each fit.

Next to each: the larger of bytes over bandwidth and operations over rate, each the
least that the task needs. Works with CuPy and Dask alone: what takes cuML is left out
then, which is said, and without dask-cuda there is one worker. With ``--device cpu``
NumPy and scikit-learn stand in on small data, so that every line here is run; those
figures say nothing of a GPU.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --device cpu
    python benchmarks/gpu.py --only limits stacks
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import importlib
import importlib.util
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import Any

import numpy as np
from _gpu_work import (
    STACKS,
    LeastSquares,
    limits,
    loop,
    note_chunks,
    noted_chunks,
    on_device,
    one_by_one,
    ridge_paths,
    scores_of,
    stack_times,
    through_the_host,
)
from distributed import Client, LocalCluster, wait
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import ParameterGrid
from sklearn.naive_bayes import GaussianNB
from stacks import ROWS

from gpu_hpo.compute import local_cluster
from gpu_hpo.datasets import make_classification, make_regression
from gpu_hpo.devices import resolve_device
from gpu_hpo.linear_model import QNClassifier, SGDClassifier
from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.neural_network import MLPClassifier

ALPHAS = {"alpha": np.logspace(-3, 3, 1000)}
# Name, estimator, parameters, resource, whether a GPU needs cuML for it.
FALLBACKS: list[tuple[str, Any, dict[str, Any], str, bool]] = [
    (
        "our SGDClassifier",
        SGDClassifier(loss="log_loss", batch_size=32),
        {"alpha": np.logspace(-7, -1, 1000)},
        "partial_fit",
        False,
    ),
    (
        "our MLPClassifier",
        MLPClassifier((24,), batch_size=128),
        {"learning_rate_init": np.logspace(-4, -1, 1000)},
        "partial_fit",
        False,
    ),
    (
        "GaussianNB",
        GaussianNB(),
        {"var_smoothing": np.logspace(-9, 0, 1000)},
        "partial_fit",
        True,
    ),
    (
        "LogisticRegression",
        LogisticRegression(max_iter=200),
        {"C": np.logspace(-3, 3, 1000)},
        "n_samples",
        True,
    ),
    (
        "RandomForestClassifier",
        RandomForestClassifier(max_features="sqrt"),
        {"max_depth": range(4, 13), "min_samples_leaf": [1, 2, 5, 10, 20, 50, 100]},
        "n_estimators",
        True,
    ),
    (
        "QNClassifier",
        QNClassifier(),
        {"l2_strength": np.logspace(-6, 0, 1000)},
        "warm_start",
        True,
    ),
]

FOLDS = 5
TREES = 20
FORESTS = {
    "max_depth": [4, 6, 8, 10, 12],
    "max_features": [0.25, 0.5],
    "min_samples_leaf": [1, 2, 5, 10, 20],
}


@dataclass
class Bench:
    """A cluster, and what it is measured with.

    Attributes
    ----------
    client : distributed.Client
    device : {"cpu", "cuda"}
    options : argparse.Namespace
    limits : dict of str to float
        See `_gpu_work.limits`.
    """

    client: Client
    device: str
    options: argparse.Namespace
    limits: dict[str, float]

    @property
    def n_workers(self) -> int:
        return sum(self.client.nthreads().values())

    def bound(self, n_bytes: float, operations: float = 0.0) -> float:
        """Seconds that one device takes at the least."""
        return max(n_bytes / self.limits["copy"], operations / self.limits["float32"])

    def has(self, library: str) -> bool:
        """Whether a library is there, or need not be."""
        return self.device == "cpu" or importlib.util.find_spec(library) is not None


def make_data(
    client: Client, options: argparse.Namespace, rows: int, device: str = "cpu"
) -> tuple[Any, Any]:
    """Rows of float32 on the workers, in `--chunks` chunks, on their device."""
    X, y = make_classification(
        rows,
        options.features,
        n_informative=8,
        n_redundant=2,
        random_state=0,
        chunks=-(-rows // options.chunks),
    )
    return placed(client, X, y, device)


def placed(client: Client, X: Any, y: Any, device: str) -> tuple[Any, Any]:
    """Rows of float32, and what belongs to them, in the memory of the workers."""
    X = X.astype(np.float32)
    if device == "cuda":
        X, y = X.map_blocks(on_device), y.map_blocks(on_device)
    X, y = client.persist([X, y])
    wait([X, y])
    return X, y


def hyperband(estimator: Any, space: Any, max_iter: int, **options: Any) -> Any:
    return HyperbandSearchCV(
        estimator, space, max_iter=max_iter, random_state=0, **options
    )


def timed(search: Any, X: Any, y: Any, n_workers: int) -> dict[str, float]:
    """Fit: wall time, time in training and scoring, and the bound these give."""
    began = perf_counter()
    search.fit(X, y)
    wall = perf_counter() - began
    if search.device_.name == "cuda":
        failed = search.cv_results_["status"] == "failed"
        if failed.any():
            print(f"  {failed.sum()} failed: {search.cv_results_['error'][failed][0]}")
    times = [
        sum(entry["partial_fit_time"] + entry["score_time"] for entry in history)
        for history in search.model_history_.values()
    ]
    work = sum(times)
    return {
        "wall": wall,
        "work": work,
        "bound": max(work / n_workers, max(times, default=0.0)),
        "busy": work / (wall * n_workers),
    }


class KernelShare:
    """Samples NVML's share of time in which some kernel ran, over all GPUs."""

    def __init__(self, device: str) -> None:
        self._on = device == "cuda"
        self._samples: list[float] = []
        self._ended = threading.Event()

    def __enter__(self) -> KernelShare:
        if self._on:
            self._thread = threading.Thread(target=self._sample, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._on:
            self._ended.set()
            self._thread.join()

    def _sample(self) -> None:
        import pynvml

        try:
            pynvml.nvmlInit()
            handles = [
                pynvml.nvmlDeviceGetHandleByIndex(i)
                for i in range(pynvml.nvmlDeviceGetCount())
            ]
            while not self._ended.is_set():
                self._samples += [
                    pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
                    for handle in handles
                ]
                sleep(0.05)
        except pynvml.NVMLError as error:
            print(f"  NVML does not tell: {error}")

    def __str__(self) -> str:
        if not self._samples:
            return "not known"
        return f"{np.mean(self._samples):.2f}"


# ---- sections ----


def show_limits(bench: Bench) -> None:
    found = bench.limits
    print(
        f"copies {found['copy'] / 1e9:.1f} GB/s (read and written), "
        f"takes {found['upload'] / 1e9:.1f} GB/s from NumPy's memory, "
        f"multiplies float32 matrices at {found['float32'] / 1e9:.0f} GF/s"
    )


def show_uploads(bench: Bench) -> None:
    options = bench.options
    X, y = make_data(bench.client, options, options.fallback_rows)
    name, estimator, space, *_ = FALLBACKS[0]
    bench.client.run(note_chunks)
    search = hyperband(estimator, space, options.max_iter, device=bench.device)
    search.fit(X, y)
    counts = list(bench.client.run(noted_chunks).values())
    for worker, found in enumerate(counts):
        libraries = {library for _, library in found}
        most = max((n for n, _ in found), default=0)
        print(
            f"worker {worker}: {len(found)} chunks, each in {most} array(s) of "
            f"{' and '.join(sorted(libraries))}"
        )
    calls = search.metadata_["partial_fit_calls"]
    print(
        f"{calls} calls of {name} on chunks of {X.nbytes / options.chunks / 1e6:.1f} "
        f"MB: {sum(n for found in counts for n, _ in found)} arrays in all"
    )


def show_search(bench: Bench) -> None:
    options = bench.options
    X, y = make_data(bench.client, options, options.rows, bench.device)
    for note in ("first", "second"):  # the first pays for compiling
        search = hyperband(LeastSquares(), ALPHAS, options.max_iter)
        with KernelShare(bench.device) as share:
            found = timed(search, X, y, bench.n_workers)
        print(
            f"{note}: wall {found['wall']:.2f} s, bound of the search "
            f"{found['bound']:.2f} s, ratio {found['wall'] / found['bound']:.2f}"
        )
    print(
        f"workers train or score {found['busy']:.2f} of wall x workers (their own "
        f"clocks); a kernel runs {share} of the time (NVML)"
    )
    rows, width = X.shape[0] / options.chunks, X.shape[1]
    call = bench.bound(rows * width * 4, 2 * rows * width**2)
    calls = search.metadata_["partial_fit_calls"]
    scores = len(search.history_) * bench.bound(rows * width * 4)
    least = (calls * call + scores) / bench.n_workers
    print(
        f"{calls} calls of {1e3 * call:.3f} ms and {len(search.history_)} scores at "
        f"the device's limits: {least:.2f} s; wall is {found['wall'] / least:.1f} "
        "times that"
    )


def show_resident(bench: Bench) -> None:
    options = bench.options
    walls = {}
    for name, upload, device in (
        ("resident", "", bench.device),
        ("copied", bench.device, "cpu"),
    ):
        X, y = make_data(bench.client, options, options.rows, device)
        for _ in range(2):
            search = hyperband(LeastSquares(upload=upload), ALPHAS, options.max_iter)
            walls[name] = timed(search, X, y, bench.n_workers)["wall"]
    calls = search.metadata_["partial_fit_calls"] + len(search.history_)
    moved = calls * X.nbytes / options.chunks
    least = moved / bench.limits["upload"] / bench.n_workers
    print(
        f"resident {walls['resident']:.2f} s, copied at every call and score "
        f"{walls['copied']:.2f} s: {walls['copied'] / walls['resident']:.1f} times"
    )
    print(
        f"{moved / 1e9:.2f} GB copied, where all data is {X.nbytes / 1e9:.3f} GB; "
        f"{least:.2f} s at the limit"
    )


def show_fallback(bench: Bench) -> None:
    options = bench.options
    chosen = [entry for entry in FALLBACKS if bench.has("cuml") or not entry[4]]
    if len(chosen) < len(FALLBACKS):
        print("cuML is not installed: what needs it is left out")
    found: dict[str, list[tuple[float, float]]] = {name: [] for name, *_ in chosen}
    calls: dict[str, Any] = {}
    for device in (bench.device, "cpu"):
        with other_client(bench, device) as client:
            n_workers = sum(client.nthreads().values())
            data = make_data(client, options, options.fallback_rows)
            small = make_data(client, options, options.fallback_rows // 2)
            for name, estimator, space, resource, _ in chosen:
                for given in (small, data):  # the first pays for compiling
                    search = hyperband(
                        estimator, space, 9, resource=resource, device=device
                    )
                    wall = timed(search, *given, n_workers)["wall"]
                found[name].append((wall, float(search.best_score_)))
                calls[name] = search.metadata_
    print(f"{options.fallback_rows} rows; fallback on {n_workers} workers for the CPU")
    n_rows, size = options.fallback_rows, 4 * options.features
    for name, ((here, score), (there, expected)) in found.items():
        # Every row that is fitted is read once at the least.
        per_call = n_rows // options.chunks
        done = calls[name]
        rows = done.get("rows_fitted", done["partial_fit_calls"] * per_call)
        bound = bench.bound(rows * size) / bench.n_workers
        print(
            f"{name:24} {bench.device} {here:7.2f} s, fallback {there:7.2f} s: "
            f"{there / here:5.1f} times; scores {score:.4f} and {expected:.4f}; "
            f"reading {rows} rows {1e3 * bound:.2f} ms"
        )


@contextmanager
def other_client(bench: Bench, device: str) -> Iterator[Client]:
    """Lend the client of the bench, or one of workers for the CPU beside it."""
    if device == bench.device:
        yield bench.client
        return
    with (
        local_cluster(device="cpu") as cluster,
        Client(cluster, set_as_default=False) as client,
        client.as_current(),
    ):
        yield client


def show_cohort(bench: Bench) -> None:
    options = bench.options
    n, chunks = options.cohort, options.chunks
    n_rows = options.rows // 4
    X, y = make_data(bench.client, options, n_rows)
    blocks = list(zip(X.to_delayed().ravel(), y.to_delayed().ravel(), strict=True))
    host = [bench.client.compute(pair, sync=True) for pair in blocks]
    # As the search does it: one part in so many of each chunk validates.
    kept = len(host[0][0]) - len(host[0][0]) // chunks
    trained = [(X[:kept], y[:kept]) for X, y in host]
    rows, width = trained[0][0].shape
    X, y = make_data(bench.client, options, n_rows, bench.device)
    for name, estimator, space, library in (
        ("least squares", LeastSquares(), ALPHAS, None),
        ("naive Bayes", GaussianNB(), FALLBACKS[2][2], "cuml"),
    ):
        if library and not bench.has(library):
            print(f"{name}: left out, since {library} is not installed")
            continue
        for _ in range(2):
            search = SuccessiveHalvingSearchCV(
                estimator,
                space,
                n_initial_parameters=n,
                n_initial_iter=chunks,
                max_iter=chunks,
                random_state=0,
                device=bench.device,
            )
            found = timed(search, X, y, bench.n_workers)
        models = [_fresh(search.best_estimator_) for _ in range(n + 1)]
        job = bench.client.submit(
            loop, models, trained, host[-1], bench.device, pure=False
        )
        whole, one = job.result()
        share = found["wall"] * bench.n_workers / whole
        least = bench.bound(n * chunks * rows * width * 4)
        print(
            f"{name}: {n} models, {chunks} calls each: search {found['wall']:.2f} s "
            f"(in calls and scores {found['work']:.2f}), bare loop {whole:.2f} s on "
            f"one worker: wall x workers is {share:.2f} of the loop"
        )
        print(
            f"  a call {1e3 * one:.3f} ms; reading its rows "
            f"{1e3 * bench.bound(rows * width * 4):.3f} ms, for all {least:.3f} s"
        )


def _fresh(model: Any) -> Any:
    """Make a model like this one that has not been trained."""
    return type(model)(**model.get_params())


def show_stacks(bench: Bench) -> None:
    n = bench.options.stack
    for name in STACKS:
        job = bench.client.submit(
            stack_times, name, n, min(n, 8), bench.device, pure=False
        )
        found = job.result()
        memory = found["bytes"] / bench.limits["copy"]
        rate = found["operations"] / bench.limits["float32"]
        print(
            f"{name}: a call on {ROWS} rows takes {1e6 * found['stack']:.1f} us a "
            f"model in a stack of {n}, {1e6 * found['single']:.1f} us in a loop: "
            f"{found['single'] / found['stack']:.1f} times"
        )
        print(
            f"  bytes over bandwidth {1e6 * memory:.2f} us, operations over rate "
            f"{1e6 * rate:.2f} us: {found['stack'] / max(memory, rate):.1f} times "
            "the larger"
        )


def show_grid(bench: Bench) -> None:
    show_penalties(bench)
    if bench.has("cuml"):
        show_forests(bench)
    else:
        print("forests: left out, since cuML is not installed")


def show_penalties(bench: Bench) -> None:
    options = bench.options
    rows, width = options.grid_rows, options.features
    X, y = make_regression(
        rows, width, noise=30.0, random_state=0, chunks=-(-rows // options.chunks)
    )
    X, y = placed(bench.client, X, y.astype(np.float32), bench.device)
    measured = in_one_piece(bench, X, y)
    alphas = np.logspace(-3, 6, options.penalties)
    space = {"alpha": alphas}
    peer, expected = measured(through_the_host, Ridge(), space, FOLDS)
    for _ in range(2):  # the first pays for compiling
        least, scores = measured(ridge_paths, alphas, FOLDS, bench.device)
    found = [("factorisations alone", least, scores)]
    if bench.has("cuml"):
        kind = library_class(bench.device, "linear_model", "Ridge")
        models = [kind(alpha=float(alpha)) for alpha in alphas]
        one, scores = measured(one_by_one, models, FOLDS, bench.device)
        found.append(("one by one", one, scores))
        for _ in range(2):
            wall, search = grid_wall(GridSearchCV(kind(), space, cv=FOLDS), X, y)
        found.append(("search", wall, scores_of(search)))
    else:
        print("penalties: no search, since cuML is not installed")
    found.append(("scikit-learn", peer, expected))
    train, test = rows - rows // FOLDS, rows // FOLDS
    fold = bench.bound(
        rows * width * 4, 2 * train * width**2 + 2 * test * width * len(alphas)
    )
    # Once more for the best, on all rows.
    again = bench.bound(rows * width * 4, 2 * rows * width**2)
    bound = FOLDS * fold / min(bench.n_workers, FOLDS) + again
    print(
        f"{len(alphas)} penalties x {FOLDS} folds of {rows} rows with {width} columns: "
        f"{1e3 * bound:.2f} ms at the device's limits"
    )
    for name, seconds, scores in found:
        print(
            f"  {name:20} {seconds:8.3f} s, {seconds / bound:8.1f} times the bound, "
            f"1 / {peer / seconds:.1f} of scikit-learn; scores off by "
            f"{np.abs(scores - expected).max():.1e}"
        )


def show_forests(bench: Bench) -> None:
    options = bench.options
    X, y = make_data(bench.client, options, options.forest_rows, bench.device)
    measured = in_one_piece(bench, X, y)
    kind = library_class(bench.device, "ensemble", "RandomForestClassifier")
    forest = kind(n_estimators=TREES, random_state=0)
    grid = [
        {name: [value] for name, value in params.items()}
        for params in list(ParameterGrid(FORESTS))[: options.forests]
    ]
    given = {"scoring": "accuracy", "cv": FOLDS, "error_score": "raise"}
    grid_wall(GridSearchCV(forest, grid[:1], **given), X, y)  # pays for compiling
    wall, search = grid_wall(GridSearchCV(forest, grid, **given), X, y)
    peer, expected = measured(through_the_host, forest, grid, FOLDS, "accuracy")
    results = search.cv_results_
    times = results["mean_fit_time"] + results["mean_score_time"]
    work = FOLDS * times.sum()
    bound = max(work / bench.n_workers, times.max()) + search.refit_time_
    print(
        f"{len(grid)} forests of {TREES} trees x {FOLDS} folds of {X.shape[0]} rows: "
        f"{wall:.2f} s; its fits and scores take {work:.2f} s and the last fit "
        f"{search.refit_time_:.2f}, so the bound is {bound:.2f} s, ratio "
        f"{wall / bound:.2f}"
    )
    moved = len(grid) * FOLDS * X.nbytes
    print(
        f"  scikit-learn's search, from NumPy's memory, on one worker: {peer:.2f} s, "
        f"{peer / wall:.1f} times; it moves {moved / 1e9:.2f} GB to the device, "
        f"{moved / bench.limits['upload']:.2f} s at the limit"
    )
    difference = scores_of(search).mean(axis=1) - expected.mean(axis=1)
    print(f"  mean scores off by {np.abs(difference).max():.1e}")


def in_one_piece(bench: Bench, X: Any, y: Any) -> Callable[..., Any]:
    """What runs a function on a worker, with all rows as its first arguments."""
    whole = bench.client.compute([X, y])
    wait(whole)

    def measured(function: Callable[..., Any], *args: Any) -> Any:
        return bench.client.submit(function, *whole, *args, pure=False).result()

    return measured


def library_class(device: str, module: str, name: str) -> Any:
    """A class of cuML's, or of scikit-learn's on the CPU."""
    library = "cuml" if device == "cuda" else "sklearn"
    return getattr(importlib.import_module(f"{library}.{module}"), name)


def grid_wall(search: Any, X: Any, y: Any) -> tuple[float, Any]:
    """Seconds that a search takes, and the search."""
    began = perf_counter()
    search.fit(X, y)
    return perf_counter() - began, search


SECTIONS = {
    "limits": show_limits,
    "uploads": show_uploads,
    "search": show_search,
    "resident": show_resident,
    "fallback": show_fallback,
    "cohort": show_cohort,
    "stacks": show_stacks,
    "grid": show_grid,
}
# On GPUs, and where NumPy stands in.
SIZES = {
    "rows": (2_000_000, 40_000),
    "fallback_rows": (200_000, 10_000),
    "features": (64, 16),
    "chunks": (20, 20),
    "max_iter": (81, 9),
    "cohort": (64, 8),
    "stack": (256, 16),
    "grid_rows": (100_000, 4_000),
    "penalties": (100, 100),
    "forest_rows": (20_000, 1_000),
    "forests": (50, 4),
}


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    for name, (large, small) in SIZES.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=int,
            help=f"{large}, or {small} with --device cpu",
        )
    options = parser.parse_args()
    for name, sizes in SIZES.items():
        if getattr(options, name) is None:
            setattr(options, name, sizes[options.device == "cpu"])
    return options


def start_cluster(device: str) -> LocalCluster:
    """One worker per GPU or core; one in all where a library for that is missing."""
    needed = "dask_cuda", "cryptography"  # the latter for certificates
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if device == "cuda" and missing:
        print(f"no {' and '.join(missing)}: one worker, whatever there is of GPUs")
        return LocalCluster(
            n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        )
    return local_cluster(device=device)


def main() -> None:
    options = read_options()
    found = resolve_device(options.device)  # an error that says why, without a GPU
    print(f"{found.name}: {found.reason}")
    if found.name == "cpu":
        print("NO GPU IN THIS RUN: NumPy and scikit-learn stand in, on small data")
    with start_cluster(found.name) as cluster, Client(cluster) as client:
        size = (2**30, 8192) if found.name == "cuda" else (2**26, 1024)
        measured = client.submit(limits, found.name, *size).result()
        bench = Bench(client, found.name, options, measured)
        print(f"{bench.n_workers} worker(s)")
        for name in options.only:
            print(f"\n{name}")
            began = perf_counter()
            SECTIONS[name](bench)
            print(f"  ({perf_counter() - began:.1f} s)", flush=True)
    if found.name == "cpu":
        print("\nNO GPU IN THIS RUN: these figures say nothing of one")


if __name__ == "__main__":
    main()
