# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""HyperbandSearchCV: what it looks like from outside, and what it does."""

import inspect
import logging
import math
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from scipy.stats import loguniform, uniform
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    clone,
    is_classifier,
    is_clusterer,
    is_regressor,
)
from sklearn.callback import ProgressBar
from sklearn.cluster import MiniBatchKMeans
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import accuracy_score, get_scorer, make_scorer
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from gpu_hpo.exceptions import NoFiniteScoreError
from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.testing import NoHostCopyArray
from tests.model_selection.helpers import (
    SCORED,
    NeedsClasses,
    Scripted,
    Spy,
    flat,
    make_data,
    noting_log_loss,
    rising,
)
from tests.training.helpers import LeastSquares, Nearest

ALPHA = {"alpha": loguniform(1e-5, 1e1)}


def make_search(estimator=None, parameters=None, **options):
    """A search of 17 models and 69 calls."""
    options = {"max_iter": 9, "random_state": 0, "chunk_size": 50} | options
    return HyperbandSearchCV(
        SGDClassifier(random_state=0) if estimator is None else estimator,
        ALPHA if parameters is None else parameters,
        **options,
    )


def scripted(values, **options):
    """A search over `Scripted`, whose score is its parameter `value`."""
    parameters = {"value": values} if isinstance(values, list) else values
    return make_search(Scripted(), parameters, **options)


@pytest.fixture(scope="module")
def fitted(_threads_client):
    """A search that was fitted; tests must not change it."""
    with _threads_client.as_current():
        return make_search(parameters=ALPHA | {"l1_ratio": [0.1, 0.9]}).fit(
            *make_data()
        )


# ---- names and schemas ----


def test_signature():
    """Arguments have dask-ml's names, order and defaults; ours are keyword-only."""
    parameters = inspect.signature(HyperbandSearchCV).parameters.values()
    positional = {
        p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD
    }
    assert list(positional.items()) == [
        ("estimator", inspect.Parameter.empty),
        ("parameters", inspect.Parameter.empty),
        ("max_iter", 81),
        ("aggressiveness", 3),
        ("patience", False),
        ("tol", 1e-3),
        ("test_size", None),
        ("random_state", None),
        ("scoring", None),
        ("verbose", False),
        ("prefix", ""),
        ("predict_meta", None),
        ("predict_proba_meta", None),
        ("transform_meta", None),
    ]
    rest = {p.name: p.kind for p in parameters if p.name not in positional}
    assert {"refit", "chunk_size"} <= set(rest)
    assert set(rest.values()) == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize(
    ("max_iter", "aggressiveness", "n_models", "n_calls"),
    [
        (9, 3, 17, 69),
        (15, 3, 17, 101),
        (20, 3, 17, 144),
        (27, 3, 49, 357),
        (81, 3, 143, 1581),
        (94, 4, 98, 1151),
        (100, 4, 98, 1252),
        (299, 4, 378, 5721),
    ],
)
def test_metadata_totals(max_iter, aggressiveness, n_models, n_calls):
    """Models and calls are as many as with dask-ml."""
    search = HyperbandSearchCV(
        SGDClassifier(), ALPHA, max_iter=max_iter, aggressiveness=aggressiveness
    )
    metadata = search.metadata
    assert (metadata["n_models"], metadata["partial_fit_calls"]) == (n_models, n_calls)
    brackets = metadata["brackets"]
    assert sum(b["n_models"] for b in brackets) == n_models
    assert sum(b["partial_fit_calls"] for b in brackets) == n_calls
    assert [b["bracket"] for b in brackets] == list(range(len(brackets)))


@pytest.mark.parametrize(("max_iter", "n_brackets"), [(243, 6), (242, 5), (729, 7)])
def test_powers_of_aggressiveness_lose_no_bracket(max_iter, n_brackets):
    """Where a float logarithm would lose a bracket, integers keep it."""
    brackets = HyperbandSearchCV(SGDClassifier(), ALPHA, max_iter).metadata["brackets"]
    assert len(brackets) == n_brackets
    first_calls = [b["decisions"][0] for b in brackets]
    assert min(first_calls) == (2 if max_iter == 242 else 1)
    assert all(b["decisions"][-1] <= max_iter for b in brackets)


def test_metadata_bracket():
    """A bracket says when it decides, and how to run it alone."""
    metadata = HyperbandSearchCV(
        SGDClassifier(), ALPHA, max_iter=9, prefix="p", test_size=0.3
    ).metadata
    bracket = metadata["brackets"][1]
    params = bracket.pop("SuccessiveHalvingSearchCV params")
    assert bracket == {
        "bracket": 1,
        "n_models": 5,
        "partial_fit_calls": 21,
        "decisions": [3, 9],
    }
    assert params == {
        "aggressiveness": 3,
        "max_iter": 9,
        "n_initial_iter": 3,
        "n_initial_parameters": 5,
        "patience": False,
        "prefix": "p, bracket=1",
        "random_state": None,
        "scoring": None,
        "test_size": 0.3,
        "tol": 1e-3,
        "verbose": False,
    }


def test_metadata_holds(fitted):
    """What was done is what was promised, with patience off."""
    assert fitted.metadata_ == fitted.metadata


def test_cv_results_schema(fitted):
    """cv_results_ has dask-ml's columns with their types, and status and error."""
    results = fitted.cv_results_
    floats = {f"{kind}_{what}_time" for kind in ("mean", "std") for what in _TIMES} | {
        "test_score"
    }
    integers = {"rank_test_score", "partial_fit_calls", "bracket"}
    objects = {"params", "status", "error"}
    params = {"param_alpha", "param_l1_ratio"}
    assert set(results) == floats | integers | objects | params | {"model_id"}
    assert {results[name].dtype for name in floats} == {np.dtype(float)}
    assert {results[name].dtype for name in integers} == {np.dtype(np.int64)}
    assert {results[name].dtype for name in objects} == {np.dtype(object)}
    assert {column.shape for column in results.values()} == {(17,)}
    assert list(results["bracket"]) == [2] * 9 + [1] * 5 + [0] * 3
    assert list(results["model_id"][[0, 9, 16]]) == [
        "bracket=2-0",
        "bracket=1-0",
        "bracket=0-2",
    ]
    for i, param in enumerate(results["params"]):
        assert set(param) == {"alpha", "l1_ratio"}
        assert param["alpha"] == results["param_alpha"][i]
    assert set(results["status"]) == {"completed", "stopped"}
    assert list(results["status"][-3:]) == ["completed"] * 3
    assert set(results["error"]) == {""}
    pd.DataFrame(results)


