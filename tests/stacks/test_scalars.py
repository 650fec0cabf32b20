# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Formulas for one number say what array operations say."""

import math

import numpy as np
import pytest

from gpu_hpo.linear_model._losses import gradients, losses
from gpu_hpo.neural_network._optimizers import SGD, Adam
from gpu_hpo.stacks import _scalars
from gpu_hpo.stacks._scalars import ACTIVATION_SLOPES, LOSSES

SCORES = np.array([-3.0, -1.5, -1.0, -0.3, 0.0, 0.2, 0.7, 1.0, 1.3, 2.5, np.nan])
EPSILON = 0.25


@pytest.mark.parametrize("target", [-1.0, 1.0])
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, target):
    """Each loss, and its slope, is that of the arrays, for NaN as well."""
    for function, arrays in zip(LOSSES[name], (losses, gradients), strict=True):
        found = [function(score, target, EPSILON) for score in SCORES]
        expected = arrays(np, name, SCORES, target, EPSILON)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_activation_slopes():
    """Each slope is that of its activation."""
    activations = (
        lambda z: z,
        lambda z: 1 / (1 + math.exp(-z)),
        math.tanh,
        lambda z: max(z, 0),
    )
    for slope, activation in zip(ACTIVATION_SLOPES, activations, strict=True):
        for z in (-1.3, 0.4, 2.0):
            rise = (activation(z + 1e-6) - activation(z - 1e-6)) / 2e-6
            assert slope(activation(z), 0.0, 1.0) == pytest.approx(rise, abs=1e-8)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd(nesterov):
    """A step is that of the arrays."""
    params, velocity, grads = (np.array([[x]]) for x in (0.3, -0.2, 0.7))
    found = _scalars.sgd_step(0.3, 0.7, -0.2, 0.1, 0.9, nesterov)
    numbers = {"_rate": [0.1], "momentum": [0.9], "nesterovs_momentum": [nesterov]}
    SGD(np, [velocity], numbers).step(params, grads)
    assert found == pytest.approx([params.item(), velocity.item()])


def test_adam():
    """A step is that of the arrays."""
    params, first, second, grads = (np.array([[x]]) for x in (0.3, -0.2, 0.5, 0.7))
    numbers = {"beta_1": [0.9], "beta_2": [0.99], "epsilon": [1e-8]}
    numbers |= {"learning_rate_init": [0.1], "_n_steps": [3]}
    optimizer = Adam(np, [first, second], numbers)
    rate = optimizer.rates(np.array([0])).item()
    found = _scalars.adam_step(0.3, 0.7, -0.2, 0.5, rate, 0.9, 0.99, 1e-8, 1.0)
    optimizer.step(params, grads)
    assert found == pytest.approx([params.item(), first.item(), second.item()])


def test_probabilities_are_kept_from_0_and_1():
    """A logarithm is finite, and NaN stays."""
    known = [_scalars.log_likelihood(p, 1e-9, 1.0) for p in (0.0, 0.5, 1.0)]
    assert known == pytest.approx([math.log(1e-9), math.log(0.5), 0], abs=1e-8)
    assert math.isnan(_scalars.log_likelihood(math.nan, 1e-9, 1.0))
