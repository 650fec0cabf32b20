# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests that the conformance suite finds what is wrong with the fit of a stack."""

import copy
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from gpu_hpo.stacks._contract import fits_together
from gpu_hpo.testing import check_stackable
from tests.testing.test_stack_conformance import (
    Toy,
    ToyStack,
    X,
    family,
    train,
    y,
)


def has_stopped(coef, n_calls):
    return n_calls == 30 or np.abs(y - X @ coef).mean() < 0.4


class FitsToy(Toy):
    def fit(self, X, y):
        weights = np.zeros((1, 2, X.shape[1]))
        rng = check_random_state(self.random_state)
        n_calls = 0
        while not has_stopped(weights[0, 0], n_calls):
            train(X, y, weights, np.array([self.rate]), [rng.permutation(len(X))])
            n_calls += 1
            if not np.isfinite(weights).all():
                raise ValueError(f"diverged in epoch {n_calls}")
        if n_calls == 30:
            warnings.warn("30 epochs were not enough", ConvergenceWarning)
        self.n_calls_ = n_calls
        self.coef_, self._velocity = np.empty((2, X.shape[1]))
        return self.store(*weights[0])


class Fits(ToyStack):
    """A right stack whose models leave the training one by one."""

    def fit(self, X, y):
        self.begin(X)
        rngs = [check_random_state(model.random_state) for model in self.models]
        active = np.arange(len(self))
        while len(active):
            part = copy.copy(self)
            part.models = [self.models[i] for i in active]
            part.weights = self.weights[active]
            part.train(X, y, self.orders([rngs[i] for i in active], len(X)))
            self.weights[active] = part.weights
            active = active[self.stay(active)]
        if any(model.n_calls_ == 30 for model in self.models):
            warnings.warn("30 epochs were not enough", ConvergenceWarning)
        return self

    def begin(self, X):
        self.weights = np.zeros((len(self), 2, X.shape[1]))
        self.errors = [None] * len(self)
        for model in self.models:
            model.n_calls_ = 0

    def orders(self, rngs, n_rows):
        return [rng.permutation(n_rows) for rng in rngs]

    def stay(self, active):
        return [self.stays(i) for i in active]

    def stays(self, i):
        n_calls = self.models[i].n_calls_
        if not np.isfinite(self.weights[i]).all():
            self.errors[i] = ValueError(f"diverged in epoch {n_calls}")
            return False
        return not has_stopped(self.weights[i, 0], n_calls)


def diverging(models):
    """One more such model, that fails."""
    return type(models[0])(rate=1e250)


def test_a_right_fit_passes():
    """The suite accepts a fit that has nothing to do with ours, and harms nothing."""
    models = family(Fits, FitsToy)
    failing = diverging(models)
    with np.errstate(all="ignore"):
        check_stackable(models, X, y)
        check_stackable(models, X, y, failing=failing)
    assert not any(hasattr(model, "coef_") for model in [*models, failing])
    # Or the suite would see nothing of who stops when.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        counts = {copy.deepcopy(model).fit(X, y).n_calls_ for model in models}
    assert len(counts) > 2


class StopsWithLast(Fits):
    def stay(self, active):
        stay = super().stay(active)
        return [any(stay)] * len(stay)


class StopsWithFirst(Fits):
    def stay(self, active):
        stay = super().stay(active)
        return [all(stay)] * len(stay)


class MindsNeighbours(Fits):
    def stay(self, active):
        if len(self) == 4:
            self.weights[active] += 1e-15 * self.weights.mean(axis=0)
        return super().stay(active)


class MindsBeingAlone(Fits):
    def stay(self, active):
        self.weights[active] += 1e-12 * (len(self) == 1)
        return super().stay(active)


class DrawsOneOrder(Fits):
    def orders(self, rngs, n_rows):
        return super().orders(rngs[:1], n_rows) * len(rngs)


class DrawsForThoseWhoStopped(Fits):
    """What a generator gives next shows that it was drawn from in vain."""

    def fit(self, X, y):
        super().fit(X, y)
        for model in self.models:
            check_random_state(model.random_state).permutation(len(X))
        return self


class GoesOn(Fits):
    def begin(self, X):
        weights = self.weights
        super().begin(X)
        self.weights = self.weights if weights is None else weights


class KeepsErrors(Fits):
    def begin(self, X):
        super().begin(X)
        if hasattr(self, "fitted"):
            self.errors[0] = ValueError("an old one")
        self.fitted = True


class ForgetsVelocity(Fits):
    def fit(self, X, y):
        super().fit(X, y)
        self.weights[:, 1] = 0
        return self


class GivesNothing(Fits):
    def fit(self, X, y):
        super().fit(X, y)


