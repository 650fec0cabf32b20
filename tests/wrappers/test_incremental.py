# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""`Incremental`: a chain of calls of partial_fit, one for each block."""

import inspect
import pickle

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import IncrementalPCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, SGDClassifier, SGDRegressor
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier

from gpu_hpo import linear_model
from gpu_hpo.testing import NoHostCopyArray
from gpu_hpo.wrappers import Incremental
from tests.training.helpers import LeastSquares
from tests.wrappers.helpers import (
    N_FEATURES,
    NeedsClasses,
    Noting,
    block_order,
    make_data,
    trained,
)

SIZE = 50  # rows of a block


def cut(*arrays, size=SIZE):
    return [da.from_array(a, chunks=(size, *a.shape[1:])) for a in arrays]


def sgd(**params):
    return SGDClassifier(random_state=0, **params)


# ---- what is trained ----


def test_signature():
    """The constructor has dask-ml's arguments, in its order."""
    parameters = inspect.signature(Incremental).parameters.values()
    assert [(p.name, p.default) for p in parameters] == [
        ("estimator", None),
        ("scoring", None),
        ("shuffle_blocks", True),
        ("random_state", None),
        ("assume_equal_chunks", True),
        ("predict_meta", None),
        ("predict_proba_meta", None),
        ("transform_meta", None),
    ]


def test_trains_block_by_block():
    """The model is that of one call for each block, in an order drawn from the seed."""
    X, y = make_data()
    model = Incremental(sgd(), random_state=3)
    assert model.fit(*cut(X, y)) is model
    expected = trained(sgd(), X, y, SIZE, block_order(8, 3))
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert model.t_ == expected.t_ == len(X) + 1
    assert not hasattr(model.estimator, "coef_")


def test_in_order():
    """Without shuffling, blocks come in their order."""
    X, y = make_data()
    model = Incremental(sgd(), shuffle_blocks=False).fit(*cut(X, y))
    expected = trained(sgd(), X, y, SIZE, range(8))
    np.testing.assert_array_equal(model.coef_, expected.coef_)


def test_goes_on():
    """partial_fit goes on from where the model is; fit begins anew."""
    X, y = make_data()
    lazy = cut(X, y)
    model = Incremental(sgd(), shuffle_blocks=False).partial_fit(*lazy)
    once = model.coef_
    before = once.copy()
    model.partial_fit(*lazy)
    expected = trained(sgd(), X, y, SIZE, [*range(8), *range(8)])
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    np.testing.assert_array_equal(once, before)
    np.testing.assert_array_equal(model.fit(*lazy).coef_, before)


def as_frames(X, y, weight):
    frame = pd.DataFrame(X, columns=list("abcde"))
    whole = [frame, pd.Series(y), pd.Series(weight)]
    return [dd.from_pandas(data, npartitions=8, sort=False) for data in whole]


