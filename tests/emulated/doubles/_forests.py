# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Stand in for libcuml's forests with scikit-learn's, and for nvForest on a GPU.

nvForest infers on the CPU as well, by the same trees, so only the arrays move here.
"""

import ctypes
import json
import math
import threading
from types import ModuleType
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from tests.emulated.doubles._native import Pointer


class _Params(ctypes.Structure):
    """``ML::RF_params`` with its ``DecisionTreeParams``."""

    _fields_ = [
        ("n_trees", ctypes.c_int),
        ("bootstrap", ctypes.c_bool),
        ("max_samples", ctypes.c_float),
        ("seed", ctypes.c_uint64),
        ("n_streams", ctypes.c_int),
        ("max_depth", ctypes.c_int),
        ("max_leaves", ctypes.c_int),
        ("max_features", ctypes.c_float),
        ("max_n_bins", ctypes.c_int),
        ("min_samples_leaf", ctypes.c_int),
        ("min_samples_split", ctypes.c_int),
        ("criterion", ctypes.c_int),
        ("min_impurity_decrease", ctypes.c_float),
        ("max_batch_size", ctypes.c_int),
    ]


STRUCTS = {"ML::RF_params": _Params}
_GINI, _ENTROPY, _SQUARED, _POISSON, _DEFAULT = 0, 1, 2, 4, 7
_CRITERIA = {_GINI: "gini", _ENTROPY: "entropy", _SQUARED: "squared_error"}
_CRITERIA[_POISSON] = "poisson"

_lock = threading.Lock()
_forests: dict[int, bytes] = {}  # by the number that stands for a model's address
_lent = threading.local()


def fit_forest(
    handle: Pointer,
    forest: Pointer,
    X: Pointer,
    n_rows: int,
    n_columns: int,
    y: Pointer,
    *rest: Any,
) -> None:
    """Fit a forest of classification, or of regression, which has no `n_classes`."""
    import treelite.sklearn

    classifies = len(rest) == 7
    params, masks, importances, _, weights, row_major = rest[-6:]
    options = {
        "n_estimators": params.n_trees,
        "max_depth": None if params.max_depth == 2**31 - 1 else params.max_depth,
        "max_leaf_nodes": None if params.max_leaves == -1 else params.max_leaves,
        # A number of columns has become a fraction in single precision.
        "max_features": max(1, math.floor(params.max_features * n_columns + 1e-4)),
        "min_samples_leaf": params.min_samples_leaf,
        "min_samples_split": params.min_samples_split,
        "min_impurity_decrease": params.min_impurity_decrease,
        "bootstrap": params.bootstrap,
        "max_samples": None,
        "random_state": params.seed % 2**32,
    }
    if params.bootstrap and params.max_samples != 1.0:
        options["max_samples"] = float(params.max_samples)
    if params.criterion != _DEFAULT:
        options["criterion"] = _CRITERIA[params.criterion]
    kind = RandomForestClassifier if classifies else RandomForestRegressor
    rows = X.array(n_rows, n_columns, order="C" if row_major else "F")
    sample_weight = weights and weights.array(n_rows)
    model = kind(**options).fit(rows, y.array(n_rows), sample_weight)
    importances.array(n_columns)[:] = model.feature_importances_
    if masks is not None:
        table = masks.array(params.n_trees, n_rows)
        for i, drawn in enumerate(model.estimators_samples_):
            table[i, drawn] = True
    trees = treelite.sklearn.import_model(model)
    # scikit-learn's trees are all in double precision.
    trees.get_header_accessor().set_field(
        "attributes", json.dumps({"dtype": X.dtype.name})
    )
    with _lock:
        number = max(_forests, default=0) + 1
        _forests[number] = trees.serialize_bytes()
    ctypes.c_uint64.from_address(forest.address).value = number


def serialize(forest: Pointer, data: Pointer, size: Pointer) -> int:
    """Lend the bytes of a forest until this thread asks for others."""
    found = _forests.get(forest.address)
    if found is None:
        return -1
    _lent.bytes = found
    address = ctypes.cast(ctypes.c_char_p(found), ctypes.c_void_p).value
    ctypes.c_uint64.from_address(data.address).value = address or 0
    size.set(len(found))
    return 0


def free(forest: Pointer) -> int:
    """Forget a forest."""
    return 0 if _forests.pop(forest.address, None) is not None else -1


FUNCTIONS = {
    "ML::fit_treelite": fit_forest,
    "TreeliteSerializeModelToBytes": serialize,
    "TreeliteFreeModel": free,
}
# C names do not tell.
ARGUMENTS = {
    "TreeliteSerializeModelToBytes": ["void*", "char**", "unsigned long*"],
    "TreeliteFreeModel": ["void*"],
}


def infer_on_host(nvforest: ModuleType) -> None:
    """Let forests for the GPU infer on the CPU, from and to arrays of CuPy."""
    original = nvforest.ForestInferenceImpl

    class ForestInferenceImpl(original):
        def __init__(self, *, treelite_model: Any, device: str, **options: Any) -> None:
            self._on_device = device == "gpu"
            if self._on_device:
                device = "cpu"
                options["precision"] = options.get("precision") or _precision(
                    treelite_model
                )
                options["align_bytes"] = options.get("align_bytes") or 0
            super().__init__(treelite_model=treelite_model, device=device, **options)

        def predict(self, X: Any, **options: Any) -> Any:
            return self._moved(super().predict, X, **options)

        def predict_per_tree(self, X: Any, **options: Any) -> Any:
            return self._moved(super().predict_per_tree, X, **options)

        def apply(self, X: Any, **options: Any) -> Any:
            return self._moved(super().apply, X, **options)

        def _moved(self, infer: Any, X: Any, **options: Any) -> Any:
            if not self._on_device:
                return infer(X, **options)
            import cupy as cp

            X = cp.ascontiguousarray(X)
            address, n = X.data.ptr, X.nbytes
            raw = (ctypes.c_char * n).from_address(address)
            rows = np.frombuffer(raw, X.dtype).reshape(X.shape)
            return cp.asarray(infer(rows, **options))

    nvforest.ForestInferenceImpl = ForestInferenceImpl
    nvforest.detect_current_device = lambda require: 0


def _precision(model: Any) -> str | None:
    text = model.get_header_accessor().get_field("attributes")
    dtype = json.loads(text or "{}").get("dtype")
    return {"float32": "single", "float64": "double"}.get(dtype)
