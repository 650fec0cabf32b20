# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
Stop forests by their number of trees
=====================================

A random forest has no `partial_fit`. With ``resource="n_estimators"`` a call is one
more tree: each rung fits its models anew, with more trees. `metadata_` has how many
fits that were, and for how many calls.
"""

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from gpu_hpo.model_selection import SuccessiveHalvingSearchCV
from gpu_hpo.plotting import LearningCurvesDisplay

X, y = load_digits(return_X_y=True)
search = SuccessiveHalvingSearchCV(
    RandomForestClassifier(),
    {
        "max_depth": range(2, 16),
        "max_features": [0.05, 0.1, 0.2, 0.5],
        "min_samples_leaf": [1, 2, 4, 8],
    },
    n_initial_parameters=18,
    n_initial_iter=3,
    resource="n_estimators",
    random_state=0,
)
search.fit(X, y)
print(search.best_params_)
print({name: search.metadata_[name] for name in ("n_fits", "calls_fitted")})
LearningCurvesDisplay.from_search(search)
