# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Linear models fitted in a stack are what they are when each is fitted alone."""

import copy
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from gpu_hpo import linear_model as ours
from gpu_hpo.stacks import _fit_courses
from gpu_hpo.stacks._contract import fits_together
from gpu_hpo.testing import NoHostCopyArray, check_stackable
from gpu_hpo.testing._same_models import same

rng = np.random.default_rng(0)
X = rng.standard_normal((110, 7)) / 2
SPARSE = scipy.sparse.csr_matrix(np.where(rng.random(X.shape) < 0.4, X, 0))
WEIGHT = rng.random(110)
TARGETS = {
    "multiclass": (X[:, :3] + rng.standard_normal((110, 3))).argmax(axis=1),
    "binary": np.array(["no", "yes"])[(X[:, 0] > 0) * 1],
    "regression": X[:, 0] * 2 + rng.standard_normal(110),
}
OPTIONS = {
    "default": {},
    "batches": {"batch_size": 16, "penalty": "elasticnet", "learning_rate": "constant"},
    "average": {"average": True, "penalty": "l1", "batch_size": 4},
    "early": {"early_stopping": True, "learning_rate": "invscaling"},
    "early adaptive": {
        "early_stopping": True,
        "learning_rate": "adaptive",
        "shuffle": False,
        "average": True,
    },
    "adaptive": {"learning_rate": "adaptive", "penalty": None, "batch_size": 8},
    "pa1": {"learning_rate": "pa1", "shuffle": False},
}


def family(target, n=12, **options):
    """Models that differ in every number, seeds and when to stop included."""
    kind = ours.SGDClassifier
    if target == "regression":
        kind = ours.SGDRegressor
        if options.get("learning_rate") == "pa1":
            options = options | {"loss": "epsilon_insensitive"}
    seeds = [0, 1, np.random.RandomState(3), 0, np.random.RandomState(4), 2]
    return [
        kind(
            **options | {"average": bool(options.get("average")) and 1 + i * 9},
            random_state=copy.deepcopy(seeds[i % 6]),
            alpha=10.0 ** -(1 + i % 5),
            l1_ratio=0.1 + 0.07 * i,
            eta0=0.2 / (1 + i % 4),
            power_t=0.1 * (1 + i % 9),
            epsilon=0.05 * (1 + i % 4),
            tol=None if i == 5 else 10.0 ** -(1 + i % 3),
            n_iter_no_change=1 + i % 4,
            validation_fraction=0.3 if i % 5 == 4 else 0.1,
            max_iter=5 + 7 * (i % 6),
        )
        for i in range(n)
    ]


