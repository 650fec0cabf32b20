# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Pipelines are trained by calls: each step on what those before make of a chunk."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, IncrementalPCA, MiniBatchDictionaryLearning
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.feature_selection import SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from gpu_hpo.adaptive.training._budgets import make_budget
from gpu_hpo.adaptive.training._models import TrialSpec
from gpu_hpo.devices import array_namespace
from gpu_hpo.metrics._scoring import make_scoring
from gpu_hpo.testing import NoHostCopyArray
from gpu_hpo.training._lending import Access, access_of
from gpu_hpo.training._pipelines import takes_classes
from gpu_hpo.training._pipelines import train as train_once
from gpu_hpo.training._seeds import unset_seeds
from tests.training.helpers import LeastSquares, train_call

rng = np.random.default_rng(0)
CHUNKS = []
for _ in range(3):
    X = 5 * rng.standard_normal((60, 6)) + [0, 10, -20, 3, 0, 0]
    y = (X[:, 0] + X[:, 1] > 10).astype(int)
    CHUNKS.append({"X": X, "y": y})
CLASSES = np.array([0, 1])


def sgd():
    return SGDClassifier(random_state=0)


def train(estimator, chunks=CHUNKS, **options):
    """A copy of an estimator after one call for each chunk, as searches train it."""
    options = {"classes": CLASSES} | options
    given = TrialSpec(
        estimator, unset_seeds(estimator), make_scoring(sgd(), None), **options
    )
    model = clone(estimator)
    for i, chunk in enumerate(chunks):
        train_call(model, chunk, given, first=i == 0)
    return model


def by_hand(steps, model, chunks=CHUNKS, **params):
    """The same without a pipeline, of steps that all have partial_fit."""
    steps, model = [clone(step) for step in steps], clone(model)
    for chunk in chunks:
        X = chunk["X"]
        for step in steps:
            X = step.partial_fit(X, chunk["y"]).transform(X)
        model.partial_fit(X, chunk["y"], **params)
    return steps, model


# ---- what comes out ----


@pytest.mark.parametrize(
    "steps",
    [
        [StandardScaler()],
        [MinMaxScaler(), IncrementalPCA(3)],
        [MaxAbsScaler(), MiniBatchDictionaryLearning(3, random_state=0)],
    ],
    ids=lambda steps: type(steps[-1]).__name__,
)
def test_the_same_as_by_hand(steps):
    """Each step is updated with the chunk and then transforms it, bit for bit."""
    model = train(make_pipeline(*steps, sgd()))
    expected_steps, expected = by_hand(steps, sgd(), classes=CLASSES)
    np.testing.assert_array_equal(model[-1].coef_, expected.coef_)
    assert model[-1].t_ == expected.t_
    for step, hand in zip(model[:-1], expected_steps, strict=True):
        X = CHUNKS[0]["X"]
        if isinstance(step, IncrementalPCA | MiniBatchDictionaryLearning):
            np.testing.assert_array_equal(step.components_, hand.components_)
        else:
            np.testing.assert_array_equal(step.transform(X), hand.transform(X))


def test_nested_pipelines():
    """A pipeline as a step of a pipeline is as if its steps were in its place."""
    X = CHUNKS[0]["X"]
    flat = train(make_pipeline(StandardScaler(), IncrementalPCA(3), sgd()))
    for nested in (
        make_pipeline(make_pipeline(StandardScaler(), IncrementalPCA(3)), sgd()),
        make_pipeline(StandardScaler(), make_pipeline(IncrementalPCA(3), sgd())),
        make_pipeline(
            make_pipeline("passthrough", StandardScaler(), None),
            make_pipeline(IncrementalPCA(3), "passthrough"),
            sgd(),
        ),
    ):
        model = train(nested)
        np.testing.assert_array_equal(
            model.decision_function(X), flat.decision_function(X)
        )


def test_steps_that_need_no_fitting():
    """They transform; what they tell of the columns is known after training."""
    model = train(make_pipeline(Normalizer(), FunctionTransformer(np.tanh), sgd()))
    expected = sgd()
    for chunk in CHUNKS:
        expected.partial_fit(
            np.tanh(Normalizer().transform(chunk["X"])), chunk["y"], classes=CLASSES
        )
    np.testing.assert_array_equal(model[-1].coef_, expected.coef_)
    assert model.n_features_in_ == 6
    assert model[0].n_features_in_ == model[1].n_features_in_ == 6


