# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What fails in a grid search has scikit-learn's scores, warnings and errors."""

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from tests.exhaustive.cases import DATA, STEPS, C
from tests.exhaustive.helpers import (
    FailingClassifier,
    FailingTransformer,
    assert_as_theirs,
)

FAILING = make_pipeline(FailingTransformer(), FailingClassifier())
AT = "failingtransformer__at"
# Name: estimator, and grid.
FAILURES = {
    "fit": (FailingClassifier(), {"at": [None, "fit"], "bias": [0, 1]}),
    "fit to some folds": (FailingClassifier(), {"at": ["some", None]}),
    "predict": (FailingClassifier(), {"at": [None, "predict"]}),
    "all in fit": (FailingClassifier(), {"at": ["fit"], "bias": [0, 1]}),
    "all in predict": (FailingClassifier(), {"at": ["predict"], "bias": [0, 1]}),
    "last step": (FAILING, {"failingclassifier__at": [None, "fit", "predict"]}),
    "fit of a transformer": (FAILING, {AT: [None, "fit"]}),
    "transform of train": (FAILING, {AT: [None, "train"]}),
    "transform of train again": (FAILING, {AT: [None, "again"]}),
    "transform of test": (FAILING, {AT: [None, "test"]}),
    "all in transform of test": (FAILING, {AT: ["test"]}),
    "all in transform of train": (FAILING, {AT: ["train"]}),
    "shared by candidates": (
        FAILING,
        {AT: [None, "fit", "test"], "failingclassifier__bias": [0, 1]},
    ),
    "everything": (
        FAILING,
        [
            {AT: ["fit", "train", "again", "test", None]},
            {"failingclassifier__at": ["fit", "some", "predict"]},
        ],
    ),
    "part of a union": (
        make_pipeline(
            FeatureUnion([("a", FailingTransformer()), ("b", FailingTransformer())]),
            FailingClassifier(),
        ),
        {
            "featureunion__a__at": [None, "fit", "test"],
            "featureunion__b__at": [None, "train"],
        },
    ),
    "part of the columns": (
        make_pipeline(
            ColumnTransformer(
                [("a", FailingTransformer(), [0, 1])], remainder=FailingTransformer()
            ),
            FailingClassifier(),
        ),
        {
            "columntransformer__a__at": [None, "train", "test"],
            "columntransformer__remainder__at": [None, "fit"],
        },
    ),
    "no such columns": (
        make_pipeline(
            ColumnTransformer([("a", StandardScaler(), [0])]), FailingClassifier()
        ),
        {
            "columntransformer__transformers": [
                [("a", StandardScaler(), [0])],
                [("a", StandardScaler(), [7])],
                [("a", LogisticRegression(), [1])],
            ]
        },
    ),
    "value out of range": (
        STEPS,
        [{"reduce__n_components": [2, 20]}, {"classify__C": [1.0, -1.0]}],
    ),
    "no transformer": (STEPS, {"scale": [LogisticRegression(), "drop", None], **C}),
    "nothing at the end": (STEPS, {"classify": ["passthrough", SVC()]}),
    "a score that is missing": (
        KNeighborsClassifier(),
        {"n_neighbors": [3, 70], "weights": ["uniform", "distance"]},
    ),
}


@pytest.mark.parametrize("train", [False, True], ids=["test", "train"])
@pytest.mark.parametrize("error_score", [np.nan, -1.0, "raise"], ids=str)
@pytest.mark.parametrize("name", FAILURES)
def test_failures(name, error_score, train):
    """What fails has scikit-learn's score, warning or error."""
    estimator, grid = FAILURES[name]
    ours, _ = assert_as_theirs(
        estimator,
        grid,
        DATA["two"],
        cv=3,
        error_score=error_score,
        return_train_score=train,
    )
    assert (
        ours.warnings
        or ours.error
        or (name, train)
        == (
            "transform of train again",
            False,
        )
    )
