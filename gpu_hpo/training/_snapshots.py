# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Copy for each fit what has a state: callbacks, loggers, scorers.

An object that several fits use would carry what one has left in it over to the next, in
an order that threads decide. A snapshot is made before the first fit, and each fit gets
a new copy of it. Only what is mutable is copied: modules, classes and functions without
a state of their own stay what they are.
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
    """An object that fits are to use has a state, and cannot be copied.

    Attributes
    ----------
    in_module : bool
        Whether the state is a module's: the object itself can be sent anywhere.
    """

    def __init__(self, text: str, *, in_module: bool = False) -> None:
        super().__init__(text)
        self.in_module = in_module


class _KeptInModuleError(TypeError):
    """A function has a state that no copy of it has."""


class Snapshot:
    """Makes copies of a value as it was when this was made.

    Parameters
    ----------
    value : object
    name : str, default=""
        Of the argument, for the message.

    Raises
    ------
    NotCopyableError
        If a part of it can neither be pickled nor copied, as a lock or an open file.
    """

    def __init__(self, value: object, name: str = "") -> None:
        try:
            self._bytes, self._shared = _pickled(value)
        except Exception as error:
            try:
                if isinstance(error, _KeptInModuleError):
                    raise
                # It may know how it is copied, as what holds weak references.
                aside = _Aside(copy.deepcopy(value), "copy")
                self._bytes, self._shared = _pickled(aside)
            except Exception:
                raise NotCopyableError(
                    f"{name or type(value).__name__}={value!r} cannot be copied "
                    f"({type(error).__name__}: {error})",
                    in_module=isinstance(error, _KeptInModuleError),
                ) from error

    def copy(self, lend: Callable[[Array], Array] = lambda array: array) -> Any:
        """Make a new copy.

        Parameters
        ----------
        lend : callable
            Gives a user an array, frame or sparse matrix that is part of the value;
            these are not copied otherwise.
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
        # Rows, if they are so many; else callbacks, for instance, or data to stop by.
        plain = len(value) > _MOST_ITEMS or all(isinstance(v, PLAIN) for v in value)
        return value if plain else Snapshot(value, name)
    return Snapshot(value, name) if has_state(value) else value


def snapshot_or_share(value: Any, name: str) -> Any:
    """Return what `snapshot_param` does, or warn that users share a module's state.

    Raises
    ------
    NotCopyableError
        If the state is the value's own.
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
    """Return a copy of what is a `Snapshot`, and anything else as it is."""
    return value.copy(_own_if_small) if isinstance(value, Snapshot) else value


def own_functions(estimator: Any) -> Any:
    """Replace an estimator's functions that have a state by copies, in place.

    ``clone`` copies all parameters but functions, so that models would share what a
    function keeps in its closure or its default arguments.

    Parameters
    ----------
    estimator : estimator
        Not fitted, and not shared with other code.

    Returns
    -------
    estimator
        The same.
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
        return function  # all that is left is to share it


def _own_functions_in(value: object) -> None:
    """Do so in the estimators that a parameter is, or that are in its list."""
    if isinstance(value, list | tuple):
        for item in value:
            _own_functions_in(item)
    elif is_estimator(value):
        own_functions(value)


def _own_if_small(data: Array) -> Array:
    """Copy an array that may be a counter, but no data set."""
    small = isinstance(data, np.ndarray) and data.nbytes <= _SMALL
    return data.copy() if small else data


def _pickled(value: object) -> tuple[bytes, _Shared]:
    shared: _Shared = []
    stream = io.BytesIO()
    _Pickler(stream, shared).dump(value)
    return stream.getvalue(), shared


class _Pickler(pickle.Pickler):
    """Pickles what has a state; all else is kept aside, by number."""

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
        """Return how a function with a state is made anew."""
        if isinstance(value, CellType):
            try:
                return CellType, (), (value.cell_contents,), None, None, _fill
            except ValueError:  # it is empty
                return CellType, ()
        if not isinstance(value, FunctionType):
            return NotImplemented
        if keeps_in_module(value):
            raise _KeptInModuleError(f"{value.__name__} has a state in its module")
        # In two steps, since a function may be among what it keeps.
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
    """Return how a part of a value gets into copies if it is not pickled."""
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
