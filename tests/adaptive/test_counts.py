# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Numbers that a search gives: of parameter sets, of models, of rows."""

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import uniform
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import KFold, ParameterGrid, ParameterSampler
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from gpu_hpo.adaptive._search_space import n_distinct, n_to_sample
from gpu_hpo.exceptions import NoFiniteScoreError
from gpu_hpo.model_selection import (
    HyperbandSearchCV,
    IncrementalSearchCV,
    InverseDecaySearchCV,
    ScheduledSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.schedules import SuccessiveHalving
from tests.model_selection.helpers import make_data

# ---- parameter sets ----

VALUES = st.lists(st.sampled_from([0, 1, 1.0, True, "1", None]), min_size=1, max_size=4)
SPACES = st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1, max_size=3)


@given(st.lists(SPACES, min_size=1, max_size=3), st.integers(1, 80))
def test_n_to_sample(spaces, n):
    """As many as scikit-learn's sampler says that it gives, and fewer are distinct."""
    assert n_to_sample(spaces, n) == len(ParameterSampler(spaces, n, random_state=0))
    params = list(ParameterGrid(spaces))
    distinct = {
        tuple((name, type(param[name]), param[name]) for name in sorted(param))
        for param in params
    }
    assert n_distinct(params) == len(distinct) <= len(params)


def test_n_distinct_by_content():
    """Values are the same by what they are, wherever they come from."""
    params = [{"a": 1}, {"a": np.int64(1)}, {"a": np.arange(2)}, {"a": np.arange(2)}]
    params += [{"a": [1]}, {"a": [1]}, {"a": StandardScaler()}, {"a": StandardScaler()}]
    assert n_distinct(params) == 4
    assert n_to_sample({"a": uniform(), "b": [1]}, 7) == 7
    assert n_to_sample({"a": 3}, 7) == 7  # which another check refuses


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"alpha": [1e-4, 1e-3, 1e-3]}, "2 distinct .*3 models"),
        (
            [{"alpha": [1e-4, 1e-3]}, {"alpha": np.array([1e-3])}],
            "2 distinct .*3 models",
        ),
        ({"alpha": [1e-4, 1e-3]}, "2 distinct .*2 models"),
    ],
)
def test_small_spaces(threads_client, space, said):
    """The warning counts distinct sets, and metadata what trains, planned and done."""
    searches = [
        HyperbandSearchCV(SGDClassifier(), space, max_iter=1, chunk_size=50),
        SuccessiveHalvingSearchCV(
            SGDClassifier(), space, n_initial_iter=1, chunk_size=50
        ),
        IncrementalSearchCV(
            SGDClassifier(), space, decay_rate=None, max_iter=2, chunk_size=50
        ),
        InverseDecaySearchCV(SGDClassifier(), space, max_iter=2, chunk_size=50),
    ]
    for search in searches[1:]:
        planned = search.metadata
        with pytest.warns(UserWarning, match=f"{said} are trained"):
            search.fit(*make_data())
        assert search.metadata_ == planned == search.metadata
        assert search.metadata_["n_models"] == len(search.cv_results_["params"])
    # The only bracket samples one set.
    assert searches[0].fit(*make_data()).metadata_["n_models"] == 1


def test_brackets_of_a_small_space(threads_client):
    """A search as metadata_ says each bracket was trains as many models."""
    space = {"alpha": [1e-4, 1e-3], "penalty": ["l1", "l2", "elasticnet"]}
    search = HyperbandSearchCV(SGDClassifier(), space, max_iter=27, chunk_size=50)
    with pytest.warns(
        UserWarning, match=r"6 distinct .*\(27 \+ 12 \+ 6 \+ 4 by br.*22 m"
    ):
        search.fit(*make_data())
    assert search.metadata_ == search.metadata
    for bracket in search.metadata_["brackets"]:
        alone = SuccessiveHalvingSearchCV(
            SGDClassifier(), space, **bracket["SuccessiveHalvingSearchCV params"]
        ).fit(*make_data())
        assert alone.metadata_["n_models"] == bracket["n_models"]
        assert alone.metadata_["partial_fit_calls"] == bracket["partial_fit_calls"]


# ---- rows of a call ----

