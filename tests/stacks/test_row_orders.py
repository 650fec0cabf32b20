# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models of a stack that train on rows of their own, of either family of stacks."""

import importlib

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone

from gpu_hpo.linear_model import SGDClassifier, SGDRegressor
from gpu_hpo.neural_network import MLPClassifier, MLPRegressor
from gpu_hpo.testing import NoHostCopyArray

rng = np.random.default_rng(0)
N_ROWS, CLASSES = 91, [0, 1, 2]
X = rng.standard_normal((N_ROWS, 6))
LABELS = rng.integers(0, 3, N_ROWS)
WEIGHT = rng.random(N_ROWS)
NUMBERS = np.arange(N_ROWS)
# All but one of five folds, which are of 72 and of 73 rows.
FOLDS = [NUMBERS[k != NUMBERS % 5] for k in range(5)]

LINEAR = SGDClassifier(loss="log_loss", batch_size=4, average=True, penalty="l1")
NETWORK = MLPClassifier((5,), solver="sgd", batch_size=8, learning_rate_init=0.01)
# Of so many parameters that it is trained by array operations.
LARGE = MLPClassifier((1500, 10), batch_size=40)
KINDS = {"linear": LINEAR, "network": NETWORK}


@pytest.fixture(params=KINDS)
def model(request):
    """A classifier of either family."""
    return KINDS[request.param]


def weights_of(model):
    """All weights of a model, on the host."""
    arrays = [model.coef_, model.intercept_] if hasattr(model, "coef_") else None
    arrays = arrays or [*model.coefs_, *model.intercepts_]
    return [a.get() if hasattr(a, "get") else a for a in arrays]


def books_of(model):
    """What a model says of its training, apart from weights."""
    names = ("t_", "n_iter_", "loss_", "loss_curve_", "n_features_in_")
    return {name: getattr(model, name) for name in names if hasattr(model, name)}


def check_alone(stack, models, parts, X=X, y=LABELS, n_calls=1, weight=None):
    """Assert that models of a stack are what their own rows alone make them."""
    for found, model, part in zip(stack.unstack(), models, parts, strict=True):
        part = NUMBERS if part is None else part
        own = None if weight is None else weight[part]
        for call in range(n_calls):
            given = {} if call else {"classes": CLASSES}
            model.partial_fit(X[part], y[part], sample_weight=own, **given)
        for a, b in zip(weights_of(found), weights_of(model), strict=True):
            assert a.dtype == b.dtype
            assert (a == b).all()
        assert books_of(found) == books_of(model)


def seeded(model, seeds):
    """Models that differ in their seeds and penalties."""
    return [
        clone(model).set_params(random_state=seed, alpha=10.0 ** -(1 + i % 4))
        for i, seed in enumerate(seeds)
    ]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_folds(model, dtype, weight):
    """Models of all folds come out bit for bit as from the rows of their folds."""
    parts = [FOLDS[i % 5] for i in range(30)]
    models = seeded(model, [i % 3 for i in range(30)])
    rows = X.astype(dtype)
    stack = type(model).stack(models)
    for call in range(2):
        given = {} if call else {"classes": CLASSES}
        stack.partial_fit(rows, LABELS, sample_weight=weight, rows=parts, **given)
    assert stack.errors == [None] * 30
    check_alone(stack, models, parts, rows, n_calls=2, weight=weight)


def test_networks_for_array_operations():
    """Large networks of all folds, too, are what they are alone."""
    parts = [FOLDS[1], None, FOLDS[0], FOLDS[1]]
    models = seeded(LARGE, [0, 0, 1, 2])
    stack = MLPClassifier.stack(models)
    stack.partial_fit(X, LABELS, classes=CLASSES, rows=parts)
    check_alone(stack, models, parts)


@pytest.mark.filterwarnings("ignore:Got `batch_size`")
def test_generators(model):
    """Each model draws from its own generator as many numbers as it has rows."""
    seeds = [np.random.RandomState(i) for i in range(4)]
    parts = [FOLDS[0], FOLDS[1], None, FOLDS[0][:7]]
    models = seeded(model, [0] * 4)
    for one, seed in zip(models, seeds, strict=True):
        one.random_state = seed
    stack = type(model).stack(models)
    for call in range(2):
        given = {} if call else {"classes": CLASSES}
        stack.partial_fit(X, LABELS, rows=parts, **given)
    check_alone(stack, models, parts, n_calls=2)


