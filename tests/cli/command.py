# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run the command line in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

CLEAN = ("GPU_HPO_DEVICE", "CUDA_VISIBLE_DEVICES", "NO_COLOR", "TERM", "COLUMNS")


def environment(**variables):
    """The environment of this process, but for what changes the output."""
    kept = {name: value for name, value in os.environ.items() if name not in CLEAN}
    return {**kept, "COLUMNS": "80", **variables}


def run(*arguments, timeout=100, **variables):
    """Run `gpu-hpo`; give the finished process, with its output as text."""
    return subprocess.run(
        [sys.executable, "-m", "gpu_hpo", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(**variables),
    )


def run_json(*arguments, status=0, **variables):
    """Run `gpu-hpo ... --json`, and give what it printed."""
    done = run(*arguments, "--json", **variables)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def refused(*arguments, **variables):
    """Run with arguments that are wrong; give the one line that says so."""
    done = run(*arguments, **variables)
    assert (done.returncode, done.stdout) == (2, ""), done
    (line,) = done.stderr.splitlines()
    return line


needs_posix = pytest.mark.skipif(
    os.name != "posix", reason="signals and pipes of POSIX"
)