_TIMES = ("partial_fit", "score")


def test_history_schema(fitted):
    """history_ has one entry per score, by time, and model_history_ the same ones."""
    history = fitted.history_
    for entry in history:
        assert set(entry) == {
            "model_id",
            "bracket",
            "params",
            "partial_fit_calls",
            "partial_fit_time",
            "score",
            "score_time",
            "elapsed_wall_time",
            "worker",
        }
        assert entry["partial_fit_time"] > 0
        assert entry["score_time"] > 0
    times = [entry["elapsed_wall_time"] for entry in history]
    assert times == sorted(times)
    by_model = fitted.model_history_
    assert list(by_model) == list(fitted.cv_results_["model_id"])
    assert sum(map(len, by_model.values())) == len(history)
    ours = {id(entry) for entries in by_model.values() for entry in entries}
    assert ours == {id(entry) for entry in history}
    for entries in by_model.values():
        calls = [entry["partial_fit_calls"] for entry in entries]
        assert calls == sorted(set(calls))


def test_first_call_is_scored(fitted):
    """Every model is scored after its first call, and at each of its decisions."""
    decisions = {b["bracket"]: b["decisions"] for b in fitted.metadata["brackets"]}
    for entries in fitted.model_history_.values():
        calls = [entry["partial_fit_calls"] for entry in entries]
        expected = sorted({1, *decisions[entries[0]["bracket"]]})
        assert calls == expected[: len(calls)]
        assert len(calls) >= 1


def test_best(fitted):
    """The best is the best last score, and its row, parameters and model agree."""
    results, best = fitted.cv_results_, fitted.best_index_
    assert type(best) is int
    assert type(fitted.best_score_) is np.float64
    assert fitted.best_score_ == results["test_score"][best]
    assert fitted.best_params_ == results["params"][best]
    assert results["status"][best] == "completed"
    completed = results["test_score"][results["status"] == "completed"]
    assert fitted.best_score_ == completed.max()
    for name, value in fitted.best_params_.items():
        assert getattr(fitted.best_estimator_, name) == value
    assert fitted.best_estimator_.t_ > 1
    assert fitted.n_splits_ == 1
    assert fitted.multimetric_ is False
    X, y = make_data()
    assert fitted.scorer_(fitted.best_estimator_, X, y) == fitted.score(X, y)


def test_scores_last_in_results(fitted):
    """test_score and partial_fit_calls are those of each model's last record."""
    for i, model_id in enumerate(fitted.cv_results_["model_id"]):
        last = fitted.model_history_[model_id][-1]
        assert fitted.cv_results_["test_score"][i] == last["score"]
        calls = fitted.cv_results_["partial_fit_calls"][i]
        assert calls == last["partial_fit_calls"]


def test_times_add_up(fitted):
    """The mean of a model's times is over its records."""
    model_id = fitted.cv_results_["model_id"][fitted.best_index_]
    times = [entry["partial_fit_time"] for entry in fitted.model_history_[model_id]]
    mean = fitted.cv_results_["mean_partial_fit_time"][fitted.best_index_]
    assert mean == pytest.approx(np.mean(times))


def test_search_of_81(threads_client):
    """The default max_iter trains 143 models by 1581 calls, as `metadata` promises."""
    search = make_search(max_iter=81, chunk_size=20).fit(*make_data())
    assert search.metadata_ == search.metadata
    assert search.metadata_["n_models"] == 143
    assert search.metadata_["partial_fit_calls"] == 1581
    assert search.cv_results_["partial_fit_calls"].sum() == 1581
    assert search.cv_results_["partial_fit_calls"].max() == 81


# ---- ranking ----


