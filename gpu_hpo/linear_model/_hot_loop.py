# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which code trains the lanes of a stack."""

from __future__ import annotations

from dataclasses import replace

from gpu_hpo.devices._namespace import array_namespace, is_device_array
from gpu_hpo.linear_model._lanes import Lanes, Rules
from gpu_hpo.stacks._row_orders import Orders
from gpu_hpo.stacks._rows import Rows


def train_epoch(rules: Rules, lanes: Lanes, rows: Rows, orders: Orders) -> None:
    """Take every lane once through the rows, in mini-batches; changes `lanes`.

    The orders are on the host, all else where the lanes are, but for their table, which
    may be on the host as well.
    """
    xp = array_namespace(lanes.weights)
    rules = replace(rules, batch_size=min(rules.batch_size, orders[0].shape[1]))
    # Imports are here, for Numba takes long to import.
    if xp.__name__ == "numpy":
        from gpu_hpo.linear_model._compiled import compiled_epoch

        compiled_epoch(rules, lanes, rows, orders)
        return
    if xp.__name__ == "cupy" and not rows.sparse:
        from gpu_hpo.devices._cuda_kernels import usable

        if usable():
            from gpu_hpo.linear_model._kernel import kernel_epoch

            kernel_epoch(rules, lanes, rows, orders)
            return
    from gpu_hpo.linear_model._array_loop import array_epoch

    if not is_device_array(lanes.table):
        lanes.widen()
    array_epoch(rules, lanes, rows, orders)
