# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Calls that do not end, and workers that are stopped."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import threading
import time
import warnings

import dask
import psutil

from tests.reliability._scenario import Scenario
from tests.reliability._searches import (
    ADAPTIVE,
    Meanwhile,
    Model,
    answer,
    fit,
    make,
    moment,
    on,
    pids,
    quiet,
    same,
)

HANGS = 1e-3
SPACE = {"alpha": [1e-6, 1e-5, 1e-4, HANGS, 1e-2, 1e-1]}


class Hangs(Model):
    """Does not come back from one of the calls with one of the parameters."""

    def __init__(
        self,
        alpha=1e-4,
        *,
        at=2,
        how="sleep",
        calls=None,
        seconds=0.0,
        random_state=None,
    ):
        super().__init__(alpha, calls=calls, seconds=seconds, random_state=random_state)
        self.at = at
        self.how = how

    def happens(self):
        """Hang, if it is time."""
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        if self.alpha == HANGS and self.n_calls_ >= self.at:
            if self.how == "raise":
                raise RuntimeError("this configuration cannot be trained")
            if self.how == "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            if self.how == "spin":
                while True:
                    pass
            time.sleep(1000)
        super().happens()


def hanging_call(number: int) -> str:
    """With `call_timeout` a trial that hangs ends as "timeout", and nothing else does.

    The quiet answer is that of a search in which it raises instead.
    """
    kind = "Incremental"
    at, how = 1 + number % 3, ["sleep", "spin", "stop"][number % 3]
    cluster = ["ours", "embedded", "Dask's"][number // 3 % 3]
    expected = quiet(kind, Hangs(at=at, how="raise"), SPACE)
    with on(cluster) as client:
        before = pids(client)
        search = make(kind, Hangs(at=at, how=how), SPACE)
        found = answer(fit(search.set_params(call_timeout=3.0)))
        end = time.monotonic() + 30
        while len(stuck := [pid for pid in before if _is_there(pid)]) == len(before):
            assert time.monotonic() < end, f"{stuck} were not replaced"
            time.sleep(0.1)
    index = SPACE["alpha"].index(HANGS)
    assert found["status"][index] == "timeout", found["status"]
    errors = list(search.cv_results_["error"])
    assert "had not ended after" in errors.pop(index), search.cv_results_["error"]
    assert not any(errors), errors
    found["status"][index] = expected["status"][index]
    same(found, expected)
    return "only its trial ends, its worker is replaced"


def _is_there(pid: int) -> bool:
    return psutil.pid_exists(pid) and (
        psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    )


def stopped_worker(number: int) -> str:
    """With `call_timeout`, SIGSTOP of a worker ends at most the trial it was at."""
    draw = random.Random(number)
    kind = "Incremental"
    cluster = ["ours", "embedded", "Dask's"][number % 3]
    expected = quiet(kind, Model(seconds=0), SPACE)
    with tempfile.TemporaryDirectory() as folder, on(cluster) as client:
        victim = draw.choice(pids(client))
        calls = moment(draw, expected)
        with Meanwhile(folder, calls, lambda: os.kill(victim, signal.SIGSTOP)) as then:
            search = make(kind, Model(calls=then.file, seconds=0.05), SPACE)
            found = answer(fit(search.set_params(call_timeout=3.0)))
    late = [i for i, status in enumerate(found["status"]) if status == "timeout"]
    assert len(late) <= 1, found["status"]
    # A worker that was stopped between two tasks may have none.
    for index, params in enumerate(found["params"]):
        rows = expected["history"][index]
        mine = found["history"].get(index, [])
        if index in late:
            assert mine == rows[: len(mine)], params
        else:
            assert mine == rows, params
    return f"{len(late)} of {len(found['status'])} trials ended"


def hang_without_timeout(number: int) -> str:
    """Without `call_timeout` a warning says what hangs where; then it goes on."""
    draw = random.Random(number)
    kind = list(ADAPTIVE)[number % len(ADAPTIVE)]
    cluster = ["ours", "embedded", "Dask's"][number % 3]
    expected = quiet(kind, Model(seconds=0))
    with (
        tempfile.TemporaryDirectory() as folder,
        on(cluster) as client,
        dask.config.set({"gpu_hpo.tasks.warn-after": "2 s"}),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        before = client.run(os.getpid)
        address, victim = draw.choice(sorted(before.items()))

        def stop():
            os.kill(victim, signal.SIGSTOP)
            threading.Timer(12, os.kill, (victim, signal.SIGCONT)).start()

        with Meanwhile(folder, moment(draw, expected), stop) as then:
            found = fit(make(kind, Model(calls=then.file, seconds=0.05)))
        said = [str(w.message) for w in warned if "has run for" in str(w.message)]
    same(answer(found), expected)
    assert said, "nothing was said of a worker that was stopped for 12 seconds"
    assert any(address in text and "alpha" in text for text in said), said
    return "a warning names trial, parameters and worker; the quiet answer"


SCENARIOS = [
    Scenario(
        "hanging-call",
        "A configuration sleeps, computes for ever or stops its process, with "
        "`call_timeout`",
        hanging_call,
        seconds=180,
        deaths=True,
    ),
    Scenario(
        "stopped-worker",
        "A worker gets SIGSTOP at any moment, with `call_timeout`",
        stopped_worker,
        seconds=180,
        deaths=True,
    ),
    Scenario(
        "stopped-worker-no-timeout",
        "The same without `call_timeout`; SIGCONT 12 s later",
        hang_without_timeout,
        seconds=180,
    ),
]
