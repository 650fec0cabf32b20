# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Logistic regression that trains on: on the host, and as if there were a GPU.

On "the device" the solver is a double of cuML's, in NumPy; where cuML is installed
(`make test-rapids`) also cuML's own class, with the double's `fit`.
"""

import contextlib
import inspect
import pickle
import sys
import types
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy.optimize import minimize
from scipy.special import expit, log_softmax
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpu_hpo.exceptions import DeviceNotFoundError
from gpu_hpo.linear_model import QNClassifier
from gpu_hpo.testing import NoHostCopyArray

rng = np.random.default_rng(0)
X = rng.standard_normal((150, 5))
SCORES = X @ rng.standard_normal((5, 3)) + rng.gumbel(size=(150, 3))
TARGETS = {
    "binary": np.array([-3, 7])[SCORES[:, :2].argmax(axis=1)],
    "multiclass": np.array([2, 5, 9])[SCORES.argmax(axis=1)],
}
WEIGHT = rng.integers(1, 4, 150).astype(float)
SPARSE = scipy.sparse.csr_matrix(np.where(rng.random(X.shape) < 0.5, X, 0))
PENALTIES = {
    "none": {},
    "l2": {"l2_strength": 2.0},
    "l1": {"l1_strength": 3.0},
    "both": {"l1_strength": 1.0, "l2_strength": 4.0},
    "not normalized": {"l2_strength": 0.05, "penalty_normalized": False},
    "no intercept": {"l2_strength": 1.0, "fit_intercept": False},
}
EXACT = {"tol": 1e-10, "max_iter": 20_000}


# ---- a double of cuML's ----


class FakeQN:
    """What ``cuml.solvers.QN`` 26.10 computes, from its sources, in NumPy."""

    made = []

    def __init__(
        self,
        *,
        loss="sigmoid",
        fit_intercept=True,
        l1_strength=0.0,
        l2_strength=0.0,
        max_iter=1000,
        tol=1e-4,
        delta=None,
        linesearch_max_iter=50,
        lbfgs_memory=5,
        verbose=False,
        output_type=None,
        warm_start=False,
        penalty_normalized=True,
    ):
        given = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        vars(self).update(given)

    def fit(self, X, y, sample_weight=None):
        FakeQN.made.append(self)
        self.seen = X, y, sample_weight
        assert all(isinstance(seen, NoHostCopyArray) for seen in (X, y))
        rows, labels = X._array, y._array
        n_rows, n_features = rows.shape
        found, codes = np.unique(labels, return_inverse=True)
        n_classes = len(found)
        assert self.loss == ("sigmoid" if n_classes == 2 else "softmax")
        n_outputs = 1 if n_classes == 2 else n_classes
        if self.warm_start and hasattr(self, "coef_"):
            start = self.coef_._array.T
            if self.fit_intercept:
                start = np.concatenate([start, self.intercept_._array[None]])
        else:
            start = np.zeros((n_features + self.fit_intercept, n_outputs), rows.dtype)
        assert start.shape == (n_features + self.fit_intercept, n_outputs)
        start = np.ascontiguousarray(start)  # which need not be a copy
        assert start.dtype == rows.dtype
        weight = np.ones(n_rows)
        if sample_weight is not None and n_classes == 2:
            weight = sample_weight._array
        scale = 1 / n_rows if self.penalty_normalized else 1
        l1, l2 = self.l1_strength * scale, self.l2_strength * scale

        def loss(flat):
            table = flat.reshape(start.shape)
            coef = table[:n_features]
            scores = rows @ coef + (table[n_features] if self.fit_intercept else 0)
            if n_classes == 2:
                values = np.logaddexp(0, scores[:, 0]) - codes * scores[:, 0]
                slopes = (expit(scores[:, 0]) - codes)[:, None]
            else:
                log_p = log_softmax(scores, axis=1)
                values = -log_p[np.arange(n_rows), codes]
                slopes = np.exp(log_p) - np.eye(n_classes)[codes]
            slopes = slopes * weight[:, None] / n_rows
            gradient = np.zeros(start.shape)
            gradient[:n_features] = rows.T @ slopes + l2 * coef
            if self.fit_intercept:
                gradient[n_features] = slopes.sum(axis=0)
            value = values @ weight / weight.sum() + l2 / 2 * (coef**2).sum()
            return value, gradient.ravel()

        how = {"method": "L-BFGS-B", "jac": True}
        how["options"] = {"maxiter": self.max_iter, "gtol": self.tol, "ftol": 1e-15}
        if not l1:
            found = minimize(loss, start.ravel(), **how)
            solution = found.x
        else:
            # A weight is a positive part less a negative one.
            penalty = np.zeros(start.shape)
            penalty[:n_features] = l1
            penalty = np.concatenate([penalty.ravel()] * 2)

            def split(parts):
                value, gradient = loss(np.subtract(*np.split(parts, 2)))
                both = np.concatenate([gradient, -gradient])
                return value + penalty @ parts, both + penalty

            first = np.concatenate([start.ravel(), -start.ravel()]).clip(0)
            found = minimize(split, first, bounds=[(0, None)] * len(first), **how)
            solution = np.subtract(*np.split(found.x, 2))
        start[...] = solution.reshape(start.shape)
        self.coef_ = NoHostCopyArray(start[:n_features].T)
        intercept = start[n_features] if self.fit_intercept else np.zeros(n_outputs)
        self.intercept_ = NoHostCopyArray(intercept.astype(start.dtype))
        self.n_iter_ = found.nit + (found.status == 1)
        return self


@pytest.fixture(params=["double", "cuML's class"])
def device(request, monkeypatch):
    """A machine that trains on "the device"; gives the list of solvers made."""
    monkeypatch.setattr(FakeQN, "made", [])
    if request.param == "double":
        for name in ("cuml", "cuml.solvers"):
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        sys.modules["cuml"].using_output_type = contextlib.nullcontext
        sys.modules["cuml.solvers"].QN = FakeQN
    else:
        solvers = pytest.importorskip("cuml.solvers", reason="needs cuML")
        kind = type("QN", (solvers.QN,), {"fit": FakeQN.fit})
        monkeypatch.setattr(solvers, "QN", kind)
    return FakeQN.made


def test_the_double_is_made_as_cuml_is():
    """The double takes what cuML's solver takes."""
    solvers = pytest.importorskip("cuml.solvers", reason="needs cuML")
    assert inspect.signature(FakeQN) == inspect.signature(solvers.QN)
    fits = [list(inspect.signature(k.fit).parameters) for k in (FakeQN, solvers.QN)]
    assert fits[0] == fits[1]


