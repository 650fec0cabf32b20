# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What makes a value what it is: the same in each process, another where it differs."""

import functools
import json
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import loguniform, randint
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import make_scorer
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.journal._identity import described


def by(factor):
    def scored(model, X, y):
        return factor * model.score(X, y)

    return scored


def itself(n):
    def again(k):
        return again(k - 1) if k else n

    return again


DIFFERENT = {
    "lambdas": (lambda: [lambda m, X, y: 0.1, lambda m, X, y: 0.9]),
    "closures": lambda: [by(1), by(2)],
    "defaults": lambda: [lambda x=1: x, lambda x=2: x],
    "inner functions": lambda: [lambda: lambda: 1, lambda: lambda: 2],
    "partials": lambda: [functools.partial(max, 1), functools.partial(max, 2)],
    "distributions": lambda: [loguniform(1, 2), loguniform(1, 3), randint(1, 3)],
    "arrays": lambda: [np.arange(3), np.arange(3.0), np.array([0, 1, 3])],
    "estimators": lambda: [
        SGDClassifier(),
        SGDClassifier(alpha=1),
        make_pipeline(StandardScaler(), SGDClassifier()),
        make_pipeline(StandardScaler(), SGDClassifier(alpha=1)),
    ],
    "splitters": lambda: [KFold(3), KFold(4), KFold(3, shuffle=True, random_state=0)],
    "scorers": lambda: [make_scorer(max), make_scorer(max, greater_is_better=False)],
    "numbers": lambda: [1, 2.5, float("nan"), float("inf"), "1", None, 2**70],
    "long doubles": lambda: [np.longdouble(1) / 3, np.longdouble(2) / 3],
    "classes": lambda: [KFold, SGDClassifier, max, min],
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs(name):
    """Each has a description of its own, which is JSON, and the same each time."""
    first, again = (
        [json.dumps(described(value), sort_keys=True) for value in DIFFERENT[name]()]
        for _ in range(2)
    )
    assert first == again
    assert len(set(first)) == len(first)


def test_a_function_that_sees_itself():
    """It is described, too."""
    assert described(itself(1)) != described(itself(2))


def test_in_other_processes():
    """Hashes of strings, and addresses, do not matter."""
    code = """
from tests.journal.test_identity import DIFFERENT
from gpu_hpo.journal._identity import described
import json
print(json.dumps({k: [described(v) for v in m()] for k, m in DIFFERENT.items()}))
"""
    found = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(found) == 1