def test_one_ranking_over_all_models(calls):
    """Ranks are over all brackets: what was completed comes first, ties share."""
    search = scripted([float(i // 2) for i in range(40)]).fit(*make_data())
    keys = [
        (status == "completed", score)
        for status, score in zip(
            search.cv_results_["status"], search.cv_results_["test_score"], strict=True
        )
    ]
    expected = [1 + sum(other > key for other in keys) for key in keys]
    assert list(search.cv_results_["rank_test_score"]) == expected
    assert search.cv_results_["rank_test_score"][search.best_index_] == 1


def test_not_finite_ranks_last(calls):
    """NaN and infinite scores rank last and are never promoted or best."""
    values = [math.nan, math.inf, -math.inf, *(i / 20 for i in range(14))]
    search = scripted(values).fit(*make_data())
    scores, ranks = (search.cv_results_[f"{name}test_score"] for name in ("", "rank_"))
    finite = np.isfinite(scores)
    assert 0 < finite.sum() < 17
    assert ranks[finite].max() < ranks[~finite].min()
    assert len(set(ranks[~finite])) == 1
    assert np.isfinite(search.best_score_)
    assert (search.cv_results_["partial_fit_calls"][:9][~finite[:9]] <= 1).all()


def test_ties_go_to_the_first(calls):
    """Among equal scores the first model is the best."""
    search = scripted({"value": [0.5], "part": list(range(30))}).fit(*make_data())
    completed = np.flatnonzero(search.cv_results_["status"] == "completed")
    assert search.best_index_ == completed[0]


# ---- failures ----


@pytest.mark.parametrize("fail_at", [1, 2])
def test_failing_models(calls, fail_at):
    """A model that raises is recorded and dropped, and the search goes on."""
    search = make_search(
        Scripted(value=0.1), {"fail_at": [0, fail_at], "part": list(range(40))}
    )
    search.fit(*make_data())
    results = search.cv_results_
    should = np.array([param["fail_at"] > 0 for param in results["params"]])
    # Models of the most adaptive bracket may be dropped before they get to fail.
    failed = results["status"] == "failed"
    assert failed.any()
    assert (failed <= should).all()
    if fail_at == 1:
        assert (failed == should).all()
        assert np.isnan(results["test_score"][failed]).all()
        assert set(results["partial_fit_calls"][failed]) == {0}
    for error in results["error"][failed]:
        assert "Traceback" in error
        assert f"RuntimeError: value=0.1 fails at call {fail_at}" in error
    assert set(results["error"][~failed]) == {""}
    assert search.best_params_["fail_at"] == 0
    assert search.cv_results_["status"][search.best_index_] == "completed"
    worst = results["rank_test_score"][np.isnan(results["test_score"])]
    assert (worst > results["rank_test_score"][search.best_index_]).all()


def test_all_fail(calls):
    """If every model fails, the search raises with the first reason in it."""
    search = make_search(Scripted(), {"fail_at": [1], "part": list(range(30))})
    with pytest.raises(NoFiniteScoreError, match="17 of 17 failed") as caught:
        search.fit(*make_data())
    assert "RuntimeError: value=0.5 fails at call 1" in str(caught.value)
    assert "Traceback" in search.cv_results_["error"][0]
    assert isinstance(caught.value, ValueError)
    assert not hasattr(search, "best_score_")


def test_no_finite_score(calls):
    """If no score is finite, the search raises."""
    search = scripted({"value": [math.nan, math.inf], "part": list(range(30))})
    with pytest.raises(NoFiniteScoreError, match="none of 17 trials"):
        search.fit(*make_data())


# ---- patience ----


def test_patience_stops_plateaus(calls):
    """A model that does not improve is stopped, one that does goes on."""
    space = {"value": [rising, flat], "part": list(range(30))}
    search = scripted(space, max_iter=27, patience=9, tol=1e-3).fit(*make_data())
    made = {rising: [], flat: []}
    for param, n in zip(
        search.cv_results_["params"],
        search.cv_results_["partial_fit_calls"],
        strict=True,
    ):
        made[param["value"]].append(n)
    assert max(made[rising]) == 27
    assert max(made[flat]) < 27
    total = search.metadata_["partial_fit_calls"]
    assert total < search.metadata["partial_fit_calls"]
    assert search.metadata_["n_models"] == search.metadata["n_models"]
    assert total == len(calls)
    # A stopped model stays a candidate.
    assert search.best_params_["value"] is flat


@pytest.mark.parametrize("tol", [None, math.nan])
def test_no_tol_never_stops(calls, tol):
    """With tol None or NaN patience stops nothing."""
    space = {"value": [flat], "part": list(range(30))}
    search = scripted(space, patience=3, tol=tol).fit(*make_data())
    assert search.metadata_["partial_fit_calls"] == 69


@pytest.mark.parametrize("true", [True, np.True_])
def test_patience_true(calls, true):
    """patience=True is max_iter // aggressiveness."""
    space = {"value": [flat], "part": list(range(60))}
    search = scripted(space, max_iter=27, patience=true).fit(*make_data())
    params = search.metadata["brackets"][0]["SuccessiveHalvingSearchCV params"]
    assert params["patience"] == 9
    assert search.metadata_["partial_fit_calls"] < 357


def test_impatience_warns(calls):
    """A patience below max_iter // aggressiveness warns, once, at fit."""
    space = {"value": [rising], "part": list(range(60))}
    search = scripted(space, max_iter=27, patience=3)
    search.metadata  # noqa: B018 - reading it must not warn
    with pytest.warns(UserWarning, match="patience=3") as caught:
        search.fit(*make_data())
    assert len(caught) == 1


# ---- spaces ----


def test_small_grid(calls):
    """A grid with too few sets warns, and fewer models are trained."""
    search = scripted([0.1, 0.2, 0.3, 0.4])
    sampled = r"4 distinct sets where 17 \(9 \+ 5 \+ 3 by bracket\) .*11 models are"
    with pytest.warns(UserWarning, match=sampled) as caught:
        search.fit(*make_data())
    assert len(caught) == 1
    # Brackets start with 9, 5 and 3 models where there are enough.
    assert search.metadata_["n_models"] == 4 + 4 + 3
    assert search.metadata_ == search.metadata
    assert [
        bracket["SuccessiveHalvingSearchCV params"]["n_initial_parameters"]
        for bracket in search.metadata_["brackets"]
    ] == [3, 4, 4]
    assert len(search.cv_results_["params"]) == 11
    assert search.best_score_ == 0.4
    for bracket in (2, 1):
        rows = search.cv_results_["bracket"] == bracket
        assert sorted(search.cv_results_["param_value"][rows]) == [0.1, 0.2, 0.3, 0.4]


def test_list_of_spaces(calls):
    """Columns of a list of spaces are aligned, and masked where a key is missing."""
    spaces = [{"value": uniform(0, 1)}, {"part": list(range(100)), "value": [0.5]}]
    search = make_search(Scripted(), spaces).fit(*make_data())
    column = search.cv_results_["param_part"]
    assert isinstance(column, np.ma.MaskedArray)
    assert column.shape == (17,)
    assert 0 < column.mask.sum() < 17
    for param, value in zip(search.cv_results_["params"], column, strict=True):
        assert ("part" not in param) == (value is np.ma.masked)
    assert not search.cv_results_["param_value"].mask.any()


def test_values_of_any_kind(threads_client):
    """Parameter values may be tuples, strings, None and estimators."""
    search = make_search(
        Scripted(value=0.3),
        {"part": [(1, 2), "text", None, SGDClassifier()], "random_state": range(9)},
    )
    search.fit(*make_data())
    column = search.cv_results_["param_part"]
    assert column.dtype == object
    for param, value in zip(search.cv_results_["params"], column, strict=True):
        assert value is param["part"]


def test_parts_of_estimators(calls):
    """A parameter of a part may be searched, also if the part is searched itself."""
    nested = make_search(Scripted(part=SGDClassifier()), {"part__alpha": uniform(0, 1)})
    nested.fit(*make_data())
    best = nested.best_estimator_.part.alpha
    assert best == nested.best_params_["part__alpha"]
    parts = [SGDClassifier(), SGDClassifier(penalty="l1")]
    both = make_search(Scripted(), {"part": parts, "part__alpha": uniform(0, 1)})
    both.fit(*make_data())
    assert both.best_estimator_.part.alpha == both.best_params_["part__alpha"]


# ---- scoring ----


def _accuracy(estimator, X, y):
    return accuracy_score(y, estimator.predict(X))


@pytest.mark.parametrize(
    "scoring", ["accuracy", _accuracy, make_scorer(accuracy_score), None]
)
def test_scoring_kinds(threads_client, scoring):
    """A metric by name, callable, scorer object and the default agree."""
    X, y = make_data()
    search = make_search(scoring=scoring).fit(X, y)
    model = search.best_estimator_
    assert search.score(X, y) == pytest.approx((model.predict(X) == y).mean())
    expected = make_search(scoring="accuracy").fit(X, y)
    assert search.best_params_ == expected.best_params_
    assert search.best_score_ == pytest.approx(expected.best_score_)


def test_metric_is_computed_on_the_validation_rows(calls):
    """The score is scikit-learn's scorer's on the rows that were held out."""
    X, y = make_data(60)
    SCORED.clear()
    log = SGDClassifier(loss="log_loss", random_state=0)
    for scoring in (noting_log_loss, "neg_log_loss"):
        search = make_search(log, scoring=scoring, chunk_size=20, test_size=0.25)
        search.fit(X, y)
        X_valid, y_valid = SCORED[0]
        assert len(X_valid) == 15
        again = get_scorer("neg_log_loss")(search.best_estimator_, X_valid, y_valid)
        assert search.best_score_ == pytest.approx(again)


@pytest.mark.parametrize(
    "scoring",
    [
        ["accuracy", "roc_auc"],
        ("accuracy", "roc_auc"),
        {"accuracy": "accuracy", "roc_auc": get_scorer("roc_auc")},
    ],
)
def test_multimetric(threads_client, scoring):
    """With several metrics `refit` names the one that decides, and all are recorded."""
    X, y = make_data()
    search = make_search(scoring=scoring, refit="roc_auc").fit(X, y)
    assert search.multimetric_ is True
    results = search.cv_results_
    for name in ("accuracy", "roc_auc"):
        assert results[f"test_{name}"].shape == (17,)
        assert results[f"rank_test_{name}"].dtype == np.int64
    assert search.best_score_ == results["test_roc_auc"][search.best_index_]
    np.testing.assert_array_equal(results["test_score"], results["test_roc_auc"])
    expected = get_scorer("roc_auc")(search.best_estimator_, X, y)
    assert search.score(X, y) == pytest.approx(expected)
    alone = make_search(scoring="roc_auc").fit(X, y)
    assert alone.best_params_ == search.best_params_


def test_regressor(threads_client):
    """A regressor is scored by R², and y is not taken for labels."""
    X, _ = make_data()
    y = X @ [1.0, 2.0, 3.0, 4.0]
    search = make_search(SGDRegressor(random_state=0), {"alpha": uniform(0, 1)})
    search.fit(X, y)
    assert search.best_score_ > 0.5
    assert search.score(X, y) == pytest.approx(search.best_estimator_.score(X, y))


@pytest.mark.parametrize("dask", [False, True])
def test_unsupervised(threads_client, dask):
    """Without y models train on X alone and are scored by their own method."""
    X, _ = make_data()
    X = da.from_array(X, chunks=(50, 2)) if dask else X
    search = make_search(
        MiniBatchKMeans(batch_size=50, n_init=1, random_state=0),
        {"n_clusters": [2, 3, 5], "reassignment_ratio": uniform(0, 0.05)},
    )
    search.fit(X)
    assert search.best_score_ < 0
    assert search.transform(X).shape == (200, search.best_params_["n_clusters"])
    assert search.predict(X).shape == (200,)
    assert np.isfinite(search.score(X))


# ---- what goes to partial_fit ----


@pytest.mark.parametrize("dask", [False, True])
def test_classes_are_found(calls, dask):
    """Classes are found in y if not given, and told at the first call."""
    X, y = make_data()
    y = np.array(["no", "yes"])[y]
    if dask:
        X, y = da.from_array(X, chunks=(50, 4)), da.from_array(y, chunks=50)
    search = scripted([i / 20 for i in range(20)]).fit(X, y)
    first = [call.classes for call in calls if call.number == 1]
    assert len(first) == 17
    assert all(list(classes) == ["no", "yes"] for classes in first)
    assert list(search.classes_) == ["no", "yes"]


@pytest.mark.parametrize(
    "classes",
    [[0, 1, 2], np.array([0, 1, 2]), da.from_array([0, 1, 2]), (0, 1, 2)],
    ids=["list", "numpy", "dask", "tuple"],
)
def test_classes_given(calls, classes):
    """Classes may be given, as anything, and may be more than y has."""
    scripted([i / 20 for i in range(20)]).fit(*make_data(), classes=classes)
    assert all(list(call.classes) == [0, 1, 2] for call in calls if call.number == 1)


def test_classes_at_every_call(threads_client):
    """An estimator whose partial_fit must be told classes is told at every call."""
    search = make_search(NeedsClasses(), {"alpha": range(20)}).fit(*make_data())
    assert search.cv_results_["status"][0] != "failed"
    assert 0 < search.best_score_ < 1


def test_text_labels(threads_client):
    """Labels may be text, in NumPy and in pandas."""
    X, y = make_data()
    labels = np.array(["no", "yes"])[y]
    expected = make_search().fit(X, y)
    for given in (labels, pd.Series(labels), labels.tolist()):
        search = make_search().fit(X, given)
        assert search.best_params_ == expected.best_params_
        assert search.best_score_ == expected.best_score_
        assert set(search.predict(X)) <= {"no", "yes"}


def test_available_partial_fit(threads_client):
    """A partial_fit that scikit-learn makes available on conditions is found."""
    search = make_search(
        MLPClassifier((3,), max_iter=5), {"alpha": loguniform(1e-4, 1)}
    )
    assert 0 <= search.fit(*make_data()).best_score_ <= 1


class Delegates(ClassifierMixin, BaseEstimator):
    """Has the methods of another estimator, and none of its own."""

    def __init__(self, part=None):
        self.part = part

    def __getattr__(self, name):
        if name.startswith("__") or name == "part":
            raise AttributeError(name)
        return getattr(self.part, name)


class NoMixin(SGDClassifier):
    """Does not say that it is a classifier."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = None
        return tags


def test_wrapper_without_methods_of_its_own(threads_client):
    """A wrapper that hands its methods on is trained like what it wraps."""
    X, y = make_data()
    space = {"part__alpha": loguniform(1e-5, 1e1)}
    search = make_search(Delegates(SGDClassifier(random_state=0)), space).fit(X, y)
    assert set(search.cv_results_["status"]) <= {"completed", "stopped"}
    expected = make_search(SGDClassifier(random_state=0)).fit(X, y)
    assert search.best_score_ == expected.best_score_


def test_classes_of_an_estimator_that_only_takes_them(threads_client):
    """What `partial_fit` asks for is found from y, whatever the tags say."""
    X, y = make_data()
    search = make_search(NoMixin(random_state=0), scoring="accuracy").fit(X, y)
    expected = make_search(scoring="accuracy").fit(X, y)
    assert search.best_score_ == expected.best_score_


def test_score_without_weights(threads_client):
    """Weights that are None are none, also where a pipeline or Dask hands them on."""
    X, y = make_data()
    search = make_search().fit(X, y)
    expected = search.score(X, y)
    assert search.score(X, y, sample_weight=None) == expected
    lazy = da.from_array(X, chunks=(50, -1)), da.from_array(y, chunks=50)
    assert search.score(*lazy, sample_weight=None) == expected


def test_values_that_are_no_scalars(threads_client):
    """Values such as tuples of different lengths come out as they went in."""
    X, y = make_data()
    shapes = [(4,), (2, 2), [3, 2], None, 5]
    space = {"part": shapes, "value": [0.1, 0.2]}
    search = make_search(Scripted(), space).fit(X, y)
    column = search.cv_results_["param_part"]
    assert column.dtype == object
    assert list(column) == [params["part"] for params in search.cv_results_["params"]]
    assert {type(value) for value in column} == {tuple, list, type(None), int}


def test_column_of_labels(threads_client):
    """y may be a single column, as of a frame: one warning, and the same search."""
    X, y = make_data()
    estimator = GaussianNB()
    space = {"var_smoothing": loguniform(1e-9, 1)}
    expected = make_search(estimator, space).fit(X, y)
    frame = pd.DataFrame({"y": y})
    for column in (y[:, None], frame, da.from_array(y[:, None], chunks=(50, 1))):
        with pytest.warns(DataConversionWarning, match="column-vector y") as warned:
            search = make_search(estimator, space).fit(X, column)
        assert len(warned) == 1
        assert search.best_score_ == expected.best_score_


@pytest.mark.parametrize("kind", ["list", "numpy", "pandas", "dask"])
def test_sample_weight(calls, kind):
    """Per-row weights are cut along with X and y."""
    X, y = make_data()
    X[:, 0] = np.arange(200)
    weight = 1000.0 + np.arange(200)
    given = {
        "list": weight.tolist(),
        "numpy": weight,
        "pandas": pd.Series(weight),
        "dask": da.from_array(weight, chunks=50),
    }[kind]
    if kind == "dask":
        X, y = da.from_array(X, chunks=(50, 4)), da.from_array(y, chunks=50)
    scripted([i / 20 for i in range(20)]).fit(X, y, sample_weight=given)
    assert len(calls) == 69
    for call in calls:
        assert len(call.X) == 40
        np.testing.assert_array_equal(
            np.asarray(call.options["sample_weight"]), call.X[:, 0] + 1000
        )


def test_trained_as_by_hand(calls):
    """The best model is the one that partial_fit by hand gives, weights included."""
    X, y = make_data()
    rows, weight = np.arange(200), np.random.default_rng(0).uniform(size=200)
    X[:, 0] = rows / 100
    search = make_search(Spy(random_state=0)).fit(X, y, sample_weight=weight)
    mine = [call for call in calls if call.alpha == search.best_params_["alpha"]]
    by_hand = SGDClassifier(random_state=0, **search.best_params_)
    for call in mine:
        at = np.rint(call.X[:, 0] * 100).astype(int)
        np.testing.assert_array_equal(y[at], call.y)
        np.testing.assert_array_equal(weight[at], call.weight)
        by_hand.partial_fit(X[at], y[at], [0, 1], weight[at])
    assert search.best_estimator_.t_ == by_hand.t_
    np.testing.assert_array_equal(search.best_estimator_.coef_, by_hand.coef_)
    # The score is weighted by the rows that no model was trained on.
    trained = {int(i) for call in calls for i in np.rint(call.X[:, 0] * 100)}
    held_out = sorted(set(rows) - trained)
    right = by_hand.predict(X[held_out]) == y[held_out]
    expected = np.average(right, weights=weight[held_out])
    assert search.best_score_ == pytest.approx(expected)


@pytest.mark.parametrize("scoring", ["neg_max_error", _accuracy])
def test_weights_and_a_metric_without(threads_client, scoring):
    """A metric that takes no weights is not given any."""
    X, y = make_data()
    search = make_search(scoring=scoring).fit(X, y, sample_weight=np.ones(200))
    assert np.isfinite(search.best_score_)
    assert set(search.cv_results_["error"]) == {""}


def test_other_fit_params(calls):
    """Whatever has not one entry per row goes whole to every call."""
    given = {"table": np.eye(3), "name": "x" * 200, "scale": da.from_array([2.0])[0]}
    scripted([i / 20 for i in range(20)]).fit(*make_data(), **given)
    assert len(calls) == 69
    for call in calls:
        assert set(call.options) == set(given)
        np.testing.assert_array_equal(call.options["table"], np.eye(3))
        assert call.options["name"] == "x" * 200


def test_future_fit_params(calls, threads_client):
    """A fit parameter may be a future: models get what it stands for."""
    (table,) = threads_client.scatter([{"a": 1}])
    scripted([i / 20 for i in range(20)]).fit(*make_data(), table=table)
    assert all(call.options["table"] == {"a": 1} for call in calls)


def test_seeds(calls):
    """Models without a random_state get one each; a given one stays."""
    space = {"value": [i / 20 for i in range(20)]}
    make_search(Scripted(part=SGDClassifier()), space).fit(*make_data())
    seeds = {call.value: call.seed for call in calls}
    assert len(set(seeds.values())) == len(seeds)
    assert all(isinstance(seed, int) for seed in seeds.values())
    assert all(isinstance(call.part.random_state, int) for call in calls)
    first = [(call.value, call.seed) for call in calls if call.number == 1]
    calls.clear()
    make_search(Scripted(part=SGDClassifier()), space).fit(*make_data())
    again = [(call.value, call.seed) for call in calls if call.number == 1]
    assert sorted(again) == sorted(first)
    calls.clear()
    make_search(Scripted(random_state=7), space).fit(*make_data())
    assert {call.seed for call in calls} == {7}


def test_estimator_is_not_changed(threads_client):
    """The estimator that was given is neither trained nor changed."""
    estimator = SGDClassifier()
    make_search(estimator).fit(*make_data())
    assert vars(estimator) == vars(SGDClassifier())


# ---- log ----


def test_verbose(threads_client, capsys):
    """verbose shows the log on standard output, and the prefix in each line."""
    make_search(verbose=True, prefix=" mine").fit(*make_data())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[CV mine] creating 17 models"
    assert "160 rows in 4 chunks, validating on 40" in lines[1]
    scores = [line for line in lines if "validation score of" in line]
    # 9 + 3 + 1, and 5 + 5 + 1, and 3 + 3.
    assert len(scores) == 30
    assert all(line.startswith("[CV mine]") for line in lines)
    make_search().fit(*make_data())
    assert capsys.readouterr().out == ""


def test_verbose_searches_side_by_side(threads_client, capsys):
    """Two searches that show their log at the same time show each line once."""

    def run(prefix):
        with threads_client.as_current():
            make_search(verbose=True, prefix=prefix).fit(*make_data())

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, (" a", " b")))
    lines = capsys.readouterr().out.splitlines()
    for prefix in (" a", " b"):
        assert lines.count(f"[CV{prefix}] creating 17 models") == 1
    assert not logging.getLogger("gpu_hpo.model_selection").handlers


def test_verbose_fraction(threads_client, capsys):
    """A number says which fraction of the scores is shown."""
    make_search(verbose=0.1).fit(*make_data())
    out = capsys.readouterr().out
    assert out.count("validation score of") == 3


def test_logging(threads_client, caplog):
    """The log is there for whoever wants it, verbose or not, with failures in it."""
    space = {"fail_at": [0, 1], "part": list(range(30))}
    with caplog.at_level(logging.INFO, "gpu_hpo.model_selection"):
        make_search(Scripted(), space).fit(*make_data())
    messages = [record.getMessage() for record in caplog.records]
    assert "[CV] creating 17 models" in messages
    assert any("received after 9 partial_fit calls" in text for text in messages)
    failures = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "failed: RuntimeError: value=0.5 fails at call 1" in failures[0].message


# ---- callbacks ----


class Watch:
    """Notes what scikit-learn's callbacks are told."""

    def __init__(self):
        self.events = []

    def setup(self, estimator, context):
        self.events.append(("setup", None))

    def teardown(self, estimator, context):
        self.events.append(("teardown", None))

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", self._where(context)))

    def on_fit_task_end(self, estimator, context):
        self.events.append(("end", self._where(context)))

    @staticmethod
    def _where(context):
        return "search" if context.parent is None else context.task_id


@pytest.mark.parametrize("patience", [False, 3])
def test_callback(threads_client, patience):
    """Callbacks see the search, and each trial begin and end once within it."""
    watch = Watch()
    space = {"fail_at": [0, 2], "part": list(range(30))}
    search = make_search(Scripted(), space, patience=patience).set_callbacks(watch)
    for _ in range(2):
        watch.events.clear()
        search.fit(*make_data())
        assert watch.events[:2] == [("setup", None), ("begin", "search")]
        assert watch.events[-2:] == [("end", "search"), ("teardown", None)]
        trials = watch.events[2:-2]
        for kind in ("begin", "end"):
            assert sorted(who for what, who in trials if what == kind) == [*range(17)]
        for trial in range(17):
            assert trials.index(("begin", trial)) < trials.index(("end", trial))
        # Not all of them at the end: trials are told of as they are dropped.
        assert trials[-17:] != [("end", trial) for trial in range(17)]


def test_callback_of_a_search_that_fails(threads_client):
    """Callbacks are torn down if the search raises."""
    watch = Watch()
    search = make_search(Scripted(fail_at=1), {"part": list(range(30))})
    with pytest.raises(NoFiniteScoreError):
        search.set_callbacks(watch).fit(*make_data())
    assert watch.events[-1] == ("teardown", None)
    assert ("end", "search") not in watch.events


def test_progress_bar(threads_client, capsys):
    """scikit-learn's progress bar works and ends at 100 %."""
    pytest.importorskip("rich")
    make_search().set_callbacks(ProgressBar()).fit(*make_data())
    out = capsys.readouterr().out
    assert "HyperbandSearchCV - fit" in out
    assert "100%" in out


# ---- a scikit-learn estimator ----


def test_params_and_clone():
    """get_params, set_params and clone work as in scikit-learn."""
    search = make_search(tol=0.5)
    params = search.get_params(deep=False)
    assert set(params) == set(inspect.signature(HyperbandSearchCV).parameters)
    assert search.get_params()["estimator__alpha"] == 1e-4
    search.set_params(max_iter=4, estimator__alpha=3)
    copy = clone(search)
    assert copy is not search
    assert copy.max_iter == 4
    assert copy.estimator.alpha == 3
    assert copy.tol == 0.5
    assert "HyperbandSearchCV" in repr(copy)


def test_clone_of_a_fitted_one(fitted):
    """A clone is not fitted."""
    with pytest.raises(NotFittedError):
        clone(fitted).predict([[0, 0, 0, 0]])


def test_html(fitted):
    """The HTML representation shows the search and its estimator."""
    for search in (make_search(), fitted):
        html = estimator_html_repr(search)
        assert "HyperbandSearchCV" in html
        assert "SGDClassifier" in html


def test_tags():
    """A search is what its estimator is."""
    assert is_classifier(make_search())
    assert not is_regressor(make_search())
    assert is_regressor(make_search(SGDRegressor()))
    assert is_clusterer(make_search(MiniBatchKMeans()))
    tags = make_search().__sklearn_tags__()
    assert tags.classifier_tags is not None
    assert tags.input_tags.sparse
    assert tags.target_tags.required


def test_pickle(threads_client):
    """A fitted search pickles without the data, and works when it comes back."""
    X, y = make_data(20_000)
    search = make_search(chunk_size=1000).fit(X, y)
    data = pickle.dumps(search)
    assert len(data) < X.nbytes / 10
    back = pickle.loads(data)
    np.testing.assert_array_equal(back.predict(X), search.predict(X))
    assert back.score(X, y) == search.score(X, y)
    assert back.best_params_ == search.best_params_
    assert back.metadata == search.metadata_


def test_nothing_stays_on_the_cluster(threads_client):
    """After a fit no key of the search is left on the scheduler."""
    search = make_search().fit(*make_data())
    deadline = 50
    while deadline and any(
        "gpu_hpo" in str(key)
        for keys in threads_client.has_what().values()
        for key in keys
    ):
        threads_client.sync(_pause)
        deadline -= 1
    assert deadline
    assert search.best_score_ > 0


async def _pause():
    import asyncio

    await asyncio.sleep(0.05)


def test_fit_again(threads_client):
    """A second fit forgets the first."""
    search = make_search().fit(*make_data())
    first = search.best_estimator_
    search.set_params(max_iter=3).fit(*make_data())
    assert search.best_estimator_ is not first
    assert len(search.cv_results_["params"]) == 5
    assert len(search.model_history_) == 5


def test_metadata_routing(threads_client):
    """With metadata routing on, each gets what it asked for, and nothing else."""
    X, y = make_data()
    weight = np.random.default_rng(0).uniform(size=200)
    plain = make_search().fit(X, y, sample_weight=weight)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = (
            SGDClassifier(random_state=0)
            .set_partial_fit_request(sample_weight=True, classes=True)
            .set_score_request(sample_weight=True)
        )
        both = make_search(estimator).fit(X, y, sample_weight=weight, classes=[0, 1])
        assert both.best_score_ == plain.best_score_
        np.testing.assert_array_equal(
            both.best_estimator_.coef_, plain.best_estimator_.coef_
        )
        estimator.set_score_request(sample_weight=False)
        fit_only = make_search(estimator).fit(X, y, sample_weight=weight)
        assert fit_only.best_score_ != plain.best_score_
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        named = make_search(estimator, scoring=scorer).fit(X, y, sample_weight=weight)
        assert named.best_score_ == plain.best_score_
        unset = make_search(SGDClassifier())
        with pytest.raises(ValueError, match="sample_weight"):
            unset.fit(X, y, sample_weight=weight)


def test_estimator_as_a_future(processes_client):
    """The estimator may be a future of one."""
    X, y = make_data()
    expected = make_search().fit(X, y)
    (future,) = processes_client.scatter([SGDClassifier(random_state=0)])
    search = make_search(future)
    assert "HyperbandSearchCV" in repr(search)
    search.fit(X, y)
    assert search.best_params_ == expected.best_params_
    np.testing.assert_array_equal(search.predict(X), expected.predict(X))


def test_estimator_as_a_future_is_checked(processes_client):
    """What a future stands for is checked as well."""
    (future,) = processes_client.scatter([StandardScaler])
    with pytest.raises((ValueError, TypeError)):
        make_search(future).fit(*make_data())


# ---- after fit ----


def test_before_fit():
    """Before fit there are only the methods that the estimator will have."""
    search = make_search()
    with pytest.raises(NotFittedError):
        search.predict([[0, 0, 0, 0]])
    with pytest.raises(NotFittedError):
        search.score([[0, 0, 0, 0]], [0])
    assert not hasattr(search, "classes_")
    assert not hasattr(search, "n_features_in_")
    assert hasattr(search, "predict")
    assert hasattr(search, "decision_function")
    assert not hasattr(search, "predict_proba")
    assert not hasattr(search, "transform")
    assert not hasattr(search, "inverse_transform")


METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.fixture(scope="module")
def log_loss(_threads_client):
    """A fitted search over logistic regression; tests must not change it."""
    with _threads_client.as_current():
        return make_search(SGDClassifier(loss="log_loss", random_state=0)).fit(
            *make_data()
        )


@pytest.mark.parametrize("method", METHODS)
def test_methods(threads_client, log_loss, method):
    """Methods give what the best model gives: at once, or lazily for Dask input."""
    X, _ = make_data()
    expected = getattr(log_loss.best_estimator_, method)(X)
    answer = getattr(log_loss, method)
    np.testing.assert_array_equal(answer(X), expected)
    arrays = [da.from_array(X, chunks=(30, columns)) for columns in (4, 2)]
    unknown = arrays[0][arrays[0][:, 0] > -100]
    frame = dd.from_pandas(pd.DataFrame(X), npartitions=3)
    for lazy in (*arrays, unknown, frame):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X (has|does not have) feature names")
            got = answer(lazy)
            assert isinstance(got, da.Array)
            assert got.dtype == expected.dtype
            assert got.ndim == expected.ndim
            # To the last bit only in pieces of the same size.
            np.testing.assert_allclose(got.compute(), expected)


def test_methods_on_sparse_blocks(threads_client, log_loss):
    """Blocks of a Dask array may be sparse."""
    X, _ = make_data()
    sparse = da.from_array(X, chunks=(50, 4)).map_blocks(scipy.sparse.csr_matrix)
    got = log_loss.predict(sparse).compute()
    np.testing.assert_array_equal(got, log_loss.predict(X))


def test_text_predictions_on_dask(threads_client):
    """Predicted text keeps its length on Dask input."""
    X, y = make_data()
    labels = np.array(["a", "a long name"])[y]
    search = make_search().fit(X, labels)
    lazy = search.predict(da.from_array(X, chunks=(50, 4)))
    np.testing.assert_array_equal(lazy.compute(), search.predict(X))


@pytest.mark.parametrize("scoring", ["accuracy", None, _accuracy, "neg_log_loss"])
def test_score_on_dask(threads_client, scoring):
    """The score of Dask input is that of the same rows in memory."""
    X, y = make_data()
    estimator = SGDClassifier(loss="log_loss", random_state=0)
    search = make_search(estimator, scoring=scoring).fit(X, y)
    expected = search.score(X, y)
    lazy_X = da.from_array(X, chunks=(30, 2))
    frame = dd.from_pandas(pd.DataFrame(X), npartitions=3)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X (has|does not have) feature names")
        for given in (lazy_X, frame):
            for labels in (y, da.from_array(y, chunks=30), y.tolist()):
                assert search.score(given, labels) == pytest.approx(expected)
        assert search.score(X, da.from_array(y, chunks=50)) == pytest.approx(expected)
    weight = np.arange(200.0)
    if scoring == "accuracy":
        weighted = search.score(X, y, sample_weight=weight)
        assert weighted != expected
        assert search.score(
            lazy_X, y, sample_weight=da.from_array(weight, chunks=30)
        ) == pytest.approx(weighted)


def test_score_of_lists(threads_client, log_loss):
    """Lists can be scored and predicted."""
    X, y = make_data()
    assert log_loss.score(X.tolist(), y.tolist()) == log_loss.score(X, y)


def test_inverse_transform(threads_client):
    """inverse_transform undoes transform."""
    X, _ = make_data()
    search = make_search(
        StandardScaler(),
        {"with_mean": [True], "with_std": [True]},
        scoring=lambda model, X, y=None: 1.0,
        max_iter=1,
        aggressiveness=2,
    )
    search.fit(X)
    for given in (X, da.from_array(X, chunks=(50, 4))):
        back = search.inverse_transform(search.transform(given))
        np.testing.assert_allclose(np.asarray(back), X)


# ---- inputs ----


@pytest.mark.parametrize("kind", ["list", "pandas", "sparse", "dask", "frame"])
def test_inputs(threads_client, kind):
    """The same rows give the same answer, whatever holds them."""
    X, y = make_data()
    expected = make_search(test_size=0.2).fit(X, y)
    frame = pd.DataFrame(X, columns=list("abcd"))
    given = {
        "list": (X.tolist(), y.tolist()),
        "pandas": (frame, pd.Series(y)),
        "sparse": (scipy.sparse.csr_matrix(X), y),
        "dask": (da.from_array(X, chunks=(50, 2)), da.from_array(y, chunks=40)),
        "frame": (
            dd.from_pandas(frame, npartitions=4, sort=False),
            dd.from_pandas(pd.Series(y), npartitions=4, sort=False),
        ),
    }[kind]
    search = make_search(test_size=0.2).fit(*given)
    assert search.n_features_in_ == 4
    if kind == "sparse":  # SGD itself treats the intercept differently there
        assert search.best_score_ > 0.6
        return
    assert search.best_score_ == expected.best_score_
    assert search.best_params_ == expected.best_params_
    np.testing.assert_allclose(
        search.best_estimator_.coef_, expected.best_estimator_.coef_
    )


def test_test_size(calls):
    """By default min(0.2, 1 / n_chunks) of the rows validate."""
    X, y = make_data(400)
    for options, n_train in (
        ({"chunk_size": 40}, 36),
        ({"chunk_size": 200}, 160),
        ({"chunk_size": 40, "test_size": 0.5}, 20),
    ):
        calls.clear()
        scripted([i / 20 for i in range(20)], **options).fit(X, y)
        assert {len(call.X) for call in calls} == {n_train}


def test_no_client():
    """Without a client the search brings a cluster of its own, kept for the next."""
    X, y = make_data()
    first = make_search().fit(X, y)
    again = make_search().fit(X, y)
    assert first.best_params_ == again.best_params_
    assert first.metadata_ == first.metadata


@pytest.mark.parametrize("dask", [False, True])
def test_device_arrays(threads_client, copied, dask):
    """No row of device arrays is copied to the host: not by fit, not after it."""
    X, _ = make_data()
    y = X @ [1.0, 2.0, 3.0, 4.0]
    device = NoHostCopyArray(X), NoHostCopyArray(y)
    if dask:
        device = tuple(
            da.from_array(array, chunks=(50, *array.shape[1:]), asarray=False)
            for array in device
        )
    space = {"rate": uniform(0.05, 0.4)}
    expected = make_search(LeastSquares(), space).fit(X, y)
    search = make_search(LeastSquares(), space).fit(*device)
    score = search.score(*device)
    predicted = search.predict(device[0])
    # Tables of scores, of one metric and one model each.
    assert set(copied) == {(1, 1)}
    assert search.best_score_ == pytest.approx(expected.best_score_)
    assert search.best_params_ == expected.best_params_
    assert score == pytest.approx(expected.score(X, y))
    predicted = predicted.compute() if dask else predicted
    assert isinstance(predicted, NoHostCopyArray)
    np.testing.assert_allclose(predicted.get(), expected.predict(X))


def test_device_labels(threads_client, copied):
    """Of device data for a classifier only labels are copied, once per block."""
    X, y = make_data()
    search = make_search(Nearest(), {"rate": uniform(0.05, 0.4)})
    search.fit(NoHostCopyArray(X), NoHostCopyArray(y))
    labels = [shape for shape in copied if shape != (1, 1)]
    assert sorted(labels) == [(50,)] * 4
    assert search.best_score_ > 0.6


def test_several_outputs(threads_client):
    """Several outputs are trained and scored; their classes have to be given."""
    X, y = make_data()
    targets = np.c_[y, X[:, 0] > 0, np.digitize(X[:, 1], [-0.5, 0.5])].astype(int)
    search = make_search(
        MultiOutputClassifier(SGDClassifier()), {"estimator__alpha": uniform(0, 1)}
    )
    classes = [[0, 1], [0, 1], [0, 1, 2]]
    search.set_params(scoring=_exact).fit(
        X, targets, classes=[np.array(values) for values in classes]
    )
    assert search.predict(X).shape == (200, 3)
    assert search.predict(da.from_array(X, chunks=(50, 4))).compute().shape == (200, 3)


def _exact(estimator, X, y):
    return float((estimator.predict(X) == y).all(axis=1).mean())
