# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The script for a first GPU, `benchmarks/first_gpu.py`, on memory of the host."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest, time

def test_good(): pass

def test_bad(): assert 1 == 2

@pytest.mark.skip
def test_skipped(): pass
"""


# In place of the parts: all crash, but for the last.
CRASHING = """
import json, os, signal, sys
name, path, _ = sys.argv[1:]
with open(path, "w") as file:
    json.dump({"figures": {"found": name}, "rows": []}, file)
if name != "search":
    print("about to crash", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)
"""


@pytest.fixture
def first_gpu(tmp_path):
    """Runs it; returns its exit status, what it printed, its figures and its table."""

    def run(*arguments, script=ROOT / "benchmarks" / "first_gpu.py", **environment):
        command = [sys.executable, str(script)]
        ran = subprocess.run(
            [*command, "--size", "small", "--out", str(tmp_path / "out"), *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
        )
        found = json.loads((tmp_path / "out.json").read_text())
        table = (tmp_path / "out.md").read_text()
        return ran.returncode, ran.stdout + ran.stderr, found["parts"], table

    return run


def test_parts_leave_figures_and_a_table(first_gpu, tmp_path):
    """Values agree, calls are counted, tests are run, and the table has all of it."""
    only = ("machine", "networks-float32", "tests", "calls")
    tests = tmp_path / "test_some.py"
    tests.write_text(TESTS)
    # Fifteen times what it takes on two quiet cores: each part has a share of it.
    given = "--seconds", "300", "--only", *only, "--tests", str(tests)
    status, said, parts, table = first_gpu(*given)
    assert status == 0, said
    assert tuple(parts) == only
    assert {part["state"] for part in parts.values()} == {"done"}
    assert parts["machine"]["figures"]["card"]["emulated"]
    [values] = parts["networks-float32"]["figures"]["values"].values()
    assert values["good"]
    assert values["moved"] > 0
    times = parts["networks-float32"]["figures"]["times"].values()
    assert [one["kernel"] > 0 for one in times] == [True, True]
    calls = parts["calls"]["figures"]["calls"]
    assert len(calls) == 14
    assert all(one["counts"]["launches"] > 0 for one in calls.values())
    found = parts["tests"]["figures"]["tests"][str(tests)]
    assert [found[key] for key in ("passed", "failed", "skipped")] == [1, 1, 1]
    assert found["failures"] == [{"name": "test_bad", "message": "assert 1 == 2"}]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + sum(len(part["rows"]) for part in parts.values())
    assert all(line.count("|") == 5 for line in rows)
    assert table.count("failed") == table.count("1 passed, 1 failed, 1 skipped") == 1


def test_tests_that_hang_are_cut_short(first_gpu, tmp_path):
    """What pytest had found before its time was up is told, and what it was at."""
    tests = tmp_path / "test_some.py"
    tests.write_text(f"{TESTS}\ndef test_hanging(): time.sleep(600)\n")
    *_, parts, table = first_gpu(
        "--seconds", "20", "--only", "tests", "--tests", str(tests)
    )
    found = parts["tests"]["figures"]["tests"][str(tests)]
    assert [found[key] for key in ("passed", "failed", "skipped")] == [1, 1, 1]
    assert found["cut"]
    assert found["not_ended"] == ["test_hanging"]
    assert "1 passed, 1 failed, 1 skipped, cut short" in table


def test_parts_that_run_out_of_time_spoil_no_other(first_gpu):
    """Parts are stopped when their time is up, and the next begins."""
    status, _, parts, table = first_gpu("--seconds", "8", "--only", "stacks", "search")
    assert status == 1
    assert [part["state"] for part in parts.values()] == ["stopped after 1 s"] * 2
    assert table.count("stopped after 1 s") == 2


def test_parts_that_crash_spoil_no_other(first_gpu, tmp_path):
    """What a part had found before it crashed is kept, and the next begins."""
    script = tmp_path / "benchmarks" / "first_gpu.py"
    script.parent.mkdir()
    shutil.copy(ROOT / "benchmarks" / script.name, script)
    script.with_name("_first_gpu_parts.py").write_text(CRASHING)
    given = "--only", "machine", "calls", "search"
    status, _, parts, table = first_gpu(*given, script=script)
    assert status == 1
    states = [part["state"] for part in parts.values()]
    assert states == ["ended by SIGSEGV", "ended by SIGSEGV", "done"]
    assert [part["figures"]["found"] for part in parts.values()] == list(parts)
    assert "| machine | - | ended by SIGSEGV | about to crash |" in table


def test_without_a_gpu(first_gpu):
    """Where there is no GPU that is said, and no part is tried that needs one."""
    status, said, parts, table = first_gpu(PYTHONPATH="", CUDA_VISIBLE_DEVICES="")
    assert status == 2
    assert "first_gpu.py needs a GPU and CuPy: CUDARuntimeError" in said
    assert list(parts) == ["machine"]
    assert "| machine | GPU | none |" in table
