# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
Stop boosting by its number of trees
====================================

With ``resource="warm_start"`` a call grows one more tree, where the last fit ended: no
tree is grown twice.
"""

from scipy.stats import loguniform
from sklearn.datasets import make_regression
from sklearn.ensemble import GradientBoostingRegressor

from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.plotting import LearningCurvesDisplay

X, y = make_regression(600, 10, n_informative=5, noise=20, random_state=0)
search = HyperbandSearchCV(
    GradientBoostingRegressor(),
    {"learning_rate": loguniform(1e-2, 1e0), "max_depth": [2, 3, 4]},
    max_iter=27,
    resource="warm_start",
    random_state=0,
)
search.fit(X, y)
print(search.best_params_)
LearningCurvesDisplay.from_search(search)
