# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""End the processes of an embedded cluster with the process that owns it.

The nanny of each worker imports this module, which is here because it needs nothing of
the package: so the nanny starts the worker at once. A nanny whose scheduler is gone
would go on starting workers; a worker whose nanny is gone ends by itself.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import psutil

_LOOK_SECONDS = 1.0


def dask_setup(nanny: Any) -> None:
    """Begin to watch the owner; called by Dask when the nanny starts."""
    owner = int(os.environ["GPU_HPO_OWNER"])
    threading.Thread(target=_end_with, args=(owner,), daemon=True).start()


def _end_with(owner: int) -> None:
    try:
        process = psutil.Process(owner)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_LOOK_SECONDS)
    except psutil.NoSuchProcess:
        pass
    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(1)
