# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
How many models are left after so many calls
============================================

The same parameters, searched in four ways, with up to 27 calls for each model. What
differs is how soon models are dropped, and so how many there can be. Inverse decay ends
when one model is left.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import (
    HyperbandSearchCV,
    IncrementalSearchCV,
    InverseDecaySearchCV,
    SuccessiveHalvingSearchCV,
)

X, y = load_digits(return_X_y=True)
model, space = SGDClassifier(), {"alpha": loguniform(1e-6, 1e0)}
options = {"max_iter": 27, "random_state": 0}
searches = [
    HyperbandSearchCV(model, space, **options),
    SuccessiveHalvingSearchCV(
        model, space, n_initial_parameters=27, n_initial_iter=1, **options
    ),
    InverseDecaySearchCV(model, space, n_initial_parameters=27, **options),
    IncrementalSearchCV(model, space, n_initial_parameters=10, **options),
]
figure, axes = plt.subplots(layout="constrained")
for search in searches:
    calls = search.fit(X / 16, y).cv_results_["partial_fit_calls"]
    steps = np.arange(1, 28)
    axes.step(
        steps,
        [(calls >= step).sum() for step in steps],
        where="post",
        label=f"{type(search).__name__}: {calls.sum()} calls",
    )
axes.set(xlabel="calls", ylabel="models that make so many")
axes.legend()
plt.show()
