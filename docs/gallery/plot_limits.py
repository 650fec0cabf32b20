# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
Stop when a model is good enough
================================

With `stop_score` a search ends as soon as a model has that score, and with
`max_seconds` after some time. What was found by then is kept, and `stopped_` says what
ended the search.
"""

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.plotting import BestScoreDisplay

X, y = load_digits(return_X_y=True)
search = HyperbandSearchCV(
    SGDClassifier(),
    {"alpha": loguniform(1e-7, 1e-1), "penalty": ["l2", "l1", "elasticnet"]},
    max_iter=27,
    stop_score=0.92,
    max_seconds=30,
    random_state=0,
)
search.fit(X / 16, y)
planned, done = search.metadata, search.metadata_
print(f"ended by {search.stopped_!r}")
print(f"calls: {done['partial_fit_calls']} of {planned['partial_fit_calls']}")
print(f"best score {search.best_score_:.3f}")
BestScoreDisplay.from_search(search)
