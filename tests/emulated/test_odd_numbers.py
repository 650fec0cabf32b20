# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Types of numbers that few use mean on a device what they mean on the host."""

import numpy as np
import pytest
from sklearn.base import is_classifier

from gpu_hpo.linear_model import QNClassifier, SGDClassifier, SGDRegressor
from gpu_hpo.metrics._scoring import make_scoring
from gpu_hpo.neural_network import MLPClassifier, MLPRegressor
from gpu_hpo.stacks._rows import class_codes
from tests.stacks.test_class_codes import CLASSES, LABELS

cp = pytest.importorskip("cupy")
RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 3))
Y = (X[:, 0] > 0).astype(np.int64)
_NET = {"max_iter": 2, "n_iter_no_change": 9, "random_state": 0}
MODELS = {
    "QN": QNClassifier(),
    "SGD": SGDClassifier(max_iter=2, tol=None, random_state=0),
    "SGD targets": SGDRegressor(max_iter=2, tol=None, random_state=0),
    "MLP": MLPClassifier((3,), **_NET),
    "MLP targets": MLPRegressor(hidden_layer_sizes=(3,), **_NET),
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("which", ["X", "y", "sample_weight"])
def test_complex_numbers_are_refused(name, which):
    """Complex rows, targets and weights are refused in scikit-learn's words."""
    given = {"X": X, "y": Y, "sample_weight": np.ones(40)}
    given[which] = given[which] + 1j
    for on_side in (np.asarray, cp.asarray):
        with pytest.raises(ValueError, match="Complex data not supported"):
            MODELS[name].fit(**{key: on_side(value) for key, value in given.items()})
    model = MODELS[name].fit(cp.asarray(X), cp.asarray(Y))
    if which == "X":
        for on_side in (np.asarray, cp.asarray):
            with pytest.raises(ValueError, match="Complex data not supported"):
                model.predict(on_side(given["X"]))


@pytest.mark.parametrize("classes", CLASSES, ids=repr)
@pytest.mark.parametrize("labels", LABELS, ids=repr)
def test_labels(classes, labels):
    """A label is found among classes as on the host."""
    found = class_codes(classes, cp.asarray(labels)).get()
    np.testing.assert_array_equal(found, class_codes(classes, labels))


@pytest.mark.parametrize("name", [n for n in MODELS if is_classifier(MODELS[n])])
def test_the_largest_label_is_none_of_the_negative(name):
    """2**64 - 1 is a class of its own, beside which -1 is not known."""
    large = np.where(Y, np.uint64(2**64 - 1), np.uint64(1))
    scoring = make_scoring(MODELS[name], ["accuracy", "f1_macro"], "accuracy")
    scores = []
    for on_side in (np.asarray, cp.asarray):
        rows = on_side(X), on_side(large)
        model = MODELS[name].fit(*rows)
        assert model.classes_.tolist() == [1, 2**64 - 1]
        part = {"X": rows[0], "y": rows[1]}
        responses = scoring.responses(model, part)
        scores.append(scoring.score(model, [responses], [part], ()))
    assert scores[0] == pytest.approx(scores[1], rel=1e-6)
    assert scores[0]["f1_macro"] > 0
    if hasattr(model, "partial_fit"):
        with pytest.raises(ValueError, match="classes"):
            model.partial_fit(cp.asarray(X), cp.asarray(-Y))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("sides", [(np, cp), (cp, np)], ids=["to device", "to host"])
def test_a_warm_start_goes_on_on_the_other_side(name, sides):
    """A fit that goes on may get rows on the other side, and trains there."""
    models = {}
    for where in (sides, (np, np)):
        model = type(MODELS[name])(**MODELS[name].get_params())
        model.set_params(warm_start=True)
        for xp in where:
            model.fit(xp.asarray(X), xp.asarray(Y))
        models[where] = model
    moved, stayed = models.values()
    weights = moved.coefs_[0] if hasattr(moved, "coefs_") else moved.coef_
    assert isinstance(weights, sides[1].ndarray)
    scores = [model.score(X, Y) for model in (moved, stayed)]
    assert scores[0] == pytest.approx(scores[1], abs=0.05)
    if name != "QN":  # whose solvers differ
        answers = [model.predict(X) for model in (moved, stayed)]
        np.testing.assert_allclose(*answers, rtol=1e-6)
