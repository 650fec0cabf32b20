# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Linear models on a real GPU: the kernel, array operations and the CPU agree."""

from dataclasses import fields

import numpy as np
import pytest

from gpu_hpo.devices._cuda_kernels import usable
from gpu_hpo.linear_model import _lanes as lane
from gpu_hpo.linear_model._lanes import Lanes, Rules, begin
from gpu_hpo.stacks._rows import Rows
from tests.gpu.helpers import scaled

pytestmark = pytest.mark.gpu

N_LANES = scaled(40, 12)
CASES = {
    "hinge, one by one": (Rules("hinge", "l2", "optimal", 1, True, False), 30),
    "log_loss, batches": (
        Rules("log_loss", "elasticnet", "invscaling", 64, True, True, True),
        64,
    ),
    "modified_huber, large batches": (
        Rules("modified_huber", "l1", "constant", 700, True, True),
        5,
    ),
    "pa1": (Rules("hinge", None, "pa1", 4, True, True, True), 20),
    "pa2, long rows": (Rules("squared_hinge", "l1", "pa2", 8, False, False), 2000),
    "perceptron, too long": (
        Rules("perceptron", "elasticnet", "optimal", 16, True, True),
        30_000,
    ),
}


def problem(rules, n_features, dtype):
    """Lanes that differ in every number, and rows that two orders go through.

    The orders leave out a tenth of the rows each, not the same.
    """
    rng = np.random.default_rng(0)
    n_rows = scaled(1000, 200) if n_features < 10_000 else scaled(100, 50)
    X = rng.standard_normal((n_rows, n_features)) / np.sqrt(n_features)
    y = (X[:, 0] > 0) + (X[:, -1] > 0).astype(float)
    numbers = np.arange(N_LANES)
    table = np.zeros((lane.N_ROWS, N_LANES))
    table[lane.T] = 1
    table[lane.ALPHA] = 10.0 ** -(2 + numbers % 3)
    ratios = {"l2": 0.0, "l1": 1.0}
    table[lane.L1_RATIO] = ratios.get(rules.penalty, 0.5 * numbers / N_LANES)
    table[lane.ETA] = 0.1 / (1 + numbers)
    table[lane.START] = table[lane.ALPHA] ** -0.75
    table[lane.POWER_T] = 0.1 * (1 + numbers % 5)
    table[lane.AVERAGE] = 1 + numbers
    table[lane.CODE] = numbers % 3
    table[lane.POSITIVE] = 1 + numbers / N_LANES
    table[lane.NEGATIVE] = 1
    shape = N_LANES, n_features
    lanes = Lanes(
        np.zeros(shape, dtype),
        np.zeros(N_LANES),
        np.zeros(shape, dtype),
        np.zeros(N_LANES),
        table,
        np.empty((N_LANES, 0), dtype),
    )
    begin(np, rules, lanes)
    rows = Rows(X.astype(dtype), y, rng.random(n_rows))
    n_seen = n_rows - n_rows // 10
    order = np.stack([rng.permutation(n_rows)[:n_seen] for _ in range(2)])
    return lanes, rows, (order, numbers % 2)


