# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What `candidates.py` fits, in a module that workers can import."""

from __future__ import annotations

from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin


class NoOp(ClassifierMixin, TransformerMixin, BaseEstimator):
    """Learns nothing, and scores what that is worth."""

    def __init__(self, first=0, second=0):
        self.first = first
        self.second = second

    def fit(self, X, y=None):
        self.fitted_ = True  # which pipelines ask before they score
        return self

    def transform(self, X):
        return X

    def score(self, X, y=None):
        return 0.0
