# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""With batches of one row in a given order, models are scikit-learn's."""

import itertools
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning

from gpu_hpo import linear_model as ours

rng = np.random.default_rng(0)
X = rng.standard_normal((120, 6)) / 3
X[7, 1:] = 0
# Some of each row, as a score of exactly zero may fall on either side.
SPARSE = np.where(rng.random(X.shape) < 0.4, X, 0)
SPARSE[:, 0] = X[:, 0]
SPARSE = scipy.sparse.csr_matrix(SPARSE)
WEIGHT = rng.random(120)
TARGETS = {
    "multiclass": rng.integers(0, 3, 120),
    "binary": np.array(["no", "yes"])[(3 * X[:, 0] + rng.standard_normal(120) > 0) * 1],
    "regression": X[:, 0] * 6 + rng.standard_normal(120),
}
CLASSIFIER_LOSSES = [
    "hinge",
    "log_loss",
    "modified_huber",
    "squared_hinge",
    "perceptron",
    "squared_error",
    "huber",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
]
REGRESSOR_LOSSES = CLASSIFIER_LOSSES[5:]
PENALTIES = ["l2", "l1", "elasticnet", None]
RATES = ["optimal", "constant", "invscaling", "adaptive"]
BASE = {"shuffle": False, "alpha": 0.01, "eta0": 0.02}


def pair(target, **options):
    """The same model of scikit-learn's and of ours, and its targets."""
    name = "SGDRegressor" if target == "regression" else "SGDClassifier"
    params = BASE | options
    return getattr(theirs, name)(**params), getattr(ours, name)(**params)


def classes_of(target):
    y = TARGETS[target]
    return {} if target == "regression" else {"classes": np.unique(y)}


def assert_same(model, peer, rtol=1e-9, atol=1e-11):
    for name in ("coef_", "intercept_"):
        a, b = getattr(model, name), getattr(peer, name)
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
    assert model.t_ == peer.t_
    assert model.n_iter_ == peer.n_iter_


def fitted(model, X, y, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y, **params)


def assert_agree(target, rows, **options):
    """Compare three calls, and a fit, with weights and without."""
    y = TARGETS[target]
    for weight in (None, WEIGHT):
        peer, model = pair(target, **options)
        for _ in range(3):
            peer.partial_fit(rows, y, sample_weight=weight, **classes_of(target))
            model.partial_fit(rows, y, sample_weight=weight, **classes_of(target))
        assert_same(model, peer)
    peer, model = pair(target, **{"max_iter": 40} | options)
    fitted(peer, rows, y, sample_weight=WEIGHT)
    fitted(model, rows, y, sample_weight=WEIGHT)
    assert_same(model, peer)
    np.testing.assert_array_equal(
        model.predict(rows), peer.predict(rows)
    ) if target != "regression" else (
        np.testing.assert_allclose(model.predict(rows), peer.predict(rows))
    )


@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", CLASSIFIER_LOSSES)
def test_classifier(loss, penalty, rows):
    """Every loss of a classifier gives scikit-learn's weights with every penalty."""
    for rate, target in zip(RATES, itertools.cycle(["binary", "multiclass"])):
        # Such that weights neither grow without bounds nor are all zero.
        numbers = {"eta0": 1e-3, "alpha": 0.5} if loss.startswith("squared_") else {}
        numbers |= {"alpha": 1e-3} if loss == "perceptron" else {}
        assert_agree(
            target, rows, loss=loss, penalty=penalty, learning_rate=rate, **numbers
        )


@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", REGRESSOR_LOSSES)
def test_regressor(loss, penalty, rows):
    """Every loss of a regressor gives scikit-learn's weights with every penalty."""
    for rate in RATES[1:]:
        assert_agree("regression", rows, loss=loss, penalty=penalty, learning_rate=rate)
    assert_agree("regression", rows, loss=loss, penalty=penalty, power_t=0.4, eta0=1e-3)


@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("rate", ["pa1", "pa2"])
@pytest.mark.parametrize("target", TARGETS)
def test_passive_aggressive(target, rate, penalty, rows):
    """Rates that rows give themselves are scikit-learn's, rows of zeros included."""
    loss = "epsilon_insensitive" if target == "regression" else "hinge"
    rows = rows.copy()
    rows[7, 0] = 0
    for average in (False, 7):
        peer, model = pair(
            target, loss=loss, learning_rate=rate, penalty=penalty, average=average
        )
        fitted(peer, rows, TARGETS[target], sample_weight=WEIGHT)
        fitted(model, rows, TARGETS[target], sample_weight=WEIGHT)
        assert_same(model, peer)


