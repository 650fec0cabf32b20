# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Grid and randomized searches of rows on a device, with a double of CuPy's arrays."""

import dask
import dask.array as da
import numpy as np
import pytest
import sklearn
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.metrics import accuracy_score, fbeta_score, make_scorer
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline

from gpu_hpo.devices import array_namespace
from gpu_hpo.linear_model import SGDClassifier, SGDRegressor
from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV
from gpu_hpo.neural_network import MLPClassifier, MLPRegressor
from gpu_hpo.testing import NoHostCopyArray
from tests.exhaustive.helpers import fit_noting
from tests.model_selection.device_estimators import Bend, OnDevice, OwnScore, Scale

N_ROWS, N_FEATURES, FOLDS = 120, 7, 3
N_TEST = N_ROWS // FOLDS  # as many as no set of rows that trains has

rng = np.random.default_rng(0)
X = rng.standard_normal((N_ROWS, N_FEATURES))
signal = X @ np.linspace(-1, 1, N_FEATURES) + rng.standard_normal(N_ROWS)
TWO, THREE = (signal > 0).astype(int), np.digitize(signal, [-1, 1])
WEIGHT = np.where(np.arange(N_ROWS) % 3, 1.0, 0.1)
GROUPS = np.arange(N_ROWS) // 9 % 7

SGD = SGDClassifier(loss="log_loss", max_iter=4, tol=None, random_state=0)
SGD.set_params(batch_size=10)
MLP = MLPClassifier(hidden_layer_sizes=(4,), max_iter=4, batch_size=20, random_state=0)
STEPS = Pipeline([("scale", Scale()), ("bend", Bend()), ("classify", OnDevice())])
UNION = make_pipeline(FeatureUnion([("scale", Scale()), ("bend", Bend())]), SGD)
ALPHAS = {"alpha": [1e-4, 1e-2, 1.0]}
RATES = {"rate": [0.1, 0.5]}

# Name: estimator, grid, and labels.
CLASSIFIERS = {
    "SGD": (SGD, ALPHAS, TWO),
    "SGD of three": (SGD, ALPHAS, THREE),
    "as cuML's": (OnDevice(), RATES, TWO),
    "steps": (STEPS, {"scale__by": [0.5, 2.0], "classify__rate": [0.1, 0.5]}, TWO),
    "union": (
        UNION,
        {
            "featureunion__scale": [Scale(2.0), "drop", "passthrough"],
            "sgdclassifier__alpha": [1e-4, 1e-2],
        },
        TWO,
    ),
}


def on_device(*values):
    """The arrays as if they were CuPy's; what else there is as it is."""
    return [NoHostCopyArray(v) if isinstance(v, np.ndarray) else v for v in values]


def fit(estimator, space, X, y, search=GridSearchCV, given=None, **options):
    """Fit a search, in this thread unless there is a scheduler."""
    options = {"cv": FOLDS, "scheduler": "synchronous", "error_score": "raise"} | (
        options
    )
    return search(estimator, space, **options).fit(X, y, **(given or {}))


def assert_as_on_host(estimator, space, y, given=None, **options):
    """A search of rows on the device scores as of the same rows here; give it."""
    search = fit(
        estimator,
        space,
        *on_device(X, y),
        given=dict(zip(given or {}, on_device(*(given or {}).values()), strict=True)),
        **options,
    )
    here = fit(estimator, space, X, y, given=given, **options)
    assert_same_scores(search, here)
    return search


def assert_same_scores(search, other):
    """Two searches agree on all scores, and on what is best."""
    assert list(search.cv_results_) == list(other.cv_results_)
    for name, column in other.cv_results_.items():
        if "_test_" in name or "_train_" in name:
            np.testing.assert_allclose(
                search.cv_results_[name], column, rtol=1e-9, atol=1e-12, err_msg=name
            )
    if hasattr(other, "best_index_"):
        assert search.best_index_ == other.best_index_


def assert_rows_stay(copied):
    """Nothing with columns as X has was copied, and not as many rows with any."""
    assert all(len(shape) < 2 or shape[0] < 10 for shape in copied), copied


# ---- metrics ----


