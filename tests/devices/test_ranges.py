# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Ranges for profilers."""

import subprocess
import sys
import timeit
import types

import pytest

from gpu_hpo.devices import _ranges
from gpu_hpo.devices._ranges import annotated


@pytest.fixture(autouse=True)
def _not_loaded(monkeypatch):
    monkeypatch.setattr(_ranges, "_annotate", None)


@pytest.fixture
def no_nvtx(monkeypatch):
    monkeypatch.setitem(sys.modules, "nvtx", None)


class Nvtx(types.ModuleType):
    """Notes which ranges begin and end."""

    def __init__(self):
        super().__init__("nvtx")
        self.made, self.events = [], []

    def annotate(self, message=None, color=None, domain=None):
        self.made.append((message, domain))
        return Range(self.events, message)


class Range:
    def __init__(self, events, name):
        self.events, self.name = events, name

    def __enter__(self):
        self.events.append(f"begin {self.name}")

    def __exit__(self, *_):
        self.events.append(f"end {self.name}")


@pytest.fixture
def nvtx(monkeypatch):
    module = Nvtx()
    monkeypatch.setitem(sys.modules, "nvtx", module)
    return module


def test_without_nvtx_it_does_nothing(no_nvtx):
    """Where nvtx is not installed the code inside runs, and its errors come out."""
    ran = []
    with annotated("train"), annotated("train"):
        ran.append(1)
    assert ran == [1]
    with pytest.raises(KeyError), annotated("train"):
        raise KeyError


def test_without_nvtx_it_costs_nothing(no_nvtx):
    """Where nvtx is not installed a range takes less than a microsecond or so."""

    def use():
        with annotated("train"):
            pass

    use()
    # Twice the promise, since machines that run tests are busy.
    assert min(timeit.repeat(use, number=10_000, repeat=10)) / 10_000 < 2e-6


def test_ranges_are_of_our_domain(nvtx):
    """Ranges begin and end around the code, nested, in the domain gpu_hpo."""
    with annotated("train"), annotated("upload chunk"):
        nvtx.events.append("inside")
    assert nvtx.events == [
        "begin train",
        "begin upload chunk",
        "inside",
        "end upload chunk",
        "end train",
    ]
    assert set(nvtx.made) == {("train", "gpu_hpo"), ("upload chunk", "gpu_hpo")}


def test_range_ends_with_an_error(nvtx):
    """A range ends also where the code inside raises."""
    with pytest.raises(KeyError), annotated("train"):
        raise KeyError
    assert nvtx.events == ["begin train", "end train"]


def test_name_is_made_once(nvtx):
    """Ranges of one name are made once, for that takes longer than to enter them."""
    for _ in range(3):
        with annotated("score"):
            pass
    assert nvtx.made == [("score", "gpu_hpo")]
    assert len(nvtx.events) == 6


def test_import_does_not_load_nvtx():
    """Who uses no range does not load nvtx."""
    code = "import sys, gpu_hpo.devices; assert 'nvtx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_real_nvtx():
    """The real nvtx takes our ranges, also without a profiler that listens."""
    pytest.importorskip("nvtx")
    with annotated("train"), annotated("train"):
        pass
