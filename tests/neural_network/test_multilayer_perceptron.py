# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Networks are scikit-learn's, number for number, alone and in any stack."""

import copy
import itertools
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy.stats import loguniform, uniform
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from gpu_hpo import neural_network as ours
from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.stacks._contract import stack_key
from gpu_hpo.testing import NoHostCopyArray, check_stackable

rng = np.random.default_rng(0)
X = rng.standard_normal((150, 5))
WEIGHT = rng.random(150)
TARGETS = {
    "multiclass": ("MLPClassifier", rng.integers(0, 3, 150), {}),
    "labels": ("MLPClassifier", np.array(["b", "a", "c"])[rng.integers(0, 3, 150)], {}),
    "binary": ("MLPClassifier", (X[:, 0] > 0).astype(int), {}),
    "multilabel": ("MLPClassifier", (rng.random((150, 3)) > 0.5).astype(int), {}),
    "regression": ("MLPRegressor", X[:, 0] * 2 + rng.standard_normal(150), {}),
    "two targets": ("MLPRegressor", rng.standard_normal((150, 2)), {}),
    "poisson": ("MLPRegressor", rng.poisson(2, 150) * 1.0, {"loss": "poisson"}),
}
BASE = {
    "hidden_layer_sizes": (7, 4),
    "random_state": 3,
    "batch_size": 32,
    "learning_rate_init": 0.01,
}
OPTIONS = {
    "sgd": {"solver": "sgd"},
    "adam": {"solver": "adam"},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    "no momentum": {"solver": "sgd", "momentum": 0},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "tol": 10,
        "n_iter_no_change": 1,
    },
    "tanh": {"activation": "tanh"},
    "logistic": {"activation": "logistic"},
    "identity": {"activation": "identity"},
    "alpha": {"alpha": 0.5, "solver": "sgd"},
    "no alpha": {"alpha": 0},
    "in order": {"shuffle": False},
    "auto": {"batch_size": "auto"},
    "one batch": {"batch_size": 150},
    "one layer": {"hidden_layer_sizes": 6},
    "betas": {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
}


def pair(target, **options):
    """The same network of scikit-learn's and of ours, and its targets."""
    name, y, more = TARGETS[target]
    params = BASE | options | more
    return getattr(theirs, name)(**params), getattr(ours, name)(**params), y


def classes_of(target):
    name, y, _ = TARGETS[target]
    if name == "MLPRegressor":
        return {}
    return {"classes": np.arange(3) if y.ndim == 2 else np.unique(y)}


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer", "ignore:Got `batch_size`")
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_as_scikit_learn(target, option):
    """With the same seed, calls and fits leave the weights that scikit-learn's do."""
    regression = TARGETS[target][0] == "MLPRegressor"
    for weight in (None, WEIGHT):
        peer, model, y = pair(target, **OPTIONS[option])
        for _ in range(3):
            peer.partial_fit(X, y, sample_weight=weight, **classes_of(target))
            model.partial_fit(X, y, sample_weight=weight, **classes_of(target))
        np.testing.assert_allclose(model.loss_curve_, peer.loss_curve_)
        np.testing.assert_allclose(
            model.predict(X), peer.predict(X)
        ) if regression else (
            np.testing.assert_array_equal(model.predict(X), peer.predict(X))
        )
        for early_stopping in (False, True):
            options = OPTIONS[option] | {
                "max_iter": 6,
                "early_stopping": early_stopping,
            }
            peer, model, y = pair(target, **options)
            peer.fit(X, y, weight)
            model.fit(X, y, weight)
            for a, b in zip(peer.coefs_, model.coefs_, strict=True):
                np.testing.assert_allclose(b, a, rtol=0, atol=1e-11)
            for a, b in zip(peer.intercepts_, model.intercepts_, strict=True):
                np.testing.assert_allclose(b, a, rtol=0, atol=1e-11)
            np.testing.assert_allclose(model.loss_curve_, peer.loss_curve_)
            for name in ("t_", "n_iter_", "n_layers_", "n_outputs_", "out_activation_"):
                assert getattr(model, name) == getattr(peer, name)
            np.testing.assert_allclose(
                model.score(X, y, weight), peer.score(X, y, weight)
            )
            if not regression:
                np.testing.assert_allclose(
                    model.predict_proba(X), peer.predict_proba(X), atol=1e-11
                )


