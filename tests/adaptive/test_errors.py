# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Bad input: a clear error that names argument and value, before any training."""

import logging

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from distributed import Client, LocalCluster
from scipy.stats import uniform
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.exceptions import NoFiniteScoreError
from gpu_hpo.model_selection import (
    HyperbandSearchCV,
    IncrementalSearchCV,
    InverseDecaySearchCV,
    ScheduledSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.schedules import Incremental
from tests.model_selection.helpers import Scripted, Spy, make_data

SPACE = {"value": uniform(0, 1)}
X, y = make_data()


def hyperband(estimator=None, parameters=None, **options):
    return HyperbandSearchCV(
        Scripted() if estimator is None else estimator,
        SPACE if parameters is None else parameters,
        **({"max_iter": 9, "chunk_size": 50} | options),
    )


def halving(estimator=None, parameters=None, **options):
    return SuccessiveHalvingSearchCV(
        Scripted() if estimator is None else estimator,
        SPACE if parameters is None else parameters,
        **({"n_initial_iter": 2, "chunk_size": 50} | options),
    )


def incremental(**options):
    return IncrementalSearchCV(
        **({"estimator": Scripted(), "parameters": SPACE, "decay_rate": None} | options)
    )


def grid(**options):
    return incremental(n_initial_parameters="grid", **options)


def inverse_decay(**options):
    return InverseDecaySearchCV(
        **({"estimator": Scripted(), "parameters": SPACE} | options)
    )


def scheduled(**options):
    return ScheduledSearchCV(
        schedule=lambda n: Incremental(n, 2),
        **({"estimator": Scripted(), "parameters": SPACE} | options),
    )


both = pytest.mark.parametrize("make", [hyperband, halving])
every = pytest.mark.parametrize(
    "make", [hyperband, halving, incremental, grid, inverse_decay, scheduled]
)


@both
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_iter": 0}, "max_iter.* 0 instead"),
        ({"max_iter": -3}, "max_iter.* -3 instead"),
        ({"max_iter": 2.5}, "max_iter.* 2.5 instead"),
        ({"max_iter": "9"}, "max_iter.* '9' instead"),
        ({"aggressiveness": 1}, "aggressiveness.* 1 instead"),
        ({"aggressiveness": 0}, "aggressiveness.* 0 instead"),
        ({"aggressiveness": 2.5}, "aggressiveness.* 2.5 instead"),
        ({"patience": 1}, "patience=1 .*at least 2"),
        ({"patience": -1}, "patience.* -1 instead"),
        ({"patience": 2.5}, "patience.* 2.5 instead"),
        ({"tol": "x"}, "tol.* 'x' instead"),
        ({"verbose": 2}, "verbose.* 2 instead"),
        ({"verbose": -0.1}, "verbose.* -0.1 instead"),
        ({"test_size": 0}, "test_size.* 0 instead"),
        ({"test_size": 1.0}, "test_size.* 1.0 instead"),
        ({"test_size": -0.2}, "test_size.* -0.2 instead"),
        ({"test_size": 50}, "test_size.* 50 instead"),
        ({"chunk_size": 0}, "chunk_size.* 0 instead"),
        ({"chunk_size": 10.5}, "chunk_size.* 10.5 instead"),
        ({"random_state": "x"}, "random_state.* 'x' instead"),
        ({"random_state": np.random.default_rng(0)}, "random_state.*Generator"),
        ({"prefix": 3}, "prefix.* 3 instead"),
        ({"scoring": "best"}, "scoring='best'"),
        ({"scoring": 3}, "scoring.* 3 instead"),
        ({"scoring": []}, r"scoring=\[\] names no metric"),
        ({"scoring": ["accuracy", "best"], "refit": "accuracy"}, "scoring=.* 'best'"),
        ({"scoring": ["accuracy", "roc_auc"]}, "refit=None must name"),
        ({"scoring": ["accuracy", "roc_auc"], "refit": True}, "refit=True must name"),
        ({"scoring": {"a": "accuracy"}, "refit": "b"}, "refit='b' must name"),
        ({"scoring": {"a": "accuracy"}, "refit": False}, "refit=False must name"),
        ({"parameters": 3}, "parameters.* 3 instead"),
        ({"parameters": "value"}, "parameters.* 'value' instead"),
        ({"parameters": {"values": [1]}}, "'values', which is not a parameter"),
        ({"parameters": [SPACE, {"worth": [1]}]}, "'worth', which is not a parameter"),
        ({"parameters": {"part__alpha": [1]}}, "'part__alpha', which is not"),
        (
            {
                "parameters": {"part__alpa": [1]},
                "estimator": Scripted(part=SGDClassifier()),
            },
            "'part__alpa', which is not a parameter of Scripted",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_arguments(make, calls, options, message):
    """The message names the argument and the value, and nothing was trained."""
    with pytest.raises(ValueError, match=message):
        make(**options).fit(X, y)
    assert calls == []


@every
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "parameters={} is an empty space"),
        ([], r"parameters=\[\] is an empty space"),
        ((), r"parameters=\(\) is an empty space"),
        ([{}], "is an empty space"),
        ([{"value": [1]}, {}], "is an empty space"),
        ({"value": []}, r"parameters\['value'\]=\[\] is empty"),
        ({"value": ()}, r"parameters\['value'\]=\(\) is empty"),
        ({"value": np.array([])}, r"parameters\['value'\]=.* is empty"),
        ([{"value": [1]}, {"value": []}], r"parameters\['value'\]"),
    ],
)
def test_empty_space(make, calls, parameters, message):
    """A space of which nothing can be drawn is an error that shows it."""
    with pytest.raises(ValueError, match=message):
        make(parameters=parameters).fit(X, y)
    assert calls == []


