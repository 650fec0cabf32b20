# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A scheduler that goes away is one error, wherever a search notices it."""

import pytest
from distributed import Client

from gpu_hpo.adaptive.data import _loading
from gpu_hpo.compute import local_cluster
from gpu_hpo.compute._gone import while_it_is_there
from gpu_hpo.exceptions import ClientClosedError, WorkersLostError
from tests.compute.helpers import current, make_data, make_search


def test_errors_of_others_stay(threads_client):
    """While the client runs, and of ours, errors are passed on as they are."""
    error = OSError("a disk is full")
    with (
        pytest.raises(OSError, match="a disk is full") as raised,
        while_it_is_there(threads_client),
    ):
        raise error
    assert raised.value is error


def test_after_the_client():
    """When the client is closed, whatever fails says so; what we say stays."""
    with (
        local_cluster(1, device="cpu", processes=False) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        pass
    with (
        pytest.raises(ClientClosedError, match="was closed while") as raised,
        while_it_is_there(client),
    ):
        client.scheduler.ncores  # noqa: B018
    assert isinstance(raised.value.__cause__, AttributeError)
    with pytest.raises(WorkersLostError), while_it_is_there(client):
        raise WorkersLostError


def test_while_rows_are_sent(monkeypatch):
    """A client that is closed before the first model trains is this error, too."""
    send = _loading.Loader.send

    async def close_and_send(self, *args):
        await self._client.close()
        return await send(self, *args)

    monkeypatch.setattr(_loading.Loader, "send", close_and_send)
    with (
        current(local_cluster(1, device="cpu", processes=False)),
        pytest.raises(ClientClosedError, match="while the search was using it"),
    ):
        make_search().fit(*make_data())
