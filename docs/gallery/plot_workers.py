# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
What the workers did
====================

Each line is a worker. A bar is a task, which trains some models by some calls; between
bars a worker waits. The picture says whether more workers would help: if one chain of
calls is as long as the whole search, they would not.
"""

from scipy.stats import loguniform
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.plotting import TimelineDisplay

X, y = make_classification(20_000, 40, n_informative=10, random_state=0)
search = HyperbandSearchCV(
    SGDClassifier(),
    {"alpha": loguniform(1e-7, 1e-1)},
    max_iter=27,
    random_state=0,
)
search.fit(X, y)
TimelineDisplay.from_search(search)
