# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Ensembles of trees go on, call by call, with trees fitted to one more chunk."""

import copy
import functools
import pickle
import sys
import threading

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from gpu_hpo.adaptive.training._boosters import boost
from gpu_hpo.adaptive.training._budgets import make_budget
from gpu_hpo.adaptive.training._models import TrialSpec
from gpu_hpo.metrics._scoring import make_scoring
from gpu_hpo.testing import NoHostCopyArray
from gpu_hpo.training._seeds import unset_seeds
from tests.training.helpers import train_call

BUDGET = make_budget("boosting_rounds")
rng = np.random.default_rng(0)
X = rng.standard_normal((800, 5))
Y = np.digitize(X[:, 0] + 0.5 * X[:, 1] + 0.2 * rng.standard_normal(800), [-0.5, 0.5])
CHUNKS = [{"X": X[i : i + 200], "y": Y[i : i + 200]} for i in range(0, 600, 200)]
HELD = X[600:], Y[600:]
CLASSES = np.arange(3)


def xgb(name="XGBClassifier", **params):
    library = pytest.importorskip("xgboost")
    return getattr(library, name)(**{"n_estimators": 8, "random_state": 3, **params})


def lgbm(name="LGBMClassifier", **params):
    library = pytest.importorskip("lightgbm")
    quiet = {
        "n_estimators": 8,
        "random_state": 3,
        "verbose": -1,
        "min_child_samples": 5,
    }
    return getattr(library, name)(**{**quiet, **params})


def warm(kind, **params):
    return kind(**{"n_estimators": 8, "random_state": 3, "max_depth": 4, **params})


BOOSTING = {
    "xgb": xgb,
    "lgbm": lgbm,
    "gradient": functools.partial(warm, GradientBoostingClassifier),
}
FORESTS = {
    "forest": functools.partial(warm, RandomForestClassifier),
    "extra": functools.partial(warm, ExtraTreesClassifier),
}
REGRESSORS = {
    "xgb-r": functools.partial(xgb, "XGBRegressor"),
    "lgbm-r": functools.partial(lgbm, "LGBMRegressor"),
    "gradient-r": functools.partial(warm, GradientBoostingRegressor),
    "forest-r": functools.partial(warm, RandomForestRegressor),
    "extra-r": functools.partial(warm, ExtraTreesRegressor),
}
CLASSIFIERS = BOOSTING | FORESTS


def each(kinds):
    return pytest.mark.parametrize("make", kinds.values(), ids=kinds.keys())


def train(estimator, chunks=CHUNKS, between=None, **options):
    """A copy of an estimator after one call for each chunk, as searches train it."""
    options = {"classes": CLASSES if is_classifier(estimator) else None} | options
    given = TrialSpec(
        estimator,
        unset_seeds(estimator),
        make_scoring(estimator, None),
        budget=BUDGET,
        **options,
    )
    model = clone(estimator)
    for i, chunk in enumerate(chunks):
        if between:
            model = between(model)
        train_call(model, chunk, given, first=i == 0)
    return model


def by_hand(estimator, chunks=CHUNKS, **params):
    """The same, by what each library says about going on."""
    model = clone(estimator)
    library = type(model).__module__.partition(".")[0]
    if library != "sklearn":
        model.set_params(n_jobs=1)
    for i, chunk in enumerate(chunks):
        more = dict(params)
        if library == "sklearn":
            total = (i + 1) * estimator.n_estimators
            model.set_params(warm_start=True, n_estimators=total)
        elif i:
            more |= (
                {"xgb_model": model.get_booster()}
                if library == "xgboost"
                else {"init_model": model.booster_}
            )
        model.fit(chunk["X"], chunk["y"], **more)
    return model


def responses(model, rows=HELD[0]):
    return getattr(model, "predict_proba", model.predict)(rows)


def n_trees(model):
    if hasattr(model, "get_booster"):
        return model.get_booster().num_boosted_rounds()
    if hasattr(model, "booster_"):
        return model.booster_.current_iteration()
    return len(model.estimators_)


# ---- what comes out ----


@each(CLASSIFIERS | REGRESSORS)
def test_the_same_as_by_hand(make):
    """A call adds the model's own number of trees, fitted to the chunk, bit for bit."""
    model = train(make())
    expected = by_hand(make())
    np.testing.assert_array_equal(responses(model), responses(expected))
    assert n_trees(model) == n_trees(expected) == 24
    one_call = train(make(), CHUNKS[:1])
    assert n_trees(one_call) == 8
    assert model.score(*HELD) > one_call.score(*HELD) - 0.03


