# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The peer of `overhead.py`: the same search by dask-ml, one JSON line a repetition.

Runs with an interpreter that has dask-ml and not gpu_hpo. The data is a Dask array that
is on the workers before the clock starts, as dask-ml's guide advises.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings

import numpy as np
from _workload import (
    AGGRESSIVENESS,
    MAX_ITER,
    N_CHUNKS,
    N_FEATURES,
    N_WORKERS,
    TwoProcesses,
    cpu_seconds,
    data,
    estimator,
    replay,
    space,
)


def main():
    import dask.array as da
    from dask_ml.model_selection import HyperbandSearchCV
    from distributed import Client, LocalCluster, wait
    from sklearn.base import clone

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    warnings.simplefilter("ignore")

    began = time.perf_counter()
    cluster = LocalCluster(
        n_workers=N_WORKERS,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=40,
    )
    client = Client(cluster)
    client.wait_for_workers(N_WORKERS)
    print(json.dumps({"start": time.perf_counter() - began}), flush=True)

    pids = {os.getpid(), *client.run(os.getpid).values()}
    X, y = data(args.rows)
    lazy = (
        da.from_array(X, (args.rows, N_FEATURES)).persist(),
        da.from_array(y, args.rows).persist(),
    )
    wait(lazy)
    # dask-ml's default: 1 / (number of chunks) of each chunk validates.
    held = args.rows // N_CHUNKS
    blocks = [slice(i * args.rows, (i + 1) * args.rows) for i in range(N_CHUNKS)]
    chunks = [(X[b][held:], y[b][held:]) for b in blocks]
    validation = tuple(np.concatenate([v[b][:held] for b in blocks]) for v in (X, y))
    order = [i % N_CHUNKS for i in range(MAX_ITER)]

    with TwoProcesses() as pair:
        for _ in range(args.repeat):
            search = HyperbandSearchCV(
                estimator(),
                space(),
                max_iter=MAX_ITER,
                aggressiveness=AGGRESSIVENESS,
                random_state=0,
            )
            used = cpu_seconds(pids)
            began = time.perf_counter()
            search.fit(*lazy, classes=[0, 1])
            wall = time.perf_counter() - began
            used = cpu_seconds(pids) - used

            def prepared(search=search):
                jobs = [
                    (
                        clone(estimator()).set_params(**entries[0]["params"]),
                        [entry["partial_fit_calls"] for entry in entries],
                    )
                    for entries in search.model_history_.values()
                ]
                return jobs, chunks, order, validation, np.array([0, 1])

            bare, bare_used, _ = replay(*prepared())
            two = pair.seconds(*prepared())
            print(
                json.dumps(
                    {
                        "wall": wall,
                        "bare/2": bare / N_WORKERS,
                        "bare 2p": two,
                        "ratio": wall / (bare / N_WORKERS),
                        "ratio 2p": wall / two,
                        "cpu": used / bare_used,
                    }
                ),
                flush=True,
            )
    client.close()
    cluster.close()


if __name__ == "__main__":
    main()
