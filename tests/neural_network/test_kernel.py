# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The CUDA kernel does what array operations do, as far as a simulated GPU can tell."""

import json
import os
import pathlib
import subprocess
import sys
import types

import numpy as np
import pytest

from gpu_hpo.devices import _cuda_kernels
from gpu_hpo.neural_network import _hot_loop, _kernel
from gpu_hpo.neural_network._backprop import Batches, Layout, Shape
from gpu_hpo.neural_network._kernel import fits, kernel_epoch, plan
from gpu_hpo.neural_network._optimizers import SGD

SCRIPT = pathlib.Path(__file__).parent / "kernel_in_simulator.py"
TOLERANCE = {"float64": 1e-9, "float32": 1e-5}


@pytest.fixture(scope="module")
def simulated():
    """Findings of the script, which takes half a minute."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", SCRIPT],
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize(
    "output", ["classes", "labels", "binary", "multilabel", "targets", "counts"]
)
def test_as_array_operations(simulated, output, activation, dtype):
    """Losses, weights and moments are those of array operations, whatever the solver.

    With weights of rows or without, with rows in any order, and without some of them.
    """
    wanted = {"output": output, "activation": activation, "dtype": dtype}
    cases = [case for case in simulated["compared"] if wanted.items() <= case.items()]
    assert len(cases) == 9
    for case in cases:
        assert case["difference"] < TOLERANCE[dtype], case


def test_stacks(simulated):
    """A network comes out the same, bit for bit, of stacks of 5, 3 and 1."""
    assert simulated["stacked"] == [True] * 12


def test_divergence_harms_no_neighbour(simulated):
    """A weight that is NaN or infinite spoils one network, as in array operations."""
    assert len(simulated["diverged"]) == 22
    for case in simulated["diverged"]:
        assert case["neighbours"], case
        assert case["finite"], case


def shape_of(*units):
    return Shape(Layout(units), "relu", "softmax")


@pytest.mark.parametrize("size", [1, 10, 32, 200])
@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("n_moments", [1, 2])
def test_plans(size, itemsize, n_moments):
    """A block has whole warps, and no more memory than any GPU gives it."""
    for units in [(1, 1, 1), (20, 50, 50, 5), (4, 150, 1), (2, 2, 90), (30, 9, 3)]:
        shape = shape_of(*units)
        found = plan(shape, itemsize, n_moments, size)
        n_threads = found.threads
        assert n_threads % 32 == 0
        assert n_threads <= 256
        assert found.n_bytes(shape.layout, itemsize, n_moments) <= 48 * 1024


def test_what_fits():
    """Small networks fit, larger ones do not, and those are refused."""
    assert fits(shape_of(64, 100, 10), 4)
    assert plan(shape_of(20, 30, 7), 4, 2, 32).kept
    assert not plan(shape_of(20, 60, 40, 7), 4, 2, 32).kept
    assert not fits(shape_of(64, 100, 10), 8)
    assert not fits(shape_of(784, 100, 10), 4)
    shape = shape_of(100, 200, 10)
    params = np.zeros((1, shape.layout.n_params))
    data = Batches(np.zeros((2, 100)), np.zeros((2, 10)), None, None, 2)
    with pytest.raises(ValueError, match=r"networks of .* units do not fit"):
        kernel_epoch(shape, params, np.zeros(1), SGD(np, [params], {}), data)


@pytest.mark.parametrize(
    ("units", "usable", "expected"),
    [
        ((20, 50, 5), True, "kernel"),
        ((20, 50, 5), False, "arrays"),
        ((784, 100, 10), True, "arrays"),
    ],
)
def test_choice(monkeypatch, units, usable, expected):
    """CuPy's arrays are trained on by the kernel if networks fit and Numba can."""
    monkeypatch.setattr(_cuda_kernels, "usable", lambda: usable)
    outcome = np.array([["kernel"], ["sound"]])
    monkeypatch.setattr(_kernel, "kernel_epoch", lambda *args: outcome)
    monkeypatch.setattr(_hot_loop, "array_epoch", lambda *args: ["arrays"])
    cupy = types.SimpleNamespace(__name__="cupy", asarray=np.asarray)
    params = np.zeros((1, 1), np.float32)
    optimizer = types.SimpleNamespace(xp=cupy)
    data = Batches(None, None, None, None, 1)
    found, sound = _hot_loop.train_epoch(
        shape_of(*units), params, np.zeros(1), optimizer, data
    )
    assert found == [expected]
    assert (sound is None) == (expected == "arrays")
