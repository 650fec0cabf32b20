# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Wait until a scheduler has forgotten what a search has released."""

from __future__ import annotations

import asyncio
from time import monotonic

from distributed import Client

from gpu_hpo.compute._keys import is_of

_LOOK_SECONDS = 0.01
_MOST_SECONDS = 2.0  # others may want a result too


async def until_released(client: Client, name: str) -> None:
    """Wait for the results that a search has just released to be gone.

    A release is a message that a client sends a little later. If a script ends before,
    the scheduler reports as errors that results were lost.

    Parameters
    ----------
    client : distributed.Client
        This runs on its event loop.
    name : str
        Of the search, which its keys have.
    """
    # The client itself forgets keys only when its loop is free again.
    left = [key for key in client.futures if is_of(name, key)]
    end = monotonic() + _MOST_SECONDS
    while left and monotonic() < end:
        await asyncio.sleep(_LOOK_SECONDS)
        if client.status != "running" or client.scheduler is None:
            return
        # What somebody holds on to, such as a traceback, will not go.
        left = [key for key in left if key not in client.futures]
        try:
            held = await client.scheduler.who_has(keys=left)
        except OSError:  # the cluster is gone
            return
        left = [key for key in left if held.get(key)]
