# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The CUDA kernel, in Numba's simulator, does what the array operations do."""

import itertools
import json
import pathlib
import subprocess
import sys
import types

import numpy as np
import pytest

from gpu_hpo.devices import _cuda_kernels
from gpu_hpo.linear_model._hot_loop import train_epoch
from gpu_hpo.linear_model._kernel import SHARED_BYTES, _layout, _threads
from gpu_hpo.linear_model._lanes import Rules
from gpu_hpo.stacks._rows import Rows
from gpu_hpo.testing import NoHostCopyArray

SCRIPT = pathlib.Path(__file__).with_name("kernel_in_simulator.py")
CLASSIFIERS = ("hinge", "perceptron", "squared_hinge", "log_loss", "modified_huber")
LOSSES = (
    *CLASSIFIERS,
    "squared_error",
    "huber",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
)
PENALTIES = ("l2", "l1", "elasticnet", None)
# "adaptive" is "constant" while an epoch lasts.
RATES = ("constant", "optimal", "invscaling", "pa1", "pa2")
DEFAULT = {
    "dtype": "float64",
    "n_lanes": 2,
    "n_features": 3,
    "n_rows": 7,
    "n_orders": 1,
    "left_out": 0,
    "loss": "hinge",
    "penalty": "elasticnet",
    "learning_rate": "optimal",
    "batch_size": 3,
    "fit_intercept": True,
    "averaging": True,
    "objective": True,
    "classes": True,
    "weighted": True,
    "threads": 4,
    "n_epochs": 1,
}
# Of what has no bearing on which formula is taken, each case draws something.
DRAWN = {
    "dtype": ("float32", "float64", "float64"),
    "n_features": (1, 3, 4, 9),
    "n_orders": (1, 2),
    "left_out": (0, 2),
    "batch_size": (1, 2, 3, 5, 50),
    "fit_intercept": (True, True, False),
    "averaging": (True, False),
    "objective": (True, False),
    "weighted": (True, False),
    "threads": (1, 2, 4),
}


def formulas():
    """Every loss with every penalty and learning rate."""
    rng = np.random.default_rng(0)
    for loss, penalty, rate in itertools.product(LOSSES, PENALTIES, RATES):
        drawn = {k: v[rng.integers(len(v))] for k, v in DRAWN.items()}
        yield (
            DEFAULT
            | drawn
            | {
                "loss": loss,
                "penalty": penalty,
                "learning_rate": rate,
                "classes": loss in CLASSIFIERS,
            }
        )


def options():
    """Every option with any two others, of a few models."""
    kinds = (
        {"loss": "log_loss", "penalty": "elasticnet"},
        {"loss": "hinge", "penalty": "l2", "learning_rate": "pa1"},
        {"loss": "squared_error", "penalty": "l1", "classes": False},
    )
    names = ("averaging", "objective", "weighted", "batch_size", "n_orders")
    values = ((True, False), (True, False), (True, False), (1, 3), (1, 2))
    for number, (kind, *chosen) in enumerate(itertools.product(kinds, *values)):
        # Of the 32 choices half are enough for any values of three to meet.
        if (number % 32).bit_count() % 2:
            continue
        case = DEFAULT | kind | dict(zip(names, chosen, strict=True))
        # Twice through the rows where that is soon done.
        yield case | {"n_epochs": 1 + (case["batch_size"] > 1)}


# What a block of threads can look like.
SHAPES = [
    DEFAULT | shape | {"dtype": dtype}
    for dtype in ("float32", "float64")
    for shape in (
        {"threads": 8, "n_features": 3, "n_rows": 20, "batch_size": 9},
        {"threads": 8, "n_features": 2, "n_rows": 20, "batch_size": 19},
        {"threads": 2, "n_features": 9, "n_rows": 20, "batch_size": 7},
        {"threads": 32, "n_features": 5, "n_rows": 50, "batch_size": 40},
        {"threads": 32, "n_features": 40, "n_rows": 3, "batch_size": 1},
        {"threads": 32, "n_features": 40, "n_rows": 30, "batch_size": 30},
        {"threads": None, "n_features": 3, "n_rows": 3, "batch_size": 1},
        # Where all is in global memory, the weights only are shared, and so on.
        *(
            {"threads": 4, "n_features": 30, "batch_size": 4, "shared_bytes": n}
            for n in (0, 500, 700, 900, 1100, 1400)
        ),
    )
]
# A lane by itself and among others.
LAUNCHES = [[2], [0, 2, 4], [0, 1, 2, 3, 4]]
COMPANY = [
    DEFAULT | {"n_lanes": 5, "n_orders": 2, "launches": LAUNCHES} | more
    for more in (
        {"dtype": "float32"},
        {"dtype": "float64", "batch_size": 1},
        {"loss": "log_loss", "threads": 8, "n_features": 3, "batch_size": 20},
        {"loss": "huber", "classes": False, "learning_rate": "constant"},
        {"loss": "hinge", "learning_rate": "pa1", "averaging": False},
    )
]
DIVERGING = [
    DEFAULT
    | {
        "n_lanes": 3,
        "n_epochs": 2,
        "loss": loss,
        "classes": False,
        "learning_rate": "constant",
        "penalty": penalty,
        "batch_size": size,
        "diverges": 1,
        "launches": [[0, 1, 2], [0, 2]],
    }
    for loss, penalty, size in (
        ("squared_error", "l2", 1),
        ("squared_error", "elasticnet", 3),
        ("squared_epsilon_insensitive", None, 1),
    )
]
LOST = [
    DEFAULT
    | {
        "loss": loss,
        "learning_rate": rate,
        "penalty": None,
        "classes": loss in CLASSIFIERS,
        "nan": 1,
    }
    for loss in LOSSES
    for rate in ("constant", "pa1", "pa2")
]
CASES = {
    "formulas": list(formulas()),
    "options": list(options()),
    "shapes": SHAPES,
    "company": COMPANY,
    "diverging": DIVERGING,
    "lost": LOST,
}


