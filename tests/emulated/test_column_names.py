# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Names of columns are taken, kept and checked on a device as scikit-learn does."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from dask import dataframe as dd
from sklearn import linear_model, neural_network
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from gpu_hpo.devices import to_host
from gpu_hpo.linear_model import QNClassifier, SGDClassifier, SGDRegressor
from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
    RandomizedSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.neural_network import MLPClassifier, MLPRegressor
from gpu_hpo.wrappers import ParallelPostFit

cudf = pytest.importorskip("cudf")
cp = pytest.importorskip("cupy")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
LABELS = (X[:, 0] > 0).astype(np.int64)
NAMES = ["a", "b", "c"]
_NET = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
_SGD = {"max_iter": 2, "tol": None, "random_state": 0}
# Ours, and what of scikit-learn's checks names as it should.
MODELS = {
    "SGDClassifier": (
        SGDClassifier(loss="log_loss", **_SGD),
        linear_model.SGDClassifier(loss="log_loss", **_SGD),
    ),
    "SGDRegressor": (SGDRegressor(**_SGD), linear_model.SGDRegressor(**_SGD)),
    "MLPClassifier": (MLPClassifier(**_NET), neural_network.MLPClassifier(**_NET)),
    "MLPRegressor": (MLPRegressor(**_NET), neural_network.MLPRegressor(**_NET)),
    "QNClassifier": (QNClassifier(), linear_model.LogisticRegression()),
}
# What is passed: names of columns, or None for an array, and the columns' values.
GIVEN = {
    "same": (NAMES, X),
    "other order": (["b", "a", "c"], X),
    "other name": (["a", "b", "d"], X),
    "many other names": ([f"x{i}" for i in range(7)], np.tile(X, 3)[:, :7]),
    "one more": ([*NAMES, "d"], np.tile(X, 2)[:, :4]),
    "one less": (NAMES[:2], X[:, :2]),
    "array": (None, X),
    "numbers": ([0, 1, 2], X),
    "numbers and text": (["a", 1, "c"], X),
    "narrow array": (None, X[:, :2]),
}
SIDES = ["pandas", "cudf"]

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Got `batch_size` less than 1:UserWarning",
)


def rows(given, side):
    """Rows with such names on a side."""
    names, values = GIVEN[given]
    if names is None:
        return values if side == "pandas" else cp.asarray(values)
    if side == "pandas":
        return pd.DataFrame(values, columns=names)
    return cudf.DataFrame({n: values[:, i] for i, n in enumerate(names)})


def targets(side):
    return LABELS if side == "pandas" else cp.asarray(LABELS)


def outcome(model, call):
    """What a call says of names and numbers of columns, and what is known after it."""
    error = None
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            call(model)
        except (ValueError, TypeError) as found:
            error = type(found), str(found)
    said = [str(w.message) for w in heard if "feature names" in str(w.message)]
    names = getattr(model, "feature_names_in_", None)
    known = None if names is None else (names.dtype, names.tolist())
    text = repr((error, said, known, getattr(model, "n_features_in_", None)))
    return text.replace(type(model).__name__, "MODEL")


def fit(given, side):
    return lambda model: model.fit(rows(given, side), targets(side))


def partial_fit(given, side):
    def call(model):
        classes = {} if "Regressor" in type(model).__name__ else {"classes": [0, 1]}
        model.partial_fit(rows(given, side), targets(side), **classes)

    return call


def answer(method, given, side):
    def call(model):
        more = (targets(side),) if method == "score" else ()
        getattr(model, method)(rows(given, side), *more)

    return call


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("first", ["same", "array", "numbers", "numbers and text"])
@pytest.mark.parametrize("name", MODELS)
def test_fit(name, first, side):
    """Each fit takes the names that it is given, and forgets those of before."""
    ours, theirs = map(clone, MODELS[name])
    for given in (first, "other name", "array", first):
        found = outcome(ours, fit(given, side))
        assert found == outcome(theirs, fit(given, "pandas"))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("trained_on", SIDES)
