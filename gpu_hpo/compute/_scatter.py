# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Send a value to workers, which may die meanwhile."""

from __future__ import annotations

from typing import Any

from distributed import Client, Future

SEND_ATTEMPTS = 3  # each takes half a minute if all that Dask knows of have died


async def scatter(
    client: Client,
    key: str,
    value: Any,
    workers: list[str] | None = None,
    *,
    broadcast: bool = False,
) -> tuple[Future, bool]:
    """Put a value on workers, or on any others if these die meanwhile.

    Returns
    -------
    future : Future
    there : bool
        Whether it is on those workers.
    """
    for attempt in range(SEND_ATTEMPTS):
        try:
            sent = await client.scatter(
                {key: value},
                workers=workers if attempt == 0 else None,
                broadcast=broadcast,
                hash=False,
            )
            return sent[key], attempt == 0
        except (KeyError, OSError):
            if attempt == SEND_ATTEMPTS - 1:
                raise
    raise AssertionError("not reached")
