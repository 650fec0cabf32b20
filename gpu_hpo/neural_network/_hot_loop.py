# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which code trains the networks of a stack."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np

from gpu_hpo._typing import Array
from gpu_hpo.devices._namespace import to_host
from gpu_hpo.neural_network._backprop import Batches, Shape, array_epoch, forward
from gpu_hpo.neural_network._optimizers import Optimizer

# From so many parameters on the libraries behind NumPy's products are faster.
COMPILED_UP_TO = 20_000


def train_epoch(
    shape: Shape, params: Array, alpha: np.ndarray, optimizer: Optimizer, data: Batches
) -> tuple[Array, np.ndarray | None]:
    """Take every network through all batches once, in place.

    The code that does it depends on the networks' shape and device, never on their
    number: a network comes out the same whichever others share its stack.

    Parameters, of shape (n_models, n_params), and the optimizer's state are changed;
    `alpha`, of shape (n_models,), is the strength of the L2 penalty; it and the orders
    are on the host. Returned is, of each model, the mean loss over the rows, penalty
    included, each batch at the weights before it; and, where it is known already,
    whether the weights are finite, as a number that is not 0.
    """
    xp = optimizer.xp
    if _compiles(xp, shape):
        # Here, since Numba takes half a second to import.
        from gpu_hpo.neural_network._compiled import compiled_epoch

        return compiled_epoch(shape, params, alpha, optimizer, data), None
    if xp.__name__ == "cupy":
        from gpu_hpo.devices._cuda_kernels import usable
        from gpu_hpo.neural_network._kernel import fits, kernel_epoch

        if fits(shape, params.itemsize) and usable():
            # The host waits once for both.
            losses, sound = to_host(kernel_epoch(shape, params, alpha, optimizer, data))
            return losses, sound
    if data.orders is not None:
        data = replace(data, orders=(xp.asarray(data.orders[0]), data.orders[1]))
    return array_epoch(shape, params, xp.asarray(alpha), optimizer, data), None


def outputs(xp: ModuleType, shape: Shape, params: Array, X: Array) -> Array:
    """Compute the output layer of every network: (n_models, n_samples, n_outputs)."""
    if _compiles(xp, shape):
        from gpu_hpo.neural_network._compiled import compiled_outputs

        return compiled_outputs(shape, params, X)
    return forward(xp, shape, params, X).swapaxes(1, 2)


def _compiles(xp: ModuleType, shape: Shape) -> bool:
    return xp.__name__ == "numpy" and shape.layout.n_params <= COMPILED_UP_TO
