# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests that the conformance suite finds what is wrong with a stack."""

import copy

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from gpu_hpo.stacks import Stack
from gpu_hpo.stacks._contract import takes_rows
from gpu_hpo.testing import check_stackable

rng = np.random.default_rng(0)
X = rng.standard_normal((20, 3))
y = X @ [1.0, -2.0, 0.5]


def train(X, y, weights, rates, orders):
    """Descend row by row, with momentum; changes weights of shape (n_models, 2, 3)."""
    coef, velocity = weights[:, 0], weights[:, 1]
    for rows in np.transpose(orders):
        gaps = y[rows] - (X[rows] * coef).sum(axis=1)
        velocity *= 0.5
        velocity += gaps[:, None] * X[rows]
        coef += rates[:, None] * velocity


class ToyStack:
    """A right stack: one array of shape (n_models, 2, n_features)."""

    weights = None

    def __init__(self, models):
        self.models = [copy.deepcopy(model) for model in models]
        self.errors = [None] * len(self.models)
        if hasattr(models[0], "coef_"):
            self.weights = np.stack([[m.coef_, m._velocity] for m in models])

    def __len__(self):
        return len(self.models)

    def partial_fit(self, X, y):
        if self.weights is None:
            self.weights = np.zeros((len(self), 2, X.shape[1]))
        orders = [
            check_random_state(model.random_state).permutation(len(X))
            for model in self.models
        ]
        self.train(X, y, orders)
        return self

    def train(self, X, y, orders):
        rates = np.array([model.rate for model in self.models])
        train(X, y, self.weights, rates, orders)
        for model in self.models:
            model.n_calls_ = getattr(model, "n_calls_", 0) + 1

    def predict(self, X):
        return (X * self.weights[:, :1]).sum(axis=-1)

    def take(self, indices):
        out = copy.copy(self)
        out.models = [copy.deepcopy(self.models[i]) for i in indices]
        out.errors = [self.errors[i] for i in indices]
        if self.weights is not None:
            out.weights = self.weights[list(indices)]
        return out

    def concat(self, others):
        stacks = [self, *others]
        out = copy.copy(self)
        out.models = [copy.deepcopy(m) for stack in stacks for m in stack.models]
        out.errors = [error for stack in stacks for error in stack.errors]
        if self.weights is not None:
            out.weights = np.concatenate([stack.weights for stack in stacks])
        return out

    def unstack(self):
        models = [copy.deepcopy(model) for model in self.models]
        for model, (coef, velocity) in zip(models, self.weights, strict=True):
            model.coef_, model._velocity = coef.copy(), velocity.copy()
        return models


class Toy(BaseEstimator):
    stack_type = ToyStack

    def __init__(self, rate=0.01, random_state=0):
        self.rate = rate
        self.random_state = random_state

    def stack_key(self):
        return hasattr(self, "coef_")

    @classmethod
    def stack(cls, models):
        return cls.stack_type(models)

    def partial_fit(self, X, y):
        if not hasattr(self, "coef_"):
            self.coef_, self._velocity = np.zeros((2, X.shape[1]))
            self.n_calls_ = 0
        weights = np.stack([[self.coef_, self._velocity]])
        order = check_random_state(self.random_state).permutation(len(X))
        train(X, y, weights, np.array([self.rate]), [order])
        self.n_calls_ += 1
        return self.store(*weights[0])

    def store(self, coef, velocity):
        self.coef_[:] = coef
        self._velocity[:] = velocity
        return self

    def predict(self, X):
        return (X * self.coef_).sum(axis=-1)


class Rebinds(Toy):
    """Leaves its arrays as they are and makes new ones, which is right as well."""

    def store(self, coef, velocity):
        self.coef_, self._velocity = coef, velocity
        return self


def family(stack_type, base=Toy):
    """Models that differ in every parameter; three draw from generators."""
    kind = type("Model", (base,), {"stack_type": stack_type})
    shared = np.random.RandomState(5)
    seeds = [3, np.random.RandomState(4), shared, shared]
    return [kind(0.01 * (i + 1), seed) for i, seed in enumerate(seeds)]


