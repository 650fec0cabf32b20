# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Stand in for libcuml's decompositions, clusters and neighbors, as `_solvers` does."""

import ctypes
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.neighbors import NearestNeighbors

from tests.emulated.doubles._native import Pointer, disturbed

# ---- decompositions: all arrays are in column-major order ----


class _Decomposition(ctypes.Structure):
    """``paramsPCA``, of which ``paramsTSVD`` is the beginning."""

    _fields_ = [
        ("n_rows", ctypes.c_size_t),
        ("n_columns", ctypes.c_size_t),
        ("gpu_id", ctypes.c_int),
        ("tol", ctypes.c_float),
        ("n_iterations", ctypes.c_uint32),
        ("verbose", ctypes.c_int),
        ("n_components", ctypes.c_size_t),
        ("algorithm", ctypes.c_int),
        ("copy", ctypes.c_bool),
        ("whiten", ctypes.c_bool),
    ]


def pca_fit(
    handle: Pointer,
    X: Pointer,
    components: Pointer,
    variance: Pointer,
    ratio: Pointer,
    singular: Pointer,
    mean: Pointer,
    noise: Pointer,
    params: Pointer,
) -> None:
    """Find principal components."""
    given: _Decomposition = params.struct(_Decomposition)
    n, k = given.n_columns, given.n_components
    rows = X.array(given.n_rows, n, order="F")
    copied = rows.copy(order="F")
    with disturbed(rows):
        model = PCA(k).fit(copied)
    components.array(k, n, order="F")[:] = model.components_
    variance.array(k)[:] = model.explained_variance_
    ratio.array(k)[:] = model.explained_variance_ratio_
    singular.array(k)[:] = model.singular_values_
    mean.array(n)[:] = model.mean_
    noise.set(float(model.noise_variance_))


def pca_transform(
    handle: Pointer,
    X: Pointer,
    components: Pointer,
    out: Pointer,
    singular: Pointer,
    mean: Pointer,
    params: Pointer,
) -> None:
    """Rotate rows."""
    given: _Decomposition = params.struct(_Decomposition)
    m, n, k = given.n_rows, given.n_columns, given.n_components
    rows = X.array(m, n, order="F")
    with disturbed(rows):
        pass
    found = (rows - mean.array(n)) @ components.array(k, n, order="F").T
    if given.whiten:
        found *= np.sqrt(m - 1) / singular.array(k)
    out.array(m, k, order="F")[:] = found


def pca_inverse(
    handle: Pointer,
    X: Pointer,
    components: Pointer,
    singular: Pointer,
    mean: Pointer,
    out: Pointer,
    params: Pointer,
) -> None:
    """Rotate rows back."""
    given: _Decomposition = params.struct(_Decomposition)
    m, n, k = given.n_rows, given.n_columns, given.n_components
    rows = X.array(m, k, order="F")
    if given.whiten:
        rows = rows * (singular.array(k) / np.sqrt(m - 1))
    table = components.array(k, n, order="F")
    out.array(m, n, order="F")[:] = rows @ table + mean.array(n)


def tsvd_fit_transform(
    handle: Pointer,
    X: Pointer,
    out: Pointer,
    components: Pointer,
    variance: Pointer,
    ratio: Pointer,
    singular: Pointer,
    params: Pointer,
) -> None:
    """Find singular vectors, and rotate rows."""
    given: _Decomposition = params.struct(_Decomposition)
    m, n, k = given.n_rows, given.n_columns, given.n_components
    model = TruncatedSVD(k, random_state=0)
    out.array(m, k, order="F")[:] = model.fit_transform(X.array(m, n, order="F"))
    components.array(k, n, order="F")[:] = model.components_
    variance.array(k)[:] = model.explained_variance_
    ratio.array(k)[:] = model.explained_variance_ratio_
    singular.array(k)[:] = model.singular_values_


def tsvd_transform(
    handle: Pointer, X: Pointer, components: Pointer, out: Pointer, params: Pointer
) -> None:
    """Rotate rows."""
    given: _Decomposition = params.struct(_Decomposition)
    m, n, k = given.n_rows, given.n_columns, given.n_components
    table = components.array(k, n, order="F")
    out.array(m, k, order="F")[:] = X.array(m, n, order="F") @ table.T


