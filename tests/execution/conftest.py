# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of where a search runs."""

import importlib.util
import os
import subprocess
import sys
import textwrap

import pytest

from gpu_hpo.devices import Device
from gpu_hpo.execution import _clusters, close_embedded


@pytest.fixture(autouse=True)
def _on_cpu(monkeypatch):
    """Where a search runs is tested on CPU workers, also where there is a GPU."""
    monkeypatch.setenv("GPU_HPO_DEVICE", "cpu")


@pytest.fixture(scope="session", autouse=True)
def _end_embedded():
    yield
    close_embedded()


@pytest.fixture
def cuda_without_gpu(monkeypatch):
    """Lets dask-cuda start its workers where there is no GPU."""
    if importlib.util.find_spec("dask_cuda") is None:
        pytest.skip("dask_cuda is not installed")
    monkeypatch.setenv("DASK_CUDA_TEST_DISABLE_DEVICE_SPECIFIC", "1")
    monkeypatch.setenv("DASK_CUDA_TEST_SINGLE_GPU", "1")
    monkeypatch.setattr(
        _clusters, "resolve_device", lambda *_: Device("cuda", 2, "a test says so")
    )
    return {
        "CUDA_VISIBLE_DEVICES": [0, 1],
        "device_memory_limit": "1GB",
        "protocol": "tcp",
        "pre_import": "numpy",
    }


class Script:
    """A Python script of the user's, running in a process and folder of its own."""

    def __init__(self, folder, text, **files):
        (folder / "elsewhere").mkdir()
        for name, content in {"script": text, **files}.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(content))
        self.errors = (folder / "errors").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, folder / "script.py"],
            cwd=folder / "elsewhere",
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=dict(os.environ, GPU_HPO_DEVICE="cpu", PYTHONUNBUFFERED="1"),
            start_new_session=True,
        )

    def line(self):
        """Next line that it prints."""
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"script ended: {self._errors()}")
        return line.strip()

    def end(self):
        """Wait for its end; give what it printed, if it ended well."""
        out = self.process.stdout.read()
        assert self.process.wait() == 0, self._errors()
        return out

    def _errors(self):
        self.errors.seek(0)
        return self.errors.read()


@pytest.fixture
def run_script(tmp_path):
    """Start a script; further arguments are modules beside it, by name."""
    scripts = []

    def run(text, **files):
        scripts.append(Script(tmp_path, text, **files))
        return scripts[-1]

    yield run
    for script in scripts:
        script.process.kill()
        script.process.wait()
        script.process.stdout.close()
        script.errors.close()
