# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say in one way that a cluster is gone, whatever Dask raises of it where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from distributed import Client

from gpu_hpo.exceptions import ClientClosedError, GpuHpoError


@contextmanager
def while_it_is_there(client: Client) -> Iterator[None]:
    """Raise a `ClientClosedError` for what fails since the client has no scheduler.

    Dask may say "cancelled" of futures, or that a connection timed out, or it asks for
    an attribute of None.
    """
    try:
        yield
    except GpuHpoError:
        raise
    except Exception as error:
        status = client.status
        if status == "running" and client.scheduler is not None:
            raise
        how = "had lost its scheduler" if status == "connecting" else f"was {status}"
        raise ClientClosedError(
            f"{client!r} {how} while the search was using it"
        ) from error
