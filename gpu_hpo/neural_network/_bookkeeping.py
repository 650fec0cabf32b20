# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What each network has for itself: its draws, its rate, and the books of an epoch.

All as scikit-learn does, so that the same seed gives the same network.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from gpu_hpo.neural_network._rows import NetworkRows
from gpu_hpo.stacks._fit_loop import end_epoch as end_epoch_of_any
from gpu_hpo.stacks._row_orders import Begun, is_fixed

# Coefficients and intercepts, layer by layer.
Weights: TypeAlias = tuple[list[np.ndarray], list[np.ndarray]]


def hidden_layers(model: Any) -> tuple[int, ...]:
    """Return the units of the hidden layers; raise if one has none, or a fraction."""
    sizes = model.hidden_layer_sizes
    sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if any(size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    if not all(isinstance(size, Integral) for size in sizes):
        raise TypeError(f"hidden_layer_sizes must be integers, got {sizes}.")
    return tuple(int(size) for size in sizes)


def batch_size(model: Any, n_rows: int, *, quiet: bool = False) -> int:
    """Say how many rows a mini-batch has."""
    if model.batch_size == "auto":
        return min(200, n_rows)
    if model.batch_size > n_rows and not quiet:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to "
            "be clipped"
        )
    return min(model.batch_size, n_rows)


def draw_weights(
    models: Sequence[Any], rows: NetworkRows
) -> tuple[list[Weights], Begun]:
    """Draw the weights that networks begin with; equal integer seeds share them.

    Says what integer seeds have become by that, too.
    """
    drawn: dict[int, Weights] = {}
    begun: dict[int, np.random.RandomState] = {}
    initial: list[Weights] = []
    for model in models:
        seed = model.random_state
        if is_fixed(seed) and int(seed) in drawn:
            initial.append(drawn[int(seed)])
            continue
        rng = check_random_state(seed)
        initial.append(initial_weights(model, rows, rng))
        if is_fixed(seed):
            begun[int(seed)], drawn[int(seed)] = rng, initial[-1]
    return initial, begun


def initial_weights(
    model: Any, rows: NetworkRows, rng: np.random.RandomState
) -> Weights:
    """Draw weights as Glorot and Bengio advise, in the order that scikit-learn does.

    On the host whatever the device, so that a seed means the same everywhere.
    """
    units = [rows.X.shape[1], *hidden_layers(model), rows.n_outputs]
    dtype = np.dtype(rows.X.dtype.str)
    coefs, intercepts = [], []
    for fan_in, fan_out in pairwise(units):
        factor = 2.0 if model.activation == "logistic" else 6.0
        bound = np.sqrt(factor / (fan_in + fan_out))
        coefs.append(rng.uniform(-bound, bound, (fan_in, fan_out)).astype(dtype))
        intercepts.append(rng.uniform(-bound, bound, fan_out).astype(dtype))
    return coefs, intercepts


def new_solver(model: Any) -> dict[str, Any]:
    """Return attributes of a model whose solver begins anew."""
    return {"_moments": None, "_rate": model.learning_rate_init, "_n_steps": 0}


def learning_rate(model: Any) -> float:
    """Return the rate of the next epoch, of the solver "sgd"."""
    constant = model.learning_rate == "constant"
    return float(model.learning_rate_init if constant else model._rate)


def end_epoch(model: Any, n_rows: int, n_batches: int) -> bool:
    """Keep the books of one epoch of one network; True if it should stop."""
    model.t_ += n_rows
    model._n_steps += n_batches
    model.loss_curve_.append(model.loss_)
    stops = end_epoch_of_any(model)
    sgd = model.solver == "sgd"
    if sgd and model.learning_rate == "invscaling":
        model._rate = float(model.learning_rate_init) / (model.t_ + 1) ** model.power_t
    if not stops:
        return False
    if sgd and model.learning_rate == "adaptive" and model._rate > 1e-6:
        model._rate /= 5.0
        model._no_improvement_count = 0
        return False
    return True


def output_activation(model: Any) -> str:
    """Name the activation of the output layer."""
    if not is_classifier(model):
        return "exp" if model.loss == "poisson" else "identity"
    multiclass = model._label_binarizer.y_type_ == "multiclass"
    return "softmax" if multiclass else "logistic"
