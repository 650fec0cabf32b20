# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Whatever draws in a model, and has no seed of the user's, has one of its trial's."""

import copy

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LassoCV, SGDClassifier
from sklearn.model_selection import GridSearchCV, KFold, RepeatedKFold, ShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from gpu_hpo.adaptive.training._models import Trial, make_model
from gpu_hpo.training._seeds import set_seeds, unset_seeds


class Holding(BaseEstimator):
    """Holds anything, for which it has no names."""

    def __init__(self, held=None, random_state=3):
        self.held = held
        self.random_state = random_state


class Shallow(BaseEstimator):
    """Holds an estimator, and has no names for its parameters."""

    def __init__(self, inner=None):
        self.inner = inner

    def get_params(self, deep=True):
        return super().get_params(deep=False)


class Wrapped:
    """A splitter by another one."""

    def __init__(self, cv):
        self.cv = cv

    def split(self, X, y=None, groups=None):
        return self.cv.split(X, y, groups)


class Fixed:
    """Has a `random_state` that nobody can set."""

    random_state = property(lambda self: None)


def pipe(clf, scaler=None, name="clf"):
    """A pipeline of a scaler and another step."""
    return Pipeline([("sc", scaler or StandardScaler()), (name, clf)])


def make(estimator, params=None, seed=0):
    """Make the model of a trial."""
    return make_model(estimator, Trial(params or {}, seed), unset_seeds(estimator))


SEEDED = SGDClassifier(random_state=1)
STEPS = [("sc", StandardScaler()), ("clf", SGDClassifier())]
OF_SEVEN = [("sc", StandardScaler()), ("clf", SGDClassifier(random_state=7))]
# Name: prototype, parameters of a trial, and what gets the seed, by its path.
DRAWN = {
    "None over a seed": (SEEDED, {"random_state": None}, ""),
    "None over none": (SGDClassifier(), {"random_state": None}, ""),
    "None of a part": (pipe(SEEDED), {"clf__random_state": None}, "clf"),
    "steps over a seed": (pipe(SEEDED), {"steps": STEPS}, "clf"),
    "steps by other names": (
        pipe(SGDClassifier()),
        {"steps": [("mm", MinMaxScaler()), ("svm", SGDClassifier())]},
        "svm",
    ),
    "steps, and None": (
        pipe(SEEDED),
        {"steps": OF_SEVEN, "clf__random_state": None},
        "clf",
    ),
    "estimators": (
        VotingClassifier([("a", SEEDED)]),
        {"estimators": [("b", SGDClassifier())]},
        "b",
    ),
    "transformers": (
        ColumnTransformer([("a", PCA(random_state=1), [0])]),
        {"transformers": [("b", PCA(), [0])]},
        "b",
    ),
    "a step that is gone": (pipe(SGDClassifier(), PCA()), {"sc": None}, "clf"),
    "a step that is passed": (
        pipe(SGDClassifier(), PCA()),
        {"sc": "passthrough"},
        "clf",
    ),
    "a step put in": (pipe(SEEDED, "passthrough"), {"sc": PCA()}, "sc"),
    "no steps with a seed": (
        pipe(SGDClassifier(), PCA()),
        {"steps": [("sc", "passthrough"), ("c", SGDClassifier())]},
        "c",
    ),
}
# Name: prototype, parameters of a trial, path of what the user gave a seed, and that.
KEPT = {
    "steps": (pipe(SGDClassifier()), {"steps": OF_SEVEN}, "clf", 7),
    "estimators": (
        VotingClassifier([("a", SGDClassifier())]),
        {"estimators": [("a", SGDClassifier(random_state=7))]},
        "a",
        7,
    ),
    "transformers": (
        ColumnTransformer([("a", PCA(), [0])]),
        {"transformers": [("a", PCA(random_state=7), [0])]},
        "a",
        7,
    ),
    "a part": (pipe(SGDClassifier()), {"clf": SGDClassifier(random_state=7)}, "clf", 7),
    "a number": (pipe(SGDClassifier()), {"clf__random_state": 0}, "clf", 0),
    "a number in new steps": (
        pipe(SGDClassifier()),
        {"steps": STEPS, "clf__random_state": 0},
        "clf",
        0,
    ),
}
# Name: something without a seed, and how to get at it.
HELD = {
    "a list of estimators": ([SEEDED, SGDClassifier()], lambda held: held[1]),
    "a tuple in a dict": ({"a": ("x", SGDClassifier())}, lambda held: held["a"][1]),
    "parts of what is held": (
        [pipe(SGDClassifier())],
        lambda held: held[0]["clf"],
    ),
    "one held by one held": (
        [Holding([SGDClassifier()])],
        lambda held: held[0].held[0],
    ),
    "one without names": (Shallow(SGDClassifier()), lambda held: held.inner),
    "a splitter": (KFold(shuffle=True), lambda held: held),
    "a splitter that repeats": (RepeatedKFold(), lambda held: held),
    "a splitter in a splitter": (Wrapped(ShuffleSplit()), lambda held: held.cv),
    "a splitter of a model": (LassoCV(cv=KFold(shuffle=True)), lambda held: held.cv),
    "a splitter in a search": (
        GridSearchCV(SEEDED, {"alpha": [1]}, cv=ShuffleSplit()),
        lambda held: held.cv,
    ),
    "a value in a search": (
        GridSearchCV(pipe(SEEDED), {"clf": [SEEDED, SGDClassifier()]}),
        lambda held: held.param_grid["clf"][1],
    ),
}


