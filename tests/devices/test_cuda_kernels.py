# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What is said where Numba cannot run kernels."""

import re
import types

import numba.cuda
import pytest
from numba.cuda.cudadrv import driver

from gpu_hpo.devices import _cuda_kernels

REFUSED = "unsupported .version 8.8; current version is 8.4\nsecond line"


@pytest.fixture
def machine(monkeypatch):
    """Makes launches fail, with a driver of this version, or none, and a toolkit."""
    said = []

    def fails(_):
        raise ImportError(REFUSED)

    def make(has=None, needs=(13, 0)):
        def version_of_driver():
            if has is None:
                raise OSError("no driver")
            return has

        monkeypatch.setattr(
            driver, "driver", types.SimpleNamespace(get_version=version_of_driver)
        )
        toolkit = types.SimpleNamespace(get_version=lambda: needs)
        monkeypatch.setattr(numba.cuda, "runtime", toolkit, raising=False)
        return said

    monkeypatch.setattr(numba.cuda, "jit", fails)
    # Not by way of the root logger, whose settings other libraries change.
    warn = types.SimpleNamespace(warning=lambda text, *given: said.append(text % given))
    monkeypatch.setattr(_cuda_kernels, "logger", warn)
    _cuda_kernels.why_not.cache_clear()
    yield make
    _cuda_kernels.why_not.cache_clear()


def test_unusable_is_said_once(machine):
    """Where Numba cannot run kernels, one warning says so."""
    said = machine()
    assert [_cuda_kernels.usable() for _ in range(3)] == [False] * 3
    [text] = said
    assert _cuda_kernels.why_not() in text


@pytest.mark.parametrize(
    ("has", "needs", "expected"),
    [
        ((12, 4), (13, 0), r"driver \(CUDA 12\.4\).*\(13\.0\).*numba-cuda\[cu12\]"),
        (
            (12, 4),
            (12, 9),
            r"driver \(CUDA 12\.4\).*\(12\.9\).*cuda-toolkit==12\.4\.\*",
        ),
        ((13, 0), (13, 0), "a newer package numba-cuda may help"),
        ((13, 1), (12, 9), "a newer package numba-cuda may help"),
        (None, (13, 0), "a newer package numba-cuda may help"),
    ],
)
def test_what_to_install(machine, has, needs, expected):
    """A driver older than the toolkit is named, with what to install; and one line."""
    machine(has, needs)
    reason = _cuda_kernels.why_not()
    assert "ImportError: unsupported .version 8.8; current version is 8.4" in reason
    assert "second line" not in reason
    assert re.search(expected, reason)