@pytest.mark.parametrize(
    ("rows", "n_passes"),
    [
        ([NUMBERS[k != NUMBERS % 7] for k in range(5)], 1),
        (FOLDS, 2),
        ([None] * 5, 1),
        (None, 1),
    ],
    ids=["of one length", "of two lengths", "all", "none given"],
)
@pytest.mark.parametrize("shuffle", [False, True])
def test_passes(monkeypatch, model, shuffle, rows, n_passes):
    """Models with equally many rows go through them in one pass, whatever rows."""
    seen = []
    family = type(model.stack([model])).__module__
    module = importlib.import_module(family)
    original = module.train_epoch

    def noted(xp, *given):
        seen.append(given)
        return original(xp, *given)

    monkeypatch.setattr(module, "train_epoch", noted)
    stack = model.stack([clone(model).set_params(shuffle=shuffle)] * 5)
    stack.partial_fit(X, LABELS, classes=CLASSES, rows=rows)
    assert len(seen) == n_passes
    # Rows are named, and not copied.
    (data,) = {id(read) for read in (read_rows(given) for given in seen)}
    assert len(read_rows(seen[0])) == N_ROWS
    assert data


def read_rows(given):
    """The X among what a pass is given."""
    return next(part.X for part in given if hasattr(part, "X"))


def test_one_order_per_seed_and_part(monkeypatch):
    """Models of one seed and one part share an order, others have their own."""
    seen = []
    monkeypatch.setattr(
        "gpu_hpo.linear_model._linear_stack.train_epoch",
        lambda *given: seen.append(given[-1]),
    )
    parts = [NUMBERS[k != NUMBERS % 7] for k in (0, 1)]
    models = seeded(SGDRegressor(), [0, 0, 1, 0, 0])
    SGDRegressor.stack(models).partial_fit(
        X, X[:, 0], rows=[parts[i] for i in (0, 1, 0, 0, 1)]
    )
    [(orders, which)] = seen
    assert which.tolist() == [0, 1, 2, 0, 1]
    for order, k, seed in zip(orders, (0, 1, 0), (0, 0, 1), strict=True):
        drawn = np.random.RandomState(seed).permutation(len(parts[k]))
        assert (order == parts[k][drawn]).all()


def spoilt(what, row):
    """X, labels and weights of which one row is wrong."""
    rows, y, weight = X.copy(), LABELS.copy(), WEIGHT.copy()
    if what == "nan":
        rows[row] = np.nan
    elif what == "class":
        y[row] = 7
    elif what == "infinite weight":
        weight[row] = np.inf
    return rows, y, weight


@pytest.mark.parametrize("n_before", [0, 1])
@pytest.mark.parametrize("what", ["nan", "class", "infinite weight"])
def test_rows_that_are_wrong_for_some(model, what, n_before):
    """Who has a bad row fails as it does alone; the others train as if alone."""
    parts = [FOLDS[2], FOLDS[0], FOLDS[2], FOLDS[1], None]
    models = seeded(model, range(5))
    stack = model.stack(models)
    for _ in range(n_before):
        stack.partial_fit(X, LABELS, classes=CLASSES, rows=parts)
    # A row that only the models of FOLDS[2] do without.
    rows, y, weight = spoilt(what, 7)
    before = [weights_of(one) for one in stack.unstack()] if n_before else []
    given = {} if n_before else {"classes": CLASSES}
    stack.partial_fit(rows, y, sample_weight=weight, rows=parts, **given)
    assert [error is None for error in stack.errors] == [
        True,
        False,
        True,
        *2 * [False],
    ]
    for i, part in enumerate(parts):
        part = NUMBERS if part is None else part
        alone = models[i]
        if n_before:
            alone.partial_fit(X[part], LABELS[part], classes=CLASSES)
        own = {"sample_weight": weight[part], **given}
        found = stack.unstack()[i]
        if stack.errors[i] is None:
            alone.partial_fit(rows[part], y[part], **own)
            for a, b in zip(weights_of(found), weights_of(alone), strict=True):
                assert (a == b).all()
            assert books_of(found) == books_of(alone)
            continue
        with pytest.raises(ValueError) as caught:
            alone.partial_fit(rows[part], y[part], **own)
        assert type(stack.errors[i]) is type(caught.value)
        assert str(stack.errors[i]) == str(caught.value)
        if n_before:
            for a, b in zip(weights_of(found), before[i], strict=True):
                assert (a == b).all()


