# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Correct what cuML's mapping of parameters lacks, drops or gets wrong (26.10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class RefusedError(Exception):
    """A value cannot be translated: the name of its parameter, if known, and why."""

    def __init__(self, name: str | None, why: str) -> None:
        super().__init__(name, why)
        self.name, self.why = name, why


# Classes with equal names and parameters in both libraries, for which cuML has no
# mapping, and their subpackage in both. Left out are cuML's Binarizer, Normalizer,
# KernelCenterer and FunctionTransformer, whose get_params returns nothing.
SAME_NAMES = {
    "BernoulliNB": "naive_bayes",
    "CategoricalNB": "naive_bayes",
    "ComplementNB": "naive_bayes",
    "GaussianNB": "naive_bayes",
    "MultinomialNB": "naive_bayes",
    "Lars": "linear_model",
    "OneVsOneClassifier": "multiclass",
    "OneVsRestClassifier": "multiclass",
    "MaxAbsScaler": "preprocessing",
    "MinMaxScaler": "preprocessing",
    "PolynomialFeatures": "preprocessing",
    "PowerTransformer": "preprocessing",
    "QuantileTransformer": "preprocessing",
    "RobustScaler": "preprocessing",
}
# scikit-learn's classes work with cuML's transformers, so only cuML's are replaced.
SAME_NAMES_TO_CPU = SAME_NAMES | {"ColumnTransformer": "compose"}

# cuML's classes that become ours, which have `batch_size` or `warm_start`; nothing
# becomes cuML's. They are named, since this folder must not import folders that build
# on it.
OURS = {
    "MBSGDClassifier": ("gpu_hpo.linear_model", "SGDClassifier"),
    "MBSGDRegressor": ("gpu_hpo.linear_model", "SGDRegressor"),
    "QN": ("gpu_hpo.linear_model", "QNClassifier"),
}
# The losses of cuML's QN that `QNClassifier` has; it chooses by the number of classes.
_QN_LOSSES = ("sigmoid", "softmax", "logistic")
# What to use on a GPU instead of a class of scikit-learn's, for an error message.
OURS_ON_CUDA = {
    "SGDClassifier": "gpu_hpo.linear_model",
    "SGDRegressor": "gpu_hpo.linear_model",
    "MLPClassifier": "gpu_hpo.neural_network",
    "MLPRegressor": "gpu_hpo.neural_network",
}

# Parameters that say how a result is computed or shown, but do not change it. If the
# other library lacks one, it is left out, whatever its value.
_HOW = frozenset(
    {
        # both, or scikit-learn only
        "copy",
        "copy_X",
        "copy_x",
        "dual",
        "leaf_size",
        "n_jobs",
        "n_oversamples",
        "power_iteration_normalizer",
        "random_state",
        "shrinking",
        "verbose",
        # cuML only
        "algo_params",
        "device_buffer_samples",
        "init_size",
        "lbfgs_memory",
        "linesearch_max_iter",
        "max_batch_size",
        "max_samples_per_batch",
        "n_streams",
        "nochange_steps",
        "output_type",
        "oversampling_factor",
    }
)
# The same, for names that mean something else in other classes.
_HOW_OF = {
    "ElasticNet": {"solver"},
    "KMeans": {"algorithm"},
    "Lasso": {"solver"},
    "LinearRegression": {"algorithm", "tol"},
    # scikit-learn always penalises the intercept, with a weight that cuML lacks; by
    # default cuML does not, but its mapping treats the two as equal.
    "LinearSVC": {"penalized_intercept"},
    # scikit-learn's penalty is always "l2", and cuML's default is "l1".
    "LinearSVR": {"penalized_intercept", "penalty"},
    "LogisticRegression": {"solver"},
    "TruncatedSVD": {"algorithm"},
}


def wrapped_on_cuda(estimator: Any) -> bool:
    """Return whether an estimator of ours wraps this one of cuML's on a device."""
    return type(estimator).__name__ == "QN" and estimator.loss in _QN_LOSSES


def says_how(class_name: str, name: str) -> bool:
    """Return whether a parameter may be dropped where the other library has none."""
    return name in _HOW or name in _HOW_OF.get(class_name, ())


# ---- corrections: given the estimator and the parameters so far, which they change;
# what they read of the estimator counts as translated ----


def _cache_to_cpu(model: Any, params: dict[str, Any]) -> None:
    # The reverse of what cuML's mapping does.
    if model.cache_size == 1024.0:
        params["cache_size"] = 200


def _forest_to_cpu(model: Any, params: dict[str, Any]) -> None:
    # scikit-learn refuses any number without `bootstrap`; cuML takes all rows then.
    if not model.bootstrap or model.max_samples == 1.0:
        params["max_samples"] = None


def _kernel_ridge_to_cpu(model: Any, params: dict[str, Any]) -> None:
    if callable(model.kernel):
        raise RefusedError("kernel", "cuML's own kernels are compiled for the GPU")


