# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Networks fitted in a stack are what they are when each is fitted alone."""

import copy
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from gpu_hpo import neural_network as ours
from gpu_hpo.stacks import _fit_courses
from gpu_hpo.stacks._contract import fits_together
from gpu_hpo.testing import NoHostCopyArray, check_stackable
from gpu_hpo.testing._same_models import same

rng = np.random.default_rng(0)
X = rng.standard_normal((150, 5))
WEIGHT = rng.random(150)
TARGETS = {
    "multiclass": rng.integers(0, 3, 150),
    "binary": np.array(["no", "yes"])[(X[:, 0] > 0) * 1],
    "multilabel": (rng.random((150, 3)) > 0.5).astype(int),
    "regression": X[:, 0] * 2 + rng.standard_normal(150),
    "two targets": rng.standard_normal((150, 2)),
}
OPTIONS = {
    "sgd": {"solver": "sgd"},
    "adam": {"solver": "adam", "activation": "tanh"},
    "early": {"early_stopping": True},
    "early sgd": {"solver": "sgd", "early_stopping": True, "shuffle": False},
    "in order": {"shuffle": False},
    "large": {"hidden_layer_sizes": (150, 150), "early_stopping": True},
}


def family(target, n=12, **options):
    """Networks that differ in every number, seeds and when to stop included."""
    regression = TARGETS[target].dtype.kind == "f"
    kind = ours.MLPRegressor if regression else ours.MLPClassifier
    given = {"hidden_layer_sizes": (6, 3), "batch_size": 32} | options
    seeds = [0, 1, np.random.RandomState(3), 0, np.random.RandomState(4), 2]
    rates = ["constant", "adaptive", "invscaling"]
    return [
        kind(
            **given,
            random_state=copy.deepcopy(seeds[i % 6]),
            alpha=10.0 ** -(1 + i % 5),
            learning_rate=rates[i % 3],
            learning_rate_init=0.1 / (1 + i % 4),
            momentum=0.9 / (1 + i % 3),
            power_t=0.1 * (1 + i % 9),
            beta_1=0.9 / (1 + i % 3),
            tol=10.0 ** -(1 + i % 3),
            n_iter_no_change=1 + i % 4,
            validation_fraction=0.3 if i % 5 == 4 else 0.1,
            max_iter=3 + 4 * (i % 5),
        )
        for i in range(n)
    ]


