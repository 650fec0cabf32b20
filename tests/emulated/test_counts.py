# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How often the host launches, waits and copies; benchmarks/launches.py prints it."""

import gc

import numpy as np
import pytest

from gpu_hpo.devices._kept import _found, unchanged_arrays
from gpu_hpo.linear_model import SGDClassifier, SGDRegressor
from gpu_hpo.neural_network import MLPClassifier, MLPRegressor
from tests.emulated.cuda_on_host import counting

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 12)).astype(np.float32)
TARGETS = {
    "two": RNG.integers(0, 2, 200),
    "three": RNG.integers(0, 3, 200),
    "real": RNG.standard_normal(200),
}
CASES = {
    "SGD of two classes": (
        lambda i: SGDClassifier(loss="log_loss", random_state=0, batch_size=32),
        "two",
    ),
    "SGD of three, each by its own seed": (
        lambda i: SGDClassifier(random_state=i, batch_size=32),
        "three",
    ),
    "averaged SGD of targets": (
        lambda i: SGDRegressor(random_state=0, average=True),
        "real",
    ),
    "Adam, two classes": (lambda i: MLPClassifier((8,), random_state=0), "two"),
    "SGD network, three classes": (
        lambda i: MLPClassifier((8,), solver="sgd", random_state=i),
        "three",
    ),
    "Adam, targets": (
        lambda i: MLPRegressor(hidden_layer_sizes=(8,), random_state=0),
        "real",
    ),
}


@pytest.fixture(params=CASES)
def case(request):
    """A stack of so many models, X, y and options of the first call."""
    import cupy

    make, target = CASES[request.param]
    y = TARGETS[target]
    options = {} if target == "real" else {"classes": np.unique(y)}
    rows = cupy.asarray(X), cupy.asarray(y)

    def stack(n):
        return type(make(0)).stack([make(i) for i in range(n)])

    return stack, rows, options


@pytest.mark.parametrize("n_models", [1, 16])
@pytest.mark.parametrize("weighted", [False, True])
def test_calls_of_a_stack(case, n_models, weighted):
    """After its first call a stack costs a launch, a wait and two small copies."""
    import cupy

    make, rows, options = case
    stack, more = make(n_models), {}
    if weighted:
        more["sample_weight"] = cupy.asarray(RNG.random(200) + 0.1)
    with unchanged_arrays("a search"):
        stack.partial_fit(*rows, **options, **more)
        with counting() as counts:
            stack.partial_fit(*rows, **more)
    totals = counts.totals()
    assert totals.get("launch", 0) + totals.get("fill", 0) <= 1, counts.lines("launch")
    assert totals["wait"] == 1, counts.lines("wait")
    assert totals["upload"] == 1, counts.lines("upload")
    assert totals["download"] == 1, counts.lines("download")
    assert counts.n_bytes("download") <= 16 * n_models * 3


def test_the_first_call_of_many(case):
    """The weights of 256 new models go to the device in one piece."""
    make, rows, options = case
    stack = make(256)
    with unchanged_arrays("a search"), counting() as counts:
        stack.partial_fit(*rows, **options)
    assert len(counts.of("upload")) <= 2, counts.lines("upload")
    # Of y: whether it is finite, and whether its labels are known.
    assert len(counts.of("wait")) <= 3, counts.lines("wait")


def test_calls_without_a_promise(case):
    """Where arrays may change, rows are looked at in each call, and models are not."""
    make, rows, options = case
    stack = make(16).partial_fit(*rows, **options)
    with counting() as counts:
        stack.partial_fit(*rows)
    assert len(counts.of("wait")) == 3, counts.lines("wait")
    assert len(counts.of("launch", "fill")) <= 12, counts.lines("launch")
    assert len(counts.of("upload")) == 1, counts.lines("upload")


def test_rows_that_change_are_read_again(case):
    """What is kept of rows ends with the promise, with the search and with the rows."""
    import cupy

    make, (X, y), options = case
    turned = cupy.asarray(y.get()[::-1].copy())

    def trained(target):
        with unchanged_arrays("another search"):
            stack = make(2).partial_fit(X, target, **options)
        return [m.predict(X).get() for m in stack.unstack()]

    with unchanged_arrays("a search"):
        make(2).partial_fit(X, y, **options)
    expected = trained(turned)
    y[...] = turned
    for found, wanted in zip(trained(y), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    stack = make(2)
    stack.partial_fit(X, y, **options)
    y[...] = y[::-1].copy()
    other = make(2).partial_fit(X, cupy.asarray(y.get()), **options)
    stack = make(2).partial_fit(X, y, **options)
    for a, b in zip(stack.unstack(), other.unstack(), strict=True):
        np.testing.assert_array_equal(a.predict(X).get(), b.predict(X).get())


def test_what_is_kept_dies_with_the_rows(case):
    """No array on a device outlives the chunk that it follows from."""
    import cupy

    make, (X, y), options = case
    before = len(_found)
    chunk = X.copy(), y.copy()
    with unchanged_arrays("a search"):
        make(2).partial_fit(*chunk, **options)
        assert len(_found) > before
    del chunk
    gc.collect()
    assert len(_found) == before
    assert cupy.asnumpy(X).shape == (200, 12)


def test_labels_of_no_class_are_refused(case):
    """A chunk with another label is refused, whether or not chunks may change."""
    import contextlib

    make, (X, y), options = case
    if not options:
        pytest.skip("targets have no classes")
    y = y + 7
    for promise in (contextlib.nullcontext(), unchanged_arrays("a search")):
        stack = make(2)
        with promise, pytest.raises(ValueError, match="classes"):
            stack.partial_fit(X, y, **options)


@pytest.mark.parametrize(
    "make", [CASES["Adam, targets"][0], CASES["averaged SGD of targets"][0]]
)
def test_models_that_diverge(make):
    """The kernel says which models are no longer finite, as NumPy does on the host."""
    import cupy

    rows, y = np.abs(X) * 1e18, TARGETS["real"] * 1e18
    name = "eta0" if hasattr(make(0), "eta0") else "learning_rate_init"
    models = [make(0).set_params(**{name: rate}) for rate in (1e-30, 1e10)]
    host, device = (type(models[0]).stack(models) for _ in "ab")
    with np.errstate(all="ignore"):
        host.partial_fit(rows, y)
    device.partial_fit(cupy.asarray(rows), cupy.asarray(y))
    said = [[str(error) for error in stack.errors] for stack in (host, device)]
    assert said[0] == said[1]
    assert said[1][0] == "None"
    assert said[1][1] != "None"
