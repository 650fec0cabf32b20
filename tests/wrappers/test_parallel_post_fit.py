# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""`ParallelPostFit`: an estimator's answers and scores of Dask data."""

import inspect
import pickle

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from dask.delayed import Delayed
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_clusterer, is_regressor
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.metrics import accuracy_score, get_scorer, log_loss, make_scorer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.naive_bayes import CategoricalNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from gpu_hpo.testing import NoHostCopyArray
from gpu_hpo.wrappers import ParallelPostFit
from tests.training.helpers import LeastSquares, Nearest
from tests.wrappers.helpers import LEDGER, N_FEATURES, File, make_data

SIZE = 50
COLUMNS = list("abcde")


def cut(*arrays, size=SIZE):
    return [da.from_array(a, chunks=(size, *a.shape[1:])) for a in arrays]


def as_frame(X, n=8):
    return dd.from_pandas(pd.DataFrame(X, columns=COLUMNS), npartitions=n, sort=False)


@pytest.fixture(scope="module")
def data():
    return make_data()


@pytest.fixture(scope="module")
def model(data):
    """A fitted wrapper; tests must not change it."""
    return ParallelPostFit(LogisticRegression()).fit(*data)


# ---- training ----


def test_signature():
    """The constructor has dask-ml's arguments, in its order."""
    parameters = inspect.signature(ParallelPostFit).parameters.values()
    assert [(p.name, p.default) for p in parameters] == [
        ("estimator", None),
        ("scoring", None),
        ("predict_meta", None),
        ("predict_proba_meta", None),
        ("transform_meta", None),
    ]


def test_fit(data):
    """fit trains the estimator itself, and shows what it has learned."""
    X, y = data
    estimator = LogisticRegression()
    wrapper = ParallelPostFit(estimator)
    weight = np.linspace(0, 1, 400)
    assert wrapper.fit(X, y, sample_weight=weight) is wrapper
    assert wrapper.estimator is estimator
    expected = LogisticRegression().fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(wrapper.coef_, expected.coef_)
    np.testing.assert_array_equal(estimator.coef_, expected.coef_)
    assert list(wrapper.classes_) == [0, 1]
    assert wrapper.n_features_in_ == N_FEATURES
    assert not hasattr(wrapper, "feature_names_in_")
    # Also what is a property, and what is learned without this object.
    forest = RandomForestClassifier(n_estimators=2).fit(
        pd.DataFrame(X, columns=COLUMNS), y
    )
    wrapper = ParallelPostFit(forest)
    assert wrapper.feature_importances_.shape == (N_FEATURES,)
    assert list(wrapper.feature_names_in_) == COLUMNS


def test_partial_fit(data):
    """partial_fit goes on with the estimator, and is there only if it has that."""
    X, y = data
    wrapper = ParallelPostFit(SGDClassifier(random_state=0))
    expected = SGDClassifier(random_state=0)
    for _ in range(2):
        assert wrapper.partial_fit(X, y, classes=[0, 1]) is wrapper
        expected.partial_fit(X, y, classes=[0, 1])
    np.testing.assert_array_equal(wrapper.coef_, expected.coef_)
    assert wrapper.t_ == expected.t_
    assert not hasattr(ParallelPostFit(LogisticRegression()), "partial_fit")


def test_signatures_are_those_of_the_estimator():
    """What the estimator's methods take can be read off the wrapper's."""
    wrapper = ParallelPostFit(SGDClassifier())
    for name in ("fit", "partial_fit"):
        theirs = inspect.signature(getattr(SGDClassifier(), name))
        assert inspect.signature(getattr(wrapper, name)) == theirs
    assert has_fit_parameter(wrapper, "sample_weight")
    assert not has_fit_parameter(ParallelPostFit(PCA()), "sample_weight")
    assert ParallelPostFit.fit.__doc__ == wrapper.fit.__doc__


# ---- answers ----

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


def lazy_kinds(X):
    (array,) = cut(X)
    return {
        "array": array,
        "columns": da.from_array(X, chunks=(SIZE, 2)),
        "unknown lengths": array[array[:, 0] > -100],
        "frame": as_frame(X),
    }


