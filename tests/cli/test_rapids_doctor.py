# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""gpu_hpo as a check of `rapids doctor`."""

import os
import subprocess
import sys
import warnings
from importlib.metadata import entry_points

import pytest

from gpu_hpo.cli._rapids import search_check
from tests.cli import doubles
from tests.cli.command import environment
from tests.devices.fake_nvml import UUIDS


def test_entry_point():
    """The entry point names the check, which has a name and a first line to show."""
    found = [
        point
        for point in entry_points(group="rapids_doctor_check")
        if point.dist is not None and point.dist.name == "gpu_hpo"
    ]
    if not found:
        pytest.skip("gpu_hpo was installed before it had this entry point")
    (point,) = found
    check = point.load()
    assert check is search_check
    assert check.__doc__.strip().splitlines()[0].startswith("Check that")


def test_all_is_well(monkeypatch):
    """It says where searches run, and takes arguments of later versions."""
    monkeypatch.setenv("GPU_HPO_DEVICE", "cpu")
    said = search_check(verbose=True, later="argument")
    assert said == "Searches run on the CPU: GPU_HPO_DEVICE=cpu asks for the CPU"


def test_something_to_mend(monkeypatch, tmp_path):
    """What is to be mended is an error with its cure; what is only slow, a warning."""
    monkeypatch.delenv("GPU_HPO_DEVICE", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", UUIDS[0])
    cards = "[card(0, free=1), card(1)]"
    path = doubles.machine(tmp_path, pynvml=doubles.nvml(cards))
    monkeypatch.setenv("PYTHONPATH", path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert "Searches run on 1 GPU" in search_check()
    said = [str(warning.message) for warning in caught]
    assert any(text.startswith("gpu 0: a card, 0.9 of 74.5 GiB free") for text in said)
    assert not any("unclosed" in text for text in said)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    with pytest.raises(RuntimeError, match=r"shows 0 of 2 GPUs. Cure: name GPUs by"):
        search_check()


def test_by_rapids_cli():
    """`rapids doctor gpu_hpo` runs the check, and passes where searches do."""
    pytest.importorskip("rapids_cli")
    rapids = os.path.join(os.path.dirname(sys.executable), "rapids")
    done = subprocess.run(
        [rapids, "doctor", "--verbose", "gpu_hpo"],
        capture_output=True,
        text=True,
        env=environment(GPU_HPO_DEVICE="cpu"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert "search_check: Searches run on the CPU" in said
    assert "All checks passed!" in said
