# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM, which batch systems send, ends a search as Ctrl-C does: with results."""

import os
import re
import signal
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows ends a process at once"
)

SCRIPT = """
import signal, time
import numpy as np
from dask.distributed import Client
from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import GridSearchCV, HyperbandSearchCV
from tests.callbacks.helpers import threads_of_trackers
from tests.callbacks.test_tracking import Noting
from tests.reliability._searches import ADAPTIVE, EXHAUSTIVE, Model, X, fit, make, y

def check(search):
    assert search.stopped_ == "interrupt", search.stopped_
    best, table = search.best_index_, search.cv_results_
    ours = hasattr(search, "history_")
    assert table["rank_test_score"][best] == 1
    assert table["params"][best] == search.best_params_
    score = "test_score" if ours else "mean_test_score"
    assert table[score][best] == search.best_score_
    if ours:
        assert search.history_ and search.metadata_["n_models"]
        assert search.best_estimator_.predict(X).shape == y.shape
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

def main():
    {body}

if __name__ == "__main__":
    main()
"""

SEARCHES = {
    "adaptive, in threads": """
threads = {"processes": False, "threads_per_worker": 2}
with local_cluster(1, device="cpu", **threads) as cluster, Client(cluster):
    search = make("Hyperband", Model(calls=CALLS, seconds=0.1))
    until_signalled(search)
""",
    "adaptive, on its own cluster": """
search = make("Hyperband", Model(calls=CALLS, seconds=0.1))
until_signalled(search)
""",
    "grid, in threads": """
search = make("Grid", Model(calls=CALLS, seconds=0.1))
search.set_params(scheduler="threads", max_seconds=300)
until_signalled(search)
""",
    "grid, on its own cluster": """
search = make("Grid", Model(calls=CALLS, seconds=0.1))
search.set_params(scheduler="processes", max_seconds=300)
until_signalled(search)
""",
}
UNTIL = """
def until_signalled(search):
    callback = Noting()
    search.set_callbacks(callback)
    try:
        fit(search)
    except KeyboardInterrupt as error:
        print(error, flush=True)
        check(search)
        (notes,) = callback.trackers
        assert notes.closed.status == "interrupted", notes.closed
        assert notes.closed.best_params == search.best_params_
        assert notes.ended.keys() == notes.trials.keys()
        assert not threads_of_trackers()
        print("kept", flush=True)
"""

# What Dask says of a cluster that is closed at any moment.
DASKS = re.compile("Async instruction|cannot schedule new futures after shutdown")


def wait_for(path, n_calls, script):
    """Wait until models have made some calls."""
    end = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < n_calls:
        assert script.process.poll() is None, script._errors()
        assert time.monotonic() < end, script._errors()
        time.sleep(0.01)


def start(run_script, tmp_path, body):
    """Start a script that searches."""
    text = f"CALLS = {str(tmp_path / 'calls')!r}\n" + UNTIL
    indented = body.strip().replace("\n", "\n    ")
    return run_script(
        SCRIPT.replace("{body}", indented).replace("def main", text + "\ndef main")
    )


@pytest.fixture
def root_on_path(monkeypatch):
    """Lets scripts import the tests."""
    monkeypatch.setenv("PYTHONPATH", os.getcwd())


@pytest.mark.parametrize("whom", ["process", "group"])
@pytest.mark.parametrize("kind", SEARCHES)
def test_what_was_found_is_kept(kind, whom, run_script, tmp_path, root_on_path):
    """Within ten seconds, with all attributes, also if all processes get the signal."""
    script = start(run_script, tmp_path, SEARCHES[kind])
    # A grid that may end early tries all four splits of a candidate before others.
    wait_for(tmp_path / "calls", 24, script)
    began = time.monotonic()
    if whom == "process":
        script.process.terminate()
    else:
        os.killpg(script.process.pid, signal.SIGTERM)
    assert script.line() == "SIGTERM"
    assert script.line() == "kept"
    assert time.monotonic() - began < 10
    script.end()
    # What a worker in this process logs of the tasks that it had when it was closed.
    lines = script._errors().splitlines()
    assert [line for line in lines if not DASKS.search(line)] == []


def test_a_handler_of_the_users_own(run_script, tmp_path, root_on_path):
    """It is called instead, the search goes on, and it is there afterwards."""
    body = """
told = []
handler = lambda number, frame: told.append(number)
signal.signal(signal.SIGTERM, handler)
for kind in ("Hyperband", "Grid"):
    search = make(kind, Model(calls=CALLS, seconds=0.02))
    if kind == "Grid":
        search.set_params(scheduler="threads")
    fit(search)
    assert search.stopped_ == "", search.stopped_
    assert signal.getsignal(signal.SIGTERM) is handler
    print(len(told), flush=True)
"""
    script = start(run_script, tmp_path, body)
    wait_for(tmp_path / "calls", 5, script)
    script.process.terminate()
    assert script.line() == "1"
    script.process.terminate()
    assert script.line() == "2"
    script.end()


def test_the_default_is_restored(run_script, tmp_path, root_on_path):
    """After a search, well or not, and from other threads, SIGTERM ends a process."""
    body = """
import threading
for kind in ("Hyperband", "Grid"):
    for seconds in (0, "x"):
        search = make(kind, Model(seconds=seconds))
        if kind == "Grid":
            search.set_params(scheduler="threads", error_score="raise")
        try:
            fit(search)
        except (TypeError, ValueError):
            assert seconds == "x"
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        thread = threading.Thread(target=fit, args=(make(kind, Model(seconds=0)),))
        thread.start()
        while thread.is_alive():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            time.sleep(0.001)
print("restored", flush=True)
time.sleep(60)
"""
    script = start(run_script, tmp_path, body)
    assert script.line() == "restored"
    script.process.terminate()
    assert script.process.wait(20) == -signal.SIGTERM


@pytest.mark.parametrize("delay", [0.05, 0.5, 1.5])
def test_while_its_cluster_starts(delay, run_script, tmp_path, root_on_path):
    """SIGTERM is Ctrl-C from the first moment of `fit`, and no process is left."""
    body = """
try:
    print("begins", flush=True)
    fit(make("Hyperband", Model(calls=CALLS, seconds=0.3)))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    script = start(run_script, tmp_path, body)
    assert script.line() == "begins"
    time.sleep(delay)
    script.process.terminate()
    assert script.line() == "interrupted"
    script.end()
