# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Data, estimators to search for, and watchers of what happens in the workers.

A module beside the tests, since worker processes import what is pickled from it. The
watchers stay in a worker until it ends; they only note.
"""

import functools
import importlib
import importlib.util
import itertools
import os
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from distributed import Client, LocalCluster, get_worker
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from gpu_hpo.compute import local_cluster
from gpu_hpo.devices import array_namespace, is_device_array
from gpu_hpo.linear_model import QNClassifier, SGDClassifier
from gpu_hpo.model_selection import HyperbandSearchCV, SuccessiveHalvingSearchCV
from gpu_hpo.neural_network import MLPClassifier
from tests.emulated import _hooks


def some_of(*axes: Iterable[Any]) -> list[tuple[Any, ...]]:
    """All combinations; every seventh, with each value, where a GPU is emulated.

    There kernels take seconds. ``EMULATED_ALL=1`` tries all.
    """
    every = list(itertools.product(*axes))
    if not _hooks.installed() or os.environ.get("EMULATED_ALL"):
        return every
    some = every[::7]  # a number that divides no number of values
    for values, all_values in zip(
        zip(*some, strict=True), zip(*every, strict=True), strict=True
    ):
        assert set(values) == set(all_values)
    return some


def scaled(on_gpu: int, emulated: int) -> int:
    """A number that is smaller where a GPU is emulated, which takes longer."""
    return emulated if _hooks.installed() else on_gpu


N_ROWS, N_FEATURES, CHUNK = scaled(20_000, 4000), 16, scaled(1000, 200)


# ---- searches ----


@dataclass(frozen=True)
class Case:
    """An estimator to search for, and what is to be expected of it.

    Attributes
    ----------
    make : callable
        Makes the estimator: scikit-learn's or ours; a search turns it into cuML's.
    space : dict
    resource : str
    trained : str
        Path of the class that trains on a GPU.
    weights : str
        Fitted attribute that must be on the device; none where there is no array.
    first, best : float
        How far the scores after the first call, and the best one, may be from those
        that a CPU gives.
    cuml : bool
        Whether it takes cuML.
    """

    make: Callable[[], Any]
    space: Mapping[str, Any]
    resource: str
    trained: str
    weights: str
    first: float
    best: float
    cuml: bool = True


CASES = {
    # The same sums in another order.
    "naive Bayes": Case(
        GaussianNB,
        {"var_smoothing": np.logspace(-9, 0, 50)},
        "partial_fit",
        "cuml.naive_bayes.GaussianNB",
        "theta_",
        1e-3,
        1e-3,
    ),
    # Other trees: cuML looks for splits between 128 quantiles, and draws by itself.
    "random forest": Case(
        lambda: RandomForestClassifier(max_features=0.5, random_state=0),
        {"max_depth": list(range(2, 12)), "min_samples_leaf": [1, 2, 5, 10, 20]},
        "n_estimators",
        "cuml.ensemble.RandomForestClassifier",
        "",
        0.1,
        0.03,
    ),
    # One optimum, which both come near to.
    "logistic regression": Case(
        lambda: LogisticRegression(max_iter=500),
        {"C": np.logspace(-3, 3, 50)},
        "n_samples",
        "cuml.linear_model.LogisticRegression",
        "coef_",
        0.01,
        0.005,
    ),
    # Two implementations of L-BFGS, whose line searches differ while far away.
    "QN": Case(
        QNClassifier,
        {"l2_strength": np.logspace(-6, 0, 50)},
        "warm_start",
        "gpu_hpo.linear_model.QNClassifier",
        "coef_",
        0.05,
        0.005,
    ),
    # The same steps in float32, rounded differently.
    "SGD": Case(
        lambda: SGDClassifier(loss="log_loss", batch_size=32, random_state=0),
        {"alpha": np.logspace(-6, -1, 50), "penalty": ["l2", "elasticnet"]},
        "partial_fit",
        "gpu_hpo.linear_model._linear_stack.LinearStack",
        "coef_",
        5e-3,
        5e-3,
        cuml=False,
    ),
    "MLP": Case(
        lambda: MLPClassifier((16,), batch_size=50, random_state=0),
        {"learning_rate_init": np.logspace(-3, -1, 50), "alpha": [1e-5, 1e-3]},
        "partial_fit",
        "gpu_hpo.neural_network._network_stack.NetworkStack",
        "coefs_",
        0.02,
        0.01,
        cuml=False,
    ),
}
SEARCHES = {
    "Hyperband": lambda *args, **options: HyperbandSearchCV(
        *args, max_iter=9, **options
    ),
    "halving": lambda *args, **options: SuccessiveHalvingSearchCV(
        *args, n_initial_parameters=9, n_initial_iter=1, max_iter=9, **options
    ),
}


def make_search(kind: str, estimator: Any, space: Any, **options: Any) -> Any:
    """A small search of either kind."""
    given = {"random_state": 0, "chunk_size": CHUNK, **options}
    return SEARCHES[kind](estimator, space, **given)


def make_data() -> tuple[np.ndarray, np.ndarray]:
    """Two classes that a line separates but for some noise, in float32."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_ROWS, N_FEATURES)).astype(np.float32)
    signal = X @ rng.standard_normal(N_FEATURES) / N_FEATURES**0.5
    noise = 0.2 * rng.standard_normal(N_ROWS)
    return X, (signal + noise > 0).astype(np.int64)