@pytest.mark.parametrize("kind", lazy_kinds(make_data()[0]))
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore:X (has|does not have) feature names")
def test_methods(data, model, method, kind):
    """Methods give what the estimator gives: at once, or lazily for Dask input."""
    X, _ = data
    expected = getattr(model.estimator, method)(X)
    np.testing.assert_array_equal(getattr(model, method)(X), expected)
    lazy = getattr(model, method)(lazy_kinds(X)[kind])
    assert isinstance(lazy, da.Array)
    assert lazy.dtype == expected.dtype
    assert lazy.shape[1:] == expected.shape[1:]
    if kind in ("array", "columns"):
        assert lazy.chunks[0] == (SIZE,) * 8
    np.testing.assert_allclose(lazy.compute(), expected)


def test_transform(data):
    """transform and inverse_transform are lazy as well, and undo each other."""
    X, _ = data
    wrapper = ParallelPostFit(PCA(2)).fit(X)
    reduced = wrapper.transform(cut(X)[0])
    assert reduced.chunks == ((SIZE,) * 8, (2,))
    np.testing.assert_allclose(reduced.compute(), wrapper.transform(X))
    back = wrapper.inverse_transform(reduced)
    assert back.shape == X.shape
    expected = wrapper.estimator.inverse_transform(wrapper.estimator.transform(X))
    np.testing.assert_allclose(back.compute(), expected)


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
    """A model that refuses an example row works with metas, of any number of rows."""
    X = pd.DataFrame({"c": [1, 2, 3, 4]})
    y = [1, 2, 3, 4]
    lazy = dd.from_pandas(X, npartitions=2)
    model = Wary().fit(X, y)
    with pytest.raises(ValueError, match="a row alone") as error:
        ParallelPostFit(model).predict(lazy)
    assert "predict_meta" in "".join(error.value.__notes__)
    wrapper = ParallelPostFit(
        model, predict_meta=np.array([1]), predict_proba_meta=np.empty((0, 0))
    )
    np.testing.assert_array_equal(wrapper.predict(lazy).compute(), y)
    probabilities = wrapper.predict_proba(lazy)
    assert probabilities.shape[1] == 4
    np.testing.assert_allclose(probabilities.compute(), model.predict_proba(X))
    logs = wrapper.predict_log_proba(lazy)
    np.testing.assert_allclose(logs.compute(), model.predict_log_proba(X))
    model = GivesSeries().fit(X, y)
    series = ParallelPostFit(model, predict_meta=pd.Series([], dtype=int)).predict(lazy)
    assert isinstance(series, dd.Series)
    assert series.compute().tolist() == y
    assert series.compute().index.tolist() == [0, 1, 2, 3]
    scaled = ParallelPostFit(
        StandardScaler().fit(X), transform_meta=np.array([[0.5]], np.float32)
    ).transform(lazy)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.compute().mean(), 0, atol=1e-12)


def test_missing_methods(model):
    """A method that the estimator lacks is an AttributeError that names both."""
    for name in ("transform", "inverse_transform", "partial_fit", "stack_key"):
        assert not hasattr(model, name)
        with pytest.raises(AttributeError) as error:
            getattr(model, name)
        assert str(error.value) == (
            f"The wrapped estimator 'LogisticRegression()' does not have a '{name}' "
            "method."
        )
    assert not hasattr(ParallelPostFit(LinearRegression()), "predict_proba")
    assert not hasattr(ParallelPostFit(StandardScaler()), "score")
    assert hasattr(ParallelPostFit(StandardScaler(), scoring=own_scorer), "score")
    assert not hasattr(model, "no_such_thing")
    assert not hasattr(model, "no_such_thing_")
    with pytest.raises(AttributeError, match="'None' does not have a 'fit' method"):
        ParallelPostFit().fit([[1]])


def test_not_fitted(data):
    """Before fit, methods say so as the estimator does, for Dask input at once."""
    X, y = data
    wrapper = ParallelPostFit(LogisticRegression())
    for given in (X, *cut(X)):
        with pytest.raises(NotFittedError):
            wrapper.predict(given)
        with pytest.raises(NotFittedError):
            wrapper.score(given, y)
    with pytest.raises(NotFittedError):
        check_is_fitted(wrapper)
    assert not hasattr(wrapper, "classes_")
    with pytest.raises(ValueError, match="X has 4 features"):
        wrapper.fit(X, y).predict(cut(X)[0][:, :4])


# ---- scores ----


def own_scorer(estimator, X, y):
    assert isinstance(X, np.ndarray)
    return accuracy_score(y, estimator.predict(X)) / 2


def few(y, predicted):
    return float(np.mean(y == predicted)) * 2


