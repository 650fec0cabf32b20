# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The peer of `memory.py`: the same search by dask-ml, one JSON line.

Runs with an interpreter that has dask-ml and not gpu_hpo.
"""

from __future__ import annotations

import argparse
import json
import warnings

from _memory_data import N_WORKERS, lazy, size_of
from _sampler import sampled
from _workload import estimator, space


def main():
    from dask_ml.model_selection import HyperbandSearchCV
    from distributed import Client, LocalCluster

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=80)
    parser.add_argument("--max-iter", type=int, default=81)
    args = parser.parse_args()
    warnings.simplefilter("ignore")

    def search(max_iter):
        return HyperbandSearchCV(
            estimator(), space(), max_iter=max_iter, random_state=0
        )

    cluster = LocalCluster(
        n_workers=N_WORKERS,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=50,
    )
    client = Client(cluster)
    search(3).fit(*lazy(10**6), classes=[0, 1])
    X, y = lazy(args.megabytes * 10**6)
    seconds, found, died = sampled(
        client, lambda: search(args.max_iter).fit(X, y, classes=[0, 1])
    )
    row = {"n_bytes": size_of(X, y), "seconds": seconds, "found": found, "died": died}
    print(json.dumps(row), flush=True)
    client.close()
    cluster.close()


if __name__ == "__main__":
    main()