def test_parameters_are_those_of_cuml():
    """Names and defaults are cuML's, but for `loss` and `output_type`."""
    theirs = inspect.signature(FakeQN).parameters
    ours = inspect.signature(QNClassifier).parameters
    assert theirs.keys() - ours.keys() == {"loss", "output_type"}
    assert {name: theirs[name].default for name in ours} == {
        name: ours[name].default for name in ours
    }


def on_device(*arrays):
    return [None if a is None else NoHostCopyArray(a) for a in arrays]


def assert_same(model, other, atol):
    assert model.classes_.tolist() == other.classes_.tolist()
    for name in ("coef_", "intercept_"):
        a, b = (getattr(m, name) for m in (model, other))
        a, b = (x.get() if isinstance(x, NoHostCopyArray) else x for x in (a, b))
        assert a.shape == b.shape
        if name == "intercept_" and len(a) > 1:
            # Softmax is the same with all of them shifted alike.
            a, b = a - a.mean(), b - b.mean()
        np.testing.assert_allclose(a, b, atol=atol, err_msg=name)


# ---- on the host ----


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        QNClassifier(l2_strength=1.0),
        QNClassifier(l1_strength=0.1, l2_strength=1.0),
        QNClassifier(l2_strength=0.1, penalty_normalized=False),
    ]
)
def test_estimator_checks(estimator, check):
    """scikit-learn's own checks pass."""
    check(estimator)


@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("target", TARGETS)
def test_strengths_are_inverses_of_c(target, rows):
    """By default penalties are scikit-learn's, and the weights equal to 1e-6."""
    y = TARGETS[target]
    peer = LogisticRegression(C=0.25, tol=1e-9, max_iter=10_000).fit(rows, y, WEIGHT)
    model = QNClassifier(l2_strength=4.0, **EXACT).fit(rows, y, WEIGHT)
    assert is_classifier(model)
    assert_same(model, peer, 1e-6)
    assert model.n_iter_.shape == peer.n_iter_.shape
    for name in ("decision_function", "predict", "predict_proba", "predict_log_proba"):
        found, expected = getattr(model, name)(rows), getattr(peer, name)(rows)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert model.score(rows, y, WEIGHT) == peer.score(rows, y, WEIGHT)


