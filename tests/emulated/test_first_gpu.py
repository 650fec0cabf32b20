# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The script for a first GPU, `benchmarks/first_gpu.py`, on memory of the host."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
A_TEST = "tests/gpu/test_linear_kernel.py::test_estimators_train_by_the_kernel"


@pytest.fixture
def first_gpu(tmp_path):
    """Runs it; returns its exit status, what it printed, its figures and its table."""

    def run(*arguments, **environment):
        command = [sys.executable, str(ROOT / "benchmarks" / "first_gpu.py")]
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


def test_parts_leave_figures_and_a_table(first_gpu):
    """Values agree, calls are counted, tests are run, and the table has all of it."""
    only = ("machine", "networks-float32", "tests", "calls")
    # Three times what it takes on two quiet cores.
    status, said, parts, table = first_gpu(
        "--seconds", "100", "--only", *only, "--tests", A_TEST
    )
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
    found = parts["tests"]["figures"]["tests"][A_TEST]
    assert (found["passed"], found["failed"], found["failures"]) == (1, 0, [])
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + sum(len(part["rows"]) for part in parts.values())
    assert all(line.count("|") == 5 for line in rows)
    assert "failed" not in table.replace("0 failed", "")


def test_parts_that_run_out_of_time_spoil_no_other(first_gpu):
    """Parts are stopped when their time is up, and the next begins."""
    status, _, parts, table = first_gpu("--seconds", "8", "--only", "stacks", "search")
    assert status == 1
    assert [part["state"] for part in parts.values()] == ["stopped after 1 s"] * 2
    assert table.count("stopped after 1 s") == 2


def test_without_a_gpu(first_gpu):
    """Where there is no GPU that is said, and no part is tried that needs one."""
    status, said, parts, table = first_gpu(PYTHONPATH="", CUDA_VISIBLE_DEVICES="")
    assert status == 2
    assert "first_gpu.py needs a GPU and CuPy: CUDARuntimeError" in said
    assert list(parts) == ["machine"]
    assert "| machine | GPU | none |" in table
