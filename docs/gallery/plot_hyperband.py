# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
Watch Hyperband drop models
===========================

Hyperband trains many models a little and few to the end. Each panel is a bracket: the
first begins with many models and drops most of them after one call, the last trains a
few models without dropping any.
"""

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.plotting import LearningCurvesDisplay

X, y = load_digits(return_X_y=True)
search = HyperbandSearchCV(
    SGDClassifier(),
    {"alpha": loguniform(1e-7, 1e-1), "penalty": ["l2", "l1", "elasticnet"]},
    max_iter=27,
    random_state=0,
)
search.fit(X / 16, y)
LearningCurvesDisplay.from_search(search)

# %%
# What it found, and what it cost:

print(search.report())
