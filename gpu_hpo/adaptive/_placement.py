# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Choose which library trains the models of a search, and on which device."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from distributed import Client
from sklearn.base import clone

from gpu_hpo._typing import Estimator
from gpu_hpo.adaptive.training._budgets import Budget, Parameter
from gpu_hpo.adaptive.training._models import Trial, make_model
from gpu_hpo.compute._cluster_device import cluster_device
from gpu_hpo.compute._worker_kernels import with_kernels
from gpu_hpo.data._on_device import OnDevice
from gpu_hpo.devices._counterparts import convert
from gpu_hpo.devices._detect import Device, sees_gpus, wanted_device
from gpu_hpo.devices._params import libraries
from gpu_hpo.exceptions import DeviceNotFoundError, NoCounterpartError
from gpu_hpo.training._homes import (
    REPLACED,
    has_kernels,
    is_of_cuml,
    settle_on_cpu,
    settle_on_cuda,
    why_not_returned,
)
from gpu_hpo.training._seeds import Place, unset_seeds

logger = logging.getLogger("gpu_hpo.model_selection")

# An unusual value, by which a parameter is found under a counterpart's name for it.
_MARK = 7919


@dataclass(frozen=True)
class Placement:
    """The estimator that trains, and the device it trains on.

    Attributes
    ----------
    device : Device
    prototype : estimator
        A clone of the user's estimator.
    unset_seeds : tuple of str and of tuple
        Of the prototype.
    kind : estimator
        An example of what trains: a counterpart, or the prototype. It is only asked.
    budget : Budget
        The user's, with the counterpart's name of its parameter.
    converted_to : {"cpu", "cuda"} or None
        Device for which models are turned into their counterparts, if they are.
    on_device : OnDevice or None
        What models want of rows in GPU memory; None if rows are not there.
    """

    device: Device
    prototype: Any
    unset_seeds: tuple[Place, ...]
    kind: Any
    budget: Budget
    converted_to: str | None = None
    on_device: OnDevice | None = None

    @property
    def returns_to_host(self) -> bool:
        """Whether models arrive in host memory, for this process has no GPU."""
        return self.device.name == "cuda" and not sees_gpus()[0]


async def find_place(
    client: Client,
    estimator: Estimator,
    trials: Mapping[int, Trial],
    budget: Budget,
    X: Any,
    requested: str,
    *,
    returned: bool,
) -> Placement:
    """Ask the workers of a cluster for their devices, and decide as `place` does.

    Parameters
    ----------
    client : distributed.Client
        This runs on its event loop.
    estimator, trials, budget, X
        As of `place`.
    requested : {"auto", "cpu", "cuda"}
        What the user wants.
    returned : bool
        Whether the best model comes to this process.

    Raises
    ------
    NoCounterpartError, DeviceNotFoundError
        As `place`; or if the best model would be cuML's, and this process has no GPU to
        hold it.
    """
    device = await cluster_device(client, requested)
    demanded = wanted_device(requested)[0] == "cuda"
    placed = place(estimator, trials, budget, device, X, demanded=demanded)
    lacks = why_not_returned(placed.kind) if returned else ""
    if lacks:
        if demanded or is_of_cuml(estimator):
            raise DeviceNotFoundError(
                f"{lacks}. Call fit where there is a GPU, let device='cpu' train "
                "counterparts of scikit-learn, or have no model returned: cv=5, "
                "refit=False"
            )
        on_cpu = Device("cpu", 0, lacks)
        placed = place(estimator, trials, budget, on_cpu, X, demanded=False)
    if placed.on_device is not None and has_kernels(placed.kind):
        placed = replace(placed, device=await with_kernels(client, placed.device))
    return placed


def place(
    estimator: Estimator,
    trials: Mapping[int, Trial],
    budget: Budget,
    device: Device,
    X: Any,
    *,
    demanded: bool,
) -> Placement:
    """Decide what to train `trials` of `estimator` with on `device`.

    Parameters
    ----------
    estimator : estimator
        The user's.
    trials : mapping of int to Trial
    budget : Budget
    device : Device
        Where the workers can train.
    X : array-like or Dask collection
        As the user gave it.
    demanded : bool
        Whether the user asked for that device. If not, a search that cannot train all
        on a GPU trains on the CPU.

    Raises
    ------
    NoCounterpartError, DeviceNotFoundError
        If the estimator, or a parameter's value in one of the trials, cannot train
        there.
    """
    prototype = clone(estimator)
    stays = Placement(device, prototype, unset_seeds(prototype), prototype, budget)
    try:
        placed = _converted(stays, trials)
        kind = placed.kind
        if device.name == "cpu":
            return replace(placed, device=settle_on_cpu(kind, device, X))
        trains_on, rows = settle_on_cuda(kind, device, X, demanded=demanded)
        return replace(placed, device=trains_on, on_device=rows)
    except (NoCounterpartError, DeviceNotFoundError) as error:
        if demanded or device.name == "cpu":
            raise
        logger.info("training on the CPU: %s", error)
        on_cpu = replace(stays, device=Device("cpu", 0, str(error)))
        # cuML's estimators cannot train there as they are.
        placed = _converted(on_cpu, trials)
        trains_on = settle_on_cpu(placed.kind, on_cpu.device, X, workers=device)
        return replace(placed, device=trains_on)


def _converted(stays: Placement, trials: Mapping[int, Trial]) -> Placement:
    """Convert the prototype, and what trials replace of it, where that is needed."""
    name = stays.device.name
    values = [value for trial in trials.values() for value in trial.params.values()]
    if not (libraries(stays.prototype) | libraries(values)) & REPLACED[name]:
        return stays
    kinds = []
    changes = False
    for trial in trials.values():
        try:
            model = make_model(stays.prototype, trial, stays.unset_seeds)
        except (AttributeError, TypeError, ValueError) as error:
            # This trial fails alone, with the same error, where it is trained.
            logger.info("a trial cannot be made: %r", error)
            continue
        kinds.append(convert(model, name))
        changes = changes or kinds[-1] is not model
    if not changes:
        return stays
    kind = kinds[0]
    budget = _translated(stays.budget, stays.prototype, name)
    try:
        budget.check(kind)
    except ValueError as error:
        raise NoCounterpartError(
            f"{type(stays.prototype).__name__} becomes {type(kind).__name__} of "
            f"{type(kind).__module__.partition('.')[0]}, but {error}"
        ) from error
    return replace(stays, kind=kind, converted_to=name, budget=budget)


def _translated(budget: Budget, prototype: Estimator, device: str) -> Budget:
    """Return the budget that sets the parameter by the counterpart's name for it."""
    if not isinstance(budget, Parameter):
        return budget
    marked = clone(prototype).set_params(**{budget.name: _MARK})
    try:
        params = convert(marked, device).get_params(deep=True)
    except NoCounterpartError:
        return budget
    # Other values may be arrays, which have no single answer to `==`.
    marks = {k: v for k, v in params.items() if isinstance(v, int) and v == _MARK}
    names = list(marks)
    if len(names) != 1 or budget.name in names:
        return budget
    return Parameter(budget.resource, names[0])
