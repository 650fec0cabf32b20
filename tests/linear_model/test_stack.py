# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models in stacks are what they are alone, and both loops agree."""

import itertools
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpu_hpo import linear_model as ours
from gpu_hpo.linear_model._array_loop import array_epoch
from gpu_hpo.stacks._contract import stack_key
from gpu_hpo.testing import NoHostCopyArray, check_stackable

rng = np.random.default_rng(0)
X = rng.standard_normal((90, 7)) / 2
SPARSE = scipy.sparse.csr_matrix(np.where(rng.random(X.shape) < 0.4, X, 0))
WEIGHT = rng.random(90)
TARGETS = {
    "multiclass": rng.integers(0, 3, 90),
    "binary": (X[:, 0] > 0).astype(int),
    "regression": X[:, 0] * 2 + rng.standard_normal(90),
}
OPTIONS = {
    "default": {},
    "log_loss": {"loss": "log_loss", "batch_size": 8, "penalty": "elasticnet"},
    "modified_huber": {"loss": "modified_huber", "learning_rate": "constant"},
    "perceptron": {"loss": "perceptron", "penalty": "l1", "batch_size": 3},
    "squared_hinge": {"loss": "squared_hinge", "learning_rate": "invscaling"},
    "huber": {
        "loss": "huber",
        "penalty": "l1",
        "average": True,
        "learning_rate": "constant",
    },
    "squared_error": {"loss": "squared_error", "learning_rate": "invscaling"},
    "epsilon": {"loss": "epsilon_insensitive", "penalty": None, "batch_size": 100},
    "squared_epsilon": {
        "loss": "squared_epsilon_insensitive",
        "learning_rate": "adaptive",
        "batch_size": 32,
    },
    "average": {"average": 20, "penalty": "elasticnet", "batch_size": 2},
    "pa1": {"learning_rate": "pa1", "batch_size": 4, "average": True},
    "pa2": {"learning_rate": "pa2", "penalty": "l1"},
    "in order": {"shuffle": False, "fit_intercept": False},
}
CASES = [
    (target, option)
    for target, option in itertools.product(TARGETS, OPTIONS)
    if target != "regression"
    or option in ("default", "huber", "squared_error", "epsilon", "squared_epsilon")
    or OPTIONS[option].get("loss", "hinge") == "hinge"
]


def model_of(target, **options):
    if target == "regression":
        loss = options.get("loss", "squared_error")
        if options.get("learning_rate", "").startswith("pa"):
            loss = "epsilon_insensitive"
        return ours.SGDRegressor(**options | {"loss": loss}, alpha=0.01)
    return ours.SGDClassifier(**options, alpha=0.01)


def classes_of(target):
    return {} if target == "regression" else {"classes": np.unique(TARGETS[target])}


def family(target, option, n=5):
    """Models that differ in every number."""
    model = model_of(target, **OPTIONS[option])
    return [
        clone(model).set_params(
            random_state=i % 3,
            alpha=10.0 ** -(1 + i % 5),
            l1_ratio=0.1 + 0.8 * (i % 7) / 7,
            eta0=0.01 / (1 + i % 11),
            power_t=0.1 * (1 + i % 9),
            epsilon=0.05 * (1 + i % 4),
            average=model.average and 1 + i % 13 * 5,
            max_iter=3 + i % 5 * 4,
        )
        for i in range(n)
    ]


