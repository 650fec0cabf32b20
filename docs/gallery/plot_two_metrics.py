# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
Two metrics, of which one decides
=================================

With several metrics, `refit` names the one by which models are dropped. All of them are
in `cv_results_`.
"""

import matplotlib.pyplot as plt
from scipy.stats import loguniform
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import HyperbandSearchCV

X, y = make_classification(
    3000, 20, n_informative=6, weights=[0.9], flip_y=0.05, random_state=0
)
search = HyperbandSearchCV(
    SGDClassifier(),
    {
        "alpha": loguniform(1e-6, 1e0),
        "class_weight": [None, {0: 1, 1: 3}, {0: 1, 1: 9}],
    },
    max_iter=9,
    chunk_size=600,
    scoring=["recall", "precision", "f1"],
    refit="f1",
    random_state=0,
)
search.fit(X, y)

results = search.cv_results_
figure, axes = plt.subplots(layout="constrained")
points = axes.scatter(
    results["test_recall"], results["test_precision"], c=results["test_f1"]
)
best = search.best_index_
axes.scatter(
    results["test_recall"][best],
    results["test_precision"][best],
    s=160,
    facecolors="none",
    edgecolors="black",
    label="best by F1",
)
axes.set(xlabel="recall", ylabel="precision")
axes.legend()
figure.colorbar(points, label="F1")
plt.show()
