# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A small search of every class, and what two of one class must agree on."""

import numpy as np
from scipy.stats import loguniform
from sklearn.linear_model import SGDClassifier

from gpu_hpo import model_selection
from gpu_hpo.schedules import SuccessiveHalving

SPACE = {"alpha": loguniform(1e-5, 1e1)}
# Early stopping, and its arguments.
ADAPTIVE = {
    "HyperbandSearchCV": {"max_iter": 4},
    "SuccessiveHalvingSearchCV": {"n_initial_iter": 2, "n_initial_parameters": 4},
    "IncrementalSearchCV": {"max_iter": 3, "n_initial_parameters": 4},
    "InverseDecaySearchCV": {"max_iter": 3, "n_initial_parameters": 4},
    "ScheduledSearchCV": {
        "schedule": lambda n: SuccessiveHalving(n, 2),
        "n_initial_parameters": 4,
    },
}
EVERY = [*ADAPTIVE, "GridSearchCV", "RandomizedSearchCV"]


def make_search(name, estimator=None, space=None, **options):
    """A search of a few models; of a grid, `space` has lists."""
    cls = getattr(model_selection, name)
    if estimator is None:
        estimator = SGDClassifier(random_state=0)
    if name in ADAPTIVE:
        options = {"random_state": 0, "chunk_size": 200, **ADAPTIVE[name], **options}
    elif name == "RandomizedSearchCV":
        options = {"random_state": 0, "n_iter": 4, "cv": 3, **options}
    else:
        options = {"cv": 3, **options}
        space = {"alpha": [1e-4, 1e-2, 1.0]} if space is None else space
    return cls(estimator, SPACE if space is None else space, **options)


def answer(search):
    """All that a search has found that is no time."""
    return {
        "best": (search.best_params_, search.best_score_, search.best_index_),
        "scores": {
            name: np.asarray(column).tolist()
            for name, column in search.cv_results_.items()
            if "score" in name and "time" not in name
        },
        "params": list(search.cv_results_["params"]),
        "weights": search.best_estimator_.coef_.tolist(),
        "device": search.device_,
    }