@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize(("target", "option"), CASES)
def test_stack(target, option, rows):
    """In stacks of any composition a model is bit for bit what it is alone."""
    check_stackable(
        family(target, option),
        rows,
        TARGETS[target],
        sample_weight=WEIGHT,
        **classes_of(target),
    )


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("target", "option"),
    [
        ("multiclass", "average"),
        ("binary", "log_loss"),
        ("regression", "default"),
        ("regression", "huber"),
        ("binary", "pa2"),
    ],
)
def test_large_stack(target, option, dtype, rows, weight):
    """A member of a stack of 256 is bit for bit what it is in others and alone."""
    rows, y = rows.astype(dtype), TARGETS[target]
    models = family(target, option, 256)
    for i, model in enumerate(models):
        model.random_state = int(i > 200)
    kind = type(models[0])
    parts = {n: kind.stack(models[100 : 100 + n]) for n in (1, 7, 13, 50)}
    whole = kind.stack(models)
    for stack in (whole, *parts.values()):
        for _ in range(2):
            stack.partial_fit(rows, y, sample_weight=weight, **classes_of(target))
        assert stack.errors == [None] * len(stack)
    assert whole.arrays["coefs"].dtype == dtype
    joint = whole.predict(rows)
    for n, stack in parts.items():
        members = slice(100, 100 + n)
        assert (stack.arrays["coefs"] == whole.arrays["coefs"][members]).all()
        assert (stack.arrays["intercepts"] == whole.arrays["intercepts"][members]).all()
        assert (stack.predict(rows) == joint[members]).all()
    for i in (0, 150, 255):
        alone = models[i]
        for _ in range(2):
            alone.partial_fit(rows, y, sample_weight=weight, **classes_of(target))
        assert (alone.coef_ == whole.unstack()[i].coef_).all()
        assert (alone.predict(rows) == joint[i]).all()


@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize(("target", "option"), CASES)
def test_loops_agree(monkeypatch, target, option, rows):
    """The compiled loop gives what the array operations give, in calls and fits."""
    y = TARGETS[target]

    def results():
        stack = type(models[0]).stack(models)
        for _ in range(3):
            stack.partial_fit(rows, y, sample_weight=WEIGHT, **classes_of(target))
        fitted = clone(models[1]).set_params(tol=None, max_iter=5).fit(rows, y)
        return stack, fitted

    models = family(target, option)
    compiled, fitted = results()
    for module in ("_linear_stack", "_stopping"):
        monkeypatch.setattr(f"gpu_hpo.linear_model.{module}.train_epoch", array_epoch)
    arrays, peer = results()
    for name in ("coefs", "intercepts", "average_coefs", "average_intercepts"):
        np.testing.assert_allclose(
            compiled.arrays[name], arrays.arrays[name], rtol=1e-9, atol=1e-11
        )
    np.testing.assert_allclose(fitted.coef_, peer.coef_, rtol=1e-9, atol=1e-11)
    assert fitted.t_ == peer.t_


@pytest.mark.parametrize("penalty", ["l2", None])
@pytest.mark.parametrize("size", [1, 7, 30, 200])
def test_batches(size, penalty):
    """A batch moves the weights by the mean of what its rows say, once."""
    y = TARGETS["regression"]
    model = ours.SGDRegressor(
        batch_size=size, penalty=penalty, alpha=0.1, random_state=3, average=True
    )
    w, b, t, seen = np.zeros(7), 0.0, 1, []
    for _ in range(2):
        order = np.random.RandomState(3).permutation(90)
        model.partial_fit(X, y, sample_weight=WEIGHT)
        for some in np.split(order, range(size, 90, size)):
            eta = 0.01 / t**0.25
            gradient = np.mean(
                [WEIGHT[i] * (X[i] @ w + b - y[i]) * np.append(X[i], 1) for i in some],
                axis=0,
            )
            if penalty == "l2":
                w = w - eta * 0.1 * w
            w, b = w - eta * gradient[:-1], b - eta * gradient[-1]
            seen.append(w)
            t += 1
    assert model.t_ == t
    np.testing.assert_allclose(model._standard_coef, w)
    np.testing.assert_allclose(model._standard_intercept, [b])
    np.testing.assert_allclose(model.coef_, np.mean(seen, axis=0))


