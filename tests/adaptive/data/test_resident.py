# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Chunks on workers."""

import asyncio
import os
import signal
import time
import uuid

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from distributed.worker_state_machine import RemoveReplicasEvent

from gpu_hpo.adaptive.data._resident import ResidentData
from gpu_hpo.adaptive.data._splitting import Splitting
from gpu_hpo.compute._worker_facts import WorkerFacts
from gpu_hpo.data._blocks import as_blocks

SEED = np.random.SeedSequence(0)


@pytest.fixture
def make(processes_client):
    """Load data on two workers; what was loaded is released after the test."""
    client = processes_client
    workers = {
        address: WorkerFacts(1, 1e9) for address in client.scheduler_info()["workers"]
    }
    made = []

    def load(X, y=None, chunk_size=None, *, memory=1e9, **options):
        options = {"seed": SEED, "classify": y is not None} | options
        blocks = as_blocks(X, y, chunk_size=chunk_size)
        test_size = options.pop("test_size", min(0.2, 1 / len(blocks.blocks)))
        options.setdefault(
            "splitting", Splitting(test_size, stratify=options["classify"])
        )
        data = ResidentData(
            client,
            blocks,
            name=f"test-{uuid.uuid4().hex}",
            **options,
        )
        facts = {name: WorkerFacts(1, memory) for name in workers}
        client.sync(data.load, facts)
        data.workers = list(workers)
        made.append(data)
        return data

    yield load
    for data in made:
        data.release()


def rows(n, n_features=2):
    """X whose first column numbers the rows, and y."""
    X = np.random.default_rng(0).standard_normal((n, n_features))
    X[:, 0] = np.arange(n)
    return X, np.arange(n) % 2


def numbers(chunk):
    return np.asarray(chunk["X"])[:, 0].astype(int).tolist()


def fetch(client, futures):
    return client.gather(futures)


def train_chunks(client, data):
    """All train chunks, by number, as one worker gets them."""
    order = data.calls_order(data.n_chunks)
    packs, plan = data.train(data.workers[0], 0, data.n_chunks)
    packs = fetch(client, packs)
    by_call = [packs[pack][position] for pack, position in plan]
    return [chunk for _, chunk in sorted(zip(order, by_call, strict=True), key=_first)]


def _first(pair):
    return pair[0]


def validation(client, data):
    parts = fetch(client, data.validation(data.workers[0], (0, data.n_parts)))
    return [chunk for part in parts for chunk in part]


FORMS = {
    "numpy": lambda X, y: (X, y),
    "dask": lambda X, y: (da.from_array(X, chunks=(50, 2)), da.from_array(y, 50)),
    "frame": lambda X, y: (
        dd.from_pandas(pd.DataFrame(X), chunksize=50),
        dd.from_pandas(pd.Series(y), chunksize=50),
    ),
}