@pytest.mark.parametrize(
    "scoring",
    ["accuracy", "f1_macro", "roc_auc_ovr", "neg_log_loss", "balanced_accuracy"],
)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_named_scores(copied, name, scoring):
    """Of rows and answers nothing leaves the device: only labels and scores."""
    if (name, scoring) == ("SGD of three", "roc_auc_ovr"):
        scoring = "roc_auc_ovo"
    elif scoring == "roc_auc_ovr":
        scoring = "roc_auc"
    estimator, grid, y = CLASSIFIERS[name]
    search = assert_as_on_host(
        estimator, grid, y, scoring=scoring, return_train_score=scoring != "accuracy"
    )
    assert_rows_stay(copied)
    assert not [shape for shape in copied if shape[0] == N_TEST]
    assert isinstance(search.predict(NoHostCopyArray(X)), NoHostCopyArray)


@pytest.mark.parametrize("name", [*CLASSIFIERS, "own", "own in steps"])
def test_scores_of_their_own(copied, name):
    """Without `scoring` it is what `score` of the estimator, or the last step, is."""
    more = {
        "own": (OwnScore(), RATES, TWO),
        "own in steps": (
            make_pipeline(Scale(), OwnScore()),
            {"ownscore__rate": [0.1, 0.5]},
            TWO,
        ),
    }
    estimator, grid, y = (CLASSIFIERS | more)[name]
    assert_as_on_host(estimator, grid, y, return_train_score=True)
    assert_rows_stay(copied)
    assert not [shape for shape in copied if shape[0] == N_TEST]


@pytest.mark.parametrize("scoring", ["average_precision", "jaccard"])
@pytest.mark.parametrize("name", ["SGD", "as cuML's", "steps"])
def test_scores_that_only_the_host_knows(copied, name, scoring):
    """What is not computed on the device is so by scikit-learn, of answers alone."""
    estimator, grid, y = CLASSIFIERS[name]
    assert_as_on_host(estimator, grid, y, scoring=scoring)
    assert_rows_stay(copied)


def largest_error(y_true, y_pred):
    """A metric that nobody else has."""
    return np.abs(y_true - y_pred).max()


REGRESSION = {
    "r2": "r2",
    "host": make_scorer(largest_error, greater_is_better=False),
    "many": ["r2", "neg_mean_squared_error", "neg_median_absolute_error"],
    "none": None,
}


@pytest.mark.parametrize("scoring", REGRESSION)
def test_regression(copied, scoring):
    """Regressors are scored on the device by any of the usual metrics."""
    model = SGDRegressor(max_iter=4, tol=None, random_state=0, batch_size=10)
    given = {"scoring": REGRESSION[scoring], "return_train_score": True}
    if scoring == "many":
        given["refit"] = "r2"
    assert_as_on_host(model, ALPHAS, signal, **given)
    assert_rows_stay(copied)


def agreement(estimator, X, y):
    """A user's score, of several names, on whatever namespace the data has."""
    assert type(estimator.predict(X)) is type(X)
    xp = array_namespace(X)
    right = estimator.predict(X) == xp.asarray(y)
    return {"right": float(right.mean()), "wrong": float(1 - right.mean())}


def right(estimator, X, y):
    """A user's score as a number."""
    return agreement(estimator, X, y)["right"]


SEVERAL = {
    "names": {"scoring": ["accuracy", "roc_auc", "neg_log_loss"], "refit": "roc_auc"},
    "names, one for the host": {
        "scoring": ["f1", "average_precision", "precision"],
        "refit": "f1",
    },
    "scorers": {
        "scoring": {"a": "recall", "b": make_scorer(fbeta_score, beta=2)},
        "refit": "b",
    },
    "callable of several": {"scoring": agreement, "refit": "right"},
    "callable of one": {"scoring": right},
    "callable among names": {
        "scoring": {"a": "accuracy", "b": right, "c": "average_precision"},
        "refit": "a",
    },
    "not refit": {"scoring": ["accuracy", "f1"], "refit": False},
}


@pytest.mark.parametrize("name", ["SGD", "as cuML's", "steps"])
@pytest.mark.parametrize("scoring", SEVERAL)
def test_several_scores(copied, name, scoring):
    """Several metrics, of names or of the user's functions, need no row here."""
    estimator, grid, y = CLASSIFIERS[name]
    search = assert_as_on_host(
        estimator, grid, y, return_train_score=True, **SEVERAL[scoring]
    )
    assert_rows_stay(copied)
    assert search.multimetric_ is (scoring != "callable of one")


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer:UserWarning")
@pytest.mark.parametrize(
    ("model", "y", "scoring"),
    [
        (MLP, TWO, "neg_log_loss"),
        (MLP, THREE, "f1_macro"),
        (
            MLPRegressor(hidden_layer_sizes=(4,), max_iter=4, random_state=0),
            np.c_[signal, -signal],
            "r2",
        ),
    ],
    ids=["two", "three", "targets"],
)
def test_networks(copied, model, y, scoring):
    """Networks train and are scored on the device, also of two outputs."""
    assert_as_on_host(model, {"alpha": [1e-4, 1.0]}, y, scoring=scoring)
    assert not [shape for shape in copied if shape[-1] == N_FEATURES]
    assert not [shape for shape in copied if shape[0] == N_TEST]