SMOOTHING = {"var_smoothing": [10.0**-i for i in range(9)]}
X, y = make_data(1000)
BY_N_SAMPLES = {
    "hyperband": (HyperbandSearchCV, {"max_iter": 100, "aggressiveness": 10}, 100),
    "incremental": (IncrementalSearchCV, {"max_iter": 100, "decay_rate": None}, 100),
    "inverse decay": (InverseDecaySearchCV, {"max_iter": 100}, 100),
    "halving": (SuccessiveHalvingSearchCV, {"max_iter": 100, "n_initial_iter": 1}, 100),
    "halving until one is left": (SuccessiveHalvingSearchCV, {"n_initial_iter": 1}, 9),
    "own schedule": (
        ScheduledSearchCV,
        {"schedule": lambda n: SuccessiveHalving(n, 2)},
        18,
    ),
}


@pytest.mark.parametrize("way", BY_N_SAMPLES)
def test_rows_of_a_call(threads_client, way):
    """A call adds the max_iter-th part of the rows, or without it the part that the
    longest run of the schedule makes of them; rows_fitted says so."""
    cls, options, n_chunks = BY_N_SAMPLES[way]
    if cls is not HyperbandSearchCV:
        options = {**options, "n_initial_parameters": 9}
    search = cls(
        GaussianNB(),
        SMOOTHING if cls is not HyperbandSearchCV else {"var_smoothing": uniform(0, 1)},
        resource="n_samples",
        test_size=0.2,
        random_state=0,
        **options,
    ).fit(X, y)
    calls = search.cv_results_["partial_fit_calls"][search.best_index_]
    seen = search.best_estimator_.class_count_.sum()
    assert seen == pytest.approx(800 * calls / n_chunks, rel=0.03)
    if n_chunks == 100:
        assert seen == 8 * calls
        fitted = [entry["partial_fit_calls"] for entry in search.history_]
        assert search.metadata_["rows_fitted"] == 8 * sum(fitted)


@pytest.mark.parametrize("cls", [InverseDecaySearchCV, SuccessiveHalvingSearchCV])
def test_chunks_that_no_model_comes_to(threads_client, cls):
    """Of a Dask array there need be no more chunks than a model may make calls."""
    options = {"n_initial_iter": 1} if cls is SuccessiveHalvingSearchCV else {}
    search = cls(
        GaussianNB(),
        SMOOTHING,
        n_initial_parameters=9,
        max_iter=100,
        resource="n_samples",
        random_state=0,
        **options,
    )
    most = search.metadata["max_iter"]
    assert most < 20
    lazy = da.from_array(X, chunks=(50, 4)), da.from_array(y, chunks=50)
    assert search.fit(*lazy).metadata_["max_iter"] == most
    few = da.from_array(X, chunks=(1000, 4)), da.from_array(y, chunks=1000)
    with pytest.raises(ValueError, match=f"up to {most}, but X has 1"):
        search.fit(*few)


# ---- chunks without weight ----

FORMS = {
    "in memory": lambda *data: data,
    "dask": lambda *data: [
        da.from_array(x, chunks=((200,) * 5 + (40,), *x.shape[1:])) for x in data
    ],
}
OPTIONS = {
    "partial_fit": {},
    "n_samples": {"resource": "n_samples", "max_iter": 6},
    "refit": {"refit": True},
}
WX, Wy = make_data(1040)
NO_WEIGHT = np.where(np.arange(1040) < 1000, 1.0, 0.0)


def bayes(estimator=None, space=None, **options):
    options = {"max_iter": 13, "decay_rate": None, "n_initial_parameters": 3} | options
    options = {"chunk_size": 200, "test_size": 0.2, "random_state": 0} | options
    return IncrementalSearchCV(estimator or GaussianNB(), space or SMOOTHING, **options)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", OPTIONS)
def test_last_chunk_without_weight(threads_client, form, way):
    """A chunk whose rows all have weight 0 is none, and no trial fails of it."""
    data = FORMS[form](WX, Wy, NO_WEIGHT)
    search = bayes(**OPTIONS[way]).fit(*data[:2], sample_weight=data[2])
    assert set(search.cv_results_["status"]) == {"completed"}
    assert set(search.cv_results_["partial_fit_calls"]) == {search.max_iter}
    if way == "partial_fit":
        # Chunks of 160 rows, five times over; the small chunk is none of the thirteen.
        assert search.best_estimator_.class_count_.sum() == 13 * 160
    if way == "refit":
        assert search.best_estimator_.class_count_.sum() == 13 * 200


