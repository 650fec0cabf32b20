# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a stack of networks costs, beside a loop of single ones and scikit-learn.

One call of `partial_fit` on a chunk of the guide's experiment (8,361 x 6, four
classes) for its five shapes and some of its batch sizes; scikit-learn's call is
measured in the same run, with one BLAS thread. Columns give the time of one mini-batch
of one network in microseconds, and how many times less that is than scikit-learn's, for
stacks of so many networks; `loop` is a loop over single ones of ours, stacks of one.

Aims: 20 times scikit-learn at 256 on a CPU; on a GPU (`--device cuda`) 100 times a loop
at 256, and within twice the larger of bytes over bandwidth and operations over rate,
both measured here and printed.

    python benchmarks/stacks.py
    python benchmarks/stacks.py --dtype float32
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import statistics
import time
from itertools import pairwise

import numpy as np
from sklearn import neural_network as theirs

from gpu_hpo import neural_network as ours

ROWS, FEATURES, CLASSES = 8_361, 6, 4
SHAPES = [(24,), (12, 12), (6,) * 4, (4,) * 6, (12, 6, 3, 3)]
BATCHES = [32, 128, 512]
SIZES = [1, 16, 64, 256]


def seconds(call, wait, repeat=3):
    """Median time of a call, whatever it has begun on a device included."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        call()
        wait()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def network(module, shape, batch):
    return module.MLPClassifier(
        shape, solver="sgd", batch_size=batch, random_state=0, learning_rate_init=1e-3
    )


def work(shape, batch, itemsize):
    """Operations and bytes of one mini-batch of one network, at the least."""
    units = [FEATURES, *shape, CLASSES]
    n_weights = sum((a + 1) * b for a, b in pairwise(units))
    inner = sum((a + 1) * b for a, b in pairwise(units[1:]))
    operations = 2 * batch * (2 * n_weights + inner)
    # Weights, velocities and gradients stay near if they fit; rows are read once.
    return operations, batch * (FEATURES + 1 + CLASSES) * itemsize


def device_limits(xp, wait, dtype):
    """Bytes a second of a copy, and operations a second of a matrix product."""
    a = xp.ones(2**26, dtype)
    copy = seconds(lambda: a.copy(), wait)
    b = xp.ones((4096, 4096), dtype)
    product = seconds(lambda: b @ b, wait)
    return 2 * a.nbytes / copy, 2 * 4096**3 / product


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    args = parser.parse_args()
    xp, wait = np, lambda: None
    if args.device == "cuda":
        import cupy

        xp, wait = cupy, cupy.cuda.Device().synchronize
        rate = device_limits(xp, wait, args.dtype)
        print(f"copy {rate[0] / 1e9:.0f} GB/s, matrix product {rate[1] / 1e9:.0f} GF/s")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, FEATURES)).astype(args.dtype)
    y = rng.integers(0, CLASSES, ROWS)
    given = xp.asarray(X), xp.asarray(y)
    classes = np.arange(CLASSES)
    heads = "".join(f"{f'stack of {n}':>20}" for n in SIZES)
    print(f"{args.dtype}, {args.device}; us per mini-batch and network (times less)")
    print(f"{'layers':>20} {'batch':>5} {'scikit-learn':>12}{heads}{'loop':>14}")
    ratios = []
    for shape in SHAPES:
        for batch in BATCHES:
            steps = -(-ROWS // batch)
            peer = network(theirs, shape, batch).partial_fit(X, y, classes=classes)
            reference = seconds(lambda model=peer: model.partial_fit(X, y), wait)
            single = network(ours, shape, batch).partial_fit(*given, classes=classes)
            loop = seconds(lambda model=single: model.partial_fit(*given), wait)
            cells = []
            for n in SIZES:
                models = [network(ours, shape, batch) for _ in range(n)]
                stack = ours.MLPClassifier.stack(models)
                stack.partial_fit(*given, classes=classes)
                took = seconds(lambda one=stack: one.partial_fit(*given), wait) / n
                cells.append(f"{1e6 * took / steps:11.1f} ({reference / took:5.1f})")
            ratios.append((reference / took, loop / took))
            print(
                f"{'-'.join(map(str, shape)):>20} {batch:5} "
                f"{1e6 * reference / steps:12.0f}"
                + "".join(f"{cell:>20}" for cell in cells)
                + f"{1e6 * loop / steps:14.1f}",
                flush=True,
            )
            if args.device == "cuda":
                operations, moved = work(shape, batch, X.itemsize)
                bound = max(moved / rate[0], operations / rate[1])
                print(f"{'':26} {took / steps / bound:.0f} times the bound at {n}")
    columns = zip(*ratios, strict=True)
    for name, values in zip(("scikit-learn", "loop"), columns, strict=True):
        low, mid, high = min(values), statistics.median(values), max(values)
        print(f"stack of {n} over {name}: {low:.1f} to {high:.1f}, median {mid:.1f}")


if __name__ == "__main__":
    main()
