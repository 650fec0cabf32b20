# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Many searches, one after the other, in one process and on one cluster."""

from __future__ import annotations

import gc
import os
import threading
import time

import psutil

from tests.compute.helpers import remains
from tests.reliability._scenario import Scenario
from tests.reliability._searches import ALL, Model, answer, fit, make, on

N_FITS = 30
N_FIRST = 14  # each class twice, so that all is imported and most caches are full
# What a fit may add at the most, in all processes together. Dask's logs grow to a size
# that they keep, and workers open connections to each other one by one.
MOST_MEGABYTES = 1.0
MOST_FILES = 0.3


def repeated_fits(number: int) -> str:
    """30 fits leave no thread, no open file, no key and no memory behind."""
    cluster = ["embedded", "ours", "Dask's"][number % 3]
    kinds = list(ALL)
    first = {}
    with on(cluster) as client:
        here = psutil.Process()
        processes = [here, *map(psutil.Process, client.run(os.getpid).values())]
        for i in range(N_FIRST):
            kind = kinds[i % len(kinds)]
            first[kind] = answer(fit(make(kind, Model(seconds=0))))
        before = _held(client, processes)
        for i in range(N_FITS):
            kind = kinds[i % len(kinds)]
            assert answer(fit(make(kind, Model(seconds=0)))) == first[kind]
        after = _held(client, processes)
        assert remains(client) == []
    megabytes = (after["bytes"] - before["bytes"]) / 1e6 / N_FITS
    files = (after["files"] - before["files"]) / N_FITS
    assert after["threads"] <= before["threads"], (before, after)
    assert files < MOST_FILES, f"{files:.2f} files for each fit"
    assert megabytes < MOST_MEGABYTES, f"{megabytes:.2f} MB for each fit"
    return f"less than {MOST_MEGABYTES:g} MB for each fit in all three processes"


def _held(client, processes):
    """What processes hold, when all that ends by a message has ended."""
    gc.collect()
    client.run(gc.collect)
    remains(client)
    time.sleep(2)
    return {
        "threads": threading.active_count(),
        "files": sum(process.num_fds() for process in processes),
        "bytes": sum(process.memory_info().rss for process in processes),
    }


SCENARIOS = [
    Scenario(
        "repeated-fits",
        f"{N_FITS} fits of 7 searches in one process, on one cluster (3 kinds)",
        repeated_fits,
        seconds=400,
    )
]
