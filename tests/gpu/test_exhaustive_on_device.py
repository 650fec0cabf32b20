# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Grid and randomized searches on a real GPU; skipped, saying why, where there is none.

The first tests fit in this process, to rows that are on its device, and the last ones
on a cluster of one worker. What needs no cuML runs with CuPy and Dask alone.
"""

import functools
import gc
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, r2_score, roc_auc_score
from sklearn.model_selection import GridSearchCV as Theirs
from sklearn.model_selection import (
    GroupKFold,
    ParameterGrid,
    StratifiedKFold,
    check_cv,
)
from sklearn.pipeline import Pipeline

from gpu_hpo.devices import is_device_array, to_host
from gpu_hpo.exhaustive.sharing._ridge_stack import RidgeStack
from gpu_hpo.linear_model import SGDClassifier
from gpu_hpo.linear_model._linear_stack import LinearStack
from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV
from gpu_hpo.neural_network import MLPClassifier
from gpu_hpo.neural_network._network_stack import NetworkStack
from tests.gpu import helpers
from tests.gpu.helpers import N_FEATURES, N_ROWS, Watcher

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

FOLDS = 5
N_TEST = N_ROWS // FOLDS
N_DRAWN = 6
GROUPS = np.arange(N_ROWS) // 7 % 9


@dataclass(frozen=True)
class Stacked:
    """An estimator of ours whose candidates are fitted in one stack per fold.

    Attributes
    ----------
    estimator : estimator
    space : dict
    stack : type
    weights : str
        Fitted attribute that must be on the device.
    accuracy, log_loss : dict of str to float
        How far scores may be from those on a CPU, by dtype.
    """

    estimator: Any
    space: dict[str, Any]
    stack: type
    weights: str
    accuracy: dict[str, float]
    log_loss: dict[str, float]

    @property
    def path(self) -> str:
        return f"{self.stack.__module__}.{self.stack.__qualname__}"


STACKED = {
    # The same steps, rounded differently; in a network they drift apart.
    "SGD": Stacked(
        SGDClassifier(
            loss="log_loss", batch_size=32, max_iter=5, tol=None, random_state=0
        ),
        {"alpha": np.logspace(-4, 0, 12)},
        LinearStack,
        "coef_",
        {"float32": 5e-3, "float64": 1e-3},
        {"float32": 1e-3, "float64": 1e-6},
    ),
    "MLP": Stacked(
        MLPClassifier((16,), batch_size=50, max_iter=5, random_state=0),
        {"learning_rate_init": np.logspace(-3, -1.5, 4), "alpha": [1e-5, 1e-3]},
        NetworkStack,
        "coefs_",
        {"float32": 0.02, "float64": 1e-3},
        {"float32": 0.02, "float64": 1e-4},
    ),
}


def make(estimator, space, kind="grid", **options):
    """A search in this thread, unless there is a scheduler."""
    given = {
        "cv": FOLDS,
        "scheduler": "synchronous",
        "error_score": "raise",
        **options,
    }
    if kind == "grid":
        return GridSearchCV(estimator, space, **given)
    return RandomizedSearchCV(estimator, space, n_iter=N_DRAWN, random_state=0, **given)


def scores_of(search, name="score"):
    """Scores by candidate and split."""
    results = search.cv_results_
    columns = [results[f"split{i}_test_{name}"] for i in range(search.n_splits_)]
    return np.array(columns).T


def assert_close(search, expected, tolerance, name="score"):
    """Scores are those of another search, or of an array of the same layout."""
    if not isinstance(expected, np.ndarray):
        expected = scores_of(expected, name)
    difference = abs(scores_of(search, name) - expected).max()
    print(f"{name} off by {difference:.1e}")
    assert difference <= tolerance, name


def weights_of(model, name):
    weights = getattr(model, name)
    return weights[0] if isinstance(weights, list) else weights


def by_hand(estimator, space, splits, X, y):
    """Three scores of every candidate on every split, one fit after another.

    What scikit-learn makes of the answers, which are copied to the host.
    """
    truth = to_host(y)
    found = []
    for params in ParameterGrid(space):
        found.append([])
        for train, test in splits:
            model = clone(estimator).set_params(**params).fit(X[train], y[train])
            labels = to_host(model.predict(X[test]))
            if hasattr(model, "decision_function"):
                values = to_host(model.decision_function(X[test]))
            else:
                values = to_host(model.predict_proba(X[test]))[:, 1]
            found[-1].append(
                {
                    "accuracy": accuracy_score(truth[test], labels),
                    "roc_auc": roc_auc_score(truth[test], values),
                    "f1_macro": f1_score(truth[test], labels, average="macro"),
                }
            )
    return {
        name: np.array([[scores[name] for scores in row] for row in found])
        for name in found[0][0]
    }


def cuml_class(name):
    """A class of cuML's, if that is installed."""
    module, _, kind = f"cuml.{name}".rpartition(".")
    return getattr(pytest.importorskip(module), kind)


