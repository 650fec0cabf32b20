# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Data larger than the memory of the workers."""

import os

import dask.array as da
import pytest
from distributed import LocalCluster
from sklearn.linear_model import SGDClassifier

from tests.compute.helpers import current, make_search, remains

MEMORY = 400 * 2**20  # of one worker; scikit-learn and Dask alone take 200 MiB of it
CHUNK = 16 * 2**20


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_data_larger_than_memory(tmp_path):
    """Data twice the workers' memory limit is searched on, and no worker dies."""
    n_features = 64
    rows = CHUNK // 8 // n_features
    n_chunks = 2 * 2 * MEMORY // CHUNK
    X = da.random.default_rng(0).standard_normal(
        (n_chunks * rows, n_features), chunks=(rows, n_features)
    )
    y = (X[:, 0] > 0).astype(int)
    assert X.nbytes >= 2 * 2 * MEMORY
    cluster = LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        memory_limit=MEMORY,
        dashboard_address=None,
        local_directory=str(tmp_path),
    )
    with current(cluster) as client:
        before = client.run(os.getpid)
        search = make_search(SGDClassifier(max_iter=1), max_iter=3).fit(X, y)
        assert client.run(os.getpid) == before
        assert not remains(client)
    assert search.best_score_ > 0.9
    assert search.metadata_["partial_fit_calls"] == search.metadata["partial_fit_calls"]
