# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which models share a fit."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier, SGDClassifier

from gpu_hpo.exhaustive.sharing._ridge_stack import RidgeStack
from gpu_hpo.exhaustive.sharing._shared_fits import share_key, shared_stack
from gpu_hpo.linear_model import SGDClassifier as OurSGDClassifier
from gpu_hpo.neural_network import MLPRegressor
from gpu_hpo.stacks._contract import fits_together, stack_key

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 3))
y = X @ [1.0, 2.0, 3.0] + rng.standard_normal(40)


class Stacked:
    """An estimator that keeps the stack contract; its stacks may be fitted."""

    def __init__(self, alpha=1.0, shape=3):
        self.alpha, self.shape = alpha, shape

    def stack_key(self):
        return self.shape

    @classmethod
    def stack(cls, models):
        return FittedStack(models)


class FittedStack:
    def __init__(self, models):
        self.models = models

    def fit(self, X, y):
        return self


class Unfitted(Stacked):
    """Its stacks are trained by calls only."""

    @classmethod
    def stack(cls, models):
        return list(models)


class OwnRidge(Ridge):
    """A ridge regression that keeps the stack contract, with stacks of its own."""

    def stack_key(self):
        return self.fit_intercept

    @classmethod
    def stack(cls, models):
        return FittedStack(models)


@pytest.mark.parametrize("kind", [Ridge, RidgeClassifier])
def test_ridge(kind):
    """Ridge models share a fit with those that differ in the penalty only."""
    models = [kind(alpha=alpha) for alpha in (0.1, 1.0)]
    assert share_key(models[0]) == share_key(models[1]) is not None
    assert share_key(models[0]) != share_key(kind(fit_intercept=False))
    assert share_key(Ridge()) != share_key(RidgeClassifier())
    stack = shared_stack(models)
    assert isinstance(stack, RidgeStack)
    stack.fit(X, y > 0 if kind is RidgeClassifier else y)
    for model, made in zip(models, stack.unstack(), strict=True):
        model.fit(X, y > 0 if kind is RidgeClassifier else y)
        np.testing.assert_allclose(made.coef_, model.coef_)


def test_stack_contract():
    """Models that keep the contract share a fit by it, if their stacks have one."""
    model = Stacked(shape=2)
    assert share_key(model) == stack_key(model) == share_key(Stacked(2.0, shape=2))
    assert share_key(model) != share_key(Stacked(shape=3))
    assert isinstance(shared_stack([model]), FittedStack)
    assert share_key(Unfitted()) is None


def test_the_contract_comes_first():
    """A subclass has no part in what is known of its base, but in its own stacks."""
    assert share_key(OwnRidge()) == (OwnRidge, True)
    assert isinstance(shared_stack([OwnRidge()]), FittedStack)


@pytest.mark.parametrize("model", [OurSGDClassifier(), MLPRegressor()], ids=repr)
def test_estimators_of_ours(model):
    """Estimators of this package share fits where their stacks have a fit."""
    assert fits_together(model)
    assert share_key(model) == stack_key(model)
    assert type(shared_stack([model])) is type(type(model).stack([model]))


@pytest.mark.parametrize(
    "model",
    [LinearRegression(), SGDClassifier(), RandomForestClassifier(), object(), Ridge],
    ids=lambda model: getattr(model, "__name__", type(model).__name__),
)
def test_others(model):
    """Whatever else there is shares a fit with nobody."""
    assert share_key(model) is None
