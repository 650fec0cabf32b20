# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Scripts without a guard, models that all fail, and scikit-learn's own checks."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

from sklearn.utils.estimator_checks import check_estimator

from gpu_hpo.exceptions import GpuHpoError
from tests.model_selection.test_check_estimator import SEARCHES
from tests.reliability._scenario import Scenario
from tests.reliability._searches import ADAPTIVE, Model, fit, make, on

UNGUARDED = """
import time
from distributed import Client
from gpu_hpo.compute import local_cluster

print("runs", flush=True)
client = Client(local_cluster(2, device="cpu"))
"""


def unguarded_script(number: int) -> str:
    """`local_cluster` without a guard is one error, and no worker runs the script."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.py"
        script.write_text(UNGUARDED)
        ended = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, timeout=60
        )
    assert ended.returncode == 1 and ended.stdout.count("runs") == 1, ended
    *_, last = ended.stderr.splitlines()
    assert "UnguardedScriptError" in last and "__main__" in last, ended.stderr
    return f"{len(ended.stderr.splitlines())} lines"


class Fails(Model):
    """Cannot be trained."""

    def happens(self):
        """Raise."""
        raise ArithmeticError("this model cannot be trained")


def all_models_fail(number: int) -> str:
    """All models raise: one line with the first reason, tracebacks in cv_results_."""
    kind = list(ADAPTIVE)[number % len(ADAPTIVE)]
    with on(["embedded", "threads"][number % 2]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = make(kind, Fails())
        try:
            fit(search)
        except GpuHpoError as error:
            lines = "".join(traceback.format_exception_only(error)).splitlines()
        else:
            raise AssertionError("the search ended as if nothing had failed")
    assert "ArithmeticError: this model cannot be trained" in lines[-1], lines
    assert all("in happens" in text for text in search.cv_results_["error"])
    return f"{len(lines)} line"


def endless(number: int) -> str:
    """Arguments that made loops without an end are errors at once, by their names."""
    from gpu_hpo.compute import local_cluster
    from gpu_hpo.model_selection import HyperbandSearchCV
    from gpu_hpo.schedules import Hyperband, SuccessiveHalving

    def folds():
        search = HyperbandSearchCV(Model(), {"alpha": [1e-4, 1e-3]}, cv=1_000_000)
        return fit(search)

    calls = {
        "aggressiveness": lambda: Hyperband(9, aggressiveness=1),
        "aggressiveness ": lambda: SuccessiveHalving(9, 1, aggressiveness=1),
        "threads_per_worker": lambda: local_cluster(2, threads_per_worker=0),
        "n_workers": lambda: local_cluster(n_workers=0),
        "cv": folds,
    }
    name = list(calls)[number % len(calls)]
    began = time.process_time()
    try:
        calls[name]()
    except ValueError as error:
        assert name.strip() in str(error), error
    else:
        raise AssertionError(f"{name} is accepted")
    assert time.process_time() - began < 2
    return "an error that names the argument"


def scikit_learns_checks(number: int) -> str:
    """scikit-learn's checks of estimators pass."""
    name = list(SEARCHES)[number % len(SEARCHES)]
    with on("threads"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(SEARCHES[name], on_fail=None, on_skip=None)
    failed = {f["check_name"]: f["exception"] for f in found if f["status"] == "failed"}
    assert len(found) > 40 and not failed, failed
    return f"{len(found)} checks"


SCENARIOS = [
    Scenario(
        "unguarded-script",
        'A script without `if __name__ == "__main__"` starts `local_cluster`',
        unguarded_script,
    ),
    Scenario(
        "all-models-fail",
        "All models of a search raise (5 searches that stop early)",
        all_models_fail,
    ),
    Scenario(
        "endless",
        "`aggressiveness=1`, `cv=1000000`, clusters of 0 workers or threads",
        endless,
    ),
    Scenario(
        "check-estimator",
        "scikit-learn's `check_estimator` (7 searches, two of them twice)",
        scikit_learns_checks,
        seconds=400,
    ),
]
