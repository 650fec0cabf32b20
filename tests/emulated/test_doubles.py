# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The doubles of cuML and cuDF take, refuse and return what the real packages do.

The real ones are asked in a process in which nothing is emulated, as far as they answer
without a GPU.
"""

import functools
import inspect
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from gpu_hpo import estimators
from gpu_hpo.devices import convert, to_host

pytest.importorskip("cuml")
pytest.importorskip("cudf")

from tests.emulated.cuda_on_host import counting
from tests.emulated.doubles import _cudf

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.random((160, 6))
SIGNAL = X[:, 0] - X[:, 1] + 0.05 * RNG.standard_normal(160)
LABELS = np.where(SIGNAL > 0.25, 2, SIGNAL > -0.2).astype(np.int64)
TWO = (SIGNAL > 0).astype(np.int64)
# Names of estimators, what they are made with, and what they learn from.
ESTIMATORS = {
    "naive_bayes.GaussianNB": ({}, LABELS),
    "naive_bayes.BernoulliNB": ({"binarize": 0.5}, LABELS),
    "naive_bayes.ComplementNB": ({}, LABELS),
    "naive_bayes.MultinomialNB": ({}, LABELS),
    "linear_model.LogisticRegression": ({}, LABELS),
    "linear_model.LinearRegression": ({}, SIGNAL),
    "linear_model.Ridge": ({"alpha": 0.5}, SIGNAL),
    "linear_model.Lasso": ({"alpha": 0.01}, SIGNAL),
    "linear_model.ElasticNet": ({"alpha": 0.01}, SIGNAL),
    "svm.LinearSVC": ({"penalty": "l2"}, TWO),
    "svm.SVC": ({"gamma": "scale"}, TWO),
    "svm.SVR": ({"C": 0.5}, SIGNAL),
    "ensemble.RandomForestClassifier": ({"n_estimators": 5, "random_state": 0}, LABELS),
    "ensemble.RandomForestRegressor": (
        {"n_estimators": 5, "random_state": 0, "max_features": 3},
        SIGNAL,
    ),
    "neighbors.KNeighborsClassifier": ({"n_neighbors": 3}, LABELS),
    "neighbors.KNeighborsRegressor": ({"weights": "distance"}, SIGNAL),
    "cluster.KMeans": ({"n_clusters": 3, "random_state": 0}, None),
    "decomposition.PCA": ({"n_components": 2}, None),
    "decomposition.TruncatedSVD": ({"n_components": 2}, None),
    "preprocessing.StandardScaler": ({}, None),
    "preprocessing.MinMaxScaler": ({}, None),
}


def class_of(name):
    import cuml

    module, _, kind = name.rpartition(".")
    return getattr(getattr(cuml, module), kind)


def fitted(name, rows, labels=None):
    """An estimator of the table that has learned from rows of any kind."""
    import cupy as cp

    params, target = ESTIMATORS[name]
    target = target if labels is None else labels
    given = () if target is None else (cp.asarray(target),)
    return class_of(name)(**params).fit(rows, *given)


def answer(model, rows):
    return (model.predict if hasattr(model, "predict") else model.transform)(rows)


def outside(code):
    """What a script prints as JSON in a process without an emulator."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    return json.loads(found.stdout.splitlines()[-1])


# ---- what they take ----


def describe(names):
    """Where classes of cuML say they are, and what their public methods take."""
    import importlib
    import inspect

    found = {}
    for name in names:
        module, _, kind = name.rpartition(".")
        thing = getattr(importlib.import_module(f"cuml.{module}"), kind)
        found[name] = [thing.__module__, thing.__qualname__] + [
            f"{n}{inspect.signature(getattr(thing, n))}"
            for n in sorted(dir(thing))
            if (n == "__init__" or not n.startswith("_"))
            and inspect.isroutine(inspect.getattr_static(thing, n))
        ]
    return found


def test_classes_of_cuml_are_the_real_ones():
    """All that `gpu_hpo.estimators` names is where it is, and takes what it takes."""
    names = [f"{m}.{n}" for n, m in estimators._MODULES.items()] + ["solvers.QN"]
    code = inspect.getsource(describe)
    found = outside(f"{code}\nimport json\nprint(json.dumps(describe({names!r})))")
    assert describe(names) == found


def test_defaults_of_cudf_are_the_real_ones():
    """What a method of the double takes has the default that cuDF's has."""
    import cudf

    checked = 0
    for kind, known in _cudf._known()["classes"].items():
        for name, parameters in known["parameters"].items():
            own = inspect.getattr_static(getattr(cudf, kind), name, None)
            own = getattr(getattr(own, "__func__", own), "__wrapped__", None)
            if own is None:
                continue
            ours = inspect.signature(own).parameters
            for word, _, has_default, default in parameters:
                if word in ours and has_default:
                    assert repr(ours[word].default) == default, (kind, name, word)
                    checked += 1
    assert checked > 50