# The target has to do with the last layer, an option with all the rest.
@pytest.mark.parametrize(
    ("target", "option"),
    [
        (target, option)
        for target, option in itertools.product(TARGETS, OPTIONS)
        if target in ("multiclass", "regression") or option in ("sgd", "adam", "alpha")
    ],
)
def test_stack(target, option):
    """In stacks of any composition a network is bit for bit what it is alone."""
    _, model, y = pair(target, **OPTIONS[option])
    models = [
        clone(model).set_params(
            random_state=i % 3,
            alpha=model.alpha * (i + 1),
            learning_rate_init=0.01 / (i + 1),
            momentum=model.momentum / (i + 1),
            power_t=0.1 * (i + 1),
            learning_rate="invscaling" if i == 1 else model.learning_rate,
            max_iter=3 + i,
        )
        for i in range(5)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        check_stackable(models, X, y, **classes_of(target))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_large_stack(dtype, n_classes, batch_size):
    """A member of a stack of 256 is bit for bit what it is in one of 7 and alone."""
    few = X[:90].astype(dtype)
    y = np.arange(90) % n_classes
    models = [
        ours.MLPClassifier(
            (9, 3),
            solver="sgd",
            batch_size=batch_size,
            random_state=i % 50,
            alpha=10.0 ** -(i % 7),
        )
        for i in range(256)
    ]
    all_, seven = (ours.MLPClassifier.stack(part) for part in (models, models[100:107]))
    for stack in (all_, seven):
        for _ in range(2):
            stack.partial_fit(few, y, classes=np.unique(y))
    joint, fewer = all_.predict_proba(few), seven.predict_proba(few)
    assert joint.dtype == dtype
    assert (joint[100:107] == fewer).all()
    for i in (0, 103, 255):
        alone = models[i]
        for _ in range(2):
            alone.partial_fit(few, y, classes=np.unique(y))
        assert (alone.predict_proba(few) == joint[i]).all()
        assert alone.loss_ == all_.models[i].loss_


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_divergence_harms_no_neighbour(solver):
    """A network whose weights overflow fails alone, as it does by itself."""
    y = TARGETS["regression"][1]
    models = [
        ours.MLPRegressor(
            hidden_layer_sizes=(5,),
            solver=solver,
            random_state=i,
            activation="identity",
            batch_size=10,
        )
        for i in range(3)
    ]
    models[1].set_params(learning_rate_init=1e300)
    alone = [clone(model) for model in models]
    stack = ours.MLPRegressor.stack(models)
    with np.errstate(all="ignore"):
        for _ in range(3):
            stack.partial_fit(X, y)
        with pytest.raises(ValueError, match="non-finite parameter weights"):
            for _ in range(3):
                alone[1].partial_fit(X, y)
    assert [error is None for error in stack.errors] == [True, False, True]
    assert "non-finite parameter weights" in str(stack.errors[1])
    for i in (0, 2):
        for _ in range(3):
            alone[i].partial_fit(X, y)
        for a, b in zip(alone[i].coefs_, stack.unstack()[i].coefs_, strict=True):
            assert (a == b).all()


def test_key():
    """Numbers do not part networks; what changes shapes or the solver does."""
    model = ours.MLPClassifier((4,), solver="sgd")
    numbers = {"alpha": 1.0, "learning_rate_init": 0.1, "momentum": 0.1, "power_t": 0.1}
    numbers |= {"learning_rate": "invscaling", "random_state": 5, "tol": 0.1}
    assert stack_key(clone(model).set_params(**numbers)) == stack_key(model)
    for name, value in {
        "hidden_layer_sizes": (4, 4),
        "batch_size": 10,
        "solver": "adam",
        "activation": "tanh",
        "shuffle": False,
        "nesterovs_momentum": False,
    }.items():
        assert stack_key(clone(model).set_params(**{name: value})) != stack_key(model)
    fitted = clone(model).partial_fit(X, TARGETS["binary"][1], classes=[0, 1])
    assert stack_key(fitted) != stack_key(model)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.filterwarnings("ignore")
def test_estimator_checks(name, solver):
    """scikit-learn's own checks pass."""
    check_estimator(getattr(ours, name)(solver=solver, max_iter=50))


@pytest.mark.filterwarnings("ignore:lbfgs failed")
@pytest.mark.parametrize("target", TARGETS)
def test_lbfgs(target):
    """The solver that trains on everything at once is scikit-learn's."""
    peer, model, y = pair(target, solver="lbfgs", max_iter=20)
    np.testing.assert_array_equal(
        np.round(model.fit(X, y).predict(X[:20]), 6)
        if y.dtype.kind == "f"
        else (model.fit(X, y).predict(X[:20])),
        np.round(peer.fit(X, y).predict(X[:20]), 6)
        if y.dtype.kind == "f"
        else (peer.fit(X, y).predict(X[:20])),
    )
    assert not hasattr(model, "partial_fit")


def test_frames_pickles_and_clones():
    """Feature names are kept and checked, and a pickle trains on as the original."""
    _, model, y = pair("multiclass", solver="adam")
    frame = pd.DataFrame(X, columns=list("abcde"))
    model.partial_fit(frame, y, classes=[0, 1, 2])
    assert list(model.feature_names_in_) == list("abcde")
    assert model.n_features_in_ == 5
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"a": "z"}))
    copied = pickle.loads(pickle.dumps(model))
    for each in (model, copied):
        each.partial_fit(frame, y)
    for a, b in zip(model.coefs_, copied.coefs_, strict=True):
        assert (a == b).all()
    assert not hasattr(clone(model), "coefs_")