def fitted(model, *args, **params):
    """Fit a model, or a stack, that may be short of epochs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **params)


def assert_same(model, alone):
    assert vars(model).keys() == vars(alone).keys()
    for name, value in vars(alone).items():
        assert same(getattr(model, name), value), name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_fit(target, option, rows, dtype):
    """In stacks of 1, 3 and 12 a fit gives bit for bit what it gives alone."""
    rows, y = rows.astype(dtype), TARGETS[target]
    models = family(target, **OPTIONS[option])
    weight = WEIGHT if option in ("batches", "early") else None
    alone = [
        fitted(copy.deepcopy(model), rows, y, sample_weight=weight) for model in models
    ]
    assert alone[0].coef_.dtype == dtype
    assert len({model.n_iter_ for model in alone}) > 3
    for members in (range(12), [7, 2, 4], *([i] for i in range(12))):
        stack = type(models[0]).stack([models[i] for i in members])
        assert fitted(stack, rows, y, sample_weight=weight) is stack
        assert stack.errors == [None] * len(members)
        for i, model in zip(members, stack.unstack(), strict=True):
            assert_same(model, alone[i])


@pytest.mark.parametrize("option", ["default", "average"])
@pytest.mark.parametrize("target", TARGETS)
def test_contract(target, option):
    """Fitted stacks keep the contract, with a member that diverges as without."""
    given = {"loss": "squared_error", "learning_rate": "constant"}
    models = family(target, 5, **OPTIONS[option] | given)
    failing = clone(models[1]).set_params(eta0=1e300)
    classes = {} if target == "regression" else {"classes": np.unique(TARGETS[target])}
    check_stackable(models, X, TARGETS[target], failing=failing, **classes)


@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("target", TARGETS)
def test_divergence_harms_no_neighbour(target, rows):
    """A model whose weights overflow at some epoch fails as alone, and by itself."""
    y = TARGETS[target]
    options = {"loss": "squared_error", "learning_rate": "invscaling", "penalty": None}
    models = family(target, 6, batch_size=4, **options)
    for i, power in ((1, -400.0), (4, -150.0)):
        # Rates that grow with the updates.
        models[i].set_params(power_t=power, tol=None)
    stack = fitted(type(models[0]).stack(models), rows, y)
    for i, (model, error) in enumerate(zip(stack.unstack(), stack.errors, strict=True)):
        alone = copy.deepcopy(models[i])
        if i not in (1, 4):
            assert error is None
            assert_same(model, fitted(alone, rows, y))
            continue
        with pytest.raises(ValueError) as expected:
            fitted(alone, rows, y)
        assert str(error) == str(expected.value)
        assert f"occurred at epoch #{model.n_iter_}." in str(error)
        assert not hasattr(alone, "coef_")
    assert stack.models[1].n_iter_ == 1 < stack.models[4].n_iter_


def test_held_out_rows_that_cannot_be():
    """A model that finds no rows to hold out fails alone; the others do not."""
    y = TARGETS["multiclass"]
    models = family("multiclass", 4, early_stopping=True)
    models[2].validation_fraction = 0.001
    stack = fitted(ours.SGDClassifier.stack(models), X, y)
    with pytest.raises(ValueError, match="greater or equal to the number of") as found:
        models[2].fit(X, y)
    assert str(stack.errors[2]) == str(found.value)
    assert not hasattr(models[2], "coef_")
    for i in (0, 1, 3):
        assert stack.errors[i] is None
        assert_same(stack.unstack()[i], fitted(models[i], X, y))


@pytest.mark.parametrize("room", [1, 250, 400])
def test_room_for_orders(monkeypatch, room):
    """A model is the same however many orders of rows there is room for."""
    y = TARGETS["regression"]
    for options in ({}, {"early_stopping": True}):
        models = family("regression", **options)
        whole = fitted(ours.SGDRegressor.stack(models), X, y).unstack()
        monkeypatch.setattr(_fit_courses, "MOST_ROW_NUMBERS", room)
        parts = fitted(ours.SGDRegressor.stack(models), X, y).unstack()
        monkeypatch.undo()
        for model, expected in zip(parts, whole, strict=True):
            assert_same(model, expected)


def test_initial_weights_and_class_weights():
    """All models of a stack begin with the same weights, if there are any."""
    y = TARGETS["multiclass"]
    init = {"coef_init": rng.random((3, 7)), "intercept_init": rng.random(3)}
    models = family("multiclass", 5, class_weight="balanced")
    stack = fitted(ours.SGDClassifier.stack(models), X, y, **init)
    for model, alone in zip(stack.unstack(), models, strict=True):
        assert_same(model, fitted(alone, X, y, **init))
    before = stack.unstack()
    with pytest.raises(ValueError, match="does not match dataset"):
        stack.fit(X, y, coef_init=np.ones((2, 7)))
    for model, expected in zip(stack.unstack(), before, strict=True):
        assert_same(model, expected)


def test_a_stack_is_fitted_anew():
    """What a stack was before does not matter, nor does what it is told next."""
    frame = pd.DataFrame(X, columns=list("abcdefg"))
    models = family("multiclass", 4, average=True)
    stack = fitted(ours.SGDClassifier.stack(models), frame, TARGETS["multiclass"])
    assert all(list(m.feature_names_in_) == list("abcdefg") for m in stack.unstack())
    before = stack.unstack()
    for bad in ((X[:9], TARGETS["binary"]), (X, np.zeros(110)), (X * np.nan, X[:, 0])):
        with pytest.raises(ValueError):
            stack.fit(*bad)
        for model, expected in zip(stack.unstack(), before, strict=True):
            assert_same(model, expected)
    fitted(stack, frame.iloc[:, :5], TARGETS["binary"])
    for model, alone in zip(stack.unstack(), before, strict=True):
        assert_same(model, fitted(alone, frame.iloc[:, :5], TARGETS["binary"]))


def test_warm_start():
    """Models that would go on from where they are, are not fitted anew unasked."""
    y = TARGETS["binary"]
    models = family("binary", 3, warm_start=True)
    stack = fitted(ours.SGDClassifier.stack(models), X, y)
    for model, alone in zip(stack.unstack(), models, strict=True):
        assert_same(model, fitted(alone, X, y))
    with pytest.raises(ValueError, match="warm_start=True; fit them one by one"):
        stack.fit(X, y)


def test_one_warning():
    """A stack warns once, if a model was not done, and of none that failed."""
    models = family("regression", 4, learning_rate="constant")
    for model in models:
        model.set_params(max_iter=2, tol=1e-9)
    with pytest.warns(ConvergenceWarning, match="Maximum number of iter") as warned:
        ours.SGDRegressor.stack(models).fit(X, TARGETS["regression"])
    assert len(warned) == 1
    for model in models:
        model.set_params(max_iter=1, eta0=1e300)
    stack = ours.SGDRegressor.stack(models).fit(X, TARGETS["regression"])
    assert None not in stack.errors


@pytest.mark.parametrize("early_stopping", [False, True])
def test_verbose(capsys, early_stopping):
    """Only who is to say how it does says so, and all are fitted as if none did."""
    y = TARGETS["multiclass"]
    models = family("multiclass", 4, early_stopping=early_stopping)
    quiet = fitted(ours.SGDClassifier.stack(models), X, y).unstack()
    assert capsys.readouterr().out == ""
    models[1].verbose = quiet[1].verbose = 1
    stack = fitted(ours.SGDClassifier.stack(models), X, y)
    told = capsys.readouterr().out
    for model, expected in zip(stack.unstack(), quiet, strict=True):
        assert_same(model, expected)
    fitted(models[1], X, y)
    assert capsys.readouterr().out == told
    assert told.count("-- Epoch") == quiet[1].n_iter_
    assert ("validation scores" in told) == early_stopping


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("target", TARGETS)
def test_on_a_device(target, early_stopping):
    """A stack is fitted where the rows are, and its weights stay there."""
    codes = np.unique(TARGETS[target], return_inverse=True)[1]
    y = TARGETS[target] if target == "regression" else codes
    models = family(target, 5, early_stopping=early_stopping)
    stack = fitted(
        type(models[0]).stack(models), NoHostCopyArray(X), NoHostCopyArray(y)
    )
    for model, alone in zip(stack.unstack(), models, strict=True):
        fitted(alone, X, y)
        assert model.n_iter_ == alone.n_iter_
        np.testing.assert_allclose(model.coef_.get(), alone.coef_, rtol=1e-7, atol=1e-9)


def test_who_can():
    """The linear models say that their stacks can be fitted."""
    assert fits_together(ours.SGDClassifier())
    assert fits_together(ours.SGDRegressor())
    assert not fits_together(ours.QNClassifier())