KINDS = {
    "arrays": lambda X, y, weight: cut(X, y, weight),
    "columns": lambda X, y, weight: [
        da.from_array(X, chunks=(SIZE, 2)),
        *cut(y, weight),
    ],
    "frames": as_frames,
    "array and series": lambda X, y, weight: [*cut(X), *as_frames(X, y, weight)[1:]],
    "NumPy labels": lambda X, y, weight: [*cut(X), y, weight.tolist()],
    "NumPy rows": lambda X, y, weight: [X, *cut(y, weight)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_data(kind):
    """Arrays and frames train alike, with a sample_weight that is cut along."""
    X, y = make_data()
    weight = np.linspace(0, 1, len(X))
    lazy_X, lazy_y, lazy_weight = KINDS[kind](X, y, weight)
    model = Incremental(sgd(), random_state=0)
    model.fit(lazy_X, lazy_y, sample_weight=lazy_weight)
    order = block_order(8, 0)
    expected = trained(sgd(), X, y, SIZE, order, sample_weight=weight)
    np.testing.assert_allclose(model.coef_, expected.coef_)
    assert hasattr(model, "feature_names_in_") == (kind == "frames")


@pytest.mark.parametrize("kind", ["NumPy", "list", "pandas", "sparse"])
def test_concrete_data_is_one_block(kind):
    """What is not Dask's trains by one call, as it is."""
    X, y = make_data()
    given = {
        "NumPy": (X, y),
        "list": (X.tolist(), y.tolist()),
        "pandas": (pd.DataFrame(X), pd.Series(y)),
        "sparse": (scipy.sparse.csr_matrix(X), y),
    }[kind]
    model = Incremental(sgd()).fit(*given, sample_weight=np.ones(len(X)))
    expected = sgd().partial_fit(*given, classes=[0, 1])
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    model.partial_fit(*given)
    np.testing.assert_array_equal(model.coef_, expected.partial_fit(*given).coef_)


def test_sparse_blocks():
    """Blocks of a Dask array may be sparse."""
    X, y = make_data()
    lazy = cut(X)[0].map_blocks(scipy.sparse.csr_matrix)
    model = Incremental(sgd(), shuffle_blocks=False).fit(lazy, *cut(y))
    expected = trained(sgd(), scipy.sparse.csr_matrix(X), y, SIZE, range(8))
    np.testing.assert_array_equal(model.coef_, expected.coef_)


def test_without_targets():
    """Clusters and transformers train without y, and then answer lazily."""
    X, _ = make_data()
    (lazy,) = cut(X)
    clusters = Incremental(MiniBatchKMeans(3, random_state=0, n_init=1)).fit(lazy)
    assert set(clusters.predict(lazy).compute()) <= {0, 1, 2}
    assert clusters.score(lazy) == pytest.approx(clusters.estimator_.score(X))
    components = Incremental(IncrementalPCA(2), shuffle_blocks=False).fit(lazy)
    expected = IncrementalPCA(2)
    for i in range(8):
        expected.partial_fit(X[i * SIZE : (i + 1) * SIZE])
    np.testing.assert_allclose(
        components.transform(lazy).compute(), expected.transform(X)
    )
    back = components.inverse_transform(components.transform(lazy))
    np.testing.assert_allclose(
        back.compute(), expected.inverse_transform(expected.transform(X))
    )


def test_blocks_without_rows_are_left_out():
    """Partitions from which all rows were taken do not matter."""
    X, y = make_data()
    frame = pd.DataFrame(X, columns=list("abcde")).assign(
        y=y, block=np.arange(400) // 50
    )
    lazy = dd.from_pandas(frame, npartitions=8, sort=False)
    lazy = lazy[~lazy["block"].isin([0, 3])]
    model = Incremental(sgd(), shuffle_blocks=False)
    model.fit(lazy[list("abcde")], lazy["y"])
    expected = trained(sgd(), X, y, SIZE, [1, 2, 4, 5, 6, 7])
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    nothing = lazy[lazy["block"] < 0]
    with pytest.raises(ValueError, match="X has no rows"):
        model.fit(nothing[list("abcde")], nothing["y"], classes=[0, 1])


def test_whole_parameters():
    """What has no entry per row goes to every call as it is, Dask's once computed."""
    X, y = make_data()
    lazy = cut(X, y)
    model = Incremental(Noting()).fit(*lazy, note="n", centre=lazy[0].mean(axis=0)[:2])
    assert len(model.calls_) == 8
    for _, _, _, params in model.calls_:
        assert params["note"] == "n"
        np.testing.assert_allclose(params["centre"], X.mean(axis=0)[:2])


# ---- classes ----


def test_classes_of_all_blocks():
    """Classes are found in all blocks of y, and told to the first call."""
    X, _ = make_data()
    labels = np.array(["a", "b", "c"])[np.arange(400) // 134]  # sorted
    lazy = cut(X, labels)
    model = Incremental(Noting()).fit(*lazy)
    assert [call[2] is None for call in model.calls_] == [False] + 7 * [True]
    assert list(model.classes_) == ["a", "b", "c"]
    series = dd.from_pandas(pd.Series(labels), npartitions=8, sort=False)
    model = Incremental(sgd()).fit(lazy[0], series)
    assert list(model.classes_) == ["a", "b", "c"]
    assert set(model.predict(lazy[0]).compute()) <= {"a", "b", "c"}


def test_given_classes():
    """Classes that are given are taken as they are, and y is not looked at for them."""
    X, y = make_data()
    model = Incremental(sgd()).fit(*cut(X, y), classes=[0, 1, 2])
    assert list(model.classes_) == [0, 1, 2]
    lazy_X, lazy_y = cut(X, y)
    model = Incremental(sgd()).fit(lazy_X, lazy_y, classes=da.unique(lazy_y))
    assert list(model.classes_) == [0, 1]
    model.partial_fit(lazy_X[:SIZE], da.zeros(SIZE, dtype=int, chunks=SIZE))


def test_classes_at_every_call():
    """An estimator that wants classes at every call is told them at every call."""
    X, y = make_data()
    model = Incremental(NeedsClasses()).fit(*cut(X, y)).partial_fit(*cut(X, y))
    assert model.calls_ == 16
    assert list(model.partial_fit(X, np.zeros(400)).classes_) == [0, 1]


def test_several_outputs():
    """For labels in several columns classes have to be given."""
    X, y = make_data()
    targets = np.c_[y, X[:, 0] > 0].astype(int)
    model = Incremental(MultiOutputClassifier(sgd()))
    lazy = cut(X, targets)
    model.fit(*lazy, classes=[np.array([0, 1])] * 2)
    assert model.predict(lazy[0]).compute().shape == (400, 2)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (np.array([0, "a"], dtype=object), TypeError, "int, str"),
        (np.array([0.0, np.nan]), ValueError, "NaN among its class labels"),
        (np.array([0.5, 0.1]), ValueError, "Unknown label type"),
    ],
)
def test_labels_that_are_none(labels, error, message):
    """What cannot tell classes apart is an error before any training."""
    X, _ = make_data(100)
    y = np.resize(labels, 100)
    for given in ((X, y), cut(X, y)):
        with pytest.raises(error, match=message):
            Incremental(Noting()).fit(*given)


def test_regression_targets_are_no_classes():
    """A regressor is not told classes."""
    X, _ = make_data()
    model = Incremental(SGDRegressor(random_state=0)).fit(*cut(X, X[:, 0]))
    assert model.score(*cut(X, X[:, 0])) > 0.5


# ---- errors ----


def test_no_partial_fit():
    """An estimator without partial_fit is a ValueError, and has no such method here."""
    X, y = make_data()
    model = Incremental(LinearRegression())
    with pytest.raises(ValueError, match="does not implement 'partial_fit'"):
        model.fit(*cut(X, y))
    with pytest.raises(ValueError, match="does not implement 'partial_fit'"):
        Incremental().fit(X, y)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match=r"LinearRegression\(\)' does not"):
        model.partial_fit(X, y)