@each(CLASSIFIERS | REGRESSORS)
def test_parameters_stay_what_they_were(make):
    """Afterwards the model has the user's parameters, and a thread where none said."""
    estimator = make()
    model = train(estimator)
    expected = estimator.get_params()
    if "n_jobs" in expected and not type(estimator).__module__.startswith("sklearn"):
        expected["n_jobs"] = 1
    found = model.get_params()
    if make is xgb:  # itself sets what suits as many classes
        assert found.pop("objective") == "multi:softprob"
        del expected["objective"]
    assert str(found) == str(expected)
    assert clone(model).fit(CHUNKS[0]["X"], CHUNKS[0]["y"])


@each(CLASSIFIERS)
def test_models_survive_being_copied(make):
    """What is drawn depends on no copies, no other models, and no threads."""
    draws = {"max_features": 2}
    if make in (xgb, lgbm):
        draws = {"subsample": 0.5, "colsample_bytree": 0.5}
        draws |= {"subsample_freq": 1} if make is lgbm else {}
    estimator = make(**draws)
    other = clone(estimator).set_params(random_state=8)
    expected = responses(train(estimator))
    assert not (responses(train(other)) == expected).all()

    def among_others(model):
        train(other, CHUNKS[:1])
        return pickle.loads(pickle.dumps(model))

    found = [
        train(estimator, between=between) for between in (copy.deepcopy, among_others)
    ]
    threads = [
        threading.Thread(
            target=lambda: found.append(train(estimator, between=among_others))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for model in found:
        np.testing.assert_array_equal(responses(model), expected)


@each(CLASSIFIERS | REGRESSORS)
def test_a_copy_is_not_changed(make):
    """Training a deep copy leaves the model as it is, as a task must."""
    model = train(make(), CHUNKS[:2])
    before = responses(model)
    params = TrialSpec(make(), (), make_scoring(make(), None), CLASSES, budget=BUDGET)
    if not is_classifier(model):
        params = TrialSpec(make(), (), make_scoring(make(), None), budget=BUDGET)
    train_call(copy.deepcopy(model), CHUNKS[2], params, first=False)
    np.testing.assert_array_equal(responses(model), before)
    assert n_trees(model) == 16


@each({name: BOOSTING[name] for name in ("xgb", "lgbm")})
def test_calls_draw_anew(make):
    """Each call draws rows and columns of its own, not those of the call before."""
    draws = {"subsample": 0.5, "colsample_bytree": 0.3, "n_estimators": 1}
    if make is lgbm:
        draws["subsample_freq"] = 1
    same = [CHUNKS[0]] * 8
    model = train(make(**draws), same)
    if make is xgb:
        frame = model.get_booster().trees_to_dataframe()
        roots = frame[frame["Node"] == 0]["Feature"].tolist()[::3]
    else:
        trees = model.booster_.dump_model()["tree_info"][::3]
        roots = [tree["tree_structure"]["split_feature"] for tree in trees]
    assert len(set(roots)) > 1


# ---- classes ----


def without(chunk, label):
    kept = chunk["y"] != label
    return {name: value[kept] for name, value in chunk.items()}


def with_row_of(label, chunk):
    """A chunk with one more row, of a class that it lacks."""
    return {
        "X": np.concatenate([chunk["X"], chunk["X"][:1]]),
        "y": np.append(chunk["y"], label),
    }


@each(CLASSIFIERS)
@pytest.mark.parametrize("label", [0, 1, 2])
def test_later_chunks_may_lack_a_class(make, label):
    """What is learned from them is what a row without weight lets through."""
    chunks = [CHUNKS[0], without(CHUNKS[1], label), CHUNKS[2]]
    model = train(make(), chunks)
    assert model.classes_.tolist() == [0, 1, 2]
    assert responses(model).shape == (200, 3)
    assert model.score(*HELD) > 0.6
    library = type(model).__module__.partition(".")[0]
    expected = by_hand(make(), CHUNKS[:1])
    for i in (1, 2):
        more = {}
        if library == "sklearn":
            expected.set_params(n_estimators=(i + 1) * expected.n_estimators // i)
        else:
            more = {"xgb_model" if library == "xgboost" else "init_model": expected}
        if i == 1:
            more["sample_weight"] = np.append(np.ones(len(chunks[1]["y"])), 0.0)
            chunks[1] = with_row_of(label, chunks[1])
        expected.fit(chunks[i]["X"], chunks[i]["y"], **more)
    np.testing.assert_array_equal(responses(model), responses(expected))


@each(BOOSTING)
def test_boosting_begins_with_all_classes(make):
    """A first chunk that lacks a class is an error that names it."""
    with pytest.raises(
        ValueError, match="cannot begin with a chunk without rows of cla"
    ):
        train(make(), [without(CHUNKS[0], 2), *CHUNKS[1:]])


@each(FORESTS)
def test_forests_may_begin_without_a_class(make):
    """Their trees do not build on each other: the next chunks make up for it."""
    model = train(make(), [without(CHUNKS[0], 2), *CHUNKS[1:]])
    assert model.score(*HELD) > 0.6


def test_one_class_in_a_chunk():
    """Where a library needs two classes in each chunk, it says so itself."""
    chunks = [CHUNKS[0], without(without(CHUNKS[1], 0), 1)]
    assert train(lgbm(), chunks).classes_.tolist() == [0, 1, 2]
    assert train(xgb(), chunks).classes_.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="minimum of 2 classes"):
        train(BOOSTING["gradient"](), chunks)


@each({name: make for name, make in CLASSIFIERS.items() if name != "xgb"})
def test_labels_of_any_kind(make):
    """Classes may be strings, also where a chunk lacks one."""
    names = np.array(["red", "green", "blue"])
    chunks = [{"X": c["X"], "y": names[c["y"]]} for c in CHUNKS]
    chunks[1] = without(chunks[1], "red")
    model = train(make(), chunks, classes=np.unique(names))
    assert model.classes_.tolist() == ["blue", "green", "red"]
    assert model.score(HELD[0], names[HELD[1]]) > 0.6


def test_labels_of_xgboost():
    """XGBoost takes the numbers from 0 on, and others are refused before any work."""
    for labels in (np.arange(3), np.array([False, True]), np.array([0.0, 1.0])):
        BUDGET.check_labels(xgb(), labels)
    for labels in (np.array([1, 2]), np.array(["a", "b"]), np.array([0, 2])):
        with pytest.raises(
            ValueError, match=r"labels 0 to 1, but y has .*LabelEncoder"
        ):
            BUDGET.check_labels(xgb(), labels)
        BUDGET.check_labels(lgbm(), labels)


# ---- rows ----


@each(CLASSIFIERS)
def test_weights(make):
    """Weights of rows count, also in a chunk that lacks a class."""
    chunks = [{**chunk, "sample_weight": np.ones(200)} for chunk in CHUNKS]
    chunks[1]["sample_weight"] = np.where(CHUNKS[1]["y"] == 1, 2.0, 0.5)
    weighted = train(make(), chunks, fit_rows=("sample_weight",))
    assert not (responses(weighted) == responses(train(make()))).all()
    lacking = [chunks[0], without(chunks[1], 0), chunks[2]]
    model = train(make(), lacking, fit_rows=("sample_weight",))
    assert not (responses(model) == responses(train(make(), lacking))).all()


@each({name: CLASSIFIERS[name] for name in ("xgb", "lgbm", "forest")})
@pytest.mark.parametrize("kind", [pd.DataFrame, scipy.sparse.csr_matrix])
def test_kinds_of_rows(make, kind):
    """Frames and sparse matrices go to the model as they are, rows added or not."""
    chunks = [CHUNKS[0], without(CHUNKS[1], 0), CHUNKS[2]]
    expected = train(make(), chunks)
    chunks = [{**chunk, "X": kind(chunk["X"])} for chunk in chunks]
    held = kind(HELD[0])
    if kind is pd.DataFrame:
        held.columns = list("abcde")
        chunks = [
            {"X": chunk["X"].set_axis(held.columns, axis=1), "y": pd.Series(chunk["y"])}
            for chunk in chunks
        ]
        assert train(make(), chunks).feature_names_in_.tolist() == list("abcde")
    model = train(make(), chunks)
    # Bins of sparse columns are others than those of dense ones.
    assert model.score(held, HELD[1]) > expected.score(*HELD) - 0.1


class Noting(ClassifierMixin, BaseEstimator):
    """Notes what it is fitted to, and passes for LightGBM's."""

    def __init__(self, random_state=0, n_jobs=1):
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X, y, sample_weight=None, init_model=None):
        self.given_ = [*getattr(self, "given_", []), (X, y, sample_weight, init_model)]
        self.seeds_ = [*getattr(self, "seeds_", []), self.random_state]

    @property
    def booster_(self):
        return self

    def current_iteration(self):
        return 10 * len(self.given_)


Noting.__name__, Noting.__module__ = "LGBMModel", "lightgbm.sklearn"


def test_rows_stay_on_the_device():
    """Chunks go to the model as they are, and so do those to which a row was added."""
    rows = [CHUNKS[0], without(CHUNKS[1], 0), CHUNKS[2]]
    device = [
        {name: NoHostCopyArray(value) for name, value in chunk.items()}
        for chunk in rows
    ]
    model = Noting(random_state=5)
    for i, chunk in enumerate(device):
        params = {"sample_weight": chunk["y"] + 1.0} if i == 2 else {}
        boost(model, {**chunk, **params}, params, CLASSES, first=i == 0)
    assert [
        given[0] is chunk["X"]
        for given, chunk in zip(model.given_, device, strict=True)
    ] == [
        True,
        False,
        True,
    ]
    X, y, weight, _ = model.given_[1]
    assert {type(value) for value in (X, y, weight)} == {NoHostCopyArray}
    np.testing.assert_array_equal(X.get(), with_row_of(0, rows[1])["X"])
    np.testing.assert_array_equal(y.get(), with_row_of(0, rows[1])["y"])
    assert (weight.sum().item(), weight[-1].item()) == (len(rows[1]["y"]), 0.0)
    assert model.given_[2][2] is params["sample_weight"]
    assert [given[3] is model for given in model.given_] == [False, True, True]
    assert model.seeds_ == [5, 15, 25]
    assert model.random_state == 5


# ---- what is refused ----


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            LogisticRegression,
            r"goes on with other rows, XGBoost's.*LogisticRegression\(",
        ),
        (BaggingClassifier, "goes on with other rows, XGBoost's"),
        (
            lambda: make_pipeline(GradientBoostingClassifier()),
            "goes on with other rows",
        ),
        (
            HistGradientBoostingClassifier,
            "those that it began with only, as by resource='warm_start'",
        ),
        (
            lambda: GradientBoostingClassifier(n_iter_no_change=3),
            "must not have n_iter_no_change=3",
        ),
        (
            lambda: RandomForestClassifier(oob_score=True),
            "must not have oob_score=True",
        ),
        (lambda: xgb(early_stopping_rounds=2), "must not have early_stopping_rounds=2"),
        (lambda: lgbm(early_stopping_round=5), "must not have early_stopping_round=5"),
        (lambda: xgb("XGBRanker"), "a classifier or a regressor; XGBRanker is neither"),
        (
            lambda: lgbm("LGBMRanker"),
            "a classifier or a regressor; LGBMRanker is neith",
        ),
    ],
)
def test_what_cannot_go_on(make, message):
    """It is refused with the reason, by names."""
    with pytest.raises(ValueError, match=f"(?s)resource='boosting_rounds'.*{message}"):
        BUDGET.check(make())


