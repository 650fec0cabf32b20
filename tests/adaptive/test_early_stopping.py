# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models that stop training by themselves: an error before any work, or they may."""

import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Perceptron, SGDClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.linear_model import SGDClassifier as OwnSGDClassifier
from gpu_hpo.model_selection import IncrementalSearchCV
from gpu_hpo.neural_network import MLPClassifier as OwnMLPClassifier
from tests.model_selection.helpers import make_data

X, y = make_data()
SPACE = {"alpha": [0.1, 0.01]}


class Fits(SGDClassifier):
    """Has a `partial_fit` of its own, which may do as it likes."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        return self.fit(X, y)


def search(estimator, parameters, **options):
    options = {"n_initial_parameters": 2, "max_iter": 2, "random_state": 0} | options
    return IncrementalSearchCV(estimator, parameters, **options)


@pytest.mark.parametrize(
    "kind",
    [SGDClassifier, Perceptron, MLPRegressor, OwnSGDClassifier, OwnMLPClassifier],
    ids=lambda kind: f"{kind.__module__.partition('.')[0]} {kind.__name__}",
)
def test_partial_fit(threads_client, kind):
    """With `partial_fit`, early_stopping=True is an error that names it."""
    with pytest.raises(ValueError, match="has early_stopping=True, but partial_fit"):
        search(kind(early_stopping=True), SPACE).fit(X, y)


def test_values_that_are_searched(threads_client):
    """It is one if no value that is searched is off, and none if one is."""
    model = MLPClassifier((2,))
    with pytest.raises(ValueError, match=r"parameters\['early_stopping'\]=\[True\]"):
        search(model, {"early_stopping": [True], **SPACE}).fit(X, y)
    model.early_stopping = True
    search(model, {"early_stopping": [False], **SPACE}).fit(X, y)


def test_steps(threads_client):
    """A step of a pipeline is named; one that is frozen is not trained."""
    model = SGDClassifier(early_stopping=True, random_state=0)
    steps = make_pipeline(StandardScaler(), model)
    with pytest.raises(ValueError, match="has sgdclassifier__early_stopping=True"):
        search(steps, {"sgdclassifier__alpha": [0.1, 0.01]}).fit(X, y)
    replaced = {"sgdclassifier": [Fits(), SGDClassifier()]}
    search(steps, replaced).fit(X, y)
    frozen = FrozenEstimator(model.fit(X, y))
    space = {"standardscaler__with_mean": [True, False]}
    search(make_pipeline(StandardScaler(), frozen), space).fit(X, y)


def test_those_that_may(threads_client):
    """A `partial_fit` of unknown code, or another resource, may stop early."""
    search(Fits(early_stopping=True), SPACE).fit(X, y)
    model = SGDClassifier(early_stopping=True)
    search(model, SPACE, resource="n_samples").fit(X, y)


@pytest.mark.parametrize(
    ("library", "name"), [("xgboost", "XGBClassifier"), ("lightgbm", "LGBMClassifier")]
)
@pytest.mark.parametrize("is_step", [False, True], ids=["alone", "step"])
def test_boosters(threads_client, library, name, is_step):
    """Boosters that stop early need rows to score on, in `eval_set`."""
    few = {"n_estimators": 2, "early_stopping_rounds": 1, "random_state": 0}
    model = getattr(pytest.importorskip(library), name)(**few)
    start = f"{name.lower()}__" if is_step else ""
    space = {f"{start}max_depth": [2, 3]}
    searching = search(
        make_pipeline(StandardScaler(), model) if is_step else model,
        space,
        resource="n_samples",
    )
    with pytest.raises(ValueError, match=f"pass {start}eval_set to fit"):
        searching.fit(X, y)
    given = {"eval_set": [(X[:50], y[:50])]}
    if library == "lightgbm":  # where eval_set is deprecated
        given = {"eval_X": X[:50], "eval_y": y[:50]}
    searching.fit(X, y, **{f"{start}{name}": value for name, value in given.items()})
