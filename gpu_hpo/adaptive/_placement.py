# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Choose which library trains the models of a search, and on which device."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sklearn.base import clone
from sklearn.utils import get_tags

from gpu_hpo._typing import Estimator
from gpu_hpo.adaptive.data._upload import OnDevice
from gpu_hpo.adaptive.training._budgets import Budget, Parameter
from gpu_hpo.adaptive.training._models import Trial, make_model
from gpu_hpo.devices._counterparts import convert
from gpu_hpo.devices._cuml_task import wants_column_major
from gpu_hpo.devices._detect import Device
from gpu_hpo.devices._params import libraries
from gpu_hpo.exceptions import DeviceNotFoundError, NoCounterpartError
from gpu_hpo.training._seeds import Place, unset_seeds

logger = logging.getLogger("gpu_hpo.model_selection")

# Libraries some of whose estimators are replaced on a device.
_REPLACED = {"cpu": frozenset({"cuml"}), "cuda": frozenset({"cuml", "sklearn"})}
# Classes of scikit-learn that pass rows on unchanged, and modules of base classes.
_NEUTRAL = frozenset({"Pipeline", "FunctionTransformer"})
_BASES = ("sklearn.base", "sklearn.utils", "sklearn.callback")
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


def place(
    estimator: Estimator,
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
        if device.name == "cpu":
            _check_on_cpu(placed.kind)
            return placed
        return _with_rows(placed, demanded=demanded)
    except (NoCounterpartError, DeviceNotFoundError) as error:
        if demanded or device.name == "cpu":
            raise
        logger.info("training on the CPU: %s", error)
        on_cpu = replace(stays, device=Device("cpu", 0, str(error)))
        # cuML's estimators cannot train there as they are.
        return _converted(on_cpu, trials)


def _converted(stays: Placement, trials: Mapping[int, Trial]) -> Placement:
    """Convert the prototype, and what trials replace of it, where that is needed."""
    name = stays.device.name
    values = [value for trial in trials.values() for value in trial.params.values()]
    if not (libraries(stays.prototype) | libraries(values)) & _REPLACED[name]:
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


def _with_rows(placed: Placement, *, demanded: bool) -> Placement:
    """Put rows in GPU memory if all that reads them trains there."""
    parts = _parts(placed.kind)
    homes = {_home(part) for part in parts}
    shown = " and ".join(sorted({_shown(p) for p in parts if _home(p) == "cpu"}))
    if "cpu" in homes:
        raise NoCounterpartError(
            f"{shown} trains on the CPU, whatever else {_shown(placed.kind)} is made of"
        )
    if "cuda" not in homes:
        # Of neither library: where its rows are is the user's choice.
        reason = f"{_shown(placed.kind)} trains where X is; {placed.device.reason}"
        return replace(placed, device=replace(placed.device, reason=reason))
    if "any" in homes and not demanded:
        names = sorted({_shown(part) for part in parts if _home(part) == "any"})
        raise NoCounterpartError(
            f"{' and '.join(names)} may not take rows in GPU memory; device='cuda' "
            "tries it"
        )
    wanted = OnDevice(
        column_major=wants_column_major(placed.kind),
        finite=not get_tags(placed.kind).input_tags.allow_nan,
    )
    return replace(placed, on_device=wanted)


def _check_on_cpu(kind: Estimator) -> None:
    for part in _parts(kind):
        if "cuml" in _roots(part):
            raise NoCounterpartError(
                f"{_shown(part)} derives from cuML's and has no counterpart on the CPU"
            )


def _home(part: Any) -> str:
    """Return where an estimator reads rows: "cuda", "cpu", "any"; "" if it does not."""
    if _roots(part) & {"cuml", "gpu_hpo"}:
        return "cuda"
    if type(part).__name__ in _NEUTRAL and _roots(part) >= {"sklearn"}:
        return ""
    bases = (base.__module__ for base in type(part).__mro__)
    of_sklearn = (base for base in bases if base.startswith("sklearn."))
    return "cpu" if any(not base.startswith(_BASES) for base in of_sklearn) else "any"


def _parts(estimator: Estimator) -> list[Any]:
    """Return an estimator and those among its parameters, at any depth."""
    params = estimator.get_params(deep=True).values()
    parts = [p for p in params if hasattr(p, "get_params") and not isinstance(p, type)]
    return [estimator, *parts]


def _roots(part: Any) -> set[str]:
    return {base.__module__.partition(".")[0] for base in type(part).__mro__}


def _shown(part: Any) -> str:
    library = type(part).__module__.partition(".")[0]
    return f"{type(part).__name__} of {library}"
