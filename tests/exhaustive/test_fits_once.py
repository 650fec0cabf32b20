# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What candidates share is fitted once per fold, and kept no longer than needed."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV
from tests.exhaustive.cases import make_numbers, make_texts
from tests.exhaustive.recording_steps import (
    MODELS,
    ROWS,
    Classify,
    Count,
    Counted,
    CountedClassifier,
    Fill,
    Shift,
    Square,
    Weigh,
    recorded,
)

SCHEDULERS = ["synchronous", "threads", "threads_client", "processes_client"]
FOLDS = 3
X, y = make_numbers()["two"]
TEXTS, LABELS = make_texts()


@pytest.fixture
def path(tmp_path):
    """The file that the steps record their fits in."""
    return str(tmp_path / "fits")


@pytest.fixture(params=SCHEDULERS)
def scheduler(request):
    """Each way to run a search: by its name, or a client of Dask."""
    if request.param.endswith("_client"):
        return request.getfixturevalue(request.param)
    return request.param


def fit_counting(path, *data, search=GridSearchCV, **options):
    """Fit a search; give the number of fits of each kind of step.

    No two are the same.
    """
    search(cv=FOLDS, error_score="raise", **options).fit(*data)
    lines = [(name, what) for name, what, _ in recorded(path)]
    assert len(lines) == len(set(lines))
    return Counter(name for name, _ in lines)


def text_pipeline(path):
    """The example of dask-ml's, with steps that record."""
    return Pipeline(
        [
            ("count", Count(path)),
            ("weigh", Weigh(path)),
            ("classify", Classify(path, random_state=0)),
        ]
    )


TEXT_GRID = {
    "count__ngram_range": [(1, 1), (1, 2)],
    "weigh__norm": ["l1", "l2"],
    "classify__alpha": [1e-4, 1e-3, 1e-2],
}


@pytest.mark.parametrize("train", [False, True], ids=["test", "train"])
def test_text_pipeline(path, scheduler, train):
    """Each step is fitted once with equal parameters to the same rows."""
    fits = fit_counting(
        path,
        TEXTS,
        LABELS,
        estimator=text_pipeline(path),
        param_grid=TEXT_GRID,
        return_train_score=train,
        scheduler=scheduler,
    )
    assert fits == {
        "Count": 2 * FOLDS + 1,
        "Weigh": 2 * 2 * FOLDS + 1,
        "Classify": 2 * 2 * 3 * FOLDS + 1,
    }


def columns_pipeline(path):
    """Columns with pipelines and a union in them."""
    numbers = Pipeline(
        [
            ("fill", Fill(path)),
            ("join", FeatureUnion([("as", Shift(path)), ("square", Square(path))])),
        ]
    )
    columns = ColumnTransformer(
        [("numbers", numbers, ["a", "b"]), ("words", Count(path), "text")],
        remainder=Shift(path, by=1.0),
    )
    return Pipeline([("columns", columns), ("classify", Classify(path))])


COLUMNS_GRID = [
    {"columns__numbers__fill__by": [0.0, 1.0], "classify__alpha": [1e-4, 1e-3]},
    {"columns__numbers__join__square__by": [0.0, 1.0, 2.0]},
    {"columns__words__ngram_range": [(1, 1), (1, 2)]},
    {"columns__numbers__join__as": ["drop", "passthrough"]},
    {"columns__remainder": ["drop"], "columns__words": ["drop"]},
]


def make_frame():
    """Numbers, some of them missing, and a text."""
    frame = pd.DataFrame(X[: len(TEXTS), :4], columns=["a", "b", "c", "d"])
    frame.loc[::7, "a"] = np.nan
    return frame.assign(text=TEXTS)


def test_columns(path, scheduler):
    """Parts of columns, of unions and of pipelines within each other are shared too."""
    fits = fit_counting(
        path,
        make_frame(),
        LABELS,
        estimator=columns_pipeline(path),
        param_grid=COLUMNS_GRID,
        refit=False,
        scheduler=scheduler,
    )
    assert fits == {
        "Fill": 2 * FOLDS,
        "Shift": 3 * FOLDS,  # after either `Fill`, and of the remainder
        "Square": 4 * FOLDS,  # after either `Fill`, and two more after the first
        "Count": 2 * FOLDS,
        "Classify": 10 * FOLDS,  # three of the twelve candidates are one
    }


