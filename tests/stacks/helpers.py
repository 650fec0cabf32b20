# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models of our own whose stacks can be fitted, and rows to fit them to."""

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from gpu_hpo import linear_model, neural_network
from gpu_hpo.testing._same_models import same


@dataclass(frozen=True)
class Kind:
    """Estimators that share a stack type, and what tests need to know of them."""

    classifier: type
    regressor: type
    X: np.ndarray
    weight: np.ndarray
    targets: dict
    # What all models of a stack have in common, by a name; and where rows have weights.
    options: dict
    weighted: tuple
    # What the number of a model says of its parameters, besides those below.
    numbers: Callable

    def family(self, target, n=12, **options):
        """Make models that differ in every number, seeds and when to stop included."""
        regression = self.targets[target].dtype.kind == "f"
        kind = self.regressor if regression else self.classifier
        seeds = [0, 1, np.random.RandomState(3), 0, np.random.RandomState(4), 2]
        return [
            kind(
                **options | self.numbers(i, regression, options),
                random_state=copy.deepcopy(seeds[i % 6]),
                alpha=10.0 ** -(1 + i % 5),
                power_t=0.1 * (1 + i % 9),
                n_iter_no_change=1 + i % 4,
                validation_fraction=0.3 if i % 5 == 4 else 0.1,
            )
            for i in range(n)
        ]

    def stack(self, models, y, rows=None, **params):
        """Fit a stack of models."""
        rows = self.X if rows is None else rows
        return fitted(type(models[0]).stack(models), rows, y, **params)


def _linear_numbers(i, regression, options):
    passive = regression and options.get("learning_rate") == "pa1"
    return {
        **({"loss": "epsilon_insensitive"} if passive else {}),
        "average": bool(options.get("average")) and 1 + i * 9,
        "l1_ratio": 0.1 + 0.07 * i,
        "eta0": 0.2 / (1 + i % 4),
        "epsilon": 0.05 * (1 + i % 4),
        "tol": None if i == 5 else 10.0 ** -(1 + i % 3),
        "max_iter": 5 + 7 * (i % 6),
    }


def _network_numbers(i, regression, options):
    return {
        "hidden_layer_sizes": options.get("hidden_layer_sizes", (6, 3)),
        "batch_size": options.get("batch_size", 32),
        "learning_rate": ["constant", "adaptive", "invscaling"][i % 3],
        "learning_rate_init": 0.1 / (1 + i % 4),
        "momentum": 0.9 / (1 + i % 3),
        "beta_1": 0.9 / (1 + i % 3),
        "tol": 10.0 ** -(1 + i % 3),
        "max_iter": 3 + 4 * (i % 5),
    }


def _linear():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((110, 7)) / 2
    return Kind(
        linear_model.SGDClassifier,
        linear_model.SGDRegressor,
        X,
        rng.random(110),
        {
            "multiclass": (X[:, :3] + rng.standard_normal((110, 3))).argmax(axis=1),
            "binary": np.array(["no", "yes"])[(X[:, 0] > 0) * 1],
            "regression": X[:, 0] * 2 + rng.standard_normal(110),
        },
        {
            "default": {},
            "batches": {
                "batch_size": 16,
                "penalty": "elasticnet",
                "learning_rate": "constant",
            },
            "average": {"average": True, "penalty": "l1", "batch_size": 4},
            "early": {"early_stopping": True, "learning_rate": "invscaling"},
            "early adaptive": {
                "early_stopping": True,
                "learning_rate": "adaptive",
                "shuffle": False,
                "average": True,
            },
            "adaptive": {
                "learning_rate": "adaptive",
                "penalty": None,
                "batch_size": 8,
            },
            "pa1": {"learning_rate": "pa1", "shuffle": False},
        },
        ("batches", "early"),
        _linear_numbers,
    )


def _network():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 5))
    return Kind(
        neural_network.MLPClassifier,
        neural_network.MLPRegressor,
        X,
        rng.random(150),
        {
            "multiclass": rng.integers(0, 3, 150),
            "binary": np.array(["no", "yes"])[(X[:, 0] > 0) * 1],
            "multilabel": (rng.random((150, 3)) > 0.5).astype(int),
            "regression": X[:, 0] * 2 + rng.standard_normal(150),
            "two targets": rng.standard_normal((150, 2)),
        },
        {
            "sgd": {"solver": "sgd"},
            "adam": {"solver": "adam", "activation": "tanh"},
            "early": {"early_stopping": True},
            "early sgd": {"solver": "sgd", "early_stopping": True, "shuffle": False},
            "in order": {"shuffle": False},
            "large": {"hidden_layer_sizes": (150, 150), "early_stopping": True},
        },
        ("sgd", "early"),
        _network_numbers,
    )


LINEAR, NETWORK = _linear(), _network()


def fitted(model, *args, **params):
    """Fit a model, or a stack, that may be short of epochs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **params)


def assert_same(models, expected):
    """Compare all attributes of models with those of as many others."""
    for model, other in zip(models, expected, strict=True):
        assert vars(model).keys() == vars(other).keys()
        for name, value in vars(other).items():
            assert same(getattr(model, name), value), name


def assert_as_alone(stack, models, X, y, **params):
    """Fit the models that a fitted stack was made of by themselves, and compare."""
    alone = [fitted(model, X, y, **params) for model in models]
    assert_same(stack.unstack(), alone)


def assert_one_fails(stack, models, X, y, match):
    """Fit the models by themselves: of four, the third alone is to fail."""
    with pytest.raises(ValueError, match=match) as found:
        models[2].fit(X, y)
    assert str(stack.errors[2]) == str(found.value)
    out = stack.unstack()
    for i in (0, 1, 3):
        assert stack.errors[i] is None
        assert_same([out[i]], [fitted(models[i], X, y)])
