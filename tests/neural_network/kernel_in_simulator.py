# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Trains networks by the kernel in Numba's simulator, and prints findings as JSON.

A process of its own, with NUMBA_ENABLE_CUDASIM=1 from its beginning. Everything is
tiny, since in the simulator each thread of a GPU is one of Python's.
"""

import itertools
import json
import sys

import numpy as np

from gpu_hpo.neural_network._backprop import Batches, Layout, Shape, array_epoch
from gpu_hpo.neural_network._kernel import TilePlan, kernel_epoch
from gpu_hpo.neural_network._optimizers import SGD, Adam

# Activation of the last layer and number of outputs.
OUTPUTS = {
    "classes": ("softmax", 3),
    "labels": ("softmax", 3),
    "binary": ("logistic", 1),
    "multilabel": ("logistic", 3),
    "targets": ("identity", 2),
    "counts": ("exp", 1),
}
ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
SOLVERS = ("sgd", "nesterov", "adam")
ORDERS = ("none", "shared", "several")
# Tiles are smaller than batches, and units more than threads; gradients and moments are
# in shared memory or not. As many plans as share no factor with the numbers of cases,
# so that all meet all.
PLANS = (
    TilePlan(2, 4, True),
    TilePlan(2, 2, False),
    TilePlan(2, 2, True),
    TilePlan(2, 4, False),
    TilePlan(1, 2, True),
)
N_ROWS, BATCH = 5, 3


class Problem:
    """Five networks that differ in everything they may, and rows to train on."""

    def __init__(
        self, output, activation="tanh", solver="sgd", weighted=False, orders="none"
    ):
        rng = np.random.default_rng(0)
        last, n_outputs = OUTPUTS[output]
        layout = Layout((3, 3, 2, n_outputs))
        self.shape = Shape(layout, activation, last)
        self.params = rng.standard_normal((5, layout.n_params)) / 2
        self.moments = rng.random((2, 5, layout.n_params)) / 10
        self.alpha = np.arange(5) / 4
        self.solver = solver
        self.numbers = {
            "_rate": 0.2 / np.arange(1, 6),
            "learning_rate_init": 0.2 / np.arange(1, 6),
            "momentum": np.arange(5) / 5,
            "nesterovs_momentum": np.full(5, solver == "nesterov"),
            "beta_1": 0.9 - np.arange(5) / 10,
            "beta_2": 0.99 - np.arange(5) / 10,
            "epsilon": np.full(5, 1e-3),
            "_n_steps": np.arange(5),
        }
        self.X = rng.standard_normal((N_ROWS, 3))
        self.Y = {
            "softmax": np.eye(3)[rng.integers(0, 3, N_ROWS)],
            "logistic": (rng.random((N_ROWS, n_outputs)) > 0.5) * 1.0,
            "identity": rng.standard_normal((N_ROWS, n_outputs)),
            "exp": rng.poisson(1, (N_ROWS, n_outputs)) * 1.0,
        }[last]
        if output == "labels":
            self.Y = self.Y.argmax(axis=1)
        self.weight = rng.random(N_ROWS) if weighted else None
        # Where there are several, each leaves rows out, and some networks share one.
        several = np.stack([rng.permutation(N_ROWS)[:-1] for _ in range(3)])
        self.orders = {
            "none": None,
            "shared": (rng.permutation(N_ROWS)[None], np.zeros(5, int)),
            "several": (several, np.array([0, 1, 2, 2, 0])),
        }[orders]

    def trained(self, plan, models=slice(None), dtype=np.float64):
        """Losses, parameters and moments after a pass; by arrays without a plan."""
        params = self.params[models].astype(dtype)
        n_moments = 2 if self.solver == "adam" else 1
        moments = [m[models].astype(dtype) for m in self.moments[:n_moments]]
        orders = self.orders
        if orders is not None:
            orders = orders[0], orders[1][models]
        Y = self.Y if self.Y.ndim == 1 else self.Y.astype(dtype)
        weight = None if self.weight is None else self.weight.astype(dtype)
        data = Batches(self.X.astype(dtype), Y, weight, orders, BATCH)
        numbers = {name: list(v[models]) for name, v in self.numbers.items()}
        optimizer = (Adam if n_moments == 2 else SGD)(np, moments, numbers)
        args = self.shape, params, self.alpha[models].astype(dtype), optimizer, data
        if plan is None:
            losses = array_epoch(*args)
        else:
            losses, sound = kernel_epoch(*args, plan)
            assert (sound == np.isfinite(params).all(axis=1)).all()
        return [losses, params, *moments]


def compared():
    """The largest relative difference from array operations, for each kind of case."""
    kinds = itertools.product(OUTPUTS, ACTIVATIONS, SOLVERS, (False, True), ORDERS)
    for i, kind in enumerate(kinds):
        problem = Problem(*kind)
        # One network has but one order.
        models = slice(1, 3 if kind[-1] == "several" else 2)
        # In turn, so that each type meets each solver, weights or none, each order.
        dtype = (np.float64, np.float32)[i % 2]
        plan = PLANS[i % len(PLANS)]
        expected = problem.trained(None, models, dtype)
        found = problem.trained(plan, models, dtype)
        yield {
            "output": kind[0],
            "activation": kind[1],
            "rest": [*kind[2:], plan],
            "dtype": np.dtype(dtype).name,
            "difference": max(
                float((abs(b - a) / np.maximum(abs(a), 1)).max())
                for a, b in zip(expected, found, strict=True)
            ),
        }


def stacked():
    """Whether networks come out the same, bit for bit, of stacks of 5, 3 and 1."""
    for solver, plan in itertools.product(SOLVERS, (PLANS[0], PLANS[3])):
        problem = Problem("labels", "relu", solver, True, "several")
        five = problem.trained(plan)
        for models in (slice(1, 4), slice(2, 3)):
            fewer = problem.trained(plan, models)
            yield all((a[models] == b).all() for a, b in zip(five, fewer, strict=True))


def diverged():
    """What becomes of three networks if a weight of the second is infinite, or NaN.

    Whether the others are what they are alone, and whether the second is finite only
    where it is in array operations.
    """
    for output, activation in itertools.product(OUTPUTS, ("tanh", "relu")):
        problem = Problem(output, activation)
        alone = [problem.trained(PLANS[0], slice(i, i + 1)) for i in (0, 2)]
        for spoilt in (np.nan, np.inf):
            if (output, spoilt) == ("counts", np.inf):
                # Here Python's functions raise what a GPU's do not.
                continue
            problem.params[1, 0] = spoilt
            found = problem.trained(PLANS[0], slice(3))
            expected = problem.trained(None, slice(3))
            yield {
                "case": [output, activation, str(spoilt)],
                "neighbours": all(
                    (a[i] == b[0]).all()
                    for i, one in zip((0, 2), alone, strict=True)
                    for a, b in zip(found, one, strict=True)
                ),
                "finite": all(
                    (np.isfinite(a) == np.isfinite(b)).all()
                    for a, b in zip(found, expected, strict=True)
                ),
            }


if __name__ == "__main__":
    # Threads that wait for each other ask for Python's lock.
    sys.setswitchinterval(1e-5)
    found = {f.__name__: list(f()) for f in (compared, stacked, diverged)}
    print(json.dumps(found))
