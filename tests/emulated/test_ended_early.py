# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches on a device that end early, and go on, also where there is no device."""

import signal
import subprocess
import sys

import pytest

from gpu_hpo import journal
from gpu_hpo.compute import local_cluster
from tests.compute.helpers import current, wait_until
from tests.emulated.slow_searches import X, Y, fit, make


@pytest.mark.parametrize(
    ("kind", "how"), [("hyperband", signal.SIGINT), ("grid", signal.SIGTERM)]
)
def test_interrupt(kind, how, tmp_path):
    """What is known is kept, with the device; another search goes on with it."""
    path = tmp_path / "j"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.emulated.slow_searches", kind, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:

        def has_scores():
            assert process.poll() is None, process.communicate()
            return path.exists() and path.read_bytes().count(b'"score') > 4

        assert not wait_until(has_scores, 100)
        process.send_signal(how)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert out.startswith("kept interrupt cuda "), (out, err)
    assert journal.read(path).state == "stopped"


@pytest.mark.parametrize("kind", ["hyperband", "grid"])
def test_on_without_a_device(kind, tmp_path):
    """What began on a device goes on with the same rows on the host."""
    path = tmp_path / "j"
    first = fit(make(kind, journal=path))
    n_scores = len(journal.read(path).history)
    with current(local_cluster(1, device="cpu", processes=False)):
        again = make(kind, journal=path, device="cpu").fit(X, Y)
    assert first.device_.name == "cuda" and again.device_.name == "cpu"
    assert len(journal.read(path).history) == n_scores
    assert again.best_params_ == first.best_params_
