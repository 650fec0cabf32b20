# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Hyperband on a GPU: how near to the bound the wall time is, and what a CPU takes.

Data is made on the host, goes to the workers as CuPy chunks, and a least-squares
classifier written in CuPy trains on it by running sums, so that what is measured is
the search, not a library's model. Beside it, in the same run: the copy bandwidth of
the device and the same search on the CPU with NumPy. Needs CuPy, dask-cuda and a GPU.

Printed: wall time over
``max(work / workers, longest model)`` (aim 1.15), wall time over that of the CPU.
"""

from __future__ import annotations

import argparse
from time import perf_counter
from typing import Any

import numpy as np
from distributed import Client
from sklearn.base import BaseEstimator, ClassifierMixin

from gpu_hpo.devices import array_namespace, resolve_device
from gpu_hpo.execution import local_cluster
from gpu_hpo.model_selection import HyperbandSearchCV


class RunningLeastSquares(ClassifierMixin, BaseEstimator):
    """Least squares on -1 and 1, on the device of the data."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Any:
        xp = array_namespace(X)
        if classes is not None:
            self.classes_ = np.asarray(classes)
            self.gram_ = xp.eye(X.shape[1], dtype=X.dtype) * self.alpha
            self.moment_ = xp.zeros(X.shape[1], dtype=X.dtype)
        self.gram_ = self.gram_ + X.T @ X
        self.moment_ = self.moment_ + X.T @ (2 * y.astype(X.dtype) - 1)
        return self

    def predict(self, X: Any) -> Any:
        xp = array_namespace(X)
        return (X @ xp.linalg.solve(self.gram_, self.moment_) > 0).astype(xp.int64)


def search(
    client: Client, X: Any, y: Any, chunk: int, max_iter: int
) -> dict[str, float]:
    """Run one search; wall time and bound."""
    model = HyperbandSearchCV(
        RunningLeastSquares(),
        {"alpha": np.logspace(-3, 3, 1000)},
        max_iter=max_iter,
        random_state=0,
        chunk_size=chunk,
    )
    began = perf_counter()
    model.fit(X, y)
    wall = perf_counter() - began
    times = [
        sum(entry["partial_fit_time"] + entry["score_time"] for entry in history)
        for history in model.model_history_.values()
    ]
    workers = sum(client.nthreads().values())
    return {"wall": wall, "bound": max(sum(times) / workers, max(times))}


def copy_bandwidth() -> float:
    """Bytes per second that the device copies within its memory."""
    import cupy as cp

    source = cp.zeros(2**28, dtype=cp.uint8)
    target = cp.empty_like(source)
    target[...] = source
    cp.cuda.Device().synchronize()
    began = perf_counter()
    for _ in range(10):
        target[...] = source
    cp.cuda.Device().synchronize()
    return 2 * 10 * source.nbytes / (perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--chunks", type=int, default=20)
    parser.add_argument("--max-iter", type=int, default=81)
    options = parser.parse_args()
    device = resolve_device("cuda")  # an error that says why, where there is no GPU
    print(f"{device.n_gpus} GPU(s): {device.reason}")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((options.rows, options.features), dtype=np.float32)
    y = (X @ rng.standard_normal(options.features, dtype=np.float32) > 0).astype(
        np.int64
    )
    chunk = options.rows // options.chunks
    results = {}
    for name in ("cpu", "cuda"):
        with local_cluster(device=name) as cluster, Client(cluster) as client:
            if name == "cuda":
                import cupy as cp

                bandwidth = client.submit(copy_bandwidth).result()
                print(f"device copies {bandwidth / 1e9:.0f} GB/s")
                X, y = cp.asarray(X), cp.asarray(y)
            for _ in range(2):  # the first pays for compiling kernels
                results[name] = search(client, X, y, chunk, options.max_iter)
        row = results[name]
        print(
            f"{name}: wall {row['wall']:.2f} s, bound {row['bound']:.2f} s, "
            f"ratio {row['wall'] / row['bound']:.2f}"
        )
    print(
        f"cpu wall / cuda wall {results['cpu']['wall'] / results['cuda']['wall']:.2f}"
    )


if __name__ == "__main__":
    main()