@pytest.mark.parametrize("size", [1, 8, 64])
@pytest.mark.parametrize("target", TARGETS)
def test_sparse_is_dense(target, size):
    """But for its intercept, sparse rows train as the same rows dense."""
    y = TARGETS[target]
    for average in (False, 5):
        model = model_of(target, fit_intercept=False, average=average, batch_size=size)
        dense = clone(model).set_params(random_state=0)
        sparse = clone(dense)
        for _ in range(3):
            dense.partial_fit(SPARSE.toarray(), y, **classes_of(target))
            sparse.partial_fit(SPARSE, y, **classes_of(target))
        np.testing.assert_allclose(sparse.coef_, dense.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("size", [1, 10])
def test_divergence_harms_no_neighbour(size, rows):
    """A model whose weights overflow fails alone, as it does by itself."""
    y = TARGETS["regression"]
    models = [ours.SGDRegressor(random_state=i, batch_size=size) for i in range(3)]
    models[1].eta0 = 1e300
    alone = [clone(model) for model in models]
    stack = ours.SGDRegressor.stack(models)
    for _ in range(3):
        stack.partial_fit(rows, y)
    with pytest.raises(ValueError, match="Floating-point under-/overflow occurred"):
        for _ in range(3):
            alone[1].partial_fit(rows, y)
    assert [error is None for error in stack.errors] == [True, False, True]
    assert "Floating-point under-/overflow occurred" in str(stack.errors[1])
    for i in (0, 2):
        for _ in range(3):
            alone[i].partial_fit(rows, y)
        assert (alone[i].coef_ == stack.unstack()[i].coef_).all()


def test_key():
    """Numbers do not part models; what is computed in another way does."""
    model = ours.SGDClassifier(average=3)
    numbers = {"alpha": 1.0, "l1_ratio": 0.3, "eta0": 0.1, "power_t": 0.1}
    numbers |= {"epsilon": 0.3, "average": 7, "random_state": 5, "tol": 0.1}
    assert stack_key(clone(model).set_params(**numbers)) == stack_key(model)
    for name, value in {
        "loss": "log_loss",
        "penalty": "l1",
        "learning_rate": "constant",
        "batch_size": 10,
        "shuffle": False,
        "fit_intercept": False,
        "average": False,
        "class_weight": {0: 1.0, 1: 3.0},
    }.items():
        assert stack_key(clone(model).set_params(**{name: value})) != stack_key(model)
    fitted = clone(model).partial_fit(X, TARGETS["binary"], classes=[0, 1])
    assert stack_key(fitted) != stack_key(model)
    assert stack_key(fitted) == stack_key(clone(fitted).fit(X, TARGETS["binary"]))
    with pytest.raises(ValueError, match="'alpha' parameter"):
        stack_key(ours.SGDClassifier(alpha=-1))


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        ours.SGDClassifier(max_iter=20),
        ours.SGDClassifier(max_iter=20, batch_size=4, average=True, penalty="l1"),
        ours.SGDRegressor(max_iter=20),
        ours.SGDRegressor(max_iter=20, batch_size=4, average=True, penalty="l1"),
    ],
    # Nor is it so for scikit-learn's: two rows are not one row that counts twice.
    expected_failed_checks=lambda _: {
        f"check_sample_weight_equivalence_on_{rows}_data": "rows are seen one by one"
        for rows in ("dense", "sparse")
    },
)
def test_estimator_checks(estimator, check):
    """scikit-learn's own checks pass."""
    check(estimator)


def test_frames_pickles_and_clones():
    """Feature names are kept and checked, and a pickle trains on as the original."""
    y = TARGETS["multiclass"]
    model = ours.SGDClassifier(average=True, random_state=0)
    frame = pd.DataFrame(X, columns=list("abcdefg"))
    model.partial_fit(frame, y, classes=[0, 1, 2])
    assert list(model.feature_names_in_) == list("abcdefg")
    assert model.n_features_in_ == 7
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"a": "z"}))
    copied = pickle.loads(pickle.dumps(model))
    for each in (model, copied):
        each.partial_fit(frame, y)
    assert (model.coef_ == copied.coef_).all()
    assert not hasattr(clone(model), "coef_")
    sparse = copied.sparsify().predict(frame)
    assert (sparse == model.predict(frame)).all()


@pytest.mark.parametrize(("target", "option"), CASES)
def test_on_a_device(target, option):
    """Rows on a device are trained on there; weights and answers stay there too."""
    y, device_y = TARGETS[target], NoHostCopyArray(TARGETS[target])
    host = model_of(target, **OPTIONS[option]).set_params(random_state=3)
    device = clone(host)
    NoHostCopyArray.host_copies = 0
    for _ in range(3):
        host.partial_fit(X, y, sample_weight=WEIGHT, **classes_of(target))
        device.partial_fit(
            NoHostCopyArray(X),
            device_y,
            sample_weight=NoHostCopyArray(WEIGHT),
            **classes_of(target),
        )
    # Of each call, whether the weights are finite.
    assert NoHostCopyArray.host_copies == 3
    np.testing.assert_allclose(device.coef_.get(), host.coef_, rtol=1e-9, atol=1e-11)
    answer = device.predict(NoHostCopyArray(X))
    assert isinstance(answer, NoHostCopyArray)
    np.testing.assert_allclose(answer.get(), host.predict(X), atol=1e-9)
    for name in ("decision_function", "predict_proba"):
        if hasattr(host, name):
            answer = getattr(device, name)(NoHostCopyArray(X))
            np.testing.assert_allclose(answer.get(), getattr(host, name)(X), atol=1e-9)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("target", TARGETS)
