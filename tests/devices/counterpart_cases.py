# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What estimators of cuML must become, and what a part may be held by."""

import importlib

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier


def of_cuml(module, name, /, **params):
    """An estimator of cuML's."""
    return getattr(importlib.import_module(f"cuml.{module}"), name)(**params)


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


def case(path, given=None, expected=None, *lost):
    """Subpackage, class, some of cuML's parameters, and what scikit-learn's must be.

    By default the same. Those whose value the way back cannot know come last.
    """
    given = given or {}
    return (*path.split("."), given, given if expected is None else expected, lost)


TO_CPU = [
    case("ensemble.RandomForestClassifier", {}, {"max_samples": None}),
    case(
        "ensemble.RandomForestClassifier",
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
        "n_streams",
        "verbose",
        "output_type",
    ),
    case(
        "ensemble.RandomForestRegressor",
        {"bootstrap": False, "min_impurity_decrease": 0.01, "random_state": 0},
        {"bootstrap": False, "min_impurity_decrease": 0.01, "max_samples": None},
    ),
    case("linear_model.LogisticRegression", {}, {"max_iter": 1000, "l1_ratio": 0}),
    case(
        "linear_model.LogisticRegression",
        {"penalty": "l1", "C": 0.5, "tol": 0.01, "class_weight": {0: 1, 1: 2, 2: 3}},
        {"l1_ratio": 1, "C": 0.5, "solver": "saga", "class_weight": {0: 1, 1: 2, 2: 3}},
        "penalty",
        "l1_ratio",
    ),
    case(
        "linear_model.LogisticRegression",
        {"penalty": "elasticnet", "l1_ratio": 0.3, "tol": 0.01, "lbfgs_memory": 7},
        {"l1_ratio": 0.3, "solver": "saga", "tol": 0.01},
        "lbfgs_memory",
    ),
    case(
        "linear_model.LogisticRegression",
        {"penalty": None, "fit_intercept": False, "tol": 0.01},
        {"C": np.inf, "l1_ratio": 0, "solver": "lbfgs", "fit_intercept": False},
        "penalty",
        "C",
    ),
    case("linear_model.LinearRegression"),
    case(
        "linear_model.LinearRegression",
        {"fit_intercept": False, "copy_X": False, "algorithm": "svd"},
        {"fit_intercept": False, "copy_X": False},
        "algorithm",
    ),
    case("linear_model.Ridge", {}, {"solver": "auto"}),
    case(
        "linear_model.Ridge",
        {"alpha": 3.0, "solver": "eig", "fit_intercept": False, "max_iter": 70},
        {"alpha": 3.0, "solver": "cholesky", "fit_intercept": False, "max_iter": 70},
        "solver",
    ),
    case("linear_model.Lasso", {"alpha": 0.1}, {"tol": pytest.approx(0.0001)}),
    case(
        "linear_model.Lasso",
        {"alpha": 0.2, "tol": 0.01, "selection": "random", "solver": "qn"},
        {"alpha": 0.2, "tol": pytest.approx(0.001), "selection": "random"},
        "solver",
    ),
    case("linear_model.ElasticNet", {"alpha": 0.1, "l1_ratio": 0.3, "max_iter": 500}),
    case("linear_model.Lars", {}, {"eps": np.finfo(float).eps}),
    case(
        "linear_model.Lars",
        {"n_nonzero_coefs": 4, "eps": 1e-09, "fit_intercept": False},
    ),
    case("kernel_ridge.KernelRidge", {}, {"kernel": "linear", "alpha": 1}),
    case(
        "kernel_ridge.KernelRidge",
        {"kernel": "poly", "degree": 2, "gamma": 0.1, "coef0": 2, "alpha": 0.5},
    ),
    case("svm.SVC", {}, {"cache_size": 200, "decision_function_shape": "ovr"}),
    case(
        "svm.SVC",
        {"kernel": "poly", "degree": 2, "C": 2.0, "coef0": 1.0, "cache_size": 300.0},
    ),
    case(
        "svm.SVR",
        {"kernel": "linear", "epsilon": 0.2, "C": 5.0, "nochange_steps": 9},
        {"kernel": "linear", "epsilon": 0.2, "C": 5.0},
        "nochange_steps",
    ),
    case("svm.LinearSVC", {}, {"penalty": "l2", "loss": "squared_hinge"}),
    case(
        "svm.LinearSVC",
        {"penalty": "l1", "C": 0.5, "penalized_intercept": True},
        {"penalty": "l1", "C": 0.5},
        "penalized_intercept",
    ),
    case("svm.LinearSVR", {"C": 5.0}, {"C": 5.0}, "penalty"),
    case(
        "svm.LinearSVR",
        {"penalty": "l2", "loss": "squared_epsilon_insensitive", "epsilon": 0.1},
        {"loss": "squared_epsilon_insensitive", "epsilon": 0.1},
    ),
    case("neighbors.KNeighborsClassifier", {}, {"n_neighbors": 5}),
    case(
        "neighbors.KNeighborsClassifier",
        {"n_neighbors": 3, "weights": "distance", "metric": "manhattan"},
    ),
    case(
        "neighbors.KNeighborsRegressor",
        {"n_neighbors": 2, "metric": "minkowski", "p": 3, "algorithm": "ivfflat"},
        {"n_neighbors": 2, "metric": "minkowski", "p": 3, "algorithm": "brute"},
        "algorithm",
    ),
    case("naive_bayes.GaussianNB", {}, {"var_smoothing": 1e-09}),
    case("naive_bayes.GaussianNB", {"priors": [0.2, 0.3, 0.5], "var_smoothing": 0.001}),
    case("naive_bayes.MultinomialNB", {}, {"alpha": 1, "force_alpha": True}),
    case("naive_bayes.MultinomialNB", {"alpha": 0.1, "fit_prior": False}),
    case("naive_bayes.BernoulliNB", {"alpha": 0.2, "binarize": 2.0}),
    case("naive_bayes.ComplementNB", {"alpha": 0.2, "norm": True}),
    case("naive_bayes.CategoricalNB", {"alpha": 0.2}, {"min_categories": None}),
    case("preprocessing.StandardScaler", {"with_mean": False}),
    case("preprocessing.MinMaxScaler", {"feature_range": (1, 2)}, {"clip": False}),
    case("preprocessing.MaxAbsScaler", {"copy": False}),
    case("preprocessing.RobustScaler", {"with_centering": False}, {}),
    case("preprocessing.PolynomialFeatures", {"degree": 3}),
    case("preprocessing.PowerTransformer", {"standardize": False}, {}),
    case("preprocessing.QuantileTransformer", {"n_quantiles": 9}, {}),
    case("decomposition.PCA", {}, {"iterated_power": "auto", "tol": 0.0}),
    case("decomposition.PCA", {"n_components": 2, "whiten": True}, {"whiten": True}),
    case("decomposition.IncrementalPCA", {"batch_size": 20}),
    case(
        "decomposition.TruncatedSVD",
        {"n_components": 2, "random_state": 4},
        {"n_components": 2, "n_iter": 5, "random_state": 4},
    ),
    case(
        "cluster.KMeans",
        {"n_clusters": 3, "n_init": 2, "random_state": 1},
        {"n_clusters": 3, "n_init": 2, "random_state": 1, "init": "k-means++"},
    ),
]