@pytest.mark.parametrize("base", [Toy, Rebinds])
def test_a_right_stack_passes(base):
    """The suite accepts a stack that has nothing to do with ours, and harms nothing."""
    models = family(ToyStack, base)
    assert isinstance(ToyStack(models), Stack)
    states = [str(model.random_state.get_state()) for model in models[1:]]
    check_stackable(models, X, y)
    check_stackable(tuple(models), X, y, n_calls=2)
    assert [str(model.random_state.get_state()) for model in models[1:]] == states
    assert not any(hasattr(model, "coef_") for model in models)


def test_a_model_has_to_train_alone():
    """An estimator without `partial_fit` breaks the contract before anything trains."""

    class TrainsInStacksOnly(Toy):
        @property
        def partial_fit(self):
            raise AttributeError

    models = family(ToyStack, TrainsInStacksOnly)
    with pytest.raises(AssertionError, match="Model has no partial_fit"):
        check_stackable(models, X, y)


class KeepsList(ToyStack):
    def __init__(self, models):
        super().__init__(models)
        self.given = models

    def __len__(self):
        return len(self.given)

    def take(self, indices):
        out = super().take(indices)
        out.given = out.models
        return out

    def concat(self, others):
        out = super().concat(others)
        out.given = out.models
        return out


class KeepsListForUnstack(KeepsList):
    __len__ = ToyStack.__len__

    def unstack(self):
        return [out for _, out in zip(self.given, super().unstack(), strict=True)]


class KeepsListOfFitted(KeepsListForUnstack):
    def __init__(self, models):
        super().__init__(models)
        if not hasattr(models[0], "coef_"):
            self.given = self.models


class AddsAttribute(ToyStack):
    def unstack(self):
        models = super().unstack()
        for model in models:
            model.stacked_ = True
        return models


class LosesAttribute(ToyStack):
    def unstack(self):
        models = super().unstack()
        for model in models:
            del model.n_calls_
        return models


class LosesParameter(ToyStack):
    def unstack(self):
        models = super().unstack()
        if self.models[0].n_calls_ == 3:
            models[-1].rate = 0.5
        return models


class DrawsInStack(ToyStack):
    def __init__(self, models):
        super().__init__(models)
        for model in models:
            check_random_state(model.random_state).random_sample()


class SharesGenerators(ToyStack):
    def __init__(self, models):
        super().__init__(models)
        self.models = [copy.copy(model) for model in models]


class SharesGeneratorsOfFitted(ToyStack):
    def __init__(self, models):
        super().__init__(models)
        if hasattr(models[0], "coef_"):
            self.models = [copy.copy(model) for model in models]


class OneGeneratorForTwo(ToyStack):
    """Models that were given one generator are no longer independent."""

    def __init__(self, models):
        super().__init__(models)
        self.models = copy.deepcopy(list(models))


class TakeSharesGenerators(ToyStack):
    def take(self, indices):
        out = super().take(indices)
        out.models = [copy.copy(self.models[i]) for i in indices]
        return out


class FirstTakeSharesGenerators(ToyStack):
    def take(self, indices):
        out = super().take(indices)
        if self.weights is None:
            out.models = [copy.copy(self.models[i]) for i in indices]
        return out


class TakeSharesWeights(ToyStack):
    def take(self, indices):
        out = super().take(indices)
        first, last = indices[0], indices[-1]
        if self.weights is not None and list(indices) == list(range(first, last + 1)):
            out.weights = self.weights[first : last + 1]
        return out


class TakeOfAllIsItself(ToyStack):
    def take(self, indices):
        return (
            self if list(indices) == list(range(len(self))) else super().take(indices)
        )


class TakeOfOneIsView(TakeSharesWeights):
    def take(self, indices):
        return (super() if len(indices) == 1 else super(TakeSharesWeights, self)).take(
            indices
        )


