# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Methods of models on Dask data, for whatever kinds go in and come out."""

import pickle
import warnings

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import CategoricalNB
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

from gpu_hpo.postfit._lazily import apply
from gpu_hpo.testing import NoHostCopyArray
from tests.training.helpers import Nearest

SIZE = 50
COLUMNS = list("abcd")


def make_data(n=200):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, len(COLUMNS)))
    return X, (X.sum(axis=1) > 0).astype(int)


def cut(array, size=SIZE):
    return da.from_array(array, chunks=(size, *array.shape[1:]))


def as_frame(X):
    return dd.from_pandas(pd.DataFrame(X, columns=COLUMNS), npartitions=4, sort=False)


def test_concrete_data():
    """What is not Dask's is answered at once, as it is."""
    X, y = make_data()
    model = LogisticRegression().fit(X, y)
    np.testing.assert_array_equal(apply(model, "predict", X), model.predict(X))
    assert apply(model, "predict", X.tolist()).tolist() == model.predict(X).tolist()


def test_frames_that_a_model_gives():
    """A model that gives frames gives Dask frames, of a Dask frame or array."""
    X, _ = make_data()
    frame = pd.DataFrame(X, columns=COLUMNS, index=np.arange(len(X))[::-1])
    scaler = StandardScaler().set_output(transform="pandas").fit(frame)
    of_frame = dd.from_pandas(frame, npartitions=4, sort=False)
    lazy = apply(scaler, "transform", of_frame)
    assert isinstance(lazy, dd.DataFrame)
    pd.testing.assert_frame_equal(lazy.compute(), scaler.transform(frame))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        lazy = apply(scaler, "transform", cut(X))
        assert isinstance(lazy, dd.DataFrame)
        expected = scaler.transform(X).to_numpy()
        np.testing.assert_allclose(lazy.compute().to_numpy(), expected)


def test_sparse():
    """Blocks may be sparse, before and after."""
    X, _ = make_data()
    bins = (X > 0).astype(int)
    model = OneHotEncoder().fit(bins)
    lazy = apply(model, "transform", cut(bins))
    assert lazy.shape == (200, 8)
    assert scipy.sparse.issparse(lazy._meta)
    expected = model.transform(bins)
    assert (lazy.compute() != expected).nnz == 0
    scaled = apply(MaxAbsScaler().fit(expected), "inverse_transform", lazy)
    assert (scaled.compute() != expected).nnz == 0


def test_documents():
    """Rows need not have columns: text becomes a matrix."""
    documents = np.array(["one two", "two three", "", "four"], dtype=object)
    model = HashingVectorizer(n_features=16)
    series = dd.from_pandas(pd.Series(documents), npartitions=2)
    for given in (cut(documents, 2), cut(documents.astype(str), 2), series):
        lazy = apply(model, "transform", given)
        assert lazy.shape[1] == 16
        assert (lazy.compute() != model.transform(documents)).nnz == 0


def test_blocks_without_rows():
    """Partitions from which all rows were taken have no predictions."""
    X, y = make_data()
    frame = as_frame(X)
    model = LogisticRegression().fit(frame.compute(), y)
    chosen = frame[frame["a"] > 1.9]
    assert 0 in chosen.map_partitions(len).compute().tolist()
    for method in ("predict", "predict_proba"):
        expected = getattr(model, method)(chosen.compute())
        np.testing.assert_allclose(apply(model, method, chosen).compute(), expected)
    assert len(apply(model, "predict", frame[frame["a"] > 100]).compute()) == 0


def test_device_frames():
    """Where a model makes device arrays of a frame, these are what a Dask array has."""
    X, y = make_data()

    class FromFrames(Nearest):
        def predict(self, X):
            return super().predict(NoHostCopyArray(X.to_numpy()))

    model = FromFrames().partial_fit(NoHostCopyArray(X), NoHostCopyArray(y))
    lazy = apply(model, "predict", as_frame(X))
    assert isinstance(lazy._meta, NoHostCopyArray)
    found = lazy.compute()
    assert isinstance(found, NoHostCopyArray)
    assert found.shape == (200,)


