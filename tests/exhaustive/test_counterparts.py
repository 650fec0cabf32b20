# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Where there is no CUDA, scikit-learn trains what cuML would."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.datasets import make_classification
from sklearn.pipeline import Pipeline

from gpu_hpo.devices import convert
from gpu_hpo.exceptions import NoCounterpartError
from gpu_hpo.exhaustive._counterparts import _changes
from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV

cuml = pytest.importorskip("cuml", reason="cuML is not installed")

from cuml.ensemble import RandomForestClassifier  # noqa: E402
from cuml.linear_model import LogisticRegression, Ridge  # noqa: E402
from cuml.naive_bayes import GaussianNB  # noqa: E402
from cuml.neighbors import KNeighborsClassifier  # noqa: E402
from cuml.preprocessing import StandardScaler  # noqa: E402
from cuml.svm import SVC  # noqa: E402

X, y = make_classification(200, 6, random_state=0)
X = X.astype(np.float32)

pytestmark = pytest.mark.usefixtures("on_cpu")


def pipeline(last):
    return Pipeline([("scale", StandardScaler()), ("model", last)])


CASES = {
    "one": (LogisticRegression(), {"C": [0.01, 1.0], "fit_intercept": [True, False]}),
    "another name": (
        RandomForestClassifier(n_estimators=5, random_state=0),
        {"split_criterion": ["gini", "entropy"], "max_depth": [2, 4]},
    ),
    "bayes": (GaussianNB(), {"var_smoothing": [1e-9, 1e-2]}),
    "neighbours": (KNeighborsClassifier(), {"n_neighbors": [1, 5]}),
    "ridge": (Ridge(), {"alpha": [0.1, 10.0]}),
    "pipeline": (pipeline(SVC()), {"model__C": [0.1, 1.0], "model__gamma": [0.1]}),
    "searched steps": (
        pipeline(SVC()),
        {
            "model": [LogisticRegression(C=0.1), SVC(C=2.0)],
            "scale": ["passthrough", StandardScaler()],
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_grid(name):
    """Each candidate scores what its counterpart does, under the names of the user."""
    estimator, grid = CASES[name]
    search = GridSearchCV(estimator, grid, cv=3).fit(X, y)
    assert set(search.best_params_) == set(grid)
    results = search.cv_results_
    for i, params in enumerate(results["params"]):
        made = estimator.__class__(**estimator.get_params(deep=False))
        alone = GridSearchCV(convert(made.set_params(**params), "cpu"), {}, cv=3)
        alone.fit(X, y)
        # Candidates of ridge regression share one decomposition.
        np.testing.assert_allclose(
            results["mean_test_score"][i], alone.best_score_, rtol=1e-6
        )
    library = type(search.best_estimator_).__module__.partition(".")[0]
    assert library == "sklearn"
    best = convert(estimator.set_params(**search.best_params_), "cpu").fit(X, y)
    np.testing.assert_array_equal(search.predict(X), best.predict(X))


@pytest.mark.parametrize("client", ["processes_client", None])
def test_randomized(client, request):
    """What is drawn is drawn as ever, here and on a cluster."""
    if client:
        request.getfixturevalue(client)
    search = RandomizedSearchCV(
        LogisticRegression(), {"C": loguniform(1e-3, 1e1)}, n_iter=3, random_state=0
    ).fit(X, y)
    of_sklearn = RandomizedSearchCV(
        convert(LogisticRegression(), "cpu"),
        {"C": loguniform(1e-3, 1e1)},
        n_iter=3,
        random_state=0,
    ).fit(X, y)
    assert search.best_params_ == of_sklearn.best_params_
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"],
        of_sklearn.cv_results_["mean_test_score"],
    )


def test_shared_steps():
    """Candidates that differ in their last step share the steps before it."""
    base = convert(pipeline(SVC()), "cpu")
    assert _changes(base, convert(pipeline(SVC(C=2.0)), "cpu")) == {"model__C": 2.0}
    assert _changes(base, base) == {}


def test_no_counterpart():
    """What scikit-learn cannot do is an error that says so, not a failed fit."""
    grid = {"C": [0.01], "penalty": [None]}
    with pytest.raises(NoCounterpartError, match=r"cuML's LogisticRegression with C="):
        GridSearchCV(LogisticRegression(), grid).fit(X, y)
