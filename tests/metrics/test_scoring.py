# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Scoring part by part, on the device that holds the data."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import (
    accuracy_score,
    check_scoring,
    get_scorer,
    make_scorer,
    mean_absolute_error,
    r2_score,
)

from gpu_hpo.metrics._scoring import make_scoring
from gpu_hpo.testing import NoHostCopyArray

rng = np.random.default_rng(0)
X = rng.standard_normal((90, 3))
labels = np.array(["no", "yes"])[(X.sum(axis=1) + rng.standard_normal(90) > 0) * 1]
target = X @ [1.0, 2.0, 3.0] + rng.standard_normal(90)
weight = rng.uniform(size=90)
classifier = SGDClassifier(loss="log_loss", random_state=0).fit(X, labels)
regressor = SGDRegressor(random_state=0).fit(X, target)
EDGES = [(0, 90), (0, 30, 90), (0, 7, 50, 51, 90)]


def callable_scorer(estimator, X, y):
    return -mean_absolute_error(y, estimator.predict(X))


def largest_error(y_true, y_pred):
    """A metric that nobody else has."""
    return np.abs(y_true - y_pred).max()


class OwnScore(SGDRegressor):
    """Has a score of its own, which needs all rows at once."""

    def score(self, X, y, sample_weight=None):
        return -np.abs(self.predict(X) - y).max()


def in_parts(scoring, model, edges, data, rows=()):
    parts = [
        {name: value[a:b] for name, value in data.items()} for a, b in pairwise(edges)
    ]
    responses = [scoring.responses(model, part) for part in parts]
    if not scoring.needs_X:
        for part in parts:
            del part["X"]
    return scoring.score(model, responses, parts, rows)