# ---- what else there is ----


class LooksAtRows(KFold):
    """A splitter that reads X."""

    def split(self, X, y=None, groups=None):
        return super().split(X[np.argsort(X[:, 0])], y, groups)


CVS = {
    "int": 4,
    "KFold": KFold(3, shuffle=True, random_state=0),
    "StratifiedKFold": StratifiedKFold(3),
    "ShuffleSplit": ShuffleSplit(2, test_size=0.3, random_state=0),
    "TimeSeriesSplit": TimeSeriesSplit(3),
    "PredefinedSplit": PredefinedSplit(GROUPS % 3),
    "list": [(np.arange(80), np.arange(80, 120)), (list(range(0, 99)), [119, 100])],
    "arrays on the device": [
        (NoHostCopyArray(np.arange(80)), NoHostCopyArray(np.arange(80, 120)))
    ],
    "masks": [(GROUPS > 2, GROUPS < 2), (GROUPS < 4, GROUPS == 5)],
    "negative": [(np.arange(-80, 0), np.arange(40))],
    "repeated": [(np.arange(80), np.repeat([90, 100], 5))],
}


@pytest.mark.parametrize("cv", CVS)
def test_splits(copied, cv):
    """Rows are cut on the device, however they are split."""
    estimator, grid, y = CLASSIFIERS["as cuML's"]
    assert_as_on_host(estimator, grid, y, cv=CVS[cv], scoring="accuracy")
    assert_rows_stay(copied)


@pytest.mark.parametrize("cv", [GroupKFold(3), LeaveOneGroupOut()], ids=["k", "one"])
@pytest.mark.parametrize("where", ["device", "host"])
def test_groups(copied, where, cv):
    """Groups may be on the device too; they come here as labels do."""
    groups = NoHostCopyArray(GROUPS) if where == "device" else GROUPS
    options = {"cv": cv, "scoring": "accuracy"}
    search = fit(SGD, ALPHAS, *on_device(X, TWO), given={"groups": groups}, **options)
    here = fit(SGD, ALPHAS, X, TWO, given={"groups": GROUPS}, **options)
    assert_same_scores(search, here)
    assert_rows_stay(copied)


def test_splitter_that_looks_at_rows():
    """A splitter that reads what is not here is told so."""
    with pytest.raises(TypeError, match="looks at the values of X"):
        fit(SGD, ALPHAS, *on_device(X, TWO), cv=LooksAtRows(3))


@pytest.mark.parametrize("where", ["device", "host"])
@pytest.mark.parametrize("name", ["SGD", "as cuML's", "steps"])
def test_weights(copied, where, name):
    """Weights are cut where they are, and reach the last step and the score."""
    estimator, grid, y = CLASSIFIERS[name]
    parameter = "classify__sample_weight" if name == "steps" else "sample_weight"
    options = {"scoring": "neg_log_loss"}
    weight = NoHostCopyArray(WEIGHT) if where == "device" else WEIGHT
    search = fit(
        estimator, grid, *on_device(X, y), given={parameter: weight}, **options
    )
    here = fit(estimator, grid, X, y, given={parameter: WEIGHT}, **options)
    assert_same_scores(search, here)
    if where == "device":
        assert_rows_stay(copied)
    assert not [shape for shape in copied if shape[-1] == N_FEATURES]
    without = fit(estimator, grid, X, y, **options)
    assert search.best_score_ != without.best_score_


@pytest.mark.parametrize("wanted", [True, False, "mine"])
@pytest.mark.parametrize("name", ["SGD", "as cuML's"])
def test_weighted_scores(copied, name, wanted):
    """A scorer that asks for weights gets those of its rows, on the device as well."""
    estimator, grid, y = CLASSIFIERS[name]
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=wanted)
        assert_as_on_host(
            clone(estimator).set_fit_request(sample_weight=True),
            grid,
            y,
            scoring=scorer,
            given={"sample_weight": WEIGHT}
            | ({"mine": WEIGHT[::-1].copy()} if wanted == "mine" else {}),
            return_train_score=True,
        )
    assert_rows_stay(copied)