@every
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"value": 3}, r"parameters\['value'\]=3 must be a list"),
        ({"value": "abc"}, r"parameters\['value'\]='abc' must be a list"),
        ({"value": np.array(3)}, r"parameters\['value'\]=array\(3\) must be a list"),
        ({3: [1]}, "parameters names 3, which is not a str"),
        ([3], "it has 3"),
    ],
)
def test_space_of_wrong_type(make, calls, parameters, message):
    """What is no list and no distribution is a TypeError that shows it."""
    with pytest.raises(TypeError, match=message):
        make(parameters=parameters).fit(X, y)
    assert calls == []


def test_halving_needs_n_initial_iter(calls):
    """n_initial_iter of successive halving has to be given."""
    for bad in (None, 0, "x"):
        search = halving(n_initial_iter=bad)
        with pytest.raises(ValueError, match=f"n_initial_iter.* {bad!r} instead"):
            search.fit(X, y)
    with pytest.raises(ValueError, match=r"n_initial_parameters.* 0 instead"):
        halving(n_initial_parameters=0).fit(X, y)
    assert calls == []


@pytest.mark.parametrize(
    "options", [{"aggressiveness": 1}, {"max_iter": 0}, {"aggressiveness": "x"}]
)
def test_metadata_of_bad_arguments(options):
    """Asking for metadata with bad arguments is an error, not an endless loop."""
    for make in (hyperband, halving):
        with pytest.raises(ValueError, match=next(iter(options))):
            make(**options).metadata  # noqa: B018


def test_patience_true_is_for_hyperband(calls):
    """patience=True means nothing to successive halving."""
    with pytest.raises(ValueError, match="patience=True"):
        halving(patience=True).fit(X, y)
    assert calls == []


@both
@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        object(),
        None,
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_partial_fit(make, calls, estimator):
    """An estimator without partial_fit is refused by name."""
    search = make()
    search.estimator = estimator
    name = type(estimator).__name__.replace("NoneType", "None")
    with pytest.raises(ValueError, match=f"(?s)estimator=.*{name}.*no method partial"):
        search.fit(X, y)


@both
def test_step_without_partial_fit(make, calls):
    """A pipeline is refused by the name of the step that no call can train."""
    steps = make_pipeline(StandardScaler(), PCA(2), SGDClassifier())
    search = make(steps, {"sgdclassifier__alpha": uniform(1e-4, 1)})
    with pytest.raises(ValueError, match=r"(?s)step 'pca' \(PCA\) has no method part"):
        search.fit(X, y)
    # Without it each step has the method.
    search.set_params(estimator=make_pipeline(StandardScaler(), SGDClassifier()))
    assert search.fit(X, y).best_score_ > 0.5


def test_estimator_as_a_class(calls):
    """A class in place of an estimator is refused."""
    with pytest.raises(TypeError, match="estimator=Scripted must be an instance"):
        hyperband(Scripted).fit(X, y)
    assert calls == []


# ---- data ----

