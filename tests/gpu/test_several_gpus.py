# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches on two or more GPUs; skipped, saying why, where there are fewer."""

import pytest

from tests.gpu.helpers import CASES, CHUNK, N_ROWS, Watcher, make_search

pytestmark = pytest.mark.mgpu


def bus_id():
    """Which card this worker computes on."""
    import cupy as cp

    return cp.cuda.Device().pci_bus_id


def test_workers_have_a_gpu_each(cuda_client):
    """There are two workers or more, each on a GPU of its own."""
    cards = cuda_client.run(bus_id)
    assert len(cards) >= 2
    assert len(set(cards.values())) == len(cards)


@pytest.mark.parametrize("blocks", [False, True])
def test_every_gpu_is_used_and_gets_a_chunk_once(cuda_client, data, blocks):
    """Workers train on one array per chunk, also if another one made it."""
    import cupy as cp
    import dask.array as da

    X, y = data
    if blocks:
        X, y = (
            da.from_array(part, chunks=(CHUNK, *part.shape[1:])).map_blocks(cp.asarray)
            for part in data
        )
    case = CASES["SGD"]
    watcher = Watcher(cuda_client, case.trained)
    make_search("Hyperband", case.make(), case.space, device="cuda").fit(X, y)
    watcher.check()
    found = watcher.arrays_per_chunk()
    assert len(found) >= 2
    for counts in found:
        assert len(counts) <= N_ROWS // CHUNK
        assert set(counts.values()) == {1}


def test_models_of_every_library_use_several_gpus(cuda_client, data, case):
    """Not one GPU only trains, whatever the library, and on device data."""
    watcher = Watcher(cuda_client, case.trained)
    search = make_search(
        "Hyperband", case.make(), case.space, resource=case.resource, device="cuda"
    ).fit(*data)
    watcher.check()
    assert search.device_.n_gpus >= 2
    assert sum(n > 0 for n in watcher.n_trained()) >= 2


def test_one_gpu_and_two_give_the_same_scores(cuda_client, data):
    """The number of GPUs changes when a search ends, not what it finds."""
    from distributed import Client

    from gpu_hpo.compute import local_cluster

    case = CASES["SGD"]
    found = []
    for n_workers in (1, 2):
        with (
            local_cluster(n_workers, device="cuda") as cluster,
            Client(cluster, set_as_default=False) as client,
            client.as_current(),
        ):
            search = make_search("Hyperband", case.make(), case.space, device="cuda")
            found.append(search.fit(*data))
    one, two = found
    assert one.best_params_ == two.best_params_
    assert list(one.cv_results_["test_score"]) == list(two.cv_results_["test_score"])