@pytest.mark.parametrize("name", ["SGD", "as cuML's"])
def test_weights_for_some_of_the_scores(name):
    """Of several scorers each gets the weights that it asks for, and no other."""
    estimator, grid, y = CLASSIFIERS[name]
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = clone(estimator).set_fit_request(sample_weight=True)
        scoring = {
            str(wanted): make_scorer(accuracy_score).set_score_request(
                sample_weight=wanted
            )
            for wanted in (True, False, "mine")
        }
        given = {"sample_weight": WEIGHT, "mine": WEIGHT[::-1].copy()}
        options = {"cv": FOLDS, "scoring": scoring, "refit": "True"}
        theirs = sklearn.model_selection.GridSearchCV(estimator, grid, **options)
        theirs.fit(X, y, **given)
        ours = fit(estimator, grid, X, y, given=given, **options)
        assert_same_scores(ours, theirs)
        given = dict(zip(given, on_device(*given.values()), strict=True))
        search = fit(estimator, grid, *on_device(X, y), given=given, **options)
        assert_same_scores(search, theirs)


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "average_precision"])
def test_labels_that_stay_here(copied, scoring):
    """Labels may be here while the rows are not, if the estimator takes them so."""
    search = fit(OnDevice(), RATES, NoHostCopyArray(X), TWO, scoring=scoring)
    here = fit(OnDevice(), RATES, X, TWO, scoring=scoring)
    assert_same_scores(search, here)
    assert_rows_stay(copied)


def test_estimators_that_write(copied):
    """An estimator that writes into its rows harms no other, nor the user's rows."""
    rows = NoHostCopyArray(X)
    grid = {"overwrite": [True, False], "rate": [0.1, 0.5]}
    options = {"scoring": "accuracy", "return_train_score": True, "refit": False}
    search = fit(OnDevice(), grid, rows, NoHostCopyArray(TWO), **options)
    assert_rows_stay(copied)
    np.testing.assert_array_equal(rows.get(), X)
    scores = search.cv_results_["mean_test_score"]
    assert scores[:2].tolist() == scores[2:].tolist()
    scores = search.cv_results_["mean_train_score"]
    assert scores[:2].tolist() == scores[2:].tolist()


@pytest.mark.parametrize("error_score", [np.nan, -1.0, "raise"], ids=str)
@pytest.mark.parametrize("train", [False, True], ids=["test", "train"])
def test_fits_that_fail(error_score, train):
    """A fit that fails on the device has the outcome that it has here."""
    options = {"cv": 3, "error_score": error_score, "return_train_score": train}
    ours, here = (
        fit_noting(
            GridSearchCV(
                OnDevice(), {"rate": [-1, 0.5]}, scheduler="synchronous", **options
            ),
            *data,
        )
        for data in (on_device(X, TWO), (X, TWO))
    )
    assert ours.warnings == here.warnings
    assert str(ours.error) == str(here.error)
    if error_score != "raise":
        assert_same_scores(ours.search, here.search)


def broken(y, predicted):
    """A metric that fails."""
    raise ArithmeticError("no such score")


@pytest.mark.parametrize("name", ["SGD", "as cuML's"])
def test_scores_that_fail(name):
    """A metric that fails leaves the others as they are."""
    estimator, grid, y = CLASSIFIERS[name]
    scoring = {"a": "accuracy", "b": make_scorer(broken), "c": "average_precision"}
    ours, here = (
        fit_noting(
            GridSearchCV(
                estimator, grid, scoring=scoring, refit="a", scheduler="synchronous"
            ),
            *data,
        )
        for data in (on_device(X, y), (X, y))
    )
    assert_same_scores(ours.search, here.search)
    assert len(ours.warnings) == len(here.warnings)
    assert np.isnan(ours.search.cv_results_["mean_test_b"]).all()


# ---- where it runs ----


def test_randomized(copied):
    """The randomized search leaves the rows where they are as well."""
    assert_as_on_host(
        SGD,
        {"alpha": loguniform(1e-5, 1)},
        TWO,
        search=RandomizedSearchCV,
        n_iter=6,
        random_state=0,
        scoring="roc_auc",
        return_train_score=True,
    )
    assert_rows_stay(copied)
    assert not [shape for shape in copied if shape[0] == N_TEST]


