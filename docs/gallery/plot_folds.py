# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
How sure is a score?
====================

With ``cv=5`` each parameter set has five models, and their mean score decides. The
spread of the five says how far two parameter sets must be apart to mean something. Dots
are the folds of those that were trained to the end, lines their means.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import HyperbandSearchCV

X, y = load_digits(return_X_y=True)
search = HyperbandSearchCV(
    SGDClassifier(),
    {"alpha": loguniform(1e-6, 1e-1)},
    max_iter=9,
    cv=5,
    random_state=0,
)
search.fit(X / 16, y)

results = search.cv_results_
finished = np.flatnonzero(results["status"] == "completed")
finished = finished[np.argsort(results["rank_test_score"][finished])]
figure, axes = plt.subplots(layout="constrained")
for place, model in enumerate(finished):
    scores = [results[f"split{fold}_test_score"][model] for fold in range(5)]
    axes.plot([place] * 5, scores, "o", color="tab:blue", alpha=0.6)
    axes.hlines(np.mean(scores), place - 0.3, place + 0.3, color="black")
axes.set(xlabel="parameter sets, best first", ylabel="accuracy of a fold")
axes.set_xticks(
    range(len(finished)),
    [f"{results['params'][model]['alpha']:.0e}" for model in finished],
)
plt.show()
