# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What it costs that the processes of our clusters talk by TLS.

Hyperband (81, 3) over `SGDClassifier` on 20 chunks, by turns on two clusters of
`local_cluster(2)`: one as it is, one without encryption. All in seconds, but the last:

wall    of `fit`, median and quartiles
cpu     of this process and the workers during `fit`, the same
start   from the call of `local_cluster` until both workers have joined
memory  MiB that the workers have for themselves in the end (USS)

Aim: 1.02 for each ratio of the two.

    python benchmarks/encryption.py --times 20
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from contextlib import ExitStack

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np
import psutil
from distributed import Client
from scipy.stats import loguniform
from sklearn.linear_model import SGDClassifier

from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import HyperbandSearchCV

OPTIONS = {"TLS": {}, "TCP": {"security": None, "protocol": "tcp"}}


def cpu_seconds(workers: list[psutil.Process]) -> float:
    """Return the CPU time that this process and the workers have used."""
    times = [process.cpu_times() for process in (psutil.Process(), *workers)]
    return sum(each.user + each.system for each in times)


def search(rows: int) -> HyperbandSearchCV:
    """Return a search, and give it its data when it is called."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20 * rows, 20))
    y = (X[:, 0] + 0.5 * rng.standard_normal(len(X)) > 0).astype(int)
    return HyperbandSearchCV(
        SGDClassifier(),
        {"alpha": loguniform(1e-6, 1e-1)},
        max_iter=81,
        random_state=0,
        chunk_size=rows,
    ).fit(X, y)


def shown(values: list[float]) -> str:
    """Return the median and the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--rows", type=int, default=1000, help="of a chunk")
    args = parser.parse_args()
    walls: dict[str, list[float]] = {name: [] for name in OPTIONS}
    cpus: dict[str, list[float]] = {name: [] for name in OPTIONS}
    with ExitStack() as stack:
        clients, workers, starts = {}, {}, {}
        for name, options in OPTIONS.items():
            begin = time.perf_counter()
            cluster = local_cluster(2, device="cpu", **options)
            client = Client(stack.enter_context(cluster), set_as_default=False)
            clients[name] = stack.enter_context(client)
            client.wait_for_workers(2)
            starts[name] = time.perf_counter() - begin
            pids = client.run(os.getpid).values()
            workers[name] = [psutil.Process(pid) for pid in pids]
        scores = set()
        for i in range(args.times + 1):
            for name, client in clients.items():
                with client.as_current():
                    cpu, begin = cpu_seconds(workers[name]), time.perf_counter()
                    found = search(args.rows)
                    wall = time.perf_counter() - begin
                if i:  # the first warms up
                    walls[name].append(wall)
                    cpus[name].append(cpu_seconds(workers[name]) - cpu)
                scores.add(found.best_score_)
        if len(scores) > 1:
            sys.exit("encryption changed the answer")
        for name in OPTIONS:
            memory = sum(p.memory_full_info().uss for p in workers[name]) / 2**20
            print(
                f"{name}: wall {shown(walls[name])}, cpu {shown(cpus[name])}, "
                f"start {starts[name]:.2f}, memory {memory:.0f}"
            )
    for what, values in (("wall", walls), ("cpu", cpus)):
        ratio = statistics.median(values["TLS"]) / statistics.median(values["TCP"])
        print(f"TLS / TCP, {what}: {ratio:.3f}")


if __name__ == "__main__":
    main()
