# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models answer rows on either side, whichever side they were trained on."""

import numpy as np
import pytest
import scipy.sparse

from gpu_hpo.devices import to_host
from gpu_hpo.linear_model import QNClassifier, SGDClassifier, SGDRegressor
from gpu_hpo.neural_network import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 5))
# With noise, so that no model is always right.
SIGNAL = X[:, 0] + 0.5 * RNG.standard_normal(60)
TARGETS = {
    "two classes": (SIGNAL > 0).astype(np.int64),
    "three classes": (SIGNAL > 0).astype(np.int64) + (SIGNAL > 0.8),
    "targets": SIGNAL,
}
CLASSIFIERS = {
    "SGD": lambda: SGDClassifier(loss="log_loss", batch_size=16, random_state=0),
    "averaged SGD": lambda: SGDClassifier(average=3, batch_size=16, random_state=0),
    "MLP": lambda: MLPClassifier((4,), max_iter=3, random_state=0),
}
REGRESSORS = {
    "SGD": lambda: SGDRegressor(batch_size=16, random_state=0),
    "MLP": lambda: MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0),
}
CASES = [
    pytest.param(make, target, id=f"{name}, {target}")
    for makes, targets in (
        (CLASSIFIERS, ("two classes", "three classes")),
        (REGRESSORS, ("targets",)),
    )
    for name, make in makes.items()
    for target in targets
]
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


@pytest.fixture
def cp():
    import cupy

    return cupy


def responses(model, rows):
    """What each method of a model gives for rows, by name."""
    names = [name for name in METHODS if hasattr(model, name)]
    return {name: getattr(model, name)(rows) for name in names}


def assert_same(found, expected, kind):
    assert found.keys() == expected.keys()
    for name, values in found.items():
        assert type(values) is kind, name
        np.testing.assert_allclose(
            to_host(values), to_host(expected[name]), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize(("make", "target"), CASES)
@pytest.mark.parametrize("trained", ["host", "device"])
def test_answers_are_where_the_rows_are(cp, make, target, trained):
    """Each response to rows on a side is there, with the values of the other side."""
    y = TARGETS[target]
    given = (X, y) if trained == "host" else (cp.asarray(X), cp.asarray(y))
    model = make().fit(*given)
    on_host, on_device = responses(model, X), responses(model, cp.asarray(X))
    assert_same(on_host, on_device, np.ndarray)
    assert_same(on_device, on_host, cp.ndarray)
    assert "predict" in on_host
    # The model stays where it was.
    weights = model.coefs_[0] if hasattr(model, "coefs_") else model.coef_
    assert type(weights) is (np.ndarray if trained == "host" else cp.ndarray)


@pytest.mark.parametrize(("make", "target"), CASES)
@pytest.mark.parametrize("trained", ["host", "device"])
def test_scores_are_the_same_on_both_sides(cp, make, target, trained):
    """`score` takes X, y and weights of either side, each by itself."""
    y, weight = TARGETS[target], np.random.default_rng(1).random(60)
    given = (X, y) if trained == "host" else (cp.asarray(X), cp.asarray(y))
    model = make().fit(*given)
    plain = [model.score(X, y)]
    plain += [model.score(cp.asarray(X), labels) for labels in (y, cp.asarray(y))]
    weighted = [model.score(X, y, weight)]
    weighted += [
        model.score(cp.asarray(X), cp.asarray(y), w)
        for w in (weight, cp.asarray(weight))
    ]
    for found in (plain, weighted):
        assert all(isinstance(score, float) for score in found)
        assert found == pytest.approx([found[0]] * 3, rel=1e-9)
    assert plain[0] != weighted[0]


@pytest.mark.parametrize("trained", ["host", "device"])
def test_sparse_rows_of_either_side(cp, trained):
    """Linear models answer CSR rows of SciPy and of CuPy alike."""
    from cupyx.scipy.sparse import csr_matrix

    rows = scipy.sparse.csr_matrix(np.where(X > 0, X, 0))
    y = TARGETS["three classes"]
    on_device = csr_matrix(rows)
    given = (rows, y) if trained == "host" else (on_device, cp.asarray(y))
    model = CLASSIFIERS["SGD"]().fit(*given)
    assert_same(responses(model, rows), responses(model, on_device), np.ndarray)


def test_labels_that_no_device_holds(cp):
    """A model trained on strings answers rows on a device, with labels on the host."""
    labels = np.array(["no", "yes"])[TARGETS["two classes"]]
    for make in (*CLASSIFIERS.values(), QNClassifier):
        model = make().fit(X, labels)
        found = model.predict(cp.asarray(X))
        assert isinstance(found, np.ndarray)
        assert (found == model.predict(X)).all()
        assert model.score(cp.asarray(X), labels) == model.score(X, labels)


def test_quasi_newton_answers_both_sides(cp):
    """QN, trained on the host, answers and is scored where the rows are."""
    y = TARGETS["three classes"]
    model = QNClassifier().fit(X, y)
    assert_same(responses(model, cp.asarray(X)), responses(model, X), cp.ndarray)
    assert model.score(cp.asarray(X), y) == model.score(X, y)


@pytest.mark.parametrize(("make", "target"), CASES)
def test_weights_may_be_on_the_host(cp, make, target):
    """Rows on a device may have weights on the host, with the same result."""
    rows, y = cp.asarray(X), cp.asarray(TARGETS[target])
    weight = 1.0 + np.arange(60) % 3
    models = [
        make().fit(rows, y, sample_weight=w) for w in (weight, cp.asarray(weight))
    ]
    models.append(make().fit(X, TARGETS[target], sample_weight=weight))
    found = [model.predict(X) for model in models]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[0], found[2], rtol=1e-9)
    with pytest.raises(ValueError, match=r"sample_weight\.shape"):
        make().fit(rows, y, sample_weight=weight[:10])


