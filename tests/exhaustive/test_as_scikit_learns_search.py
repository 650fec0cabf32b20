# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Grid and randomized search find what scikit-learn's find, column by column."""

import copy
import re

import numpy as np
import pytest
import sklearn.model_selection
from scipy.stats import loguniform, randint, uniform
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, recall_score
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from gpu_hpo.model_selection import GridSearchCV
from tests.exhaustive.cases import DATA, ESTIMATORS, GROUPS, STEPS, C, X
from tests.exhaustive.helpers import (
    GRID,
    RANDOMIZED,
    Overwrites,
    assert_as_theirs,
    assert_same_outcome,
    assert_same_results,
    fit_noting,
)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators(name):
    """What is found, chosen, fitted again and predicted is scikit-learn's."""
    estimator, grid, data, *options = ESTIMATORS[name]
    train = bool(list(ESTIMATORS).index(name) % 4)  # scores of both kinds, for most
    options = {"cv": 3, "return_train_score": train} | dict(*options)
    _, theirs = assert_as_theirs(estimator, grid, DATA[data], **options)
    assert theirs.error is None


@pytest.mark.parametrize(
    "name", ["logistic", "kmeans", "text", "frame", "union with gaps", "ridge"]
)
def test_estimators_on_threads(name):
    """Threads find what scikit-learn finds."""
    estimator, grid, data, *options = ESTIMATORS[name]
    options = {"cv": 3, "scheduler": "threads"} | dict(*options)
    assert_as_theirs(estimator, grid, DATA[data], return_train_score=True, **options)


@pytest.mark.parametrize("cache_cv", [True, False])
@pytest.mark.parametrize("name", ["tree", "frame", "kernel"])
def test_folds_cut_again(name, cache_cv):
    """Folds that are cut again for each fit are the same folds."""
    estimator, grid, data = ESTIMATORS[name]
    options = {"cv": ShuffleSplit(3, random_state=0), "return_train_score": True}
    ours = GridSearchCV(estimator, grid, cache_cv=cache_cv, scheduler="sync", **options)
    theirs = sklearn.model_selection.GridSearchCV(estimator, grid, **options)
    assert_same_outcome(fit_noting(ours, *DATA[data]), fit_noting(theirs, *DATA[data]))


# ---- steps that write on their input ----

IN_PLACE = {
    "scale": (
        make_pipeline(StandardScaler(copy=False), SVC()),
        {"svc__C": [0.1, 1.0], "standardscaler__with_mean": [True, False]},
    ),
    "second step": (
        make_pipeline(
            MinMaxScaler(), StandardScaler(copy=False), PCA(copy=False), SVC()
        ),
        {"pca__n_components": [1, 3], "standardscaler__with_std": [True, False]},
    ),
    "union": (
        make_pipeline(
            FeatureUnion([("a", Normalizer(copy=False)), ("b", StandardScaler())]),
            SVC(),
        ),
        {"svc__C": [0.1, 1.0], "featureunion__b__with_mean": [True, False]},
    ),
    "last": (Ridge(copy_X=False), {"alpha": [0.1, 1.0, 10.0, 1.0]}),
    "last step": (
        make_pipeline(MinMaxScaler(), Ridge(copy_X=False)),
        {"ridge__alpha": [0.1, 1.0, 10.0]},
    ),
}


@pytest.mark.parametrize("train", [False, True], ids=["test", "train"])
@pytest.mark.parametrize("name", IN_PLACE)
def test_steps_that_write_on_their_input(name, train):
    """What one candidate does to its rows is not seen by another, or by its scores."""
    estimator, grid = IN_PLACE[name]
    copying = clone(estimator)
    for param in copying.get_params():
        # Parts of a union see what those before them have written, as in scikit-learn.
        if param.rpartition("__")[2] in ("copy", "copy_X") and name != "union":
            copying.set_params(**{param: True})
    options = {"cv": 3, "return_train_score": train, "refit": False}
    ours = GridSearchCV(estimator, grid, scheduler="synchronous", **options)
    theirs = sklearn.model_selection.GridSearchCV(copying, grid, **options)
    for search in (ours, theirs):
        search.fit(*copy.deepcopy(DATA["two"]))
    mine, column_of_theirs = ours.cv_results_, theirs.cv_results_
    if name == "union":  # whose rows scikit-learn's train scores see written
        mine, column_of_theirs = map(_without_train, (mine, column_of_theirs))
    assert_same_results(mine, column_of_theirs, tol=1e-8)


def _without_train(results):
    return {name: column for name, column in results.items() if "train" not in name}


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("cv", [3, TimeSeriesSplit(3)], ids=["cut", "runs"])
def test_step_of_ones_own_that_writes_on_its_input(cv, scheduler):
    """A transformer that overwrites its rows, and does not say so, does no harm."""
    data = DATA["two"]
    grid = {"svc__C": [0.1, 1.0], "overwrites__factor": [0.5, 2.0]}
    searches = []
    steps = make_pipeline(Overwrites(), SVC(gamma=0.1))
    for cls, own in zip(GRID, [{"scheduler": scheduler}, {}], strict=True):
        search = cls(steps, grid, cv=cv, refit=False, **own)
        X, y = copy.deepcopy(data)
        searches.append(search.fit(X, y))
        np.testing.assert_array_equal(X, data[0])
    assert_same_results(*(search.cv_results_ for search in searches))