# Each in both processes, in which what is not made by `__init__` stands for an object
# that only a GPU could hold.
REFUSALS = {
    "array of a frame": "cudf.DataFrame.__array__(object.__new__(cudf.DataFrame))",
    "array of a series": "cudf.Series.__array__(object.__new__(cudf.Series))",
    "arrow": "cudf.Series.__arrow_array__(object.__new__(cudf.Series))",
    "iteration": "iter(object.__new__(cudf.Series))",
    "iteration of labels": "iter(object.__new__(cudf.Index))",
    "truth": "bool(object.__new__(cudf.DataFrame))",
    "list": "object.__new__(cudf.Series).tolist()",
    "frame's keyword": "cudf.DataFrame(frame=1)",
    "copy of a frame": "cudf.DataFrame([1], copy=True)",
    "series' keyword": "cudf.Series(values=1)",
    "to_pandas' keyword": "object.__new__(cudf.Series).to_pandas(copy=True)",
    "uncopied": "object.__new__(cudf.Series).to_numpy(copy=False)",
    "old method": "cudf.DataFrame.from_pandas",
    "function": "cudf.from_numpy",
    "from_pandas": "cudf.from_pandas([1])",
    "cuML's keyword": "cuml.Ridge(lambda_=1)",
    "cuML's positions": "cuml.LogisticRegression('l2')",
    "cuML's parameter": "cuml.Ridge().set_params(lambda_=1)",
    "cuML's output": "cuml.using_output_type('torch').__enter__()",
    "cuML's attribute": "cuml.Ridge().coef_",
    "cuML's forest": "cuml.RandomForestClassifier(criterion='gini')",
}


def refusals(codes):
    import cudf
    import cuml

    found = {}
    for name, code in codes.items():
        try:
            eval(code, {"cudf": cudf, "cuml": cuml})
        except Exception as error:
            found[name] = [type(error).__name__, str(error)]
        else:
            found[name] = ["nothing", ""]
    return found


@functools.cache
def real_refusals():
    code = inspect.getsource(refusals)
    return outside(f"{code}\nimport json\nprint(json.dumps(refusals({REFUSALS!r})))")


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_are_the_real_ones(name):
    """What a double refuses is refused by the real package, in the same words."""
    (kind, text), (real_kind, real_text) = (
        found[name] for found in (refusals({name: REFUSALS[name]}), real_refusals())
    )
    assert kind == real_kind != "nothing"
    # Python's own words for a wrong call name the function in other ways.
    if "argument" not in real_text:
        assert text == real_text


# ---- how they train ----


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_doubles_train_as_scikit_learn(name, dtype):
    """Answers are those of the counterpart, in the precision of the rows."""
    import cupy as cp

    rows = X.astype(dtype)
    model = fitted(name, cp.asarray(rows))
    found = answer(model, cp.asarray(rows))
    assert isinstance(found, cp.ndarray)
    params, target = ESTIMATORS[name]
    counterpart = convert(class_of(name)(**params), "cpu")
    given = () if target is None else (target,)
    expected = answer(counterpart.fit(rows, *given), rows)
    if target is None and hasattr(model, "predict"):  # clusters have no order
        table = np.unique([found.get(), expected], axis=1)
        assert table.shape[1] == 3
        return
    if name.startswith("decomposition"):  # nor have vectors a sign
        found, expected = abs(found), abs(expected)
    right = np.isclose(found.get(), expected, rtol=1e-2, atol=2e-2)
    # Solvers end where they like, and trees of rounded targets differ somewhere.
    assert right.mean() > 0.95
    if "KNeighbors" not in name and target is not LABELS and target is not TWO:
        assert found.dtype == dtype


