# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Leave out what Dask reports of clusters that are started here and is of no use.

If a worker dies, the scheduler reports as an error that data was lost and "can't be
recovered", although the search sends it again. Clusters that the user has started
report all that they did before.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import dask
from distributed import Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin

_LOST = re.compile(
    r"Removing worker '(?P<worker>[^']+)' caused the cluster to lose .*?: "
    r"\{(?P<keys>.*)\} \("
)
_OUR_KEY = "'gpu_hpo-"
_PRELOAD = "gpu_hpo._worker_signals"

_workers: set[str] = set()  # of clusters that are started here
_schedulers: set[str] = set()  # the same


class OurWorkers(SchedulerPlugin):
    """Knows the workers of a cluster that is started here."""

    name = "gpu_hpo-workers"

    async def start(self, scheduler: Scheduler) -> None:
        """Begin to leave out reports."""
        _schedulers.add(scheduler.address)
        logging.getLogger("distributed.scheduler").addFilter(_is_of_use)
        logging.getLogger("distributed.batched").addFilter(_is_from_others)

    def add_worker(self, scheduler: Scheduler, worker: str) -> None:
        """Note a worker that has joined."""
        _workers.add(worker)

    def remove_worker(self, scheduler: Scheduler, worker: str, **others: Any) -> None:
        """Forget a worker, after the scheduler has reported what was lost with it."""
        _workers.discard(worker)


def _is_of_use(record: logging.LogRecord) -> bool:
    """Return False if only results of searches were lost, with a worker of ours."""
    if not _workers:
        return True
    found = _LOST.match(record.getMessage())
    if found is None or found["worker"] not in _workers:
        return True
    return not all(key.startswith(_OUR_KEY) for key in found["keys"].split(", "))


def _is_from_others(record: logging.LogRecord) -> bool:
    """Return False if a scheduler of ours had more to say when it was closed."""
    text = record.getMessage()
    return record.levelno > logging.INFO or not any(
        f"local={address} " in text for address in _schedulers
    )


def make_quiet(options: dict[str, Any]) -> None:
    """Change options of a LocalCluster so that it reports nothing that is of no use."""
    scheduler = options.get("scheduler_kwargs") or {}
    plugins = [*scheduler.get("plugins", ()), OurWorkers()]
    options["scheduler_kwargs"] = {**scheduler, "plugins": plugins}
    if not options.get("processes", True):
        return
    preload = options.get("preload")
    if preload is None:
        preload = dask.config.get("distributed.worker.preload")
    options["preload"] = [
        *([preload] if isinstance(preload, str) else preload or ()),
        _PRELOAD,
    ]
    arguments = options.get("preload_argv")
    if arguments is None:
        arguments = dask.config.get("distributed.worker.preload-argv")
    if arguments and not isinstance(arguments[0], str):  # a list for each preload
        options["preload_argv"] = [*arguments, []]
