# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A search works with every kind of Dask client, from everywhere, and with none."""

import asyncio
import importlib.util
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import dask
import dask.array as da
import pytest
from distributed import Client, Worker, get_worker
from sklearn.linear_model import SGDClassifier

from gpu_hpo.compute import embedded_client, local_cluster
from gpu_hpo.exceptions import ClientClosedError
from tests.compute.helpers import answer, current, make_data, make_search, remains


@pytest.fixture(scope="module")
def data():
    return make_data()


@pytest.fixture(scope="module")
def expected(data):
    """Answer with one worker of one thread."""
    with current(local_cluster(1, processes=False)):
        return answer(make_search().fit(*data))


def fit_here():
    """What a user submits as a task."""
    return make_search().fit(*make_data())


# ---- the client at hand ----


def test_synchronous_client(data, expected, processes_client):
    """With the usual client, `fit` returns the search when it is done."""
    search = make_search()
    assert search.fit(*data) is search
    assert answer(search) == expected
    assert not remains(processes_client)


def test_default_client_is_used(data, expected):
    """The client that a user opened last is used without being passed."""
    with local_cluster(1, processes=False) as cluster, Client(cluster) as client:
        search = make_search(NamesItsWorker()).fit(*data)
        (address,) = client.nthreads()
    assert answer(search) == expected
    assert search.best_estimator_.worker_ == address