@pytest.fixture(scope="module")
def outcomes():
    """What array operations and the kernel give in each case."""
    cases = list(itertools.chain(*CASES.values()))
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = iter(json.loads(done.stdout.splitlines()[-1]))
    return {name: [next(found) for _ in some] for name, some in CASES.items()}


def compare(case, outcome):
    """Check that the kernel gave what the array operations gave."""
    tolerance = 1e-9 if case["dtype"] == "float64" else 2e-4
    for name, expected in outcome["arrays"].items():
        if name.startswith("average") and not case["averaging"]:
            continue
        np.testing.assert_allclose(
            outcome["kernel"][0][name],
            expected,
            rtol=tolerance,
            atol=tolerance / 10,
            err_msg=f"{name} of {case}",
        )


@pytest.mark.parametrize("name", ["formulas", "options", "shapes"])
def test_kernel_is_array_operations(outcomes, name):
    """Weights, averages and the table are what the array operations make them."""
    for case, outcome in zip(CASES[name], outcomes[name], strict=True):
        compare(case, outcome)
        start = np.asarray(outcome["start"])
        assert (np.asarray(outcome["kernel"][0]["weights"]) != start).any(), case


def test_company_does_not_matter(outcomes):
    """A lane has the same bits alone, among three and among five."""
    for case, outcome in zip(COMPANY, outcomes["company"], strict=True):
        alone, three, five = outcome["kernel"]
        for name in alone:
            axis = 1 if name == "table" else 0
            parts = [np.asarray(part[name]) for part in (alone, three, five)]
            found = [p.take(i, axis) for p, i in zip(parts, (0, 1, 2), strict=True)]
            assert (found[0] == found[1]).all(), (name, case)
            assert (found[0] == found[2]).all(), (name, case)


def test_divergence_harms_no_neighbour(outcomes):
    """Lanes beside one that overflows have the bits that they have without it."""
    for case, outcome in zip(DIVERGING, outcomes["diverging"], strict=True):
        beside, without = (np.asarray(p["weights"]) for p in outcome["kernel"])
        assert not np.isfinite(beside[1]).all(), case
        assert np.isfinite(without).all(), case
        assert (beside[[0, 2]] == without).all(), case


def test_nan_does_not_pass_for_right(outcomes):
    """Where a score is NaN, a lane goes on as it does in the array operations."""
    for case, outcome in zip(LOST, outcomes["lost"], strict=True):
        compare(case, outcome)
        start = np.asarray(outcome["start"])
        assert (np.asarray(outcome["kernel"][0]["weights"])[1] != start[1]).any(), case


@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("size", [1, 2, 8, 50, 256, 5000])
@pytest.mark.parametrize("n_features", [1, 7, 64, 1000, 20_000])
def test_layout(n_features, size, itemsize):
    """A block never asks for more shared memory than any device has."""
    rules = Rules("hinge", "elasticnet", "optimal", size, True, True)
    threads = _threads(n_features, size)
    layout, n_bytes = _layout(rules, n_features, size, itemsize, threads)
    assert 32 <= threads <= 256
    assert n_bytes <= SHARED_BYTES
    assert layout.tile <= threads
    assert threads % layout.team == threads % layout.columns == 0
    assert (layout.weights >= 0) == (n_features <= 1000)


def test_who_gets_the_kernel(monkeypatch):
    """Dense rows of CuPy get the kernel if Numba can run it, other devices' never."""
    taken = []
    rules = Rules("hinge", "l2", "optimal", 1, True, False)
    for module, name in (("_kernel", "kernel_epoch"), ("_array_loop", "array_epoch")):
        monkeypatch.setattr(
            f"gpu_hpo.linear_model.{module}.{name}", lambda *_, n=name: taken.append(n)
        )
    cupy = types.SimpleNamespace(__name__="cupy")
    dense = Rows(np.ones((2, 2)), None, None)
    sparse = Rows(types.SimpleNamespace(indptr=None), None, None)
    other = NoHostCopyArray(np.ones(2)).__array_namespace__()
    for usable, xp, rows in (
        (True, cupy, dense),
        (True, cupy, sparse),
        (True, other, dense),
        (False, cupy, dense),
    ):
        monkeypatch.setattr(_cuda_kernels, "usable", lambda usable=usable: usable)
        weights = types.SimpleNamespace(__array_namespace__=lambda xp=xp: xp)
        lanes = types.SimpleNamespace(weights=weights, table=weights)
        train_epoch(rules, lanes, rows, (np.zeros((1, 2), int), np.zeros(1, int)))
    assert taken == ["kernel_epoch", *["array_epoch"] * 3]