@pytest.mark.parametrize("first", ["same", "array", "numbers"])
@pytest.mark.parametrize("name", MODELS)
def test_answers(name, first, trained_on, side):
    """Rows to answer are checked on either side, wherever a model was trained."""
    ours, theirs = map(clone, MODELS[name])
    fit(first, trained_on)(ours)
    fit(first, "pandas")(theirs)
    methods = {"predict", "score"}
    methods |= {
        m
        for m in ("predict_proba", "predict_log_proba", "decision_function")
        if hasattr(ours, m) and hasattr(theirs, m)
    }
    for model in (ours, pickle.loads(pickle.dumps(ours))):
        for method in sorted(methods):
            for given in GIVEN:
                found = outcome(model, answer(method, given, side))
                expected = outcome(theirs, answer(method, given, "pandas"))
                assert found == expected, (method, given)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("first", ["same", "array", "numbers"])
@pytest.mark.parametrize("name", [name for name in MODELS if name != "QNClassifier"])
def test_calls(name, first, side):
    """The first call of partial_fit takes names, and later ones are checked."""
    ours, theirs = map(clone, MODELS[name])
    assert outcome(ours, partial_fit(first, side)) == outcome(
        theirs, partial_fit(first, "pandas")
    )
    for given in GIVEN:
        found = outcome(ours, partial_fit(given, side))
        assert found == outcome(theirs, partial_fit(given, "pandas")), given


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", ["SGDRegressor", "MLPClassifier", "SGDClassifier"])
def test_a_warm_start_checks_or_takes_names(name, side):
    """A fit that goes on does with names what scikit-learn's does."""
    ours, theirs = (clone(m).set_params(warm_start=True) for m in MODELS[name])
    for given in ("same", "same", "other order", "array"):
        found = outcome(ours, fit(given, side))
        assert found == outcome(theirs, fit(given, "pandas")), given


def test_models_of_a_stack_forget_names():
    """Each model of a stack that is fitted to an array loses the names of before."""
    models = [clone(MODELS["SGDClassifier"][0]) for _ in range(3)]
    for model in models:
        fit("same", "cudf")(model)
    stack = SGDClassifier.stack(models).fit(cp.asarray(X), cp.asarray(LABELS))
    assert not any(hasattr(model, "feature_names_in_") for model in stack.unstack())


# ---- searches ----

_FAST = {"cv": 3, "scheduler": "synchronous", "error_score": "raise"}
_STOPPING = {"random_state": 0, "max_iter": 3, "chunk_size": 20}
SEARCHES = {
    "grid": lambda *given, **more: GridSearchCV(*given, **_FAST, **more),
    "randomized": lambda *given, **more: RandomizedSearchCV(
        *given, n_iter=2, random_state=0, **_FAST, **more
    ),
    "incremental": lambda *given, **more: IncrementalSearchCV(
        *given, n_initial_parameters=2, **_STOPPING, **more
    ),
    "Hyperband": lambda *given, **more: HyperbandSearchCV(*given, **_STOPPING, **more),
    "halving": lambda *given, **more: SuccessiveHalvingSearchCV(
        *given, n_initial_parameters=2, n_initial_iter=1, **_STOPPING, **more
    ),
}
VALUES = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
SPACES = {
    "SGDClassifier": {"alpha": VALUES},
    "MLPClassifier": {"alpha": VALUES},
    "QNClassifier": {"l2_strength": VALUES},
}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("kind", SEARCHES)
def test_searches(threads_client, kind, name, side):
    """A search on a device knows and checks names as it does on the CPU."""
    more = {}
    if name == "QNClassifier" and kind not in ("grid", "randomized"):
        more = {"resource": "n_samples"}
    model = MODELS[name][0]
    found = SEARCHES[kind](model, SPACES[name], device="cuda", **more)
    expected = SEARCHES[kind](model, SPACES[name], device="cpu", **more)
    assert outcome(found, fit("same", side)) == outcome(expected, fit("same", "pandas"))
    assert found.device_.name == "cuda"
    assert found.best_estimator_.feature_names_in_.tolist() == NAMES
    for method in ("predict", "score"):
        for given in GIVEN:
            for on in SIDES:
                ask = answer(method, given, on)
                assert outcome(found, ask) == outcome(
                    expected, answer(method, given, "pandas")
                ), (method, given, on)
    check_is_fitted(found)
    fit("array", side)(found)
    assert not hasattr(found, "feature_names_in_")
    assert not hasattr(found.best_estimator_, "feature_names_in_")