@pytest.mark.parametrize(
    "scheduler", ["threads", "dask.get", "threads_client", "processes_client"]
)
def test_schedulers(request, copied, scheduler):
    """Wherever the fits run, the scores are the same, and rows are not copied."""
    if scheduler.endswith("_client"):
        scheduler = request.getfixturevalue(scheduler)
    elif scheduler == "dask.get":
        scheduler = dask.get
    for name in ("SGD", "steps"):
        estimator, grid, y = CLASSIFIERS[name]
        options = {"scoring": "accuracy", "return_train_score": True}
        search = fit(
            estimator, grid, *on_device(X, y), scheduler=scheduler, n_jobs=2, **options
        )
        assert_same_scores(search, fit(estimator, grid, X, y, **options))
        last = getattr(search.best_estimator_, "steps", [("", search.best_estimator_)])
        assert isinstance(last[-1][1].coef_, NoHostCopyArray)
    assert_rows_stay(copied)


def blocks(array, chunks):
    """An array of Dask's, of blocks on the device."""
    return da.from_array(array, chunks=chunks).map_blocks(
        NoHostCopyArray, dtype=array.dtype, meta=NoHostCopyArray(array[:0])
    )


def unknown(lazy):
    """The same, of lengths that are not known."""
    every = da.ones(len(lazy), chunks=lazy.chunks[0], dtype=bool)
    return lazy[every]


def delayed(array):
    """The array on the device, later."""
    return dask.delayed(NoHostCopyArray)(array)


LAZY = {
    "blocks": (blocks(X, (50, -1)), blocks(TWO, 30)),
    "blocks of columns": (blocks(X, (50, 4)), blocks(TWO, 30)),
    "one block": (blocks(X, -1), blocks(TWO, -1)),
    "unknown": (unknown(blocks(X, (50, -1))), unknown(blocks(TWO, 30))),
    "labels in memory": (blocks(X, (50, -1)), NoHostCopyArray(TWO)),
    "rows in memory": (NoHostCopyArray(X), blocks(TWO, 30)),
    "delayed": (delayed(X), delayed(TWO)),
}


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "threads_client"])
@pytest.mark.parametrize("name", LAZY)
def test_dask(request, copied, name, scheduler):
    """Blocks on the device are put together there."""
    if scheduler.endswith("_client"):
        scheduler = request.getfixturevalue(scheduler)
    options = {"scoring": "accuracy", "return_train_score": True}
    search = fit(SGD, ALPHAS, *LAZY[name], scheduler=scheduler, n_jobs=2, **options)
    assert_rows_stay(copied)
    assert_same_scores(search, fit(SGD, ALPHAS, X, TWO, **options))
    assert isinstance(search.best_estimator_.coef_, NoHostCopyArray)


def test_dask_in_steps(threads_client, copied):
    """The same holds of steps, with weights and groups in blocks."""
    given = {"classify__sample_weight": WEIGHT, "groups": GROUPS}
    lazy = {name: blocks(value, 40) for name, value in given.items()}
    estimator, grid, y = CLASSIFIERS["steps"]
    options = {"scoring": "neg_log_loss", "cv": GroupKFold(3)}
    search = fit(
        estimator,
        grid,
        blocks(X, (50, -1)),
        blocks(y, 30),
        given=lazy,
        scheduler=threads_client,
        **options,
    )
    assert_rows_stay(copied)
    assert_same_scores(search, fit(estimator, grid, X, y, given=given, **options))
    predicted = search.predict(blocks(X, (50, -1)))
    assert isinstance(predicted.compute(), NoHostCopyArray)
    here = fit(estimator, grid, X, y, given=given, **options)
    lazily = search.score(blocks(X, (50, -1)), blocks(y, 30))
    assert lazily == pytest.approx(here.score(X, y))


@pytest.mark.parametrize("name", ["SGD", "as cuML's", "steps"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scoring": "accuracy"},
        {"scoring": "average_precision"},
        {"scoring": ["f1", "accuracy"], "refit": "f1"},
        {"scoring": right},
    ],
    ids=["none", "accuracy", "host", "several", "callable"],
)
def test_score_of_the_search(copied, name, options):
    """A search that is fitted scores rows on the device as it does any others."""
    estimator, grid, y = CLASSIFIERS[name]
    search = fit(estimator, grid, *on_device(X, y), **options)
    here = fit(estimator, grid, X, y, **options)
    assert search.score(*on_device(X, y)) == pytest.approx(here.score(X, y))
    assert_rows_stay(copied)
