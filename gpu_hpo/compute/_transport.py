# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Send values to workers, so that they arrive, and in aligned memory.

Distributed reads a message into one piece of memory, and arrays in it are views that
begin at any address. NumPy works ten times as slowly on unaligned arrays, and rounds
differently. So values travel in classes that copy such arrays when they are unpickled,
each array once, one after another; then the memory of the message is freed. In a
cluster of threads nothing is pickled or copied.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pickle import PickleBuffer
from typing import Any

import numpy as np
import scipy.sparse
from dask.sizeof import sizeof
from distributed import Client, Future
from distributed.protocol.pickle import dumps, loads

from gpu_hpo.data._chunk import Chunk
from gpu_hpo.devices._host_copy import host_copy
from gpu_hpo.devices._namespace import is_device_array
from gpu_hpo.exceptions import NotPicklableError

_ENOUGH = 16  # bytes: aligned addresses are multiples of this, as malloc promises
_LINE = 64  # bytes: copies begin at multiples of this
_SEND_ATTEMPTS = 3  # each takes half a minute if all known workers have died

Reduced = tuple[Callable[..., Any], tuple[Any, ...]]


async def scatter(
    client: Client,
    key: str,
    value: Any,
    workers: list[str] | None = None,
    *,
    broadcast: bool = False,
) -> tuple[Future, bool]:
    """Send a value to workers, or to any others if these die meanwhile.

    Returns
    -------
    future : Future
    there : bool
        Whether it is on those workers.
    """
    for attempt in range(_SEND_ATTEMPTS):
        try:
            sent = await client.scatter(
                {key: value},
                workers=workers if attempt == 0 else None,
                broadcast=broadcast,
                hash=False,
            )
            return sent[key], attempt == 0
        except (KeyError, OSError):
            if attempt == _SEND_ATTEMPTS - 1:
                raise
    raise AssertionError("not reached")


class Pack(list[Chunk]):
    """A list of chunks that move together."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return packed_up(Pack, list(map(_in_one_piece, self)), protocol)


@dataclass(frozen=True, eq=False)
class Parcel:
    """Wraps a value on its way to another process.

    Parameters
    ----------
    value : object
    """

    value: Any

    def __reduce_ex__(self, protocol: Any) -> Any:
        return packed_up(Parcel, _in_one_piece(self.value), protocol)

    def __sizeof__(self) -> int:
        # Dask would guess a size of 50 bytes.
        return object.__sizeof__(self) + sizeof(self.value)


@dataclass(frozen=True)
class NotSent:
    """Takes the place of a fitted object that cannot be pickled.

    Attributes
    ----------
    kind : str
        Its class.
    reason : str
        What pickle said.
    """

    kind: str
    reason: str

    def error(self) -> NotPicklableError:
        """Return the error to raise where the object is needed."""
        return NotPicklableError(
            f"a fitted {self.kind} cannot be pickled, so it cannot leave the process "
            f"that made it: {self.reason}"
        )


class Returned(Parcel):
    """Wraps the result of a task; one that cannot be pickled arrives as `NotSent`.

    Dask would try to send it again and again, and the search would never end.
    """

    def __reduce_ex__(self, protocol: Any) -> Any:
        value = _in_one_piece(self.value)
        reduced = packed_up_or_not_sent(Returned, value, protocol)
        return (Returned, (reduced,)) if isinstance(reduced, NotSent) else reduced


class ReturnedToHost(Returned):
    """Wraps a result for a process without a GPU: its arrays arrive in host memory."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        try:
            value = host_copy(self.value)
        except Exception:
            value = self.value  # whose own pickle fails, too, and is reported
        return Returned(value).__reduce_ex__(protocol)


def packed_up_or_not_sent(
    make: Callable[[Any], Any], value: Any, protocol: int
) -> Reduced | NotSent:
    """Return what `packed_up` returns or, if the value cannot be pickled, why."""
    pickler = logging.getLogger("distributed.protocol.pickle")
    own_thread = _OfThread(threading.get_ident())
    pickler.addFilter(own_thread)  # it logs a traceback of what is handled here
    try:
        if protocol < 5:
            dumps(value)  # which is pickled only later, but for this
        return packed_up(make, value, protocol)
    except Exception as error:
        return NotSent(_first_not_picklable(value), f"{type(error).__name__}: {error}")
    finally:
        pickler.removeFilter(own_thread)


class _OfThread(logging.Filter):
    """Leaves out what one thread logs."""

    def __init__(self, thread: int) -> None:
        super().__init__()
        self._thread = thread

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread != self._thread


