# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The process that searches forks, ends, is interrupted or is killed."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.reliability._run import ERRORS, MARK, OURS
from tests.reliability._scenario import Scenario
from tests.reliability._searches import ADAPTIVE, EXHAUSTIVE

CLUSTERS = {
    "embedded": "nullcontext(embedded_client())",
    "ours": "Client(local_cluster(2, device='cpu'))",
    "Dask's": "Client(LocalCluster(2, threads_per_worker=1, dashboard_address=None))",
}
SCRIPT = """
import os, sys, time, multiprocessing, warnings
from contextlib import nullcontext
from distributed import Client, LocalCluster
from gpu_hpo.compute import embedded_client, local_cluster
from gpu_hpo.exceptions import ForkedProcessError
from tests.reliability._searches import Model, answer, fit, make

def main():
    {body}

if __name__ == "__main__":
    main()
"""


def start(folder: str, body: str) -> subprocess.Popen[str]:
    """Start a script of the user's; what it prints goes into files of the folder."""
    script = Path(folder) / "script.py"
    script.write_text(SCRIPT.format(body="\n    ".join(body.strip().splitlines())))
    return subprocess.Popen(
        [sys.executable, str(script)],
        cwd=folder,
        stdout=(Path(folder) / "out").open("w"),
        stderr=(Path(folder) / "err").open("w"),
        start_new_session=True,
        text=True,
    )


def printed(folder: str) -> tuple[str, str]:
    """Return what a script has printed to stdout and to stderr."""
    return (Path(folder) / "out").read_text(), (Path(folder) / "err").read_text()


def descendants() -> list[str]:
    """Return the other processes of this run, also those whose parent has ended."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            if process.pid != os.getpid() and (
                environment.get(MARK) == os.environ[MARK]
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(f"{process.pid} {' '.join(process.cmdline())[:100]}")
        except psutil.Error:
            continue
    return found


def all_gone(seconds: float) -> float:
    """Return after how long no process is left; raise if one stays longer than that."""
    began = time.monotonic()
    while left := descendants():
        assert time.monotonic() - began < seconds, left
        time.sleep(0.1)
    return time.monotonic() - began


def wait_for(folder: str, calls: int, process: subprocess.Popen[str]) -> None:
    """Wait until models of a script have made so many calls."""
    file = Path(folder) / "calls"
    while not file.exists() or file.stat().st_size < calls:
        assert process.poll() is None, printed(folder)
        time.sleep(0.005)


def killed_client(number: int) -> str:
    """Kill the process that searches; no process of its cluster stays."""
    draw = random.Random(number)
    kind = [*ADAPTIVE, *EXHAUSTIVE][number % 7]
    cluster = list(CLUSTERS)[number % 3]
    with tempfile.TemporaryDirectory() as folder:
        process = start(
            folder,
            f"""
client = {CLUSTERS[cluster]}
with client:
    fit(make({kind!r}, Model(calls={folder + "/calls"!r}, seconds=0.3)))
""",
        )
        wait_for(folder, draw.randint(1, 20), process)
        assert len(descendants()) >= 3  # the client, and two workers at least
        process.send_signal(signal.SIGKILL)
        process.wait()
        all_gone(30)
    return "no process left"


def script_ends(number: int) -> str:
    """A script ends right after `fit`: it prints nothing, and ends well."""
    kind = list(ADAPTIVE)[number % len(ADAPTIVE)]
    cluster = list(CLUSTERS)[number % 3]
    with tempfile.TemporaryDirectory() as folder:
        process = start(
            folder,
            f"""
client = {CLUSTERS[cluster]}
fit(make({kind!r}, Model(seconds=0)))
""",
        )
        status = process.wait(100)
        out, err = printed(folder)
        assert (status, out) == (0, ""), (status, out, err)
        # What Dask says of the ports and the speed of its own cluster is not ours.
        assert not ERRORS.search(err) if cluster == "Dask's" else err == "", err
        all_gone(20)
    return "no error, and on our clusters not a line printed"


def forked(number: int) -> str:
    """Fork after a search: the child is told to spawn, the parent searches on."""
    kind = list(ADAPTIVE)[number % len(ADAPTIVE)]
    cluster = list(CLUSTERS)[number % 3]
    fork = ["os.fork", "multiprocessing", "os.fork, with a plain exit"][number // 3 % 3]
    child = """
