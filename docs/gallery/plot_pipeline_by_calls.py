# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
A pipeline that trains by calls
===============================

A pipeline trains chunk by chunk if each of its steps has `partial_fit`: a chunk updates
the scaler, which then transforms it for the classifier. Here one column is a thousand
times as wide as the others, and the search is run with and without a scaler.
"""

from matplotlib import pyplot as plt
from scipy.stats import loguniform
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.plotting import BestScoreDisplay

X, y = make_classification(3000, 20, n_informative=10, random_state=0)
X[:, 0] *= 1000
figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for scaled, axes in zip([False, True], panels, strict=True):
    model, name = SGDClassifier(), "alpha"
    if scaled:
        model, name = make_pipeline(StandardScaler(), model), "sgdclassifier__alpha"
    search = HyperbandSearchCV(
        model,
        {name: loguniform(1e-6, 1e-1)},
        max_iter=9,
        chunk_size=300,
        random_state=0,
    )
    search.fit(X, y)
    BestScoreDisplay.from_search(search, ax=axes)
    axes.set_title(f"{'with' if scaled else 'without'} a scaler")
plt.show()