def tsvd_inverse(
    handle: Pointer, X: Pointer, components: Pointer, out: Pointer, params: Pointer
) -> None:
    """Rotate rows back."""
    given: _Decomposition = params.struct(_Decomposition)
    m, n, k = given.n_rows, given.n_columns, given.n_components
    table = components.array(k, n, order="F")
    out.array(m, n, order="F")[:] = X.array(m, k, order="F") @ table


# ---- clusters ----


class _KMeansParams(ctypes.Structure):
    _fields_ = [
        ("metric", ctypes.c_int),
        ("n_clusters", ctypes.c_int),
        ("init", ctypes.c_int),
        ("max_iter", ctypes.c_int),
        ("tol", ctypes.c_double),
        ("verbosity", ctypes.c_int),
        ("seed", ctypes.c_uint64),
        ("subsequence", ctypes.c_uint64),
        ("generator", ctypes.c_int),
        ("padding", ctypes.c_int),
        ("n_init", ctypes.c_int),
        ("oversampling_factor", ctypes.c_double),
        ("batch_samples", ctypes.c_int),
        ("batch_centroids", ctypes.c_int),
        ("init_size", ctypes.c_int64),
        ("device_buffer_samples", ctypes.c_int64),
    ]


def kmeans_fit(
    handle: Pointer,
    params: Pointer,
    X: Pointer,
    n_rows: int,
    n_columns: int,
    sample_weight: Pointer | None,
    centers: Pointer,
    inertia: Pointer,
    n_iter: Pointer,
) -> None:
    """Find centers, from those in `centers` if these are given."""
    given: _KMeansParams = params.struct(_KMeansParams)
    table = centers.array(given.n_clusters, n_columns)
    start: Any = ("k-means++", "random", table.copy())[given.init]
    model = KMeans(
        given.n_clusters,
        init=start,
        n_init=1 if given.init == 2 else given.n_init,
        max_iter=given.max_iter,
        tol=given.tol,
        random_state=given.seed % 2**32,
    )
    weights = sample_weight and sample_weight.array(n_rows)
    model.fit(X.array(n_rows, n_columns), sample_weight=weights)
    table[:] = model.cluster_centers_
    inertia.set(model.inertia_)
    n_iter.set(model.n_iter_)


def kmeans_predict(
    handle: Pointer,
    params: Pointer,
    centers: Pointer,
    X: Pointer,
    n_rows: int,
    n_columns: int,
    sample_weight: Pointer | None,
    normalize: bool,
    labels: Pointer,
    inertia: Pointer,
) -> None:
    """Find the nearest center of each row."""
    squares = _distances(params, centers, X, n_rows, n_columns) ** 2
    labels.array(n_rows)[:] = squares.argmin(axis=1)
    weights = 1.0 if sample_weight is None else sample_weight.array(n_rows)
    inertia.set(float((squares.min(axis=1) * weights).sum()))


def kmeans_transform(
    handle: Pointer,
    params: Pointer,
    centers: Pointer,
    X: Pointer,
    n_rows: int,
    n_columns: int,
    out: Pointer,
) -> None:
    """Measure the distance of each row to each center."""
    found = _distances(params, centers, X, n_rows, n_columns)
    out.array(*found.shape)[:] = found


def _distances(
    params: Pointer, centers: Pointer, X: Pointer, n_rows: int, n_columns: int
) -> np.ndarray:
    from sklearn.metrics import euclidean_distances

    n_clusters = params.struct(_KMeansParams).n_clusters
    table = centers.array(n_clusters, n_columns)
    return euclidean_distances(X.array(n_rows, n_columns), table)


# ---- neighbors ----

_METRICS = {
    0: "sqeuclidean",
    1: "euclidean",
    2: "cosine",
    3: "manhattan",
    5: "euclidean",
    4: "sqeuclidean",
    7: "chebyshev",
    8: "canberra",
    9: "minkowski",
}