def test_probabilities_of_rows_far_away():
    """Scores that are too large for exp are no trouble."""
    model = QNClassifier(l2_strength=1.0).fit(X, TARGETS["binary"])
    far = X[:5] * 1e5
    assert np.isfinite(model.predict_log_proba(far)).all()
    np.testing.assert_allclose(model.predict_proba(far).sum(axis=1), 1)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.3])
@pytest.mark.parametrize("target", TARGETS)
def test_sparse_weights_are_those_of_saga(target, l1_ratio):
    """With an L1 penalty the solution is scikit-learn's, to 1e-4, and so are zeros."""
    y = TARGETS[target]
    strengths = {"l1_strength": 20 * l1_ratio, "l2_strength": 20 * (1 - l1_ratio)}
    model = QNClassifier(**strengths, **EXACT).fit(X, y, WEIGHT)
    peer = LogisticRegression(
        C=1 / 20, l1_ratio=l1_ratio, solver="saga", random_state=0
    )
    peer.set_params(tol=1e-8, max_iter=20_000).fit(X, y, WEIGHT)
    np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-4)
    assert ((model.coef_ == 0) == (abs(peer.coef_) < 1e-6)).all()
    assert (model.coef_ == 0).any() or l1_ratio < 1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("target", TARGETS)
def test_short_fits_are_a_long_one(target, penalty, rows):
    """Warm fits of four iterations each come to where one fit comes, to 1e-4."""
    y = TARGETS[target]
    whole = QNClassifier(**EXACT, **PENALTIES[penalty]).fit(rows, y)
    parts = clone(whole).set_params(warm_start=True, max_iter=4)
    gaps = []
    for _ in range(25):
        parts.fit(rows, y)
        assert parts.n_iter_ <= 4
        gaps.append(abs(parts.coef_ - whole.coef_).max())
    assert gaps[0] > 1e-3 > gaps[-1]
    assert_same(parts, whole, 1e-4)
    assert (parts.predict(rows) == whole.predict(rows)).all()


def test_too_few_iterations_are_said():
    """A fit that ends before it has converged warns, as scikit-learn's do."""
    with pytest.warns(ConvergenceWarning, match=r"after 2 iteration.*max_iter"):
        QNClassifier(max_iter=2).fit(X, TARGETS["multiclass"])


def test_rows_of_single_precision():
    """Rows of float32 give weights and answers of float32, to 1e-3."""
    y = TARGETS["multiclass"]
    double = QNClassifier(l1_strength=1.0, l2_strength=1.0).fit(X, y)
    model = clone(double).fit(X.astype(np.float32), y)
    assert model.coef_.dtype == model.intercept_.dtype == np.float32
    assert model.predict_proba(X.astype(np.float32)).dtype == np.float32
    assert_same(model, double, 1e-3)


def test_without_warm_start_a_fit_begins_anew():
    """A cold fit knows nothing of the last one, nor of its classes."""
    model = QNClassifier(l2_strength=1.0).fit(X, TARGETS["multiclass"])
    model.fit(X[:, :3], TARGETS["binary"])
    assert_same(
        model, QNClassifier(l2_strength=1.0).fit(X[:, :3], TARGETS["binary"]), 0
    )


@pytest.mark.parametrize("penalty", ["l2", "both"])
@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_class_may_be_missing_later(target, rows, penalty):
    """A warm fit without one of the classes is the fit with a row that weighs zero."""
    y = TARGETS[target]
    options = {**EXACT, **PENALTIES[penalty], "warm_start": True}
    model = QNClassifier(**options).fit(rows, y)
    keep = y != y.max()
    weight = np.where(keep, WEIGHT, 0)
    expected = clone(model).fit(rows, y, weight)
    for given in (weight[keep], None):
        later = pickle.loads(pickle.dumps(model)).fit(rows[keep], y[keep], given)
        assert later.coef_.shape == model.coef_.shape
        assert later.classes_.tolist() == model.classes_.tolist()
        if given is not None:
            np.testing.assert_allclose(
                later.predict_proba(X), expected.predict_proba(X), atol=1e-4
            )


