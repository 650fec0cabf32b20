# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The data and the space of dask-ml's Hyperband experiment.

Imports nothing of gpu_hpo, since an interpreter that has only dask-ml runs it too.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.datasets import make_circles
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

N_PARAMS, AGGRESSIVENESS, PASSES, N_TRAIN = 299, 4, 50, 50_000
CHUNK = PASSES * N_TRAIN // N_PARAMS


def circles():
    """Four classes, two pairs of circles, with four features of noise."""
    X, y = make_circles(n_samples=30_000, random_state=0, noise=0.09)
    other, labels = make_circles(n_samples=30_000, random_state=1, noise=0.05)
    other[:, 0] += 0.6
    X, y = np.concatenate([X, other]), np.concatenate([y, labels + 2])
    noise = np.random.RandomState(0).uniform(-1, 1, size=(len(X), 4))
    X_train, X_test, y_train, y_test = train_test_split(
        np.c_[X, noise], y, test_size=10_000, random_state=0
    )
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test), y_train, y_test


def space():
    """24 neurons in five shapes, and six more parameters."""
    return {
        "hidden_layer_sizes": [(24,), (12, 12), (6,) * 4, (4,) * 6, (12, 6, 3, 3)],
        "alpha": loguniform(1e-6, 1e-3),
        "batch_size": [32, 64, 128, 256, 512],
        "learning_rate": ["constant", "invscaling"],
        "learning_rate_init": loguniform(1e-4, 1e-2),
        "power_t": uniform(0.1, 0.8),
        "momentum": uniform(0, 1),
    }
