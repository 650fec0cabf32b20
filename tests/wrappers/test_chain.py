# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The chain of tasks that an `Incremental` is trained by, wherever it runs."""

import contextlib
import pickle

import dask
import dask.array as da
import numpy as np
import pytest
from distributed import Client
from sklearn.linear_model import SGDClassifier

from gpu_hpo.compute import local_cluster
from gpu_hpo.wrappers import Incremental, _chain
from tests.wrappers.helpers import (
    LEDGER,
    N_FEATURES,
    Deadly,
    FailsLater,
    FailsOnce,
    File,
    Slow,
    block_order,
    make_data,
    read_block,
    trained,
)

SIZE = 50  # rows of a block


def cut(*arrays):
    return [da.from_array(a, chunks=(SIZE, *a.shape[1:])) for a in arrays]


def sgd():
    return SGDClassifier(random_state=0)


@pytest.fixture(params=["threads", "sync", "cluster"])
def scheduler(request):
    """Each of Dask's schedulers."""
    if request.param == "cluster":
        request.getfixturevalue("processes_client")
        yield
        return
    with dask.config.set(scheduler=request.param):
        yield


def test_any_scheduler(scheduler):
    """What comes out is the same on all of Dask's schedulers."""
    X, y = make_data()
    model = Incremental(sgd(), random_state=3).fit(*cut(X, y))
    expected = trained(sgd(), X, y, SIZE, block_order(8, 3))
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert model.t_ == expected.t_


# ---- memory ----


def delayed_blocks(n_blocks):
    read = dask.delayed(read_block)
    shape = SIZE, N_FEATURES
    return da.concatenate(
        [da.from_delayed(read(i), shape, dtype=float) for i in range(n_blocks)]
    )


def overlapping_blocks(n_blocks):
    rows = delayed_blocks(n_blocks)
    return rows.rechunk(((SIZE // 2, *[SIZE] * (n_blocks - 1), SIZE // 2), N_FEATURES))


@pytest.mark.parametrize("where", ["threads", "cluster"])
@pytest.mark.parametrize(
    "make",
    [
        delayed_blocks,
        lambda n: delayed_blocks(n)[:, 1:] * 2,
        lambda n: da.from_array(File(n * SIZE), chunks=(SIZE, N_FEATURES)),
    ],
)
def test_few_blocks_are_in_memory(request, where, make):
    """Blocks are read once each, and no more than a few before they train the model."""
    if where == "cluster":
        request.getfixturevalue("threads_client")
    X, y = make(30), make_data(30 * SIZE)[1]
    LEDGER.clear()
    alone = {} if where == "cluster" else {"scheduler": "threads"}
    with dask.config.set(num_workers=4, **alone):
        Incremental(Slow(), random_state=0).fit(X, y)
    assert LEDGER.read == LEDGER.trained == 30
    assert LEDGER.most <= _chain.AHEAD + 1


def test_what_blocks_share_is_computed_once():
    """What all blocks depend on is computed once, though it reads them all."""
    X, y = delayed_blocks(10), make_data(10 * SIZE)[1]
    LEDGER.clear()
    Incremental(Slow(), shuffle_blocks=False).fit(X - X.mean(axis=0), y)
    assert LEDGER.read <= 2 * 10  # once for the mean; its blocks may be let go
    LEDGER.clear()
    Incremental(Slow(), shuffle_blocks=False).fit(
        overlapping_blocks(10),
        da.from_array(np.resize([0, 1], 500), chunks=50).rechunk(
            ((25, *[50] * 9, 25),)
        ),
    )
    assert LEDGER.read == 10


def test_data_on_the_cluster(processes_client):
    """Data that a cluster holds is trained on there."""
    X, y = make_data()
    lazy = [array.persist() for array in cut(X, y)]
    expected = trained(sgd(), X, y, SIZE, block_order(8, 3))
    model = Incremental(sgd(), random_state=3).fit(*lazy)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    blocks = [dask.delayed(X[i : i + SIZE]).persist() for i in range(0, len(X), SIZE)]
    shape = SIZE, N_FEATURES
    of_futures = [da.from_delayed(block, shape, X.dtype) for block in blocks]
    for derived in (lazy[0] * 1.0, da.concatenate(of_futures)):
        again = Incremental(sgd(), random_state=3).fit(derived, lazy[1])
        np.testing.assert_array_equal(again.coef_, expected.coef_)
    assert model.score(*lazy) == expected.score(X, y)


def test_repeated_task(threads_client):
    """A task that is repeated trains what the first was given, not what it left."""
    X, y = make_data()
    FailsOnce.failed = False
    with dask.annotate(retries=2):
        model = Incremental(FailsOnce(random_state=0), shuffle_blocks=False)
        model.fit(*cut(X, y), classes=[0, 1])
    assert FailsOnce.failed
    expected = trained(sgd(), X, y, SIZE, range(8))
    np.testing.assert_array_equal(model.coef_, expected.coef_)


def _stay_dead(dask_worker):
    dask_worker.auto_restart = False


def test_killed_worker(tmp_path):
    """When the worker that has the model dies, what comes out is the same."""
    X, y = make_data()
    with (
        local_cluster(2, device="cpu") as cluster,
        Client(cluster, set_as_default=False) as client,
        client.as_current(),
    ):
        client.run(_stay_dead, nanny=True)  # or the cluster's end waits for it
        flag = tmp_path / "died"
        model = Incremental(Deadly(str(flag), random_state=0), random_state=3)
        model.fit(*cut(X, y), classes=[0, 1])
        assert flag.exists()
    expected = trained(sgd(), X, y, SIZE, block_order(8, 3))
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert model.t_ == expected.t_


def test_failing_call_leaves_the_model(threads_client):
    """A call that fails says why, and the model stays what it was."""
    X, y = make_data()
    for local in (True, False):
        context = (
            dask.config.set(scheduler="threads")
            if local
            else (contextlib.nullcontext())
        )
        with context:
            model = Incremental(FailsLater(random_state=0), shuffle_blocks=False)
            model.fit(*cut(X[:100], y[:100]))
            before = pickle.dumps(model.estimator_)
            with pytest.raises(OSError, match="the disk is full"):
                model.partial_fit(*cut(X, y))
            assert pickle.dumps(model.estimator_) == before
