# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Every search can be awaited on an asynchronous client, and is the same search."""

import asyncio
import functools
import threading
import time

import dask.array as da
import numpy as np
import pytest
from distributed import Client
from sklearn import config_context, get_config
from sklearn.linear_model import SGDClassifier

from gpu_hpo.compute import local_cluster
from gpu_hpo.exceptions import ClientClosedError
from tests.compute.every_search import ADAPTIVE, EVERY, answer, make_search
from tests.compute.helpers import current, make_data

DATA = make_data(600)
every = pytest.mark.parametrize("name", EVERY)
exhaustive = pytest.mark.parametrize("name", [n for n in EVERY if n not in ADAPTIVE])


@functools.cache
def expected(name):
    """Answer of a search on a client that waits."""
    with current(local_cluster(1, device="cpu", processes=False)):
        return answer(make_search(name).fit(*DATA))


def on_client(run, **options):
    """Give what a coroutine returns, which is called with an asynchronous client."""

    async def within():
        async with Client(
            asynchronous=True, processes=False, dashboard_address=None, **options
        ) as client:
            return await run(client)

    return asyncio.run(within())


async def gone(client):
    """Wait until workers hold nothing."""
    end = time.monotonic() + 5
    while any((held := await client.has_what()).values()):
        assert time.monotonic() < end, held
        await asyncio.sleep(0.05)


@every
def test_fit_is_awaited(name):
    """`await search.fit(X, y)` gives the search; all that is found is as ever."""

    async def run(client):
        search = make_search(name)
        assert await search.fit(*DATA) is search
        await gone(client)
        return search

    search = on_client(run)
    assert answer(search) == expected(name)
    assert search.predict(DATA[0]).shape == DATA[1].shape
    assert search.score(*DATA) > 0.7


@every
def test_dask_arrays(name):
    """Dask's arrays are searched on, and predictions for them are lazy."""
    X = da.from_array(DATA[0], chunks=(200, -1))
    y = da.from_array(DATA[1], chunks=200)

    async def run(client):
        search = await make_search(name).fit(X, y)
        return search, await client.compute(search.predict(X))

    search, predicted = on_client(run)
    assert (predicted == search.best_estimator_.predict(DATA[0])).all()


@every
def test_the_event_loop_runs_on(name):
    """While a search is awaited, other coroutines have their turn."""

    async def run(client):
        fit = asyncio.ensure_future(make_search(name).fit(*DATA))
        ticks = 0
        while not fit.done():
            await asyncio.sleep(0.005)
            ticks += 1
        await fit
        return ticks

    assert on_client(run) > 5


@every
def test_errors_come_when_awaited(name):
    """What goes wrong on the cluster is raised where `fit` is awaited."""

    async def run(client):
        fit = make_search(name).fit(DATA[0], 0 * DATA[1])
        with pytest.raises(ValueError, match=r"one class|number of classes"):
            await fit

    on_client(run)


@every
def test_arguments_are_refused_at_once(name):
    """Arguments that make no sense are refused where `fit` is called."""

    async def run(client):
        with pytest.raises(ValueError, match=r"device.* 'gpu' instead"):
            make_search(name, device="gpu").fit(*DATA)

    on_client(run)


@every
def test_side_by_side(name):
    """Searches that run at the same time do not mix."""

    async def run(client):
        fits = [make_search(name).fit(*DATA) for _ in range(3)]
        return await asyncio.gather(*fits)

    assert [answer(search) for search in on_client(run)] == [expected(name)] * 3


def test_all_at_once():
    """Searches of all classes share a client."""

    async def run(client):
        fits = [make_search(name).fit(*DATA) for name in EVERY]
        return await asyncio.gather(*fits)

    found = on_client(run)
    assert [answer(search) for search in found] == [expected(n) for n in EVERY]


class Sees(SGDClassifier):
    """Scores by one of scikit-learn's settings, where it is scored."""

    def score(self, X, y, sample_weight=None):
        return float(get_config()["working_memory"])


@every
def test_settings_are_those_of_the_call(name):
    """Models see scikit-learn's settings as they were where `fit` was called."""

    async def run(client):
        with config_context(working_memory=777):
            fit = make_search(name, Sees(random_state=0)).fit(*DATA)
        return await fit

    assert on_client(run).best_score_ == 777


# ---- of an exhaustive search, which waits in a thread ----


@exhaustive
@pytest.mark.parametrize("by", ["client", "get"])
def test_client_as_scheduler(name, by):
    """A client that is no default is awaited, too, if it is the scheduler."""

    async def run(client):
        scheduler = client if by == "client" else client.get
        return await make_search(name, scheduler=scheduler).fit(*DATA)

    assert answer(on_client(run, set_as_default=False)) == expected(name)


@exhaustive
@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_other_schedulers_are_not_awaited(name, scheduler):
    """What does not run on the client is done when `fit` returns."""

    async def run(client):
        search = make_search(name, scheduler=scheduler)
        assert search.fit(*DATA) is search
        return search

    assert answer(on_client(run)) == expected(name)


class Slow(SGDClassifier):
    """Lets the second half of the fits wait for the test."""

    started, goes_on = threading.Event(), threading.Event()

    @classmethod
    def reset(cls):
        cls.started.clear()
        cls.goes_on.clear()

    def fit(self, X, y):
        if self.alpha >= 1:
            self.started.set()
            self.goes_on.wait(10)
        return super().fit(X, y)


@exhaustive
def test_cancelled(name):
    """A search that nobody awaits any more ends, and keeps what it has found."""
    Slow.reset()
    space = {"alpha": [1e-4, 1e-3, 1.0, 2.0]}

    async def run(client):
        search = make_search(name, Slow(random_state=0), space, cv=2, n_jobs=1)
        fit = asyncio.ensure_future(search.fit(*DATA))
        await asyncio.to_thread(Slow.started.wait, 10)
        await asyncio.sleep(1.5)  # what is done has arrived
        began = time.monotonic()
        fit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fit
        Slow.goes_on.set()
        assert time.monotonic() - began < 5
        await gone(client)
        return search

    search = on_client(run)
    scores = search.cv_results_["mean_test_score"]
    assert 0 < np.isfinite(scores).sum() < 4
    assert search.best_params_["alpha"] < 1
    assert not hasattr(search, "best_estimator_")


@exhaustive
def test_client_that_is_closed_meanwhile(name):
    """A client that is closed during a search is an error that says so."""
    Slow.reset()
    space = {"alpha": [1.0, 2.0, 3.0, 4.0]}

    async def run(client):
        search = make_search(name, Slow(random_state=0), space)
        fit = asyncio.ensure_future(search.fit(*DATA))
        await asyncio.to_thread(Slow.started.wait, 10)
        Slow.goes_on.set()
        await client.close()
        with pytest.raises(ClientClosedError, match="while the search was using it"):
            await fit

    on_client(run)
