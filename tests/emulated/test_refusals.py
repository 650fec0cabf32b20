# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Rows, targets and weights on a device are refused in words, as those of the host."""

import sys

import numpy as np
import pytest
import scipy.sparse
from sklearn.linear_model import Ridge

from gpu_hpo.devices import to_host
from gpu_hpo.exceptions import DeviceNotFoundError
from gpu_hpo.linear_model import QNClassifier, SGDClassifier
from gpu_hpo.model_selection import IncrementalSearchCV
from gpu_hpo.neural_network import MLPClassifier

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 3))
Y = (X[:, 0] > 0).astype(np.int64)
THREE = Y + (X[:, 1] > 0.5)
cp = pytest.importorskip("cupy")
MODELS = {
    "QN": QNClassifier(max_iter=20),
    "SGD": SGDClassifier(batch_size=8, max_iter=2, tol=None, random_state=0),
    "MLP": MLPClassifier((3,), max_iter=2, n_iter_no_change=9, random_state=0),
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def device_rows():
    return cp.asarray(X)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("rows", "y", "words"),
    [
        (X[:, 0], Y, "Expected 2D array, got 1D"),
        (X[:, :0], Y, r"0 feature\(s\)"),
        (X, Y[:-1], "inconsistent numbers of samples"),
        (X, np.where(Y, np.nan, 1.0), "y contains NaN or infinity"),
    ],
    ids=["one axis", "no feature", "fewer targets", "targets not finite"],
)
def test_rows_and_targets(name, rows, y, words):
    """Shapes and numbers are checked on the device."""
    with pytest.raises(ValueError, match=words):
        MODELS[name].fit(cp.asarray(rows), cp.asarray(y))


@pytest.mark.parametrize("name", MODELS)
def test_other_features_than_before(device_rows, name):
    """Rows of a fitted model have as many features as it was fitted to."""
    model = MODELS[name].fit(device_rows, cp.asarray(Y))
    with pytest.raises(ValueError, match=r"2 features, but .* expecting 3"):
        model.predict(device_rows[:, :2])


@pytest.mark.parametrize("name", MODELS)
def test_targets_that_are_no_array(device_rows, name):
    """A list goes with rows of the host alone."""
    with pytest.raises(TypeError, match=r"mix|must be an array"):
        MODELS[name].fit(device_rows, Y.tolist())


@pytest.mark.parametrize("name", ["QN", "SGD"])
def test_targets_in_columns(device_rows, name):
    """Two columns of labels are refused, one is a column of labels."""
    columns = cp.asarray(np.stack([Y, Y], axis=1))
    with pytest.raises(ValueError, match="1d array"):
        MODELS[name].fit(device_rows, columns)
    one = MODELS[name].fit(device_rows, columns[:, :1]).predict(device_rows)
    flat = MODELS[name].fit(device_rows, columns[:, 0]).predict(device_rows)
    assert bool((one == flat).all())


@pytest.mark.parametrize("name", MODELS)
def test_weights(device_rows, name):
    """Weights are one for each row, or one for all; those of SGD are not all zero."""
    model, y = MODELS[name], cp.asarray(Y)
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(39,\)"):
        model.fit(device_rows, y, sample_weight=cp.ones(39))
    same = model.fit(device_rows, y, sample_weight=2.0).predict(device_rows)
    equal = model.fit(device_rows, y, sample_weight=cp.full(40, 2.0)).predict(
        device_rows
    )
    assert bool((same == equal).all())


def test_quasi_newton_needs_labels(device_rows):
    """Targets that are missing, or no labels, are refused as on the host."""
    model = MODELS["QN"]
    with pytest.raises(ValueError, match="requires y to be passed"):
        model.fit(device_rows, None)
    for rows, y in ((device_rows, cp.asarray(X[:, 1])), (X, X[:, 1])):
        with pytest.raises(ValueError, match="Unknown label type: continuous"):
            model.fit(rows, y)
    with pytest.raises(ValueError, match="only one class"):
        model.fit(device_rows, cp.zeros(40, int))


