# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
A grid in two directions
========================

`GridSearchCV` is scikit-learn's, with each distinct fit done once. A heatmap shows
whether the best point is inside the grid, or at its edge, so that the grid should be
moved.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from gpu_hpo.model_selection import GridSearchCV
from gpu_hpo.plotting import HeatmapDisplay

X, y = load_digits(return_X_y=True)
search = GridSearchCV(
    make_pipeline(StandardScaler(), SVC()),
    {"svc__C": np.logspace(-1, 2, 4), "svc__gamma": np.logspace(-4, -1, 4)},
    cv=3,
)
search.fit(X[:600], y[:600])
HeatmapDisplay.from_search(search, ("svc__C", "svc__gamma"))