class TakeSharesVelocity(ToyStack):
    """What is shared can be seen only when the stack goes on."""

    velocity = None

    def partial_fit(self, X, y):
        if self.velocity is not None:
            self.weights[:, 1] = self.velocity
        super().partial_fit(X, y)
        if self.velocity is None:
            self.velocity = self.weights[:, 1].copy()
        self.velocity[:] = self.weights[:, 1]
        return self

    def take(self, indices):
        out = super().take(indices)
        if self.velocity is not None and len(indices) == len(self):
            out.velocity = self.velocity
        elif self.velocity is not None:
            out.velocity = self.velocity[list(indices)]
        return out

    def concat(self, others):
        out = super().concat(others)
        if self.velocity is not None:
            out.velocity = out.weights[:, 1].copy()
        return out


class ConcatSharesGenerators(ToyStack):
    def concat(self, others):
        out = super().concat(others)
        out.models = [copy.copy(m) for stack in [self, *others] for m in stack.models]
        return out


class ConcatSharesOthersModels(ToyStack):
    def concat(self, others):
        out = super().concat(others)
        out.models[len(self) :] = [m for stack in others for m in stack.models]
        return out


class ConcatGrowsItself(ToyStack):
    def concat(self, others):
        self.__dict__.update(vars(super().concat(others)))
        return self


class ConcatMovesWeights(ToyStack):
    """The stacks that were joined become windows into the new one."""

    def concat(self, others):
        out = super().concat(others)
        if self.weights is not None:
            stop = 0
            for stack in [self, *others]:
                start, stop = stop, stop + len(stack)
                stack.weights = out.weights[start:stop]
        return out


class UnstackSharesWeights(ToyStack):
    def unstack(self):
        models = super().unstack()
        for model, (coef, velocity) in zip(models, self.weights, strict=True):
            model.coef_, model._velocity = coef, velocity
        return models


class UnstackSharesGenerators(ToyStack):
    def unstack(self):
        models = super().unstack()
        for model, mine in zip(models, self.models, strict=True):
            model.random_state = mine.random_state
        return models


class UnstackHidesVelocity(ToyStack):
    """A stack of what it gave goes on as it should, one of these models does not."""

    def __init__(self, models):
        super().__init__(models)
        if hasattr(models[0], "_hidden"):
            self.weights[:, 1] = [model._hidden for model in models]

    def unstack(self):
        models = super().unstack()
        for model in models:
            model._hidden, model._velocity = model._velocity, np.zeros(3)
        return models


class UnstackForgetsVelocity(ToyStack):
    def unstack(self):
        models = super().unstack()
        for model in models:
            model._velocity[:] = 0
        return models


class TrainsGiven(ToyStack):
    def __init__(self, models):
        super().__init__(models)
        self.models = list(models)


class MarksGiven(ToyStack):
    def __init__(self, models):
        super().__init__(models)
        for model in models:
            model.rate += 1


class ChangesGivenVelocity(ToyStack):
    def __init__(self, models):
        super().__init__(models)
        for model in models:
            if hasattr(model, "_velocity"):
                model._velocity += 1


class MindsNeighbours(ToyStack):
    def partial_fit(self, X, y):
        super().partial_fit(X, y)
        self.weights += 1e-12 * self.weights.mean(axis=0)
        return self


class TakesInOrder(ToyStack):
    def concat(self, others):
        out = super().concat(others)
        return out.take(sorted(range(len(out)), key=lambda i: -out.models[i].rate))


class Undercounts(ToyStack):
    def __len__(self):
        return len(self.models) - 1


class UnstacksTooFew(ToyStack):
    def unstack(self):
        return super().unstack()[:2]


class Fails(ToyStack):
    def partial_fit(self, X, y):
        super().partial_fit(X, y)
        self.errors[-1] = ValueError("diverged")


class AnswersDiffer(ToyStack):
    def predict(self, X):
        return super().predict(X) + 1e-9


