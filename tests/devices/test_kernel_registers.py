# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What ptxas makes of our CUDA kernels, which needs numba-cuda and no GPU."""

import importlib.util

import pytest

NEEDED = "numba_cuda", "cuda.core", "cuda.bindings"


def _is_there(name):
    """Whether a module is installed, its parents included."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


MISSING = [name for name in NEEDED if not _is_there(name)]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"compiles by {' and '.join(MISSING)}, not installed"
)
# A compute capability that is old and common, an H100's, and the newest; float64 is for
# the H100. Networks of 20-100-2 by tiles of 32 rows (8 in float64), of 16-16-2 by 8.
CASES = [
    *(("float32", capability) for capability in ((7, 5), (9, 0), (12, 0))),
    ("float64", (9, 0)),
]
NETWORKS = [
    *(((20, 100, 2), "adam", 200, *case) for case in CASES),
    ((16, 16, 2), "sgd", 1, "float32", (9, 0)),
]


@pytest.fixture(scope="module")
def kernels():
    from benchmarks import _compiled_kernels

    return _compiled_kernels


def check(usage, launch, dtype):
    """Nothing is spilled, and registers suffice for four blocks, or for three."""
    assert usage.stack == usage.spilled == 0
    at_once = 4 if dtype == "float32" else 3
    assert usage.registers * launch.threads * at_once <= 65_536


@pytest.mark.parametrize(("units", "solver", "size", "dtype", "capability"), NETWORKS)
def test_networks_spill_nothing(kernels, units, solver, size, dtype, capability):
    """Networks of common shapes keep all that a thread has in registers."""
    launch = kernels.network_launch(units, dtype, solver, 1, size)
    check(kernels.compiled(launch, capability), launch, dtype)


@pytest.mark.parametrize(("dtype", "capability"), CASES[1:])
def test_linear_models_spill_nothing(kernels, dtype, capability):
    """Linear models do so too; what is compiled is the same for all shapes."""
    launch = kernels.linear_launch(100, dtype, 1, 256)
    check(kernels.compiled(launch, capability), launch, dtype)