def test_frames_and_strings():
    """Feature names are kept and checked, and labels may be strings."""
    y = np.array(["no", "yes"])[(X[:, 0] > 0) * 1]
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = QNClassifier(l2_strength=1.0, warm_start=True).fit(frame, y)
    model.fit(frame, y[::-1])
    assert list(model.feature_names_in_) == list("abcde")
    assert set(model.predict(frame)) <= {"no", "yes"}
    with pytest.raises(ValueError, match="feature names should match"):
        model.fit(frame.rename(columns={"a": "z"}), y)
    with pytest.raises(ValueError, match=r"labels \['maybe'\] .* \['no', 'yes'\]"):
        model.fit(frame, np.where(X[:, 1] > 0, "maybe", y))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("l1_strength", -1.0),
        ("l2_strength", None),
        ("penalty_normalized", "yes"),
        ("fit_intercept", 3),
        ("max_iter", 0),
        ("tol", 0),
        ("delta", -1.0),
        ("linesearch_max_iter", 0),
        ("lbfgs_memory", 1.5),
        ("warm_start", "always"),
        ("verbose", -1),
    ],
)
def test_bad_parameters(name, value):
    """A parameter that makes no sense is named with its value."""
    with pytest.raises(ValueError, match=f"'{name}' parameter.*{value}"):
        QNClassifier(**{name: value}).fit(X, TARGETS["binary"])


# ---- on the device ----


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
@pytest.mark.parametrize("target", TARGETS)
def test_both_solvers_minimise_the_same(device, target, weight, penalty):
    """What cuML minimises is what scikit-learn does, for every penalty, to 1e-4."""
    if weight is not None and target == "multiclass":
        pytest.skip("cuML ignores the weights")
    y = TARGETS[target]
    host = QNClassifier(**EXACT, **PENALTIES[penalty]).fit(X, y, weight)
    model = clone(host).fit(*on_device(X, y, weight))
    assert_same(model, host, 1e-4)
    for name in ("predict", "predict_proba", "predict_log_proba"):
        found = getattr(model, name)(NoHostCopyArray(X))
        assert isinstance(found, NoHostCopyArray)
        np.testing.assert_allclose(found.get(), getattr(host, name)(X), atol=1e-3)
    assert model.score(*on_device(X, y, weight)) == host.score(X, y, weight)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", TARGETS)
def test_rows_stay_on_the_device(device, target, dtype):
    """cuML gets X itself, codes and all parameters; only classes come back."""
    y = TARGETS[target]
    model = QNClassifier(
        l1_strength=3.0, max_iter=50, delta=0.5, linesearch_max_iter=9, lbfgs_memory=3
    )
    rows, labels = on_device(X.astype(dtype), y)
    NoHostCopyArray.host_copies = 0
    model.fit(rows, labels)
    model.set_params(warm_start=True, verbose=True).fit(rows, labels)
    assert model.predict(rows).dtype == labels.dtype
    assert isinstance(model.score(rows, labels), float)
    # The classes, and in each fit which of them are missing.
    assert NoHostCopyArray.host_copies == 3
    first, second = device
    for solver in device:
        seen_X, codes, seen_weight = solver.seen
        assert seen_X is rows
        assert codes.get().tolist() == np.unique(y, return_inverse=True)[1].tolist()
        assert seen_weight is None
    params = {
        "loss": "sigmoid" if target == "binary" else "softmax",
        "l1_strength": 3.0 / 150,
        "l2_strength": 0.0,
        "penalty_normalized": False,
        "max_iter": 50,
        "delta": 0.5,
        "tol": 1e-4,
        "linesearch_max_iter": 9,
        "lbfgs_memory": 3,
        "fit_intercept": True,
    }
    assert {name: getattr(second, name) for name in params} == params
    assert (first.verbose, second.verbose) == (2, True)
    assert model.coef_.dtype == dtype
    assert isinstance(model.coef_, NoHostCopyArray)
    assert isinstance(model.intercept_, NoHostCopyArray)
    assert isinstance(model.classes_, np.ndarray)