def brute_force_knn(
    handle: Pointer,
    inputs: Pointer,
    sizes: Pointer,
    n_columns: int,
    queries: Pointer,
    n_queries: int,
    indices: Pointer,
    distances: Pointer,
    k: int,
    row_major: bool,
    row_major_queries: bool,
    metric: int,
    argument: float,
    translations: Pointer | None,
) -> None:
    """Find the nearest rows of one block."""
    (block,) = inputs.vector("float")
    (first, _) = np.frombuffer(
        (ctypes.c_char * 16).from_address(sizes.address), np.uint64
    ).tolist()
    n_rows = ctypes.c_int.from_address(first).value
    rows = block.array(n_rows, n_columns, order="C" if row_major else "F")
    order = "C" if row_major_queries else "F"
    model = NearestNeighbors(
        n_neighbors=k, algorithm="brute", metric=_METRICS[metric], p=argument or 2
    ).fit(rows)
    found = model.kneighbors(queries.array(n_queries, n_columns, order=order))
    distances.array(n_queries, k)[:], indices.array(n_queries, k)[:] = found


def _votes(
    indices: Pointer, values: Pointer, n_rows: int, n: int, k: int, weights: Any
) -> tuple[np.ndarray, np.ndarray]:
    table = values.array(n_rows)[indices.array(n, k)]
    return table, np.ones((n, k)) if weights is None else weights.array(n, k)


def _shares(
    indices: Pointer, labels: Pointer, n_rows: int, n: int, k: int, weights: Any
) -> np.ndarray:
    table, given = _votes(indices, labels, n_rows, n, k, weights)
    n_classes = int(labels.array(n_rows).max()) + 1
    is_class = table[:, :, None] == np.arange(n_classes)
    return (is_class * given[:, :, None]).sum(axis=1)


def knn_classify(
    handle: Pointer,
    out: Pointer,
    indices: Pointer,
    labels: Pointer,
    n_rows: int,
    n: int,
    k: int,
    weights: Pointer | None,
) -> None:
    """Find the class that most neighbors have, by column of `out`."""
    columns = labels.vector("int")
    table = out.array(n, len(columns))
    for i, column in enumerate(columns):
        table[:, i] = _shares(indices, column, n_rows, n, k, weights).argmax(axis=1)


def knn_class_proba(
    handle: Pointer,
    out: Pointer,
    indices: Pointer,
    labels: Pointer,
    n_rows: int,
    n: int,
    k: int,
    weights: Pointer | None,
) -> None:
    """Find which share of the neighbors has each class."""
    for part, column in zip(out.vector("float"), labels.vector("int"), strict=True):
        shares = _shares(indices, column, n_rows, n, k, weights)
        part.array(*shares.shape)[:] = shares / shares.sum(axis=1, keepdims=True)


def knn_regress(
    handle: Pointer,
    out: Pointer,
    indices: Pointer,
    targets: Pointer,
    n_rows: int,
    n: int,
    k: int,
    weights: Pointer | None,
) -> None:
    """Find the mean of the neighbors' targets, by column of `out`."""
    columns = targets.vector(out.kind)
    table = out.array(n, len(columns))
    for i, column in enumerate(columns):
        values, given = _votes(indices, column, n_rows, n, k, weights)
        table[:, i] = np.average(values, axis=1, weights=given)


FUNCTIONS = {
    "ML::pcaFit": pca_fit,
    "ML::pcaTransform": pca_transform,
    "ML::pcaInverseTransform": pca_inverse,
    "ML::tsvdFitTransform": tsvd_fit_transform,
    "ML::tsvdTransform": tsvd_transform,
    "ML::tsvdInverseTransform": tsvd_inverse,
    "ML::kmeans::fit": kmeans_fit,
    "ML::kmeans::predict": kmeans_predict,
    "ML::kmeans::transform": kmeans_transform,
    "ML::brute_force_knn": brute_force_knn,
    "ML::knn_classify": knn_classify,
    "ML::knn_class_proba": knn_class_proba,
    "ML::knn_regress": knn_regress,
}
