# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What `recovery.py` trains, in a module that workers can import."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from sklearn.linear_model import SGDClassifier

LOG = "GPU_HPO_BENCHMARK_LOG"  # variable of the environment: a file


@dataclass(frozen=True)
class Call:
    """One call that some model made: by which process, and when."""

    begin: float
    end: float
    process: int
    model: str
    number: int


class TimedCalls(SGDClassifier):
    """Takes a fixed time for each call, whatever else the machine does, and logs it."""

    def __init__(self, seconds=0.1, alpha=1e-4, random_state=None):
        super().__init__(alpha=alpha, random_state=random_state)
        self.seconds = seconds

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        begin = time.time()
        self.calls_ = getattr(self, "calls_", 0) + 1
        super().partial_fit(X, y, classes, sample_weight)
        time.sleep(max(0.0, begin + self.seconds - time.time()))
        line = f"{begin} {time.time()} {os.getpid()} {self.alpha!r} {self.calls_}\n"
        with open(os.environ[LOG], "a") as log:  # one write: lines do not mix
            log.write(line)
        return self


def read_calls(path: Path) -> list[Call]:
    """Read what all processes logged, in the order in which calls ended."""
    calls = []
    for line in path.read_text().splitlines():
        begin, end, process, model, number = line.split()
        calls.append(Call(float(begin), float(end), int(process), model, int(number)))
    return calls