@pytest.mark.parametrize("form", list(FORMS))
def test_one_split_for_all(processes_client, make, form):
    """Each row trains or validates, a share of every block, whatever held it."""
    X, y = rows(200)
    data = make(*FORMS[form](X, y), chunk_size=50)
    assert data.n_chunks == 4
    assert data.n_rows == (160, 40)
    assert data.labels.tolist() == [0, 1]
    chunks = train_chunks(processes_client, data)
    parts = validation(processes_client, data)
    assert [len(numbers(chunk)) for chunk in chunks] == [40] * 4
    for i, chunk in enumerate(chunks):
        assert {row // 50 for row in numbers(chunk)} == {i}
        np.testing.assert_array_equal(np.asarray(chunk["y"]), y[numbers(chunk)])
        assert np.bincount(np.asarray(chunk["y"])).tolist() == [20, 20]
    trained = [row for chunk in chunks for row in numbers(chunk)]
    held_out = [row for part in parts for row in numbers(part)]
    assert sorted(trained + held_out) == list(range(200))


def test_split_does_not_depend_on_the_form(processes_client, make):
    """The same rows validate, whatever holds them and whoever asks."""
    X, y = rows(200)
    held_out = [
        sorted(
            row
            for part in validation(processes_client, make(*form(X, y), chunk_size=50))
            for row in numbers(part)
        )
        for form in FORMS.values()
    ]
    assert held_out[0] == held_out[1] == held_out[2]
    other = make(X, y, chunk_size=50, seed=np.random.SeedSequence(1))
    rows_of_other = [r for p in validation(processes_client, other) for r in numbers(p)]
    assert sorted(rows_of_other) != held_out[0]


@pytest.mark.parametrize("lazy", [False, True])
def test_validation_in_parts(processes_client, make, lazy):
    """Validation parts are about as large as a chunk, and come as asked for."""
    X, y = rows(400)
    given = FORMS["dask"](X, y) if lazy else (X, y)
    data = make(*given, chunk_size=50, test_size=0.5)
    assert data.n_parts == 4
    worker = data.workers[0]
    every = validation(processes_client, data)
    assert [len(numbers(part)) for part in every] == [50] * 4
    (one,) = fetch(processes_client, data.validation(worker, (2, 3)))
    assert numbers(one[0]) == numbers(every[2])
    assert data.validation(worker, (0, 0)) == []


def test_order(make):
    """Calls go through one permutation of the chunks after another, for all alike."""
    X, y = rows(200)
    data = make(X, y, chunk_size=20)
    order = data.calls_order(30)
    epochs = [order[i : i + 10] for i in (0, 10, 20)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert data.calls_order(7) == order[:7]
    again = make(X, y, chunk_size=20)
    assert again.calls_order(30) == order
    other = make(X, y, chunk_size=20, seed=np.random.SeedSequence(1))
    assert other.calls_order(30) != order


def test_train_gives_what_calls_need(processes_client, make):
    """The plan says for each call which pack and which chunk, each pack once."""
    X, y = rows(200)
    data = make(*FORMS["dask"](X, y))
    order = data.calls_order(9)
    for start, stop in ((0, 1), (0, 9), (3, 8), (5, 5)):
        packs, plan = data.train(data.workers[1], start, stop)
        assert len(plan) == stop - start
        assert len({pack.key for pack in packs}) == len(packs) <= 4
        chunks = fetch(processes_client, packs)
        found = [numbers(chunks[pack][at])[0] // 50 for pack, at in plan]
        assert found == order[start:stop]


def test_small_chunks_share_a_pack(make):
    """Chunks that are small move together, so that they cost no message each."""
    X, y = rows(200)
    data = make(X, y, chunk_size=10)
    packs, plan = data.train(data.workers[0], 0, 20)
    assert len(packs) == 1
    assert sorted(position for _, position in plan) == list(range(20))


def test_packs_have_a_limit(make, configure):
    """A pack takes chunks up to its limit, and packs are spread over workers."""
    configure({"memory.message-size": 1_000})
    X, y = rows(200)
    data = make(X, y, chunk_size=50)
    packs, _ = data.train(data.workers[0], 0, 4)
    # A chunk has 40 rows of 24 bytes: two reach the limit.
    assert len(packs) == 2
    assert {item.home for item in data._packs} == set(data.workers)


@pytest.mark.parametrize("lazy", [False, True])
def test_each_chunk_goes_to_a_worker_once(
    processes_client, make, lazy, monkeypatch, configure
):
    """However often it is asked for, a worker adopts a chunk at most once."""
    configure({"memory.message-size": 1})
    X, y = rows(200)
    data = make(*(FORMS["dask"](X, y) if lazy else (X, y)), chunk_size=50)
    submitted = []
    submit = processes_client.submit

    def note(function, *args, **options):
        submitted.append(options["key"])
        return submit(function, *args, **options)

    monkeypatch.setattr(processes_client, "submit", note)
    for _ in range(3):
        for worker in data.workers:
            packs, _ = data.train(worker, 0, 12)
            assert len(packs) == 4
            fetch(processes_client, packs)
            fetch(processes_client, data.validation(worker, (0, data.n_parts)))
    assert len(submitted) == len(set(submitted))
    # Each of 4 packs and 1 part is at home on one of the two workers.
    assert len(submitted) == data.n_chunks + data.n_parts
    for future in data._copies.futures.values():
        where = processes_client.who_has([future])[future.key]
        assert len(where) >= 1


def test_adopted_where_it_is_needed(processes_client, make, configure):
    """What a worker adopts is kept on that worker."""
    configure({"memory.message-size": 1})
    data = make(*rows(200), chunk_size=50)
    for worker in data.workers:
        packs, _ = data.train(worker, 0, 4)
        fetch(processes_client, packs)
    # What was sent to a worker may be dropped there if another has a copy.
    assert {worker for worker, _ in data._copies.futures} == set(data.workers)
    for (worker, _), pack in data._copies.futures.items():
        assert worker in processes_client.who_has([pack])[pack.key]


def _drop_replicas(keys, dask_worker):
    """Do what Dask asks of a worker some seconds after it has copied data."""
    dask_worker.handle_stimulus(RemoveReplicasEvent(keys=keys, stimulus_id="test"))


@pytest.mark.parametrize("adopted", [True, False])
def test_lost_with_its_worker(mortal_client, monkeypatch, configure, adopted):
    """What a lost worker had is taken from those that adopted it, or sent again."""
    configure({"memory.message-size": 1})
    client = mortal_client
    pids = client.run(os.getpid)
    stays, goes = pids
    X, y = rows(200)
    data = ResidentData(
        client,
        as_blocks(X, y, chunk_size=50),
        name=f"test-{uuid.uuid4().hex}",
        splitting=Splitting(0.2, stratify=True),
        seed=SEED,
        classify=True,
    )
    client.sync(data.load, {name: WorkerFacts(1, 1e9) for name in pids})
    n_there = sum(item.home == goes for item in (*data._packs, *data._parts))
    assert n_there
    if adopted:
        fetch(client, data.train(stays, 0, 4)[0])
        fetch(client, data.validation(stays, (0, data.n_parts)))
        originals = [
            i.future.key for i in (*data._packs, *data._parts) if i.home == goes
        ]
        client.run(_drop_replicas, originals, workers=[stays])
        while any(len(at) > 1 for at in client.who_has(originals).values()):
            time.sleep(0.05)
    data.workers = [stays]
    sent = []
    send = data._loader.send

    async def note(item, *others):
        sent.append(item)
        await send(item, *others)

    monkeypatch.setattr(data._loader, "send", note)
    os.kill(pids[goes], signal.SIGKILL)
    while goes in client.nthreads():
        time.sleep(0.05)
    data.forget_worker(goes)
    assert client.sync(data.restore, [stays])
    assert len(sent) == (0 if adopted else n_there)
    assert not client.sync(data.restore, [stays])
    trained = sorted(
        row for chunk in train_chunks(client, data) for row in numbers(chunk)
    )
    held_out = [row for part in validation(client, data) for row in numbers(part)]
    assert sorted(trained + held_out) == list(range(200))
    data.release()


def test_large_data_is_not_adopted(processes_client, make):
    """Data that would fill a worker's memory is fetched when needed, not kept."""
    X, y = rows(2000)
    small = make(X, y, chunk_size=100, memory=1e9)
    assert small.resident
    assert not small.windowed
    assert small.parts_per_task == small.n_parts
    data = make(*FORMS["dask"](X, y), memory=2 * X.nbytes, test_size=0.5)
    assert not data.resident
    assert data.windowed
    packs, _ = data.train(data.workers[0], 0, 40)
    assert data._copies.futures == {}
    assert len(packs) == 40
    # A task holds a tenth of the memory at most: four or five chunks of 25 rows.
    budget = 0.1 * 2 * X.nbytes
    for start in (0, 7, 39):
        stop = data.window(start)
        held = set(data.calls_order(stop)[start:])
        assert stop > start
        assert len(held) * 25 * 24 <= budget
    assert 1 <= data.parts_per_task < data.n_parts


def test_window_gives_at_least_one_call(make):
    """A task may always make one call, however large its chunk is."""
    data = make(*FORMS["dask"](*rows(200)), memory=10)
    assert [data.window(start) for start in (0, 1, 5)] == [1, 2, 6]
    assert data.parts_per_task == 1


def test_empty_partitions(processes_client, make):
    """Partitions without rows are passed over."""
    X, y = rows(200)
    lazy_X, lazy_y = FORMS["dask"](X, y)
    keep = (lazy_X[:, 0] < 50) | (lazy_X[:, 0] >= 100)
    data = make(lazy_X[keep], lazy_y[keep], test_size=0.2)
    assert data.n_chunks == 3
    assert data.n_rows == (120, 30)
    starts = {numbers(chunk)[0] // 50 for chunk in train_chunks(processes_client, data)}
    assert starts == {0, 2, 3}


def test_parts_of_empty_partitions(processes_client, make):
    """A validation part to which no row came is left out."""
    X, y = rows(400)
    lazy_X, lazy_y = FORMS["dask"](X, y)
    keep = lazy_X[:, 0] < 100
    data = make(lazy_X[keep], lazy_y[keep], test_size=0.5)
    assert data.n_chunks == 2
    assert data.n_parts == 1
    assert sum(len(numbers(p)) for p in validation(processes_client, data)) == 50


def test_rows_of_one(processes_client, make):
    """Blocks of one row train; if there are only such, nothing is left to validate."""
    X, y = rows(20)
    chunks = ((1, 9, 1, 9),)
    data = make(
        da.from_array(X, chunks=(*chunks, (2,))), da.from_array(y, chunks=chunks)
    )
    assert data.n_chunks == 4
    assert data.n_rows[1] == 4
    with pytest.raises(ValueError, match="no rows are left to validate on: 20 chunks"):
        make(X, y, chunk_size=1)


def test_errors_of_blocks(make):
    """X and y that turn out to differ on the workers are an error."""
    X, y = FORMS["frame"](*rows(200))
    with pytest.raises(ValueError, match="a block of X has 50 and that of y has 25"):
        make(X, y[y == 1])


def test_release(processes_client, make):
    """After release nothing stays on the workers."""
    data = make(*rows(200), chunk_size=50)
    for worker in data.workers:
        fetch(processes_client, data.train(worker, 0, 4)[0])
    data.release()

    def left():
        return [
            key
            for keys in processes_client.has_what().values()
            for key in keys
            if str(key).startswith(data._name)
        ]

    for _ in range(100):
        if not left():
            break
        processes_client.sync(asyncio.sleep, 0.05)
    assert left() == []
