# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which code trains the networks of a stack."""

from __future__ import annotations

from typing import Any

from gpu_hpo.neural_network._backprop import Batches, Shape, array_epoch, forward
from gpu_hpo.neural_network._optimizers import Optimizer

# From so many parameters on the libraries behind NumPy's products are faster.
COMPILED_UP_TO = 20_000


def train_epoch(
    xp: Any, shape: Shape, params: Any, alpha: Any, optimizer: Optimizer, data: Batches
) -> Any:
    """Take every network through all batches once, in place.

    Which code does it depends on the networks' shape and on where they are, never on
    how many they are: a network comes out the same whoever shares its stack.

    Parameters
    ----------
    xp : module
        NumPy or CuPy.
    shape : Shape
    params : array of shape (n_models, n_params)
        Is changed.
    alpha : array of shape (n_models,)
        Strength of the L2 penalty.
    optimizer : Optimizer
        Its state is changed.
    data : Batches

    Returns
    -------
    array of shape (n_models,)
        Mean loss over the rows, penalty included, each batch at the weights before it.
    """
    if _compiles(xp, shape):
        # Here, since Numba takes half a second to import.
        from gpu_hpo.neural_network._compiled import compiled_epoch

        return compiled_epoch(shape, params, alpha, optimizer, data)
    if xp.__name__ == "cupy":
        from gpu_hpo.devices._cuda_kernels import usable
        from gpu_hpo.neural_network._kernel import fits, kernel_epoch

        if fits(shape, params.itemsize) and usable():
            return kernel_epoch(shape, params, alpha, optimizer, data)
    return array_epoch(xp, shape, params, alpha, optimizer, data)


def outputs(xp: Any, shape: Shape, params: Any, X: Any) -> Any:
    """Compute the output layer of every network.

    Parameters
    ----------
    xp, shape, params
        As of `train_epoch`.
    X : array of shape (n_samples, n_features)

    Returns
    -------
    array of shape (n_models, n_samples, n_outputs)
    """
    if _compiles(xp, shape):
        from gpu_hpo.neural_network._compiled import compiled_outputs

        return compiled_outputs(shape, params, X)
    return forward(xp, shape, params, X).swapaxes(1, 2)


def _compiles(xp: Any, shape: Shape) -> bool:
    return xp.__name__ == "numpy" and shape.layout.n_params <= COMPILED_UP_TO
