# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which workers a search may use while some are replaced."""

import asyncio
from types import SimpleNamespace

import pytest

from gpu_hpo.compute import _worker_facts
from gpu_hpo.compute._worker_facts import WorkerWatch

ADDRESS = "tcp://127.0.0.1:1"


class OneWorker:
    """Stands in for a client whose only worker has the same address each time."""

    status, cluster = "running", None

    def __init__(self, ended):
        self.scheduler = SimpleNamespace(identity=self._identity)
        self._ended = ended

    async def _identity(self):
        facts = {"nthreads": 1, "memory_limit": 0, "nanny": "tcp://127.0.0.1:2"}
        return {"workers": {ADDRESS: facts}}

    async def restart_workers(self, workers, **options):
        return dict.fromkeys(workers, self._ended)


@pytest.mark.parametrize("ended", ["OK", "timed out"])
def test_replaced_on_the_same_address(ended, monkeypatch):
    """A worker on an address that is not to be used is used once it is another one."""
    asked = []

    async def can_run(client, worker):
        asked.append(worker)
        return True

    async def run():
        watch = WorkerWatch(OneWorker(ended), [ADDRESS])
        assert ADDRESS in await watch.present()
        watch.leave_out(ADDRESS)
        return await asyncio.wait_for(watch.present(), 5)

    monkeypatch.setattr(_worker_facts, "can_run", can_run)
    if ended == "OK":
        assert ADDRESS in asyncio.run(run())
        assert asked == [ADDRESS]
    else:
        with pytest.raises(TimeoutError):
            asyncio.run(run())