@pytest.mark.parametrize("penalty", ["l2", "no intercept"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_fit_on_the_device_goes_on(device, target, penalty):
    """Warm fits begin with the last weights, which a copy of the model keeps."""
    rows, labels = on_device(X, TARGETS[target])
    whole = QNClassifier(**EXACT, **PENALTIES[penalty]).fit(rows, labels)
    model = clone(whole).set_params(warm_start=True, max_iter=3)
    with pytest.warns(ConvergenceWarning, match="in 3 iteration"):
        model.fit(rows, labels)
    while device[-1].n_iter_ > 3:
        assert model.n_iter_ == 3
        kept, before = model.coef_, model.coef_.get()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(rows, labels)
        assert (kept.get() == before).all()
    assert 4 < len(device) < 30
    assert_same(model, whole, 1e-4)


def test_models_move_between_devices(device):
    """A fit begun on one device goes on, and answers, on the other."""
    y = TARGETS["multiclass"]
    rows, labels = on_device(X, y)
    host = QNClassifier(l2_strength=1.0, warm_start=True, **EXACT).fit(X, y)
    np.testing.assert_allclose(
        host.predict_proba(rows).get(), host.predict_proba(X), atol=1e-12
    )
    moved = pickle.loads(pickle.dumps(host)).fit(rows, labels)
    assert moved.n_iter_ <= 1
    assert_same(moved, host, 1e-5)
    assert isinstance(moved.predict_proba(X), np.ndarray)
    moved.fit(X, y)
    assert isinstance(moved.coef_, np.ndarray)


def test_a_missing_class_on_the_device(device):
    """Of two classes one may be missing later, as on the host; of more cuML needs all.

    Nothing is trained then.
    """
    y = TARGETS["binary"]
    keep = y < 0
    options = {**EXACT, "l2_strength": 2.0, "warm_start": True}
    for weight in (None, WEIGHT):
        given = None if weight is None else weight[keep]
        host = QNClassifier(**options).fit(X, y, weight)
        model = clone(host).fit(*on_device(X, y, weight))
        host.fit(X[keep], y[keep], given)
        model.fit(*on_device(X[keep], y[keep], given))
        assert device[-1].seen[0].shape == (keep.sum() + 1, 5)
        assert model.coef_.shape == (1, 5)
        np.testing.assert_allclose(model.coef_.get(), host.coef_, atol=1e-4)
        np.testing.assert_allclose(
            model.predict_proba(NoHostCopyArray(X)).get(),
            host.predict_proba(X),
            atol=1e-4,
        )
    y = TARGETS["multiclass"]
    model = QNClassifier(**options).fit(*on_device(X, y))
    before = model.coef_.get()
    with pytest.raises(ValueError, match=r"no row of the classes \[5\]"):
        model.fit(*on_device(X[y != 5], y[y != 5]))
    assert (model.coef_.get() == before).all()


def test_weights_that_cuml_ignores_are_refused(device):
    """With more than two classes there must be no weights on the device."""
    with pytest.raises(ValueError, match="sample_weight must be None on a GPU"):
        QNClassifier().fit(*on_device(X, TARGETS["multiclass"], WEIGHT))
    assert not device


BAD = {
    "nan": (np.full((150, 5), np.nan), TARGETS["binary"], "Input X contains NaN"),
    "lengths": (X[:9], TARGETS["binary"], "inconsistent numbers of samples"),
    "features": (X[:, :3], TARGETS["binary"], "3 features, but QNClassifier is exp"),
    "continuous": (X, X[:, 0], "Unknown label type: continuous"),
    "unknown": (X, np.arange(150) % 2, r"labels \[0, 1\] that are not in .*\[-3, 7\]"),
    "no y": (X, None, "requires y to be passed"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_on_the_device(device, what):
    """Bad rows on a device are refused as bad rows on the host are."""
    *given, message = BAD[what]
    model = QNClassifier(l2_strength=1.0, warm_start=True)
    model.fit(*on_device(X, TARGETS["binary"]))
    with pytest.raises(ValueError, match=message):
        model.fit(*on_device(*given))
    assert len(device) == 1


def test_one_class_is_refused(device):
    """A first fit needs two classes."""
    for y in (np.full(150, 4), np.full(150, 4.0)):
        with pytest.raises(ValueError, match="only one class: 4"):
            QNClassifier().fit(*on_device(X, y))


def test_mixed_devices_are_refused(device):
    """Rows on a device and labels on the host, or the reverse, are an error."""
    y = TARGETS["binary"]
    for rows, labels in ((NoHostCopyArray(X), y), (X, NoHostCopyArray(y))):
        with pytest.raises(TypeError, match="cannot mix"):
            QNClassifier().fit(rows, labels)
        # A score is of labels, which cost little to move.
        model = QNClassifier(l2_strength=1.0).fit(X, y)
        assert model.score(rows, labels) == model.score(X, y)


def test_without_cuml_the_device_is_an_error(monkeypatch):
    """Where cuML is missing, the error says so."""
    for name in ("cuml", "cuml.solvers"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DeviceNotFoundError, match="where cuML is installed"):
        QNClassifier().fit(*on_device(X, TARGETS["binary"]))
