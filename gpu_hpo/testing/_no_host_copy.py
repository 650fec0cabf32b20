# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Imitate an array of CuPy's on a machine without a GPU.

CuPy refuses to become a NumPy array unless told to with ``.get()``. The double does
the same, so a test that passes with it shows that no row left "the device".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

_REFUSAL = (
    "Implicit conversion to a NumPy array is not allowed. Use `.get()` to copy the "
    "array to the host."
)
# CuPy has these methods, and they do what NumPy's do.
_METHOD_NAMES = """
    all any argmax argmin argpartition argsort astype choose clip compress conj copy
    cumprod cumsum diagonal dot fill flatten max mean min nonzero partition prod put
    ravel repeat reshape round searchsorted sort squeeze std sum swapaxes take trace
    transpose var view
"""
_METHODS = frozenset(_METHOD_NAMES.split())
# Indices, unlike data, CuPy does take from the host.
_TAKE_HOST_INDICES = frozenset({"put", "take"})
# Functions that upload host data on purpose.
_UPLOADS = frozenset(
    {"array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray", "copy"}
)
# Where NumPy answers with a Python bool, CuPy answers with an array.
_TRUTHS = frozenset({"allclose", "array_equal", "array_equiv"})
_count_lock = threading.Lock()


def _of_array(name: str, doc: str) -> Any:
    """Make a property that is the wrapped array's."""
    return property(lambda self: getattr(self._array, name), doc=doc)


