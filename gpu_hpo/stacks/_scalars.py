# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compute losses, slopes and steps of solvers for one number, on any device.

They are written once. `compile_into` compiles copies of them for the CPU and for CUDA,
with each device's own `exp`, `log`, `log1p` and `sqrt`. Conditions are written so that
vector instructions can evaluate them. NaN, which fails every comparison, must give NaN,
or at least no plausible number. Constants of a type that must not be widened are passed
in: `zero`, `one`.
"""

from __future__ import annotations

from math import exp, log, log1p, sqrt

# scikit-learn's, for the sake of equal results.
MOST_GRADIENT = 1e12

# ---- losses of linear models, and their slopes; targets of classes are -1 and 1 ----


def _hinge_loss(score, target, epsilon):
    z = 1.0 - score * target
    return 0.0 if z < 0 else z


def _hinge_slope(score, target, epsilon):
    return 0.0 if score * target > 1.0 else -target


def _perceptron_loss(score, target, epsilon):
    z = 0.0 - score * target
    return 0.0 if z < 0 else z


def _perceptron_slope(score, target, epsilon):
    return 0.0 if score * target > 0.0 else -target


def _squared_hinge_loss(score, target, epsilon):
    z = 1 - score * target
    z = 0.0 if z < 0 else z
    return z * z


def _squared_hinge_slope(score, target, epsilon):
    z = 1 - score * target
    return -2 * target * (0.0 if z < 0 else z)


def _log_loss(score, target, epsilon):
    z = score * target
    return log1p(exp(-abs(z))) + (0.0 if z > 0 else -z)


def _log_slope(score, target, epsilon):
    z = score * target
    small = exp(-abs(z))
    return -target * (small if z > 0 else 1.0) / (1 + small)


def _modified_huber_loss(score, target, epsilon):
    z = score * target
    value = -4 * z if z < -1 else (1 - z) * (1 - z)
    return 0.0 if z >= 1 else value


def _modified_huber_slope(score, target, epsilon):
    z = score * target
    slope = -2 * (1 - z) * target
    slope = -4 * target if z < -1 else slope
    return 0.0 if z >= 1 else slope


def _squared_error_loss(score, target, epsilon):
    off = score - target
    return 0.5 * off * off


def _squared_error_slope(score, target, epsilon):
    return score - target


def _huber_loss(score, target, epsilon):
    off = abs(score - target)
    return epsilon * (off - 0.5 * epsilon) if off > epsilon else 0.5 * off * off


def _huber_slope(score, target, epsilon):
    off = score - target
    off = epsilon if off > epsilon else off
    return -epsilon if off < -epsilon else off


def _insensitive_loss(score, target, epsilon):
    off = abs(score - target) - epsilon
    return 0.0 if off < 0 else off


def _insensitive_slope(score, target, epsilon):
    off = score - target
    slope = 0.0 if off == off else off
    slope = 1.0 if off > epsilon else slope
    return -1.0 if off < -epsilon else slope


def _squared_insensitive_loss(score, target, epsilon):
    off = abs(score - target) - epsilon
    off = 0.0 if off < 0 else off
    return off * off


def _squared_insensitive_slope(score, target, epsilon):
    off = score - target
    slope = 0.0 if off == off else off
    slope = 2 * (off - epsilon) if off > epsilon else slope
    return 2 * (off + epsilon) if off < -epsilon else slope


# By their names in estimators; the order gives their numbers.
LOSSES = {
    "hinge": (_hinge_loss, _hinge_slope),
    "perceptron": (_perceptron_loss, _perceptron_slope),
    "squared_hinge": (_squared_hinge_loss, _squared_hinge_slope),
    "log_loss": (_log_loss, _log_slope),
    "modified_huber": (_modified_huber_loss, _modified_huber_slope),
    "squared_error": (_squared_error_loss, _squared_error_slope),
    "huber": (_huber_loss, _huber_slope),
    "epsilon_insensitive": (_insensitive_loss, _insensitive_slope),
    "squared_epsilon_insensitive": (
        _squared_insensitive_loss,
        _squared_insensitive_slope,
    ),
}

# ---- steps of linear models, per unit of x ----


def gradient_step(slope, eta):
    """Step against a slope, whose size scikit-learn bounds."""
    slope = -MOST_GRADIENT if slope < -MOST_GRADIENT else slope
    slope = MOST_GRADIENT if slope > MOST_GRADIENT else slope
    return -eta * slope


def passive_step(bounded, loss, norm, eta):
    """Return the size of the step of "pa1", which is `bounded`, or of "pa2"."""
    if bounded:
        step = loss / norm if norm > 0 else 0.0
        step = eta if step > eta else step
        return step if norm > 0 else 0.0
    return loss / (norm + 0.5 / eta)


# ---- slopes of activations, where the activation is known; losses of outputs ----


def _identity_slope(activated, zero, one):
    return one


def _logistic_slope(activated, zero, one):
    return activated * (one - activated)


def _tanh_slope(activated, zero, one):
    return one - activated * activated


def _relu_slope(activated, zero, one):
    return one if activated > zero else zero


# In the order of `IDENTITY, LOGISTIC, TANH, RELU`.
ACTIVATION_SLOPES = (_identity_slope, _logistic_slope, _tanh_slope, _relu_slope)


def at_least(x, least):
    """Return the larger of two numbers; NaN if `x` is."""
    return least if x < least else x


def log_likelihood(probability, tiny, one):
    """Take the logarithm of a probability that is kept from 0 and from 1."""
    known = tiny if probability < tiny else probability
    most = one - tiny
    return log(most if known > most else known)


# ---- steps of solvers of networks ----


def sgd_step(param, grad, velocity, rate, momentum, nesterov):
    """Step by SGD with momentum; return a parameter and its velocity."""
    change = rate * grad
    velocity = momentum * velocity - change
    return param + (momentum * velocity - change if nesterov else velocity), velocity


def adam_step(param, grad, first, second, rate, beta_1, beta_2, epsilon, one):
    """Step by Adam; return a parameter and both its moments."""
    first = beta_1 * first + (one - beta_1) * grad
    second = beta_2 * second + (one - beta_2) * grad * grad
    return param - rate * first / (sqrt(second) + epsilon), first, second
