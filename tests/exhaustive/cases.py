# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Data of all kinds, and an estimator with a grid for each way to put steps together.

A module beside the tests, since worker processes import what is pickled from it.
"""

import numpy as np
import pandas as pd
import scipy.sparse
import sklearn.model_selection
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.compose import make_column_selector as selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KernelCenterer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tests.exhaustive.helpers import BareTransformer, EveryOtherRow, OtherTwice

# ---- data ----


def make_numbers(n=90, n_features=5):
    """Numbers with two classes, three classes, a target, two targets, and groups."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, n_features))
    noise = rng.standard_normal((n, 2))
    signal = X[:, :2] + X[:, 2:4] + noise
    return {
        "two": (X, (signal[:, 0] > 0).astype(int)),
        "three": (X, np.digitize(signal[:, 0], [-1, 1])),
        "names": (X.tolist(), np.where(signal[:, 0] > 0, "yes", "no").tolist()),
        "target": (X, signal[:, 0]),
        "targets": (X, signal),
        "labels": (X, (signal > 0).astype(int)),
        "no y": (X,),
        "sparse": (scipy.sparse.csr_array(X), (signal[:, 0] > 0).astype(int)),
        "kernel": (X @ X.T, (signal[:, 0] > 0).astype(int)),
        "positive": (np.abs(X), (signal[:, 0] > 0).astype(int)),
    }


def make_texts(n=60):
    """Sentences of a few words, some of which tell their class."""
    rng = np.random.default_rng(1)
    words = ["the", "a", "cat", "dog", "sat", "ran", "on", "bone", "purrs", "barks"]
    y = rng.integers(0, 2, n)
    texts = []
    for label in y:
        chosen = rng.choice(words[:8], 6).tolist()
        if rng.random() < 0.8:
            chosen.append(words[8 + label])
        texts.append(" ".join(chosen))
    return texts, y


def make_frame(n=90):
    """Columns of numbers, one with gaps, of categories and of text."""
    rng = np.random.default_rng(2)
    age, fare = rng.normal(40, 12, n), rng.exponential(20, n)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.1, np.nan, age),
            "fare": fare,
            "size": rng.integers(0, 4, n),
            "port": rng.choice(["C", "Q", "S"], n),
            "deck": rng.choice(["upper", "lower"], n),
            "name": make_texts(n)[0],
        }
    )
    y = (age + fare + 20 * (frame["deck"] == "upper") > 70).astype(int)
    return frame, y.rename("survived")


DATA = make_numbers() | {"texts": make_texts(), "frame": make_frame()}
X, y = DATA["two"]
GROUPS = np.arange(len(X)) // 7 % 8

# ---- estimators ----

TEXT = Pipeline(
    [
        ("count", CountVectorizer()),
        ("weigh", TfidfTransformer()),
        ("classify", SGDClassifier(max_iter=20, tol=None, random_state=0)),
    ]
)
STEPS = Pipeline(
    [
        ("scale", StandardScaler()),
        ("reduce", PCA(random_state=0)),
        ("classify", LogisticRegression()),
    ]
)
UNION = Pipeline(
    [
        (
            "join",
            FeatureUnion(
                [
                    ("reduce", make_pipeline(StandardScaler(), PCA())),
                    ("best", SelectKBest(k=2)),
                ]
            ),
        ),
        ("classify", LogisticRegression()),
    ]
)
NUMBERS = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
COLUMNS = ColumnTransformer(
    [
        ("numbers", NUMBERS, ["age", "fare"]),
        ("names", OneHotEncoder(handle_unknown="ignore"), ["port", "deck"]),
        ("words", CountVectorizer(), "name"),
    ]
)
FRAME = Pipeline([("columns", COLUMNS), ("classify", LogisticRegression(C=0.1))])
C = {"classify__C": [0.1, 1.0]}


def spread(estimator, X, y=None):
    """A score for what has none, and does not predict."""
    return float(np.std(estimator.transform(X)))