@pytest.mark.parametrize("edges", EDGES, ids=len)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("model", "y", "name"),
    [
        (classifier, labels, "accuracy"),
        (classifier, labels, "roc_auc"),
        (classifier, labels, "neg_log_loss"),
        (classifier, labels, "balanced_accuracy"),
        (classifier, labels, "f1_macro"),
        (regressor, target, "r2"),
        (regressor, target, "neg_mean_squared_error"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_parts_equal_the_whole(model, y, name, edges, weighted):
    """A score in parts is scikit-learn's score of all rows at once."""
    scoring = make_scoring(model, name)
    assert not scoring.needs_X
    data = {"X": X, "y": y} | ({"sample_weight": weight} if weighted else {})
    rows = ("sample_weight",) if weighted else ()
    found = in_parts(scoring, model, edges, data, rows)
    given = {"sample_weight": weight} if weighted else {}
    expected = get_scorer(name)(model, X, y, **given)
    assert found == {"score": pytest.approx(expected, rel=1e-12)}
    assert isinstance(found["score"], float)


@pytest.mark.parametrize("edges", EDGES, ids=len)
@pytest.mark.parametrize(
    ("model", "scoring"),
    [
        (regressor, callable_scorer),
        (regressor, make_scorer(mean_absolute_error, greater_is_better=False)),
        (regressor, None),
        (OwnScore(random_state=0).fit(X, target), None),
    ],
)
def test_other_ways_to_score(model, scoring, edges):
    """Callables, scorer objects and an estimator's own score work in parts too."""
    made = make_scoring(model, scoring)
    found = in_parts(made, model, edges, {"X": X, "y": target})
    expected = check_scoring(model, scoring)(model, X, target)
    assert found["score"] == pytest.approx(expected, rel=1e-12)


def test_what_needs_X():
    """Only what cannot be computed from answers asks for all rows at once."""
    assert make_scoring(OwnScore(), None).needs_X
    assert make_scoring(regressor, callable_scorer).needs_X
    assert make_scoring(MiniBatchKMeans(), None).needs_X
    assert not make_scoring(regressor, None).needs_X
    assert not make_scoring(classifier, "roc_auc").needs_X
    assert not make_scoring(classifier, make_scorer(accuracy_score)).needs_X
    assert make_scoring(
        classifier, {"a": "accuracy", "b": callable_scorer}, "a"
    ).needs_X


def test_no_y():
    """Without y the estimator's own score gets X alone."""
    model = MiniBatchKMeans(2, n_init=1, random_state=0).fit(X)
    found = in_parts(make_scoring(model, None), model, (0, 40, 90), {"X": X})
    assert found["score"] == pytest.approx(model.score(X))


def test_several_metrics():
    """All metrics are computed, of one set of answers, and one of them decides."""
    scoring = make_scoring(
        classifier, ["accuracy", "roc_auc", "neg_log_loss"], "roc_auc"
    )
    assert scoring.decides == "roc_auc"
    assert scoring.methods(classifier) == [
        "decision_function",
        "predict",
        "predict_proba",
    ]
    data = {"X": X, "y": labels}
    found = in_parts(scoring, classifier, (0, 40, 90), data)
    assert list(found) == ["accuracy", "roc_auc", "neg_log_loss"]
    for name, value in found.items():
        assert value == pytest.approx(get_scorer(name)(classifier, X, labels))
    assert scoring.scorer is make_scoring(classifier, "roc_auc").scorer or (
        str(scoring.scorer) == str(get_scorer("roc_auc"))
    )
    named = make_scoring(classifier, {"a": "accuracy", "b": "roc_auc"}, "a")
    assert set(in_parts(named, classifier, (0, 90), data)) == {"a", "b"}


def test_weights_only_where_taken():
    """A metric that takes no weights is not given any, others are."""
    scoring = make_scoring(
        regressor,
        {"max": "neg_max_error", "r2": "r2", "own": callable_scorer},
        "r2",
    )
    data = {"X": X, "y": target, "sample_weight": weight}
    found = in_parts(scoring, regressor, (0, 40, 90), data, ("sample_weight",))
    weighted = r2_score(target, regressor.predict(X), sample_weight=weight)
    assert found["r2"] == pytest.approx(weighted)
    assert found["max"] == get_scorer("neg_max_error")(regressor, X, target)
    assert found["own"] == pytest.approx(callable_scorer(regressor, X, target))


def test_model_without_the_method():
    """A model that lacks what a metric needs says which method."""

    class NoScores(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return labels

    scoring = make_scoring(NoScores(), "roc_auc")
    with pytest.raises(AttributeError, match="decision_function"):
        scoring.responses(NoScores(), {"X": X})


def test_pandas_labels():
    """Labels may be a pandas column, with any index."""
    y = pd.Series(labels, index=range(1000, 1090))
    scoring = make_scoring(classifier, "accuracy")
    parts = [{"X": X[:40], "y": y[:40]}, {"X": X[40:], "y": y[40:]}]
    responses = [scoring.responses(classifier, part) for part in parts]
    found = scoring.score(classifier, responses, parts)
    assert found["score"] == pytest.approx(classifier.score(X, labels))


def test_scoring_travels():
    """A scoring can be pickled."""
    for scoring in ("accuracy", None, callable_scorer, ["r2", "accuracy"]):
        made = pickle.loads(pickle.dumps(make_scoring(regressor, scoring, "r2")))
        assert made.decides in {"score", "r2"}


# ---- on a device ----


class Device:
    """A linear model on whatever array namespace its data has."""

    def __init__(self, threshold=None):
        self.coef = NoHostCopyArray([1.0, 2.0, 3.0])
        self.threshold = threshold

    def predict(self, X):
        values = X @ self.coef
        return values if self.threshold is None else (values > self.threshold) * 1


class DeviceRegressor(Device, RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        return self


class DeviceClassifier(Device, ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        return self


@pytest.mark.parametrize("scoring", [None, "r2", "accuracy"])
@pytest.mark.parametrize("weighted", [False, True])
def test_device(scoring, weighted, monkeypatch):
    """Device arrays are scored there: nothing is copied but the scores, once."""
    if scoring == "accuracy":
        model, y = DeviceClassifier(0.0), (target > 0).astype(int)
    else:
        model, y = DeviceRegressor(), target
    host_answer = model.predict(NoHostCopyArray(X)).get()
    metric = accuracy_score if scoring == "accuracy" else r2_score
    expected = metric(y, host_answer, sample_weight=weight if weighted else None)
    data = {"X": NoHostCopyArray(X), "y": NoHostCopyArray(y)}
    if weighted:
        data["sample_weight"] = NoHostCopyArray(weight)
    rows = ("sample_weight",) if weighted else ()
    made = make_scoring(model, scoring)
    copied = []
    get = NoHostCopyArray.get
    monkeypatch.setattr(
        NoHostCopyArray, "get", lambda self: copied.append(self.size) or get(self)
    )
    found = in_parts(made, model, (0, 40, 90), data, rows)
    assert copied == [1]
    assert found["score"] == pytest.approx(expected)


def test_device_with_a_metric_of_the_host():
    """A metric that only the host has gets copies of answers and labels, not of X."""
    model = DeviceRegressor()
    scorer = make_scorer(largest_error, greater_is_better=False)
    made = make_scoring(model, scorer)
    data = {"X": NoHostCopyArray(X), "y": NoHostCopyArray(target)}
    NoHostCopyArray.host_copies = 0
    found = in_parts(made, model, (0, 40, 90), data)
    assert NoHostCopyArray.host_copies == 2
    expected = -largest_error(target, X @ [1.0, 2.0, 3.0])
    assert found["score"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scoring", "refit", "message"),
    [
        ("nonsense", True, "scoring='nonsense': 'nonsense' is not the name"),
        (["accuracy", "r2"], True, "refit=True must name the metric that decides"),
        (["accuracy", "r2"], "f1", "refit='f1' must name"),
        ([], True, r"scoring=\[\] names no metric"),
        ({}, True, "scoring={} names no metric"),
    ],
)
def test_errors(scoring, refit, message):
    """What cannot be scored is an error that shows what was given."""
    with pytest.raises(ValueError, match=message):
        make_scoring(classifier, scoring, refit)


def test_columns_of_strings_with_weights():
    """Accuracy takes y and weights as columns of a frame, also of Arrow's strings."""
    pytest.importorskip("pyarrow")
    labels = pd.Series(["ham", "spam", "ham", "ham"], dtype="string[pyarrow]")
    weight = pd.Series([1.0, 2.0, 3.0, 4.0])

    class Model(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return np.array(["ham", "spam", "spam", "ham"])

    scoring = make_scoring(Model(), "accuracy")
    part = {"X": np.zeros((4, 1)), "y": labels, "sample_weight": weight}
    responses = scoring.responses(Model(), part)
    found = scoring.score(Model(), [responses], [part], ("sample_weight",))
    assert found == {"score": pytest.approx(0.7)}
