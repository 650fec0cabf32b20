# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Scores, weights of classes and errors are of text on a device, as on the CPU."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score, fbeta_score, make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from gpu_hpo.exceptions import NoFiniteScoreError
from gpu_hpo.model_selection import GridSearchCV
from gpu_hpo.wrappers import Incremental, ParallelPostFit
from tests.emulated.text_searches import (
    EXHAUSTIVE,
    KINDS,
    SEARCHES,
    SPACE,
    THREE,
    TWO,
    X,
    assert_same,
    both,
    f1_of_yes,
    recall_of_yes,
    sgd,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:parameters is a space of"),
    pytest.mark.filterwarnings("ignore:The number of bins:UserWarning"),
    pytest.mark.filterwarnings("ignore:Scoring failed:UserWarning"),
    pytest.mark.filterwarnings("ignore:Some fits failed"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning"),
    pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning"),
    pytest.mark.filterwarnings("ignore:One or more of the train scores:UserWarning"),
    pytest.mark.usefixtures("threads_client"),
]


def own_metric(y, predicted):
    """A function of labels that no library knows."""
    return float(((y == "yes") & (predicted == "yes")).mean())


SCORINGS = {
    "pos_label": make_scorer(f1_score, pos_label="no"),
    "labels": make_scorer(cohen_kappa_score, labels=["yes", "no"]),
    "fbeta": make_scorer(fbeta_score, beta=2, pos_label="yes"),
    "own metric": make_scorer(own_metric),
    "function": f1_of_yes,
    "roc_auc": "roc_auc",
    "neg_log_loss": "neg_log_loss",
    "f1_macro": "f1_macro",
    "accuracy": None,
}


@pytest.mark.parametrize("scoring", ["pos_label", "function", "accuracy"])
@pytest.mark.parametrize("kind", KINDS)
def test_scorers(kind, scoring):
    """A scorer sees text, whatever it asks for."""
    assert_same(*both(kind, sgd(), SPACE, scoring=SCORINGS[scoring]))


@pytest.mark.parametrize("search", SEARCHES)
def test_several_scorers(search):
    """Several scorers see text, some of which are ours, and one is a function."""
    scoring = {name: SCORINGS[name] or "accuracy" for name in SCORINGS}
    assert_same(*both(search, sgd(), SPACE, scoring=scoring, refit="function"))


@pytest.mark.parametrize("scoring", ["pos_label", "function"])
def test_scores_of_rows_that_train(scoring):
    """So do scores on rows that train, and on folds of a search that stops early."""
    options = {"return_train_score": True, "scoring": SCORINGS[scoring]}
    assert_same(*both("grid", sgd(), SPACE, **options))
    options = {"cv": 3, "test_size": None, "scoring": SCORINGS[scoring]}
    assert_same(*both("incremental", sgd(), SPACE, **options))


@pytest.mark.parametrize("scoring", ["f1", "precision", "neg_brier_score"])
@pytest.mark.parametrize("kind", KINDS)
def test_metrics_that_are_not_defined(kind, scoring):
    """A metric that asks which label is 1 is not defined for text."""
    said = []
    for device in ("cuda", "cpu"):
        made = SEARCHES[kind](sgd(), SPACE, scoring=scoring, device=device)
        if kind in EXHAUSTIVE:
            made.fit(X, TWO)
            assert np.isnan(made.cv_results_["mean_test_score"]).all()
            made.set_params(error_score="raise")
        with pytest.raises(ValueError, match="pos_label") as error:
            made.fit(X, TWO)
        said.append(str(error.value))
    assert said[0] == said[1]


WEIGHTS = {"class_weight": [{"yes": 5.0}, {"no": 5.0, "yes": 0.5}, None]}


@pytest.mark.parametrize("search", SEARCHES)
def test_searched_weights_of_classes(search):
    """Weights of classes that are searched are by text."""
    there, here = both(search, sgd(alpha=0.1), WEIGHTS, scoring="recall_macro")
    assert_same(there, here)
    used = there.cv_results_[
        "mean_test_score" if search in EXHAUSTIVE else "test_score"
    ]
    assert len(set(used)) > 1  # weights matter
    best = there.best_estimator_
    assert best.class_weight == there.best_params_["class_weight"]


@pytest.mark.parametrize("wrap", ["pipeline", "incremental", "parallel"])
@pytest.mark.parametrize("kind", KINDS)
def test_fixed_weights_inside(kind, wrap):
    """Weights of the estimator itself, in a pipeline or a wrapper, are by text."""
    inner = sgd(class_weight={"yes": 4.0})
    if wrap == "pipeline":
        estimator = make_pipeline(FunctionTransformer(), inner)
        name = "sgdclassifier__alpha"
    elif wrap == "incremental":
        estimator, name = Incremental(inner), "estimator__alpha"
    else:
        estimator, name = ParallelPostFit(inner), "estimator__alpha"
    space = {
        name: SPACE["alpha"],
        name.replace("alpha", "class_weight"): [
            {"yes": 4.0},
            {"no": 0.1, "yes": 2.0},
        ],
    }
    scoring = {"own": recall_of_yes, "recall": "recall_macro"}
    there, here = both(kind, estimator, space, scoring=scoring, refit="recall")
    assert_same(there, here)
    assert type(there.best_estimator_) is type(here.best_estimator_)
    name = name.replace("alpha", "class_weight")
    best = there.best_estimator_.get_params()
    assert best[name] == there.best_params_[name]


@pytest.mark.parametrize("search", SEARCHES)
def test_weights_of_no_label(search):
    """Weights of what is no label are scikit-learn's error, as on the CPU."""
    space = {"class_weight": [{"yes": 2.0}, {"maybe": 3.0}]}
    there, here = both(search, sgd(), space)
    assert_same(there, here)
    if search not in EXHAUSTIVE:
        errors = [found.cv_results_["error"] for found in (there, here)]
        assert [bool(error) for error in errors[0]] == [bool(e) for e in errors[1]]
        assert any("not in class_weight" in error for error in errors[0])
        for found, expected in zip(*errors, strict=True):
            assert _last_line(found) == _last_line(expected)
        return
    said = []
    for device in ("cuda", "cpu"):
        options = {"device": device, "error_score": "raise"}
        with pytest.raises(ValueError, match=r"'no', 'yes'\], are not in") as error:
            SEARCHES[search](sgd(), space, **options).fit(X, TWO)
        said.append(str(error.value))
    assert said[0] == said[1]


def _last_line(error):
    return error.strip().splitlines()[-1] if error else ""


def test_errors_say_which_number_is_which_label():
    """Where an error speaks of numbers, a note says what labels these are."""
    # In no fold are there all labels that have weights.
    order = np.argsort(THREE, kind="stable")
    folds = [(order[:200], order[200:])]
    grid = GridSearchCV(
        sgd(class_weight={"hi": 2.0, "mid": 3.0}),
        SPACE,
        cv=folds,
        scheduler="synchronous",
        error_score="raise",
        device="cuda",
    )
    labels = np.where(THREE[order] == "mid", "lo", THREE[order])
    labels[order[200:]] = "mid"
    with pytest.raises(ValueError, match="not in class_weight") as error:
        grid.fit(X, labels)
    assert any("1 is 'lo'" in note for note in error.value.__notes__)


@pytest.mark.parametrize("classes", [["yes", "no"], ["yes", "no", "maybe"]])
def test_classes_that_the_user_names(classes):
    """`classes` may be text, and name labels that y lacks."""
    there, here = both("incremental", sgd(), SPACE, fit={"classes": classes})
    assert_same(there, here)
    assert there.best_estimator_.classes_.tolist() == sorted(classes)
    fit = {"classes": classes}
    estimator, space = Incremental(sgd()), {"estimator__alpha": SPACE["alpha"]}
    assert_same(*both("grid", estimator, space, fit=fit))
    for device in ("cuda", "cpu"):
        made = SEARCHES["incremental"](sgd(), SPACE, device=device)
        with pytest.raises(ValueError, match=r"lacks labels that y has: \['no'\]"):
            made.fit(X, TWO, classes=["maybe", "yes"])


def test_a_column_of_labels():
    """One column of text is taken for labels."""
    found = SEARCHES["grid"](sgd(), SPACE, device="cuda").fit(X, TWO[:, None])
    expected = SEARCHES["grid"](sgd(), SPACE, device="cuda").fit(X, TWO)
    assert found.best_score_ == expected.best_score_


def test_no_score_is_the_same_error():
    """Where no model can be scored, the error is that of the CPU."""
    said = []
    for device in ("cuda", "cpu"):
        scoring = make_scorer(f1_score, pos_label="maybe")
        made = SEARCHES["incremental"](sgd(), SPACE, scoring=scoring, device=device)
        with pytest.raises((ValueError, NoFiniteScoreError)) as error:
            made.fit(X, TWO)
        said.append(f"{type(error.value).__name__}: {error.value}")
    assert said[0] == said[1]
