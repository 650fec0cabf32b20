# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models fitted in a stack are what they are when each is fitted alone."""

import copy

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from gpu_hpo.linear_model import QNClassifier
from gpu_hpo.stacks import _fit_courses
from gpu_hpo.stacks._contract import fits_together
from gpu_hpo.testing import NoHostCopyArray, check_stackable
from tests.stacks.helpers import (
    LINEAR,
    NETWORK,
    assert_as_alone,
    assert_one_fails,
    assert_same,
    fitted,
)

KINDS = {"linear": LINEAR, "network": NETWORK}
DTYPES = np.float32, np.float64
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
each_target = pytest.mark.parametrize(
    ("kind", "target"),
    [(kind, target) for kind in KINDS.values() for target in kind.targets],
    ids=lambda value: value if isinstance(value, str) else "",
)


def sparse(X):
    """Some of the numbers as a sparse matrix."""
    rng = np.random.default_rng(1)
    return scipy.sparse.csr_matrix(np.where(rng.random(X.shape) < 0.4, X, 0))


# Each target, option and form of rows has either type in some of its cases.
@pytest.mark.parametrize(
    ("kind", "target", "option", "rows", "dtype"),
    [
        pytest.param(kind, target, option, rows, dtype, id=f"{target}-{option}-{name}")
        for kind in KINDS.values()
        for t, target in enumerate(kind.targets)
        for o, option in enumerate(kind.options)
        for name, rows, dtype in (
            ("dense", kind.X, DTYPES[(t + o) % 2]),
            ("sparse", sparse(kind.X), DTYPES[(t + o + 1) % 2]),
        )
        # Networks make sparse rows dense.
        if name == "dense" or kind is LINEAR or option == "sgd"
    ],
)
def test_fit(kind, target, option, rows, dtype):
    """In stacks of 1, 3 and 12 a fit gives bit for bit what it gives alone."""
    rows, y = rows.astype(dtype), kind.targets[target]
    models = kind.family(target, **kind.options[option])
    weight = kind.weight if option in kind.weighted else None
    alone = [
        fitted(copy.deepcopy(model), rows, y, sample_weight=weight) for model in models
    ]
    coef = alone[0].coef_ if kind is LINEAR else alone[0].coefs_[0]
    assert coef.dtype == dtype
    assert len({model.n_iter_ for model in alone}) > 3
    for members in (range(12), [7, 2, 4], *([i] for i in range(12))):
        stack = type(models[0]).stack([models[i] for i in members])
        assert fitted(stack, rows, y, sample_weight=weight) is stack
        assert stack.errors == [None] * len(members)
        assert_same(stack.unstack(), [alone[i] for i in members])


@pytest.mark.parametrize(
    ("kind", "target", "options", "spoilt"),
    [
        (
            LINEAR,
            target,
            options | {"loss": "squared_error", "learning_rate": "constant"},
            {"eta0": 1e300},
        )
        for target in LINEAR.targets
        for options in ({}, LINEAR.options["average"])
    ]
    + [
        (
            NETWORK,
            target,
            {"solver": solver, "activation": "tanh"},
            {"learning_rate_init": 1e300, "alpha": 1e10},
        )
        for target in ("binary", "regression")
        for solver in ("sgd", "adam")
    ],
)
def test_contract(kind, target, options, spoilt):
    """Fitted stacks keep the contract, with a member that diverges as without."""
    models = kind.family(target, 5 if kind is LINEAR else 4, **options)
    failing = clone(models[1]).set_params(**spoilt)
    y = kind.targets[target]
    classes = {} if target == "regression" else {"classes": np.unique(y)}
    with np.errstate(all="ignore"):
        check_stackable(models, kind.X, y, failing=failing, **classes)


@pytest.mark.parametrize(
    ("kind", "target", "share", "match"),
    [
        (LINEAR, "multiclass", 0.001, "greater or equal to the number of"),
        (NETWORK, "multiclass", 0.005, "validation set is too small"),
        (NETWORK, "regression", 0.005, "validation set is too small"),
    ],
)
def test_held_out_rows_that_cannot_be(kind, target, share, match):
    """A model that finds no rows to hold out fails alone; the others do not."""
    y = kind.targets[target]
    models = kind.family(target, 4, early_stopping=True)
    models[2].validation_fraction = share
    assert_one_fails(kind.stack(models, y), models, kind.X, y, match)
    assert not any(name.startswith("coef") for name in vars(models[2]))