@pytest.mark.filterwarnings("ignore:Got `batch_size`")
@pytest.mark.parametrize("given", ["arrays", "frames", "lists", "sparse"])
def test_rows_that_count_nothing(model, given):
    """Whose rows all have weight 0, or who has none, fails alone, as it does alone."""
    make = {
        "arrays": np.asarray,
        "frames": pd.DataFrame,
        "lists": np.ndarray.tolist,
        "sparse": scipy.sparse.csr_matrix,
    }[given]
    y, weight = LABELS, WEIGHT * (NUMBERS % 5 == 0)
    if given == "frames":
        y, weight = pd.Series(y), pd.Series(weight)
    # In small batches, or others, there would be such without any weight.
    model = clone(model).set_params(batch_size=100, shuffle=False)
    models = seeded(model, range(3))
    parts = [FOLDS[0], NUMBERS[:0], NUMBERS[5:]]
    stack = model.stack(models)
    stack.partial_fit(make(X), y, sample_weight=weight, classes=CLASSES, rows=parts)
    assert "at least one non-zero number" in str(stack.errors[0])
    assert "0 sample(s)" in str(stack.errors[1])
    assert stack.errors[2] is None
    alone = models[2].partial_fit(
        make(X[5:]), y[5:], sample_weight=weight[5:], classes=CLASSES
    )
    for a, b in zip(weights_of(stack.unstack()[2]), weights_of(alone), strict=True):
        assert (a == b).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"X": np.full((N_ROWS, 6), np.nan)}, "NaN"),
        ({"X": X[:, 0]}, "Expected 2D array"),
        ({"y": LABELS[:80]}, "inconsistent numbers of samples"),
        ({"sample_weight": WEIGHT[:50]}, "sample_weight.shape"),
        ({"sample_weight": 0 * WEIGHT}, "at least one non-zero number"),
        ({"y": LABELS + 9}, "classes"),
        ({"classes": None}, "classes must be passed on the first call"),
        ({"rows": FOLDS[:4]}, "rows has 4 entries for 5 models"),
        ({"rows": [*FOLDS[:4], X[0]]}, r"rows\[4\] should be a 1d array of integers"),
        ({"rows": [*FOLDS[:4], [2, 1]]}, r"rows\[4\] should be ascending"),
        ({"rows": [[1, 1], *FOLDS[:4]]}, r"rows\[0\] should .* name no row twice"),
        ({"rows": [*FOLDS[:4], [5, 91]]}, "from 5 to 91, X has 91 rows"),
        ({"rows": [*FOLDS[:4], [-1, 5]]}, "from -1 to 5, X has 91 rows"),
    ],
)
def test_what_is_wrong_for_all(model, wrong, message):
    """What no model can train on is raised, and the stack is left as it was."""
    stack = model.stack([clone(model).set_params(random_state=0)] * 5)
    given = {"X": X, "y": LABELS, "classes": CLASSES, "rows": FOLDS}
    with pytest.raises(ValueError, match=message):
        stack.partial_fit(**given | wrong)
    if "classes" not in wrong:
        fresh = clone(model).set_params(random_state=0)
        stack.partial_fit(**given)
        check_alone(stack, [clone(fresh) for _ in range(5)], FOLDS)
        before = [weights_of(one) for one in stack.unstack()]
        with pytest.raises(ValueError, match=message):
            stack.partial_fit(**given | wrong)
        for one, then in zip(stack.unstack(), before, strict=True):
            for a, b in zip(weights_of(one), then, strict=True):
                assert (a == b).all()