# Name: estimator, grid, data, and options.
ESTIMATORS = {
    "logistic": (LogisticRegression(), {"C": [0.01, 1, 10]}, "three"),
    "names": (LogisticRegression(), {"C": [0.01, 1, 10]}, "names"),
    "empty grid": (LogisticRegression(), {}, "two"),
    "tree": (
        DecisionTreeClassifier(random_state=0),
        [{"max_depth": [1, 3, None]}, {"max_depth": [2], "max_features": ["sqrt"]}],
        "three",
    ),
    "random state": (
        DecisionTreeClassifier(max_features=1, random_state=np.random.RandomState(0)),
        {"max_depth": [1, 2, 2]},
        "two",
    ),
    "ridge": (Ridge(), {"alpha": [0.1, 1.0, 10.0]}, "target", {"tol": 1e-8}),
    "kmeans": (
        KMeans(n_init=1, random_state=0),
        {"n_clusters": [2, 3], "init": ["random", "k-means++"]},
        "no y",
    ),
    "pca": (PCA(), {"n_components": [1, 2]}, "no y"),
    "kernel": (SVC(kernel="precomputed"), {"C": [0.1, 1.0]}, "kernel"),
    "kernel or not": (SVC(), {"kernel": ["precomputed", "linear"]}, "kernel"),
    "kernel in steps": (
        Pipeline([("centre", KernelCenterer()), ("svc", SVC(kernel="precomputed"))]),
        {"svc__C": [0.1, 1.0], "centre": [KernelCenterer(), "passthrough"]},
        "kernel",
    ),
    "voting": (
        VotingClassifier([("a", LogisticRegression()), ("b", TEXT[-1])]),
        {"a__C": [0.1, 1.0], "b": ["drop", DecisionTreeClassifier(max_depth=1)]},
        "two",
    ),
    "search in a search": (
        sklearn.model_selection.GridSearchCV(STEPS, C, cv=2),
        {"estimator__reduce__n_components": [1, 2]},
        "two",
    ),
    "outputs": (
        MultiOutputRegressor(Ridge()),
        {"estimator__alpha": [0.1, 1.0]},
        "targets",
        {"tol": 1e-8},
    ),
    "outputs of a tree": (
        make_pipeline(StandardScaler(), DecisionTreeRegressor(random_state=0)),
        {"decisiontreeregressor__max_depth": [1, 3]},
        "targets",
    ),
    "labels": (
        make_pipeline(PCA(), MultiOutputClassifier(LogisticRegression())),
        {"pca__n_components": [2, 3]},
        "labels",
    ),
    "changed target": (
        TransformedTargetRegressor(Ridge(), transformer=MinMaxScaler()),
        {"regressor__alpha": [0.1, 1.0], "transformer": [None, StandardScaler()]},
        "target",
        {"tol": 1e-8},
    ),
    "steps": (STEPS, {"reduce__n_components": [1, 2, 3], **C}, "three"),
    "steps left out": (
        STEPS,
        {"scale": ["passthrough", None, MinMaxScaler()], "reduce": [PCA(2), None], **C},
        "two",
    ),
    "steps exchanged": (
        STEPS,
        [
            {"classify": [SVC(), DecisionTreeClassifier(max_depth=2)]},
            {"classify": [SVC(), LogisticRegression()], "classify__C": [0.1, 1.0]},
            {"reduce": [SelectKBest()], "reduce__k": [1, 2], **C},
        ],
        "two",
    ),
    "all steps exchanged": (
        STEPS,
        {"steps": [STEPS.steps[:1] + STEPS.steps[2:], TEXT.steps[2:]]},
        "two",
    ),
    "equal candidates": (
        STEPS,
        {"reduce": [PCA(2), PCA(2)], "classify__C": [1, 1.0, True]},
        "two",
    ),
    "steps in steps": (
        make_pipeline(STEPS[:2], make_pipeline(Normalizer(), LogisticRegression())),
        {"pipeline-1__reduce__n_components": [1, 2], "pipeline-2": [SVC(), STEPS]},
        "two",
    ),
    "steps that end in none": (
        Pipeline([("scale", StandardScaler()), ("reduce", PCA()), ("end", None)][:2]),
        {"reduce__n_components": [1, 2], "scale": ["passthrough", StandardScaler()]},
        "no y",
    ),
    "clusters": (
        make_pipeline(PCA(), KMeans(n_init=1, random_state=0)),
        {"pca__n_components": [1, 2], "kmeans__n_clusters": [2, 3]},
        "no y",
    ),
    "sparse": (
        make_pipeline(
            StandardScaler(with_mean=False),
            TruncatedSVD(random_state=0),
            LogisticRegression(),
        ),
        {"truncatedsvd__n_components": [1, 2], "logisticregression__C": [0.1, 1]},
        "sparse",
    ),
    "text": (
        TEXT,
        {
            "count__ngram_range": [(1, 1), (1, 2)],
            "count__lowercase": [True, False],
            "weigh__norm": ["l1", "l2", None],
            "classify__alpha": [1e-4, 1e-2],
        },
        "texts",
    ),
    "union": (
        UNION,
        {
            "join__reduce__pca__n_components": [1, 2],
            "join__best__k": [1, 2],
            "join__transformer_weights": [None, {"best": 0.5}],
        },
        "two",
    ),
    "union with gaps": (
        UNION,
        {
            "join__reduce": ["drop", "passthrough", MinMaxScaler()],
            "join__best": ["drop", "passthrough", SelectKBest(k=1)],
        },
        "two",
    ),
    "union exchanged": (
        UNION,
        {
            "join__transformer_list": [[("a", PCA(1)), ("b", PCA(2))], [("a", PCA(1))]],
            "classify": [LogisticRegression(), SVC()],
        },
        "two",
    ),
    "union of texts": (
        make_pipeline(
            make_union(CountVectorizer(), CountVectorizer(analyzer="char")), TEXT[1:]
        ),
        {
            "featureunion__countvectorizer-1__binary": [True, False],
            "featureunion__countvectorizer-2__ngram_range": [(1, 1), (2, 2)],
        },
        "texts",
    ),
    "union alone": (
        make_union(PCA(), StandardScaler()),
        {"pca__n_components": [1, 2]},
        "no y",
        {"scoring": spread},
    ),
    "frame": (
        FRAME,
        {
            "columns__numbers__fill__strategy": ["mean", "median"],
            "columns__names__drop": [None, "first"],
            "columns__words__binary": [True, False],
        },
        "frame",
    ),
    "frame with gaps": (
        FRAME,
        [
            {"columns__numbers": ["drop", NUMBERS], "columns__words": ["drop"]},
            {"columns__words": ["drop", CountVectorizer(max_features=3)]},
            {"columns__sparse_threshold": [0, 1], **C},
        ],
        "frame",
    ),
    "columns by their kind": (
        make_pipeline(
            ColumnTransformer(
                [
                    ("numbers", NUMBERS, selector(dtype_include="number")),
                    ("first", OneHotEncoder(), [3]),
                    ("mask", OneHotEncoder(), [False] * 4 + [True, False]),
                    ("none", StandardScaler(), []),
                ]
            ),
            LogisticRegression(C=0.1),
        ),
        {"columntransformer__numbers__scale": [MinMaxScaler(), "passthrough"]},
        "frame",
    ),
    "columns exchanged": (
        FRAME,
        {
            "columns__transformers": [
                [("a", NUMBERS, ["age"]), ("b", OneHotEncoder(), ["port"])],
                [("a", NUMBERS, ["age", "size"])],
            ],
            "columns__transformer_weights": [None, {"a": 2.0}],
        },
        "frame",
    ),
    "columns of an array": (
        make_pipeline(
            ColumnTransformer(
                [("a", PCA(), slice(0, 3)), ("b", StandardScaler(), [-1])],
                remainder=StandardScaler(),
            ),
            LogisticRegression(),
        ),
        [
            {
                "columntransformer__remainder": [
                    "drop",
                    "passthrough",
                    make_pipeline(MinMaxScaler(), PCA(1)),
                ],
                "columntransformer__a": ["passthrough", PCA(1)],
            },
            {"columntransformer__remainder__with_mean": [True, False]},
        ],
        "two",
    ),
    "frames between steps": (
        clone(FRAME)
        .set_params(columns__words="drop", columns__names__sparse_output=False)
        .set_output(transform="pandas"),
        {
            "columns__numbers__scale__with_mean": [True, False],
            "columns__verbose_feature_names_out": [True, False],
        },
        "frame",
    ),
    "columns in a union": (
        make_pipeline(
            make_union(
                clone(COLUMNS).set_params(words="drop"),
                ColumnTransformer([("again", NUMBERS, ["age", "fare"])]),
            ),
            TruncatedSVD(3, random_state=0),
            LogisticRegression(),
        ),
        {
            "featureunion__columntransformer-1__numbers__scale": [None, NUMBERS],
            "featureunion__columntransformer-2__again__scale": [None, MinMaxScaler()],
        },
        "frame",
    ),
    "target encoder": (
        make_pipeline(
            ColumnTransformer(
                [("names", TargetEncoder(random_state=0, cv=3), ["port", "deck"])]
            ),
            LogisticRegression(),
        ),
        {"columntransformer__names__smooth": ["auto", 5.0]},
        "frame",
    ),
    "other twice": (
        make_pipeline(OtherTwice(), PCA(2), LogisticRegression()),
        {"pca__n_components": [1, 2], "othertwice": [OtherTwice()]},
        "two",
    ),
    "bare transformer": (
        make_pipeline(BareTransformer(), UNION),
        {"baretransformer__factor": [0.5, 2], "pipeline__join__best__k": [1, 2]},
        "two",
    ),
    "functions": (
        make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()),
        {"functiontransformer__func": [None, np.log1p, np.sqrt]},
        "positive",
    ),
    "pipeline of another kind": (
        EveryOtherRow(STEPS.steps),
        {"reduce__n_components": [1, 2], **C},
        "two",
    ),
    "pipeline of another kind within": (
        make_pipeline(Normalizer(), EveryOtherRow(STEPS.steps)),
        {"everyotherrow__reduce__n_components": [1, 2]},
        "two",
    ),
}