def seed_of(model, path):
    """The seed of a part, or of the model itself."""
    return model.get_params()[f"{path}__random_state" if path else "random_state"]


@pytest.mark.parametrize("name", DRAWN)
def test_drawn(name):
    """What has no seed once the parameters are set is given one, by the trial's."""
    estimator, params, path = DRAWN[name]
    given = copy.deepcopy(params)
    first, again, other = (seed_of(make(estimator, params, s), path) for s in (5, 5, 6))
    assert type(first) is int
    assert first == again != other
    assert repr(params) == repr(given)
    assert not unset_seeds(make(estimator, params))


@pytest.mark.parametrize("name", KEPT)
def test_kept(name):
    """A seed that the user wrote stays, wherever it is among the parameters."""
    estimator, params, path, seed = KEPT[name]
    assert seed_of(make(estimator, params), path) == seed


@pytest.mark.parametrize("name", HELD)
@pytest.mark.parametrize("as_parameter", [False, True])
def test_held(name, as_parameter):
    """What no parameter's name leads to has a seed of the trial's, too."""
    held, found = HELD[name]
    if as_parameter:
        models = [make(Holding(KFold(shuffle=True)), {"held": held}, s) for s in (5, 6)]
    else:
        models = [make(Holding(held), {}, s) for s in (5, 6)]
    first, other = (found(model.held).random_state for model in models)
    assert type(first) is int
    assert first != other
    assert found(held).random_state is None
    assert not unset_seeds(models[0])


def test_what_was_held():
    """If a parameter takes the place of what was without a seed, that is no error."""
    assert make(LassoCV(cv=KFold(shuffle=True)), {"cv": 3}).cv == 3


def test_values_of_a_search():
    """None among the seeds that a search within tries is one of the trial's."""
    search = GridSearchCV(SEEDED, {"random_state": [None, 0]})
    drawn, zero = make(search).param_grid["random_state"]
    assert type(drawn) is int
    assert zero == 0
    assert search.param_grid["random_state"] == [None, 0]


def test_left_alone():
    """What has nothing to draw, or is not to be changed, has no seed afterwards."""
    learned = SGDClassifier()
    parts = [("f", FrozenEstimator(learned)), ("g", FrozenEstimator(PCA()))]
    model = make(Holding([KFold(), Fixed(), Pipeline(parts)]))
    plain, _, pipeline = model.held
    assert plain.random_state is None
    assert pipeline["f"].estimator.random_state is None
    assert not unset_seeds(Pipeline(parts))
    assert not unset_seeds(Holding([KFold(3), 3, "text", np.zeros(3), None, PCA]))


def test_generators_are_the_users():
    """A generator that the user gave stays, and each model has a copy of its own."""
    given = np.random.RandomState(5)
    for estimator, params in (
        (SGDClassifier(random_state=given), {}),
        (SGDClassifier(), {"random_state": given}),
    ):
        first, second = (make(estimator, params, seed).random_state for seed in (1, 2))
        assert len({id(given), id(first), id(second)}) == 3
        assert first.randint(10**6) == second.randint(10**6)
    assert given.randint(10**6) == np.random.RandomState(5).randint(10**6)


def test_plain_values_leave_seeds():
    """Numbers and texts do not change which part has which seed."""
    estimator = pipe(SGDClassifier(), PCA())
    plain = {"clf__alpha": 0.1, "sc__n_components": 2, "clf__penalty": "l1"}
    for params in ({}, plain):
        model = make(estimator, params, 3)
        drawn = np.random.RandomState(3).randint(np.iinfo(np.int32).max, size=2)
        assert [model["clf"].random_state, model["sc"].random_state] == drawn.tolist()


def test_named_come_first():
    """Seeds of what has a name do not depend on what else has none."""
    alone = make(Holding(random_state=None), seed=4)
    beside = make(Holding([SGDClassifier()], random_state=None), seed=4)
    assert alone.random_state == beside.random_state != beside.held[0].random_state


def test_one_object_in_two_places():
    """One object that is in two places has one seed."""
    shared = KFold(shuffle=True)
    first, second = make(Holding([shared, {"a": shared}])).held
    assert first is second["a"]
    assert type(first.random_state) is int


def test_places_hold_for_copies():
    """What was found in one estimator can be set in a copy, and leaves it as it is."""
    estimator = Holding([LassoCV(cv=KFold(shuffle=True))], random_state=None)
    places, other = unset_seeds(estimator), copy.deepcopy(estimator)
    set_seeds(other, places, range(len(places)))
    assert len(places) == 3
    assert not unset_seeds(other)
    assert unset_seeds(estimator) == places