def _kmeans_to_cpu(model: Any, params: dict[str, Any]) -> None:
    if isinstance(model.init, str) and model.init == "k-means||":
        params["init"] = "k-means++"


def _lars_to_cpu(model: Any, params: dict[str, Any]) -> None:
    if model.eps is None:
        params["eps"] = np.finfo(float).eps


def _lars_to_cuda(model: Any, params: dict[str, Any]) -> None:
    if model.eps == np.finfo(float).eps:
        params["eps"] = None


def _linear_svc_to_cpu(model: Any, params: dict[str, Any]) -> None:
    if model.penalty == "l1" and model.loss == "hinge":
        raise RefusedError("loss", "with penalty='l1' it must be 'squared_hinge' there")


def _linear_svr_to_cuda(model: Any, params: dict[str, Any]) -> None:
    # cuML's mapping infers the penalty of the weights from the loss.
    params["penalty"] = "l2"


def _logistic_to_cpu(model: Any, params: dict[str, Any]) -> None:
    # cuML's mapping looks the ratio up by `l1_ratio` and not by `penalty`, which makes
    # every "l1" an "l2".
    ratios = {None: 0.0, "l1": 1.0, "l2": 0.0, "elasticnet": model.l1_ratio}
    if model.penalty not in ratios:
        raise RefusedError("penalty", f"it must be one of {list(ratios)}")
    ratio = ratios[model.penalty]
    if ratio is None:
        raise RefusedError("l1_ratio", "penalty='elasticnet' needs a number")
    params.update(l1_ratio=ratio, solver="saga" if ratio else "lbfgs")


def _mbsgd_to_cpu(model: Any, params: dict[str, Any]) -> None:
    losses = {"hinge": "hinge", "log": "log_loss", "squared_loss": "squared_error"}
    if model.loss not in losses:
        raise RefusedError("loss", f"it must be one of {list(losses)}")
    # cuML shuffles the same way in every fit.
    params.update(loss=losses[model.loss], max_iter=model.epochs, random_state=0)


def _naive_bayes_to_cuda(model: Any, params: dict[str, Any]) -> None:
    if np.ndim(model.alpha):
        raise RefusedError("alpha", "it must be one number there")
    if not model.force_alpha and model.alpha < 1e-10:
        raise RefusedError("force_alpha", "alpha is never raised to 1e-10 there")
    if model.class_prior is not None:
        params["class_prior"] = np.asarray(model.class_prior)


def _pca_to_cpu(model: Any, params: dict[str, Any]) -> None:
    # The reverse of what cuML's mapping does.
    if model.iterated_power == 15:
        params["iterated_power"] = "auto"


# scikit-learn's always trains a machine per pair of classes, and this parameter says
# whether `decision_function` has a column per class ("ovr") or per pair. cuML's trains
# a machine per pair ("ovo") or per class, and has a column per class.


def _svc_to_cpu(model: Any, params: dict[str, Any]) -> None:
    _cache_to_cpu(model, params)
    if model.decision_function_shape != "ovo":
        raise RefusedError(
            "decision_function_shape",
            "a machine per pair of classes is trained there, as by 'ovo'",
        )
    params["decision_function_shape"] = "ovr"


def _svc_to_cuda(model: Any, params: dict[str, Any]) -> None:
    if model.decision_function_shape != "ovr":
        raise RefusedError(
            "decision_function_shape",
            "the decision function has a column per class there, as by 'ovr'",
        )
    params["decision_function_shape"] = "ovo"


def _qn_to_cpu(model: Any, params: dict[str, Any]) -> None:
    if model.loss not in _QN_LOSSES:
        raise RefusedError("loss", f"it must be one of {list(_QN_LOSSES)}")


_Correction = Callable[[Any, dict[str, Any]], None]
TO_CPU: dict[str, _Correction] = {
    "KernelRidge": _kernel_ridge_to_cpu,
    "KMeans": _kmeans_to_cpu,
    "Lars": _lars_to_cpu,
    "LinearSVC": _linear_svc_to_cpu,
    "LogisticRegression": _logistic_to_cpu,
    "MBSGDClassifier": _mbsgd_to_cpu,
    "MBSGDRegressor": _mbsgd_to_cpu,
    "PCA": _pca_to_cpu,
    "QN": _qn_to_cpu,
    "RandomForestClassifier": _forest_to_cpu,
    "RandomForestRegressor": _forest_to_cpu,
    "SVC": _svc_to_cpu,
    "SVR": _cache_to_cpu,
}
TO_CUDA: dict[str, _Correction] = {
    "BernoulliNB": _naive_bayes_to_cuda,
    "CategoricalNB": _naive_bayes_to_cuda,
    "ComplementNB": _naive_bayes_to_cuda,
    "MultinomialNB": _naive_bayes_to_cuda,
    "Lars": _lars_to_cuda,
    "LinearSVR": _linear_svr_to_cuda,
    "SVC": _svc_to_cuda,
}