class NamesItsWorker(SGDClassifier):
    """Notes where it was trained."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.worker_ = get_worker().address
        return super().partial_fit(X, y, classes, sample_weight)


def test_asynchronous_client(data, expected):
    """With an asynchronous client, `fit` is awaited; the rest is as usual."""

    async def run():
        async with Client(
            asynchronous=True, processes=False, dashboard_address=None
        ) as client:
            search = make_search()
            assert await search.fit(*data) is search
            end = time.monotonic() + 5
            while any((held := await client.has_what()).values()):
                assert time.monotonic() < end, held
                await asyncio.sleep(0.05)
            return search

    search = asyncio.run(run())
    assert answer(search) == expected
    assert search.predict(data[0]).shape == data[1].shape
    assert search.score(*data) > 0.7


def test_asynchronous_client_and_dask_array(data):
    """An asynchronous client searches on a Dask array, and predicts lazily."""
    X = da.from_array(data[0], chunks=(200, -1))
    y = da.from_array(data[1], chunks=200)

    async def run():
        async with Client(
            asynchronous=True, processes=False, dashboard_address=None
        ) as client:
            search = await make_search().fit(X, y)
            return search, await client.compute(search.predict(X))

    search, predicted = asyncio.run(run())
    assert (predicted == search.best_estimator_.predict(data[0])).all()


def test_asynchronous_errors_come_when_awaited(data):
    """What goes wrong on an asynchronous client is raised where `fit` is awaited."""

    async def run():
        async with Client(asynchronous=True, processes=False, dashboard_address=None):
            with pytest.raises(ValueError, match="one class"):
                await make_search().fit(data[0], 0 * data[1])

    asyncio.run(run())


@pytest.mark.parametrize("processes", [True, False])
def test_from_a_task_on_a_single_thread(expected, processes):
    """A search inside a task does not wait for the thread that it is running on."""
    with current(local_cluster(1, processes=processes)) as client:
        search = client.submit(fit_here).result(timeout=60)
        assert not remains(client)
    assert answer(search) == expected


def test_closed_client(data):
    """A client that was closed is an error that says so, before any training."""
    with local_cluster(1, processes=False) as cluster:
        client = Client(cluster, set_as_default=False)
        client.close()
        with (
            client.as_current(),
            pytest.raises(ClientClosedError, match=r"active client .* is closed"),
        ):
            make_search().fit(*data)


def test_client_that_a_worker_left_behind(data, expected, threads_client):
    """What a worker in this process used for its tasks is not taken for a default."""
    del threads_client  # while there is another such worker, Dask closes none of them

    def here():
        with (
            local_cluster(1, processes=False) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            client.submit(fit_here).result(timeout=60)
        try:
            return answer(make_search().fit(*data))
        finally:
            for left in [c for c in Worker._initialized_clients if _is_lost(c)]:
                left.close()

    with ThreadPoolExecutor(1) as pool:  # where no client is current
        assert pool.submit(here).result(timeout=120) == expected


def _is_lost(client):
    return client.status not in ("running", "closed")


# ---- several searches ----


def test_two_searches_in_threads(data, expected, processes_client):
    """Searches that share a client give the answers that they give alone."""
    barrier = threading.Barrier(2)

    def run(seed):
        with processes_client.as_current():  # holds for one thread only
            barrier.wait(10)
            return make_search(random_state=seed).fit(*data)

    with ThreadPoolExecutor(2) as pool:
        zero, one = pool.map(run, range(2))
    assert answer(zero) == expected
    assert answer(one) == answer(make_search(random_state=1).fit(*data))
    assert not remains(processes_client)


def test_two_searches_on_an_event_loop(data, expected):
    """Searches that an asynchronous client runs side by side do not mix."""

    async def run():
        async with Client(asynchronous=True, processes=False, dashboard_address=None):
            fits = [make_search(random_state=seed).fit(*data) for seed in (0, 1, 0)]
            return await asyncio.gather(*fits)

    zero, one, again = map(answer, asyncio.run(run()))
    assert zero == again == expected
    assert one != expected


def test_two_searches_from_tasks(expected, threads_client):
    """Searches in two tasks of one worker run side by side."""
    futures = [threads_client.submit(fit_here, pure=False) for _ in range(2)]
    for search in threads_client.gather(futures):
        assert answer(search) == expected


def test_clients_of_tasks_beside_closed_ones(expected, monkeypatch):
    """Searches that start in several threads of one worker do not trip over its client.

    Each takes what is left of closed clients away before it finds its own.
    """

    class SlowToForget(dict):
        def __delitem__(self, key):
            time.sleep(0.05)
            super().__delitem__(key)

    with local_cluster(1, processes=False, threads_per_worker=4) as cluster:
        closed = Client(cluster, set_as_default=False)
        closed.close()
        with Client(cluster, set_as_default=False) as client:
            left = SlowToForget(dict.fromkeys(range(5), closed))
            monkeypatch.setattr("distributed.client._global_clients", left)
            futures = [client.submit(fit_here, pure=False) for _ in range(4)]
            searches = client.gather(futures)
        monkeypatch.undo()
    assert [answer(search) for search in searches] == [expected] * 4


def test_a_search_beside_other_work(data, expected, threads_client):
    """What else the cluster has to do is done as well."""
    others = threads_client.map(lambda i: i + 1, range(50))
    assert answer(make_search().fit(*data)) == expected
    assert threads_client.gather(others) == list(range(1, 51))


def test_two_first_searches_in_threads(data, expected):
    """Two threads that need a cluster of our own at once share one."""
    with ThreadPoolExecutor(2) as pool:
        clients = list(pool.map(lambda _: embedded_client(), range(2)))
        searches = list(pool.map(lambda _: make_search().fit(*data), range(2)))
    assert clients[0] is clients[1]
    assert [answer(search) for search in searches] == [expected] * 2


# ---- what broke dask-ml ----


@pytest.fixture
def no_dask_compute(monkeypatch):
    """Makes the functions raise that must not be called on an event loop."""

    def forbidden(*args, **kwargs):
        raise AssertionError("dask.persist or dask.compute was called")

    for module in (dask, dask.base):
        for name in ("persist", "compute"):
            monkeypatch.setattr(module, name, forbidden)


@pytest.mark.parametrize("kind", ["sync", "async", "task"])
def test_never_persists_or_computes(data, no_dask_compute, kind):
    """No search calls dask.persist or dask.compute, also with Dask arrays."""
    X = da.from_array(data[0], chunks=(200, -1))
    y = da.from_array(data[1], chunks=200)

    async def run():
        async with Client(asynchronous=True, processes=False, dashboard_address=None):
            return await make_search().fit(X, y)

    if kind == "async":
        search = asyncio.run(run())
    else:
        with current(local_cluster(1, processes=False)) as client:
            if kind == "sync":
                search = make_search().fit(X, y)
            else:
                future = client.submit(make_search().fit, X, y)
                search = future.result(timeout=60)
    assert search.best_score_ > 0.7


# ---- scripts and notebooks ----


SCRIPT = """
    import numpy as np
    from scipy.stats import loguniform
    from sklearn.linear_model import SGDClassifier
    from gpu_hpo.model_selection import HyperbandSearchCV
    {more}
    print("starts", flush=True)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 3))
    y = (X[:, 0] > 0).astype(int)
    search = HyperbandSearchCV(
        {name}(), {{"alpha": loguniform(1e-5, 1e1)}}, max_iter=4, random_state=0,
        chunk_size=100, aggressiveness=2,
    ).fit(X, y)
    print(search.best_score_ > 0.8, type(search.best_estimator_).__name__)