def child():
    try:
        search()
    except ForkedProcessError as error:
        assert "spawn" in str(error)
        print("refused", flush=True)
    grid = make("Grid", Model(seconds=0)).set_params(scheduler="threads")
    assert answer(fit(grid)) == expected
    print("grid", flush=True)
"""
    forks = {
        "os.fork": """
pid = os.fork()
if not pid:
    child()
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
""",
        "multiprocessing": """
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join()
assert process.exitcode == 0
""",
        "os.fork, with a plain exit": """
pid = os.fork()
if not pid:
    child()
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
""",
    }
    with tempfile.TemporaryDirectory() as folder:
        process = start(
            folder,
            f"""
search = lambda: answer(fit(make({kind!r}, Model(seconds=0))))
grid = make("Grid", Model(seconds=0)).set_params(scheduler="threads")
expected = answer(fit(grid))
client = {CLUSTERS[cluster]}
first = search()
{child}
{forks[fork]}
assert search() == first
print("parent", flush=True)
""",
        )
        status = process.wait(100)
        out, err = printed(folder)
        assert (status, out.split()) == (0, ["refused", "grid", "parent"]), (out, err)
        assert not ERRORS.search(err), err
        all_gone(20)
    return "refused at once; the parent's next answer is its first"


def ctrl_c(number: int) -> str:
    """Press Ctrl-C: few lines, results kept when it is caught, no process left."""
    draw = random.Random(number)
    kind = list(ADAPTIVE)[number % len(ADAPTIVE)]
    cluster = list(CLUSTERS)[number % 2]
    caught = number % 4 >= 2
    body = f"""
client = {CLUSTERS[cluster]}
search = make({kind!r}, Model(calls={{calls!r}}, seconds=0.2))
"""
    body += (
        """
try:
    fit(search)
except KeyboardInterrupt:
    assert len(search.history_) > 0
    assert search.best_params_ in search.cv_results_["params"]
    print("kept", flush=True)
"""
        if caught
        else "fit(search)"
    )
    with tempfile.TemporaryDirectory() as folder:
        process = start(folder, body.format(calls=f"{folder}/calls"))
        wait_for(folder, draw.randint(14, 40), process)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        status = process.wait(60)
        out, err = printed(folder)
        all_gone(20)
    # That a worker takes more than four seconds to end is said of a slow machine.
    lines = [line for line in err.splitlines() if "still alive after" not in line]
    if caught:
        assert (status, out.split(), lines) == (0, ["kept"], []), (status, out, err)
        return "caught: 0 lines, results kept"
    assert status == -signal.SIGINT and lines[-1] == "KeyboardInterrupt", err
    assert len(re.findall("Traceback", err)) == 1, err
    assert len(lines) <= 15, err  # of which ten are of the script, and marks
    return f"not caught: {len(lines)} lines"


KEPT = """
try:
    fit(search)
except KeyboardInterrupt as error:
    assert str(error) == "SIGTERM" and search.stopped_ == "interrupt"
    known = vars(search)
    assert "cv_results_" in known
    if "best_params_" in known:
        assert search.cv_results_["rank_test_score"][search.best_index_] == 1
        assert search.cv_results_["params"][search.best_index_] == search.best_params_
    if "history_" in known:
        assert search.history_ and search.best_index_ >= 0
    print("kept", "best_estimator_" in known, flush=True)
"""


def terminated(number: int) -> str:
    """Send SIGTERM, to the search or all its processes: results are kept, in time."""
    draw = random.Random(number)
    kind = [*ADAPTIVE, *EXHAUSTIVE][number % 7]
    cluster = list(CLUSTERS)[number % 2]
    body = f"""
