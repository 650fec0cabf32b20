# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Our CUDA kernels: what they are launched with, and compiled for cards not there.

What a launch would compile goes the way that numba-cuda takes by default: its own
front end, LTO-IR, nvJitLink, which says what ptxas has made of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import partial
from types import SimpleNamespace
from unittest import mock

import numba
import numpy as np
from numba import cuda

from gpu_hpo.linear_model import _kernel as linear_kernel
from gpu_hpo.linear_model import _lanes as lane
from gpu_hpo.linear_model._lanes import Lanes, Rules, begin
from gpu_hpo.neural_network import _kernel as network_kernel
from gpu_hpo.neural_network._backprop import Batches, Layout, Shape
from gpu_hpo.neural_network._optimizers import SGD, Adam
from gpu_hpo.stacks._rows import Rows

N_ROWS = 10_000


@dataclass
class Launch:
    """What a kernel is launched with, and its function."""

    dispatcher: object
    blocks: int
    threads: int
    n_bytes: int
    arguments: tuple

    def again(self, stream=0):
        """Launch it for its arguments, which must be in the device's memory."""
        config = self.blocks, self.threads, stream, self.n_bytes
        self.dispatcher[config](*self.arguments)


@dataclass
class Usage:
    """What a thread takes, by ptxas; `spilled` are bytes stored and loaded again."""

    registers: int
    stack: int
    spilled: int


class _Recorder:
    """In a kernel's place: notes launches."""

    def __init__(self, dispatcher, launches):
        self.dispatcher, self.launches = dispatcher, launches

    def __getitem__(self, config):
        blocks, threads, _, n_bytes = (*config, 0)[:4]
        threads = int(np.prod(threads))
        return lambda *given: self.launches.append(
            Launch(self.dispatcher, blocks, threads, n_bytes, given)
        )


def recorded(module, name, call):
    """The last launch of a call, of the kernels that a function of a module makes."""
    launches = []
    make = getattr(module, name)

    def recorders(*given):
        made = make(*given)
        if isinstance(made, tuple):
            return tuple(_Recorder(each, launches) for each in made)
        return _Recorder(made, launches)

    with mock.patch.object(module, name, recorders):
        call()
    return launches[-1]


def network_call(units, dtype, solver, n_models, size, xp=np, n_rows=N_ROWS):
    """Arguments of an epoch of networks, "relu" inside, that learn classes.

    The first networks are the same whatever their number.
    """
    dtype, layout = np.dtype(dtype), Layout(units)
    rng = np.random.default_rng(0)
    X = xp.asarray(rng.standard_normal((n_rows, units[0])).astype(dtype))
    y = xp.asarray(rng.integers(0, units[-1], n_rows))
    params = rng.standard_normal((n_models, layout.n_params)) / 6
    params = xp.asarray(params.astype(dtype))
    moments = [xp.zeros_like(params) for _ in range(1 + (solver == "adam"))]
    numbers = {"_rate": 0.01, "learning_rate_init": 0.01, "momentum": 0.9}
    numbers |= {"nesterovs_momentum": True, "_n_steps": 0}
    # Adam's epsilon is large, so that no step is the sign of a rounded zero.
    numbers |= {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-3}
    numbers = {name: [value] * n_models for name, value in numbers.items()}
    optimizer = (Adam if solver == "adam" else SGD)(xp, moments, numbers)
    alpha = xp.full(n_models, 1e-4, dtype)
    shape = Shape(layout, "relu", "softmax")
    return shape, params, alpha, optimizer, Batches(X, y, None, None, size)


def network_launch(*case, **where):
    """The launch of an epoch; takes what `network_call` takes."""
    call = partial(network_kernel.kernel_epoch, *network_call(*case, **where))
    return recorded(network_kernel, "kernel", call)


def linear_call(n_features, dtype, n_models, size, xp=np, n_rows=N_ROWS):
    """Arguments of an epoch of logistic regressions with an L2 penalty."""
    rules = Rules("log_loss", "l2", "optimal", size, True, False)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features)).astype(dtype)
    y = (X[:, 0] > 0) * 1.0
    table = np.zeros((lane.N_ROWS, n_models))
    table[lane.ALPHA] = 1e-3
    table[lane.START] = table[lane.ALPHA] ** -0.75
    for row in (lane.T, lane.ETA, lane.CODE, lane.POSITIVE, lane.NEGATIVE):
        table[row] = 1
    lanes = Lanes(
        np.zeros((n_models, n_features), dtype),
        np.zeros(n_models),
        np.zeros((n_models, n_features), dtype),
        np.zeros(n_models),
        table,
        np.empty((n_models, 0), dtype),
    )
    begin(np, rules, lanes)
    lanes = Lanes(*(xp.asarray(getattr(lanes, field.name)) for field in fields(Lanes)))
    rows = Rows(xp.asarray(X), xp.asarray(y), None)
    return rules, lanes, rows, (np.arange(n_rows)[None], np.zeros(n_models, int))


def linear_launch(*case, **where):
    """The launch of an epoch; takes what `linear_call` takes."""
    call = partial(linear_kernel.kernel_epoch, *linear_call(*case, **where))
    return recorded(linear_kernel, "kernels", call)


def compiled(launch: Launch, capability: tuple[int, int]) -> Usage:
    """Compile what a launch would, for a card's compute capability."""
    from cuda.core import Linker, LinkerOptions, ObjectCode  # here: only this needs it

    types = tuple(_type_of(each) for each in launch.arguments)
    # Where kernels have parts, Numba asks the card that it thinks is there.
    card = SimpleNamespace(compute_capability=capability, id=0)
    with mock.patch("numba.cuda.dispatcher.get_current_device", lambda: card):
        code, _ = cuda.compile(
            launch.dispatcher.py_func,
            types,
            device=False,
            abi="numba",
            cc=capability,
            output="ltoir",
        )
    options = LinkerOptions(
        arch="sm_{}{}".format(*capability),
        link_time_optimization=True,
        max_register_count=launch.dispatcher.targetoptions.get("max_registers"),
        ptxas_options="-v",
    )
    linker = Linker(ObjectCode.from_ltoir(code, name="kernel"), options=options)
    linker.link("cubin")
    said = linker.get_info_log()
    linker.close()
    [registers] = re.findall(r"Used (\d+) registers", said)
    numbers = re.findall(
        r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads",
        said,
    )
    # Of the kernel, and of what it calls if anything.
    stack, stores, loads = (sum(map(int, each)) for each in zip(*numbers, strict=True))
    return Usage(int(registers), stack, stores + loads)


def _type_of(value):
    """Numba's type of an argument; arrays of NumPy stand for those of CuPy."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return numba.types.NamedTuple([_type_of(each) for each in value], type(value))
    if isinstance(value, np.ndarray):
        return numba.types.Array(numba.from_dtype(value.dtype), value.ndim, "C")
    return numba.typeof(value)
