# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How often stacks and searches launch, wait and copy on a GPU, counted without one.

Needs the environment of `make test-rapids`, and runs on CuPy over host memory:

    PYTHONPATH=tests/emulated/startup .venvs/rapids/bin/python benchmarks/launches.py

Counted is what the host asks of the device: kernels and calls of libraries, filled
memory included; waits; copies to and from it. Then what a call costs the host on an
H100, by arithmetic: 6 us for a launch by CuPy or Numba, 9 us for a small copy, 5 us for
a wait beyond what it waits for. Those are round figures for a current processor, not
measured by us; the kernels' own time is in `kernels.py`.
"""

import argparse
from contextlib import nullcontext

import numpy as np
from distributed import Client, LocalCluster

from gpu_hpo.linear_model import SGDClassifier, SGDRegressor
from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.neural_network import MLPClassifier, MLPRegressor

LAUNCH, COPY, WAIT = 6, 9, 5  # microseconds of the host
N_ROWS, N_FEATURES = 200, 12
SIZES = 1, 16, 256
CASES = {
    "SGDClassifier, 2 classes": (
        lambda i: SGDClassifier(loss="log_loss", random_state=0, batch_size=32),
        2,
    ),
    "SGDClassifier, 3 classes": (
        lambda i: SGDClassifier(random_state=0, batch_size=32),
        3,
    ),
    "SGDRegressor, averaged": (
        lambda i: SGDRegressor(random_state=0, average=True),
        0,
    ),
    "MLPClassifier, Adam": (lambda i: MLPClassifier((8,), random_state=0), 2),
    "MLPRegressor, SGD": (
        lambda i: MLPRegressor(hidden_layer_sizes=(8,), solver="sgd", random_state=0),
        0,
    ),
}


def promise():
    """What a search promises of its chunks; older versions had no such thing."""
    try:
        from gpu_hpo.devices._kept import unchanged_arrays
    except ImportError:
        return nullcontext()
    return unchanged_arrays("a search")


def counted(call):
    """Launches, waits, copies to and from the device while something is called."""
    from tests.emulated.cuda_on_host import counting

    with counting() as counts:
        call()
    return [
        len(counts.of(*kinds))
        for kinds in (("launch", "fill"), ("wait",), ("upload",), ("download",))
    ]


def cost(launches, waits, uploads, downloads):
    return launches * LAUNCH + waits * WAIT + (uploads + downloads) * COPY


def stacks():
    """Calls of stacks: the first, a later one, and predictions."""
    import cupy as cp

    rng = np.random.default_rng(0)
    X = cp.asarray(rng.standard_normal((N_ROWS, N_FEATURES)).astype(np.float32))
    for name, (make, n_classes) in CASES.items():
        y, options = cp.asarray(rng.standard_normal(N_ROWS)), {}
        if n_classes:
            y = cp.asarray(rng.integers(0, n_classes, N_ROWS))
            options["classes"] = np.arange(n_classes)
        for n_models in SIZES:
            stack = type(make(0)).stack([make(i) for i in range(n_models)])
            with promise():
                # What is known of the rows is not this stack's.
                stack.take([0]).partial_fit(X, y, **options)
                yield (
                    name,
                    n_models,
                    "first call",
                    counted(lambda s=stack, y=y, o=options: s.partial_fit(X, y, **o)),
                )
                yield (
                    name,
                    n_models,
                    "later call",
                    counted(lambda s=stack, y=y: s.partial_fit(X, y)),
                )
                yield name, n_models, "predict", counted(lambda s=stack: s.predict(X))


def searches():
    """A Hyperband search in this process, of rows on the host."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4000, 16)).astype(np.float32)
    y = (X[:, 0] + rng.standard_normal(4000) > 0).astype(np.int64)
    options = {"max_iter": 9, "random_state": 0, "chunk_size": 200, "device": "cuda"}
    cluster = LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster, Client(cluster):
        for estimator in (
            SGDClassifier(loss="log_loss", batch_size=32, random_state=0),
            MLPClassifier((8,), batch_size=50, random_state=0),
        ):
            for scoring in (None, "neg_log_loss"):
                search = HyperbandSearchCV(
                    estimator,
                    {"alpha": np.logspace(-5, -1, 50)},
                    scoring=scoring,
                    **options,
                )
                found = counted(lambda s=search: s.fit(X, y))
                name = f"Hyperband, {type(estimator).__name__}, {scoring or 'score'}"
                yield name, search.metadata_["partial_fit_calls"], "search", found


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--no-searches", action="store_true")
    args = parser.parse_args()
    header = "launches", "waits", "up", "down", "host us"
    print(f"{'what':38} {'models':>6} {'':10} " + " ".join(f"{h:>8}" for h in header))
    kinds = [stacks] if args.no_searches else [stacks, searches]
    for kind in kinds:
        for name, n_models, what, found in kind():
            row = " ".join(f"{n:8}" for n in (*found, cost(*found)))
            print(f"{name:38} {n_models:6} {what:10} {row}", flush=True)


if __name__ == "__main__":
    main()
