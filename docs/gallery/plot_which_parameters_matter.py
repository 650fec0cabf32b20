# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
Which parameters matter
=======================

A search of four parameters. The first picture has the score of each model beside the
value of each parameter; the second says how much of the differences between scores a
parameter explains.
"""

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.plotting import ImportanceDisplay, ParametersDisplay

X, y = load_digits(return_X_y=True)
search = HyperbandSearchCV(
    SGDClassifier(),
    {
        "alpha": loguniform(1e-7, 1e0),
        "penalty": ["l2", "l1", "elasticnet"],
        "average": [True, False],
        "loss": ["hinge", "log_loss", "modified_huber"],
    },
    max_iter=27,
    random_state=0,
)
search.fit(X / 16, y)
ParametersDisplay.from_search(search, ["alpha", "penalty", "average", "loss"])

# %%
# A parameter that seems to matter may do so only together with others, and scores of
# models that were dropped early say less than those of models that were trained to the
# end.

ImportanceDisplay.from_search(search)
