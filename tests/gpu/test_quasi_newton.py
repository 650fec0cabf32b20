# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Logistic regression by cuML's solver on a real GPU, and by SciPy's: one solution."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from gpu_hpo.linear_model import QNClassifier

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

rng = np.random.default_rng(0)
X = rng.standard_normal((2000, 8))
SCORES = X @ rng.standard_normal((8, 3)) + rng.gumbel(size=(2000, 3))
TARGETS = {
    "binary": np.array([-3, 7])[SCORES[:, :2].argmax(axis=1)],
    "multiclass": np.array([2, 5, 9])[SCORES.argmax(axis=1)],
}
WEIGHT = rng.integers(1, 4, 2000).astype(float)
PENALTIES = {
    "none": {},
    "l2": {"l2_strength": 20.0},
    "l1": {"l1_strength": 20.0},
    "both": {"l1_strength": 10.0, "l2_strength": 20.0},
    "not normalized": {"l2_strength": 0.01, "penalty_normalized": False},
    "no intercept": {"l2_strength": 20.0, "fit_intercept": False},
}
# cuML compares the gradient without the L1 penalty, so that changes of loss end that.
EXACT = {"tol": 1e-7, "delta": 1e-12, "max_iter": 2000}


@pytest.fixture(scope="module")
def cp():
    pytest.importorskip("cuml", reason="needs cuML")
    return pytest.importorskip("cupy")


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("target", TARGETS)
def test_both_devices_agree(cp, target, sparse, penalty):
    """Probabilities agree to 1e-3, and weights to 1e-2; answers stay on the GPU."""
    y = TARGETS[target]
    rows = scipy.sparse.csr_matrix(np.where(X > 0.5, X, 0)) if sparse else X
    weight = WEIGHT if target == "binary" else None
    host = QNClassifier(**EXACT, **PENALTIES[penalty]).fit(rows, y, weight)
    if sparse:
        from cupyx.scipy.sparse import csr_matrix

        device_rows = csr_matrix(rows)
    else:
        device_rows = cp.asarray(rows)
    labels = cp.asarray(y)
    given = None if weight is None else cp.asarray(weight)
    model = clone(host).fit(device_rows, labels, given)
    assert isinstance(model.coef_, cp.ndarray)
    assert isinstance(model.intercept_, cp.ndarray)
    np.testing.assert_allclose(model.coef_.get(), host.coef_, atol=1e-2)
    found = model.predict_proba(device_rows)
    assert isinstance(found, cp.ndarray)
    np.testing.assert_allclose(found.get(), host.predict_proba(rows), atol=1e-3)
    assert isinstance(model.predict(device_rows), cp.ndarray)
    score = model.score(device_rows, labels, given)
    assert score == pytest.approx(host.score(rows, y, weight), abs=2e-3)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("target", TARGETS)
def test_short_fits_are_a_long_one(cp, target, fit_intercept):
    """Warm fits of four iterations come to where one fit comes, to 1e-3.

    The weights that a fit begins with are left as they are.
    """
    rows, labels = cp.asarray(X), cp.asarray(TARGETS[target])
    whole = QNClassifier(l2_strength=20.0, fit_intercept=fit_intercept, **EXACT)
    whole.fit(rows, labels)
    model = clone(whole).set_params(warm_start=True, max_iter=4)
    model.fit(rows, labels)
    assert abs(model.coef_ - whole.coef_).max() > 1e-3
    for _ in range(25):
        kept, before = model.coef_, model.coef_.copy()
        model.fit(rows, labels)
        assert model.n_iter_ <= 4
        assert (kept == before).all()
    np.testing.assert_allclose(model.coef_.get(), whole.coef_.get(), atol=1e-3)


def test_too_few_iterations_are_said(cp):
    """cuML's count says whether a fit has converged."""
    rows, labels = cp.asarray(X), cp.asarray(TARGETS["multiclass"])
    with pytest.warns(ConvergenceWarning, match="in 2 iteration"):
        model = QNClassifier(max_iter=2).fit(rows, labels)
    assert model.n_iter_ == 2


def test_a_class_may_be_missing_later(cp):
    """One of two classes may be missing in a warm fit; probabilities agree to 1e-2."""
    y = TARGETS["binary"]
    keep = y < 0
    # So much that the solution is not far away, for one class alone has none.
    options = {"l2_strength": 20.0, "fit_intercept": False, "warm_start": True}
    host = QNClassifier(**EXACT, **options).fit(X, y).fit(X[keep], y[keep])
    model = QNClassifier(**EXACT, **options).fit(cp.asarray(X), cp.asarray(y))
    model.fit(cp.asarray(X[keep]), cp.asarray(y[keep]))
    assert model.coef_.shape == (1, 8)
    np.testing.assert_allclose(
        model.predict_proba(cp.asarray(X)).get(), host.predict_proba(X), atol=1e-2
    )


def test_cuml_ignores_weights_of_three_classes(cp):
    """Why we refuse them; should this fail, cuML has learned it, and so may we."""
    from cuml.solvers import QN

    rows, labels = cp.asarray(X), cp.asarray(TARGETS["multiclass"])
    weight = cp.where(labels == 2, 100.0, 1.0)
    options = {"loss": "softmax", "l2_strength": 20.0}
    plain = QN(**options).fit(rows, labels)
    weighted = QN(**options).fit(rows, labels, sample_weight=weight)
    np.testing.assert_allclose(weighted.coef_.get(), plain.coef_.get(), atol=1e-3)


def test_frames(cp):
    """cuDF frames are trained on as CuPy arrays are."""
    cudf = pytest.importorskip("cudf")
    y = TARGETS["binary"]
    model = QNClassifier(l2_strength=20.0).fit(cp.asarray(X), cp.asarray(y))
    frame, series = cudf.DataFrame(cp.asarray(X)), cudf.Series(y)
    other = clone(model).fit(frame, series)
    np.testing.assert_allclose(other.coef_.get(), model.coef_.get(), atol=1e-6)
    assert other.score(frame, series) == model.score(cp.asarray(X), cp.asarray(y))
