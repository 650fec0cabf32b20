# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Runs the kernel in Numba's simulator, and prints what came out as JSON.

It is a process of its own, for the simulator takes the place of `numba.cuda` when Numba
is imported. Of each case it prints what the array operations and the kernel give.
"""

import os

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import json
import sys
from dataclasses import fields

import numpy as np

from gpu_hpo.linear_model import _kernel
from gpu_hpo.linear_model import _lanes as lane
from gpu_hpo.linear_model._array_loop import array_epoch
from gpu_hpo.linear_model._kernel import kernel_epoch
from gpu_hpo.linear_model._lanes import Lanes, Rules, begin
from gpu_hpo.stacks._rows import Rows

# Threads of the simulator wait for each other by asking for Python's lock.
sys.setswitchinterval(1e-4)


def problem(case):
    """Rules, lanes, rows and orders that a case is about; lanes differ in all."""
    dtype, n_lanes, n_features = case["dtype"], case["n_lanes"], case["n_features"]
    n_rows, n_orders = case["n_rows"], case["n_orders"]
    rng = np.random.default_rng(case.get("seed", 0))
    rules = Rules(
        case["loss"],
        case["penalty"],
        case["learning_rate"],
        case["batch_size"],
        case["fit_intercept"],
        case["averaging"],
        case["objective"],
    )
    X = rng.standard_normal((n_rows, n_features)) / 2
    # A row of zeros, which to "pa1" is no step.
    X[n_rows // 2] = 0
    classes = case["classes"]
    y = rng.integers(0, 3, n_rows) if classes else X[:, 0] + rng.standard_normal(n_rows)
    weight = rng.random(n_rows) if case["weighted"] else None
    which = np.arange(n_lanes) % n_orders
    n_seen = n_rows - case["left_out"]
    order = np.stack([rng.permutation(n_rows)[:n_seen] for _ in range(n_orders)])
    numbers = np.arange(n_lanes)
    table = np.zeros((lane.N_ROWS, n_lanes))
    table[lane.T] = 1 + numbers
    table[lane.ALPHA] = 10.0 ** -(1 + numbers % 3)
    ratios = {"l2": 0.0, "l1": 1.0}
    table[lane.L1_RATIO] = ratios.get(case["penalty"], 0.1 + 0.8 * numbers / n_lanes)
    table[lane.ETA] = 0.1 / (1 + numbers)
    table[lane.START] = table[lane.ALPHA] ** -0.75
    table[lane.POWER_T] = 0.1 * (1 + numbers % 9)
    table[lane.EPSILON] = 0.05 * (1 + numbers % 4)
    table[lane.AVERAGE] = 1 + 2 * (numbers % 4)
    table[lane.CODE] = numbers % 3 if classes else -1
    table[lane.POSITIVE] = 1 + 0.5 * numbers
    table[lane.NEGATIVE] = 1 / (1 + numbers)
    lanes = Lanes(
        rng.standard_normal((n_lanes, n_features)).astype(dtype) / 4,
        rng.standard_normal(n_lanes) / 4,
        np.zeros((n_lanes, n_features), dtype),
        np.zeros(n_lanes),
        table,
        np.empty((n_lanes, 0), dtype),
    )
    begin(np, rules, lanes)
    if case.get("diverges") is not None:
        lanes.table[lane.ETA, case["diverges"]] = 1e300
    if case.get("nan") is not None:
        lanes.intercepts[case["nan"]] = np.nan
    rows = Rows(X.astype(dtype), y.astype(float), weight)
    return rules, lanes, rows, (order, which)


def found(lanes):
    """What has become of lanes, as lists."""
    return {f.name: getattr(lanes, f.name).tolist() for f in fields(Lanes)}


def run(case):
    """Take lanes twice through the rows, by array operations and by the kernel."""
    _kernel.SHARED_BYTES = case.get("shared_bytes", 48 * 1024)
    rules, lanes, rows, (order, which) = problem(case)
    launches = case.get("launches", [list(range(len(lanes)))])
    expected = lanes.part(np.arange(len(lanes)))
    parts = [lanes.part(np.array(launch)) for launch in launches]
    with np.errstate(all="ignore"):
        for _ in range(case["n_epochs"]):
            array_epoch(rules, expected, rows, (order, which))
            for part, launch in zip(parts, launches, strict=True):
                kernel_epoch(rules, part, rows, (order, which[launch]), case["threads"])
    return {
        "start": lanes.weights.tolist(),
        "arrays": found(expected),
        "kernel": [found(part) for part in parts],
    }


if __name__ == "__main__":
    print(json.dumps([run(case) for case in json.load(sys.stdin)]))
