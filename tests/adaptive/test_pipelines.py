# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches for the parameters of pipelines, whose steps train chunk by chunk."""

import pickle

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from distributed import Client
from scipy.stats import loguniform
from sklearn import config_context
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import HyperbandSearchCV, SuccessiveHalvingSearchCV
from gpu_hpo.testing import NoHostCopyArray
from tests.training.helpers import LeastSquares

X, y = make_classification(900, 8, n_informative=5, random_state=0)
X = 5 * X + 50
ALPHA = {"clf__alpha": loguniform(1e-6, 1e-1)}


def pipeline(**steps):
    steps = {"scale": StandardScaler(), "clf": SGDClassifier()} | steps
    return Pipeline(
        [*((k, steps[k]) for k in steps if k != "clf"), ("clf", steps["clf"])]
    )


def hyperband(estimator, space=ALPHA, **options):
    options = {"max_iter": 9, "random_state": 0, "chunk_size": 100} | options
    return HyperbandSearchCV(estimator, space, **options)


class Chosen:
    """A distribution over values that cannot be known before they are drawn."""

    def __init__(self, *values):
        self.values = values

    def rvs(self, random_state=None):
        return self.values[random_state.randint(len(self.values))]


def scores_of(search):
    return {
        model: [(entry["partial_fit_calls"], entry["score"]) for entry in entries]
        for model, entries in search.model_history_.items()
    }


def statuses(search):
    return set(search.cv_results_["status"])


def test_a_search(threads_client):
    """Parameters of steps, and steps, are searched; an ordinary pipeline comes out."""
    space = {
        **ALPHA,
        "scale": [StandardScaler(), MinMaxScaler(), "passthrough"],
        "pca": ["passthrough", IncrementalPCA(4), IncrementalPCA(6)],
        "clf": [SGDClassifier(), SGDClassifier(loss="log_loss")],
    }
    estimator = pipeline(pca=IncrementalPCA())
    search = hyperband(estimator, space).fit(X, y)
    assert statuses(search) <= {"completed", "stopped"}
    assert search.best_score_ > 0.7
    assert search.score(X, y) > 0.7
    best = pickle.loads(pickle.dumps(search.best_estimator_))
    assert (best.predict(X) == search.predict(X)).all()
    assert search.classes_.tolist() == [0, 1]
    assert search.n_features_in_ == 8
    tried = {type(p["scale"]).__name__ for p in search.cv_results_["params"]}
    assert tried == {"StandardScaler", "MinMaxScaler", "str"}
    assert not hasattr(estimator["scale"], "mean_")


def test_a_pipeline_of_a_model(threads_client):
    """What comes out is what the model alone gives on rows that were scaled before."""
    alone = hyperband(SGDClassifier(), {"alpha": loguniform(1e-6, 1e-1)})
    scale = StandardScaler().fit(X)
    alone.fit(scale.transform(X), y)
    for step in (FrozenEstimator(scale), FunctionTransformer(scale.transform)):
        search = hyperband(pipeline(scale=step)).fit(X, y)
        assert scores_of(search) == scores_of(alone)
        assert search.best_params_["clf__alpha"] == alone.best_params_["alpha"]


def test_same_answer_anywhere(threads_client, processes_client):
    """Scores and models are the same, whatever workers there are."""
    estimator = pipeline(pca=IncrementalPCA())
    space = {**ALPHA, "pca__n_components": [2, 4, 6]}
    found = []
    with (
        local_cluster(1, processes=False) as cluster,
        Client(cluster, set_as_default=False) as one_thread,
    ):
        for client in (threads_client, processes_client, one_thread):
            with client.as_current():
                found.append(hyperband(estimator, space).fit(X, y))
    for search in found[1:]:
        assert scores_of(search) == scores_of(found[0])
        assert search.best_params_ == found[0].best_params_
        assert (search.predict(X) == found[0].predict(X)).all()


def test_steps_that_change_their_rows(threads_client):
    """A step that transforms in place harms neither other models nor the scores."""
    data = X.copy()
    searches = [
        hyperband(pipeline(scale=StandardScaler(copy=copy))).fit(data, y)
        for copy in (True, False)
    ]
    assert scores_of(searches[0]) == scores_of(searches[1])
    np.testing.assert_array_equal(data, X)