def test_weights_of_no_row(device_rows):
    """Weights that are all zero leave nothing to train on."""
    for model in (MODELS["QN"], MODELS["SGD"]):
        with pytest.raises(ValueError, match="at least one non-zero"):
            model.fit(device_rows, cp.asarray(Y), sample_weight=cp.zeros(40))


def test_quasi_newton_on_a_device_has_limits(device_rows):
    """Weights of three classes, and classes without rows, are refused in words."""
    model = QNClassifier(warm_start=True)
    y = cp.asarray(THREE)
    with pytest.raises(ValueError, match="more than two classes, here 3"):
        model.fit(device_rows, y, sample_weight=cp.ones(40))
    model.fit(device_rows, y)
    with pytest.raises(ValueError, match=r"no row of the classes \[2\]"):
        model.fit(device_rows[y < 2], y[y < 2])


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_a_class_may_be_missing_later(device_rows, sparse):
    """Of two classes one may have no row, in rows of either kind."""
    from cupyx.scipy.sparse import csr_matrix

    rows = csr_matrix(scipy.sparse.csr_matrix(X)) if sparse else device_rows
    model = QNClassifier(warm_start=True).fit(rows, cp.asarray(Y))
    ones = np.flatnonzero(Y)
    model.fit(rows[ones], cp.asarray(Y[ones]))
    assert model.coef_.shape == (1, 3)
    assert bool((model.predict(rows[ones]) == 1).all())


def test_quasi_newton_without_cuml(device_rows, monkeypatch):
    """What is missing is named where cuML cannot be imported."""
    monkeypatch.setitem(sys.modules, "cuml", None)
    with pytest.raises(DeviceNotFoundError, match="where cuML is installed"):
        QNClassifier().fit(device_rows, cp.asarray(Y))


@pytest.mark.parametrize("what", ["y", "sample_weight"])
@pytest.mark.parametrize("side", ["host", "device", "frame"])
def test_searches_look_at_targets_and_weights(threads_client, side, what):
    """Searches refuse what cuML's models do not look at, as rows are known to be fine.

    A model that learned NaN would have no score, and nothing would say why.
    """
    import cudf
    from dask import array as da

    given = {"y": X[:, 0].copy(), "sample_weight": np.ones(40)}
    given[what][7] = np.nan
    rows = X
    if side == "device":
        rows, given = cp.asarray(X), {k: cp.asarray(v) for k, v in given.items()}
    elif side == "frame":
        rows = cudf.DataFrame({f"x{i}": X[:, i] for i in range(3)})
        given = {k: cudf.Series(v) for k, v in given.items()}
    else:  # what only workers see
        rows = da.from_array(X, chunks=(10, 3))
        given = {k: da.from_array(v, chunks=10) for k, v in given.items()}
    search = IncrementalSearchCV(
        Ridge(),
        {"alpha": [0.1, 1.0]},
        n_initial_parameters=2,
        max_iter=3,
        resource="n_samples",
        chunk_size=None if side == "host" else 10,
        random_state=0,
        device="cuda",
    )
    with pytest.raises(ValueError, match=f"{what} has NaN or infinity"):
        search.fit(rows, **given)


@pytest.mark.parametrize("label", [3, "a"])
def test_networks_of_one_class(label):
    """A network that knows one class predicts it, on either side."""
    y = np.full(40, label)
    model = MLPClassifier((3,), max_iter=2, random_state=0).fit(X, y)
    assert set(model.predict(X)) == {label}
    on_device = MLPClassifier((3,), max_iter=2, random_state=0)
    on_device.fit(cp.asarray(X), y if label == "a" else cp.asarray(y))
    assert set(to_host(on_device.predict(cp.asarray(X)))) == {label}