@pytest.mark.parametrize("where", ["threads", "cluster"])
@pytest.mark.parametrize(
    "scoring",
    [
        None,
        "accuracy",
        "r2",
        "neg_mean_squared_error",
        "neg_log_loss",
        "roc_auc",
        "f1_macro",
        get_scorer("neg_log_loss"),
        make_scorer(log_loss, greater_is_better=False, response_method="predict_proba"),
        make_scorer(few),
        own_scorer,
    ],
    ids=lambda scoring: getattr(scoring, "__name__", str(scoring)),
)
def test_score(request, data, model, scoring, where):
    """The score of Dask data is scikit-learn's of the same rows in memory."""
    if where == "cluster":
        request.getfixturevalue("threads_client")
    X, y = data
    wrapper = ParallelPostFit(model.estimator, scoring=scoring)
    if scoring is None:
        expected = model.estimator.score(X, y)
    else:
        scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
        expected = scorer(model.estimator, X, y)
    assert wrapper.score(X, y) == pytest.approx(expected)
    lazy_X, lazy_y = cut(X, y)
    assert wrapper.score(lazy_X, lazy_y) == pytest.approx(expected)
    later = wrapper.score(lazy_X, lazy_y, compute=False)
    assert isinstance(later, Delayed)
    assert later.compute() == pytest.approx(expected)


def test_scores_without_targets(data):
    """What an estimator scores without y, it scores without y here."""
    X, _ = data
    wrapper = ParallelPostFit(KMeans(2, n_init=1, random_state=0)).fit(X)
    assert wrapper.score(cut(X)[0]) == pytest.approx(wrapper.estimator.score(X))


def test_several_metrics(data, model):
    """Several metrics give a dict."""
    X, y = data
    names = {"first": "accuracy", "second": "roc_auc"}
    for scoring in (names, list(names.values()), set(names.values())):
        wrapper = ParallelPostFit(model.estimator, scoring=scoring)
        found = wrapper.score(*cut(X, y))
        assert found.keys() == set(scoring)
        assert found == pytest.approx(wrapper.score(X, y))


def test_bad_scoring(data):
    """A metric is no scorer; the error says what to use instead."""
    X, y = data
    for scoring, message in (
        (accuracy_score, "make_scorer"),
        ("accurate", "get_scorer_names"),
        ([], "no metric"),
    ):
        wrapper = ParallelPostFit(LogisticRegression(), scoring=scoring).fit(X, y)
        with pytest.raises(ValueError, match=message):
            wrapper.score(*cut(X, y))


@pytest.mark.parametrize(
    "make",
    [LogisticRegression, lambda: make_pipeline(StandardScaler(), LogisticRegression())],
)
def test_scored_block_by_block(make):
    """No more rows of X than one block are in one place, for accuracy and R²."""
    seen = []

    class Seen(StandardScaler):
        def transform(self, X):
            seen.append(len(X))
            return super().transform(X)

    X, y = make_data()
    wrapper = ParallelPostFit(make_pipeline(Seen(), make())).fit(X, y)
    expected = wrapper.estimator.score(X, y)
    # Whatever client a test before has left to this process.
    with dask.config.set(scheduler="threads"):
        for scored in (wrapper, ParallelPostFit(wrapper)):
            seen.clear()
            assert scored.score(*cut(X, y)) == expected
            assert seen == [SIZE] * 8


def test_larger_than_memory(data, model):
    """Blocks are let go once they are predicted."""
    X = da.from_array(File(100 * SIZE), chunks=(SIZE, N_FEATURES))
    LEDGER.clear()

    def predicted(block):
        LEDGER.note(trained=1)
        return block

    with dask.config.set(scheduler="threads", num_workers=2):
        lazy = model.predict(X).map_blocks(predicted, dtype=int)
        assert lazy.compute().shape == (100 * SIZE,)
    assert LEDGER.read == 100
    assert LEDGER.most <= 4


# ---- devices ----


@pytest.mark.parametrize("dask_X", [False, True])
def test_device_arrays(threads_client, dask_X):
    """Device arrays come to the model as they are, and no row is copied to the host."""
    X, _ = make_data()
    y = X @ np.arange(1.0, 6.0)
    wrapper = ParallelPostFit(LeastSquares())
    wrapper.partial_fit(NoHostCopyArray(X), NoHostCopyArray(y))
    given = [NoHostCopyArray(array) for array in (X, y)]
    if dask_X:
        given = [
            da.from_array(array, chunks=(SIZE, *array.shape[1:]), asarray=False)
            for array in given
        ]
    NoHostCopyArray.host_copies = 0
    predicted = wrapper.predict(given[0])
    if dask_X:
        assert isinstance(predicted._meta, NoHostCopyArray)
        predicted = predicted.compute()
    assert isinstance(predicted, NoHostCopyArray)
    assert NoHostCopyArray.host_copies == 0
    score = wrapper.score(*given)
    assert NoHostCopyArray.host_copies <= 1  # that of the score itself
    host = ParallelPostFit(LeastSquares()).partial_fit(X, y)
    np.testing.assert_allclose(predicted.get(), host.predict(X))
    assert score == pytest.approx(host.score(X, y))