def test_frames(threads_client):
    """Names of columns come to every step."""
    frame = pd.DataFrame(X, columns=list("abcdefgh"))
    estimator = pipeline(pca=IncrementalPCA(3)).set_output(transform="pandas")
    search = hyperband(estimator).fit(frame, pd.Series(y))
    assert search.best_estimator_.feature_names_in_.tolist() == list("abcdefgh")
    names = search.best_estimator_[:-1].get_feature_names_out().tolist()
    assert names == ["incrementalpca0", "incrementalpca1", "incrementalpca2"]
    assert search.score(frame, y) > 0.6


def test_labels_that_are_strings(threads_client):
    """The last step is told all classes."""
    labels = np.array(["no", "yes"])[y]
    search = hyperband(pipeline()).fit(X, labels)
    assert search.classes_.tolist() == ["no", "yes"]
    assert search.best_score_ > 0.7


def test_weights(threads_client):
    """sample_weight goes to the last step and to the scorer; others say where to."""
    weight = np.where(y == 1, 3.0, 0.5)
    plain = hyperband(pipeline()).fit(X, y)
    weighted = hyperband(pipeline()).fit(X, y, sample_weight=weight)
    both = hyperband(pipeline()).fit(
        X, y, sample_weight=weight, scale__sample_weight=weight
    )
    trained = hyperband(pipeline()).fit(X, y, clf__sample_weight=weight)
    searches = [plain, weighted, both, trained]
    assert len({str(scores_of(search)) for search in searches}) == 4
    means = [search.best_estimator_["scale"].mean_ for search in searches]
    assert len({str(mean) for mean in means[2:]}) == 2


def test_rows_stay_on_the_device(threads_client, monkeypatch):
    """No search copies X to the host on its way through the steps."""
    shapes = []
    get = NoHostCopyArray.get
    monkeypatch.setattr(
        NoHostCopyArray, "get", lambda self: shapes.append(self.shape) or get(self)
    )
    estimator = make_pipeline(
        FunctionTransformer(lambda X: (X - 50.0) / 20.0),
        make_pipeline("passthrough", FunctionTransformer(lambda X: X * 1.0)),
        LeastSquares(),
    )
    space = {"leastsquares__rate": loguniform(1e-3, 1e-1)}
    data = NoHostCopyArray(X), NoHostCopyArray(y * 1.0)
    search = hyperband(estimator, space, scoring="r2").fit(*data)
    assert not {shape[1:] for shape in shapes} & {X.shape[1:]}
    assert isinstance(search.best_estimator_[-1].coef_, NoHostCopyArray)
    on_host = hyperband(estimator, space, scoring="r2").fit(X, y * 1.0)
    assert scores_of(search) == scores_of(on_host)


def test_a_first_chunk_that_is_too_small(threads_client):
    """Models with more components than a chunk has rows fail, and say so."""
    wide = np.random.default_rng(0).standard_normal((900, 150))
    space = {**ALPHA, "pca__n_components": [3, 120]}
    search = hyperband(pipeline(pca=IncrementalPCA()), space).fit(wide, y)
    results = search.cv_results_
    wanted = np.array([p["pca__n_components"] for p in results["params"]])
    assert set(np.array(results["status"])[wanted == 120]) == {"failed"}
    assert "failed" not in set(np.array(results["status"])[wanted == 3])
    errors = [e for e, n in zip(results["error"], wanted, strict=True) if n == 120]
    assert all("n_components=120 must be less or equal to" in e for e in errors)


def test_values_that_are_drawn(threads_client):
    """A step that is drawn and cannot be trained fails as a trial, by its name."""
    space = {**ALPHA, "scale": Chosen(StandardScaler(), RobustScaler())}
    search = hyperband(pipeline(), space).fit(X, y)
    assert statuses(search) > {"failed"}
    for params, status, error in zip(
        search.cv_results_["params"],
        search.cv_results_["status"],
        search.cv_results_["error"],
        strict=True,
    ):
        fails = isinstance(params["scale"], RobustScaler)
        assert (status == "failed") == fails
        assert ("RobustScaler has no method partial_fit and needs" in error) == fails


