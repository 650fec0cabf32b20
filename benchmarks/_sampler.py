# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A thread on each worker that watches what it holds; for `memory.py` and its peer.

Works on any Dask since 2023 and imports nothing of gpu_hpo. It is shipped to workers by
value, so they need not be able to import it.
"""

from __future__ import annotations

import dataclasses
import threading
import time

import numpy as np
import psutil

EVERY_SECONDS = 0.02


def _roots(value, found):
    """Collect the NumPy buffers in containers and dataclasses, but not in models.

    By address of the buffer, so that what two keys share counts once. A view counts as
    all of what it keeps alive.
    """
    if isinstance(value, np.ndarray):
        while isinstance(value.base, np.ndarray):
            value = value.base
        found[value.__array_interface__["data"][0]] = value.nbytes
    elif isinstance(value, dict):
        for item in list(value.values()):
            _roots(item, found)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _roots(item, found)
    elif dataclasses.is_dataclass(value):
        for item in list(vars(value).values()):
            _roots(item, found)


def _in_memory(data):
    """The part of a worker's data that is not spilled to disk, left as it is."""
    fast = getattr(data, "fast", None)
    return data if fast is None else fast.d


class Sampler:
    """The largest values seen since it started."""

    def __init__(self, worker):
        self._worker = worker
        self._process = psutil.Process()
        self._stop = threading.Event()
        self.held = 0
        self.baseline = self.rss = self._process.memory_info().rss
        self.missed = self.samples = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(EVERY_SECONDS):
            self.rss = max(self.rss, self._process.memory_info().rss)
            found = {}
            try:
                for value in list(_in_memory(self._worker.data).values()):
                    _roots(value, found)
            except RuntimeError:  # changed while it was looked at
                self.missed += 1
                continue
            self.samples += 1
            self.held = max(self.held, sum(found.values()))

    def stop(self):
        self._stop.set()
        self._thread.join()
        return {
            "held": self.held,
            "rss": self.rss,
            "baseline": self.baseline,
            "samples": self.samples,
            "missed": self.missed,
        }


def start_sampling(dask_worker):
    import gc

    gc.collect()
    dask_worker._benchmark_sampler = Sampler(dask_worker)


def stop_sampling(dask_worker):
    return dask_worker._benchmark_sampler.stop()


def worker_process():
    import os

    return os.getpid()


def sampled(client, work):
    """Seconds of `work()`, the sampled maxima by worker, and how many workers died."""
    import sys

    import cloudpickle

    if hasattr(cloudpickle, "register_pickle_by_value"):
        cloudpickle.register_pickle_by_value(sys.modules[__name__])
    before = client.run(worker_process)
    client.run(start_sampling)
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    after = client.run(worker_process)
    died = len(set(before.values()) - set(after.values()))
    kept = [w for w in before if after.get(w) == before[w]]
    return seconds, client.run(stop_sampling, workers=kept), died