def test_no_targets():
    """An estimator that needs y is an error without, before any work."""
    X, _ = make_data()
    for given in (X, *cut(X)):
        with pytest.raises(ValueError, match="requires y to be passed"):
            Incremental(sgd()).fit(given)


def test_not_fitted():
    """Before fit there is no answer, and no learned attribute."""
    X, y = make_data()
    model = Incremental(sgd())
    for call in (model.predict, model.decision_function):
        with pytest.raises(NotFittedError):
            call(*cut(X))
    with pytest.raises(NotFittedError):
        model.score(*cut(X, y))
    assert not hasattr(model, "classes_")
    assert not hasattr(Incremental(sgd().fit(X, y)), "coef_")


@pytest.mark.parametrize("lazy", [True, False])
def test_bad_scoring(lazy):
    """A metric is no scorer: fit says so, and what to use instead."""
    X, y = make_data()
    given = cut(X, y) if lazy else (X, y)
    with pytest.raises(ValueError, match="make_scorer"):
        Incremental(sgd(), scoring=accuracy_score).fit(*given)
    with pytest.raises(ValueError, match="get_scorer_names"):
        Incremental(sgd(), scoring="accurate").fit(*given)


def test_blocks_that_differ():
    """X and y in different numbers of blocks, or rows, are a ValueError."""
    X, y = make_data()
    (lazy,) = cut(X)
    model = Incremental(sgd())
    with pytest.raises(ValueError, match="X has 8 and y has 4"):
        model.fit(lazy, *cut(y, size=100))
    frame, series, _ = as_frames(X, y, y)
    with pytest.raises(ValueError, match="X has 8 and y has 4"):
        model.fit(frame, series.repartition(npartitions=4))
    with pytest.raises(
        ValueError, match="same number of rows: X has 400 and y has 399"
    ):
        model.fit(lazy, y[:-1])
    with pytest.raises(ValueError, match="sample_weight"):
        model.fit(lazy, y, sample_weight=np.ones(3))


