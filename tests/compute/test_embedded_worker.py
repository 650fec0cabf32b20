# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Workers of the embedded cluster can be closed whenever they end."""

import asyncio
import os
import subprocess
import sys

import psutil
import pytest
from distributed.compatibility import WINDOWS
from distributed.core import Status

from gpu_hpo.compute._embedded import _EmbeddedWorker

pytestmark = pytest.mark.skipif(WINDOWS, reason="there, the workers are threads")


class Unheard:
    """A process that has ended, of which asyncio has not heard yet."""

    def __init__(self):
        ended = subprocess.Popen([sys.executable, "-c", "pass"])
        ended.wait()
        self.pid, self.returncode = ended.pid, None

    def kill(self):
        os.kill(self.pid, 0)

    async def wait(self):
        self.returncode = 0
        return 0


def test_a_worker_that_has_just_ended():
    """To close a worker that left by itself at this moment is no error."""

    async def close():
        worker = _EmbeddedWorker("tcp://127.0.0.1:1", worker_kwargs={})
        worker.process = Unheard()
        assert not psutil.pid_exists(worker.process.pid)
        await worker.close()
        return worker

    worker = asyncio.run(close())
    assert worker.process is None
    assert worker.status == Status.closed