def test_batches_that_count_nothing():
    """A batch without weight fails the networks that meet it, and no others."""
    weight = np.where(NUMBERS < 10, 0.0, 1.0)
    model = clone(NETWORK).set_params(batch_size=10, shuffle=False, random_state=0)
    parts = [NUMBERS[:40], NUMBERS[5:45], NUMBERS[20:60]]
    stack = model.stack([model] * 3)
    with np.errstate(all="ignore"):
        stack.partial_fit(X, LABELS, sample_weight=weight, classes=CLASSES, rows=parts)
    assert [type(error) for error in stack.errors] == [
        ZeroDivisionError,
        type(None),
        type(None),
    ]
    with pytest.raises(ZeroDivisionError) as caught:
        clone(model).partial_fit(X[:40], LABELS[:40], weight[:40], CLASSES)
    assert str(stack.errors[0]) == str(caught.value)


def test_balanced_classes():
    """Classes are balanced by the rows of each model."""
    y = (LABELS > 1).astype(int)
    fitted = SGDClassifier(class_weight="balanced", random_state=0).fit(X, y)
    stack = SGDClassifier.stack([fitted] * 5).partial_fit(X, y, rows=FOLDS)
    for found, part in zip(stack.unstack(), FOLDS, strict=True):
        alone = SGDClassifier(class_weight="balanced", random_state=0).fit(X, y)
        alone.partial_fit(X[part], y[part])
        assert (found.coef_ == alone.coef_).all()


def test_divergence_harms_no_neighbour():
    """A model that diverges in a group of equally many rows fails alone."""
    y = X[:, 0] * 2
    for kind, options in (
        (SGDRegressor, {}),
        (MLPRegressor, {"hidden_layer_sizes": (4,), "solver": "sgd"}),
    ):
        models = [kind(**options, random_state=i) for i in range(5)]
        name = "eta0" if kind is SGDRegressor else "learning_rate_init"
        models[1].set_params(**{name: 1e300})
        stack = kind.stack(models)
        with np.errstate(all="ignore"):
            for _ in range(3):
                stack.partial_fit(X, y, rows=FOLDS)
        assert [error is None for error in stack.errors] == [True, False, *3 * [True]]
        for i in (0, 2, 3, 4):
            for _ in range(3):
                models[i].partial_fit(X[FOLDS[i]], y[FOLDS[i]])
            found = stack.unstack()[i]
            for a, b in zip(weights_of(found), weights_of(models[i]), strict=True):
                assert (a == b).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_on_a_device(model, weighted):
    """Rows on a device are named to it, and its arrays are not copied to the host."""
    weight = WEIGHT if weighted else None
    parts = [FOLDS[i % 5] for i in range(10)]
    models = seeded(model, [i % 2 for i in range(10)])
    host, device = model.stack(models), model.stack(models)
    given = X, LABELS, weight
    on_device = [a if a is None else NoHostCopyArray(a) for a in given]
    NoHostCopyArray.host_copies = 0
    for call in range(2):
        more = {} if call else {"classes": CLASSES}
        for stack, (rows, y, w) in ((host, given), (device, on_device)):
            stack.partial_fit(rows, y, sample_weight=w, rows=parts, **more)
    # Of each call and number of rows no more than losses and whether all is finite.
    assert NoHostCopyArray.host_copies <= 8
    for a, b in zip(host.unstack(), device.unstack(), strict=True):
        for ours, theirs in zip(weights_of(a), weights_of(b), strict=True):
            np.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=1e-11)


def test_bad_rows_on_a_device(model):
    """On a device, too, only those fail that have a bad row."""
    rows = X.copy()
    rows[7] = np.nan
    stack = model.stack([clone(model).set_params(random_state=0)] * 5)
    stack.partial_fit(
        NoHostCopyArray(rows), NoHostCopyArray(LABELS), classes=CLASSES, rows=FOLDS
    )
    assert [error is None for error in stack.errors] == [k == 2 for k in range(5)]
    alone = clone(model).set_params(random_state=0)
    alone.partial_fit(rows[FOLDS[2]], LABELS[FOLDS[2]], classes=CLASSES)
    found = stack.unstack()[2]
    for a, b in zip(weights_of(found), weights_of(alone), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
