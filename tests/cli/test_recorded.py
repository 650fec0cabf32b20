# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""`gpu-hpo report` and `gpu-hpo watch`, on journals of real searches."""

import subprocess
import sys
import time

import pytest

from gpu_hpo.compute import local_cluster
from tests.cli.command import environment, refused, run, run_json
from tests.compute.helpers import current, make_data
from tests.journal import searches


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder with the journals of a Hyperband search and of a grid."""
    folder = tmp_path_factory.mktemp("journals")
    with current(local_cluster(1, device="cpu", processes=False)):
        hyperband = searches.hyperband(journal=folder / "hyperband")
        hyperband.fit(*make_data())
    grid = searches.grid(journal=folder / "grid").fit(*make_data())
    (folder / "notes.txt").write_text("no journal")
    return folder, hyperband, grid


@pytest.mark.parametrize("name", ["hyperband", "grid"])
def test_report(name, recorded):
    """One screen, and the same as JSON, has what the search has found."""
    folder, *found = recorded
    search = found[name == "grid"]
    done = run("report", folder / name)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 80
    assert "finished" in lines[0] and f"best {search.best_score_:.4f}" in lines[0]
    facts = run_json("report", folder / name)
    assert facts["best"]["params"] == search.best_params_
    assert facts["best"]["score"] == pytest.approx(search.best_score_)
    assert facts["n_trials"] == len(search.cv_results_["params"])
    if name == "hyperband":
        assert facts["cost"]["calls"] == search.metadata_["partial_fit_calls"]
    else:
        assert facts["cost"]["calls"] == 3 * facts["n_trials"]


def test_report_on_a_folder(recorded):
    """A line for each journal, and none for what is no journal."""
    folder, *_ = recorded
    lines = run("report", folder).stdout.splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == ["grid", "hyperband"]
    assert len(run_json("report", folder)) == 2


def test_watch(tmp_path):
    """It prints better and better scores while a search runs, and ends with it."""
    path = tmp_path / "j"
    path.touch()
    code = f"""
import time
from tests.journal.searches import Counts, grid
from tests.compute.helpers import make_data
Counts.count = lambda self: time.sleep(0.1)
grid(journal={str(path)!r}).fit(*make_data())
"""
    search = subprocess.Popen([sys.executable, "-c", code])
    try:
        end = time.monotonic() + 60
        while not path.stat().st_size:
            assert time.monotonic() < end
            time.sleep(0.1)
        done = run("watch", path, "--every", "200 ms")
    finally:
        search.wait(60)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    states = [line.split()[2].rstrip(",") for line in lines if line.startswith("j:")]
    assert states == ["running", "finished"]
    scores = [float(line.split()[2]) for line in lines if line.startswith("  ")]
    assert len(scores) >= 1 and scores == sorted(scores)


def test_what_is_no_journal(tmp_path):
    """It is one line, and exit status 1 or 2."""
    path = tmp_path / "j"
    path.write_text("text\nand more\n")
    for command in ("report", "watch"):
        done = run(command, path)
        assert done.returncode == 1 and done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert "j is no journal" in line
        assert "does not exist" in refused(command, tmp_path / "x")


def test_nobody_reads_on(recorded):
    """A pipe that is closed ends the command without a traceback."""
    folder, *_ = recorded
    command = f"{sys.executable} -m gpu_hpo report {folder} | head -c 1"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, env=environment()
    )
    assert done.stderr == ""
