# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a stack of models costs, beside a loop of single ones and scikit-learn.

One call of `partial_fit` on a chunk: of the guide's experiment (8,361 x 6, four
classes) for its five shapes of networks and some of its batch sizes; of 8,361 x 64, two
classes, for linear models. scikit-learn's call is measured in the same run, with one
BLAS thread. Columns give the time of one mini-batch of one model in microseconds, and
how many times less that is than scikit-learn's for the same rows, for stacks of so many
models; `loop` is a loop over single ones of ours, stacks of one. scikit-learn's linear
models take one row at a time, so theirs is the time of so many rows.

Aims, at 256: on a CPU 20 times scikit-learn for networks and 5 times a loop for linear
models; on a GPU (`--device cuda`) 100 times a loop, and within twice the larger of
bytes over bandwidth and operations over rate, both measured here and printed.

    python benchmarks/stacks.py
    python benchmarks/stacks.py --dtype float32 --models networks
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn import linear_model as their_linear
from sklearn import neural_network as their_networks

from gpu_hpo import linear_model as our_linear
from gpu_hpo import neural_network as our_networks

ROWS = 8_361
SHAPES = [(24,), (12, 12), (6,) * 4, (4,) * 6, (12, 6, 3, 3)]
BATCHES = [32, 128, 512]
LINEAR = [
    {"loss": "log_loss"},
    {"loss": "hinge"},
    {"loss": "log_loss", "penalty": "elasticnet", "average": True},
]
LINEAR_BATCHES = [1, 32, 256]
SIZES = [1, 16, 64, 256]


@dataclass
class Case:
    """One row of a table.

    Attributes
    ----------
    name : str
    ours, theirs : callable
        Make a model.
    batch : int
    n_features, n_classes : int
    operations : int
        Of one mini-batch of one model, at the least.
    """

    name: str
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    batch: int
    n_features: int
    n_classes: int
    operations: int


def networks() -> Iterator[Case]:
    """Networks of the guide's experiment."""

    def make(module, shape, batch):
        return lambda: module.MLPClassifier(
            shape,
            solver="sgd",
            batch_size=batch,
            random_state=0,
            learning_rate_init=1e-3,
        )

    for shape in SHAPES:
        units = [6, *shape, 4]
        n_weights = sum((a + 1) * b for a, b in pairwise(units))
        inner = sum((a + 1) * b for a, b in pairwise(units[1:]))
        for batch in BATCHES:
            yield Case(
                "-".join(map(str, shape)),
                make(our_networks, shape, batch),
                make(their_networks, shape, batch),
                batch,
                6,
                4,
                2 * batch * (2 * n_weights + inner),
            )


def linear() -> Iterator[Case]:
    """Linear models."""
    for options in LINEAR:
        for batch in LINEAR_BATCHES:
            yield Case(
                ", ".join(map(str, options.values())).replace("True", "averaged"),
                lambda options=options, batch=batch: our_linear.SGDClassifier(
                    **options, batch_size=batch, random_state=0
                ),
                lambda options=options: their_linear.SGDClassifier(
                    **options, random_state=0
                ),
                batch,
                64,
                2,
                4 * batch * 64,
            )


def seconds(call, wait, repeat=3):
    """Median time of a call, whatever it has begun on a device included."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        call()
        wait()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def device_limits(xp, wait, dtype):
    """Bytes a second of a copy, and operations a second of a matrix product."""
    a = xp.ones(2**26, dtype)
    copy = seconds(lambda: a.copy(), wait)
    b = xp.ones((4096, 4096), dtype)
    product = seconds(lambda: b @ b, wait)
    return 2 * a.nbytes / copy, 2 * 4096**3 / product


def compare(case: Case, xp, wait, dtype: str, limits) -> tuple[float, float]:
    """Measure and print one row; how many times faster than their model and a loop."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, case.n_features)).astype(dtype)
    y = rng.integers(0, case.n_classes, ROWS)
    given = xp.asarray(X), xp.asarray(y)
    classes = np.arange(case.n_classes)
    steps = -(-ROWS // case.batch)
    peer = case.theirs().partial_fit(X, y, classes=classes)
    reference = seconds(lambda: peer.partial_fit(X, y), wait)
    single = case.ours().partial_fit(*given, classes=classes)
    loop = seconds(lambda: single.partial_fit(*given), wait)
    cells = []
    for n in SIZES:
        models = [case.ours() for _ in range(n)]
        stack = type(models[0]).stack(models)
        stack.partial_fit(*given, classes=classes)
        took = seconds(lambda one=stack: one.partial_fit(*given), wait) / n
        cells.append(f"{1e6 * took / steps:11.2f} ({reference / took:5.1f})")
    print(
        f"{case.name:>30} {case.batch:5} {1e6 * reference / steps:12.1f}"
        + "".join(f"{cell:>20}" for cell in cells)
        + f"{1e6 * loop / steps:14.2f}",
        flush=True,
    )
    if limits is not None:
        # Weights, velocities and gradients stay near if they fit; rows are read once.
        moved = case.batch * (case.n_features + 1) * X.itemsize
        bound = max(moved / limits[0], case.operations / limits[1])
        print(f"{'':36} {took / steps / bound:.0f} times the bound at {n}")
    return reference / took, loop / took


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument(
        "--models",
        nargs="+",
        choices=("networks", "linear"),
        default=("networks", "linear"),
    )
    args = parser.parse_args()
    xp, wait, limits = np, lambda: None, None
    if args.device == "cuda":
        import cupy

        xp, wait = cupy, cupy.cuda.Device().synchronize
        limits = device_limits(xp, wait, args.dtype)
        print(
            f"copy {limits[0] / 1e9:.0f} GB/s, "
            f"matrix product {limits[1] / 1e9:.0f} GF/s"
        )
    heads = "".join(f"{f'stack of {n}':>20}" for n in SIZES)
    for family in args.models:
        print(f"\n{family}, {args.dtype}, {args.device}: us per mini-batch and model")
        print(f"{'':>30} {'batch':>5} {'scikit-learn':>12}{heads}{'loop':>14}")
        cases = {"networks": networks, "linear": linear}[family]()
        ratios = [compare(case, xp, wait, args.dtype, limits) for case in cases]
        columns = zip(*ratios, strict=True)
        for name, values in zip(("scikit-learn", "a loop"), columns, strict=True):
            low, mid, high = min(values), statistics.median(values), max(values)
            print(
                f"stack of {SIZES[-1]} over {name}: {low:.1f} to {high:.1f}, "
                f"median {mid:.1f}"
            )


if __name__ == "__main__":
    main()