# ---- scores ----


def two_scores(estimator, X, y):
    """A callable that gives several scores."""
    predicted = estimator.predict(X)
    return {"right": (predicted == y).mean(), "ones": float(predicted.sum())}


def negative_size(estimator, X, y=None):
    """A callable that gives one score."""
    return -float(np.abs(estimator.predict(X) - np.mean(y)).sum())


def second_best(results):
    """The candidate that comes next to the best."""
    name = "score" if "mean_test_score" in results else "accuracy"
    return int(np.argsort(-results[f"mean_test_{name}"], kind="stable")[1])


def last_one(results):
    """The candidate that comes last."""
    return len(results["params"]) - 1


SCORINGS = {
    "none": {"scoring": None},
    "string": {"scoring": "neg_log_loss"},
    "callable": {"scoring": negative_size},
    "scorer": {"scoring": make_scorer(recall_score, pos_label=0)},
    "threshold": {"scoring": "roc_auc", "refit": True},
    "callable of many": {"scoring": two_scores, "refit": "right"},
    "callable of many, unrefit": {"scoring": two_scores, "refit": False},
    "list": {"scoring": ["accuracy", "roc_auc"], "refit": "roc_auc"},
    "tuple": {"scoring": ("roc_auc", "accuracy"), "refit": "accuracy"},
    "list of one": {"scoring": ["accuracy"], "refit": "accuracy"},
    "list, unrefit": {"scoring": ["accuracy", "f1"], "refit": False},
    "dict": {
        "scoring": {"z": "accuracy", "a": negative_size, "m": "neg_brier_score"},
        "refit": "a",
    },
    "unrefit": {"refit": False},
    "callable refit": {"refit": second_best},
    "callable refit of many": {
        "scoring": ["accuracy", "roc_auc"],
        "refit": second_best,
    },
    "callable refit of a dict": {"scoring": two_scores, "refit": last_one},
}


@pytest.mark.parametrize("train", [False, True], ids=["test", "train"])
@pytest.mark.parametrize("name", SCORINGS)
def test_scorings(name, train):
    """All kinds of scores, and of choices by them, are scikit-learn's."""
    _, theirs = assert_as_theirs(
        STEPS,
        {"reduce__n_components": [1, 3], **C},
        DATA["two"],
        cv=3,
        return_train_score=train,
        **SCORINGS[name],
    )
    assert theirs.error is None


def test_scoring_on_threads():
    """Several scores are scikit-learn's on threads as well."""
    options = SCORINGS["dict"] | {"cv": 4, "scheduler": "threads"}
    assert_as_theirs(STEPS, C, DATA["two"], return_train_score=True, **options)


# ---- splits ----

SPLITS = {
    "none": {"cv": None},
    "int": {"cv": 4},
    "kfold": {"cv": KFold(3)},
    "shuffled": {"cv": KFold(3, shuffle=True, random_state=0)},
    "stratified": {"cv": StratifiedKFold(3, shuffle=True, random_state=1)},
    "repeated": {"cv": RepeatedStratifiedKFold(n_splits=2, random_state=0)},
    "groups": {"cv": GroupKFold(4), "fit": {"groups": GROUPS}},
    "listed groups": {"cv": GroupKFold(4), "fit": {"groups": GROUPS.tolist()}},
    "shuffled groups": {
        "cv": GroupShuffleSplit(2, random_state=0),
        "fit": {"groups": GROUPS},
    },
    "predefined": {"cv": PredefinedSplit(np.arange(len(X)) % 4 - 1)},
    "shuffle": {"cv": ShuffleSplit(3, test_size=0.3, random_state=0)},
    "parts": {"cv": ShuffleSplit(2, train_size=20, test_size=9, random_state=0)},
    "time": {"cv": TimeSeriesSplit(3)},
    "one": {"cv": ShuffleSplit(1, random_state=0)},
    "random state": {
        "make_cv": lambda: KFold(3, shuffle=True, random_state=np.random.RandomState(3))
    },
    "iterator": {"make_cv": lambda: KFold(3, shuffle=True, random_state=0).split(X)},
    "arrays": {"cv": [(np.arange(60), np.arange(60, 90)), (np.arange(9, 90), [0, 5])]},
    "lists": {"cv": [(list(range(60)), list(range(60, 90)))] * 2},
    "from the end": {"cv": [([*range(60), -2, -1], [70, 71, -3])]},
    "masks": {"cv": [(np.arange(90) < 50, np.arange(90) >= 50)]},
    "rows twice": {"cv": [([*range(60), 0, 0, 1], [70, 70]), (range(60), range(9))]},
}


@pytest.mark.parametrize("train", [False, True], ids=["test", "train"])
@pytest.mark.parametrize("name", SPLITS)
def test_splits(name, train):
    """All ways to say how to split give scikit-learn's folds."""
    _, theirs = assert_as_theirs(
        STEPS,
        {"reduce__n_components": [1, 2], **C},
        DATA["two"],
        return_train_score=train,
        **SPLITS[name],
    )
    assert theirs.error is None