@pytest.mark.parametrize("room", [1, 400, 700])
@each_kind
def test_room_for_orders(monkeypatch, kind, room):
    """A model is the same however many orders of rows there is room for."""
    y = kind.targets["regression"]
    for options in ({}, {"early_stopping": True}):
        models = kind.family("regression", **options)
        whole = kind.stack(models, y).unstack()
        monkeypatch.setattr(_fit_courses, "MOST_ROW_NUMBERS", room)
        parts = kind.stack(models, y).unstack()
        monkeypatch.undo()
        assert_same(parts, whole)


@each_kind
def test_a_stack_is_fitted_anew(kind):
    """What a stack was before does not matter, nor does what it is told next."""
    columns = list("abcdefg")[: kind.X.shape[1]]
    frame = pd.DataFrame(kind.X, columns=columns)
    y, other = kind.targets["multiclass"], kind.targets["binary"]
    options = {"average": True} if kind is LINEAR else {}
    models = kind.family("multiclass", 4, **options)
    stack = kind.stack(models, y, frame)
    before = stack.unstack()
    assert all(list(model.feature_names_in_) == columns for model in before)
    bad = [(kind.X[:9], other), (kind.X * np.nan, other)]
    if kind is LINEAR:
        bad.append((kind.X, np.zeros(len(y))))
    for given in bad:
        with pytest.raises(ValueError):
            stack.fit(*given)
        assert_same(stack.unstack(), before)
    fitted(stack, frame.iloc[:, :3], other)
    assert_as_alone(stack, before, frame.iloc[:, :3], other)


@each_kind
def test_warm_start(kind):
    """Models that would go on from where they are, are not fitted anew unasked."""
    y = kind.targets["binary"]
    models = kind.family("binary", 3, warm_start=True)
    stack = kind.stack(models, y)
    assert_as_alone(stack, models, kind.X, y)
    with pytest.raises(ValueError, match="warm_start=True; fit them one by one"):
        stack.fit(kind.X, y)


@each_kind
def test_one_warning(kind):
    """A stack warns once, if a model was not done."""
    models = kind.family("regression", 4)
    for model in models:
        model.set_params(max_iter=2, n_iter_no_change=10, tol=1e-9)
    with pytest.warns(ConvergenceWarning, match="Maximum (number of )?iter") as warned:
        type(models[0]).stack(models).fit(kind.X, kind.targets["regression"])
    assert len(warned) == 1


@pytest.mark.parametrize("early_stopping", [False, True])
@each_kind
def test_verbose(capsys, kind, early_stopping):
    """Only who is to say how it does says so, and all are fitted as if none did."""
    y = kind.targets["multiclass"]
    models = kind.family("multiclass", 4, early_stopping=early_stopping)
    quiet = kind.stack(models, y).unstack()
    assert capsys.readouterr().out == ""
    models[1].verbose = quiet[1].verbose = True
    stack = kind.stack(models, y)
    told = capsys.readouterr().out
    assert_same(stack.unstack(), quiet)
    fitted(models[1], kind.X, y)
    assert capsys.readouterr().out == told
    assert told.count("poch" if kind is LINEAR else "Iteration") == quiet[1].n_iter_
    if kind is LINEAR:
        assert ("validation scores" in told) == early_stopping


@pytest.mark.parametrize("early_stopping", [False, True])
@each_target
def test_on_a_device(kind, target, early_stopping):
    """A stack is fitted where the rows are, and its weights stay there."""
    y = kind.targets[target]
    if y.dtype.kind == "U":
        y = (y == "yes").astype(int)
    models = kind.family(target, 5, early_stopping=early_stopping)
    stack = kind.stack(models, NoHostCopyArray(y), NoHostCopyArray(kind.X))
    for model, alone in zip(stack.unstack(), models, strict=True):
        fitted(alone, kind.X, y)
        assert model.n_iter_ == alone.n_iter_
        pairs = [(model.coef_, alone.coef_)] if kind is LINEAR else []
        if kind is NETWORK:
            np.testing.assert_allclose(model.loss_curve_, alone.loss_curve_)
            pairs = zip(model.coefs_, alone.coefs_, strict=True)
        for ours, expected in pairs:
            np.testing.assert_allclose(ours.get(), expected, rtol=1e-7, atol=1e-9)


def test_who_can():
    """Our models say whether their stacks can be fitted."""
    for kind in KINDS.values():
        assert fits_together(kind.classifier())
        assert fits_together(kind.regressor())
    assert not fits_together(QNClassifier())