@pytest.mark.parametrize(("make", "target"), CASES)
def test_mixed_sides_are_refused_in_words(cp, make, target):
    """X and y on two sides, or chunks on two sides, are refused by name of what."""
    y = TARGETS[target]
    device = cp.asarray(X), cp.asarray(y)
    words = "gpu_hpo.devices.to_host or to_device"
    for rows, labels in ((X, device[1]), (device[0], y)):
        with pytest.raises(TypeError, match=f"cannot mix .*{words}"):
            make().fit(rows, labels)
    more = {"classes": np.unique(y)} if target != "targets" else {}
    for first, second in (((X, y), device), (device, (X, y))):
        model = make().partial_fit(*first, **more)
        before = model.predict(X)
        with pytest.raises(TypeError, match=f"has been trained on .*{words}"):
            model.partial_fit(*second)
        np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("make", [CLASSIFIERS["SGD"], CLASSIFIERS["MLP"]])
def test_early_stopping_on_a_device(cp, make):
    """With two classes and with three, early stopping does what it does on the host."""
    for target in ("two classes", "three classes"):
        y = TARGETS[target]
        host, device = (
            make().set_params(early_stopping=True, max_iter=9) for _ in "ab"
        )
        host.fit(X, y)
        device.fit(cp.asarray(X), cp.asarray(y))
        assert device.n_iter_ == host.n_iter_
        np.testing.assert_allclose(
            responses(device, X)["predict_proba"],
            responses(host, X)["predict_proba"],
            rtol=1e-9,
        )


def test_bad_rows_on_a_device(cp):
    """NaN, infinity and no rows are refused as scikit-learn refuses them."""
    y = cp.asarray(TARGETS["two classes"])
    for make in CLASSIFIERS.values():
        for value in (np.nan, np.inf):
            bad = X.copy()
            bad[3, 2] = value
            with pytest.raises(ValueError, match="NaN or infinity"):
                make().fit(cp.asarray(bad), y)
        model = make().fit(cp.asarray(X), y)
        with pytest.raises(ValueError, match="NaN or infinity"):
            model.predict(cp.asarray(bad))
        with pytest.raises(ValueError, match=r"0 sample\(s\)"):
            make().fit(cp.asarray(X[:0]), y[:0])


@pytest.mark.parametrize("make", CLASSIFIERS.values())
def test_classes_may_be_on_the_device(cp, make):
    """The classes of a first call may be the device's, whose labels they are."""
    y = TARGETS["three classes"]
    for rows, labels in ((X, y), (cp.asarray(X), cp.asarray(y))):
        found = make().partial_fit(rows, labels, classes=cp.unique(cp.asarray(y)))
        expected = make().partial_fit(rows, labels, classes=np.unique(y))
        np.testing.assert_array_equal(found.predict(X), expected.predict(X))


@pytest.mark.parametrize(("make", "target"), CASES)
def test_bad_weights_are_refused_in_words(cp, make, target):
    """Weights on the other side than host rows, and weights that are NaN."""
    y, weight = TARGETS[target], np.ones(60)
    with pytest.raises(TypeError, match="cannot mix"):
        make().fit(X, y, sample_weight=cp.asarray(weight))
    weight[3] = np.nan
    for rows, labels in ((X, y), (cp.asarray(X), cp.asarray(y))):
        with pytest.raises(ValueError, match="sample_weight contains NaN"):
            make().fit(rows, labels, sample_weight=weight)


# NumPy's, of what scikit-learn makes of NaN.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("make", CLASSIFIERS.values())
def test_scores_of_bad_input(cp, make):
    """`score` on a device refuses what scikit-learn refuses."""
    y = TARGETS["two classes"]
    model = make().fit(X, y)
    nan = np.where(np.arange(60) == 3, np.nan, y)
    for labels, weight, words in (
        (y[:1], None, "inconsistent numbers of samples"),
        (y[:10], None, "inconsistent numbers of samples"),
        (nan, None, "NaN"),
        (y, np.zeros(60), "non-zero"),
    ):
        for side in (np.asarray, cp.asarray):
            given = None if weight is None else side(weight)
            with pytest.raises(ValueError, match=words):
                model.score(side(X), side(labels), given)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_an_intercept_that_diverges(cp):
    """An intercept that its type cannot hold is no success on a device either."""
    rows, y = np.array([[1], [-1]], np.float32), np.array([1, 1])
    for side in (np.asarray, cp.asarray):
        model = SGDClassifier(
            loss="hinge",
            penalty=None,
            learning_rate="constant",
            eta0=3e38,
            shuffle=False,
        )
        with pytest.raises(ValueError, match="under-/overflow"):
            model.partial_fit(side(rows), side(y), classes=[0, 1])