def test_other_collections():
    """A Dask collection that has no rows is a TypeError."""
    X, y = make_data()
    with pytest.raises(TypeError, match="X must be a Dask array"):
        Incremental(sgd()).fit(dask.delayed(X), *cut(y))


# ---- devices ----


def on_device(*arrays):
    return [
        da.from_array(NoHostCopyArray(a), chunks=(SIZE, *a.shape[1:]), asarray=False)
        for a in arrays
    ]


def test_device_arrays(threads_client):
    """No row of device arrays is copied to the host, in training or after."""
    X, _ = make_data()
    y = X @ np.arange(1.0, 6.0)
    lazy = on_device(X, y)
    model = Incremental(LeastSquares(), random_state=0)
    NoHostCopyArray.host_copies = 0
    model.fit(*lazy).partial_fit(*lazy)
    predicted = model.predict(lazy[0])
    assert isinstance(predicted._meta, NoHostCopyArray)
    assert isinstance(predicted.compute(), NoHostCopyArray)
    assert isinstance(model.coef_, NoHostCopyArray)
    Incremental(LeastSquares()).fit(NoHostCopyArray(X), NoHostCopyArray(y))
    assert NoHostCopyArray.host_copies == 0
    score = model.score(*lazy)
    assert NoHostCopyArray.host_copies <= 1  # that of the score itself
    expected = Incremental(LeastSquares(), random_state=0).fit(*cut(X, y))
    expected.partial_fit(*cut(X, y))
    np.testing.assert_allclose(model.coef_.get(), expected.coef_)
    assert score == pytest.approx(expected.score(X, y))


def test_device_labels(threads_client):
    """Of device data for a classifier only labels are copied, once per block."""
    lazy = on_device(*make_data())
    NoHostCopyArray.host_copies = 0
    model = Incremental(linear_model.SGDClassifier()).fit(*lazy)
    assert isinstance(model.coef_, NoHostCopyArray)
    NoHostCopyArray.host_copies = 0
    Incremental(Noting()).fit(*lazy)
    assert NoHostCopyArray.host_copies == 8


# ---- scikit-learn ----


def test_as_an_estimator():
    """It is of the kind of what it wraps, and can be cloned, set and pickled."""
    X, y = make_data()
    model = Incremental(sgd(), random_state=0)
    assert is_classifier(model)
    assert is_regressor(Incremental(SGDRegressor()))
    assert not is_classifier(Incremental())
    model.set_params(estimator__alpha=0.5, shuffle_blocks=False)
    assert model.estimator.alpha == model.get_params()["estimator__alpha"] == 0.5
    model.fit(*cut(X, y))
    assert model.n_features_in_ == N_FEATURES
    assert list(model.classes_) == [0, 1]
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    fresh = clone(model)
    assert fresh.get_params()["estimator__alpha"] == 0.5
    assert not hasattr(fresh, "estimator_")
    assert "estimator_" not in vars(fresh)


def test_in_a_grid_search():
    """scikit-learn's grid search trains it, by the parameters of what it wraps."""
    X, y = make_data()
    model = Incremental(sgd(), random_state=0)
    search = GridSearchCV(model, {"estimator__alpha": [1e-4, 1e6]}, cv=2)
    search.fit(X, y, classes=[0, 1])
    assert search.best_params_ == {"estimator__alpha": 1e-4}
    assert search.best_estimator_.predict(cut(X)[0]).compute().shape == (400,)


@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
def test_classes_of_several_columns(threads_client, lazy):
    """Classes are found also where rows have labels in several columns."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)
    y[:, 1] += np.arange(60) // 30  # no block has all
    data = X, y
    if lazy:
        data = da.from_array(X, chunks=(30, -1)), da.from_array(y, chunks=(30, -1))
    several = Incremental(MultiOutputClassifier(SGDClassifier(random_state=0)))
    models = several.fit(*data).estimator_.estimators_
    assert [model.classes_.tolist() for model in models] == [[0, 1], [0, 1, 2]]
    marks = Incremental(MLPClassifier((3,), random_state=0))
    data = data[0], (data[1] > 0).astype(int)
    assert marks.fit(*data).predict(X).shape == (60, 2)
