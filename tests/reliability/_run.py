# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run scenarios, each run in a process of its own, and count those that are right.

Besides what a scenario checks itself, a run is right only if it ends in time and well,
prints no error, and leaves no process.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.reliability._scenario import Scenario

ROOT = Path(__file__).parents[2]
MARK = "GPU_HPO_RELIABILITY_RUN"  # by this variable processes of a run are known
RIGHT = "right:"  # begins the line that a run prints when all is checked
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
GRACE = 20.0  # seconds in which the processes of a run may end after it
# In a traceback: our code, or callbacks of ours that come when the process ends.
OURS = re.compile(r'File ".*/gpu_hpo/|after shutdown')
ERRORS = re.compile(r"\bERROR\b|\bCRITICAL\b|Traceback|Exception (ignored|in)|can't be")


@dataclass
class Run:
    """How one run went: what is wrong, if anything, what was seen, what it printed."""

    wrong: str
    seen: str
    printed: str
    seconds: float


def run_once(scenario: Scenario, number: int) -> Run:
    """Run a scenario in a new process."""
    mark = uuid.uuid4().hex
    check = f"{scenario.check.__module__}:{scenario.check.__name__}"
    environment = dict(os.environ, GPU_HPO_DEVICE="cpu", PYTHONUNBUFFERED="1")
    environment |= {MARK: mark, "PYTHONPATH": str(ROOT)} | ONE_THREAD
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability._one", check, str(number)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(scenario.seconds)
            hung = ""
        except subprocess.TimeoutExpired:
            hung = f"had not ended after {scenario.seconds:g} s"
        seconds = time.monotonic() - began
        left = {} if hung else _left_by(mark, GRACE)
        _kill(_left_by(mark, 0.0))
        process.wait()
        output.seek(0)
        printed = output.read()
    lines = printed.splitlines()
    said = [line for line in lines if line.startswith(RIGHT)]
    errors = [line for line in lines if ERRORS.search(line)]
    seen = said[-1].removeprefix(RIGHT).strip() if said else ""
    wrong = hung
    if not wrong and process.returncode != 0:
        last = next((line for line in reversed(lines) if line.strip()), "")
        wrong = f"ended with {process.returncode}: {last}"
    elif not wrong and not said:
        wrong = "ended before all had been checked"
    elif not wrong and left:
        wrong = f"left processes: {'; '.join(left.values())}"
    elif not wrong and errors and scenario.deaths and not OURS.search(printed):
        seen += "; Dask printed errors"
    elif not wrong and errors:
        wrong = f"printed: {errors[0]}"
    return Run(wrong, seen, printed, seconds)


def _left_by(mark: str, seconds: float) -> dict[int, str]:
    """Return the processes of a run that do not end within some seconds."""
    end = time.monotonic() + seconds
    while True:
        left = {}
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == mark and (
                    process.status() != psutil.STATUS_ZOMBIE
                ):
                    left[process.pid] = " ".join(process.cmdline())[:200]
            except psutil.Error:
                continue  # it has ended, or is another user's
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.2)


def _kill(processes: dict[int, str]) -> None:
    for pid in processes:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
