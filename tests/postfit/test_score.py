# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Scores of Dask data, for whatever kinds X, y and weights are of."""

import warnings

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer

from gpu_hpo.metrics._scoring import make_scoring
from gpu_hpo.postfit._score import lazy_score, score

COLUMNS = list("abcd")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, len(COLUMNS)))
    return X, (X.sum(axis=1) + rng.standard_normal(200) > 0).astype(int)


@pytest.fixture(scope="module")
def model(data):
    return LogisticRegression().fit(*data)


def cut(array, size=50):
    return da.from_array(array, chunks=(size, *array.shape[1:]))


def whole_rows(estimator, X, y, sample_weight=None):
    """A callable that wants all rows in one piece, and nothing of Dask's."""
    assert len(X) == len(y) == 200
    right = estimator.predict(X) == np.asarray(y)
    return float(np.average(right, weights=sample_weight))


@pytest.mark.parametrize("scoring", ["neg_log_loss", "accuracy", whole_rows])
@pytest.mark.parametrize("weighted", [False, True])
def test_kinds_of_data(data, scoring, weighted):
    """X, y and sample_weight may be of different kinds, and in different chunks."""
    X, y = data
    frame = pd.DataFrame(X, columns=COLUMNS)
    model = LogisticRegression().fit(frame, y)
    weight = np.linspace(0, 1, 200) if weighted else None
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    expected = scorer(model, frame, y, sample_weight=weight)
    metrics = make_scoring(model, scoring)
    lazy_X = dd.from_pandas(frame, npartitions=4, sort=False)
    series = dd.from_pandas(pd.Series(y), npartitions=3, sort=False)
    weights = (
        [{"sample_weight": w} for w in (weight, cut(weight))] if weighted else [{}]
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        for given in (frame, lazy_X, cut(X, 70), da.from_array(X, chunks=(50, 2))):
            for labels in (y, y.tolist(), series, cut(y)):
                for rows in weights:
                    found = score(model, metrics, given, labels, rows)
                    assert found == {"score": pytest.approx(expected)}
        later = lazy_score(model, metrics, frame, y, weights[0])
        assert later.compute() == {"score": pytest.approx(expected)}


def test_rows_that_differ(data, model):
    """Fewer labels than rows are an error, and so are no rows."""
    X, y = data
    metrics = make_scoring(model, "accuracy")
    for labels in (y[:-1], cut(y)[:-1]):
        with pytest.raises(ValueError, match="differ in their rows: y 199, X 200"):
            score(model, metrics, cut(X), labels, {})
    nothing = cut(X)[cut(X)[:, 0] > 100]
    with pytest.raises(ValueError, match="X has no rows"):
        score(model, metrics, nothing, y[:0], {})
    with pytest.raises(TypeError, match="y must be a Dask array"):
        score(model, metrics, cut(X), dask.delayed(y), {})


def test_blocks_without_rows(data, model):
    """Blocks from which all rows were taken do not count."""
    X, y = data
    lazy_X, lazy_y = cut(X), cut(y)
    chosen = lazy_X[:, 0] > 1.5
    found = score(
        model, make_scoring(model, "roc_auc"), lazy_X[chosen], lazy_y[chosen], {}
    )
    rows = X[:, 0] > 1.5
    expected = get_scorer("roc_auc")(model, X[rows], y[rows])
    assert found == {"score": pytest.approx(expected)}


def test_every_metric(data, model):
    """Every metric is there, by its name."""
    X, y = data
    metrics = make_scoring(model, ["accuracy", "roc_auc"], "accuracy")
    found = score(model, metrics, cut(X), cut(y), {})
    assert found == {
        name: pytest.approx(get_scorer(name)(model, X, y))
        for name in ("accuracy", "roc_auc")
    }