@pytest.mark.parametrize("name", ESTIMATORS)
def test_output_is_of_the_kind_of_the_input(name):
    """Answers are of the library that the rows come from, not those learned from."""
    import cudf
    import cupy as cp

    model = fitted(name, cp.asarray(X, "float32"))
    expected = answer(model, cp.asarray(X, "float32")).get()
    tables = {
        np.ndarray: X.astype("float32"),
        cp.ndarray: cp.asarray(X, "float32"),
        cudf.Series: cudf.DataFrame(X.astype("float32")),
        pd.Series: pd.DataFrame(X.astype("float32")),
    }
    for kind, rows in tables.items():
        found = answer(model, rows)
        if expected.ndim == 2 and kind in (cudf.Series, pd.Series):
            kind = {cudf.Series: cudf.DataFrame, pd.Series: pd.DataFrame}[kind]
        assert type(found) is kind
        np.testing.assert_allclose(to_host(found), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", ["Ridge", "LogisticRegression"])
def test_attributes_are_of_the_kind_that_was_learned_from(kind):
    """Weights mirror the rows of `fit`, unless the thread has a setting."""
    import cudf
    import cuml
    import cupy as cp

    name = f"linear_model.{kind}"
    model = fitted(name, cp.asarray(X))
    assert isinstance(model.coef_, cp.ndarray)
    assert isinstance(fitted(name, X).coef_, np.ndarray)
    frame = cudf.DataFrame(X)
    assert isinstance(fitted(name, frame).coef_, cudf.Series | cudf.DataFrame)
    with cuml.using_output_type("numpy"):
        assert isinstance(model.coef_, np.ndarray)
        assert isinstance(model.predict(cp.asarray(X)), np.ndarray)


@pytest.mark.parametrize("name", [n for n, (_, y) in ESTIMATORS.items() if y is LABELS])
def test_labels_may_be_strings(name):
    """Strings are learned from, and predicted on the host or in a series."""
    import cudf

    params, target = ESTIMATORS[name]
    names = np.array(["low", "mid", "high"])[target]
    for labels in (names, cudf.Series(names)):
        model = class_of(name)(**params).fit(X, labels)
        assert list(model.classes_) == ["high", "low", "mid"]
        assert isinstance(model.predict(X), np.ndarray)
        assert isinstance(model.predict(cudf.DataFrame(X)), cudf.Series)
        assert model.score(X, labels) > 0.5


@pytest.mark.parametrize("name", ESTIMATORS)
def test_rows_are_refused(name):
    """NaN and complex numbers are refused by whatever cuML refuses them by."""
    import cupy as cp

    scaler = name.startswith("preprocessing")  # skips NaN, as scikit-learn's
    broken = cp.asarray(X)
    broken[3, 2] = np.nan
    if not scaler:
        with pytest.raises(ValueError, match="NaN"):
            fitted(name, broken)
    with pytest.raises(ValueError, match=r"[Cc]omplex"):
        fitted(name, cp.asarray(X, complex))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_models_are_copied(name):
    """Pickles hold fitted models, and clones parameters only."""
    import cupy as cp

    rows = cp.asarray(X)
    model = fitted(name, rows)
    expected = answer(model, rows).get()
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(answer(copied, rows).get(), expected)
    fresh = clone(model)
    assert fresh.get_params() == model.get_params()
    assert "n_features_in_" not in vars(fresh)


def test_what_no_double_computes_is_an_error():
    """A failure inside a function that compiled code calls reaches the caller."""
    import cupy as cp
    from cuml.solvers import QN

    with pytest.raises(NotImplementedError, match="loss"):
        QN(loss="svc_l1").fit(cp.asarray(X), cp.asarray(TWO))
    QN().fit(cp.asarray(X), cp.asarray(TWO))


# ---- frames ----


@pytest.fixture
def frame():
    import cudf

    return cudf.DataFrame({f"x{i}": X[:, i] for i in range(6)})


def test_frames_stay_on_the_device(frame):
    """Arrays of a frame are CuPy's, and only what asks for the host copies to it."""
    import cupy as cp

    with counting() as counts:
        table = frame.values
        some = frame.iloc[np.array([5, -1, 2])]
        series = frame.iloc[:, 1]
        assert isinstance(cp.asarray(series), cp.ndarray)
        assert some.index.to_pandas().tolist() == [5, 159, 2]
    assert table.flags.f_contiguous
    assert not counts.of("download")
    np.testing.assert_array_equal(table.get(), X)
    np.testing.assert_array_equal(some.values.get(), X[[5, -1, 2]])
    with counting() as counts:
        assert frame.to_pandas().shape == X.shape
    assert counts.n_bytes("download") == X.nbytes


def test_frames_of_pandas_come_back(frame):
    """Numbers, missing numbers, strings and labels of rows survive the way there."""
    import cudf

    original = pd.DataFrame(
        {
            "number": [1.5, np.nan, 3.0],
            "whole": [1, 2, 3],
            "text": ["a", "b", None],
            "true": [True, False, True],
        },
        index=[7, 8, 9],
    )
    there = cudf.from_pandas(original)
    assert there["number"].has_nulls and not there["whole"].has_nulls
    pd.testing.assert_frame_equal(there.to_pandas(), original)
    taken = there.iloc[[True, False, True]]
    pd.testing.assert_frame_equal(taken.to_pandas(), original.iloc[[0, 2]])
    both = cudf.concat([there, taken])
    pd.testing.assert_frame_equal(
        both.to_pandas(), pd.concat([original, original.iloc[[0, 2]]])
    )
    assert there.isna().any().to_pandas().tolist() == [True, False, True, False]
    with pytest.raises(TypeError, match="cupy does not support"):
        there["text"].values  # noqa: B018
    with pytest.raises(IndexError):
        there.iloc[[3]]


def test_gaps_of_the_double_are_named(frame):
    """What cuDF has and the double has not raises another error than a wrong name."""
    import cudf

    with pytest.raises(NotImplementedError, match="merge"):
        frame.merge  # noqa: B018
    with pytest.raises(NotImplementedError, match="read_csv"):
        cudf.read_csv  # noqa: B018
    with pytest.raises(NotImplementedError, match="keys"):
        cudf.concat([frame, frame], keys=["a", "b"])
    with pytest.raises(AttributeError):
        frame.iat_row  # noqa: B018