@each(CLASSIFIERS | REGRESSORS)
def test_what_can_go_on(make):
    """It is accepted, also where early stopping is off in so many words."""
    BUDGET.check(make())
    if make is lgbm:
        BUDGET.check(make(early_stopping_round=-1))


def test_fit_parameters():
    """Calls take what `fit` does, but no model to go on from and nothing to stop by."""
    assert BUDGET.takes_param(xgb(), "sample_weight")
    assert BUDGET.takes_param(xgb(), "base_margin")
    assert BUDGET.takes_param(lgbm(), "eval_metric")
    assert BUDGET.takes_param(lgbm(), "classes")
    assert BUDGET.takes_param(GradientBoostingClassifier(), "monitor")
    for name in ("xgb_model", "eval_set", "base_margin_eval_set", "foo"):
        assert not BUDGET.takes_param(xgb(), name)
    for name in ("init_model", "eval_X", "eval_names"):
        assert not BUDGET.takes_param(lgbm(), name)
    assert not BUDGET.takes_param(RandomForestRegressor(), "classes")


def test_no_library_is_imported(monkeypatch):
    """XGBoost and LightGBM are imported by those only who make their estimators."""
    for library in ("xgboost", "lightgbm"):
        monkeypatch.setitem(sys.modules, library, None)  # an import of it raises
    assert n_trees(train(FORESTS["forest"]())) == 24
    with pytest.raises(ValueError, match="goes on with other rows"):
        BUDGET.check(LogisticRegression())