lazy_X, lazy_y = da.from_array(X, chunks=(50, 4)), da.from_array(y, chunks=50)
frame = dd.from_pandas(pd.DataFrame(X), npartitions=4)
series = dd.from_pandas(pd.Series(y), npartitions=4)
unknown_X, unknown_y = lazy_X[lazy_X[:, 0] < 9], lazy_y[lazy_y >= 0]
weight = np.ones(200)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (X.tolist(), y[:-1].tolist(), "X has 200 and y has 199"),
        (X, y[:-1], "X has 200 and y has 199"),
        (X[:-1], y, "X has 199 and y has 200"),
        (pd.DataFrame(X), pd.Series(y[1:]), "X has 200 and y has 199"),
        (scipy.sparse.csr_matrix(X), y[1:], "X has 200 and y has 199"),
        (lazy_X, lazy_y[:150], "X has 200 and y has 150"),
        (lazy_X, y[:150], "X has 200 and y has 150"),
        (X, lazy_y[:150], "X has 200 and y has 150"),
        (unknown_X, unknown_y[unknown_y > 0], "block of X has 40|block of X has"),
        (frame, series[series > 0], "a block of X has 50"),
        (frame, series.repartition(npartitions=2), "X has 4 and y has 2"),
        (unknown_X, da.from_array(y, chunks=100), "X has 4 and y has 2"),
        (unknown_X, y, "y must be a Dask collection"),
        (frame, y, "y must be a Dask collection"),
        (X, series, "X must be a Dask collection"),
        (X, unknown_y, "X must be a Dask collection"),
        (X[:0], y[:0], "X has no rows"),
        ([], [], "X has no rows"),
        (lazy_X[:0], lazy_y[:0], "no rows"),
        (X[:1], y[:1], "no rows are left to validate"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_lengths(calls, X, y, message):
    """Lengths or chunks that differ, or no rows, are an error that gives them."""
    with pytest.raises(ValueError, match=message):
        hyperband().fit(X, y)
    assert calls == []


@pytest.mark.parametrize(
    ("X", "y", "weight", "message"),
    [
        (X, y, weight[1:], "X has 200 and sample_weight has 199"),
        (X.tolist(), y, weight[1:].tolist(), "X has 200 and sample_weight has 199"),
        (lazy_X, lazy_y, weight[1:], "X has 200 and sample_weight has 199"),
        (
            lazy_X,
            lazy_y,
            da.from_array(weight[1:], chunks=50),
            "X has 200 and sample_weight has 199",
        ),
        (frame, series, weight, "sample_weight must be a Dask collection"),
    ],
)
def test_length_of_weights(calls, X, y, weight, message):
    """Weights of another length are an error, not another fit parameter."""
    with pytest.raises(ValueError, match=message):
        hyperband().fit(X, y, sample_weight=weight)
    assert calls == []


def test_weight_without_rows(calls):
    """A single weight for all rows is refused by its name."""
    with pytest.raises(TypeError, match=r"sample_weight must have one entry.* got 2"):
        hyperband().fit(X, y, sample_weight=2)
    assert calls == []


def test_ragged_rows(calls):
    """Rows of different lengths are an error that says so."""
    with pytest.raises(ValueError, match="X has rows of different lengths"):
        hyperband().fit([[1.0, 2.0], [3.0]] * 100, y)
    assert calls == []


def test_chunks_too_small(calls):
    """Chunks of which nothing is left to validate on say what to change."""
    with pytest.raises(ValueError, match=r"200 chunks of 1 rows .*let chunk_size"):
        hyperband(chunk_size=1).fit(X, y)
    assert calls == []


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("label", [1, "only"])
def test_one_class(calls, lazy, label):
    """A y with one class is an error that names it."""
    one = np.full(200, label)
    given = (lazy_X, da.from_array(one, chunks=50)) if lazy else (X, one)
    with pytest.raises(ValueError, match=f"y has one class only, .*{label}"):
        hyperband().fit(*given)
    assert calls == []


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("classes", [[1, 2], np.array([1, 2]), ["0", "1"]])
def test_classes_that_lack_a_label(calls, lazy, classes):
    """Classes without a label that y has are an error that names both."""
    given = (lazy_X, lazy_y) if lazy else (X, y)
    with pytest.raises(ValueError, match=r"classes=.* lacks labels that y has: \[.*0"):
        hyperband().fit(*given, classes=classes)
    assert calls == []


def test_classifier_without_y(calls):
    """A classifier that is given no y says what is missing."""
    with pytest.raises(ValueError, match=r"Scripted\(\) requires y to be passed"):
        hyperband().fit(X)
    assert calls == []


@pytest.mark.parametrize("name", ["X", "y"])
@pytest.mark.parametrize("bad", [3, 3.0, "text", {"a": 1}, np.array(5)])
def test_no_rows_at_all(calls, name, bad):
    """What has no rows is refused by its name."""
    with pytest.raises(TypeError, match=f"{name} must be an array.*; got "):
        hyperband().fit(**{"X": X, "y": y, name: bad})
    assert calls == []


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("bad", [X[:, 0], X[:, :, None]])
def test_dimensions(calls, lazy, bad):
    """An X that is no table says how many dimensions it has."""
    given = (da.from_array(bad), lazy_y) if lazy else (bad, y)
    with pytest.raises(ValueError, match=rf"X must be two-.* got {bad.ndim} dim"):
        hyperband().fit(*given)
    assert calls == []


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (np.where(np.arange(200) == 3, np.nan, y), ValueError, "y has NaN"),
        (np.linspace(0, 1, 200), ValueError, "Unknown label type: continuous"),
        (np.array([1, None] * 100), TypeError, "y has class labels.* NoneType, int"),
        (np.array([1, "a"] * 100, dtype=object), TypeError, "y has .* int, str"),
    ],
    ids=["nan", "continuous", "none", "mixed"],
)
def test_labels(calls, lazy, bad, error, message):
    """A y that does not tell classes apart is refused before any training."""
    given = (lazy_X, da.from_array(bad, chunks=50)) if lazy else (X, bad)
    with pytest.raises(error, match=message):
        hyperband().fit(*given)
    assert calls == []


