# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
Hyperband beside random search
==============================

How good is the best model so far, after so many calls of `partial_fit`? The dashed line
is what random search would have reached on the same models, if each were trained to the
end. It is computed from the scores of this search: see `BestScoreDisplay`.
"""

from scipy.stats import loguniform, uniform
from sklearn.datasets import make_classification

from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.neural_network import MLPClassifier
from gpu_hpo.plotting import BestScoreDisplay

X, y = make_classification(
    2000, 20, n_informative=8, n_classes=4, class_sep=0.8, random_state=0
)
search = HyperbandSearchCV(
    MLPClassifier(hidden_layer_sizes=(16,), random_state=0),
    {
        "alpha": loguniform(1e-6, 1e-1),
        "learning_rate_init": loguniform(1e-4, 1e-1),
        "momentum": uniform(0, 1),
    },
    max_iter=27,
    chunk_size=400,
    random_state=0,
)
search.fit(X, y)
BestScoreDisplay.from_search(search)
