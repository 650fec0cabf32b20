# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which library trains the models of a search, and on which device."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sklearn.base import clone
from sklearn.utils import get_tags

from gpu_hpo.data import OnDevice
from gpu_hpo.devices import Device, convert, wants_column_major
from gpu_hpo.exceptions import DeviceNotFoundError, NoCounterpartError
from gpu_hpo.training import Budget, Trial, make_model, unset_seeds

logger = logging.getLogger("gpu_hpo.model_selection")

# Libraries whose estimators train in GPU memory, given their rows there.
_ON_DEVICE = frozenset({"cuml", "gpu_hpo"})
# Libraries some of whose estimators are replaced on a device.
_REPLACED = {"cpu": frozenset({"cuml"}), "cuda": frozenset({"cuml", "sklearn"})}


@dataclass(frozen=True)
class Placement:
    """What trains, and where.

    Attributes
    ----------
    device : Device
    prototype : estimator
        The user's, cloned.
    unset_seeds : tuple of str
        Of the prototype.
    kind : estimator
        What is trained in its place, or the prototype itself; for questions only.
    converted_to : {"cpu", "cuda"} or None
        Device for which models are turned into their counterparts, if they are.
    on_device : OnDevice or None
        How rows are to be in GPU memory, if they are.
    """

    device: Device
    prototype: Any
    unset_seeds: tuple[str, ...]
    kind: Any
    converted_to: str | None = None
    on_device: OnDevice | None = None


def place(
    estimator: Any,
    trials: Mapping[int, Trial],
    budget: Budget,
    device: Device,
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
    demanded : bool
        Whether the user asked for that device. If not, estimators without counterparts
        on a GPU train on the CPU.

    Raises
    ------
    NoCounterpartError, DeviceNotFoundError
        If the estimator, or a value that one of the trials has, cannot train there.
    """
    prototype = clone(estimator)
    stays = Placement(device, prototype, unset_seeds(prototype), prototype)
    try:
        placed = _converted(stays, trials, budget)
    except (NoCounterpartError, DeviceNotFoundError) as error:
        if demanded or device.name == "cpu":
            raise
        logger.info("training on the CPU: %s", error)
        placed = replace(stays, device=Device("cpu", 0, str(error)))
    if placed.device.name == "cpu" or not _is_at_home(placed.kind):
        return placed
    wanted = OnDevice(
        column_major=wants_column_major(placed.kind),
        finite=not get_tags(placed.kind).input_tags.allow_nan,
    )
    return replace(placed, on_device=wanted)


def _converted(
    stays: Placement, trials: Mapping[int, Trial], budget: Budget
) -> Placement:
    """Turn the prototype, and what trials replace of it, if there is anything to."""
    name = stays.device.name
    values = [value for trial in trials.values() for value in trial.params.values()]
    if not (_libraries(stays.prototype) | _libraries(values)) & _REPLACED[name]:
        return stays
    kinds = []
    changes = False
    for trial in trials.values():
        try:
            model = make_model(stays.prototype, trial, stays.unset_seeds)
        except (TypeError, ValueError) as error:
            # A trial by itself, that will fail with this where it is trained.
            logger.info("a trial cannot be made: %r", error)
            continue
        kinds.append(convert(model, name))
        changes = changes or kinds[-1] is not model
    if not changes:
        return stays
    kind = kinds[0]
    try:
        budget.check(kind)
    except ValueError as error:
        raise NoCounterpartError(
            f"{type(stays.prototype).__name__} becomes {type(kind).__name__} of "
            f"{type(kind).__module__.partition('.')[0]}, but {error}"
        ) from error
    return replace(stays, kind=kind, converted_to=name)


def _is_at_home(kind: Any) -> bool:
    """Whether an estimator, or a part of it, derives from one that trains on GPUs."""
    parts = [kind, *kind.get_params(deep=True).values()]
    bases = [base for part in parts for base in type(part).__mro__]
    return any(base.__module__.partition(".")[0] in _ON_DEVICE for base in bases)


def _libraries(value: Any) -> set[str]:
    """Libraries that the estimators in a parameter's value, and their parts, are of."""
    if isinstance(value, list | tuple):
        return set[str]().union(*map(_libraries, value))
    if not hasattr(value, "get_params") or isinstance(value, type):
        return set()
    parts = list(value.get_params(deep=False).values())
    return {type(value).__module__.partition(".")[0]} | _libraries(parts)