def test_text():
    """Words become columns, which are sparse, on their way to the model."""
    words = np.array(["good fine", "bad", "good", "bad worse", "fine"] * 6)
    labels = np.char.startswith(words, "bad").astype(int)
    chunks = [{"X": words[i::2], "y": labels[i::2]} for i in range(2)]
    model = train(make_pipeline(HashingVectorizer(n_features=64), sgd()), chunks)
    assert model.predict(["good", "worse bad"]).tolist() == [0, 1]
    expected = sgd()
    for chunk in chunks:
        hashed = HashingVectorizer(n_features=64).transform(chunk["X"])
        expected.partial_fit(hashed, chunk["y"], classes=CLASSES)
    np.testing.assert_array_equal(model[-1].coef_, expected.coef_)


@pytest.mark.parametrize("copy", [True, False])
def test_unions(copy):
    """Each part of a union is updated with the same chunk, also if parts change it."""
    parts = [
        ("scaled", make_pipeline(StandardScaler(copy=copy), IncrementalPCA(2))),
        ("dropped", "drop"),
        ("bounded", MinMaxScaler()),
    ]
    union = FeatureUnion(parts, transformer_weights={"bounded": 2.0})
    chunks = [{**chunk, "X": chunk["X"].copy()} for chunk in CHUNKS]
    model = train(Pipeline([("union", union), ("clf", sgd())]), chunks)
    scale, pca, bound = StandardScaler(), IncrementalPCA(2), MinMaxScaler()
    for chunk in CHUNKS:
        scaled = scale.partial_fit(chunk["X"]).transform(chunk["X"])
        pca.partial_fit(scaled)
        bound.partial_fit(chunk["X"])
    trained = dict(model["union"].transformer_list)
    np.testing.assert_array_equal(trained["scaled"][0].mean_, scale.mean_)
    np.testing.assert_array_equal(trained["scaled"][1].components_, pca.components_)
    np.testing.assert_array_equal(trained["bounded"].data_max_, bound.data_max_)
    if copy:
        X = CHUNKS[0]["X"]
        both = [pca.transform(scale.transform(X)), 2 * bound.transform(X)]
        np.testing.assert_array_equal(model["union"].transform(X), np.hstack(both))
        np.testing.assert_array_equal(chunks[0]["X"], X)


def test_frozen_steps_stay_as_they_are():
    """What was fitted before and frozen transforms, and learns nothing."""
    for fitted in (StandardScaler(), PCA(2), RobustScaler()):
        fitted.fit(CHUNKS[0]["X"])
        before = pickle.dumps(fitted)
        model = train(make_pipeline(FrozenEstimator(fitted), sgd()))
        assert pickle.dumps(fitted) == before
        expected = sgd()
        for chunk in CHUNKS:
            expected.partial_fit(fitted.transform(chunk["X"]), chunk["y"], CLASSES)
        np.testing.assert_array_equal(model[-1].coef_, expected.coef_)


def test_an_ordinary_fitted_pipeline_comes_out(tmp_path):
    """It is fitted to scikit-learn, and can be pickled, copied and trained on."""
    model = train(
        make_pipeline(StandardScaler(), IncrementalPCA(3), sgd(), memory=str(tmp_path))
    )
    check_is_fitted(model)
    X, y = CHUNKS[0].values()
    assert model.score(X, y) > 0.7
    assert model.classes_.tolist() == [0, 1]
    assert model[:-1].transform(X).shape == (60, 3)
    twin = pickle.loads(pickle.dumps(model))
    other = copy.deepcopy(model)
    for again in (twin, other):
        train_once(again, [X, y], {})
    assert not (twin[-1].coef_ == model[-1].coef_).all()
    np.testing.assert_array_equal(twin[-1].coef_, other[-1].coef_)
    assert list(tmp_path.iterdir()) == []  # of no use to calls
    fitted = clone(model).fit(X, y)
    assert vars(fitted).keys() == vars(model).keys()


def test_names_of_columns():
    """Steps see the names that the steps before give, as in scikit-learn."""
    names = list("abcdef")
    chunks = [
        {**chunk, "X": pd.DataFrame(chunk["X"], columns=names)} for chunk in CHUNKS
    ]
    pipeline = make_pipeline(
        FunctionTransformer(feature_names_out="one-to-one"),
        StandardScaler(),
        IncrementalPCA(2),
        sgd(),
    ).set_output(transform="pandas")
    model = train(pipeline, chunks)
    assert model.feature_names_in_.tolist() == names
    assert model[2].feature_names_in_.tolist() == names
    assert model[-1].feature_names_in_.tolist() == [
        "incrementalpca0",
        "incrementalpca1",
    ]
    assert model[:-1].get_feature_names_out().tolist() == [
        "incrementalpca0",
        "incrementalpca1",
    ]
    plain = train(make_pipeline(StandardScaler(), IncrementalPCA(2), sgd()))
    # Frames hold columns, so that sums are made in another order.
    np.testing.assert_allclose(model[-1].coef_, plain[-1].coef_)