class AnswersForOne(ToyStack):
    def predict(self, X):
        return super().predict(X)[:1]


LIST = "depends on the list that it was made of, which was emptied"
NUMBERS = "random_state is at another place in its random numbers"
GIVEN = "of those that the stack was made of: "
CAME_FROM = "that it came from"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (KeepsList, f"{LIST}: .*(0 models|shape|Error)"),
        (KeepsListForUnstack, f"{LIST}: ValueError.*zip"),
        (KeepsListOfFitted, f"{LIST}: ValueError.*zip"),
        (AddsAttribute, "model 0 has stacked_, alone it has not"),
        (LosesAttribute, "model 0 has no n_calls_"),
        (LosesParameter, "model 3: rate is 0.5, alone it is 0.04"),
        (DrawsInStack, f"^stack changed model 1 {GIVEN}{NUMBERS}"),
        (SharesGenerators, f"^training a stack changed model 1 {GIVEN}{NUMBERS}"),
        (
            SharesGeneratorsOfFitted,
            f"^training a stack changed model . {GIVEN}{NUMBERS}",
        ),
        (OneGeneratorForTwo, f"the stack 'all': model .: (coef_|{NUMBERS})"),
        (TakeSharesGenerators, f"what take gave .*{CAME_FROM}.*{NUMBERS}"),
        (FirstTakeSharesGenerators, f"what take gave .*{CAME_FROM}.*{NUMBERS}"),
        (TakeSharesWeights, f"what take gave .*{CAME_FROM}: model 0: coef_"),
        (TakeOfAllIsItself, f"what take gave .*{CAME_FROM}"),
        (TakeOfOneIsView, f"what take gave .*{CAME_FROM}: model 3: coef_"),
        (TakeSharesVelocity, f"what take gave .*{CAME_FROM}, after one more call"),
        (ConcatSharesGenerators, f"what concat gave .*{CAME_FROM}.*{NUMBERS}"),
        (ConcatSharesOthersModels, f"what concat gave .*{CAME_FROM}"),
        (ConcatGrowsItself, f"what concat gave .*{CAME_FROM}: it has 4 models"),
        (ConcatMovesWeights, f"what concat gave .*{CAME_FROM}: model 0: coef_"),
        (UnstackSharesWeights, f"what unstack gave .*{CAME_FROM}: model 0: coef_"),
        (UnstackSharesGenerators, f"what unstack gave .*{CAME_FROM}: .*{NUMBERS}"),
        (UnstackHidesVelocity, "'all' gave goes on otherwise .*: model 0: coef_"),
        (UnstackForgetsVelocity, "goes on otherwise .*: coef_"),
        (TrainsGiven, f"^training a stack changed model 0 {GIVEN}attributes"),
        (MarksGiven, f"^stack changed model 0 {GIVEN}rate is .*, it was 0.01"),
        (ChangesGivenVelocity, f"^stack changed model 0 {GIVEN}_velocity"),
        (MindsNeighbours, "the stack 'all': model 0: coef_ is .*, alone it is"),
        (TakesInOrder, "the stack 'regrouped': model 0: "),
        (Undercounts, "a stack of 4 says it has 3"),
        (UnstacksTooFew, "unstack gave 2 of 4"),
        (Fails, "errors: .*diverged"),
        (AnswersDiffer, "predict of the stack 'all' differs for model 0"),
        (AnswersForOne, "predict of the stack 'all' answers for 1 models"),
    ],
)
def test_broken_stacks_fail(broken, message):
    """The suite names what a broken stack does wrong."""
    with pytest.raises(AssertionError, match=f"(?s){message}"):
        check_stackable(family(broken), X, y)