def make_targets(X):
    """Numbers that depend on X but for some noise, in its dtype."""
    rng = np.random.default_rng(1)
    signal = X @ rng.standard_normal(N_FEATURES)
    return (signal + rng.standard_normal(len(X))).astype(X.dtype)


# ---- watching this process ----


@pytest.fixture
def copied(monkeypatch):
    """Shapes of what this process copies from its device; CuPy does it by `get`."""
    import cupy as cp

    shapes = []
    original = cp.ndarray.get

    @functools.wraps(original)
    def noting(self, *args, **options):
        shapes.append(self.shape)
        return original(self, *args, **options)

    monkeypatch.setattr(cp.ndarray, "get", noting)
    return shapes


@pytest.fixture
def stacks(monkeypatch):
    """Of each stack of several models that is fitted here, its type and its size."""
    fitted = []

    def noting(original):
        @functools.wraps(original)
        def fit(self, *args, **options):
            found = original(self, *args, **options)
            if len(self) > 1:
                fitted.append((type(self), len(self)))
            return found

        return fit

    for kind in (LinearStack, NetworkStack, RidgeStack):
        monkeypatch.setattr(kind, "fit", noting(kind.fit))
    return fitted


def assert_rows_stay(copied):
    """Nothing large was copied but columns as long as what trains: labels, groups.

    So no answers, and no row of X. That CuPy raises where an array would become
    NumPy's by itself says the rest.
    """
    large = {shape for shape in copied if math.prod(shape) >= N_TEST // 4}
    assert (N_ROWS,) in large  # what splitters look at
    wrong = {shape for shape in large if len(shape) > 1 or shape[0] < N_ROWS // 2}
    assert not wrong, wrong


# ---- in this process ----


@pytest.mark.parametrize("kind", ["grid", "randomized"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", STACKED)
def test_stacks_score_as_on_the_host(copied, stacks, data, name, dtype, kind):
    """All candidates of a fold train at once on the device, as they do on a CPU."""
    case = STACKED[name]
    X, y = data[0].astype(dtype), data[1]
    options = {"scoring": ["accuracy", "neg_log_loss"], "refit": "neg_log_loss"}
    search = make(case.estimator, case.space, kind, **options)
    search.fit(*helpers.as_cupy(X, y))
    assert_rows_stay(copied)
    n_candidates = len(search.cv_results_["params"])
    assert n_candidates == (N_DRAWN if kind == "randomized" else n_candidates)
    assert stacks == [(case.stack, n_candidates)] * FOLDS

    here = make(case.estimator, case.space, kind, device="cpu", **options).fit(X, y)
    assert search.cv_results_["params"] == here.cv_results_["params"]
    assert_close(search, here, case.accuracy[dtype], "accuracy")
    assert_close(search, here, case.log_loss[dtype], "neg_log_loss")
    best = here.cv_results_["mean_test_neg_log_loss"][search.best_index_]
    assert best == pytest.approx(here.best_score_, abs=2 * case.log_loss[dtype])

    assert is_device_array(weights_of(search.best_estimator_, case.weights))
    predicted = search.predict(helpers.as_cupy(X, y)[0])
    assert is_device_array(predicted), type(predicted)
    right = (to_host(predicted) == here.predict(X)).mean()
    assert right > 1 - 2 * case.accuracy[dtype]


@pytest.mark.parametrize("name", STACKED)
def test_threads_share_a_device(copied, data, name):
    """Fits in threads that are beside one another score as one after another."""
    case = STACKED[name]
    X, y = helpers.as_cupy(*data)
    options = {"scoring": "accuracy"}
    one = make(case.estimator, case.space, **options).fit(X, y)
    several = make(
        case.estimator, case.space, scheduler="threads", n_jobs=4, **options
    ).fit(X, y)
    assert_close(several, one, 1e-3)
    assert_rows_stay(copied)


@pytest.mark.parametrize("scoring", [None, "r2"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-8)])
def test_ridge_path(copied, stacks, monkeypatch, data, dtype, tolerance, scoring):
    """cuML's Ridge, one factorisation per fold, scores as scikit-learn's."""
    kind = cuml_class("linear_model.Ridge")
    X = data[0].astype(dtype)
    y = make_targets(X)
    space = {"alpha": np.logspace(-3, 5, 20)}
    fitted = []
    original = kind.fit

    @functools.wraps(original)
    def noting(self, X, *args, **options):
        fitted.append(len(X))
        return original(self, X, *args, **options)

    monkeypatch.setattr(kind, "fit", noting)
    on_device = helpers.as_cupy(X, y)
    search = make(kind(), space, scoring=scoring).fit(*on_device)
    assert_rows_stay(copied)
    assert stacks == [(RidgeStack, 20)] * FOLDS
    # Two rows per fold, for what a fit notes of them, and all rows for the best.
    assert fitted == [2] * FOLDS + [N_ROWS]

    exact = [part.astype(np.float64) for part in (X, y)]
    theirs = Theirs(Ridge(), space, cv=FOLDS, error_score="raise").fit(*exact)
    assert_close(search, theirs, tolerance)
    assert isinstance(search.best_estimator_, kind)
    predicted = search.predict(on_device[0])
    assert is_device_array(predicted), type(predicted)
    score = r2_score(exact[1], to_host(predicted))
    assert score == pytest.approx(theirs.score(*exact), abs=1e-4)
    assert search.score(*on_device) == pytest.approx(score, abs=1e-4)


def test_ridge_models_of_their_own(data):
    """Where a scorer wants each model, it is given one of cuML's, with its weights."""
    kind = cuml_class("linear_model.Ridge")
    X, y = data[0], make_targets(data[0])
    space = {"alpha": np.logspace(-3, 5, 4)}

    def scoring(model, X, y):
        assert isinstance(model, kind)
        missed = to_host(model.predict(X)) - to_host(y)
        return -float((missed * missed).mean())

    search = make(kind(), space, scoring=scoring).fit(*helpers.as_cupy(X, y))
    theirs = Theirs(Ridge(), space, cv=FOLDS, scoring="neg_mean_squared_error")
    expected = scores_of(theirs.fit(X.astype(np.float64), y))
    difference = abs(scores_of(search) - expected) / abs(expected)
    assert difference.max() < 1e-3


CVS = {
    "int": 3,
    "StratifiedKFold": StratifiedKFold(3, shuffle=True, random_state=0),
    "GroupKFold": GroupKFold(3),
}
# Name of the class, what is not searched for, space, and how far scores may be from
# those of the same fits by hand: forests are deterministic but for atomic additions.
CLASSIFIERS = {
    "linear_model.LogisticRegression": (
        {"max_iter": 200},
        {"C": [1e-3, 1.0, 1e3]},
        1e-3,
    ),
    "ensemble.RandomForestClassifier": (
        {"n_estimators": 10, "random_state": 0, "n_streams": 1},
        {"max_depth": [2, 4, 8]},
        5e-3,
    ),
}


@pytest.mark.parametrize("cv", CVS)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_cumls_classifiers(copied, data, name, cv):
    """Whatever splits and scores, scores are those of the same fits by hand."""
    fixed, space, tolerance = CLASSIFIERS[name]
    estimator = cuml_class(name)(**fixed)
    on_device = helpers.as_cupy(*data)
    groups = {}
    if cv == "GroupKFold":
        groups["groups"] = helpers.as_cupy(GROUPS, GROUPS)[0]
    names = ["accuracy", "roc_auc", "f1_macro"]
    search = make(estimator, space, cv=CVS[cv], scoring=names, refit="roc_auc")
    search.fit(*on_device, **groups)
    assert_rows_stay(copied)

    splitter = check_cv(CVS[cv], data[1], classifier=True)
    splits = list(splitter.split(data[0], data[1], GROUPS if groups else None))
    expected = by_hand(estimator, space, splits, *on_device)
    for scorer in names:
        assert_close(search, expected[scorer], tolerance, scorer)
    assert is_device_array(search.predict(on_device[0]))


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "f1_macro", None])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_cumls_classifiers_by_one_metric(copied, data, name, scoring):
    """A metric by itself, or `score` of the estimator, is no other matter."""
    fixed, space, tolerance = CLASSIFIERS[name]
    estimator = cuml_class(name)(**fixed)
    on_device = helpers.as_cupy(*data)
    search = make(estimator, space, cv=3, scoring=scoring, return_train_score=True)
    search.fit(*on_device)
    assert_rows_stay(copied)
    splits = list(StratifiedKFold(3).split(*data))
    expected = by_hand(estimator, space, splits, *on_device)
    assert_close(search, expected[scoring or "accuracy"], tolerance)
    assert (search.cv_results_["mean_train_score"] > 0.5).all()


def test_cumls_regressors(copied, data):
    """Regressors that share no fit are scored on the device, too."""
    kind = cuml_class("ensemble.RandomForestRegressor")
    estimator = kind(n_estimators=10, random_state=0, n_streams=1)
    X, y = data[0], make_targets(data[0])
    on_device = helpers.as_cupy(X, y)
    search = make(estimator, {"max_depth": [2, 8]}, scoring="r2").fit(*on_device)
    assert_rows_stay(copied)
    shallow, deep = search.cv_results_["mean_test_score"]
    assert 0 < shallow < deep < 1
    assert search.best_params_ == {"max_depth": 8}


def test_pipelines_are_taken_apart(copied, monkeypatch, data):
    """cuML's steps are fitted once per fold, and scores are those of whole pipelines.

    The columns differ by so much that it matters whether they are scaled.
    """
    scaler = cuml_class("preprocessing.StandardScaler")
    classifier = cuml_class("linear_model.LogisticRegression")
    fits = []
    original = scaler.fit

    @functools.wraps(original)
    def noting(self, X, *args, **options):
        fits.append(X.shape[0])
        return original(self, X, *args, **options)

    monkeypatch.setattr(scaler, "fit", noting)
    X = 1 + data[0] * np.logspace(-2, 2, N_FEATURES, dtype=np.float32)
    pipeline = Pipeline([("scale", scaler()), ("classify", classifier(max_iter=200))])
    space = {"scale__with_std": [True, False], "classify__C": [1e-4, 1e-2, 1.0]}
    on_device = helpers.as_cupy(X, data[1])
    search = make(pipeline, space, cv=StratifiedKFold(FOLDS), scoring="accuracy")
    search.fit(*on_device)
    assert_rows_stay(copied)
    # Two ways to scale, for three classifiers each; and once more for the best.
    assert len(fits) == 2 * FOLDS + 1

    splits = list(StratifiedKFold(FOLDS).split(X, data[1]))
    expected = by_hand(pipeline, space, splits, *on_device)["accuracy"]
    assert_close(search, expected, 2e-3)
    scaled, only_centred = expected[::2], expected[1::2]
    assert abs(scaled - only_centred).max() > 0.01, "a test of no steps"
    assert is_device_array(search.predict(on_device[0]))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_cumls_classifiers_of_rows_on_the_host(data, name):
    """Rows of NumPy's may be given, too: they go to the device once per fold."""
    fixed, space, tolerance = CLASSIFIERS[name]
    estimator = cuml_class(name)(**fixed)
    splits = list(StratifiedKFold(3).split(*data))
    expected = by_hand(estimator, space, splits, *data)
    for scoring in ("accuracy", "roc_auc"):
        search = make(estimator, space, cv=3, scoring=scoring).fit(*data)
        assert_close(search, expected[scoring], tolerance)
        assert search.score(*data) > 0.5


# ---- rows on the host, and the estimators of scikit-learn ----


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_scikit_learns_estimators_become_cumls(data, scheduler):
    """With CUDA, cuML's counterpart is fitted, under the names of the user's."""
    kind = cuml_class("linear_model.LogisticRegression")
    estimator, space = LogisticRegression(max_iter=200), {"C": [1e-3, 1.0, 1e3]}
    options = {"cv": 3, "scheduler": scheduler}
    search = make(estimator, space, **options).fit(*data)
    assert search.device_.name == "cuda", search.device_.reason
    assert isinstance(search.best_estimator_, kind)
    assert search.best_params_.keys() == {"C"}
    here = make(estimator, space, device="cpu", **options).fit(*data)
    assert here.device_.name == "cpu"
    assert_close(search, here, 5e-3)
    assert isinstance(search.predict(data[0]), np.ndarray)
    assert (search.predict(data[0]) == here.predict(data[0])).mean() > 0.98


def test_what_has_no_counterpart_stays_here(data):
    """An estimator that cuML lacks is fitted on the CPU, and `device_` says so."""
    search = make(QuadraticDiscriminantAnalysis(), {"reg_param": [0.0, 0.1]}).fit(*data)
    assert search.device_.name == "cpu"
    assert "QuadraticDiscriminantAnalysis" in search.device_.reason


def test_labels_may_be_strings(data):
    """Labels that no device can hold come back from the fitted search."""
    cuml_class("linear_model.LogisticRegression")
    names = np.array(["no", "yes"])[data[1]]
    options = {"cv": 3, "scoring": "accuracy"}
    estimator, space = LogisticRegression(max_iter=200), {"C": [1e-2, 1.0]}
    by_name = make(estimator, space, **options).fit(data[0], names)
    by_code = make(estimator, space, **options).fit(*data)
    assert by_name.device_.name == "cuda"
    assert by_name.best_score_ == pytest.approx(by_code.best_score_, abs=1e-6)
    assert by_name.classes_.tolist() == ["no", "yes"]
    right = (by_name.predict(data[0]) == names).mean()
    assert by_name.score(data[0], names) == pytest.approx(right)


def test_a_grid_gives_its_memory_back(data):
    """What fits of a grid have held is free once the search is gone (cuML 5769)."""
    import cupy as cp

    estimator, space = cuml_class("svm.SVC")(), {"C": np.logspace(-2, 1, 4)}
    rows = data[0][:2000], data[1][:2000]
    used = []
    for _ in range(3):
        make(estimator, space, cv=3).fit(*rows)
        gc.collect()
        cp.get_default_memory_pool().free_all_blocks()
        cp.cuda.Device().synchronize()
        used.append(-cp.cuda.Device().mem_info[0])
    print("free bytes after each:", [-n for n in used])
    assert used[2] - used[0] < 2**20


# ---- on a cluster of one worker ----


@pytest.fixture(scope="module")
def one_worker():
    with helpers.cuda_client(1) as client:
        yield client


INPUTS = {"CuPy": helpers.as_cupy, "Dask of CuPy": helpers.as_dask_array}
# What `fit` of ours copies to the host to see which classes there are.
LABELS = (N_ROWS - N_TEST, N_ROWS)
FOLD_SHAPES = {(N_ROWS - N_TEST, N_FEATURES): FOLDS, (N_TEST, N_FEATURES): FOLDS}


@pytest.mark.parametrize("given", INPUTS)
@pytest.mark.parametrize("kind", ["grid", "randomized"])
@pytest.mark.parametrize("name", STACKED)
def test_stacks_on_a_worker(one_worker, data, name, kind, given):
    """Rows reach models without the host, and those of a fold are cut out once."""
    case = STACKED[name]
    watcher = Watcher(one_worker, case.path)
    options = {"scoring": "accuracy", "cv": FOLDS}
    search = make(case.estimator, case.space, kind, scheduler=one_worker, **options)
    search.fit(*INPUTS[given](*data))
    watcher.check(labels=LABELS)
    fitted, cut = watcher.shapes()
    assert cut == FOLD_SHAPES
    # The best is fitted to all rows, whether or not as a stack of one.
    assert fitted[N_ROWS - N_TEST, N_FEATURES] == FOLDS
    here = make(case.estimator, case.space, kind, device="cpu", **options).fit(*data)
    assert_close(search, here, case.accuracy["float32"])
    assert is_device_array(weights_of(search.best_estimator_, case.weights))


@pytest.mark.parametrize("given", INPUTS)
def test_all_candidates_meet_one_array(one_worker, data, given):
    """Models that are fitted one by one are all given the same array of a fold."""
    estimator = cuml_class("linear_model.LogisticRegression")(max_iter=100)
    watcher = Watcher(one_worker, "cuml.linear_model.LogisticRegression")
    space = {"C": np.logspace(-3, 3, 6)}
    search = make(estimator, space, scheduler=one_worker, scoring="accuracy")
    search.fit(*INPUTS[given](*data))
    watcher.check(labels=LABELS)
    fitted, cut = watcher.shapes()
    assert cut == FOLD_SHAPES
    assert fitted == {(N_ROWS - N_TEST, N_FEATURES): FOLDS, (N_ROWS, N_FEATURES): 1}
    assert search.best_score_ > 0.7
    assert is_device_array(search.best_estimator_.coef_)


@pytest.mark.parametrize("given", INPUTS)
def test_ridge_path_on_a_worker(one_worker, data, given):
    """Penalties share their factorisations on a worker as well."""
    estimator = cuml_class("linear_model.Ridge")()
    X, y = data[0], make_targets(data[0])
    path = f"{RidgeStack.__module__}.{RidgeStack.__qualname__}"
    watcher = Watcher(one_worker, path)
    space = {"alpha": np.logspace(-3, 5, 20)}
    search = make(estimator, space, scheduler=one_worker).fit(*INPUTS[given](X, y))
    watcher.check(labels=LABELS)
    fitted, cut = watcher.shapes()
    assert cut == FOLD_SHAPES
    assert fitted == {(N_ROWS - N_TEST, N_FEATURES): FOLDS}
    theirs = Theirs(Ridge(), space, cv=FOLDS).fit(X.astype(np.float64), y)
    assert_close(search, theirs, 1e-4)
