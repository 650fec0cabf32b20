# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Frames of Polars and tables of PyArrow, as X, y and weights."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, SGDClassifier

from gpu_hpo.linear_model import SGDClassifier as OwnSGDClassifier
from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
    SuccessiveHalvingSearchCV,
    train_test_split,
)
from gpu_hpo.wrappers import Incremental, ParallelPostFit

NAMES = ["width", "height", "depth", "age"]
X, y = make_classification(200, len(NAMES), random_state=0)
WEIGHT = np.linspace(1, 2, len(y))
SPACE = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]}
FEW = {"n_initial_parameters": 2, "max_iter": 2, "random_state": 0}
MODEL = SGDClassifier(random_state=0)

SEARCHES = {
    "hyperband": HyperbandSearchCV(MODEL, SPACE, max_iter=3, random_state=0),
    "stack": IncrementalSearchCV(OwnSGDClassifier(random_state=0), SPACE, **FEW),
    "folds": IncrementalSearchCV(MODEL, SPACE, cv=3, chunk_size=50, **FEW),
    "refits": SuccessiveHalvingSearchCV(
        LogisticRegression(),
        {"C": [0.1, 1.0]},
        n_initial_iter=1,
        resource="n_samples",
        **FEW,
    ),
    "grid": GridSearchCV(MODEL, SPACE, cv=3),
}


class Writes(SGDClassifier):
    """Unknown code, so it gets rows of its own."""


def pandas():
    return pd.DataFrame(X, columns=NAMES), pd.Series(y), pd.Series(WEIGHT)


def polars():
    pl = pytest.importorskip("polars")
    return pl.DataFrame(X, schema=NAMES), pl.Series(y), pl.Series(WEIGHT)


def pyarrow():
    pa = pytest.importorskip("pyarrow")
    columns = dict(zip(NAMES, X.T, strict=True))
    return pa.table(columns), pa.array(y), pa.chunked_array([WEIGHT[:70], WEIGHT[70:]])


@pytest.fixture(params=[polars, pyarrow], ids=lambda make: make.__name__)
def table(request):
    return request.param()


@pytest.mark.parametrize("name", SEARCHES)
def test_same_as_pandas(threads_client, table, name):
    """A search finds the same as with pandas, and the model knows names of columns."""
    search = SEARCHES[name]
    X, y, weight = pandas()
    expected = search.fit(X, y, sample_weight=weight).best_score_, search.best_params_
    X, y, weight = table
    search.fit(X, y, sample_weight=weight)
    assert (search.best_score_, search.best_params_) == expected
    assert search.feature_names_in_.tolist() == NAMES
    assert search.n_features_in_ == len(NAMES)
    assert search.predict(X).shape == (200,)
    assert search.score(X, y) > 0.8


def test_rows_of_its_own(threads_client, table):
    """So does a model of unknown code, scored on rows that the user gives."""
    X, y, weight = table
    search = IncrementalSearchCV(Writes(random_state=0), SPACE, refit=True, **FEW)
    search.fit(X, y, validation_data=(X, y, weight))
    assert search.best_estimator_.feature_names_in_.tolist() == NAMES


def test_in_processes(processes_client, table):
    """Tables travel to other processes."""
    X, y, _ = table
    search = IncrementalSearchCV(MODEL, SPACE, **FEW).fit(X, y)
    assert search.feature_names_in_.tolist() == NAMES


def test_other_columns(threads_client, table):
    """Validation rows with other columns are an error before any training."""
    X, y, _ = table
    other = X.rename({"age": "mass"}) if hasattr(X, "rename") else None
    if other is None:
        other = X.rename_columns([*NAMES[:3], "mass"])
    with pytest.raises(ValueError, match=r"has the columns .*'mass'"):
        IncrementalSearchCV(MODEL, SPACE, **FEW).fit(X, y, validation_data=(other, y))


def test_wrappers_and_splits(table):
    """Wrappers train on tables, and `train_test_split` gives tables."""
    X, y, _ = table
    for wrapper in (ParallelPostFit(LogisticRegression()), Incremental(MODEL)):
        wrapper.fit(X, y)
        assert wrapper.feature_names_in_.tolist() == NAMES
        assert wrapper.score(X, y) > 0.8
    train, test = train_test_split(X, random_state=0)
    assert type(train) is type(test) is type(X)
    assert len(train) == 150
