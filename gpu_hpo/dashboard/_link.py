# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Open Dask's dashboard, with a page of ours, for a cluster of this process."""

from __future__ import annotations

import secrets
from importlib.util import find_spec
from typing import Any
from weakref import WeakKeyDictionary

import dask
from distributed import Client, Scheduler

from gpu_hpo.compute._clients import active_client
from gpu_hpo.compute._embedded import embedded_client
from gpu_hpo.exceptions import GpuHpoError

# The link of each scheduler that has been opened.
_links: WeakKeyDictionary[Scheduler, str] = WeakKeyDictionary()


def dashboard_link(client: Client | None = None) -> str:
    """Open a live view of the searches of this process, and return its address.

    It is a page of Dask's dashboard, which is opened with it: how far searches are, the
    learning curves of models that train, and of those that were dropped. Dask's other
    pages, under the menu of ``status``, show tasks by what they do (train, score,
    upload), workers and memory.

    Nothing of it runs before this is called, since it costs a second and some memory.
    It listens on this machine only, and its address has a secret: other users of the
    machine cannot guess it, and whoever has it can look at what runs.

    Parameters
    ----------
    client : distributed.Client, optional
        By default the active one, else that of the cluster that searches start.

    Returns
    -------
    str
        Of our page; for a cluster whose scheduler runs in another process, of Dask's
        dashboard there.

    Raises
    ------
    ImportError
        If ``bokeh`` is missing, or too old for Dask.
    GpuHpoError
        If the scheduler runs in another process, and has no dashboard.
    """
    if find_spec("bokeh") is None:
        raise ImportError(
            "dashboard_link needs bokeh, which is not installed: "
            "pip install 'gpu_hpo[dashboard]'"
        )
    client = client or active_client() or embedded_client()
    scheduler = getattr(client.cluster, "scheduler", None)
    if not isinstance(scheduler, Scheduler):
        link = client.dashboard_link
        if not link:
            raise GpuHpoError(
                f"client={client!r}: its scheduler runs in another process, without a "
                "dashboard"
            )
        return str(link)
    if scheduler not in _links:
        _links[scheduler] = client.sync(_open, scheduler)
    return _links[scheduler]


async def _open(scheduler: Any) -> str:
    """Add pages to a scheduler's HTTP server; on its event loop."""
    from distributed.dashboard import scheduler as dask_pages
    from distributed.dashboard.core import BokehApplication
    from distributed.http import get_handlers
    from tornado.ioloop import IOLoop

    from gpu_hpo.dashboard._page import page

    secret = secrets.token_urlsafe(16)
    application, server = scheduler.http_application, scheduler.http_server
    ours = BokehApplication({"/searches": page}, scheduler, prefix=f"{secret}/gpu_hpo")
    application.add_application(ours)
    ours.initialize(IOLoop.current())
    ours.start()
    dask_pages.connect(application, server, scheduler, prefix=secret)
    # What its pages look like, and those that are no plots.
    routes = dask.config.get("distributed.scheduler.http.routes")
    application.add_handlers(r".*", get_handlers(scheduler, routes, prefix=secret))
    return f"http://127.0.0.1:{server.port}/{secret}/gpu_hpo/searches"