class Own(Pipeline):
    """A pipeline with its own idea of a call."""

    def partial_fit(self, X, y, classes):
        self.told_ = (X, y, classes)


def test_a_pipeline_that_has_partial_fit():
    """It is left to do it itself, and told what it asks for."""
    model = train(Own([("clf", LogisticRegression())]))
    np.testing.assert_array_equal(model.told_[0], CHUNKS[-1]["X"])
    np.testing.assert_array_equal(model.told_[2], CLASSES)


# ---- parameters ----


class Notes(TransformerMixin, BaseEstimator):
    """Notes what its partial_fit is given."""

    def partial_fit(self, X, y=None, sample_weight=None, **options):
        self.given_ = {**options, "X": X, "y": y, "weight": sample_weight}
        return self

    def transform(self, X):
        return X

    fit = partial_fit


def test_who_gets_parameters():
    """The last step does, but for those that name another step first."""
    inner = Pipeline([("a", Notes()), ("b", Notes())])
    union = FeatureUnion([("c", Notes()), ("d", Notes())])
    steps = [("x", Notes()), ("in", inner), ("union", union), ("last", Notes())]
    model = Pipeline(steps)
    X, y = CHUNKS[0].values()
    params = {
        "sample_weight": "w0",
        "classes": "k",
        "x__sample_weight": "w1",
        "in__a__sample_weight": "w2",
        "in__sample_weight": "w3",
        "union__c__sample_weight": "w4",
        "far__off": "f",
        "last__sample_weight": "w5",
    }
    budget = make_budget("partial_fit")
    for given in (params, dict(reversed(params.items()))):
        train_once(model, [X, y], given)
        parts = dict(union.transformer_list)
        weights = [
            step.given_["weight"]
            for step in (model["x"], inner["a"], inner["b"], parts["c"], parts["d"])
        ]
        assert weights == ["w1", "w2", "w3", "w4", None]
        last = model["last"].given_
        assert (last["weight"], last["classes"], last["far__off"]) == ("w5", "k", "f")
        assert all(budget.takes_param(model, name) for name in given)
    with pytest.raises(TypeError, match="sample_weight goes to no part of FeatureUn"):
        train_once(model, [X, y], {"union__sample_weight": 1})
    assert not budget.takes_param(model, "union__sample_weight")
    assert not budget.takes_param(make_pipeline(Normalizer(), sgd()), "normalizer__k")
    assert not budget.takes_param(make_pipeline(StandardScaler(), sgd()), "foo")


def test_weights():
    """Per-row weights of the chunk come to the steps that they are meant for."""
    weights = [rng.uniform(size=60) for _ in CHUNKS]
    chunks = [
        {**chunk, "sample_weight": weight, "standardscaler__sample_weight": weight + 1}
        for chunk, weight in zip(CHUNKS, weights, strict=True)
    ]
    names = ("sample_weight", "standardscaler__sample_weight")
    for fit_rows in (names, names[:1]):
        model = train(make_pipeline(StandardScaler(), sgd()), chunks, fit_rows=fit_rows)
        scaler, expected = StandardScaler(), sgd()
        for chunk, w in zip(CHUNKS, weights, strict=True):
            scaler.partial_fit(chunk["X"], None, w + 1 if len(fit_rows) > 1 else None)
            expected.partial_fit(
                scaler.transform(chunk["X"]), chunk["y"], CLASSES, sample_weight=w
            )
        np.testing.assert_array_equal(model[-1].coef_, expected.coef_)


class Demanding(Notes):
    """Wants classes at every call."""

    def partial_fit(self, X, y, classes):
        self.told_ = [*getattr(self, "told_", []), classes]


def test_classes():
    """The last step is told all classes, at the first call or at every one."""
    assert takes_classes(make_pipeline(StandardScaler(), make_pipeline(sgd())))
    assert not takes_classes(make_pipeline(StandardScaler(), SGDRegressor()))
    assert not takes_classes(make_pipeline(StandardScaler(), None))
    model = train(make_pipeline(StandardScaler(), make_pipeline(Demanding())))
    assert [told.tolist() for told in model[-1][-1].told_] == [CLASSES.tolist()] * 3
    chunks = [{**chunk, "y": np.zeros(60, int)} for chunk in CHUNKS]
    one_class = train(make_pipeline(StandardScaler(), GaussianNB()), chunks)
    assert one_class.classes_.tolist() == [0, 1]


# ---- rows ----


