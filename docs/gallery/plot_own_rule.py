# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
A rule of your own
==================

`Rounds` makes a schedule of a function. It is given the scores of a round and says how
many more calls each model makes; a model that it leaves out is dropped. This one drops
the worst.
"""

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import ScheduledSearchCV
from gpu_hpo.plotting import LearningCurvesDisplay
from gpu_hpo.schedules import Rounds


def drop_worst(records):
    """Train all but the worst by one more call, until one is left."""
    last = {model: scores[-1][1] for model, scores in records.items()}
    worst = min(last, key=last.get)
    left = [model for model in last if model != worst] or [worst]
    return dict.fromkeys(left, 1 if len(left) > 1 else 0)


X, y = load_digits(return_X_y=True)
search = ScheduledSearchCV(
    SGDClassifier(),
    {"alpha": loguniform(1e-6, 1e0), "penalty": ["l2", "l1", "elasticnet"]},
    lambda n_trials: Rounds(n_trials, drop_worst),
    n_initial_parameters=12,
    chunk_size=200,
    random_state=0,
)
search.fit(X / 16, y)
LearningCurvesDisplay.from_search(search)