def test_sparse_y(calls):
    """A sparse y is an error that says what it is."""
    with pytest.raises(TypeError, match="y must be dense, a csr_array"):
        hyperband().fit(X, scipy.sparse.csr_array(y[:, None]))
    assert calls == []


def test_fit_parameter_that_partial_fit_does_not_take():
    """A fit parameter that no call could take is an error that names it."""
    search = hyperband(SGDClassifier(), {"alpha": uniform(1e-4, 1)})
    with pytest.raises(TypeError, match="fit got foo=3, which partial_fit of SGDCl"):
        search.fit(X, y, foo=3)


@pytest.mark.parametrize("kind", ["timedelta64[s]", "datetime64[s]", "frame"])
def test_times(kind):
    """Dates and times are refused by estimators that take numbers."""
    times = np.arange(40).reshape(20, 2)
    if kind == "frame":
        times = pd.DataFrame({"a": pd.to_datetime(times[:, 0]), "b": times[:, 1]})
    else:
        times = times.astype(kind)
    with pytest.raises(TypeError, match="X must be finite numbers for SGDClassifier"):
        hyperband(SGDClassifier(), {"alpha": [1e-4, 1e-3]}).fit(times, y[:20])


def test_when_all_fail_the_reason_comes_first(threads_client, caplog):
    """The error says why in one line, and what all fail with is logged once."""
    search = hyperband(Spy(), {"alpha": uniform(1e-4, 1)})
    reason = "ValueError: Input X contains NaN."
    with (
        caplog.at_level(logging.WARNING, "gpu_hpo.model_selection"),
        pytest.raises(NoFiniteScoreError, match=f"the first with {reason}") as info,
    ):
        search.fit(np.where(np.arange(200)[:, None] % 7 == 0, np.nan, X), y)
    assert "\n" not in str(info.value)
    assert all("Traceback" in error for error in search.cv_results_["error"])
    assert len(info.traceback) <= 3  # not those of the event loop
    said = [r.levelname for r in caplog.records if reason in r.getMessage()]
    assert said.count("WARNING") == 1


def test_closed_client():
    """A closed active client is named, and no other cluster is used in secret."""
    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        client = Client(cluster, set_as_default=False)
        with client.as_current():
            client.close()
            with pytest.raises(ValueError, match=r"client .*is closed"):
                hyperband().fit(X, y)


def test_error_of_the_data(calls):
    """An error in the graph of the data comes out as it is."""

    def broken(block):
        raise ZeroDivisionError("no such block")

    bad = lazy_X.map_blocks(broken, dtype=float, meta=np.empty((0, 0)))
    with pytest.raises(ZeroDivisionError, match="no such block"):
        hyperband().fit(bad, lazy_y)
    assert calls == []
    # And the cluster is as good as before.
    assert hyperband(random_state=0).fit(X, y).best_score_ > 0
