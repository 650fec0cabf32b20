# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Making models and training them by one call."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier

from gpu_hpo.adaptive.training._models import (
    Trial,
    TrialSpec,
    make_model,
)
from gpu_hpo.metrics._scoring import make_scoring
from gpu_hpo.training._pipelines import takes_classes
from gpu_hpo.training._seeds import unset_seeds
from tests.training.helpers import train_call


class Noting(BaseEstimator):
    """Notes what partial_fit is given."""

    def __init__(self, a=1):
        self.a = a
        self.calls = []

    def partial_fit(self, X, y=None, classes=None, **options):
        self.calls.append((X, y, classes, options))

    def score(self, X, y=None):
        return 0.0

    fit = partial_fit


class Demanding(Noting):
    """Wants classes at every call."""

    def partial_fit(self, X, y, classes):
        self.calls.append((X, y, classes, {}))


def make(estimator, params, seed=0):
    return make_model(estimator, Trial(params, seed), unset_seeds(estimator))


def spec(estimator, **options):
    return TrialSpec(
        prototype=estimator,
        unset_seeds=unset_seeds(estimator),
        scoring=make_scoring(Noting(), None),
        **options,
    )


def test_model_has_its_parameters():
    """A model is a copy of the estimator with the trial's parameters."""
    estimator = SGDClassifier(penalty="l1", random_state=3)
    model = make(estimator, {"alpha": 0.5})
    assert model is not estimator
    assert (model.alpha, model.penalty, model.random_state) == (0.5, "l1", 3)
    assert estimator.alpha == 1e-4


def test_values_are_copied():
    """Models do not share the estimators that are parameter values."""
    trial = {"estimator": SGDClassifier()}
    models = [make(MultiOutputClassifier(None), trial) for _ in range(2)]
    parts = [trial["estimator"], *(model.estimator for model in models)]
    assert len({id(part) for part in parts}) == 3
    assert trial["estimator"].random_state is None


def test_parts_of_parts():
    """Parameters of a part apply to the part that the trial puts in."""
    trial = {"estimator": SGDClassifier(), "estimator__alpha": 7.0}
    assert make(MultiOutputClassifier(None), trial).estimator.alpha == 7.0


def test_seeds():
    """A random_state that is None is drawn from the trial's seed, in parts as well."""
    assert unset_seeds(SGDClassifier(random_state=1)) == ()
    assert unset_seeds(MultiOutputClassifier(SGDClassifier())) == (
        "estimator__random_state",
    )
    first, again, other = (make(SGDClassifier(), {}, s).random_state for s in (1, 1, 2))
    assert isinstance(first, int)
    assert first == again != other
    given = {"estimator": SGDClassifier()}
    for estimator, params in (
        (MultiOutputClassifier(SGDClassifier()), {}),
        (MultiOutputClassifier(None), given),
    ):
        assert isinstance(make(estimator, params).estimator.random_state, int)
    assert make(SGDClassifier(), {"random_state": 9}).random_state == 9


def test_takes_classes():
    """Whether partial_fit wants to be told classes is seen from its signature."""
    for estimator in (SGDClassifier(), MLPClassifier(), GaussianNB(), Demanding()):
        assert takes_classes(estimator)
    assert not takes_classes(SGDRegressor())


def test_call():
    """A call gets X, y, classes at the first, whole and per-row parameters."""
    chunk = {"X": np.eye(2), "y": np.arange(2), "w": np.ones(2), "v": np.zeros(2)}
    table = object()
    classes = np.arange(2)
    given = spec(
        Noting(), classes=classes, fit_params={"table": table}, fit_rows=("w",)
    )
    model = Noting()
    for first in (True, False):
        train_call(model, chunk, given, first=first)
    for i, (X, y, told, options) in enumerate(model.calls):
        np.testing.assert_array_equal(X, chunk["X"])
        np.testing.assert_array_equal(y, chunk["y"])
        assert told is None if i else list(told) == [0, 1]
        assert options["table"] is table
        np.testing.assert_array_equal(options["w"], chunk["w"])
        assert len(options) == 2


def test_call_without_y():
    """Where there is no y, partial_fit gets X alone."""
    model = Noting()
    train_call(model, {"X": np.eye(2)}, spec(Noting()), first=True)
    assert model.calls[0][1:] == (None, None, {})


def test_call_with_classes_required():
    """Where partial_fit has to be told classes, it is at every call."""
    chunk, classes = {"X": np.eye(2), "y": np.arange(2)}, np.arange(2)
    model = Demanding()
    for first in (True, False):
        train_call(model, chunk, spec(Demanding(), classes=classes), first=first)
    assert [list(call[2]) for call in model.calls] == [[0, 1], [0, 1]]