@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("average", [True, 10, 300])
@pytest.mark.parametrize("target", TARGETS)
def test_average(target, average, penalty, rows):
    """Averages are scikit-learn's, from one fit and over calls."""
    y = TARGETS[target]
    for alpha in (0.01, 0.5):
        options = {"average": average, "penalty": penalty, "alpha": alpha}
        peer, model = pair(target, **options, max_iter=4)
        fitted(peer, rows, y)
        fitted(model, rows, y)
        assert_same(model, peer)
        # Without an intercept, which scikit-learn's classifiers forget between calls.
        peer, model = pair(target, **options, fit_intercept=target == "regression")
        for _ in range(4):
            peer.partial_fit(rows, y, **classes_of(target))
            model.partial_fit(rows, y, **classes_of(target))
            assert_same(model, peer)


def test_average_over_calls_with_an_intercept():
    """A classifier that is averaged over calls is the average of one longer call."""
    y = TARGETS["binary"]
    _, model = pair("binary", average=True)
    whole = pair("binary", average=True)[0].partial_fit(
        np.concatenate([X] * 3), np.concatenate([y] * 3), classes=np.unique(y)
    )
    for _ in range(3):
        model.partial_fit(X, y, classes=np.unique(y))
    np.testing.assert_allclose(model.coef_, whole.coef_)
    np.testing.assert_allclose(model.intercept_, whole.intercept_)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 2: 0.5}])
@pytest.mark.parametrize("target", ["multiclass", "binary"])
def test_class_weight(target, class_weight):
    """Classes weigh what they weigh in scikit-learn."""
    y = TARGETS["multiclass"]
    y = y if target == "multiclass" else y // 2 * 2
    peer, model = pair(target, class_weight=class_weight)
    fitted(peer, X, y, sample_weight=WEIGHT)
    fitted(model, X, y, sample_weight=WEIGHT)
    assert_same(model, peer)
    if class_weight != "balanced":
        peer, model = pair(target, class_weight=class_weight)
        for _ in range(3):
            peer.partial_fit(X, y, classes=np.unique(y))
            model.partial_fit(X, y, classes=np.unique(y))
        assert_same(model, peer)


@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize(
    "options",
    [
        # Without an L2 penalty, whose shrinking scikit-learn's scores leave out.
        {"early_stopping": True, "penalty": None, "validation_fraction": 0.3},
        {"early_stopping": True, "penalty": "l1"},
        {"early_stopping": True, "penalty": "l1", "learning_rate": "adaptive"},
        {"learning_rate": "adaptive", "tol": 0.01, "n_iter_no_change": 2},
        {"tol": None, "max_iter": 7},
        {"tol": 0.0, "n_iter_no_change": 1},
        {"fit_intercept": False, "penalty": "elasticnet", "l1_ratio": 0.7},
    ],
    ids=str,
)
@pytest.mark.parametrize("target", TARGETS)
def test_when_a_fit_stops(target, options, rows):
    """A fit stops after as many epochs as scikit-learn's, with the same weights."""
    y = TARGETS[target]
    peer, model = pair(target, **options, random_state=3)
    fitted(peer, rows, y, sample_weight=WEIGHT)
    fitted(model, rows, y, sample_weight=WEIGHT)
    assert_same(model, peer, atol=1e-9)
    assert 1 < model.n_iter_ <= 1000


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("target", TARGETS)
def test_warm_start(target, average):
    """A second fit goes on from the first, or from given weights, as scikit-learn's."""
    y = TARGETS[target]
    peer, model = pair(target, warm_start=True, average=average, max_iter=3)
    for _ in range(3):
        fitted(peer, X, y)
        fitted(model, X, y)
        assert_same(model, peer)
    shape = peer.coef_.shape
    for average in (False, True):
        peer, model = pair(target, max_iter=3, average=average)
        # Copies, as scikit-learn changes what it is given.
        init = {"coef_init": np.ones(shape), "intercept_init": peer_intercept(shape)}
        fitted(peer, X, y, **{name: a.copy() for name, a in init.items()})
        fitted(model, X, y, **init)
        assert_same(model, peer)
        assert (init["coef_init"] == 1).all()


def peer_intercept(shape):
    return np.full(shape[0] if len(shape) == 2 else 1, 0.5)