class LeavesTooFewErrors(Fits):
    def fit(self, X, y):
        super().fit(X, y)
        self.errors = self.errors[1:]
        return self


class MarksFitted(Fits):
    def unstack(self):
        models = super().unstack()
        for model in models:
            if model.n_calls_ > 5:
                model.stacked_ = True
        return models


class FitsGiven(Fits):
    def __init__(self, models):
        super().__init__(models)
        self.given = list(models)

    def fit(self, X, y):
        for model in self.given:
            model.rate += 1
        return super().fit(X, y)


class AnswersAsBefore(Fits):
    def predict(self, X):
        return super().predict(X) + 1e-9 * (self.models[0].n_calls_ > 5)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (StopsWithLast, "fit of the stack 'all': model .: (n_calls_|coef_|random)"),
        (StopsWithFirst, "fit of the stack 'all': model .: (n_calls_|coef_|random)"),
        (MindsNeighbours, "fit of the stack 'all': model .*: coef_"),
        (MindsBeingAlone, "fit of the stack 'one': model 0: coef_"),
        (DrawsOneOrder, "fit of the stack 'all': model .*: (coef_|random|n_calls)"),
        (DrawsForThoseWhoStopped, "model .: random_state is at another place"),
        (GoesOn, "fit of a stack that was fitted before: model 0: "),
        (KeepsErrors, "fit of a stack that was fitted before: .*an old one"),
        (ForgetsVelocity, "'all' gave goes on otherwise than if alone: model"),
        (GivesNothing, "fit of the stack 'all' gave None instead of the stack"),
        (LeavesTooFewErrors, "fit of the stack 'all' left 3 errors of 4 models"),
        (MarksFitted, "fit of the stack 'all': model . has stacked_"),
        (FitsGiven, "fit of the stack 'all' changed model 0 of those .*: rate"),
        (AnswersAsBefore, "predict of the fitted stack 'all' differs for model 0"),
    ],
)
def test_broken_fits_fail(broken, message):
    """The suite names what the fit of a stack does wrong."""
    with pytest.raises(AssertionError, match=f"(?s){message}"):
        check_stackable(family(broken, FitsToy), X, y)


class ForgetsErrors(Fits):
    def fit(self, X, y):
        super().fit(X, y)
        self.errors = [None] * len(self)
        return self


class RaisesErrors(Fits):
    def stays(self, i):
        stays = super().stays(i)
        if self.errors[i]:
            raise self.errors[i]
        return stays


class FailsAsOthers(Fits):
    def stays(self, i):
        stays = super().stays(i)
        if self.errors[i]:
            self.errors[i] = RuntimeError("diverged")
        return stays


class EndsWithWhoFails(Fits):
    def stay(self, active):
        stay = super().stay(active)
        return [] if any(self.errors) else stay


class SpreadsErrors(Fits):
    def stay(self, active):
        if not np.isfinite(self.weights).all():
            self.weights[-1] += 1e-9
        return super().stay(active)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (ForgetsErrors, "the error of model 1 is None, alone it is ValueError"),
        (RaisesErrors, "'with one that fails' raised ValueError"),
        (FailsAsOthers, "the error of model 1 is RuntimeError.*, alone .*ValueError"),
        (EndsWithWhoFails, "'with one that fails': model 0: (n_calls_|coef_)"),
        (SpreadsErrors, "'with one that fails': model .: (n_calls_|coef_)"),
    ],
)
def test_errors_of_one(broken, message):
    """A stack that makes too much or too little of an error of one model is found."""
    models = family(broken, FitsToy)
    with np.errstate(all="ignore"):
        check_stackable(models, X, y)
        with pytest.raises(AssertionError, match=f"(?s){message}"):
            check_stackable(models, X, y, failing=diverging(models))


def test_what_is_asked_for():
    """The suite says what it needs to see a model fail."""
    models = family(Fits, FitsToy)
    with pytest.raises(AssertionError, match="the failing model alone succeeded"):
        check_stackable(models, X, y, failing=type(models[0])())
    with pytest.raises(AssertionError, match="2 different keys"):
        check_stackable(models, X, y, failing=Toy().partial_fit(X, y))
    models = family(ToyStack)
    with pytest.raises(AssertionError, match="stacks of Model have no fit"):
        check_stackable(models, X, y, failing=diverging(models))


def test_who_fits_together():
    """Only what has the two methods, and stacks with a fit, is fitted together."""
    (model,) = family(Fits, FitsToy)[:1]
    assert fits_together(model)
    assert not hasattr(model, "coef_")
    # That the models have a fit is not enough.
    assert not fits_together(family(ToyStack, FitsToy)[0])
    assert not fits_together(np.ones(3))
