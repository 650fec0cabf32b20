# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Data, pipelines and grids of `pipeline.py`.

Imports nothing of gpu_hpo, since an interpreter that has only dask-ml runs it too.
"""

from __future__ import annotations

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer

FOLDS, N_WORKERS = 5, 2
N_CLASSES, N_KNOWN = 4, 30_000  # words; of those of a class there are 500
N_NUMBERS, N_CATEGORIES = 60, 6


def documents(n):
    """Words by Zipf's law, some 120 to a document, and one in thirty says its class."""
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, N_KNOWN + 1)
    words = np.array([f"word{i}" for i in range(N_KNOWN)])
    y = rng.integers(0, N_CLASSES, n)
    X = []
    for label in y:
        length = max(5, int(rng.lognormal(np.log(120), 0.5)))
        found = rng.choice(N_KNOWN, length, p=share / share.sum())
        tells = rng.random(length) < 1 / 30
        found[tells] = 1000 + 500 * label + rng.integers(0, 500, tells.sum())
        X.append(" ".join(words[found]))
    return X, y


def text():
    """The pipeline of dask-ml's guide, and its grid with pairs of words as well."""
    pipeline = Pipeline(
        [
            ("vect", CountVectorizer()),
            ("tfidf", TfidfTransformer()),
            ("clf", SGDClassifier(random_state=0)),
        ]
    )
    grid = {
        "vect__ngram_range": [(1, 1), (1, 2)],
        "tfidf__norm": ["l1", "l2"],
        "clf__alpha": [1e-3, 1e-4, 1e-5],
    }
    return pipeline, grid


def table(n):
    """Numbers that depend on ten factors, with gaps, and strings; two classes."""
    import pandas as pd

    rng = np.random.default_rng(0)
    factors = rng.standard_normal((n, 10))
    numbers = factors @ rng.standard_normal((10, N_NUMBERS))
    numbers += 0.5 * rng.standard_normal(numbers.shape)
    numbers[rng.random(numbers.shape) < 0.05] = np.nan
    columns = {f"number{i}": numbers[:, i] for i in range(N_NUMBERS)}
    signal = np.tanh(factors[:, 0]) + factors[:, 1] / 2
    for i in range(N_CATEGORIES):
        n_values = 20 * (i + 1)
        found = rng.integers(0, n_values, n)
        signal += 0.5 * rng.standard_normal(n_values)[found]
        values = np.array([f"value{k}" for k in range(n_values)], dtype=object)
        columns[f"category{i}"] = values[found]
    y = (signal + rng.standard_normal(n) > 0).astype(np.int64)
    return pd.DataFrame(columns), y


def mixed():
    """A pipeline for numbers within columns within a pipeline."""
    numbers = Pipeline(
        [
            ("impute", SimpleImputer()),
            ("scale", QuantileTransformer(random_state=0)),
            ("reduce", PCA(random_state=0)),
        ]
    )
    columns = ColumnTransformer(
        [
            ("numbers", numbers, [f"number{i}" for i in range(N_NUMBERS)]),
            (
                "categories",
                OneHotEncoder(handle_unknown="ignore"),
                [f"category{i}" for i in range(N_CATEGORIES)],
            ),
        ]
    )
    pipeline = Pipeline(
        [("columns", columns), ("classify", LogisticRegression(max_iter=1000))]
    )
    grid = {
        "columns__numbers__impute__strategy": ["mean", "median"],
        "columns__numbers__reduce__n_components": [10, 30],
        "classify__C": [0.1, 1.0, 10.0],
    }
    return pipeline, grid