class TakesRows(ToyStack):
    """A right stack whose models may train on rows of their own."""

    def partial_fit(self, X, y, rows=None):
        if self.weights is None:
            self.weights = np.zeros((len(self), 2, X.shape[1]))
        every = np.arange(len(X))
        for i, model in enumerate(self.models):
            own = every if rows is None or rows[i] is None else rows[i]
            order = check_random_state(model.random_state).permutation(len(own))
            part = self.part(i)
            part.train(X, y, [own[order]])
            self.weights[i] = part.weights[0]
        return self

    def part(self, i):
        out = copy.copy(self)
        out.models, out.weights = self.models[i : i + 1], self.weights[i : i + 1]
        return out


class IgnoresRows(TakesRows):
    def partial_fit(self, X, y, rows=None):
        return super().partial_fit(X, y)


class GivesAllTheSameRows(TakesRows):
    def partial_fit(self, X, y, rows=None):
        return super().partial_fit(X, y, rows and rows[:1] * len(rows))


class KeepsRows(TakesRows):
    kept = None

    def partial_fit(self, X, y, rows=None):
        self.kept = self.kept or rows
        return super().partial_fit(X, y, self.kept)


class MindsCompanyOfRows(TakesRows):
    def partial_fit(self, X, y, rows=None):
        super().partial_fit(X, y, rows)
        if rows and len({id(part) for part in rows}) > 2:
            self.weights[-1] += 1e-12
        return self


@pytest.mark.parametrize("base", [Toy, Rebinds])
def test_a_right_stack_with_rows_passes(base):
    """Who may train on rows of its own is given some, and nobody else is."""
    check_stackable(family(TakesRows, base), X, y)
    check_stackable(family(TakesRows, base), X[:19], y[:19], n_calls=2)


@pytest.mark.parametrize(
    "broken", [IgnoresRows, GivesAllTheSameRows, KeepsRows, MindsCompanyOfRows]
)
def test_stacks_that_mistake_rows_fail(broken):
    """Models that come out otherwise than by their own rows alone are found."""
    message = "the stack 'all' with rows of each model's own: model .: (coef_|random)"
    with pytest.raises(AssertionError, match=message):
        check_stackable(family(broken), X, y)


def test_who_takes_rows():
    """Only a parameter of this name says that a stack takes rows for each model."""

    class Wraps:
        def __init__(self, partial_fit):
            self.partial_fit = partial_fit

    models = family(ToyStack)
    assert takes_rows(TakesRows(models))
    assert not takes_rows(ToyStack(models))
    assert not takes_rows(Wraps(lambda X, y, **params: None))
    # Some that are compiled have no signature.
    assert not takes_rows(Wraps(dict))


def test_windows_of_a_stack_fail():
    """Estimators that change as the stack trains on are found, whatever they do."""
    message = "training a stack changed model 0 of those that it had given .*: coef_"
    with pytest.raises(AssertionError, match=message):
        check_stackable(family(UnstackSharesWeights, Rebinds), X, y)


class DrawsNoise(ToyStack):
    def __init__(self, models):
        super().__init__(models)
        models[0].noise.random()


class Noisy(Toy):
    def __init__(self, rate=0.01, random_state=0, noise=None):
        super().__init__(rate, random_state)
        self.noise = np.random.default_rng(0)


def test_new_generators():
    """The state of a Generator is compared as that of a RandomState is."""
    check_stackable(family(ToyStack, Noisy), X, y)
    with pytest.raises(AssertionError, match="noise is at another place"):
        check_stackable(family(DrawsNoise, Noisy), X, y)


@pytest.mark.parametrize(
    ("models", "n_calls", "message"),
    [
        ([Toy(), Toy()], 3, "at least three models, got 2"),
        ([Toy(), Toy(), Toy()], 1, "at least two calls, got 1"),
        ([Toy(), Toy(), Toy().partial_fit(X, y)], 3, "2 different keys"),
        ([BaseEstimator() for _ in range(3)], 3, "no stack_key or stack"),
    ],
    ids=["models", "calls", "keys", "no key"],
)
def test_what_is_asked_for(models, n_calls, message):
    """The suite says what it needs."""
    with pytest.raises(AssertionError, match=message):
        check_stackable(models, X, y, n_calls=n_calls)