def as_cupy(X: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
    """X and y on the device of this process."""
    import cupy as cp

    return cp.asarray(X), cp.asarray(y)


def as_dask_array(X: np.ndarray, y: np.ndarray) -> list[Any]:
    """Blocks that become CuPy's on the workers."""
    import cupy as cp
    import dask.array as da

    blocks = [da.from_array(part, chunks=(CHUNK, *part.shape[1:])) for part in (X, y)]
    return [part.map_blocks(cp.asarray) for part in blocks]


def first_scores(search: Any) -> dict[Any, tuple[int, float]]:
    """Of each model, after how many calls it was scored first, and that score."""
    return {
        name: (history[0]["partial_fit_calls"], history[0]["score"])
        for name, history in search.model_history_.items()
    }


@contextmanager
def cuda_client(n_workers: int | None = None) -> Any:
    """Client of one worker per GPU, or of so many; of one without dask-cuda."""
    if importlib.util.find_spec("dask_cuda") is not None:
        cluster = local_cluster(n_workers, device="cuda")
    else:
        cluster = LocalCluster(
            n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        )
    with cluster, Client(cluster) as client:
        yield client


# ---- watching ----

SEEN: list[tuple[str, str, bool]] = []  # method, type of X or y, whether on a device
# Per chunk, told by its first number, the arrays that `partial_fit` got it in. They are
# kept, so that no two have the same `id`.
CHUNKS: dict[float, dict[int, Any]] = {}
FITTED: dict[int, Any] = {}  # rows that `fit` got, by `id`, kept for the same reason
CUT: list[tuple[int, ...]] = []  # shapes of the rows that were cut out of X for folds
# Of rows from the device to the host while training: their shape, and where.
COPIES: list[tuple[tuple[int, ...], str]] = []
_watched: set[str] = set()
# By what is in their keys: those of searches that stop early, then of exhaustive ones.
_TASKS = ("advance", "cut_fold", "cut_rows", "fit_step", "_evaluate", "fit_to_all_rows")
_inside = threading.local()


def watch(path: str) -> None:
    """Note what the methods of a class are given from now on, in this process.

    Of the class itself, not of a subclass, since a search would leave that as it is.
    """
    if path in _watched:
        return
    _watched.add(path)
    module, _, name = path.rpartition(".")
    kind = getattr(importlib.import_module(module), name)
    for method in ("fit", "partial_fit", "predict"):
        if hasattr(kind, method):
            _watch_method(kind, method)


def _watch_method(kind: Any, name: str) -> None:
    original = getattr(kind, name)

    @functools.wraps(original)  # searches look at its signature
    def noting(self: Any, X: Any, *args: Any, **params: Any) -> Any:
        # What a method passes on to another one is the library's own affair.
        if getattr(_inside, "call", False):
            return original(self, X, *args, **params)
        for value in (X, *args[:1], *(params[n] for n in ("y",) if n in params)):
            shown = f"{type(value).__module__}.{type(value).__qualname__}"
            SEEN.append((name, shown, is_device_array(value)))
        if name == "partial_fit" and getattr(X, "ndim", 0) == 2:
            first = X.iloc[0, 0] if hasattr(X, "iloc") else X[0, 0]
            CHUNKS.setdefault(float(first), {})[id(X)] = X
        elif name == "fit":
            FITTED[id(X)] = X
        _inside.call = True
        try:
            return original(self, X, *args, **params)
        finally:
            _inside.call = False

    setattr(kind, name, noting)


def watch_folds() -> None:
    """Note what is cut out of X for the folds of a search, in this process."""
    if "folds" in _watched:
        return
    _watched.add("folds")
    from gpu_hpo.exhaustive import _fold_steps

    original = _fold_steps.rows_of_split

    def noting(X: Any, rows: Any, columns: Any = None) -> Any:
        found = original(X, rows, columns)
        if getattr(found, "ndim", 0) == 2:
            CUT.append(found.shape)
        return found

    _fold_steps.rows_of_split = noting


def watch_copies(n_rows: int = CHUNK // 2) -> None:
    """Note copies of so many rows or more from the device to the host in training.

    CuPy copies by `ndarray.get` alone; cuDF in the ways that are named here. What a
    task of another kind does, and sending a chunk elsewhere, is no matter.
    """
    if "copies" in _watched:
        return
    _watched.add("copies")
    import cupy

    _watch_copy(cupy.ndarray, "get", n_rows)
    if importlib.util.find_spec("cudf") is not None:
        import cudf

        for kind in (cudf.DataFrame, cudf.Series):
            for name in ("to_arrow", "to_numpy", "to_pandas"):
                _watch_copy(kind, name, n_rows)


def _watch_copy(kind: Any, name: str, n_rows: int) -> None:
    original = getattr(kind, name)

    @functools.wraps(original)
    def noting(self: Any, *args: Any, **options: Any) -> Any:
        if self.shape and max(self.shape) >= n_rows and _training():
            where = "".join(traceback.format_stack(limit=12)[:-1])
            text = f"{kind.__name__}.{name} of shape {self.shape}:\n{where}"
            COPIES.append((tuple(self.shape), text))
        return original(self, *args, **options)

    setattr(kind, name, noting)


def _training() -> bool:
    """Whether this thread is in a task that trains, or that cuts out rows for it."""
    try:
        task = str(get_worker().get_current_task())
    except (KeyError, ValueError):
        return False
    return any(f"-{kind}-" in task for kind in _TASKS)


def _forget() -> None:
    for noted in (SEEN, COPIES, CHUNKS, FITTED, CUT):
        noted.clear()


def _take() -> tuple[list[Any], list[Any]]:
    return list(SEEN), list(COPIES)


def _count_arrays() -> dict[float, int]:
    return {chunk: len(arrays) for chunk, arrays in CHUNKS.items()}


def _shapes() -> tuple[list[Any], list[Any]]:
    return [X.shape for X in FITTED.values()], list(CUT)


class Watcher:
    """What workers have noted since it was made, worker by worker."""

    def __init__(self, client: Client, *paths: str) -> None:
        self._client = client
        for path in paths:
            client.run(watch, path)
        client.run(watch_copies)
        client.run(watch_folds)
        client.run(_forget)

    def check(self, labels: Sequence[int] = ()) -> None:
        """Assert that models were given device data only, and no rows were copied.

        Columns of as many rows as are in `labels` may have been.
        """
        noted = self._client.run(_take)
        seen = {entry for entries, _ in noted.values() for entry in entries}
        allowed = [(n,) for n in labels]
        copies = [
            text
            for _, found in noted.values()
            for shape, text in found
            if shape not in allowed
        ]
        methods = {method for method, *_ in seen}
        assert methods & {"fit", "partial_fit"}, "no model trained"
        assert "predict" in methods, "no model predicted"
        on_host = sorted(entry[:2] for entry in seen if not entry[2])
        assert not on_host, f"models were given {on_host}"
        assert not copies, f"{len(copies)} copies, the first by {copies[0]}"

    def arrays_per_chunk(self) -> list[dict[float, int]]:
        """By worker that called `partial_fit`, and by chunk, in how many arrays."""
        counts = self._client.run(_count_arrays).values()
        return [found for found in counts if found]

    def shapes(self) -> tuple[Counter, Counter]:
        """How many arrays of each shape `fit` got, and how many were cut out of X."""
        found = self._client.run(_shapes).values()
        fitted, cut = zip(*found, strict=True)
        return Counter(chain(*fitted)), Counter(chain(*cut))

    def n_trained(self) -> list[int]:
        """Calls that were noted, by worker."""
        return [len(seen) for seen, _ in self._client.run(_take).values()]


# ---- an estimator of neither library ----


class LeastSquares(ClassifierMixin, BaseEstimator):
    """Least squares on -1 and 1 by running sums, on the device of the data."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Any:
        xp = array_namespace(X, y)
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
        xp = array_namespace(X)
        return (X @ xp.linalg.solve(self.gram_, self.moment_) > 0).astype(xp.int64)
