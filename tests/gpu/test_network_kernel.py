# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The CUDA kernel for networks on a real GPU; skipped where there is none."""

import numpy as np
import pytest

from gpu_hpo.devices import to_host
from gpu_hpo.devices._cuda_kernels import usable
from gpu_hpo.neural_network import _kernel
from gpu_hpo.neural_network._backprop import Batches, Layout, Shape, array_epoch
from gpu_hpo.neural_network._optimizers import SGD, Adam
from tests.gpu.helpers import scaled, some_of

pytestmark = pytest.mark.gpu

OUTPUTS = {
    "labels": ("softmax", 7),
    "classes": ("softmax", 7),
    "multilabel": ("logistic", 3),
    "targets": ("identity", 2),
    "counts": ("exp", 1),
}
N_MODELS, N_ROWS = scaled(40, 22), scaled(300, 70)
# In the smaller type rounding decides whether a unit of "relu" is on.
TOLERANCE = {np.float32: 1e-2, np.float64: 1e-9}


class Problem:
    """Networks that differ in everything they may, and rows to train on."""

    def __init__(self, output, activation, hidden, solver, weighted, orders, dtype):
        self.rng = rng = np.random.default_rng(0)
        last, n_outputs = OUTPUTS[output]
        layout = Layout((20, *hidden, n_outputs))
        self.shape = Shape(layout, activation, last)
        self.solver, self.dtype = solver, dtype
        self.params = rng.standard_normal((N_MODELS, layout.n_params)) / 6
        self.alpha = np.logspace(-6, -1, N_MODELS)
        rates = np.logspace(-4, -3, N_MODELS)
        self.numbers = {
            "_rate": rates,
            "learning_rate_init": rates,
            "momentum": np.linspace(0, 0.9, N_MODELS),
            "nesterovs_momentum": np.full(N_MODELS, solver == "nesterov"),
            "beta_1": np.linspace(0.8, 0.9, N_MODELS),
            "beta_2": np.linspace(0.9, 0.999, N_MODELS),
            "epsilon": np.full(N_MODELS, 1e-6),
            "_n_steps": np.arange(N_MODELS),
        }
        self.X = rng.standard_normal((N_ROWS, 20))
        self.Y = {
            "softmax": np.eye(n_outputs)[rng.integers(0, n_outputs, N_ROWS)],
            "logistic": (rng.random((N_ROWS, n_outputs)) > 0.5) * 1.0,
            "identity": rng.standard_normal((N_ROWS, n_outputs)),
            "exp": rng.poisson(2, (N_ROWS, n_outputs)) * 1.0,
        }[last]
        self.labelled = output == "labels"
        self.weight = rng.random(N_ROWS) if weighted else None
        order = np.stack([rng.permutation(N_ROWS) for _ in range(N_MODELS)])
        # Five orders of four fifths of the rows, as of folds.
        folds = [[row for row in order[k] if row % 5 != k] for k in range(5)]
        numbers = np.arange(N_MODELS)
        self.orders = {
            "none": None,
            "shared": (order[:1], 0 * numbers),
            "own": (order, numbers),
            "folds": (np.array(folds), numbers % 5),
        }[orders]

    def trained(self, xp, epoch, size, models=slice(None)):
        """Losses, parameters and moments after two passes, on the host."""

        def put(array):
            return None if array is None else xp.array(array, self.dtype)

        params = put(self.params[models])
        moments = [xp.zeros_like(params) for _ in range(1 + (self.solver == "adam"))]
        numbers = {name: list(v[models]) for name, v in self.numbers.items()}
        Y = xp.asarray(self.Y.argmax(axis=1)) if self.labelled else put(self.Y)
        orders = self.orders
        if orders is not None:
            orders = xp.asarray(orders[0]), orders[1][models]
        data = Batches(put(self.X), Y, put(self.weight), orders, size)
        kind = Adam if self.solver == "adam" else SGD
        losses = []
        for _ in range(2):
            optimizer = kind(xp, moments, numbers)
            args = self.shape, params, put(self.alpha[models]), optimizer, data
            losses.append(epoch(*args))
        return [to_host(array) for array in (xp.stack(losses), params, *moments)]


def by_kernel(*args):
    """Losses of a pass by the kernel, which says whose weights are finite, too."""
    losses, sound = _kernel.kernel_epoch(*args)
    assert sound.all()
    return losses


