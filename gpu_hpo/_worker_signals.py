# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Let Ctrl-C and SIGTERM reach a search, but not workers of a cluster started here.

A terminal sends Ctrl-C to all processes, and batch systems such as SLURM send SIGTERM.
Workers would end at once, each with a traceback of two screens, before the search could
keep what it has found.

Workers import this module; it is here because it needs nothing of the package.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
from typing import Any


def dask_setup(worker: Any) -> None:
    """Begin to ignore both; called by Dask when the worker starts."""
    if (
        multiprocessing.parent_process() is None
        or threading.current_thread() is not threading.main_thread()
    ):
        return
    # Not by SIG_IGN, which processes inherit that a model may start.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    # If a task runs when its worker closes, as after Ctrl-C, each is reported.
    logging.getLogger("distributed.worker.state_machine").addFilter(
        lambda record: not str(record.msg).startswith("Async instruction for")
    )
