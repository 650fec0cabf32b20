# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What `gpu.py` lets workers do: models, and what is measured beside the searches.

A module of its own, since workers import what is pickled from it. Everything works
with NumPy in CuPy's place.
"""

from __future__ import annotations

import statistics
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import GridSearchCV, KFold
from stacks import ROWS, Case, linear, networks

from gpu_hpo.data._split_rows import rows_of_split
from gpu_hpo.devices import array_namespace, to_host
from gpu_hpo.exhaustive.sharing._ridge_path import centre, solve_path
from gpu_hpo.linear_model._linear_stack import LinearStack


class LeastSquares(ClassifierMixin, BaseEstimator):
    """Least squares on -1 and 1 by running sums, on the device of the data.

    Parameters
    ----------
    alpha : float
    upload : str
        "cuda" or "cpu": whereto the rows of every call are copied; "" leaves them.
    """

    def __init__(self, alpha: float = 1.0, upload: str = "") -> None:
        self.alpha = alpha
        self.upload = upload

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Any:
        X, y = self._copied(X), self._copied(y)
        xp = array_namespace(X)
        if classes is not None:
            self.classes_ = np.asarray(classes)
            self.gram_ = xp.eye(X.shape[1], dtype=X.dtype) * self.alpha
            self.moment_ = xp.zeros(X.shape[1], dtype=X.dtype)
        self.gram_ = self.gram_ + X.T @ X
        self.moment_ = self.moment_ + X.T @ (2 * y.astype(X.dtype) - 1)
        return self

    def fit(self, X: Any, y: Any) -> Any:
        return self.partial_fit(X, y, classes=[0, 1])

    def predict(self, X: Any) -> Any:
        X = self._copied(X)
        xp = array_namespace(X)
        return (X @ xp.linalg.solve(self.gram_, self.moment_) > 0).astype(xp.int64)

    def _copied(self, value: Any) -> Any:
        if not self.upload:
            return value
        return array_library(self.upload).array(value, copy=True)


# Per chunk, told by its first number, the arrays that stacks of linear models got it
# in. They are kept, so that no two have the same `id`.
_chunks: dict[float, dict[int, Any]] = {}


def note_chunks() -> None:
    """Note from now on, in this process, in which arrays chunks come."""
    original = LinearStack.partial_fit

    def noting(self: Any, X: Any, *args: Any, **params: Any) -> Any:
        _chunks.setdefault(float(X[0, 0]), {})[id(X)] = X
        return original(self, X, *args, **params)

    LinearStack.partial_fit = noting
    LinearStack.unwatched = original


def noted_chunks() -> list[tuple[int, str]]:
    """Stop noting; per chunk, in how many arrays it came, and of which library."""
    LinearStack.partial_fit = LinearStack.unwatched
    found = [
        (len(arrays), type(next(iter(arrays.values()))).__module__)
        for arrays in _chunks.values()
    ]
    _chunks.clear()
    return found


def array_library(device: str) -> Any:
    """CuPy, or NumPy on the CPU."""
    if device == "cpu":
        return np
    import cupy

    return cupy


def on_device(block: Any) -> Any:
    """Copy a block to this worker's GPU."""
    return array_library("cuda").asarray(block)


def wait(device: str) -> None:
    """Wait until the device has done what it was given."""
    if device == "cuda":
        import cupy

        cupy.cuda.Device().synchronize()


def seconds(call: Any, device: str, repeat: int = 3) -> float:
    """Median time of a call, and of what it begins on the device, after one more."""
    times = []
    for _ in range(repeat + 1):
        wait(device)
        began = perf_counter()
        call()
        wait(device)
        times.append(perf_counter() - began)
    return statistics.median(times[1:])


def limits(device: str, n_bytes: int, n: int) -> dict[str, float]:
    """What this worker's device can do at most.

    Returns
    -------
    dict
        ``copy``: bytes read and written a second; ``upload``: bytes a second from
        NumPy's memory; ``float32``: operations a second of an n x n matrix product.
    """
    xp = array_library(device)
    host = np.ones(n_bytes, np.uint8)
    a = xp.asarray(host)
    target = xp.empty_like(a)
    b = xp.ones((n, n), np.float32)

    def copy() -> None:
        target[...] = a

    copied = seconds(copy, device, 5)
    uploaded = seconds(lambda: xp.array(host, copy=True), device)
    product = seconds(lambda: b @ b, device, 5)
    return {
        "copy": 2 * n_bytes / copied,
        "upload": n_bytes / uploaded,
        "float32": 2 * n**3 / product,
    }