def test_sparse():
    """Sparse rows train as the same rows dense."""
    _, model, y = pair("multiclass")
    dense = clone(model).partial_fit(X, y, classes=[0, 1, 2])
    model.partial_fit(scipy.sparse.csr_matrix(X), y, classes=[0, 1, 2])
    for a, b in zip(model.coefs_, dense.coefs_, strict=True):
        assert (a == b).all()
    assert (model.predict(scipy.sparse.csr_array(X)) == dense.predict(X)).all()


@pytest.mark.parametrize("target", ["multiclass", "binary", "two targets"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_on_a_device(target, solver):
    """Rows on a device are trained on there; weights and answers stay there too."""
    _, model, y = pair(target, solver=solver)
    weight = NoHostCopyArray(WEIGHT)
    device = clone(model)
    for _ in range(3):
        model.partial_fit(X, y, sample_weight=WEIGHT, **classes_of(target))
    NoHostCopyArray.host_copies = 0
    for _ in range(3):
        device.partial_fit(
            NoHostCopyArray(X),
            NoHostCopyArray(y),
            sample_weight=weight,
            **classes_of(target),
        )
    # Of each call the loss, and whether the weights are finite.
    assert NoHostCopyArray.host_copies <= 6
    for a, b in zip(device.coefs_, model.coefs_, strict=True):
        np.testing.assert_allclose(a.get(), b, atol=1e-12)
    assert device.loss_ == pytest.approx(model.loss_)
    answer = device.predict(NoHostCopyArray(X))
    assert isinstance(answer, NoHostCopyArray)
    np.testing.assert_allclose(answer.get(), model.predict(X), atol=1e-12)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.full((150, 5), np.nan), "Input X contains NaN"),
        (X[:, 0], "Expected 2D array"),
        (X[:9], "inconsistent numbers of samples"),
        (X[:, :3], "3 features, but MLPClassifier is expecting 5"),
    ],
    ids=["nan", "one dimension", "lengths", "features"],
)
def test_bad_input_on_a_device(bad, message):
    """Bad rows on a device are refused as bad rows on the host are."""
    _, model, y = pair("multiclass")
    y = NoHostCopyArray(y)
    model.partial_fit(NoHostCopyArray(X), y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=message):
        model.partial_fit(NoHostCopyArray(bad), y)


BAD = {
    "alpha": ({"alpha": -1}, {}),
    "activation": ({"activation": "step"}, {}),
    "hidden": ({"hidden_layer_sizes": (4, 0)}, {}),
    "batch": ({"batch_size": 0}, {}),
    "momentum": ({"momentum": 2}, {}),
    "early": ({"early_stopping": True}, {}),
    "nan": ({}, {"X": np.full((150, 5), np.nan)}),
    "one dimension": ({}, {"X": X[:, 0]}),
    "lengths": ({}, {"X": X[:10]}),
    "no classes": ({}, {"classes": None}),
    "unknown class": ({}, {"classes": [0, 1]}),
    "weights": ({}, {"sample_weight": np.ones(3)}),
    "nan target": ({}, {"y": np.full(150, np.nan)}),
}


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
@pytest.mark.parametrize("what", BAD)
def test_bad_input(what):
    """What scikit-learn refuses is refused with the same kind of error and words."""
    options, given = BAD[what]
    peer, model, y = pair("multiclass", **options)
    given = {"X": X, "y": y, "classes": [0, 1, 2]} | given
    with pytest.raises(ValueError) as expected:
        peer.partial_fit(**given)
    with pytest.raises(type(expected.value)) as found:
        model.partial_fit(**given)
    assert str(found.value)[:60] == str(expected.value)[:60]


