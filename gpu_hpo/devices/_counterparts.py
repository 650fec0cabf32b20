# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Turn a cuML estimator into its scikit-learn counterpart, and the reverse."""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gpu_hpo._typing import Estimator
from gpu_hpo.devices import _counterpart_rules as rules
from gpu_hpo.devices import _cuml_mapping as mapping
from gpu_hpo.devices._counterpart_rules import RefusedError
from gpu_hpo.devices._namespace import is_device_array, to_host
from gpu_hpo.devices._params import is_estimator
from gpu_hpo.exceptions import DeviceNotFoundError, NoCounterpartError

# The library whose estimators are replaced, and the library that replaces them.
_FOREIGN = {"cpu": "cuml", "cuda": "sklearn"}
_NAMES = {"cuml": "cuML", "sklearn": "scikit-learn"}
# It only calls the user's function, on any kind of data.
_ANYWHERE = {"sklearn.preprocessing.FunctionTransformer"}


def convert(estimator: Estimator, device: str) -> Any:
    """Return the estimator that means the same on a device.

    Parameters
    ----------
    estimator : estimator
        Of cuML or scikit-learn, or anything else. It is not changed.
    device : {"cpu", "cuda"}
        "cpu" asks for scikit-learn's estimators, "cuda" for cuML's. No GPU is needed.

    Returns
    -------
    estimator
        Not fitted, and sharing nothing with the argument; or the argument itself if
        there is nothing to replace: if it and its steps are of the right library, of
        gpu_hpo, or of others, including subclasses of either library's classes.

    Raises
    ------
    NoCounterpartError
        If the other library has no such class, or cannot do what a parameter asks for.
        The message names the class, the parameter (as in `set_params`), its value and
        the reason.
    DeviceNotFoundError
        If an estimator of scikit-learn is to be replaced and cuML is not installed.
    ValueError
        If `device` is neither of the two.

    Notes
    -----
    Estimators inside (steps of a pipeline, transformers, a meta-estimator's estimators:
    parameters that are estimators, or lists of them or of tuples ``(name, estimator,
    ...)``) are replaced too, while meta-estimators of scikit-learn stay. Settings that
    are not parameters (requests for metadata, `set_output`) are lost.

    The same rule holds for all parameters:

    - A value is kept, also a default, for the defaults of the two libraries differ:
      cuML's ``LogisticRegression()`` becomes scikit-learn's with 1000 iterations. It is
      rewritten if the libraries have different words for it (``split_criterion="mse"``,
      "squared_error") or different units, as cuML's own mapping does for tolerances.
    - A parameter that the other library lacks is left out if it has its default value,
      or if it only says how something is computed or shown: `output_type`, `verbose`,
      `n_jobs`, `n_streams`, `copy`, sizes of caches and batches, the solver of a
      problem with one optimum, and `random_state` where nothing is random. Any other
      value is an error.

    cuML's own mapping is used where there is one, with corrections. Without a mapping:
    naive Bayes, scalers, ``Lars`` and ``multiclass`` have equal parameters.
    ``MBSGDClassifier`` and ``MBSGDRegressor`` become ``SGDClassifier`` and
    ``SGDRegressor`` of `gpu_hpo.linear_model`, which have mini-batches, with
    ``random_state=0``, since cuML always shuffles in the same way; nothing becomes one
    of them. ``solvers.QN`` with a loss for classes becomes
    `gpu_hpo.linear_model.QNClassifier` on both devices; on a GPU that trains ``QN``,
    and keeps the classes.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from gpu_hpo.devices import convert
    >>> model = GaussianNB()
    >>> convert(model, "cpu") is model
    True
    """
    if not isinstance(device, str) or device not in _FOREIGN:
        raise ValueError(f"device is {device!r}; it must be 'cpu' or 'cuda'")
    return _convert(estimator, device, "")


def _convert(estimator: Estimator, device: str, prefix: str) -> Any:
    """Convert an estimator inside another; its parameters begin with `prefix`."""
    if not is_estimator(estimator):
        return estimator
    params = estimator.get_params(deep=False)
    parts = {}
    for name, value in params.items():
        converted = _convert_parts(value, device, prefix, name)
        if converted is not value:
            parts[name] = converted
    foreign = _library(estimator) == _FOREIGN[device]
    if foreign and (device == "cpu" or not _stays(estimator, params)):
        return _replace(estimator, parts, device, prefix)
    if _library(estimator) == "cuml" and rules.wrapped_on_cuda(estimator):
        # Our estimators are for both devices.
        return _replace(estimator, parts, "cpu", prefix)
    if not parts:
        return estimator
    return _clone(estimator).set_params(**parts)


