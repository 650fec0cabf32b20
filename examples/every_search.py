# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run every search over cuML's estimators: on GPUs, or on the CPU without them.

The script is the same for both. Where there is no CUDA, scikit-learn's counterparts of
cuML's estimators train, under the names of cuML's parameters. It needs cuML, which can
be installed without a GPU.

    python examples/every_search.py
    GPU_HPO_DEVICE=cpu python examples/every_search.py
"""

import warnings
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from cuml.ensemble import RandomForestClassifier, RandomForestRegressor
from cuml.linear_model import (
    ElasticNet,
    Lasso,
    LogisticRegression,
    MBSGDClassifier,
    Ridge,
)
from cuml.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from cuml.neighbors import KNeighborsClassifier, KNeighborsRegressor
from cuml.preprocessing import StandardScaler
from cuml.svm import SVC, SVR, LinearSVC
from dask.distributed import Client
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
    InverseDecaySearchCV,
    RandomizedSearchCV,
    ScheduledSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.schedules import SuccessiveHalving

N_ROWS, N_FEATURES = 240, 6


class Case(NamedTuple):
    """An estimator of cuML's, what to search for, and what more calls give it."""

    estimator: Any
    space: dict[str, list[Any]]
    resource: str = "n_samples"
    regression: bool = False


STRENGTHS = [1e-4, 1e-2, 0.1, 1.0]
STEPS = Pipeline([("scale", StandardScaler()), ("classify", LogisticRegression())])
CASES = {
    "BernoulliNB": Case(BernoulliNB(), {"alpha": STRENGTHS}, "partial_fit"),
    "ElasticNet": Case(ElasticNet(), {"alpha": STRENGTHS}, regression=True),
    "GaussianNB": Case(
        GaussianNB(), {"var_smoothing": [1e-9, 1e-6, 1e-3, 0.1]}, "partial_fit"
    ),
    "KNeighborsClassifier": Case(KNeighborsClassifier(), {"n_neighbors": [1, 3, 5, 9]}),
    "KNeighborsRegressor": Case(
        KNeighborsRegressor(), {"n_neighbors": [1, 3, 5, 9]}, regression=True
    ),
    "Lasso": Case(Lasso(), {"alpha": STRENGTHS}, regression=True),
    "LinearSVC": Case(LinearSVC(), {"C": STRENGTHS}),
    "LogisticRegression": Case(LogisticRegression(), {"C": STRENGTHS}),
    "MBSGDClassifier": Case(MBSGDClassifier(), {"alpha": STRENGTHS}, "epochs"),
    "MultinomialNB": Case(MultinomialNB(), {"alpha": STRENGTHS}, "partial_fit"),
    "RandomForestClassifier": Case(
        RandomForestClassifier(n_estimators=4, random_state=0),
        {"max_depth": [2, 3, 4, 6], "split_criterion": ["gini", "entropy"]},
        "n_estimators",
    ),
    "RandomForestRegressor": Case(
        RandomForestRegressor(n_estimators=4, random_state=0),
        {"max_depth": [2, 3, 4, 6]},
        "n_estimators",
        regression=True,
    ),
    "Ridge": Case(Ridge(), {"alpha": STRENGTHS}, regression=True),
    "SVC": Case(SVC(), {"C": STRENGTHS}),
    "SVR": Case(SVR(), {"C": STRENGTHS}, regression=True),
    "StandardScaler and LogisticRegression": Case(STEPS, {"classify__C": STRENGTHS}),
}


def make_searches(case):
    """Give every search for a case, by name."""
    model, space = case.estimator, case.space
    early = {"resource": case.resource, "random_state": 0}
    few = {"n_initial_parameters": 4, **early}
    return {
        "GridSearchCV": GridSearchCV(model, space, cv=3),
        "RandomizedSearchCV": RandomizedSearchCV(
            model, space, n_iter=3, cv=3, random_state=0
        ),
        "HyperbandSearchCV": HyperbandSearchCV(model, space, max_iter=3, **early),
        "SuccessiveHalvingSearchCV": SuccessiveHalvingSearchCV(
            model, space, n_initial_iter=1, max_iter=3, **few
        ),
        "IncrementalSearchCV": IncrementalSearchCV(model, space, max_iter=3, **few),
        "InverseDecaySearchCV": InverseDecaySearchCV(model, space, max_iter=3, **few),
        "ScheduledSearchCV": ScheduledSearchCV(
            model, space, lambda n: SuccessiveHalving(n, 1), **few
        ),
    }


def make_data():
    """Give rows without negative values, labels of two classes, and numbers."""
    rng = np.random.default_rng(0)
    X = rng.random((N_ROWS, N_FEATURES), dtype=np.float32)
    numbers = X @ np.linspace(-3, 3, N_FEATURES, dtype=np.float32)
    return X, (numbers > np.median(numbers)).astype(np.int32), numbers


def trained_by(search):
    """Give the libraries of what has been fitted, steps included."""
    best = search.best_estimator_
    parts = [step for _, step in getattr(best, "steps", [("", best)])]
    return {type(part).__module__.partition(".")[0] for part in parts}


def main():
    """Search, and print what was found where."""
    X, labels, numbers = make_data()
    # Four iterations, or a share of few rows, are not meant to suffice.
    warnings.simplefilter("ignore", ConvergenceWarning)
    with local_cluster() as cluster, Client(cluster):
        for name, case in CASES.items():
            print(f"\n{name}")
            for kind, search in make_searches(case).items():
                began = perf_counter()
                search.fit(X, numbers if case.regression else labels)
                print(
                    f"  {kind:26} {search.device_.name:5} "
                    f"{' and '.join(sorted(trained_by(search))):8} "
                    f"{search.best_score_:7.3f} {perf_counter() - began:6.2f} s"
                )
    print(f"\nthe last of them there because: {search.device_.reason}")


if __name__ == "__main__":
    main()
