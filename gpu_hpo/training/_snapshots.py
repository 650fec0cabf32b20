# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Copy for each fit what has a state: callbacks, loggers, scorers.

If several fits used one object, each would see what others left in it, in an order that
depends on threads. So a snapshot is made before the first fit, and each fit gets a new
copy of it. Only mutable objects are copied: modules, classes, and functions without a
state are shared.
"""

from __future__ import annotations

import copy
import functools
import io
import pickle
import warnings
from collections.abc import Callable
from types import BuiltinFunctionType, CellType, FunctionType, ModuleType
from typing import Any, TypeAlias

import numpy as np

from gpu_hpo._typing import Array
from gpu_hpo.devices._params import is_estimator, shallow_params
from gpu_hpo.exceptions import SharedStateWarning
from gpu_hpo.training._state import BY_NAME, PLAIN, has_state, is_data, keeps_in_module

# What is not pickled, and how it gets into copies: "copy", "lend" or "same".
_Shared: TypeAlias = list[tuple[str, Any]]

_SMALL = 2**20  # bytes
_MOST_ITEMS = 1000  # of a list that is looked through


class NotCopyableError(TypeError):
    """An object that several fits use has a state, and cannot be copied.

    Attributes
    ----------
    in_module : bool
        Whether the state belongs to a module, so that the object itself can be pickled.
    """

    def __init__(self, text: str, *, in_module: bool = False) -> None:
        super().__init__(text)
        self.in_module = in_module


class _KeptInModuleError(TypeError):
    """A function keeps its state in a module, so that copies share it."""


class Snapshot:
    """Makes copies of a value as it was when the snapshot was made.

    Parameters
    ----------
    value : object
    name : str, default=""
        Name of the argument, for the message.

    Raises
    ------
    NotCopyableError
        If something in it can neither be pickled nor copied, such as a lock.
    """

    def __init__(self, value: object, name: str = "") -> None:
        try:
            self._bytes, self._shared = _pickled(value)
        except Exception as error:
            try:
                if isinstance(error, _KeptInModuleError):
                    raise
                # It may define its own copy, as objects with weak references do.
                aside = _Aside(copy.deepcopy(value), "copy")
                self._bytes, self._shared = _pickled(aside)
            except Exception:
                raise NotCopyableError(
                    f"{name or type(value).__name__}={value!r} cannot be copied "
                    f"({type(error).__name__}: {error})",
                    in_module=isinstance(error, _KeptInModuleError),
                ) from error

    def copy(self, lend: Callable[[Array], Array] = lambda array: array) -> Any:
        """Make a new copy, in which `lend` lends arrays, frames and sparse matrices.

        By default these are not copied.
        """
        return _Unpickler(io.BytesIO(self._bytes), self._shared, lend).load()

    def __repr__(self) -> str:
        return f"Snapshot({self.copy()!r})"


def snapshot_param(value: Any, name: str) -> Any:
    """Return a `Snapshot` of what has a state, and anything else as it is.

    Of lists those of plain values stay as they are. What else lists hold, data as well,
    users are given anew, or lent.
    """
    if type(value) in (list, tuple):
        # A long list is rows; a short one may hold callbacks, or validation data.
        plain = len(value) > _MOST_ITEMS or all(isinstance(v, PLAIN) for v in value)
        return value if plain else Snapshot(value, name)
    return Snapshot(value, name) if has_state(value) else value


def snapshot_or_share(value: Any, name: str) -> Any:
    """Return what `snapshot_param` does, or warn that fits share a module's state.

    Raises
    ------
    NotCopyableError
        If the state belongs to the value itself.
    """
    try:
        return snapshot_param(value, name)
    except NotCopyableError as error:
        if not error.in_module:
            raise
        warnings.warn(
            f"{error}: models in one process see what others have left there",
            SharedStateWarning,
        )
        return value


def fresh(value: Any) -> Any:
    """Return a copy from a `Snapshot`, and any other value unchanged."""
    return value.copy(_own_if_small) if isinstance(value, Snapshot) else value


def own_functions(estimator: Any) -> Any:
    """Replace an estimator's functions that have a state by copies, in place.

    ``clone`` copies all parameters except functions, so models would share what a
    function keeps in its closure or its default arguments. The estimator must not be
    fitted, nor shared with other code; it is returned.
    """
    for name, value in shallow_params(estimator).items():
        if isinstance(value, FunctionType | functools.partial):
            if has_state(value) and (own := _own(value, name)) is not value:
                estimator.set_params(**{name: own})
        else:
            _own_functions_in(value)
    return estimator


def _own(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    try:
        return fresh(Snapshot(function, name))
    except NotCopyableError:
        return function  # it cannot be copied, so it is shared


def _own_functions_in(value: object) -> None:
    """Do the same in a parameter that is an estimator, or a list of estimators."""
    if isinstance(value, list | tuple):
        for item in value:
            _own_functions_in(item)
    elif is_estimator(value):
        own_functions(value)


def _own_if_small(data: Array) -> Array:
    """Copy a small array, which may be a counter, but not a data set."""
    small = isinstance(data, np.ndarray) and data.nbytes <= _SMALL
    return data.copy() if small else data


def _pickled(value: object) -> tuple[bytes, _Shared]:
    shared: _Shared = []
    stream = io.BytesIO()
    _Pickler(stream, shared).dump(value)
    return stream.getvalue(), shared


class _Pickler(pickle.Pickler):
    """Pickles objects with a state; all others are kept aside, by number."""

    def __init__(self, stream: io.BytesIO, shared: _Shared) -> None:
        super().__init__(stream, protocol=5)
        self._shared = shared
        self._numbers: dict[int, int] = {}

    def persistent_id(self, value: object) -> int | None:
        """Return the number of an object that is not pickled."""
        how = _how(value)
        if how is None:
            return None
        held = value.value if isinstance(value, _Aside) else value
        number = self._numbers.get(id(held))
        if number is None:
            number = self._numbers[id(held)] = len(self._shared)
            if how == "copy" and held is value:
                held = copy.deepcopy(held)
            self._shared.append((how, held))
        return number

    def reducer_override(self, value: Any) -> Any:
        """Return how to make a function with a state again."""
        if isinstance(value, CellType):
            try:
                return CellType, (), (value.cell_contents,), None, None, _fill
            except ValueError:  # it is empty
                return CellType, ()
        if not isinstance(value, FunctionType):
            return NotImplemented
        if keeps_in_module(value):
            raise _KeptInModuleError(f"{value.__name__} has a state in its module")
        # In two steps, since a function may hold itself.
        return (
            _bare_function,
            (_Aside(value, "same"), value.__closure__ or ()),
            (value.__defaults__, value.__kwdefaults__, dict(value.__dict__)),
            None,
            None,
            _complete,
        )


class _Unpickler(pickle.Unpickler):
    def __init__(
        self, stream: io.BytesIO, shared: _Shared, lend: Callable[[Array], Array]
    ) -> None:
        super().__init__(stream)
        self._shared = shared
        self._lend = lend

    def persistent_load(self, number: int) -> Any:
        """Return an object that was not pickled, by its number."""
        how, value = self._shared[number]
        if how == "lend":
            return self._lend(value)
        return copy.deepcopy(value) if how == "copy" else value


class _Aside:
    """Wraps an object that is not pickled, and says how it gets into copies."""

    def __init__(self, value: object, how: str) -> None:
        self.value = value
        self.how = how


def _how(value: object) -> str | None:
    """Return how an object in a value gets into copies, if it is not pickled."""
    if isinstance(value, _Aside):
        return value.how
    if isinstance(value, BY_NAME):
        return "same"
    if isinstance(value, FunctionType):
        return None if has_state(value) else "same"
    if isinstance(value, BuiltinFunctionType):
        owner = getattr(value, "__self__", None)
        return "same" if owner is None or isinstance(owner, ModuleType) else None
    if isinstance(value, CellType):
        return None
    if is_data(value):
        return "lend"
    if isinstance(value, PLAIN) or type(value) in (dict, list, tuple, set, frozenset):
        return None
    # A type that defines how it is copied may not define how it is pickled.
    return "copy" if hasattr(type(value), "__deepcopy__") else None


def _bare_function(function: FunctionType, cells: tuple[CellType, ...]) -> FunctionType:
    return FunctionType(
        function.__code__, function.__globals__, function.__name__, None, cells
    )


def _fill(cell: CellType, state: tuple[Any]) -> None:
    (cell.cell_contents,) = state


def _complete(function: FunctionType, state: tuple[Any, Any, dict[str, Any]]) -> None:
    function.__defaults__, function.__kwdefaults__, attributes = state
    function.__dict__.update(attributes)