def test_fit_on_a_device(target, early_stopping):
    """A fit on a device is the fit on the host."""
    y = TARGETS[target]
    host = model_of(target, early_stopping=early_stopping, random_state=0, tol=1e-2)
    device = clone(host).fit(NoHostCopyArray(X), NoHostCopyArray(y))
    host.fit(X, y)
    assert device.n_iter_ == host.n_iter_
    np.testing.assert_allclose(device.coef_.get(), host.coef_, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.full((90, 7), np.nan), "Input X contains NaN"),
        (X[:, 0], "Expected 2D array"),
        (X[:9], "inconsistent numbers of samples"),
        (X[:, :3], "3 features, but SGDClassifier is expecting 7"),
    ],
    ids=["nan", "one dimension", "lengths", "features"],
)
def test_bad_input_on_a_device(bad, message):
    """Bad rows on a device are refused as bad rows on the host are."""
    y = NoHostCopyArray(TARGETS["binary"])
    model = ours.SGDClassifier().partial_fit(NoHostCopyArray(X), y, classes=[0, 1])
    with pytest.raises(ValueError, match=message):
        model.partial_fit(NoHostCopyArray(bad), y)


def test_seeds():
    """Equal seeds share an order of rows, and others have their own."""
    models = [ours.SGDClassifier(random_state=i) for i in (1, 1, 2)]
    stack = ours.SGDClassifier.stack(models)
    stack.partial_fit(X, TARGETS["binary"], classes=[0, 1])
    assert (stack.arrays["coefs"][0] == stack.arrays["coefs"][1]).all()
    assert (stack.arrays["coefs"][0] != stack.arrays["coefs"][2]).any()
    unset = ours.SGDClassifier(random_state=np.random.RandomState(0))
    first = clone(unset).partial_fit(X, TARGETS["binary"], classes=[0, 1])
    again = unset.partial_fit(X, TARGETS["binary"], classes=[0, 1])
    assert (first.coef_ == again.coef_).all()


def test_blocks_of_lanes_do_not_matter(monkeypatch):
    """A model is bit for bit the same however many lanes are trained at a time."""
    from gpu_hpo.linear_model import _compiled

    found = []
    for block in (8, 40, 256):
        monkeypatch.setattr(_compiled, "BLOCK", block)
        stack = ours.SGDClassifier.stack(family("multiclass", "log_loss", 60))
        stack.partial_fit(X, TARGETS["multiclass"], classes=[0, 1, 2])
        found.append(stack.arrays["coefs"])
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()


def test_numba_is_not_imported_before_it_is_needed():
    """Importing the package does not import Numba."""
    code = "import sys, gpu_hpo.linear_model; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_batches_larger_than_chunks():
    """A batch size beyond the rows is that of the rows, and takes no room for more."""
    models = [
        ours.SGDRegressor(batch_size=size, random_state=0).partial_fit(X, X[:, 0])
        for size in (90, 10**10)
    ]
    assert (models[0].coef_ == models[1].coef_).all()


def test_generators_are_drawn_from_alone():
    """A model draws from the generator that it was given; a stack from copies."""
    generator = np.random.RandomState(0)
    model = ours.SGDRegressor(random_state=generator)
    before = generator.get_state()[1].tolist(), generator.get_state()[2]
    stack = ours.SGDRegressor.stack([model])
    stack.take([0]).partial_fit(X, X[:, 0])
    stack.partial_fit(X, X[:, 0])
    assert before == (generator.get_state()[1].tolist(), generator.get_state()[2])
    model.partial_fit(X, X[:, 0])
    assert model.random_state is generator
    assert before != (generator.get_state()[1].tolist(), generator.get_state()[2])
    assert (model.coef_ == stack.unstack()[0].coef_).all()