client = {CLUSTERS[cluster]}
search = make({kind!r}, Model(calls={{calls!r}}, seconds=0.2))
{KEPT}"""
    with tempfile.TemporaryDirectory() as folder:
        process = start(folder, body.format(calls=f"{folder}/calls"))
        wait_for(folder, draw.randint(8, 18), process)
        began = time.monotonic()
        # SLURM signals a step's processes; "#SBATCH --signal=B:TERM" only the script.
        (os.killpg if number % 4 < 2 else os.kill)(process.pid, signal.SIGTERM)
        while not printed(folder)[0].endswith("\n"):
            assert process.poll() is None, printed(folder)
            # In ten seconds, and two for a busy machine.
            assert time.monotonic() - began < 12, printed(folder)
            time.sleep(0.01)
        status = process.wait(60)
        out, err = printed(folder)
        all_gone(20)
    assert status == 0 and out in ("kept True\n", "kept False\n"), (status, out, err)
    # The script ends at once, while workers still have tasks, which Dask may report.
    assert not OURS.search(err.replace("after shutdown", "")), err
    seen = f"results kept, {'with' if 'True' in out else 'without'} the best model"
    return seen + ("; Dask printed errors at exit" if ERRORS.search(err) else "")


# Searches of all classes, with folds, and with another resource.
RECORDED = {
    **{kind: (kind, {}) for kind in [*ADAPTIVE, *EXHAUSTIVE]},
    "folds": ("Hyperband", {"cv": 3}),
    "rows": ("Hyperband", {"resource": "n_samples", "chunk_size": None}),
}


def resumed(number: int) -> str:
    """Kill the process that searches; the next one goes on to the same answer."""
    draw = random.Random(number)
    kind, options = list(RECORDED.values())[number % len(RECORDED)]
    cluster = list(CLUSTERS)[number % 2]
    with tempfile.TemporaryDirectory() as folder:

        def begin(name: str) -> subprocess.Popen[str]:
            given = {**options, "journal": f"{folder}/{name}"}
            return start(
                folder,
                f"""
import json
with {CLUSTERS[cluster]}:
    model = Model(calls={folder + "/calls"!r}, seconds=0.05)
    search = make({kind!r}, model).set_params(**{given!r})
    fit(search)
    print(json.dumps(answer(search)))
""",
            )

        def end(process: subprocess.Popen[str]) -> tuple[str, int]:
            """Return the answer of a search, and how many calls there were by then."""
            assert process.wait(100) == 0, printed(folder)
            return printed(folder)[0], os.path.getsize(calls)

        calls = f"{folder}/calls"
        expected, n_quiet = end(begin("quiet"))
        process = begin("journal")
        wait_for(folder, n_quiet + draw.randint(1, int(0.9 * n_quiet)), process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        all_gone(30)
        n_before = os.path.getsize(calls) - n_quiet
        found, n_again = end(begin("journal"))
        n_again -= n_quiet + n_before
        assert found == expected, (found, expected)
        assert n_again <= n_quiet, (n_before, n_again, n_quiet)
        all_gone(20)
    repeated = (n_before + n_again - n_quiet) / n_quiet
    return f"same answer; {10 * round(10 * repeated)} % of the calls made twice"


SCENARIOS = [
    Scenario(
        "killed-client",
        "The process that searches is killed (7 searches, 3 kinds of cluster)",
        killed_client,
    ),
    Scenario(
        "resumed",
        "The process that searches is killed, and another goes on by its journal "
        "(9 searches, our kinds of cluster)",
        resumed,
    ),
    Scenario(
        "script-ends",
        "A script ends right after `fit` (5 searches that stop early, 3 kinds of "
        "cluster)",
        script_ends,
    ),
    Scenario(
        "forked",
        "A process forks after a search, and the child searches (`os.fork`, "
        "multiprocessing)",
        forked,
    ),
    Scenario(
        "ctrl-c",
        "Ctrl-C in a terminal, caught by the script or not (our kinds of cluster)",
        ctrl_c,
    ),
    Scenario(
        "terminated",
        "SIGTERM to the process that searches, or to all (7 searches, our kinds of "
        "cluster)",
        terminated,
    ),
]
