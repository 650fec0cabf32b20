# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
Look at scores as they come
===========================

A callback is told of each score, and may end the search. This one keeps the best score
after each call, and ends the search if 40 scores in a row are no better.
"""

import matplotlib.pyplot as plt
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from gpu_hpo.callbacks import SearchCallback
from gpu_hpo.model_selection import HyperbandSearchCV


class Patience(SearchCallback):
    def __init__(self, n_scores):
        self.n_scores = n_scores

    def setup(self, estimator, context):
        self.best = []

    def on_score(self, search, context, *, metadata):
        self.best.append(metadata["best_score"])
        recent = self.best[-self.n_scores - 1 :]
        return len(recent) > self.n_scores and recent[0] == recent[-1]


X, y = load_digits(return_X_y=True)
callback = Patience(40)
search = HyperbandSearchCV(
    SGDClassifier(), {"alpha": loguniform(1e-7, 1e1)}, max_iter=81, random_state=0
)
search.set_callbacks(callback).fit(X / 16, y)
planned, done = search.metadata, search.metadata_
print(f"ended by a {search.stopped_} with {search.best_score_:.3f}")
print(f"calls: {done['partial_fit_calls']} of {planned['partial_fit_calls']}")
plt.step(range(1, len(callback.best) + 1), callback.best, where="post")
plt.xlabel("scores")
plt.ylabel("best score so far")