COUNTERPARTS = {
    "Ridge": (linear_model.Ridge(), {"alpha": VALUES}),
    "LogisticRegression": (linear_model.LogisticRegression(), {"C": VALUES}),
    "scaled": (
        make_pipeline(StandardScaler(), MODELS["SGDClassifier"][0]),
        {"sgdclassifier__alpha": VALUES},
    ),
}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", COUNTERPARTS)
def test_counterparts(name, side):
    """So do searches of pipelines, and of what becomes cuML's estimators."""
    search = GridSearchCV(*COUNTERPARTS[name], device="cuda", **_FAST)
    fit("same", side)(search)
    assert search.device_.name == "cuda"
    assert search.feature_names_in_.tolist() == NAMES
    search.predict(rows("same", side))
    with pytest.raises(ValueError, match="must be in the same order as they were"):
        search.predict(rows("other order", side))
    with pytest.warns(UserWarning, match="X does not have valid feature names, but"):
        search.predict(rows("array", side))


THREE = np.digitize(X[:, 0], [-0.4, 0.4])
TEXT = np.array(["lo", "mid", "hi"])[THREE]
PIPELINES = {
    "ours": (
        make_pipeline(StandardScaler(), MODELS["SGDClassifier"][0]),
        {"sgdclassifier__alpha": VALUES},
    ),
    "cuML's": (
        make_pipeline(
            MinMaxScaler(), StandardScaler(), linear_model.LogisticRegression()
        ),
        {"logisticregression__C": VALUES},
    ),
    "machines": (make_pipeline(StandardScaler(), SVC()), {"svc__C": VALUES}),
    "in a pipeline": (
        make_pipeline(make_pipeline(StandardScaler()), MODELS["QNClassifier"][0]),
        {"qnclassifier__l2_strength": VALUES},
    ),
    "wrapped": (
        ParallelPostFit(make_pipeline(StandardScaler(), MODELS["SGDClassifier"][0])),
        {"estimator__sgdclassifier__alpha": VALUES},
    ),
}


@pytest.mark.filterwarnings("error:X has feature names, but")
@pytest.mark.parametrize("y", [THREE, TEXT], ids=["numbers", "text"])
@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.parametrize("kind", ["grid", "incremental"])
def test_frames_for_the_best_pipeline(threads_client, kind, name, y):
    """The best pipeline is asked about frames as it was trained: by arrays inside."""
    more = {} if kind == "grid" else {"resource": "n_samples"}
    pandas, on_device = rows("same", "pandas"), rows("same", "cudf")
    found, expected = (
        SEARCHES[kind](*PIPELINES[name], device=device, **more).fit(pandas, y)
        for device in ("cuda", "cpu")
    )
    assert found.device_.name == "cuda"
    near = expected.score(pandas, y)
    answers = [found.predict(pandas), to_host(found.predict(on_device))]
    lazy = dd.from_pandas(pandas, npartitions=2)
    answers.append(found.predict(lazy).compute())
    for answer in answers:
        assert type(answer) is np.ndarray
        assert answer.dtype == expected.predict(pandas).dtype
        assert (answer == y).mean() == pytest.approx(near, abs=0.05)
    assert found.score(pandas, y) == pytest.approx(near, abs=0.05)
    assert found.score(lazy, y) == found.score(pandas, y)
    if y is THREE:
        assert type(found.predict(on_device)) is cp.ndarray
        assert found.score(on_device, cp.asarray(y)) == found.score(pandas, y)