def fitted(model, *args, **params):
    """Fit a network, or a stack, that may be short of epochs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **params)


def assert_same(model, alone):
    assert vars(model).keys() == vars(alone).keys()
    for name, value in vars(alone).items():
        if name == "_label_binarizer":
            assert same(vars(model._label_binarizer), vars(value))
        else:
            assert same(getattr(model, name), value), name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_fit(target, option, dtype):
    """In stacks of 1, 3 and 12 a fit gives bit for bit what it gives alone."""
    rows, y = X.astype(dtype), TARGETS[target]
    models = family(target, **OPTIONS[option])
    weight = WEIGHT if option in ("sgd", "early") else None
    alone = [
        fitted(copy.deepcopy(model), rows, y, sample_weight=weight) for model in models
    ]
    assert alone[0].coefs_[0].dtype == dtype
    assert len({model.n_iter_ for model in alone}) > 3
    for members in (range(12), [7, 2, 4], *([i] for i in range(12))):
        stack = type(models[0]).stack([models[i] for i in members])
        assert fitted(stack, rows, y, sample_weight=weight) is stack
        assert stack.errors == [None] * len(members)
        for i, model in zip(members, stack.unstack(), strict=True):
            assert_same(model, alone[i])


def test_sparse():
    """Sparse rows are those of a fit alone, too."""
    rows, y = scipy.sparse.csr_matrix(X * (abs(X) > 0.5)), TARGETS["multiclass"]
    models = family("multiclass", 3)
    stack = fitted(ours.MLPClassifier.stack(models), rows, y)
    for model, alone in zip(stack.unstack(), models, strict=True):
        assert_same(model, fitted(alone, rows, y))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("target", ["binary", "regression"])
def test_contract(target, solver):
    """Fitted stacks keep the contract, with a member that diverges as without."""
    models = family(target, 4, solver=solver, activation="tanh")
    failing = clone(models[1]).set_params(learning_rate_init=1e300, alpha=1e10)
    classes = {"classes": ["no", "yes"]} if target == "binary" else {}
    with np.errstate(all="ignore"):
        check_stackable(models, X, TARGETS[target], failing=failing, **classes)


def test_divergence_ends_a_fit():
    """A network whose weights are not finite is given up, and harms no other."""
    y = TARGETS["regression"]
    models = family("regression", 4, solver="sgd", activation="identity")
    models[2].set_params(learning_rate_init=1e300, max_iter=10**9)
    with np.errstate(all="ignore"):
        stack = fitted(ours.MLPRegressor.stack(models), X, y)
        with pytest.raises(ValueError, match="non-finite parameter weights") as found:
            models[2].fit(X, y)
    assert str(stack.errors[2]) == str(found.value)
    for i in (0, 1, 3):
        assert stack.errors[i] is None
        assert_same(stack.unstack()[i], fitted(models[i], X, y))


def test_scores_that_cannot_be():
    """A network that says what cannot be scored fails as alone, and by itself."""
    y = TARGETS["regression"]
    models = family("regression", 4, early_stopping=True, activation="identity")
    models[2].set_params(learning_rate_init=1e300)
    with np.errstate(all="ignore"):
        stack = fitted(ours.MLPRegressor.stack(models), X, y)
        with pytest.raises(ValueError, match="contains NaN") as found:
            models[2].fit(X, y)
    assert str(stack.errors[2]) == str(found.value)
    assert not hasattr(models[2], "coefs_")
    for i in (0, 1, 3):
        assert stack.errors[i] is None
        assert_same(stack.unstack()[i], fitted(models[i], X, y))


@pytest.mark.parametrize("target", ["multiclass", "regression"])
def test_held_out_rows_that_cannot_be(target):
    """A network that finds no rows to hold out fails alone; the others do not."""
    y = TARGETS[target]
    models = family(target, 4, early_stopping=True)
    models[2].validation_fraction = 0.005
    stack = fitted(type(models[0]).stack(models), X, y)
    with pytest.raises(ValueError, match="validation set is too small") as found:
        models[2].fit(X, y)
    assert str(stack.errors[2]) == str(found.value)
    assert not hasattr(models[2], "coefs_")
    for i in (0, 1, 3):
        assert stack.errors[i] is None
        assert_same(stack.unstack()[i], fitted(models[i], X, y))


def test_weights_of_a_batch_that_sum_to_zero():
    """Only networks that meet a mini-batch whose rows count nothing fail by that."""
    y = TARGETS["regression"]
    weight = np.r_[np.zeros(30), np.ones(120)]
    models = family("regression", batch_size=3)
    for seed, model in enumerate(models):
        model.set_params(max_iter=3, random_state=seed)
    stack = fitted(ours.MLPRegressor.stack(models), X, y, sample_weight=weight)
    failed = [error is not None for error in stack.errors]
    assert 0 < sum(failed) < 12
    for model, error, alone in zip(stack.unstack(), stack.errors, models, strict=True):
        if error is None:
            assert_same(model, fitted(alone, X, y, sample_weight=weight))
            continue
        with pytest.raises(ZeroDivisionError) as found:
            fitted(alone, X, y, sample_weight=weight)
        assert str(error) == str(found.value)


@pytest.mark.parametrize("room", [1, 400, 700])
def test_room_for_orders(monkeypatch, room):
    """A network is the same however many orders of rows there is room for."""
    y = TARGETS["regression"]
    for options in ({}, {"early_stopping": True}):
        models = family("regression", **options)
        whole = fitted(ours.MLPRegressor.stack(models), X, y).unstack()
        monkeypatch.setattr(_fit_courses, "MOST_ROW_NUMBERS", room)
        parts = fitted(ours.MLPRegressor.stack(models), X, y).unstack()
        monkeypatch.undo()
        for model, expected in zip(parts, whole, strict=True):
            assert_same(model, expected)


def test_a_stack_is_fitted_anew():
    """What a stack was before does not matter, nor does what it is told next."""
    frame = pd.DataFrame(X, columns=list("abcde"))
    models = family("multiclass", 4)
    stack = fitted(ours.MLPClassifier.stack(models), frame, TARGETS["multiclass"])
    before = stack.unstack()
    assert all(list(model.feature_names_in_) == list("abcde") for model in before)
    for bad in ((X[:9], TARGETS["binary"]), (X * np.nan, TARGETS["binary"])):
        with pytest.raises(ValueError):
            stack.fit(*bad)
        for model, expected in zip(stack.unstack(), before, strict=True):
            assert_same(model, expected)
    fitted(stack, frame.iloc[:, :3], TARGETS["binary"])
    for model, alone in zip(stack.unstack(), before, strict=True):
        assert_same(model, fitted(alone, frame.iloc[:, :3], TARGETS["binary"]))


def test_warm_start():
    """Networks that would go on from where they are, are not fitted anew unasked."""
    y = TARGETS["binary"]
    models = family("binary", 3, warm_start=True)
    stack = fitted(ours.MLPClassifier.stack(models), X, y)
    for model, alone in zip(stack.unstack(), models, strict=True):
        assert_same(model, fitted(alone, X, y))
    with pytest.raises(ValueError, match="warm_start=True; fit them one by one"):
        stack.fit(X, y)


def test_one_warning():
    """A stack warns once, if a network was not done."""
    models = family("regression", 4)
    for model in models:
        model.set_params(max_iter=2, n_iter_no_change=10)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations") as warned:
        ours.MLPRegressor.stack(models).fit(X, TARGETS["regression"])
    assert len(warned) == 1


def test_verbose(capsys):
    """Only who is to say how it does says so, and all are fitted as if none did."""
    y = TARGETS["multiclass"]
    models = family("multiclass", 4)
    models[1].verbose = True
    stack = fitted(ours.MLPClassifier.stack(models), X, y)
    told = capsys.readouterr().out
    assert told.count("Iteration") == stack.models[1].n_iter_
    for model, alone in zip(stack.unstack(), models, strict=True):
        assert_same(model, fitted(alone, X, y))
    assert capsys.readouterr().out == told


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("target", ["multiclass", "regression"])
def test_on_a_device(target, early_stopping):
    """A stack is fitted where the rows are, and its weights stay there."""
    y = TARGETS[target]
    models = family(target, 5, early_stopping=early_stopping)
    stack = fitted(
        type(models[0]).stack(models), NoHostCopyArray(X), NoHostCopyArray(y)
    )
    for model, alone in zip(stack.unstack(), models, strict=True):
        fitted(alone, X, y)
        assert model.n_iter_ == alone.n_iter_
        np.testing.assert_allclose(model.loss_curve_, alone.loss_curve_)
        for a, b in zip(model.coefs_, alone.coefs_, strict=True):
            np.testing.assert_allclose(a.get(), b, atol=1e-9)


def test_who_can():
    """The networks say that their stacks can be fitted."""
    assert fits_together(ours.MLPClassifier())
    assert fits_together(ours.MLPRegressor())