def test_leave_one_out():
    """Many folds of one row are no special case."""
    data = DATA["target"][0][:12], DATA["target"][1][:12]
    options = {"cv": LeaveOneOut(), "scoring": "neg_mean_absolute_error"}
    assert_as_theirs(
        make_pipeline(PCA(2), Ridge()),
        {"ridge__alpha": [0.1, 1.0]},
        data,
        tol=1e-8,
        **options,
    )


WEIGHT = np.linspace(0.1, 2, len(X))


@pytest.mark.parametrize("weight", [WEIGHT, WEIGHT.tolist()], ids=["array", "list"])
def test_fit_parameters(weight):
    """Parameters of fit that have a row each are cut as the rows are."""
    assert_as_theirs(
        STEPS,
        C,
        DATA["two"],
        fit={"classify__sample_weight": weight},
        cv=3,
        return_train_score=True,
    )


def test_routed_parameters():
    """Where metadata are routed they reach steps, scores and splits."""
    with sklearn.config_context(enable_metadata_routing=True):
        steps = Pipeline(
            [
                ("scale", StandardScaler().set_fit_request(sample_weight=True)),
                ("tree", DecisionTreeClassifier(max_depth=3, random_state=0)),
            ]
        )
        steps[-1].set_fit_request(sample_weight=True)
        score = make_scorer(recall_score).set_score_request(sample_weight=True)
        assert_as_theirs(
            steps,
            {"tree__max_depth": [1, 2, 3], "scale__with_mean": [True, False]},
            DATA["two"],
            fit={"sample_weight": WEIGHT, "groups": GROUPS},
            cv=GroupKFold(3),
            scoring=score,
            refit=False,
        )


# ---- the randomized search ----

SPACES = {
    "lists": ({"reduce__n_components": [1, 2, 3], "classify__C": [0.1, 1.0, 3]}, {}),
    "all of a list": ({"classify__C": [0.1, 1.0, 3]}, {"n_iter": 3}),
    "more than there are": ({"classify__C": [0.1, 1.0, 3]}, {"n_iter": 9}),
    "distributions": (
        {"reduce__n_components": randint(1, 5), "classify__C": loguniform(1e-2, 1e1)},
        {},
    ),
    "both": ({"scale__with_mean": [True, False], "classify__C": uniform(0.1, 2)}, {}),
    "steps": ({"reduce": [PCA(1), PCA(2), "passthrough"], "classify__C": [1, 2]}, {}),
    "several": (
        [
            {"reduce__n_components": randint(1, 4)},
            {"classify": [SVC()], "classify__C": loguniform(1e-2, 1e1)},
        ],
        {"n_iter": 6},
    ),
    "random state": (
        {"classify__C": uniform(0.1, 2)},
        {"make_random_state": lambda: np.random.RandomState(5)},
    ),
}


@pytest.mark.parametrize("train", [False, True], ids=["test", "train"])
@pytest.mark.parametrize("name", SPACES)
def test_randomized(name, train):
    """The candidates are scikit-learn's for a random state, and so is what is found."""
    space, options = SPACES[name]
    options = {"n_iter": 4, "random_state": 0, "return_train_score": train} | options
    if "make_random_state" in options:
        del options["random_state"]
    _, theirs = assert_as_theirs(
        STEPS, space, DATA["two"], classes=RANDOMIZED, cv=3, **options
    )
    assert theirs.error is None


def test_randomized_on_threads():
    """The candidates do not depend on where they are fitted."""
    assert_as_theirs(
        STEPS,
        SPACES["both"][0],
        DATA["two"],
        classes=RANDOMIZED,
        scheduler="threads",
        random_state=1,
        n_iter=5,
        scoring=["accuracy", "roc_auc"],
        refit="roc_auc",
    )


# ---- what is printed ----


@pytest.mark.parametrize("train", [False, True], ids=["test", "train"])
@pytest.mark.parametrize("verbose", [0, 1, 2, 3, 10])
@pytest.mark.parametrize("scoring", [None, ["accuracy", "f1"]], ids=["one", "many"])
def test_verbose(capsys, verbose, scoring, train):
    """The lines are scikit-learn's, but for the time that a fit took."""
    printed = []
    for cls, own in zip(GRID, [{"scheduler": "synchronous"}, {}], strict=True):
        search = cls(
            STEPS,
            {"reduce__n_components": [1, 2], **C},
            cv=2,
            scoring=scoring,
            refit="accuracy" if scoring else True,
            verbose=verbose,
            return_train_score=train,
            **own,
        )
        search.fit(*DATA["two"])
        out = re.sub(r"time= *[0-9.]+(s|min)", "time=", capsys.readouterr().out)
        printed.append(sorted(re.sub(r"\.{2,}", "..", out).splitlines()))
    assert printed[0] == printed[1]
    assert len(printed[0]) == {0: 0, 1: 1, 10: 17}.get(verbose, 9)