def test_successive_halving(threads_client):
    """It trains pipelines as Hyperband does."""
    search = SuccessiveHalvingSearchCV(
        pipeline(), ALPHA, n_initial_iter=1, n_initial_parameters=9, random_state=0
    ).fit(X, y)
    assert search.best_score_ > 0.7


# ---- bad input ----


@pytest.mark.parametrize(
    ("estimator", "space", "message"),
    [
        (
            make_pipeline(RobustScaler(), SGDClassifier()),
            {"sgdclassifier__alpha": [1e-3]},
            r"step 'robustscaler' \(RobustScaler\) has no method partial_fit and needs",
        ),
        (
            pipeline(),
            {"scale": [StandardScaler(), RobustScaler(), "passthrough"]},
            r"parameters\['scale'\] has the value RobustScaler\(\), but estimator=.*"
            r"step 'scale' \(RobustScaler\) has no method partial_fit",
        ),
        (
            pipeline(),
            [ALPHA, {"clf": [SGDClassifier(), LogisticRegression()]}],
            r"parameters\['clf'\] has the value LogisticRegression\(\), but .*'clf'",
        ),
        (
            pipeline(),
            {"clf": [SGDClassifier(), "passthrough"]},
            r"parameters\['clf'\] has the value 'passthrough', but .*it ends with 'pa",
        ),
        (
            Pipeline(
                [("prep", pipeline(clf=MinMaxScaler())), ("clf", SGDClassifier())]
            ),
            {"prep__scale": [PCA(2)]},
            r"parameters\['prep__scale'\] has the value PCA\(n_components=2\), but .*"
            r"'prep__scale' \(PCA\)",
        ),
    ],
)
def test_steps_that_no_call_can_train(estimator, space, message):
    """They are refused by name before any work, in lists of values too."""
    with pytest.raises(ValueError, match=f"(?s){message}"):
        hyperband(estimator, space).fit(X, y)


@pytest.mark.parametrize("name", ["foo", "scale__foo", "normalizer__sample_weight"])
def test_parameters_that_no_step_takes(name):
    """A fit parameter that no step takes is an error that names it."""
    estimator = pipeline(normalizer=Normalizer())
    with pytest.raises(TypeError, match=f"fit got {name}=3, which partial_fit of Pipe"):
        hyperband(estimator).fit(X, y, **{name: 3})


def test_metadata_routing():
    """Pipelines route nothing to partial_fit, so that nothing can be asked for."""
    with config_context(enable_metadata_routing=True):
        estimator = pipeline()
        estimator["clf"].set_partial_fit_request(sample_weight=True)
        with pytest.raises(ValueError, match=r"got sample_weight, but .*Pipeline rout"):
            hyperband(estimator).fit(X, y, sample_weight=np.ones(900))


TEXTS = [f"{'good' if label else 'bad'} word{i % 7}" for i, label in enumerate(y)]


@pytest.mark.parametrize(
    ("first", "texts"),
    [
        (HashingVectorizer(n_features=64), TEXTS),
        (HashingVectorizer(n_features=64), np.array(TEXTS)),
        (HashingVectorizer(n_features=64), pd.Series(TEXTS)),
        (HashingVectorizer(n_features=64), dd.from_pandas(pd.Series(TEXTS), 4)),
        (FeatureHasher(n_features=64), [{text: 1} for text in TEXTS]),
    ],
    ids=["list", "array", "series", "dask series", "dicts"],
)
def test_hashed_texts(threads_client, first, texts):
    """A pipeline that begins with hashing takes what that takes, chunk by chunk."""
    pipeline = make_pipeline(first, SGDClassifier(random_state=0))
    labels = dd.from_pandas(pd.Series(y), 4) if hasattr(texts, "dask") else y
    search = HyperbandSearchCV(
        pipeline,
        {"sgdclassifier__alpha": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]},
        max_iter=3,
        random_state=0,
    ).fit(texts, labels)
    assert search.best_score_ > 0.9
