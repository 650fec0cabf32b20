# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
Stop kernel machines by their number of rows
============================================

`SVC` has neither `partial_fit` nor a number of iterations that could grow sensibly.
With ``resource="n_samples"`` each rung fits its models anew, to more chunks of the
rows.
"""

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from gpu_hpo.model_selection import SuccessiveHalvingSearchCV
from gpu_hpo.plotting import LearningCurvesDisplay

X, y = load_digits(return_X_y=True)
search = SuccessiveHalvingSearchCV(
    SVC(),
    {"C": loguniform(1e-1, 1e3), "gamma": loguniform(1e-4, 1e0)},
    n_initial_parameters=18,
    n_initial_iter=1,
    max_iter=9,
    resource="n_samples",
    random_state=0,
)
search.fit(X / 16, y)
print(search.best_params_)
print({name: search.metadata_[name] for name in ("n_fits", "rows_fitted")})
LearningCurvesDisplay.from_search(search)
