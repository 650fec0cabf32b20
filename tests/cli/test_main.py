# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What holds for all of the command line: how it begins and ends."""

import os
import shutil
import subprocess
import sys

import pytest

import gpu_hpo
from tests.cli.command import environment, needs_posix, refused, run

PLAN = ("plan", "--n-params", "81")


def test_installed_command():
    """The console script and `python -m gpu_hpo` are one command."""
    script = shutil.which("gpu-hpo", path=os.path.dirname(sys.executable))
    if script is None:
        pytest.skip("gpu_hpo was installed before it had a command")
    done = subprocess.run([script, *PLAN], capture_output=True, text=True)
    assert done.stdout == run(*PLAN).stdout
    assert done.returncode == 0


def test_version_and_help():
    """Without a command it says which there are; `--version` is the package's."""
    assert run("--version").stdout == f"gpu_hpo {gpu_hpo.__version__}\n"
    done = run()
    assert done.returncode == 0
    for command in ("doctor", "plan"):
        assert f"\n  {command} " in done.stdout
        assert "Usage: gpu-hpo" in run(command, "--help").stdout


def test_unknown_command():
    """An unknown command is one line, and exit status 2."""
    assert refused("nope") == "gpu-hpo: No such command 'nope'."


@needs_posix
def test_pipe_that_nobody_reads():
    """Output that nobody reads ends the command without a word."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "gpu_hpo", *PLAN],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_full_disk():
    """Output that cannot be kept is one line, and no success."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gpu_hpo", *PLAN],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "the output cannot be written" in done.stderr
