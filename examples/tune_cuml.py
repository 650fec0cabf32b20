# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tune three estimators: with cuML on GPUs, with scikit-learn where there are none.

The script is the same for both. Calls give each estimator more of what it can use: a
forest trees, logistic regression rows, naive Bayes chunks for `partial_fit`.

    python examples/tune_cuml.py
    GPU_HPO_DEVICE=cpu python examples/tune_cuml.py
"""

from time import perf_counter

import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from gpu_hpo.estimators import GaussianNB, LogisticRegression, RandomForestClassifier
from gpu_hpo.model_selection import HyperbandSearchCV, SuccessiveHalvingSearchCV


def searches():
    """Yield a search for each estimator, over parameters that both libraries have."""
    yield HyperbandSearchCV(
        RandomForestClassifier(),
        {
            "max_depth": [4, 6, 8, 10, 12, 14],
            "max_features": ["sqrt", 0.3, 0.6],
            "min_samples_leaf": [1, 2, 5, 10],
        },
        max_iter=27,  # trees
        resource="n_estimators",
        random_state=0,
    )
    yield HyperbandSearchCV(
        LogisticRegression(max_iter=300),
        {"C": loguniform(1e-4, 1e2), "fit_intercept": [True, False]},
        max_iter=9,  # chunks: nine are all rows
        resource="n_samples",
        random_state=0,
    )
    yield SuccessiveHalvingSearchCV(
        GaussianNB(),
        {"var_smoothing": loguniform(1e-9, 1e0)},
        n_initial_parameters=27,
        n_initial_iter=1,
        max_iter=9,  # calls of partial_fit, each on one chunk
        chunk_size=135,
        random_state=0,
    )


def main():
    """Search with each, and print the results."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        (X / 16).astype(np.float32), y, stratify=y, random_state=0
    )
    for search in searches():
        began = perf_counter()
        search.fit(X_train, y_train)
        wall = perf_counter() - began
        best = search.best_estimator_
        library = type(best).__module__.partition(".")[0]
        print(f"\n{type(best).__name__} of {library}, on {search.device_.name}")
        print(f"  because: {search.device_.reason}")
        for name, value in search.best_params_.items():
            shown = f"{value:.3g}" if isinstance(value, float) else value
            print(f"  {name:16} {shown}")
        print(f"  validation accuracy {search.best_score_:.4f}")
        print(f"  held-out accuracy   {search.score(X_test, y_test):.4f}")
        done = search.metadata_
        # A refit repeats the units of the one before; partial_fit repeats nothing.
        units = done.get("calls_fitted", done["partial_fit_calls"])
        print(
            f"  {done['n_models']} models, {units} units of {search.resource} "
            f"fitted, {wall:.1f} s"
        )


if __name__ == "__main__":
    main()