class NoHostCopyArray(np.lib.mixins.NDArrayOperatorsMixin):
    """Play a CuPy array with a NumPy one: it never becomes host data by itself.

    Parameters
    ----------
    data : array-like
        What to hold; copied ("uploaded"), as CuPy would.
    dtype : dtype, optional
        As of `numpy.array`. Strings and objects are refused, as by CuPy.

    Attributes
    ----------
    host_copies : int
        How often arrays were copied to the host in this process, by ``.get()`` or an
        equivalent. It is a class attribute: set ``NoHostCopyArray.host_copies = 0``
        before a test.

    Raises
    ------
    TypeError
        Where CuPy refuses: on conversion to NumPy, and when mixed with a NumPy array
        of one or more dimensions.
    ValueError
        If a GPU does not support the dtype.

    Notes
    -----
    As in CuPy these are allowed, and not counted: reading one value (``item``,
    ``float``, ``bool``), indexing with host integers, pickling, and printing. NumPy
    functions that CuPy lacks work here; only a GPU shows that they are missing.
    """

    host_copies: ClassVar[int] = 0
    __slots__ = ("__weakref__", "_array")
    __hash__ = None  # type: ignore[assignment]
    _array: np.ndarray

    def __init__(self, data: Any, dtype: Any = None) -> None:
        array = np.array(_unwrap(data, uploads=True), dtype=dtype)
        self._array = _check_dtype(array)

    # What makes it a device array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError(_REFUSAL)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return _namespace

    def get(self) -> np.ndarray:
        """Copy the array to the host, and count that.

        Returns
        -------
        ndarray
            A copy.
        """
        with _count_lock:
            NoHostCopyArray.host_copies += 1
        return self._array.copy()

    def tolist(self) -> Any:
        """Copy the array to the host as nested lists, and count that.

        Returns
        -------
        list or scalar
            As of `numpy.ndarray.tolist`.
        """
        return self.get().tolist()

    def item(self, *index: int) -> Any:
        """Read one value.

        Parameters
        ----------
        *index : int
            Which one; may be left out for an array of size 1.

        Returns
        -------
        scalar
            As a Python number.
        """
        return self._array.item(*index)

    # NumPy's protocols

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        operands = inputs + kwargs.get("out", ())
        if method != "__call__" or not all(map(_is_ours_or_numpy, operands)):
            return NotImplemented
        return _call(ufunc, inputs, kwargs)

    def __array_function__(
        self,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if not all(issubclass(t, (NoHostCopyArray, np.ndarray)) for t in types):
            return NotImplemented
        return _call(func, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name not in _METHODS:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        return _Function(getattr(self._array, name))

    # Shape

    shape: tuple[int, ...] = _of_array("shape", "The lengths of the axes.")
    dtype: np.dtype[Any] = _of_array("dtype", "The type of an element.")
    ndim: int = _of_array("ndim", "The number of axes.")
    size: int = _of_array("size", "The number of elements.")
    nbytes: int = _of_array("nbytes", "The bytes that the elements take.")
    itemsize: int = _of_array("itemsize", "The bytes that one element takes.")
    strides: tuple[int, ...] = _of_array("strides", "The bytes to step along axes.")
    flags: Any = _of_array("flags", "The memory layout.")

    @property
    def T(self) -> NoHostCopyArray:
        """Transpose the array."""
        return _adopt(self._array.T)

    @property
    def real(self) -> NoHostCopyArray:
        """Return the real part."""
        return _adopt(self._array.real)

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> Iterator[NoHostCopyArray]:
        for row in self._array:
            yield _adopt(row)

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    # Elements. CuPy takes indices from the host, but not values.

    def __getitem__(self, key: Any) -> NoHostCopyArray:
        return _adopt(self._array[_unwrap(key, uploads=True)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._array[_unwrap(key, uploads=True)] = _unwrap(value)

    # One value on the host

    def __bool__(self) -> bool:
        return bool(self._array)

    def __int__(self) -> int:
        return int(self._array)

    def __float__(self) -> float:
        return float(self._array)

    def __complex__(self) -> complex:
        return complex(self._array)

    def __index__(self) -> int:
        return self._array.__index__()

    # Around the array

    def __repr__(self) -> str:
        return f"NoHostCopyArray{repr(self._array).removeprefix('array')}"

    def __reduce__(self) -> tuple[Any, ...]:
        return NoHostCopyArray, (self._array,)

    def __copy__(self) -> NoHostCopyArray:
        return _adopt(self._array.copy())

    def __deepcopy__(self, memo: dict[int, Any]) -> NoHostCopyArray:
        return _adopt(self._array.copy())

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self._array.nbytes

    def __dask_tokenize__(self) -> Any:
        from dask.base import normalize_token

        return "NoHostCopyArray", normalize_token(self._array)


class _Function:
    """Let a function of NumPy's take and return `NoHostCopyArray`."""

    def __init__(self, func: Callable[..., Any]) -> None:
        self._func = func
        self.__name__ = getattr(func, "__name__", repr(func))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _call(self._func, args, kwargs)

    def __repr__(self) -> str:
        return f"<NoHostCopyArray's {self.__name__}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _Function, (self._func,)


class _Namespace:
    """Give NumPy, a module of it, or one of its generators, to `NoHostCopyArray`."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self.__name__ = f"NoHostCopyArray's {getattr(target, '__name__', target)}"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._target, name)
        if isinstance(found, ModuleType):
            return _Namespace(found)
        # Types (`float64`, `errstate`) and values (`pi`) are the same in CuPy.
        if isinstance(found, type) or not callable(found):
            return found
        return _Function(found)

    @property
    def ndarray(self) -> type[NoHostCopyArray]:
        return NoHostCopyArray

    @staticmethod
    def asnumpy(x: Any) -> np.ndarray:
        return x.get() if isinstance(x, NoHostCopyArray) else np.asarray(x)

    def __repr__(self) -> str:
        return f"<{self.__name__}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        if self._target is np:
            return "_namespace"
        if isinstance(self._target, ModuleType):
            return getattr, (_namespace, self._target.__name__.partition(".")[2])
        return _Namespace, (self._target,)


_namespace = _Namespace(np)


def _is_ours_or_numpy(x: Any) -> bool:
    scalars = (NoHostCopyArray, np.ndarray, np.generic, bool, int, float, complex)
    return isinstance(x, scalars)


def _call(func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """Call `func` on the wrapped arrays, and wrap what it returns."""
    name = getattr(func, "__name__", "")
    if name in _TAKE_HOST_INDICES:
        # A method has its array already, so its first argument is the indices.
        position = 0 if isinstance(getattr(func, "__self__", None), np.ndarray) else 1
        args = [_unwrap(x, uploads=i == position) for i, x in enumerate(args)]
        kwargs = {k: _unwrap(v, uploads=k == "indices") for k, v in kwargs.items()}
    uploads = name in _UPLOADS or name in _TAKE_HOST_INDICES
    out = kwargs.get("out")
    # NumPy would ask the argument of `like` again, without end.
    given = {k: v for k, v in kwargs.items() if k != "like"}
    result = func(*_unwrap(tuple(args), uploads), **_unwrap(given, uploads))
    if out is not None:
        return out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if name in _TRUTHS:
        result = np.asarray(result)
    return _wrap(result)


def _unwrap(x: Any, uploads: bool = False) -> Any:
    """Take the NumPy arrays out, and refuse host arrays unless they are uploaded."""
    if isinstance(x, NoHostCopyArray):
        return x._array
    if isinstance(x, np.ndarray) and x.ndim and not uploads:
        raise TypeError(
            f"Unsupported type {type(x)}: a host array of shape {x.shape} cannot be "
            "mixed with device arrays"
        )
    if type(x) in (list, tuple):
        return type(x)(_unwrap(item, uploads) for item in x)
    if type(x) is dict:
        return {name: _unwrap(item, uploads) for name, item in x.items()}
    return x


def _wrap(x: Any) -> Any:
    if isinstance(x, (np.ndarray, np.generic)):
        return _adopt(x)
    if type(x) in (list, tuple):
        return type(x)(_wrap(item) for item in x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):  # as of `unique_counts`, `eigh`
        return type(x)(*(_wrap(item) for item in x))
    if isinstance(x, (np.random.Generator, np.random.RandomState)):
        return _Namespace(x)
    return x


def _adopt(array: Any) -> NoHostCopyArray:
    """Wrap without a copy, so that views stay views."""
    new = NoHostCopyArray.__new__(NoHostCopyArray)
    new._array = _check_dtype(np.asarray(array))
    return new


def _check_dtype(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "biufc":
        raise ValueError(f"Unsupported dtype {array.dtype}")
    return array