def _stays(estimator: Estimator, params: dict[str, Any]) -> bool:
    """Return whether an estimator of scikit-learn works with cuML's, on the device."""
    if type(estimator).__name__ in rules.SAME_NAMES:
        return False
    is_frame = any(_holds_parts(value) for value in params.values())
    return is_frame or _path(type(estimator)) in _ANYWHERE


def _convert_parts(value: Any, device: str, prefix: str, name: str) -> Any:
    """Convert a parameter's value; return it unchanged if nothing was replaced."""
    if not isinstance(value, (list, tuple)):
        return _convert(value, device, f"{prefix}{name}__")
    converted = []
    for item in value:
        if _is_named(item):
            part = _convert(item[1], device, f"{prefix}{item[0]}__")
            if part is not item[1]:
                item = (item[0], part, *_clone(item[2:]))
            converted.append(item)
        else:
            converted.append(_convert(item, device, f"{prefix}{name}__"))
    pairs = list(zip(converted, value, strict=True))
    if all(new is old for new, old in pairs):
        return value
    # The result must share nothing with the argument.
    apart = [_clone(new) if new is old else new for new, old in pairs]
    return apart if isinstance(value, list) else tuple(apart)


def _is_named(item: object) -> bool:
    """Return whether an item is a named step of a pipeline or the like."""
    if not isinstance(item, tuple) or len(item) < 2 or not isinstance(item[0], str):
        return False
    if isinstance(item[1], str):
        return item[1] in ("passthrough", "drop")
    return item[1] is None or is_estimator(item[1])


def _holds_parts(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return any(is_estimator(item) or _is_named(item) for item in value)
    return is_estimator(value)


def _library(estimator: Estimator) -> str:
    return type(estimator).__module__.partition(".")[0]


def _path(kind: type) -> str:
    """Return the public name of a class of scikit-learn, without its private file.

    sklearn.linear_model._ridge.Ridge is sklearn.linear_model.Ridge.
    """
    parts = [*kind.__module__.split("."), kind.__name__]
    return ".".join(part for part in parts if not part.startswith("_"))


def _clone(value: Any) -> Any:
    # scikit-learn is imported already, since there is an estimator of it.
    from sklearn.base import clone

    return clone(value, safe=False)


# ---- one estimator ----


@dataclass(frozen=True)
class _Counterpart:
    """The class that takes another's place, and whether cuML maps the parameters."""

    kind: Any
    mapped: bool

    @property
    def library(self) -> str:
        name = self.kind.__module__.partition(".")[0]
        return _NAMES.get(name, name)


def _replace(
    estimator: Estimator, parts: dict[str, Any], device: str, prefix: str
) -> Any:
    """Make the counterpart of an estimator whose parts have been converted."""
    source = copy.copy(estimator)
    for name, part in parts.items():
        setattr(source, name, part)
    kind = type(estimator)
    counterpart = _find_for_cpu(kind) if device == "cpu" else _find_for_cuda(kind)
    try:
        return _translate(source, counterpart, device)
    except RefusedError as error:
        refused = error
    library, other = _NAMES[_FOREIGN[device]], counterpart.library
    subject = f"{library}'s {kind.__name__}"
    culprit = refused.name or _culprit(source, counterpart, device, refused)
    if culprit is not None:
        subject += f" with {prefix}{culprit}={getattr(estimator, culprit)!r}"
    raise NoCounterpartError(
        f"{subject} has no counterpart in {other}: {refused.why}"
    ) from refused.__cause__


def _translate(source: Any, counterpart: _Counterpart, device: str) -> Any:
    """Make the counterpart, or raise RefusedError."""
    kind, class_name = counterpart.kind, type(source).__name__
    twin, read = mapping.watched(source)
    if not counterpart.mapped:
        shared = {*mapping.param_names(type(source))} & {*mapping.param_names(kind)}
        shared -= {"output_type", "verbose"}
        params = {name: getattr(twin, name) for name in sorted(shared)}
    else:
        try:
            if device == "cpu":
                params = mapping.params_to_cpu(twin)
            else:
                params = mapping.params_from_cpu(kind, twin)
        # cuML's own errors derive from ValueError, but it does not check odd values.
        except Exception as error:
            raise RefusedError(None, _reason(error)) from error
    corrections = rules.TO_CPU if device == "cpu" else rules.TO_CUDA
    if class_name in corrections:
        corrections[class_name](twin, params)
    names = mapping.param_names(type(source))
    if "random_state" in names and "random_state" in mapping.param_names(kind):
        params.setdefault("random_state", source.random_state)
    _check_left_out(source, {*names} - read)
    # Nothing is shared with the argument, and no array is left on a device.
    params = {
        name: to_host(value) if _leaves(value, device) else _clone(value)
        for name, value in params.items()
    }
    made = kind(**params)
    if device == "cpu" and hasattr(made, "_validate_params"):
        try:
            made._validate_params()
        except ValueError as error:
            raise RefusedError(None, _reason(error)) from error
    return made


def _leaves(value: object, device: str) -> bool:
    """Return whether a value is an array that has to be copied to the host."""
    return (
        device == "cpu"
        and hasattr(value, "__cuda_array_interface__")
        and is_device_array(value)
    )


def _check_left_out(source: Estimator, names: Iterable[str]) -> None:
    """Raise an error for a value that was not translated, unless it has no effect."""
    kind = type(source)
    for name in sorted(names):
        if rules.says_how(kind.__name__, name):
            continue
        defaults = _defaults(kind)
        if name not in defaults:
            raise RefusedError(name, "there is no such parameter")
        if not _equal(getattr(source, name), defaults[name]):
            raise RefusedError(
                name,
                "there is no such parameter, so only the default, "
                f"{defaults[name]!r}, can be left out",
            )


def _culprit(
    source: Estimator, counterpart: _Counterpart, device: str, refused: RefusedError
) -> str | None:
    """Return the parameter that causes an error, by leaving out one after another."""
    kind = type(source)
    for name, default in _defaults(kind).items():
        if _equal(getattr(source, name), default):
            continue
        probe = copy.copy(source)
        setattr(probe, name, default)
        try:
            _translate(probe, counterpart, device)
        except RefusedError as error:
            if error.why == refused.why:
                continue
        return name
    return None


def _reason(error: Exception) -> str:
    text = str(error).strip()
    return text if isinstance(error, ValueError) else f"{type(error).__name__}: {text}"


@functools.cache
def _defaults(kind: type[Estimator]) -> dict[str, Any]:
    """Return the values of the parameters that have a default."""
    try:
        return dict(kind().get_params(deep=False))
    except TypeError:  # it needs an argument
        parameters = inspect.signature(kind).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not p.empty}


