# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What holds for every adaptive search: dask-ml's table of errors, and its results."""

import numpy as np
import pytest
from scipy.stats import uniform
from sklearn import config_context, get_config
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from gpu_hpo.model_selection import (
    HyperbandSearchCV,
    IncrementalSearchCV,
    InverseDecaySearchCV,
    ScheduledSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.schedules import SuccessiveHalving
from tests.model_selection.helpers import NeedsClasses, Scripted, flat, make_data

X, y = make_data()
SPACE = {"value": uniform(0, 1)}
REQUIRED = {
    HyperbandSearchCV: {"max_iter": 9},
    SuccessiveHalvingSearchCV: {"n_initial_iter": 2},
    IncrementalSearchCV: {"max_iter": 4, "decay_rate": None},
    InverseDecaySearchCV: {},
    ScheduledSearchCV: {"schedule": lambda n: SuccessiveHalving(n, 2)},
}
DECIDES = [cls for cls in REQUIRED if cls is not ScheduledSearchCV]
SAMPLES = [cls for cls in REQUIRED if cls is not HyperbandSearchCV]
every = pytest.mark.parametrize("cls", REQUIRED)


def make(cls, estimator=None, parameters=None, **options):
    options = {"chunk_size": 50, "random_state": 0} | REQUIRED[cls] | options
    return cls(
        estimator=Scripted() if estimator is None else estimator,
        parameters=SPACE if parameters is None else parameters,
        **options,
    )


class WhatIsSet(Scripted):
    """Scores by one of scikit-learn's settings, where it is scored."""

    def score(self, X, y):
        return float(get_config()["working_memory"])


@every
def test_settings_reach_workers(cls, processes_client):
    """Models see scikit-learn's settings as they are where the search was started."""
    with config_context(working_memory=777):
        search = make(cls, WhatIsSet()).fit(X, y)
    assert search.best_score_ == 777


# ---- the table of errors ----


@every
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"verbose": 2}, "verbose.* 2 instead"),
        ({"verbose": -0.1}, "verbose.* -0.1 instead"),
        ({"random_state": np.random.default_rng(0)}, "random_state.*Generator"),
        ({"test_size": 50}, "test_size.* 50 instead"),
        ({"prefix": 3}, "prefix.* 3 instead"),
        ({"scoring": ["accuracy", "roc_auc"]}, "refit=None must name"),
        ({"scoring": "best"}, "scoring='best'"),
        ({"parameters": {}}, "empty space"),
        ({"parameters": {"value": []}}, r"parameters\['value'\]=\[\] is empty"),
        ({"parameters": {"worth": [1]}}, "'worth', which is not a parameter"),
        ({"estimator": LogisticRegression()}, "no method partial_fit"),
        ({"resource": "value"}, "'value' is a parameter.*0.5, not an"),
        ({"cv": 1}, "cv"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_arguments_of_every_search(calls, cls, options, message):
    """The message names the argument and the value, and nothing was trained."""
    with pytest.raises(ValueError, match=message):
        make(cls, **options).fit(X, y)
    assert calls == []


@pytest.mark.parametrize("cls", DECIDES)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_iter": 0}, "max_iter.* 0 instead"),
        ({"max_iter": 2.5}, "max_iter.* 2.5 instead"),
        ({"patience": 1}, "patience=1 .*at least 2"),
        ({"patience": -1}, "patience.* -1 instead"),
        ({"patience": 2.5}, "patience.* 2.5 instead"),
        ({"patience": "3"}, "patience.* '3' instead"),
        ({"patience": None}, "patience.* None instead"),
        ({"tol": "x"}, "tol.* 'x' instead"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_arguments_of_deciding_searches(calls, cls, options, message):
    """The message names the argument and the value, and nothing was trained."""
    with pytest.raises(ValueError, match=message):
        make(cls, **options).fit(X, y)
    assert calls == []


@pytest.mark.parametrize("cls", [c for c in DECIDES if c is not HyperbandSearchCV])
def test_patience_true(calls, cls):
    """patience=True means something to Hyperband only."""
    with pytest.raises(ValueError, match=r"patience=True .*at least 2"):
        make(cls, patience=True).fit(X, y)
    assert calls == []


@pytest.mark.parametrize("cls", [IncrementalSearchCV, InverseDecaySearchCV])
@pytest.mark.parametrize("value", [0, -1, 1.5, None, "2"])
def test_fits_per_score(calls, cls, value):
    """What is no number of calls is an error that shows it."""
    with pytest.raises(ValueError, match=f"fits_per_score.* {value!r} instead"):
        make(cls, fits_per_score=value).fit(X, y)
    assert calls == []


@pytest.mark.parametrize("cls", SAMPLES)
@pytest.mark.parametrize("value", [0, -1, 1.5, None, "all"])
def test_n_initial_parameters(calls, cls, value):
    """What is no number of models is an error that shows it."""
    with pytest.raises(ValueError, match=f"n_initial_parameters.* {value!r} instead"):
        make(cls, n_initial_parameters=value).fit(X, y)
    assert calls == []


def test_grid_is_not_for_halving(calls):
    """n_initial_parameters="grid" is an error of successive halving, as in dask-ml."""
    search = make(SuccessiveHalvingSearchCV, n_initial_parameters="grid")
    with pytest.raises(ValueError, match=r"n_initial_parameters.* 'grid' instead"):
        search.fit(X, y)
    assert calls == []


# ---- results ----


@every
def test_fitted_attributes(threads_client, cls):
    """All have dask-ml's fitted attributes, which agree with each other."""
    search = make(cls).fit(X, y)
    results = search.cv_results_
    n_models = len(results["params"])
    assert {len(column) for column in results.values()} == {n_models}
    assert {
        "mean_partial_fit_time",
        "std_partial_fit_time",
        "mean_score_time",
        "std_score_time",
        "test_score",
        "rank_test_score",
        "model_id",
        "partial_fit_calls",
        "params",
        "param_value",
    } <= results.keys()
    assert list(search.model_history_) == list(results["model_id"])
    for row, entries in enumerate(search.model_history_.values()):
        assert entries[-1]["score"] == results["test_score"][row]
        assert entries[-1]["partial_fit_calls"] == results["partial_fit_calls"][row]
    assert len(search.history_) == sum(map(len, search.model_history_.values()))
    done = search.metadata_
    assert done["n_models"] == n_models
    assert done["partial_fit_calls"] == results["partial_fit_calls"].sum()
    if cls in DECIDES:
        assert done == search.metadata
    best = search.best_index_
    assert results["rank_test_score"][best] == 1
    assert search.best_params_ == results["params"][best]
    assert search.best_estimator_.value == search.best_params_["value"]
    assert search.best_score_ == results["test_score"][best]
    assert search.n_splits_ == 1
    assert search.multimetric_ is False
    assert search.scorer_(search.best_estimator_, X, y) == search.best_score_


@every
def test_fit_changes_no_parameter(threads_client, cls):
    """fit sets fitted attributes only, and a clone can be fitted again."""
    search = make(cls)
    before = search.get_params()
    others = set(vars(search))
    search.fit(X, y)
    assert search.get_params() == before
    new = set(vars(search)) - others - {"_labels", "_ledger"}
    assert all(name.endswith("_") for name in new)
    assert clone(search).fit(X, y).best_score_ == search.best_score_


@pytest.mark.parametrize("cls", SAMPLES)
def test_space_smaller_than_asked_for(threads_client, cls):
    """Fewer models are trained, with one warning, and metadata_ says how many."""
    search = make(cls, parameters={"value": [0.1, 0.2, 0.3]})
    with pytest.warns(UserWarning, match="3 distinct") as warned:
        search.fit(X, y)
    assert len(warned) == 1
    assert search.metadata_["n_models"] == len(search.cv_results_["params"]) == 3


@pytest.mark.parametrize("cls", DECIDES)
def test_patience(threads_client, cls):
    """Models on a plateau stop, which saves calls, and may be the best."""
    options = {
        HyperbandSearchCV: {"max_iter": 27, "patience": 9},
        SuccessiveHalvingSearchCV: {"n_initial_iter": 9, "patience": 2},
        IncrementalSearchCV: {"max_iter": 27, "patience": 2},
        InverseDecaySearchCV: {"n_initial_parameters": 20, "patience": 2},
    }[cls]
    search = make(cls, parameters={"value": [flat], "part": range(60)}, **options)
    planned = search.metadata["partial_fit_calls"]
    search.fit(X, y)
    assert search.metadata_["partial_fit_calls"] < planned
    assert search.best_score_ == 0.9
    never = make(cls, parameters={"value": [flat], "part": range(60)}, **options)
    never.set_params(tol=None).fit(X, y)
    assert never.metadata_["partial_fit_calls"] == planned


@every
def test_several_metrics(threads_client, cls):
    """Several metrics are scored, of which refit names the one that decides."""
    search = make(
        cls,
        NeedsClasses(),
        {"alpha": uniform(0, 1)},
        scoring=["accuracy", "balanced_accuracy"],
        refit="balanced_accuracy",
    ).fit(X, y)
    assert search.multimetric_ is True
    assert {"test_accuracy", "test_balanced_accuracy"} <= search.cv_results_.keys()
    assert search.best_score_ == 0.5


@every
def test_folds(threads_client, cls):
    """With cv each parameter set is scored by the mean over its models."""
    search = make(cls, cv=3).fit(X, y)
    assert search.n_splits_ == 3
    assert {"split0_test_score", "split2_test_score"} <= search.cv_results_.keys()


@every
def test_without_y(threads_client, cls):
    """What needs no y is searched without."""
    from sklearn.cluster import MiniBatchKMeans

    search = make(
        cls, MiniBatchKMeans(2, n_init=1), {"reassignment_ratio": uniform(0, 0.1)}
    )
    assert np.isfinite(search.fit(X).best_score_)