SPACE = {
    "hidden_layer_sizes": [(6,), (3, 3), (2, 2, 2)],
    "alpha": loguniform(1e-6, 1e-3),
    "batch_size": [16, 32],
    "learning_rate": ["constant", "invscaling"],
    "learning_rate_init": loguniform(1e-4, 1e-1),
    "momentum": uniform(0, 1),
}


@pytest.mark.parametrize("seed", [None, 0])
@pytest.mark.parametrize("cluster", ["threads_client", "processes_client"])
def test_search(request, cluster, seed):
    """A search gives one history, with stacks and without, and scikit-learn's."""
    request.getfixturevalue(cluster)
    X = np.random.default_rng(1).standard_normal((400, 5))
    y = (np.abs(X).sum(axis=1) > 4).astype(int) + (X[:, 0] > 1)

    def history(module, **options):
        search = HyperbandSearchCV(
            module.MLPClassifier(solver="sgd", random_state=seed),
            SPACE,
            max_iter=9,
            random_state=0,
            chunk_size=50,
            **options,
        ).fit(X, y)
        found = {
            (e["model_id"], e["partial_fit_calls"]): e["score"] for e in search.history_
        }
        return found, search.best_params_, search.best_estimator_.coefs_[0].tolist()

    expected = history(ours)
    assert history(ours, stack=False) == expected
    assert history(theirs)[:2] == expected[:2]


def test_outputs_stay_what_they_were():
    """y of another width or kind than at first is refused, and the model unharmed."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 5))
    labels, several = rng.integers(0, 3, 40), rng.integers(0, 2, (40, 3))
    regressor = ours.MLPRegressor(
        hidden_layer_sizes=(4,), solver="sgd", random_state=0, warm_start=True
    )
    classifier = ours.MLPClassifier((4,), solver="sgd", random_state=0)
    many = clone(classifier).partial_fit(X, several, classes=[0, 1, 2])
    for model, right, wrong, message in (
        (regressor, X[:, 0], X[:, :3], "3 outputs, but MLPRegressor is expecting 1"),
        (clone(regressor), X[:, :3], X[:, 0], "1 outputs, but MLPRegressor"),
        (many, several, np.c_[several, several], "6 outputs, but MLPClassifier"),
        (many, several, labels, "was fitted with multilabel input"),
        (classifier, labels, several, "not fitted with multilabel input"),
    ):
        extra = {"classes": [0, 1, 2]} if model is classifier else {}
        before = [w.tolist() for w in model.partial_fit(X, right, **extra).coefs_]
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, wrong)
        assert [w.tolist() for w in model.coefs_] == before
    with pytest.raises(ValueError, match="3 outputs, but MLPRegressor is expecting 1"):
        regressor.fit(X, X[:, :3])
    with pytest.raises(ValueError, match="not fitted with multilabel input"):
        clone(classifier).partial_fit(X, several + labels[:, None], classes=[0, 1, 2])


def test_key_tells_classes_apart():
    """Fitted networks of other classes or kinds of labels do not share a stack."""
    X = np.random.default_rng(0).standard_normal((40, 5))
    labels = np.arange(40) % 3
    model = ours.MLPClassifier((4,), solver="sgd", random_state=0)
    keys = {
        stack_key(clone(model).partial_fit(X, y, classes=np.unique(y)))
        for y in (labels, labels + 7, np.eye(3, dtype=int)[labels])
    }
    assert len(keys) == 3


@pytest.mark.parametrize("change", [{"solver": "adam"}, {"learning_rate_init": 0.1}])
def test_parameters_set_between_calls(change):
    """What is set between two calls counts from the next on, with a solver's memory."""
    X = np.random.default_rng(0).standard_normal((60, 5))
    y = X[:, 0] * 2
    model = ours.MLPRegressor(
        hidden_layer_sizes=(4,), solver="sgd", random_state=0
    ).partial_fit(X, y)
    plain = copy.deepcopy(model).partial_fit(X, y)
    changed = copy.deepcopy(model).set_params(**change)
    expected = copy.deepcopy(changed)
    if "solver" in change:
        expected._moments = None
    else:
        expected._rate = 0.1
    changed.partial_fit(X, y)
    expected.partial_fit(X, y)
    assert (changed.coefs_[0] == expected.coefs_[0]).all()
    assert (changed.coefs_[0] != plain.coefs_[0]).any()
    changed.set_params(solver="sgd").partial_fit(X, y)
    assert np.isfinite(changed.coefs_[0]).all()


