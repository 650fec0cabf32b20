# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
Does more data help?
====================

The score of each model that was trained to the end, after each of its calls, on a Dask
array. A call is one chunk, so the axis is also the number of rows that a model has
seen.
"""

import matplotlib.pyplot as plt
from scipy.stats import loguniform
from sklearn.linear_model import SGDClassifier

from gpu_hpo.datasets import make_classification
from gpu_hpo.model_selection import IncrementalSearchCV

rows = 1000
X, y = make_classification(
    n_samples=20 * rows,
    n_features=40,
    n_informative=10,
    flip_y=0.05,
    chunks=rows,
    random_state=0,
)
search = IncrementalSearchCV(
    SGDClassifier(average=True),
    {"alpha": loguniform(1e-6, 1e-1)},
    n_initial_parameters=5,
    max_iter=20,
    random_state=0,
)
search.fit(X, y)

figure, axes = plt.subplots(layout="constrained")
for model, history in search.model_history_.items():
    params = search.cv_results_["params"][model]
    axes.plot(
        [rows * entry["partial_fit_calls"] for entry in history],
        [entry["score"] for entry in history],
        label=f"alpha={params['alpha']:.1e}",
    )
axes.set(xlabel="rows seen, those that validate included", ylabel="score")
axes.legend()
plt.show()
