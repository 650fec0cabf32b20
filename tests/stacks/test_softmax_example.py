# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The estimator of the documentation keeps the stack contract."""

import importlib.util
import pathlib

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from gpu_hpo.testing import NoHostCopyArray, check_stackable

PATH = pathlib.Path(__file__).parents[2] / "examples" / "softmax_regression.py"
X, y = (part[:300] for part in load_digits(return_X_y=True))
X = X / 16


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("softmax_regression", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def family(kind, **common):
    seeds = [0, np.random.RandomState(1), 2, 0, np.random.RandomState(3)]
    return [
        kind(10.0 ** -(1 + i), 0.5 / (1 + i), max_iter=5 + i, random_state=s, **common)
        for i, s in enumerate(seeds)
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_contract(example, early_stopping, dtype):
    """Models of a stack are to the bit what they are alone, in calls and in fits."""
    models = family(example.SoftmaxRegression, early_stopping=early_stopping)
    weight = np.random.default_rng(0).random(len(y)).astype(dtype)
    check_stackable(models, X.astype(dtype), y, sample_weight=weight, classes=range(10))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_accuracy(example):
    """It finds what scikit-learn's logistic regression finds."""
    model = example.SoftmaxRegression(random_state=0, max_iter=300).fit(X, y)
    peer = LogisticRegression().fit(X, y)
    assert model.score(X, y) >= peer.score(X, y) - 0.02
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_rows_stay_on_the_device(example):
    """Rows on a device are trained on there."""
    given = NoHostCopyArray(X), NoHostCopyArray(y)
    model = clone(example.SoftmaxRegression(random_state=0, max_iter=3))
    model.partial_fit(*given, classes=range(10))
    assert isinstance(model.coef_, NoHostCopyArray)
    assert isinstance(model.predict(given[0]), NoHostCopyArray)


def test_bad_parameters(example):
    """What makes no sense is refused before any training."""
    with pytest.raises(ValueError, match="eta0 be positive"):
        example.SoftmaxRegression(eta0=0).fit(X, y)