def _first_not_picklable(value: Any) -> str:
    """Return the class of a value, or of the first of its items that fails."""
    items: list[Any] = []
    if isinstance(value, Mapping):
        items = list(value.values())
    elif isinstance(value, list | tuple):
        items = list(value)
    elif isinstance(getattr(value, "steps", None), list):  # a pipeline
        items = [step[-1] for step in value.steps]
    for item in items:
        try:
            dumps(item)
        except Exception:
            return _first_not_picklable(item)
    return f"{type(value).__module__}.{type(value).__qualname__}"


def pack(chunks: list[Chunk]) -> list[Chunk]:
    """Make a pack of chunks that are on the host.

    Chunks on a device stay a plain list: the serializers of dask-cuda, which leave data
    on the device, only look into plain lists and dicts.
    """
    return chunks if _is_on_device(chunks) else Pack(chunks)


def wrap(value: Any) -> Any:
    """Make a parcel of a value that is on the host, as `pack` does."""
    return value if _is_on_device(value) else Parcel(value)


def wrap_result(value: Any) -> Any:
    """Wrap the result of a task, as `wrap` does, unless it is wrapped."""
    as_it_is = isinstance(value, Parcel) or _is_on_device(value)
    return value if as_it_is else Returned(value)


def unwrap(value: Any) -> Any:
    """Take a value out of its parcel, if it has one.

    Raises
    ------
    NotPicklableError
        If it could not be pickled where it was made.
    """
    if not isinstance(value, Parcel):
        return value
    if isinstance(value.value, NotSent):
        raise value.value.error()
    return value.value


def packed_up(make: Callable[[Any], Any], value: Any, protocol: int) -> Reduced:
    """Return a result for `__reduce_ex__` with which arrays arrive aligned.

    Parameters
    ----------
    make : callable
        Makes the object again; it is pickled by its name.
    value : object
        Its argument, which must not be an instance of the class itself.
    protocol : int
        Pickle protocol.
    """
    if protocol < 5:
        return make, (value,)
    buffers: list[PickleBuffer] = []
    stream = dumps(value, buffer_callback=buffers.append)
    return _unpacked, (make, PickleBuffer(stream), *buffers)


def aligned(value: Any) -> Any:
    """Copy arrays that Dask has brought here unaligned.

    Parameters
    ----------
    value : array, sparse matrix, frame, or mapping of these

    Returns
    -------
    like value
        Itself, if it is aligned.
    """
    if isinstance(value, Mapping):
        found = {name: aligned(item) for name, item in value.items()}
        same = all(found[name] is item for name, item in value.items())
        return value if same else found
    if is_device_array(value) or all(a.flags.aligned for a in _arrays(value)):
        return value
    make, given = packed_up(_itself, value, 5)
    return make(*given)


def _arrays(value: Any) -> list[Any]:
    """Return views of the arrays in a value that has rows, if they are on the host."""
    if isinstance(value, np.ndarray):
        return [value]
    if scipy.sparse.issparse(value):
        names = ("data", "indices", "indptr")
        return [getattr(value, name) for name in names if hasattr(value, name)]
    if hasattr(value, "iloc"):
        columns = [value]
        if value.ndim > 1:
            columns = [value.iloc[:, i] for i in range(value.shape[1])]
        # Other values are copied when they become arrays.
        return [c.to_numpy() for c in columns if isinstance(c.dtype, np.dtype)]
    return []


def _is_on_device(value: Any) -> bool:
    """Return whether some array is on a device, also in dicts, lists and tuples."""
    if isinstance(value, dict):
        return any(map(_is_on_device, value.values()))
    if isinstance(value, list | tuple):
        return bool(value) and _is_on_device(value[0])
    return is_device_array(value)


def _in_one_piece(value: Any) -> Any:
    """Copy strided arrays and views of files.

    NumPy would copy them twice when it pickles them.
    """
    if type(value) is dict:
        return {name: _in_one_piece(item) for name, item in value.items()}
    if type(value) is np.memmap:
        value = value.view(np.ndarray)
    if type(value) is not np.ndarray or value.dtype.hasobject:
        return value
    whole = value.flags.c_contiguous or value.flags.f_contiguous
    return value if whole else value.copy(order="K")


def _unpacked(make: Callable[[Any], Any], stream: Any, *buffers: Any) -> Any:
    return make(loads(stream, buffers=[_settled(buffer) for buffer in buffers]))


def _settled(buffer: Any) -> Any:
    """Return a buffer at an address that suits all types, writable if it was."""
    there = np.frombuffer(PickleBuffer(buffer).raw(), np.uint8)
    if there.__array_interface__["data"][0] % _ENOUGH == 0:
        return buffer
    space = np.empty(len(there) + _LINE, np.uint8)
    start = -space.__array_interface__["data"][0] % _LINE
    copy = space[start : start + len(there)]
    copy[:] = there
    copy.flags.writeable = there.flags.writeable
    return copy


def _itself(value: Any) -> Any:
    return value
