# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What `hyperband_mlp.py` runs under an interpreter that has dask-ml."""

import json
import os
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import dask.array as da
from _circles import AGGRESSIVENESS, CHUNK, N_PARAMS, circles, space
from dask.distributed import Client
from dask_ml.model_selection import HyperbandSearchCV
from sklearn.neural_network import MLPClassifier

if __name__ == "__main__":
    X, _, y, _ = circles()
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None):
        given = da.from_array(X, (CHUNK, -1)), da.from_array(y, CHUNK)
        model = MLPClassifier(solver="sgd", activation="relu", random_state=0)
        search = HyperbandSearchCV(
            model,
            space(),
            max_iter=N_PARAMS,
            aggressiveness=AGGRESSIVENESS,
            random_state=0,
        )
        began = time.perf_counter()
        search.fit(*given, classes=[0, 1, 2, 3])
        wall = time.perf_counter() - began
    score, calls = float(search.best_score_), search.metadata_["partial_fit_calls"]
    kept = "model_id", "partial_fit_calls", "score"
    # In order of time since each bracket began; they all begin together.
    history = [{name: record[name] for name in kept} for record in search.history_]
    print(
        json.dumps({"wall": wall, "score": score, "calls": calls, "history": history})
    )