def test_chunk_without_weight_scores(threads_client):
    """Its rows that are held out are among those that models are scored on."""
    rows = np.c_[WX, np.arange(1040)]

    def count(model, X, y):
        return len(X) + 1000 * (X[:, -1] >= 1000).sum()

    search = bayes(max_iter=1, n_initial_parameters=1, scoring=count)
    search.fit(rows, Wy, sample_weight=NO_WEIGHT)
    assert search.best_score_ == 208 + 1000 * 8


def test_weights_of_one_step(threads_client):
    """Weights of a step of a pipeline decide as those of the whole do."""
    steps = Pipeline([("scale", StandardScaler()), ("nb", GaussianNB())])
    space = {"nb__var_smoothing": SMOOTHING["var_smoothing"]}
    search = bayes(steps, space).fit(WX, Wy, nb__sample_weight=NO_WEIGHT)
    assert set(search.cv_results_["status"]) == {"completed"}


def test_all_rows_train_where_they_do_together(threads_client):
    """Where models are fitted to all chunks at once, none is left out."""
    data = FORMS["dask"](WX, Wy, NO_WEIGHT)
    search = bayes(
        SGDClassifier(tol=None),
        {"alpha": [1e-5, 1e-4, 1e-3]},
        resource="max_iter",
        max_iter=3,
    ).fit(*data[:2], sample_weight=data[2])
    assert search.metadata_["rows_fitted"] == 3 * 832


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cv", [3, KFold(3, shuffle=True, random_state=0)])
def test_split_without_weight(threads_client, form, cv):
    """In cross-validation such a chunk is an error that names it, before training."""
    data = FORMS[form](WX, Wy, NO_WEIGHT)
    if form == "in memory" and not isinstance(cv, int):
        data = [x[np.r_[1000:1040]] for x in data]
        data[2] = np.r_[1.0, np.zeros(39)]
    search = bayes(cv=cv, test_size=None)
    with pytest.raises(ValueError, match=r"sample_weight is 0 .* split \d .* chunk \d"):
        search.fit(*data[:2], sample_weight=data[2])


@pytest.mark.parametrize("cv", [3, None])
def test_mask_with_n_samples(threads_client, cv):
    """Of weights that are mostly 0 the first call has some, and all calls are there."""
    weight = (np.random.default_rng(0).random(1000) < 0.05).astype(float)
    search = bayes(
        DecisionTreeClassifier(max_depth=2),
        {"min_samples_leaf": [1, 2, 3]},
        resource="n_samples",
        chunk_size=None,
        n_initial_parameters=1,
        max_iter=40,
        patience=40,
        tol=-1.0,
        cv=cv,
        test_size=None,
    ).fit(X, y, sample_weight=weight)
    assert set(search.cv_results_["status"]) == {"completed"}
    assert search.history_[0]["partial_fit_calls"] == 1
    assert set(search.cv_results_["partial_fit_calls"]) == {40}


def test_no_weight_at_all(threads_client):
    """Weights that are all 0 are an error, whether they are at hand or Dask's."""
    for form in FORMS.values():
        data = form(WX, Wy, 0 * NO_WEIGHT)
        with pytest.raises(ValueError, match="sample_weight is 0 for all rows"):
            bayes().fit(*data[:2], sample_weight=data[2])
    data = FORMS["dask"](WX, Wy, 0 * NO_WEIGHT)
    with pytest.raises(
        ValueError, match=r"sample_weight is 0 .*validation_data"
    ) as caught:
        bayes(test_size=None).fit(
            *data[:2], sample_weight=NO_WEIGHT, validation_data=data
        )
    assert not isinstance(caught.value, NoFiniteScoreError)


def test_validation_data_without_weight(threads_client):
    """Trained again on the rows to validate on as well, no chunk of them fails it."""
    data = FORMS["dask"](WX, Wy, NO_WEIGHT)
    search = bayes(test_size=None, refit=True, max_iter=5)
    search.fit(*data[:2], sample_weight=data[2], validation_data=data)
    assert search.best_estimator_.class_count_.sum() == 2000
