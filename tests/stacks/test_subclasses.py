# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Subclasses of estimators of ours are searched as they are."""

import numpy as np
import pytest

from gpu_hpo.linear_model import SGDClassifier
from gpu_hpo.model_selection import GridSearchCV, IncrementalSearchCV
from gpu_hpo.stacks._contract import fits_together, stack_key

X = np.random.default_rng(0).standard_normal((60, 3))
Y = (X[:, 0] > 0).astype(int)


class Plain(SGDClassifier):
    """It only has another name."""


class Contrary(SGDClassifier):
    """It learns the opposite of what it is told."""

    def fit(self, X, y, **params):
        return super().fit(X, 1 - y, **params)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        return super().partial_fit(X, 1 - y, classes, sample_weight)


class Inverted(SGDClassifier):
    """It says the opposite of what it has learned."""

    def predict(self, X):
        return 1 - super().predict(X)


def searches(estimator):
    given = estimator, {"alpha": [1e-4, 1e-3]}
    yield GridSearchCV(*given, cv=3, scheduler="synchronous")
    yield IncrementalSearchCV(
        *given, n_initial_parameters=2, max_iter=3, chunk_size=20, random_state=0
    )


@pytest.mark.parametrize("kind", [Contrary, Inverted, Plain])
def test_methods_of_a_subclass_are_called(threads_client, kind):
    """A search calls methods that a subclass has written anew."""
    estimator = kind(random_state=0, max_iter=5, tol=None)
    for search in searches(estimator):
        search.fit(X, Y)
        right = search.best_score_ > 0.5
        assert right == (kind is Plain)
        assert right == (search.score(X, Y) > 0.5)


def test_which_subclasses_are_stacked():
    """A subclass without such methods still trains in stacks."""
    assert stack_key(Plain()) is not None
    assert fits_together(Plain())
    for kind in (Contrary, Inverted):
        assert stack_key(kind()) is None
        assert not fits_together(kind())