def test_models_that_would_harm_the_rows_are_known():
    """A step that transforms in place is seen, so that its model gets a copy."""
    for step in (
        StandardScaler(copy=False),
        make_pipeline(StandardScaler(copy=False)),
        make_union(StandardScaler(copy=False)),
        FrozenEstimator(StandardScaler(copy=False)),
    ):
        assert access_of(make_pipeline(step, sgd())) is Access.OWN


class Shift(TransformerMixin, BaseEstimator):
    """Subtracts the mean of all rows, in whatever array namespace they are."""

    def partial_fit(self, X, y=None):
        n, mean = getattr(self, "state_", (0, 0.0))
        self.seen_ = X
        self.state_ = (n + len(X), (n * mean + X.sum(axis=0)) / (n + len(X)))
        return self

    def fit(self, X, y=None):
        raise AssertionError("a call must not call fit")

    def transform(self, X):
        return X - self.state_[1]


class Squash(TransformerMixin, BaseEstimator):
    """Needs no fitting."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return array_namespace(X).tanh(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def test_rows_stay_on_the_device():
    """A chunk reaches every step as an array of the device's own."""
    pipeline = make_pipeline(
        Shift(),
        make_pipeline(Squash(), "passthrough"),
        make_union(Shift(), make_pipeline(Squash(), Shift())),
        FunctionTransformer(lambda X: 2 * X),
        LeastSquares(),
    )
    device = [
        {name: NoHostCopyArray(value) for name, value in chunk.items()}
        for chunk in CHUNKS
    ]
    NoHostCopyArray.host_copies = 0
    model = train(pipeline, device, classes=None)
    predicted = model.predict(device[0]["X"])
    assert NoHostCopyArray.host_copies == 0
    assert type(model[0].seen_) is NoHostCopyArray
    assert isinstance(model[-1].coef_, NoHostCopyArray)
    on_host = train(pipeline, classes=None)
    np.testing.assert_array_equal(predicted.get(), on_host.predict(CHUNKS[0]["X"]))


# ---- what cannot be trained so ----


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (
            make_pipeline(StandardScaler(), PCA(), sgd()),
            r"step 'pca' \(PCA\) has no method partial_fit and needs fitting, unless "
            "it is fitted to a sample and frozen.*may also be.*'boosting_rounds'",
        ),
        (
            make_pipeline(SimpleImputer(), make_pipeline(RobustScaler()), sgd()),
            r"'simpleimputer' \(SimpleImputer\).*'pipeline__robustscaler' \(RobustSc",
        ),
        (
            make_pipeline(make_union(PCA()), sgd()),
            r"'featureunion__pca' \(PCA\) has no",
        ),
        (
            make_pipeline(ColumnTransformer([("a", StandardScaler(), [0])]), sgd()),
            r"'columntransformer' \(ColumnTransformer\) has no method partial_fit",
        ),
        (
            make_pipeline(SelectFromModel(LogisticRegression()), sgd()),
            r"'selectfrommodel' \(SelectFromModel\) has no method partial_fit",
        ),
        (
            make_pipeline(StandardScaler(), LogisticRegression()),
            r"'logisticregression' \(LogisticRegression\) has no method partial_fit",
        ),
        (make_pipeline(sgd(), sgd()), r"'sgdclassifier-1' .* has no method transform"),
        (make_pipeline(3, sgd()), r"step 'int' \(int\) has no method transform"),
        (make_pipeline(StandardScaler(), "passthrough"), "ends with 'passthrough'"),
        (Pipeline([]), "it has no steps"),
        (
            Pipeline([("clf", sgd())], transform_input=["X_val"]),
            r"transform_input=\['X_val'\]",
        ),
        (LogisticRegression(), "it has no method partial_fit; resource may also be"),
    ],
)
def test_steps_that_no_call_can_train(estimator, message):
    """They are refused by name, before any work."""
    with pytest.raises(ValueError, match=f"(?s)estimator=.*cannot be.*: .*{message}"):
        make_budget("partial_fit").check(estimator)


def test_a_step_that_turns_out_not_to_be_trainable():
    """A call of a pipeline that was never checked says which kind of step it is."""
    with pytest.raises(ValueError, match="PCA has no method partial_fit and needs fit"):
        train_once(make_pipeline(PCA(), sgd()), list(CHUNKS[0].values()), {})


def test_first_chunk_too_small():
    """IncrementalPCA says itself that its first chunk has too few rows."""
    chunks = [{name: value[:5] for name, value in chunk.items()} for chunk in CHUNKS]
    with pytest.raises(
        ValueError, match=r"n_components=6 must be less or equal to.* 5"
    ):
        train(make_pipeline(IncrementalPCA(6), sgd()), chunks)
