# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Metrics that labels have no score by, and labels in several columns."""

import dask.array as da
import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import KFold
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.exceptions import NoFiniteScoreError
from gpu_hpo.model_selection import HyperbandSearchCV, IncrementalSearchCV
from gpu_hpo.neural_network import MLPClassifier as OwnMLPClassifier
from tests.model_selection.helpers import make_data

X, y = make_data()
TEXT = np.array(["no", "yes"])[y]
THREE = np.arange(len(y)) % 3
ONE = y == 1
ORDER = np.argsort(y, kind="stable")
COLUMNS = np.stack([y, (X[:, 0] > 0).astype(int), (X[:, 1] > 0).astype(int)], axis=1)
SPACE = {"alpha": [0.1, 0.01]}
MODEL = SGDClassifier(random_state=0)


def search(estimator=MODEL, parameters=SPACE, **options):
    options = {"n_initial_parameters": 2, "max_iter": 2, "random_state": 0} | options
    return IncrementalSearchCV(estimator, parameters, **options)


@pytest.mark.parametrize(
    ("scoring", "y", "message"),
    [
        ("f1", TEXT, r"scoring='f1': f1_score .*labels 'no', 'yes': pos_label=1"),
        ("precision", y + 2, "precision_score .*labels 2, 3: pos_label=1"),
        ("recall", THREE, "recall_score .*labels 0, 1, 2: Target is multiclass"),
        ("roc_auc", THREE, "roc_auc_score .*multi_class must be in"),
        ("recall_samples", y, "recall_score .*Samplewise"),
    ],
)
@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
def test_undefined_for_labels(threads_client, scoring, y, message, lazy):
    """A metric that is not defined for the labels of y is an error that names it."""
    data = (X, y)
    if lazy:
        data = da.from_array(X, chunks=(50, -1)), da.from_array(y, chunks=50)
    with pytest.raises(ValueError, match=message):
        search(scoring=scoring).fit(*data)


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        ({}, {"validation_data": (X[ONE], y[ONE])}, "are of one class only, 1: .* NaN"),
        ({}, {"groups": y}, "on, which are of one class only, "),
        ({"cv": 2}, {"groups": y}, "in split 0, which are of one class only"),
        ({"cv": KFold(4)}, {}, "in split 0, which are of one class only, 0"),
    ],
    ids=["validation_data", "groups", "groups in folds", "folds"],
)
def test_one_class_to_validate_on(threads_client, options, given, message):
    """So is one for which the rows to validate on have too few classes."""
    if "groups" not in given:
        given = {"X": X[ORDER], "y": y[ORDER], **given}
    else:
        given = {"X": X, "y": y, **given}
    with pytest.raises(ValueError, match=f"roc_auc_score is not defined .*{message}"):
        search(scoring="roc_auc", **options).fit(**given)


def test_metrics_that_do_not_decide(threads_client):
    """Metrics that do not decide may be NaN, but must not raise."""
    rows = {"validation_data": (X[ONE], y[ONE])}
    found = search(scoring=["roc_auc", "accuracy"], refit="accuracy")
    with pytest.warns(UserWarning, match="Only one class"):
        found.fit(X, y, **rows)
    assert np.isnan(found.cv_results_["test_roc_auc"]).all()
    with pytest.raises(ValueError, match="f1_score is not defined"):
        search(scoring=["f1", "accuracy"], refit="accuracy").fit(X, TEXT)


def test_one_row_to_validate_on(threads_client):
    """Where a metric of numbers is not defined the error names it, too."""
    models = search(SGDRegressor(random_state=0))
    with (
        pytest.warns(UserWarning, match="less than two samples"),
        pytest.raises(NoFiniteScoreError, match=r"finite score by .*r2_score"),
    ):
        models.fit(X, y, validation_data=(X[:1], y[:1]))


def test_defined(threads_client):
    """A metric may be told what to look for; code of users' is not tried."""
    search(scoring=make_scorer(f1_score, pos_label="yes")).fit(X, TEXT)

    def own(y, predicted):
        assert len(y) > 4
        return 0.0

    search(scoring=make_scorer(own)).fit(X, y)


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (MLPClassifier((3,)), COLUMNS),
        (OwnMLPClassifier((3,)), COLUMNS.tolist()),
        (MultiOutputClassifier(MODEL), COLUMNS + 2),
        (MultiOutputClassifier(MODEL), np.stack([TEXT, THREE.astype(str)], axis=1)),
        (make_pipeline(StandardScaler(), MLPClassifier((3,))), COLUMNS),
    ],
    ids=["networks", "own networks", "numbers", "text", "pipeline"],
)
@pytest.mark.parametrize("cv", [None, 2])
def test_several_columns(threads_client, estimator, y, cv):
    """Labels in several columns are found from y, too."""
    name = next(n for n in estimator.get_params() if n.rpartition("__")[2] == "alpha")
    found = search(estimator, {name: [0.1, 0.01]}, chunk_size=50, cv=cv).fit(X, y)
    assert found.predict(X).shape == np.shape(y)
    if isinstance(estimator, MultiOutputClassifier):
        models = found.best_estimator_.estimators_
        for model, column in zip(models, np.asarray(y).T, strict=True):
            assert model.classes_.tolist() == np.unique(column).tolist()


def test_several_columns_of_dask(threads_client):
    """A block need not have all labels of a column."""
    labels = COLUMNS.copy()
    labels[:, 1] = np.arange(len(labels)) // 50
    data = da.from_array(X, chunks=(50, -1)), da.from_array(labels, chunks=(50, -1))
    estimator = MultiOutputClassifier(MODEL)
    found = HyperbandSearchCV(
        estimator, {"estimator__alpha": np.logspace(-4, -1, 9)}, max_iter=3
    ).fit(*data)
    assert found.best_estimator_.estimators_[1].classes_.tolist() == [0, 1, 2, 3]


def test_columns_for_a_model_that_takes_one(threads_client):
    """They are an error where a known model takes one."""
    with pytest.raises(
        ValueError, match="3 columns of labels, but SGDClassifier takes"
    ):
        search().fit(X, COLUMNS)