# ---- what is tried ----


def test_one_row_is_tried():
    """What a method gives is found on one row of the kind that X holds."""
    seen = []

    class Seen(LogisticRegression):
        def predict(self, X):
            seen.append(X)
            return super().predict(X).astype(np.int8)

    X, y = make_data()
    lazy = apply(Seen().fit(X, y), "predict", cut(X.astype(np.float32)))
    assert lazy.dtype == np.int8
    assert [(rows.shape, rows.dtype) for rows in seen] == [((1, 4), np.float32)]
    with dask.config.set(scheduler="sync"):
        assert lazy.compute().dtype == np.int8
    assert len(seen) == 1 + 4


class Wary(CategoricalNB):
    """Refuses rows that come alone."""

    def _check_X(self, X):
        if len(X) == 1:
            raise ValueError("a row alone")
        return super()._check_X(X)


class GivesSeries(Wary):
    """Predicts series with the index of X."""

    def predict(self, X):
        return pd.Series(super().predict(X), index=X.index)


def test_given_metas():
    """A model that refuses an example row works with a meta, whatever its length."""
    X, y = pd.DataFrame({"c": [1, 2, 3, 4]}), [1, 2, 3, 4]
    lazy = dd.from_pandas(X, npartitions=2)
    model = Wary().fit(X, y)
    with pytest.raises(ValueError, match="a row alone") as error:
        apply(model, "predict", lazy)
    assert "predict_meta" in "".join(error.value.__notes__)
    found = apply(model, "predict", lazy, np.array([1]))
    np.testing.assert_array_equal(found.compute(), y)
    for method in ("predict_proba", "predict_log_proba"):
        for meta in (np.empty((0, 0)), np.ones((1, 4))):
            found = apply(model, method, lazy, meta)
            assert found.shape[1] == 4
            np.testing.assert_allclose(found.compute(), getattr(model, method)(X))
    series = apply(GivesSeries().fit(X, y), "predict", lazy, pd.Series([], dtype=int))
    assert isinstance(series, dd.Series)
    assert series.compute().tolist() == y
    assert series.compute().index.tolist() == [0, 1, 2, 3]


def test_not_fitted():
    """A model that is not fitted says so at once, and nothing of metas."""
    with pytest.raises(NotFittedError) as error:
        apply(LogisticRegression(), "predict", cut(make_data()[0]))
    assert not hasattr(error.value, "__notes__")


def test_what_is_refused():
    """Answers that are lists have no lazy form, and other collections no rows."""
    X, y = make_data()
    model = MultiOutputClassifier(LogisticRegression()).fit(X, np.c_[y, 1 - y])
    assert apply(model, "predict", cut(X)).compute().shape == (200, 2)
    with pytest.raises(TypeError, match="gives a list"):
        apply(model, "predict_proba", cut(X))
    with pytest.raises(TypeError, match="X must be a Dask array"):
        apply(model, "predict", dask.delayed(X))


# ---- graphs ----


class Heavy(LogisticRegression):
    """Has a large parameter."""

    def __init__(self, ballast=None):
        super().__init__()
        self.ballast = ballast


@pytest.mark.parametrize("make", [lambda X: cut(X, 2), as_frame])
@pytest.mark.filterwarnings("ignore:X (has|does not have) feature names")
def test_the_model_is_in_the_graph_once(make):
    """However many blocks there are, the model is in the graph once."""
    X, y = make_data()
    model = Heavy(np.zeros(10**5)).fit(X, y)
    lazy = apply(model, "predict", make(X))
    sizes = [len(pickle.dumps(task)) for task in lazy.__dask_graph__().values()]
    assert len(sizes) > lazy.npartitions > 3
    assert 8 * 10**5 < sum(sizes) < 9 * 10**5