def test_device_frames(threads_client):
    """A Dask array of device arrays is made of a frame, if the model makes these."""
    X, y = make_data()

    class FromFrames(Nearest):
        def predict(self, X):
            return super().predict(NoHostCopyArray(X.to_numpy()))

    wrapper = ParallelPostFit(FromFrames())
    wrapper.partial_fit(NoHostCopyArray(X), NoHostCopyArray(y))
    lazy = wrapper.predict(as_frame(X))
    assert isinstance(lazy._meta, NoHostCopyArray)
    assert isinstance(lazy.compute(), NoHostCopyArray)
    assert len(lazy.compute()) == 400


# ---- scikit-learn ----


def test_as_an_estimator(data):
    """It is of the kind of what it wraps, and can be cloned, set and pickled."""
    X, y = data
    wrapper = ParallelPostFit(SGDClassifier(), scoring="accuracy")
    assert is_classifier(wrapper)
    assert is_regressor(ParallelPostFit(LinearRegression()))
    assert is_clusterer(ParallelPostFit(KMeans()))
    assert get_tags(ParallelPostFit(OneHotEncoder())).input_tags.categorical
    assert not is_classifier(ParallelPostFit())
    wrapper.set_params(estimator__alpha=0.5, scoring="f1")
    assert wrapper.estimator.alpha == wrapper.get_params()["estimator__alpha"] == 0.5
    wrapper.fit(X, y)
    check_is_fitted(wrapper)
    again = pickle.loads(pickle.dumps(wrapper))
    np.testing.assert_array_equal(again.predict(X), wrapper.predict(X))
    fresh = clone(wrapper)
    assert fresh.get_params()["estimator__alpha"] == 0.5
    assert not hasattr(fresh, "coef_")
    assert not hasattr(fresh, "n_features_in_")
    assert "ParallelPostFit(estimator=SGDClassifier(alpha=0.5)" in repr(wrapper)


def test_in_meta_estimators(data):
    """scikit-learn's searches and pipelines take it like what it wraps."""
    X, y = data
    search = GridSearchCV(
        ParallelPostFit(LogisticRegression()), {"estimator__C": [1e-9, 1.0]}, cv=2
    ).fit(X, y)
    assert search.best_params_ == {"estimator__C": 1.0}
    pipeline = make_pipeline(
        ParallelPostFit(StandardScaler()), ParallelPostFit(LogisticRegression())
    ).fit(X, y)
    expected = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    np.testing.assert_array_equal(pipeline.predict(X), expected.predict(X))
    np.testing.assert_array_equal(
        pipeline.predict(cut(X)[0]).compute(), expected.predict(X)
    )


def test_metadata_routing(data):
    """Metadata goes to those that ask for it, under the names that they ask for."""
    X, y = data
    weight = np.linspace(0, 1, 400)
    with config_context(enable_metadata_routing=True):
        estimator = LogisticRegression().set_fit_request(sample_weight="importance")
        wrapper = ParallelPostFit(estimator)
        wrapper.fit(X, y, importance=weight)
        expected = LogisticRegression().fit(X, y, sample_weight=weight)
        np.testing.assert_array_equal(wrapper.coef_, expected.coef_)
        assert wrapper.score(X, y) == expected.score(X, y)
        with pytest.raises(TypeError, match="sample_weight"):
            wrapper.fit(X, y, sample_weight=weight)
        found = cross_validate(wrapper, X, y, params={"importance": weight}, cv=2)
        assert found["test_score"].shape == (2,)
        scorer = get_scorer("accuracy").set_score_request(sample_weight=True)
        scored = ParallelPostFit(estimator, scoring=scorer)
        assert scored.score(*cut(X, y), sample_weight=weight) == pytest.approx(
            expected.score(X, y, sample_weight=weight)
        )
    assert not hasattr(wrapper, "set_score_request")
