# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Keep other users of this machine out of the clusters that are started here.

Whoever can talk to a scheduler or a worker of Dask, or write where it imports from, can
run code there. By default any user of the machine can do the first, for a port is open
to all of them, and who comes first can do the second: scratch folders are in a folder
of `/tmp` that all users share, and servers put them on `sys.path`.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import dask
from distributed import Scheduler
from distributed.security import Security

_SCRATCH = "temporary-directory"  # in Dask's configuration
_ENCRYPT = "distributed.comm.require-encryption"


def default_security(options: Mapping[str, Any]) -> Security | None:
    """Return what keeps strangers out of a cluster with these options of LocalCluster.

    Returns
    -------
    Security or None
        With certificates that only this cluster has. None if the options, or Dask's
        configuration, say otherwise, or if the workers are threads that listen nowhere.
    """
    given = options.get("protocol") or str(options.get("host")).rpartition("://")[0]
    protocol = str(given).removesuffix("://")
    listens = options.get("processes", True) or options.get("scheduler_port")
    if (
        "security" in options
        or dask.config.get(_ENCRYPT, None) is not None
        or protocol not in ("", "tls")
        or not (listens or protocol)
    ):
        return None
    return Security.temporary()


def as_keywords(security: Security) -> dict[str, Any]:
    """Return what `Security` is to be called with, as far as workers need it."""
    names = ["tls_ca_file"]
    for role in ("client", "worker"):
        names += [f"tls_{role}_cert", f"tls_{role}_key"]
    values = {name: getattr(security, name) for name in names}
    return {"require_encryption": security.require_encryption, **values}


def scratch_folder() -> str:
    """Return a folder for scratch files that only this user can read or write.

    Dask removes what ended processes have left there. A folder that the user has
    configured is the user's choice.
    """
    configured = dask.config.get(_SCRATCH, None)
    if configured or not hasattr(os, "getuid"):
        return str(configured or tempfile.gettempdir())  # on Windows the user's own
    folder = os.path.join(tempfile.gettempdir(), f"gpu_hpo-{os.getuid()}")
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        found = os.lstat(folder)
        private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
        if not private or found.st_uid != os.getuid():
            return tempfile.mkdtemp(prefix="gpu_hpo-")
    return folder


def private_scratch() -> AbstractContextManager[None]:
    """Let the servers that start in the context have their scratch files there.

    A scheduler can be told of it by the configuration only.
    """
    return dask.config.set({_SCRATCH: scratch_folder()})


class PrivateScheduler(Scheduler):
    """A scheduler whose scratch files are in the user's own folder."""

    def __init__(self, **options: Any) -> None:
        with private_scratch():
            super().__init__(**options)
        if not options.get("dashboard", True):
            hide_dashboard(self)


def hide_dashboard(scheduler: Any) -> None:
    """Let no link lead to a dashboard that is not there.

    A scheduler always has an HTTP server, which it calls its dashboard.
    """
    if "dashboard" in scheduler.services:
        scheduler.services["http"] = scheduler.services.pop("dashboard")
