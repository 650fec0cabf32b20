# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Estimators whose own `score` is a metric of predictions."""

import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression, Ridge

from gpu_hpo.linear_model import QNClassifier, SGDClassifier, SGDRegressor
from gpu_hpo.metrics._metric import metric_of_score
from gpu_hpo.neural_network import MLPClassifier, MLPRegressor


class OwnScore(SGDClassifier):
    """One whose score is another one."""

    def score(self, X, y, sample_weight=None):
        return 0.0


@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        (LogisticRegression, "accuracy"),
        (Ridge, "r2"),
        (SGDClassifier, "accuracy"),
        (SGDRegressor, "r2"),
        (MLPClassifier, "accuracy"),
        (MLPRegressor, "r2"),
        (QNClassifier, "accuracy"),
        (KMeans, None),
        (OwnScore, None),
    ],
)
def test_what_an_estimators_score_is(kind, metric):
    """A search computes it for many models at once, where predictions are enough."""
    assert metric_of_score(kind()) == metric