def loop(
    models: list[Any], chunks: list[Any], validation: Any, device: str
) -> tuple[float, float]:
    """Train one model after another on all chunks and score it, with no search around.

    Returns
    -------
    whole, one : float
        Seconds of all of it, and of a single call of `partial_fit`.
    """
    xp = array_library(device)
    held = [(xp.asarray(X), xp.asarray(y)) for X, y in chunks]
    X_test, y_test = (xp.asarray(part) for part in validation)
    classes = np.unique(chunks[0][1])
    models[0].partial_fit(*held[0], classes=classes)
    one = seconds(lambda: models[0].partial_fit(*held[0]), device)
    wait(device)
    began = perf_counter()
    for model in models[1:]:
        for i, (X, y) in enumerate(held):
            model.partial_fit(X, y, **({"classes": classes} if i == 0 else {}))
        float((xp.asarray(model.predict(X_test)) == y_test).mean())
    wait(device)
    return perf_counter() - began, one


STACKS = {"network 24, batches of 128": 0, "log_loss of 64, batches of 32": 1}


def stack_case(name: str) -> Case:
    """One of the rows of `stacks.py`."""
    if STACKS[name] == 0:
        return next(c for c in networks() if c.name == "24" and c.batch == 128)
    return next(c for c in linear() if c.name == "log_loss" and c.batch == 32)


def stack_times(
    name: str, n: int, n_single: int, device: str, rows: int = ROWS
) -> dict[str, float]:
    """One call of a stack of n models, and of single ones one after another.

    Returns
    -------
    dict
        ``stack`` and ``single``: seconds per model of one call on all rows;
        ``bytes`` and ``operations`` that this takes at the least.
    """
    case, xp = stack_case(name), array_library(device)
    rng = np.random.default_rng(0)
    X = xp.asarray(rng.standard_normal((rows, case.n_features)).astype(np.float32))
    y = xp.asarray(rng.integers(0, case.n_classes, rows))
    classes = np.arange(case.n_classes)
    models = [case.ours() for _ in range(n)]
    stack = type(models[0]).stack(models)
    stack.partial_fit(X, y, classes=classes)
    singles = [case.ours().partial_fit(X, y, classes=classes) for _ in range(n_single)]
    return {
        "stack": seconds(lambda: stack.partial_fit(X, y), device) / n,
        "single": seconds(
            lambda: [model.partial_fit(X, y) for model in singles], device
        )
        / n_single,
        "bytes": rows * (case.n_features + 1) * 4,
        "operations": -(-rows // case.batch) * case.operations,
    }


# ---- grids ----


def ridge_paths(
    X: Any, y: Any, alphas: np.ndarray, n_folds: int, device: str
) -> tuple[float, np.ndarray]:
    """Ridge models of all penalties, one factorisation per fold, and no search around.

    Returns
    -------
    seconds : float
    scores : ndarray of shape (n_alphas, n_folds)
        R².
    """
    wait(device)
    began = perf_counter()
    found = []
    for rows, targets, new, truth in _folds(X, y, n_folds):
        centred = centre(rows, targets[:, None], None, True)
        coefs, _ = solve_path(
            centred, alphas.astype(rows.dtype), by_svd=False, smallest=1e-10
        )
        predicted = coefs[:, 0] @ (new - centred.X_offset).T + centred.y_offset
        found.append(to_host(_r2(truth, predicted)))
    return perf_counter() - began, np.array(found).T


def one_by_one(
    X: Any, y: Any, models: list[Any], n_folds: int, device: str
) -> tuple[float, np.ndarray]:
    """Fit regressors to the rows of each fold, one after another; as `ridge_paths`."""
    xp = array_library(device)
    clone(models[0]).fit(X[:1000], y[:1000])  # imports and compiles
    wait(device)
    began = perf_counter()
    found = [
        [
            float(_r2(truth, xp.asarray(clone(model).fit(rows, targets).predict(new))))
            for model in models
        ]
        for rows, targets, new, truth in _folds(X, y, n_folds)
    ]
    return perf_counter() - began, np.array(found).T


def through_the_host(
    X: Any, y: Any, estimator: Any, grid: Any, n_folds: int, scoring: str | None = None
) -> tuple[float, np.ndarray]:
    """Search by scikit-learn, of rows that are in NumPy's memory; as `ridge_paths`."""
    X, y = to_host(X), to_host(y)
    clone(estimator).fit(X[:1000], y[:1000]).predict(X[:1000])  # imports and compiles
    search = GridSearchCV(
        estimator, grid, scoring=scoring, cv=n_folds, error_score="raise"
    )
    began = perf_counter()
    search.fit(X, y)
    return perf_counter() - began, scores_of(search)


def scores_of(search: Any) -> np.ndarray:
    """Scores of a grid search, by candidate and fold."""
    found = search.cv_results_
    return np.array([found[f"split{i}_test_score"] for i in range(search.n_splits_)]).T


def _folds(X: Any, y: Any, n_folds: int) -> Any:
    """Rows and targets that train, and that test, of each fold."""
    for train, test in KFold(n_folds).split(range(len(X))):
        yield (
            rows_of_split(X, train),
            rows_of_split(y, train),
            rows_of_split(X, test),
            rows_of_split(y, test),
        )


def _r2(truth: Any, predicted: Any) -> Any:
    """R², along the last axis."""
    missed, spread = predicted - truth, truth - truth.mean()
    return 1 - (missed * missed).sum(axis=-1) / (spread * spread).sum()
