# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
Steps that candidates share
===========================

A grid over a pipeline fits the same first step for many candidates. scikit-learn's
search fits it for each of them, this one once for each fold. The picture counts the
fits of the step.
"""

import matplotlib.pyplot as plt
from sklearn import model_selection as theirs
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from gpu_hpo import model_selection as ours

fits = []


class CountedPCA(PCA):
    """Notes each fit in a list of this process."""

    def _fit(self, X):
        fits.append(len(X))
        return super()._fit(X)


X, y = load_digits(return_X_y=True)
grid = {"countedpca__n_components": [8, 16], "ridgeclassifier__alpha": [0.1, 1, 10]}
counts = {}
for name, module in {"scikit-learn": theirs, "gpu_hpo": ours}.items():
    model = make_pipeline(CountedPCA(random_state=0), RidgeClassifier())
    options = {"scheduler": "synchronous"} if module is ours else {}
    fits.clear()
    module.GridSearchCV(model, grid, cv=3, refit=False, **options).fit(X, y)
    counts[name] = len(fits)

figure, axes = plt.subplots(layout="constrained", figsize=(5, 3))
bars = axes.barh(list(counts), list(counts.values()))
axes.bar_label(bars)
axes.set_xlabel("fits of the first step, for 6 candidates and 3 folds")
plt.show()
