# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run a case in a process of its own, within a time, and see what it leaves behind."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import tempfile
import time
import uuid
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

from tests.chaos._plan import Plan, draw
from tests.fuzz._core import Difference

LIMIT = 120.0  # seconds for one case, after which it counts as one that hangs
_GRACE = 10.0  # seconds for processes to end after the one that started them
_STACKS = 1.0  # seconds to print the stacks of all threads
_MARK = "GPU_HPO_CHAOS_CASE"
_LAST_LINES = 40


# Forked, where that is possible, from a process that has imported what they need.
_FORKS = "forkserver" in multiprocessing.get_all_start_methods()
_CONTEXT: Any = multiprocessing.get_context("forkserver" if _FORKS else "spawn")


def import_beforehand() -> None:
    """Let the process that those of cases are forked from import what they need.

    Before the first of them; in tests that process has imported enough.
    """
    if _FORKS:
        _CONTEXT.set_forkserver_preload(["tests.chaos._case"])


class ChaosCase:
    """A case of `make chaos`; `run` may be called once.

    Parameters
    ----------
    seed : int
    limit : float
        Seconds after which it hangs.
    plant : str
        A fault to be found: code that is run before the search to which something
        happens.
    """

    def __init__(self, seed: int, limit: float = LIMIT, plant: str = "") -> None:
        self.plan: Plan = draw(seed)
        self.happened: list[str] = []
        self.outcome = ""
        self.output = ""
        self.mark = uuid.uuid4().hex
        self._limit = limit
        self._plant = plant

    def source(self) -> str:
        """Give the command that repeats the case."""
        return f"python -m tests.chaos --case {self.plan.seed}"

    def run(self) -> list[Difference]:
        """Run it, and give what is wrong."""
        with tempfile.TemporaryDirectory() as folder:
            told, printed = Path(folder) / "told", Path(folder) / "printed"
            process = _CONTEXT.Process(
                target=_begin,
                args=(self.plan.seed, self.mark, told, printed, self._plant),
            )
            process.start()
            found = self._watch(process, told)
            if printed.exists():
                self.output = printed.read_text(errors="replace")
            if told.exists():
                answer = json.loads(told.read_text())
                self.happened = answer["happened"]
                self.outcome = answer["outcome"]
                found += [Difference(*pair) for pair in answer["differences"]]
            elif not found:
                last = "\n".join(self.output.splitlines()[-_LAST_LINES:])
                found = [Difference(f"ends with {process.exitcode}", last)]
        return found

    def _watch(self, process: BaseProcess, told: Path) -> list[Difference]:
        """Wait for the end of a case, and of all that it has started."""
        process.join(self._limit)
        if process.exitcode is None:
            when = "after its search" if told.exists() else "in its search"
            text = f"did not end within {self._limit:g} s: {when}"
            if process.pid is not None and hasattr(signal, "SIGUSR1"):
                for ask in (signal.SIGUSR2, signal.SIGUSR1):
                    os.kill(process.pid, ask)
                    time.sleep(_STACKS)
            process.kill()
            process.join()
            _end(marked(self.mark))
            return [Difference("hangs", text)]
        left = marked(self.mark)
        end = time.monotonic() + _GRACE
        while left and time.monotonic() < end:
            time.sleep(0.1)
            left = marked(self.mark)
        if not left:
            return []
        text = "; ".join(map(_described, left))
        _end(left)
        return [Difference("leaves processes", text)]


def _begin(seed: int, mark: str, told: Path, printed: Path, plant: str) -> None:
    """Carry out a case, in its own process; what it starts inherits the mark."""
    os.environ[_MARK] = mark
    if hasattr(os, "setsid"):
        os.setsid()
    output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # Only now, and beforehand where processes are forked: it takes seconds.
    from tests.chaos._case import carry_out

    carry_out(seed, told, plant)


def marked(mark: str) -> list[psutil.Process]:
    """Give the processes that a case has started, whoever their parents are now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(_MARK) == mark:
                found.append(process)
    return found


def _described(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return f"{process.pid} ({process.status()}) {' '.join(process.cmdline())[:200]}"
    return f"{process.pid}"


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=_GRACE)