@pytest.fixture(autouse=True)
def needs_numba():
    if not usable():
        pytest.skip("Numba cannot run kernels here")


@pytest.mark.parametrize(
    ("output", "activation", "solver", "dtype"),
    some_of(
        OUTPUTS,
        ["identity", "logistic", "tanh", "relu"],
        ["sgd", "nesterov", "adam"],
        [np.float32, np.float64],
    ),
)
def test_as_array_operations(output, activation, solver, dtype):
    """The kernel agrees with array operations of CuPy and of NumPy."""
    import cupy

    differences = []
    for hidden, size, weighted, orders in [
        ((30,), 32, False, "none"),
        ((17, 5), 7, True, "shared"),
        ((50, 40), 200, True, "own"),
        ((4,), 1, False, "own"),
        ((17, 5), 32, True, "folds"),
    ]:
        problem = Problem(output, activation, hidden, solver, weighted, orders, dtype)
        found = problem.trained(cupy, by_kernel, size)
        for xp in (cupy, np):
            expected = problem.trained(xp, array_epoch, size)
            for a, b in zip(expected, found, strict=True):
                assert b.dtype == dtype
                differences.append((abs(a - b) / np.maximum(abs(a), 1)).max())
    print("largest relative difference:", np.max(differences))
    assert np.max(differences) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
# What the solver remembers is in shared memory, or not.
@pytest.mark.parametrize("hidden", [(30,), (50, 40)])
def test_stacks(hidden, dtype):
    """A network comes out the same, bit for bit, of stacks of any size."""
    import cupy

    problem = Problem("labels", "relu", hidden, "adam", True, "own", dtype)
    every = problem.trained(cupy, by_kernel, 50)
    for models in (slice(3, 20), slice(7, 8)):
        fewer = problem.trained(cupy, by_kernel, 50, models)
        # The first of each is losses, of shape (2, n_models).
        assert (every[0][:, models] == fewer[0]).all()
        for a, b in zip(every[1:], fewer[1:], strict=True):
            assert (a[models] == b).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_folds(dtype):
    """A network that leaves rows out has the bits that the other rows alone give it."""
    import cupy

    problem = Problem("labels", "relu", (30,), "adam", True, "folds", dtype)
    found = problem.trained(cupy, by_kernel, 32)
    orders, which = problem.orders
    X, Y, weight = problem.X, problem.Y, problem.weight
    for k, order in enumerate(orders):
        own = np.sort(order)
        problem.X, problem.Y, problem.weight = X[own], Y[own], weight[own]
        problem.orders = np.searchsorted(own, order)[None], 0 * which
        alone = problem.trained(cupy, by_kernel, 32, slice(k, k + 1))
        assert (found[0][:, k] == alone[0][:, 0]).all()
        for a, b in zip(found[1:], alone[1:], strict=True):
            assert (a[k] == b[0]).all()


def test_folds_of_a_stack_take_one_launch(monkeypatch):
    """Networks of all folds of one length are trained by one launch, as on the CPU."""
    import cupy

    from gpu_hpo.neural_network import MLPClassifier

    calls = []
    original = _kernel.kernel_epoch

    def noted(*given):
        calls.append(given)
        return original(*given)

    monkeypatch.setattr(_kernel, "kernel_epoch", noted)
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((300, 12)), rng.integers(0, 3, 300)
    numbers = np.arange(300)
    rows = [numbers[k != numbers % 5] for k in range(5)]
    models = [MLPClassifier((8,), solver="sgd", random_state=i % 2) for i in range(5)]
    host, device = (MLPClassifier.stack(models) for _ in range(2))
    host.partial_fit(X, y, classes=[0, 1, 2], rows=rows)
    given = cupy.asarray(X), cupy.asarray(y)
    device.partial_fit(*given, classes=[0, 1, 2], rows=rows)
    assert len(calls) == 1
    found, expected = device.arrays["params"].get(), host.arrays["params"]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


def test_on_a_stream_of_the_caller():
    """What was put on CuPy's current stream before is done before."""
    import cupy

    problem = Problem("labels", "tanh", (30,), "adam", False, "own", np.float32)
    expected = problem.trained(cupy, by_kernel, 32)
    with cupy.cuda.Stream(non_blocking=True):
        found = problem.trained(cupy, by_kernel, 32)
    for a, b in zip(expected, found, strict=True):
        assert (a == b).all()
