# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Let SIGTERM end a search as Ctrl-C does, and run a search that Ctrl-C may end.

Batch systems such as SLURM send SIGTERM some seconds before they kill a job.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client

from gpu_hpo._config import read_seconds
from gpu_hpo.exceptions import NoFiniteScoreError


@contextmanager
def ends_when_terminated() -> Iterator[None]:
    """Raise KeyboardInterrupt in this context if the process is sent SIGTERM.

    Only in the main thread, where Python runs handlers, and only if the process has no
    handler of its own.
    """
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if not ours:
        yield
        return
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def ended_by(error: BaseException) -> str:
    """Return what `stopped_` says of a search that raises."""
    return "error" if isinstance(error, Exception) else "interrupt"


def run_blocking(client: Client, search: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a search on a client's event loop and wait for it."""
    ended = threading.Event()

    async def running() -> Any:
        try:
            return await search()
        finally:
            ended.set()

    try:
        return client.sync(running)
    except NoFiniteScoreError as error:
        # It says enough without the event loop's frames.
        raise error.with_traceback(None) from None
    except KeyboardInterrupt as interrupt:
        # The client cancels the search, which then keeps what it has found so far.
        ended.wait(read_seconds("interrupt-timeout"))
        # Where Dask waited is of no use.
        raise KeyboardInterrupt(*interrupt.args) from None