def test_weights_of_a_batch_that_sum_to_zero():
    """Mini-batches whose rows count nothing are an error, and harm no model."""
    X = np.random.default_rng(0).standard_normal((60, 5))
    weight = np.repeat([1.0, 0.0, 1.0], 20)
    for module in (ours, theirs):
        model = module.MLPRegressor(
            hidden_layer_sizes=(4,), solver="sgd", batch_size=20, shuffle=False
        )
        for train in (model.partial_fit, model.fit):
            with pytest.raises(ZeroDivisionError, match="Weights sum to zero"):
                train(X, X[:, 0], sample_weight=weight)
    model = ours.MLPRegressor(**model.get_params()).partial_fit(X, X[:, 0])
    before = model.coefs_[0].copy()
    with pytest.raises(ZeroDivisionError, match="Weights sum to zero"):
        model.partial_fit(X, X[:, 0], sample_weight=weight)
    assert (model.coefs_[0] == before).all()


def test_generators_are_drawn_from_alone():
    """A model draws from the generator that it was given; a stack from copies."""
    X = np.random.default_rng(0).standard_normal((60, 5))
    models = [
        ours.MLPRegressor(
            hidden_layer_sizes=(4,), solver="sgd", random_state=np.random.RandomState(i)
        )
        for i in range(3)
    ]
    states = [model.random_state.get_state()[1].tolist() for model in models]
    stack = ours.MLPRegressor.stack(models)
    taken = stack.take([1])
    for each in (taken, stack):
        each.partial_fit(X, X[:, 0])
    assert states == [m.random_state.get_state()[1].tolist() for m in models]
    assert (taken.arrays["params"][0] == stack.arrays["params"][1]).all()
    generator = models[1].random_state
    own = copy.deepcopy(generator)
    peer = theirs.MLPRegressor(hidden_layer_sizes=(4,), solver="sgd", random_state=own)
    for model in (models[1], peer):
        for _ in range(3):
            model.partial_fit(X, X[:, 0])
    assert models[1].random_state is generator
    np.testing.assert_allclose(models[1].coefs_[0], peer.coefs_[0], rtol=1e-9)
    assert (models[1].n_iter_, models[1].t_) == (peer.n_iter_, peer.t_)


def test_early_stopping_on_frames():
    """Frames are trained on without a warning, and stop where theirs do."""
    X = pd.DataFrame(
        np.random.default_rng(0).standard_normal((90, 3)), columns=list("abc")
    )
    y = (X["a"] > 0).astype(int)
    fitted = [
        module.MLPClassifier(
            (4,), early_stopping=True, random_state=0, max_iter=300, n_iter_no_change=3
        ).fit(X, y)
        for module in (ours, theirs)
    ]
    assert fitted[0].n_iter_ == fitted[1].n_iter_
    assert fitted[0].validation_scores_ == fitted[1].validation_scores_


def test_units_are_whole():
    """A fraction of a unit is refused."""
    with pytest.raises(TypeError, match=r"must be integers, got \[2.5\]"):
        ours.MLPClassifier((2.5,)).fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize("label", [0, 3, "a"])
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_one_class(call, label):
    """A network that knows one class predicts it, as scikit-learn's does."""
    y, answers = np.full(150, label), []
    for library in (ours, theirs):
        model = library.MLPClassifier((3,), max_iter=2, random_state=0)
        if call == "fit":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it has not converged
                model.fit(X, y)
        else:
            model.partial_fit(X, y, classes=np.array([label]))
        answers.append((model.predict(X), model.predict_proba(X)))
    np.testing.assert_array_equal(answers[0][0], answers[1][0])
    np.testing.assert_allclose(answers[0][1], answers[1][1])
