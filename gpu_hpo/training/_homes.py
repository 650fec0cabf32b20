# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say on which device an estimator trains, and where it wants its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sklearn.utils import get_tags

from gpu_hpo._typing import Estimator
from gpu_hpo.data._on_device import OnDevice
from gpu_hpo.devices._cuml_task import wants_column_major
from gpu_hpo.devices._detect import Device, sees_gpus
from gpu_hpo.devices._namespace import is_cuda_array, is_device_array
from gpu_hpo.exceptions import NoCounterpartError
from gpu_hpo.stacks._stacked_estimator import StackedEstimator

# Libraries some of whose estimators are replaced on a device.
REPLACED = {"cpu": frozenset({"cuml"}), "cuda": frozenset({"cuml", "sklearn"})}
# Classes of scikit-learn that pass rows on as they are, and modules of base classes.
_NEUTRAL = frozenset({"FeatureUnion", "FunctionTransformer", "Pipeline"})
_BASES = ("sklearn.base", "sklearn.utils", "sklearn.callback")
# What XGBoost, LightGBM and others call the parameter that says where they train.
_DEVICE_PARAMETERS = ("device", "device_type")


def settle_on_cuda(
    kind: Estimator, device: Device, X: Any, *, demanded: bool
) -> tuple[Device, OnDevice | None]:
    """Decide whether an estimator trains on the workers' GPUs, and where its rows go.

    Parameters
    ----------
    kind : estimator
        What trains: counterparts, where there are some. It is only asked.
    device : Device
        The workers', who have CUDA.
    X : array-like or Dask collection
        As the user gave it.
    demanded : bool
        Whether the user asked for CUDA.

    Returns
    -------
    device : Device
        Where it trains, and why: on the CPU, if it is of neither library and X is in
        host memory.
    on_device : OnDevice or None
        What it wants of rows in GPU memory; None if they stay where they are.

    Raises
    ------
    NoCounterpartError
        If some part of it trains on the CPU only or, unless CUDA is demanded, may do.
    """
    parts = _parts(kind)
    homes = {_home(part) for part in parts}
    if "cpu" in homes:
        raise NoCounterpartError(
            f"{_named(p for p in parts if _home(p) == 'cpu')} trains on the CPU, "
            f"whatever else {shown_part(kind)} is made of"
        )
    if "cuda" not in homes:
        return _where_it_is(kind, device, X), None
    if "any" in homes and not demanded:
        raise NoCounterpartError(
            f"{_named(p for p in parts if _home(p) == 'any')} may not take rows in GPU "
            "memory; device='cuda' tries it"
        )
    wanted = OnDevice(
        column_major=wants_column_major(kind),
        finite=not get_tags(kind).input_tags.allow_nan,
    )
    return device, wanted


def settle_on_cpu(
    kind: Estimator, device: Device, X: Any, workers: Device | None = None
) -> Device:
    """Return where an estimator trains if it is to do so on the CPU.

    Parameters
    ----------
    kind, X
        As of `settle_on_cuda`.
    device : Device
        Of the CPU.
    workers : Device, optional
        Of the workers, who have CUDA, if it is only that not all of it can train there.

    Raises
    ------
    NoCounterpartError
        If some part of it derives from cuML's, and workers have no CUDA.
    """
    parts = _parts(kind)
    for part in parts:
        if "cuml" in _roots(part):
            what = f"{shown_part(part)} derives from cuML's"
            if workers is None:
                raise NoCounterpartError(f"{what} and has no counterpart on the CPU")
            return replace(workers, reason=f"{what}, while {device.reason}")
    if is_cuda_array(X) and "cpu" not in {_home(part) for part in parts}:
        reason = f"X is in GPU memory, where {shown_part(kind)} trains"
        return Device("cuda", 1, f"{reason}, though {device.reason}")
    return device


def _where_it_is(kind: Estimator, device: Device, X: Any) -> Device:
    """Return the device of an estimator of neither library: that of its rows."""
    shown = _named(p for p in _parts(kind) if _home(p)) or shown_part(kind)
    if is_device_array(X):
        return replace(device, reason=f"{shown} trains where X is; {device.reason}")
    for part in _parts(kind):
        for name in _DEVICE_PARAMETERS:
            value = part.get_params(deep=False).get(name)
            if isinstance(value, str) and value.startswith(("cuda", "gpu")):
                reason = f"{shown_part(part)} has {name}={value!r}; {device.reason}"
                return replace(device, reason=reason)
    return Device(
        "cpu", 0, f"{shown} trains where X is, in host memory, though {device.reason}"
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


def _named(parts: Iterable[Any]) -> str:
    return " and ".join(sorted({shown_part(part) for part in parts}))


def shown_part(part: Any) -> str:
    """Name the class of an estimator, and its library."""
    library = type(part).__module__.partition(".")[0]
    return f"{type(part).__name__} of {library}"


def is_of_cuml(kind: Estimator) -> bool:
    """Return whether an estimator, or a part of it, is cuML's or derives from such."""
    return any("cuml" in _roots(part) for part in _parts(kind))


def why_not_returned(kind: Estimator) -> str:
    """Return why a model cannot come to this process from a GPU; "" if it can."""
    here, why = sees_gpus()
    part = next((part for part in _parts(kind) if "cuml" in _roots(part)), None)
    if here or part is None:
        return ""
    return (
        f"the best model would {'be' if part is kind else 'contain'} "
        f"{shown_part(part)}, which needs a GPU where it arrives, too, and {why} in "
        "the process that calls fit"
    )


def has_kernels(kind: Estimator) -> bool:
    """Return whether Numba's kernels train an estimator on GPUs, or a part of it."""
    return any(isinstance(part, StackedEstimator) for part in _parts(kind))