@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("target", TARGETS)
def test_float32(target, rows):
    """Rows in float32 give weights in float32, scikit-learn's but for rounding."""
    rows = rows.astype(np.float32)
    for options in ({}, {"penalty": "elasticnet", "average": 5}):
        peer, model = pair(target, max_iter=3, **options)
        fitted(peer, rows, TARGETS[target])
        fitted(model, rows, TARGETS[target])
        assert model.coef_.dtype == peer.coef_.dtype == np.float32
        assert_same(model, peer, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("target", ["multiclass", "binary"])
@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
def test_probabilities(loss, target, rows):
    """Probabilities and distances are scikit-learn's."""
    peer, model = pair(target, loss=loss)
    fitted(peer, rows, TARGETS[target])
    fitted(model, rows, TARGETS[target])
    for name in ("predict_proba", "decision_function", "predict_log_proba"):
        with np.errstate(divide="ignore"):
            expected, found = getattr(peer, name)(rows), getattr(model, name)(rows)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)
    assert not hasattr(pair(target)[1], "predict_proba")


def test_shuffled():
    """Shuffled rows give what scikit-learn makes of the same rows in that order."""
    y = TARGETS["multiclass"]
    order = np.random.RandomState(5).permutation(120)
    peer = theirs.SGDClassifier(shuffle=False)
    model = ours.SGDClassifier(random_state=5)
    for _ in range(3):
        peer.partial_fit(X[order], y[order], classes=[0, 1, 2])
        model.partial_fit(X, y, classes=[0, 1, 2])
        assert_same(model, peer)


BAD = {
    "alpha": ({"alpha": -1}, {}),
    "optimal without alpha": ({"alpha": 0, "learning_rate": "optimal"}, {}),
    "loss": ({"loss": "step"}, {}),
    "passive loss": ({"learning_rate": "pa1", "loss": "log_loss"}, {}),
    "penalty": ({"penalty": "l3"}, {}),
    "l1_ratio": ({"penalty": "elasticnet", "l1_ratio": None}, {}),
    "early": ({"early_stopping": True}, {}),
    "balanced": ({"class_weight": "balanced"}, {}),
    "nan": ({}, {"X": np.full((120, 6), np.nan)}),
    "one dimension": ({}, {"X": X[:, 0]}),
    "lengths": ({}, {"X": X[:10]}),
    "no classes": ({}, {"classes": None}),
    "unknown class": ({}, {"classes": [0, 1]}),
    "one class": ({}, {"classes": [0], "y": np.zeros(120)}),
    "weights": ({}, {"sample_weight": np.ones(3)}),
    "zero weights": ({}, {"sample_weight": np.zeros(120)}),
    "continuous": ({}, {"classes": X[:, 0], "y": X[:, 0]}),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input(what):
    """What scikit-learn refuses is refused with its words, and nothing is trained."""
    options, given = BAD[what]
    peer, model = pair("multiclass", **options)
    given = {"X": X, "y": TARGETS["multiclass"], "classes": [0, 1, 2]} | given
    with pytest.raises(ValueError) as expected:
        peer.partial_fit(**given)
    with pytest.raises(type(expected.value)) as found:
        model.partial_fit(**given)
    assert str(found.value)[:60] == str(expected.value)[:60]
    assert not hasattr(model, "coef_")


@pytest.mark.filterwarnings("ignore:Maximum number of iteration")
def test_bad_input_later():
    """What is wrong with later data or initial weights is said as scikit-learn does."""
    y = TARGETS["multiclass"]
    peer, model = pair("multiclass", max_iter=3)
    calls = [
        lambda m: m.fit(X, y).partial_fit(X[:, :3], y),
        lambda m: m.fit(X, y).predict(X[:, :3]),
        lambda m: m.fit(X, y).partial_fit(X, y, classes=[0, 1]),
        lambda m: m.fit(X, y, coef_init=np.ones((2, 6))),
        lambda m: m.fit(X, y, intercept_init=np.ones(2)),
        lambda m: m.fit(X, np.zeros(120)),
        lambda m: m.fit(X, y, sample_weight=np.zeros(120)),
        lambda m: m.set_params(
            eta0=1e308, loss="squared_hinge", learning_rate="constant"
        ).fit(X, y),
    ]
    for call in calls:
        with pytest.raises(ValueError) as expected:
            call(peer)
        with pytest.raises(ValueError) as found:
            call(model)
        assert str(found.value)[:60] == str(expected.value)[:60]


@pytest.mark.parametrize("size", [0, -3, 1.5, "all"])
def test_bad_batch_size(size):
    """A batch size that is no positive integer is refused."""
    with pytest.raises(ValueError, match="'batch_size' parameter"):
        ours.SGDClassifier(batch_size=size).fit(X, TARGETS["binary"])
