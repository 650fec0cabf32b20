# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
End models on a plateau
=======================

`IncrementalSearchCV` drops no model for another's sake. With `patience` a model ends
once its score has not risen by more than `tol` in so many calls; the others go on.
"""

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import IncrementalSearchCV
from gpu_hpo.plotting import LearningCurvesDisplay

X, y = load_digits(return_X_y=True)
search = IncrementalSearchCV(
    SGDClassifier(),
    {"alpha": loguniform(1e-6, 1e0)},
    n_initial_parameters=8,
    max_iter=40,
    patience=6,
    tol=0.001,
    chunk_size=200,
    random_state=0,
)
search.fit(X / 16, y)
print(sorted(search.cv_results_["partial_fit_calls"].tolist()))
LearningCurvesDisplay.from_search(search)