def test_refit_of_columns(path, scheduler):
    """A refit fits each step once, to all rows."""
    fits = fit_counting(
        path,
        make_frame(),
        LABELS,
        estimator=columns_pipeline(path),
        param_grid={},
        scheduler=scheduler,
    )
    once = {"Fill": 1, "Shift": 2, "Square": 1, "Count": 1, "Classify": 1}
    assert fits == {name: n * (FOLDS + 1) for name, n in once.items()}


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_equal_candidates(path, scheduler):
    """Candidates with equal parameters are one fit, also where its seed is None."""
    scale = make_pipeline(Shift(path), Classify(path))
    fits = fit_counting(
        path,
        X,
        y,
        estimator=scale,
        param_grid=[
            {"classify__alpha": [0.1, 0.1, 0.2]},
            {"shift": [Shift(path), Shift(path, by=0.0)], "classify__alpha": [0.2]},
            {"shift__by": [0.0], "classify": [Classify(path, alpha=0.1)]},
        ],
        scheduler=scheduler,
    )
    assert fits == {"Shift": FOLDS + 1, "Classify": 2 * FOLDS + 1}


def test_equal_candidates_have_equal_results(path):
    """Candidates that are one fit have the same scores, each in its own row."""
    search = GridSearchCV(
        make_pipeline(Shift(path), Classify(path)),
        {"classify__alpha": [0.1, 1e-3, 0.1]},
        cv=FOLDS,
        return_train_score=True,
        scheduler="synchronous",
    ).fit(X, y)
    for name, column in search.cv_results_.items():
        if "score" in name and not name.endswith("_time"):
            assert column[0] == column[2], name
    assert [p["classify__alpha"] for p in search.cv_results_["params"]] == [
        0.1,
        1e-3,
        0.1,
    ]


@pytest.mark.parametrize("options", [{"cache_cv": False}, {"refit": False}], ids=str)
def test_other_options(path, options):
    """Folds that are cut again mean no more fits, and refit=False means one less."""
    fits = fit_counting(
        path,
        TEXTS,
        LABELS,
        estimator=text_pipeline(path),
        param_grid=TEXT_GRID,
        scheduler="synchronous",
        **options,
    )
    refit = options.get("refit", True)
    assert fits["Count"] == 2 * FOLDS + refit
    assert fits["Classify"] == 12 * FOLDS + refit


def test_randomized(path):
    """The randomized search shares fits as well."""
    fits = fit_counting(
        path,
        TEXTS,
        LABELS,
        search=RandomizedSearchCV,
        estimator=text_pipeline(path),
        param_distributions=TEXT_GRID,
        n_iter=12,
        random_state=0,
        scheduler="threads",
    )
    assert fits["Count"] == 2 * FOLDS + 1
    assert fits["Classify"] == 12 * FOLDS + 1


def test_pipelines_in_pipelines(path):
    """A pipeline as the last step, or in place of any other, is taken apart too."""
    inner = Pipeline([("second", Square(path)), ("classify", Classify(path))])
    outer = Pipeline(
        [
            ("first", Pipeline([("fill", Fill(path)), ("shift", Shift(path))])),
            ("in", inner),
        ]
    )
    fits = fit_counting(
        path,
        X,
        y,
        estimator=outer,
        param_grid={
            "first__fill": [Fill(path), "passthrough"],
            "first__shift__by": [0.0, 1.0],
            "in__second__by": [0.0, 1.0],
            "in__classify__alpha": [1e-4, 1e-3],
        },
        scheduler="synchronous",
        refit=False,
    )
    assert fits == {
        "Fill": FOLDS,
        "Shift": 2 * 2 * FOLDS,
        "Square": 2 * 2 * 2 * FOLDS,
        "Classify": 2 * 2 * 2 * 2 * FOLDS,
    }


def test_steps_that_are_the_same_in_other_places(path):
    """A step that comes after others than before is fitted again."""
    fits = fit_counting(
        path,
        X,
        y,
        estimator=Pipeline(
            [("a", Shift(path)), ("b", Fill(path)), ("c", Classify(path))]
        ),
        param_grid={"a": [Shift(path), StandardScaler(), "passthrough"]},
        scheduler="synchronous",
        refit=False,
    )
    assert fits == {"Shift": FOLDS, "Fill": 3 * FOLDS, "Classify": 3 * FOLDS}


# ---- what is kept ----


@pytest.mark.parametrize(("workers", "most"), [(None, 8), (2, 24)])
def test_results_are_dropped(workers, most):
    """Rows and models of a hundred candidates are there while something needs them."""
    ROWS.reset()
    MODELS.reset()
    estimator = Pipeline(
        [("first", Counted()), ("second", Counted()), ("last", CountedClassifier())]
    )
    grid = {"first__factor": np.arange(50.0), "last__share": [0.3, 0.5]}
    with ThreadPoolExecutor(2) as pool:
        search = GridSearchCV(
            estimator, grid, cv=2, scheduler=pool if workers else "synchronous"
        )
        search.fit(X, y)
    assert ROWS.all >= 2 * 2 * 2 * 50
    assert ROWS.most <= most
    assert ROWS.left() == 0
    assert MODELS.all == 2 * 2 * 50 + 1
    assert MODELS.most <= most
    assert MODELS.left() == 1  # the one that was fitted to all rows
    assert search.best_estimator_[-1].ballast_ is not None
