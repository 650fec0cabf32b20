# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What estimators of cuML must become, and what a part may be held by."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier


class Frame(BaseEstimator):
    """A meta-estimator of a third party."""

    def __init__(self, inner=None):
        self.inner = inner


class Forest(RandomForestClassifier):
    """A user's subclass, of which cuML knows nothing."""


# Some parameters of cuML's QN, all of which ours has but for the loss.
QN = [
    {},
    {"loss": "logistic", "output_type": "numpy", "verbose": 3},
    {
        "loss": "softmax",
        "l1_strength": 0.5,
        "l2_strength": 2.0,
        "penalty_normalized": False,
        "fit_intercept": False,
        "max_iter": 200,
        "tol": 1e-3,
        "delta": 1e-6,
        "linesearch_max_iter": 20,
        "lbfgs_memory": 7,
        "warm_start": True,
    },
]

# Subpackage, class, some of cuML's parameters, and what scikit-learn's must be then.
# Those whose value the way back cannot know come last.
TO_CPU = [
    ("ensemble", "RandomForestClassifier", {}, {"max_samples": None}, ()),
    (
        "ensemble",
        "RandomForestClassifier",
        {
            "n_estimators": 7,
            "split_criterion": "entropy",
            "max_depth": 5,
            "max_leaves": 9,
            "max_features": 0.7,
            "max_samples": 0.5,
            "min_samples_leaf": 2,
            "class_weight": "balanced",
            "random_state": 3,
            "n_streams": 1,
            "verbose": 4,
            "output_type": "numpy",
        },
        {
            "n_estimators": 7,
            "criterion": "entropy",
            "max_depth": 5,
            "max_leaf_nodes": 9,
            "max_features": 0.7,
            "max_samples": 0.5,
            "min_samples_leaf": 2,
            "class_weight": "balanced",
            "random_state": 3,
            "verbose": 0,
        },
        ("n_streams", "verbose", "output_type"),
    ),
    (
        "ensemble",
        "RandomForestRegressor",
        {"bootstrap": False, "min_impurity_decrease": 0.01, "random_state": 0},
        {"bootstrap": False, "min_impurity_decrease": 0.01, "max_samples": None},
        (),
    ),
    ("linear_model", "LogisticRegression", {}, {"max_iter": 1000, "l1_ratio": 0}, ()),
    (
        "linear_model",
        "LogisticRegression",
        {"penalty": "l1", "C": 0.5, "tol": 1e-2, "class_weight": {0: 1, 1: 2, 2: 3}},
        {"l1_ratio": 1, "C": 0.5, "solver": "saga", "class_weight": {0: 1, 1: 2, 2: 3}},
        ("penalty", "l1_ratio"),
    ),
    (
        "linear_model",
        "LogisticRegression",
        {"penalty": "elasticnet", "l1_ratio": 0.3, "tol": 1e-2, "lbfgs_memory": 7},
        {"l1_ratio": 0.3, "solver": "saga", "tol": 1e-2},
        ("lbfgs_memory",),
    ),
    (
        "linear_model",
        "LogisticRegression",
        {"penalty": None, "fit_intercept": False, "tol": 1e-2},
        {"C": np.inf, "l1_ratio": 0, "solver": "lbfgs", "fit_intercept": False},
        ("penalty", "C"),
    ),
    ("linear_model", "LinearRegression", {}, {}, ()),
    (
        "linear_model",
        "LinearRegression",
        {"fit_intercept": False, "copy_X": False, "algorithm": "svd"},
        {"fit_intercept": False, "copy_X": False},
        ("algorithm",),
    ),
    ("linear_model", "Ridge", {}, {"solver": "auto"}, ()),
    (
        "linear_model",
        "Ridge",
        {"alpha": 3.0, "solver": "eig", "fit_intercept": False, "max_iter": 70},
        {"alpha": 3.0, "solver": "cholesky", "fit_intercept": False, "max_iter": 70},
        ("solver",),
    ),
    ("linear_model", "Lasso", {"alpha": 0.1}, {"tol": pytest.approx(1e-4)}, ()),
    (
        "linear_model",
        "Lasso",
        {"alpha": 0.2, "tol": 0.01, "selection": "random", "solver": "qn"},
        {"alpha": 0.2, "tol": pytest.approx(1e-3), "selection": "random"},
        ("solver",),
    ),
    (
        "linear_model",
        "ElasticNet",
        {"alpha": 0.1, "l1_ratio": 0.3, "max_iter": 500},
        {"alpha": 0.1, "l1_ratio": 0.3, "max_iter": 500},
        (),
    ),
    ("linear_model", "Lars", {}, {"eps": np.finfo(float).eps}, ()),
    (
        "linear_model",
        "Lars",
        {"n_nonzero_coefs": 4, "eps": 1e-9, "fit_intercept": False},
        {"n_nonzero_coefs": 4, "eps": 1e-9, "fit_intercept": False},
        (),
    ),
    ("kernel_ridge", "KernelRidge", {}, {"kernel": "linear", "alpha": 1}, ()),
    (
        "kernel_ridge",
        "KernelRidge",
        {"kernel": "poly", "degree": 2, "gamma": 0.1, "coef0": 2, "alpha": 0.5},
        {"kernel": "poly", "degree": 2, "gamma": 0.1, "coef0": 2, "alpha": 0.5},
        (),
    ),
    (
        "svm",
        "SVC",
        {},
        {"cache_size": 200, "decision_function_shape": "ovo"},
        (),
    ),
    (
        "svm",
        "SVC",
        {"kernel": "poly", "degree": 2, "C": 2.0, "coef0": 1.0, "cache_size": 300.0},
        {"kernel": "poly", "degree": 2, "C": 2.0, "coef0": 1.0, "cache_size": 300.0},
        (),
    ),
    (
        "svm",
        "SVR",
        {"kernel": "linear", "epsilon": 0.2, "C": 5.0, "nochange_steps": 9},
        {"kernel": "linear", "epsilon": 0.2, "C": 5.0},
        ("nochange_steps",),
    ),
    ("svm", "LinearSVC", {}, {"penalty": "l2", "loss": "squared_hinge"}, ()),
    (
        "svm",
        "LinearSVC",
        {"penalty": "l1", "C": 0.5, "penalized_intercept": True},
        {"penalty": "l1", "C": 0.5},
        ("penalized_intercept",),
    ),
    ("svm", "LinearSVR", {"C": 5.0}, {"C": 5.0}, ("penalty",)),
    (
        "svm",
        "LinearSVR",
        {"penalty": "l2", "loss": "squared_epsilon_insensitive", "epsilon": 0.1},
        {"loss": "squared_epsilon_insensitive", "epsilon": 0.1},
        (),
    ),
    ("neighbors", "KNeighborsClassifier", {}, {"n_neighbors": 5}, ()),
    (
        "neighbors",
        "KNeighborsClassifier",
        {"n_neighbors": 3, "weights": "distance", "metric": "manhattan"},
        {"n_neighbors": 3, "weights": "distance", "metric": "manhattan"},
        (),
    ),
    (
        "neighbors",
        "KNeighborsRegressor",
        {"n_neighbors": 2, "metric": "minkowski", "p": 3, "algorithm": "ivfflat"},
        {"n_neighbors": 2, "metric": "minkowski", "p": 3, "algorithm": "brute"},
        ("algorithm",),
    ),
    ("naive_bayes", "GaussianNB", {}, {"var_smoothing": 1e-9}, ()),
    (
        "naive_bayes",
        "GaussianNB",
        {"priors": [0.2, 0.3, 0.5], "var_smoothing": 1e-3},
        {"priors": [0.2, 0.3, 0.5], "var_smoothing": 1e-3},
        (),
    ),
    ("naive_bayes", "MultinomialNB", {}, {"alpha": 1, "force_alpha": True}, ()),
    (
        "naive_bayes",
        "MultinomialNB",
        {"alpha": 0.1, "fit_prior": False},
        {"alpha": 0.1, "fit_prior": False},
        (),
    ),
    (
        "naive_bayes",
        "BernoulliNB",
        {"alpha": 0.2, "binarize": 2.0},
        {"alpha": 0.2, "binarize": 2.0},
        (),
    ),
    (
        "naive_bayes",
        "ComplementNB",
        {"alpha": 0.2, "norm": True},
        {"alpha": 0.2, "norm": True},
        (),
    ),
    ("naive_bayes", "CategoricalNB", {"alpha": 0.2}, {"min_categories": None}, ()),
    ("preprocessing", "StandardScaler", {"with_mean": False}, {"with_mean": False}, ()),
    ("preprocessing", "MinMaxScaler", {"feature_range": (1, 2)}, {"clip": False}, ()),
    ("preprocessing", "MaxAbsScaler", {"copy": False}, {"copy": False}, ()),
    ("preprocessing", "RobustScaler", {"with_centering": False}, {}, ()),
    ("preprocessing", "PolynomialFeatures", {"degree": 3}, {"degree": 3}, ()),
    ("preprocessing", "PowerTransformer", {"standardize": False}, {}, ()),
    ("preprocessing", "QuantileTransformer", {"n_quantiles": 9}, {}, ()),
    ("decomposition", "PCA", {}, {"iterated_power": "auto", "tol": 0.0}, ()),
    ("decomposition", "PCA", {"n_components": 2, "whiten": True}, {"whiten": True}, ()),
    ("decomposition", "IncrementalPCA", {"batch_size": 20}, {"batch_size": 20}, ()),
    (
        "decomposition",
        "TruncatedSVD",
        {"n_components": 2, "random_state": 4},
        {"n_components": 2, "n_iter": 5, "random_state": 4},
        (),
    ),
    (
        "cluster",
        "KMeans",
        {"n_clusters": 3, "n_init": 2, "random_state": 1},
        {"n_clusters": 3, "n_init": 2, "random_state": 1, "init": "k-means++"},
        (),
    ),
]
