# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The peer of `pipeline.py`: the same search by dask-ml, one JSON line.

Runs with an interpreter that has dask-ml and not gpu_hpo.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings

from _pipeline_data import FOLDS, N_WORKERS, documents, text


def main():
    from dask_ml.model_selection import GridSearchCV
    from distributed import Client, LocalCluster

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, required=True)
    parser.add_argument("--few", type=int, required=True, help="to warm up with")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = documents(args.documents)
    cluster = LocalCluster(
        n_workers=N_WORKERS,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=50,
    )
    client = Client(cluster)
    client.wait_for_workers(N_WORKERS)
    search = GridSearchCV(*text(), cv=FOLDS, scheduler=client)
    search.fit(X[: args.few], y[: args.few])
    began = time.perf_counter()
    search.fit(X, y)
    wall = time.perf_counter() - began
    means = list(search.cv_results_["mean_test_score"])
    print(json.dumps({"wall": wall, "means": means}), flush=True)
    client.close()
    cluster.close()


if __name__ == "__main__":
    main()