def _equal(value: object, default: object) -> bool:
    if value is default:
        return True
    try:
        return bool(value == default) or repr(value) == repr(default)
    except ValueError:  # an array
        return False


# ---- finding the class ----


@functools.cache
def _find_for_cpu(kind: type) -> _Counterpart:
    name = kind.__name__
    if mapping.cpu_class_path(kind):
        try:
            return _Counterpart(mapping.cpu_class(kind), True)
        except ImportError as error:
            raise NoCounterpartError(
                f"cuML's {name} has no counterpart without {error.name}: {error}"
            ) from error
    if name in rules.OURS:
        module, ours = rules.OURS[name]
        return _Counterpart(getattr(importlib.import_module(module), ours), False)
    module = rules.SAME_NAMES_TO_CPU.get(name, "")
    # cuml.dask has classes of the same names.
    if module and _attribute(f"cuml.{module}", name) is kind:
        return _Counterpart(_attribute(f"sklearn.{module}", name), False)
    raise NoCounterpartError(f"cuML's {name} has no counterpart in scikit-learn")


def _find_for_cuda(kind: type) -> _Counterpart:
    name, path = kind.__name__, _path(kind)
    try:
        importlib.import_module("cuml")
    except ImportError as error:
        raise DeviceNotFoundError(
            f"scikit-learn's {name} can only be replaced by cuML's where cuML is "
            f"installed: {error}"
        ) from error
    module = path.rpartition(".")[0].removeprefix("sklearn.")
    found = _attribute(f"cuml.{module}", name)
    if found is not None and mapping.cpu_class_path(found) == path:
        return _Counterpart(found, True)
    if found is not None and rules.SAME_NAMES.get(name) == module:
        return _Counterpart(found, False)
    hint = ""
    if name in rules.OURS_ON_CUDA:
        hint = f"; {rules.OURS_ON_CUDA[name]}.{name} trains on GPUs"
    raise NoCounterpartError(f"scikit-learn's {name} has no counterpart in cuML{hint}")


def _attribute(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        return None
