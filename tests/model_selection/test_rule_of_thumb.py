# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""HyperbandSearchCV.from_rule_of_thumb, against the numbers in dask-ml's guide."""

import numpy as np
import pytest
from scipy.stats import loguniform, uniform
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import HyperbandSearchCV
from tests.model_selection.helpers import make_data

PARAMETERS = {"alpha": loguniform(1e-2, 1), "l1_ratio": uniform(0, 1)}


def test_numbers_of_the_guide():
    """The guide's 20 passes through 90 rows by 94 models give the guide's search."""
    search = HyperbandSearchCV.from_rule_of_thumb(
        SGDClassifier(),
        PARAMETERS,
        n_examples=20 * 90,
        n_params=94,
        aggressiveness=4,
        random_state=0,
    )
    assert (search.max_iter, search.chunk_size) == (94, 1800 // 94)
    assert (search.aggressiveness, search.random_state) == (4, 0)
    assert search.metadata["partial_fit_calls"] == 1151
    assert search.metadata["n_models"] == 98


class Counting(SGDClassifier):
    """Counts the rows that it has seen."""

    seen_ = 0

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Count, and train."""
        self.seen_ += len(X)
        return super().partial_fit(X, y, classes, sample_weight)


def test_best_models_see_the_examples(threads_client):
    """Data in memory is cut so that the longest trained models see n_examples rows."""
    X, y = make_data()
    search = HyperbandSearchCV.from_rule_of_thumb(
        Counting(), PARAMETERS, n_examples=1800, n_params=9, random_state=0
    )
    search.fit(X, y, validation_data=(X, y))
    assert search.chunk_size == 200
    assert search.best_estimator_.seen_ == 1800


def test_integers_of_numpy_and_subclasses():
    """NumPy's integers will do, and a subclass makes one of its own."""

    class Mine(HyperbandSearchCV):
        pass

    search = Mine.from_rule_of_thumb(
        SGDClassifier(), PARAMETERS, n_examples=np.int64(90), n_params=np.int32(9)
    )
    assert type(search) is Mine
    assert (type(search.max_iter), type(search.chunk_size)) == (int, int)


def test_other_arguments_are_checked():
    """An argument that the class lacks is refused, and so are those that follow."""
    with pytest.raises(TypeError, match="n_models"):
        HyperbandSearchCV.from_rule_of_thumb(
            SGDClassifier(), PARAMETERS, n_examples=90, n_params=9, n_models=3
        )
    with pytest.raises(TypeError, match="max_iter=3 cannot be given"):
        HyperbandSearchCV.from_rule_of_thumb(
            SGDClassifier(), PARAMETERS, n_examples=90, n_params=9, max_iter=3
        )