"""

OWN = """class Own(SGDClassifier):
        def partial_fit(self, X, y, classes=None, sample_weight=None):
            return super().partial_fit(X, y, classes, sample_weight)
"""

BESIDE = """
    from sklearn.linear_model import SGDClassifier

    class Own(SGDClassifier):
        pass
"""


@pytest.mark.parametrize(
    ("more", "name", "files"),
    [(OWN, "Own", {}), ("from beside import Own", "Own", {"beside": BESIDE})],
    ids=["own_class", "module_beside"],
)
def test_script_without_a_guard(run_script, more, name, files):
    """A script needs no client and no `if __name__ == "__main__"`, and runs once."""
    script = run_script(SCRIPT.format(more=more, name=name), **files)
    assert script.end().split() == ["starts", "True", name]


LATE = """
    import os, sys
    search.fit(X, y)
    os.mkdir("late")
    with open("late/latecomer.py", "w") as file:
        file.write("from sklearn.linear_model import SGDClassifier\\n")
        file.write("class Late(SGDClassifier):\\n    pass\\n")
    sys.path.insert(0, os.path.abspath("late"))
    from latecomer import Late
    search.set_params(estimator=Late()).fit(X, y)
    print(type(search.best_estimator_).__name__)
    from gpu_hpo.compute import embedded_client
    client = embedded_client()
    client.restart()
    search.fit(X, y)
    print(type(search.best_estimator_).__name__)
"""


def test_module_that_is_found_late(run_script):
    """Kept workers import from where the script has learned to; they start silently."""
    script = run_script(SCRIPT.format(more="", name="SGDClassifier") + LATE)
    said = ["starts", "True", "SGDClassifier", "Late", "Late"]
    assert script.end().split() == said
    script.errors.seek(0)
    assert "INFO" not in script.errors.read()


LAST = """
    import numpy as np
    from distributed import Client, LocalCluster
    from scipy.stats import loguniform
    from sklearn.linear_model import SGDClassifier
    from gpu_hpo.model_selection import HyperbandSearchCV

    if __name__ == "__main__":
        client = Client(LocalCluster(2, dashboard_address=None))
        rng = np.random.default_rng(0)
        X = rng.standard_normal((6000, 3))
        HyperbandSearchCV(
            SGDClassifier(), {"alpha": loguniform(1e-5, 1e1)}, max_iter=9
        ).fit(X, (X[:, 0] > 0).astype(int))
"""


def test_script_that_ends_with_fit(run_script):
    """After fit nothing of a search is left that could be reported as lost."""
    script = run_script(LAST)
    script.end()
    script.errors.seek(0)
    assert " lose " not in script.errors.read()


def test_notebook(tmp_path, monkeypatch):
    """In a notebook, whose cells run on an event loop, `fit` needs nothing else."""
    for name in ("nbclient", "nbformat", "ipykernel"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    import nbformat
    from nbclient import NotebookClient

    cells = [
        SCRIPT.format(more="", name="SGDClassifier").replace("\n    ", "\n"),
        "from distributed import Client\n"
        "client = Client(n_workers=1, processes=False, dashboard_address=None)\n"
        "print(search.fit(X, y) is search)\n"
        "client.close()",
        "async with Client(asynchronous=True, processes=False,\n"
        "                  dashboard_address=None):\n"
        "    print(await search.fit(X, y) is search)",
    ]
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    NotebookClient(
        book, timeout=60, resources={"metadata": {"path": tmp_path}}
    ).execute()
    printed = [
        "".join(out.text for out in cell.outputs if out.get("name") == "stdout").split()
        for cell in book.cells
    ]
    assert printed == [["starts", "True", "SGDClassifier"], ["True"], ["True"]]


def test_pickled_search_of_a_task_is_usable(expected, processes_client):
    """A search that was fitted in a task comes back whole."""
    search = processes_client.submit(fit_here).result(timeout=60)
    X, y = make_data()
    assert isinstance(search.best_estimator_, SGDClassifier)
    assert search.score(X, y) > 0.7
    assert answer(search) == expected