def on_device(lanes, rows):
    """Copy lanes and rows to the device."""
    import cupy as cp

    parts = {f.name: cp.asarray(getattr(lanes, f.name)) for f in fields(Lanes)}
    return Lanes(**parts), Rows(*(cp.asarray(p) for p in (rows.X, rows.y, rows.weight)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_kernel_is_array_operations_is_the_cpu(case, dtype):
    """Three ways to train give the same weights, but for rounding."""
    from gpu_hpo.linear_model._array_loop import array_epoch
    from gpu_hpo.linear_model._compiled import compiled_epoch
    from gpu_hpo.linear_model._kernel import kernel_epoch

    assert usable()
    rules, n_features = CASES[case]
    host, rows, orders = problem(rules, n_features, dtype)
    kernel, device_rows = on_device(host, rows)
    arrays, _ = on_device(host, rows)
    for _ in range(2):
        kernel_epoch(rules, kernel, device_rows, orders)
        array_epoch(rules, arrays, device_rows, orders)
        compiled_epoch(rules, host, rows, orders)
    tolerance = 1e-8 if dtype is np.float64 else 2e-3
    for name in ("weights", "intercepts", "average_weights", "average_intercepts"):
        if name.startswith("average") and not rules.averaging:
            continue
        found = getattr(kernel, name).get()
        others = {"array operations": getattr(arrays, name).get()}
        others["the CPU"] = getattr(host, name)
        assert np.isfinite(found).all()
        assert found.any() or not rules.fit_intercept
        for other, expected in others.items():
            largest = np.abs(found - expected).max()
            print(f"{case}, {np.dtype(dtype)}: {name} off {other}'s by {largest:.1e}")
            np.testing.assert_allclose(
                found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max()
            )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_company_does_not_matter(case, dtype):
    """On a device too, a lane has the same bits alone, among three and among all."""
    from gpu_hpo.linear_model._kernel import kernel_epoch

    rules, n_features = CASES[case]
    host, rows, (order, which) = problem(rules, n_features, dtype)
    found = []
    for launch in ([7], [2, 7, 9], list(range(N_LANES))):
        part, device_rows = on_device(host.part(np.array(launch)), rows)
        kernel_epoch(rules, part, device_rows, (order, which[launch]))
        at = launch.index(7)
        found.append((part.weights.get()[at], part.intercepts.get()[at]))
    for weights, intercept in found[1:]:
        assert (weights == found[0][0]).all()
        assert intercept == found[0][1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_rows_left_out_do_not_matter(case, dtype):
    """A lane has the bits that the rows of its order give it if there are no others."""
    from gpu_hpo.linear_model._kernel import kernel_epoch

    rules, n_features = CASES[case]
    host, rows, (order, which) = problem(rules, n_features, dtype)
    together, device_rows = on_device(host, rows)
    kernel_epoch(rules, together, device_rows, (order, which))
    for k in range(2):
        lanes, own = np.flatnonzero(which == k), np.sort(order[k])
        part, device_rows = on_device(host.part(lanes), rows.take(own))
        alone = np.searchsorted(own, order[k])[None], 0 * lanes
        kernel_epoch(rules, part, device_rows, alone)
        assert (part.weights.get() == together.weights.get()[lanes]).all()
        assert (part.intercepts.get() == together.intercepts.get()[lanes]).all()


def test_folds_of_a_stack_take_one_launch(monkeypatch):
    """Models of all folds of one length are trained by one launch, as on the CPU."""
    import cupy as cp

    from gpu_hpo.linear_model import SGDClassifier, _kernel

    calls = []
    original = _kernel.kernel_epoch

    def noted(*given):
        calls.append(given)
        original(*given)

    monkeypatch.setattr(_kernel, "kernel_epoch", noted)
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((300, 12)), rng.integers(0, 3, 300)
    numbers = np.arange(300)
    rows = [numbers[k != numbers % 5] for k in range(5)]
    models = [SGDClassifier(random_state=i % 2, alpha=0.01) for i in range(5)]
    host, device = (SGDClassifier.stack(models) for _ in range(2))
    host.partial_fit(X, y, classes=[0, 1, 2], rows=rows)
    given = cp.asarray(X), cp.asarray(y)
    device.partial_fit(*given, classes=[0, 1, 2], rows=rows)
    assert len(calls) == 1
    np.testing.assert_allclose(
        device.arrays["coefs"].get(), host.arrays["coefs"], rtol=1e-8, atol=1e-10
    )


def test_estimators_train_by_the_kernel(monkeypatch):
    """Models given rows on the device are trained by the kernel."""
    import cupy as cp

    from gpu_hpo.linear_model import SGDClassifier, _kernel

    calls = []
    original = _kernel.kernel_epoch

    def noted(*given):
        calls.append(given)
        original(*given)

    monkeypatch.setattr(_kernel, "kernel_epoch", noted)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 12)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.int64)
    model = SGDClassifier(random_state=0, average=5)
    model.partial_fit(cp.asarray(X), cp.asarray(y), classes=[0, 1])
    assert len(calls) == 1
    peer = SGDClassifier(random_state=0, average=5).partial_fit(X, y, classes=[0, 1])
    np.testing.assert_allclose(model.coef_.get(), peer.coef_, rtol=2e-3, atol=1e-3)
