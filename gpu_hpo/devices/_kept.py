# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Keep what follows from arrays on a device that nobody changes, while they live.

All models of a worker train on the same chunks. What is to be known of a chunk, such as
the numbers of its labels, is computed once for all; each time would cost launches, and
a wait where the host has to know.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from gpu_hpo._typing import Array
from gpu_hpo.devices._namespace import is_device_array

Found = TypeVar("Found")

_task = threading.local()
_lock = threading.RLock()  # an array may die while this thread holds it
_found: dict[Hashable, tuple[tuple[weakref.ref, ...], Hashable, Any]] = {}


@contextmanager
def unchanged_arrays(during: Hashable) -> Iterator[None]:
    """Promise, for this thread, that no array on a device changes that was given.

    Parameters
    ----------
    during : hashable
        What the promise lasts for, such as the name of a search; not None. What was
        kept during anything else is not used, for arrays may have changed in between.
    """
    before = getattr(_task, "during", None)
    _task.during = during
    try:
        yield
    finally:
        _task.during = before


def kept(what: Hashable, arrays: Sequence[Array], find: Callable[[], Found]) -> Found:
    """Return what `find` returns, found once if the arrays are known not to change.

    Parameters
    ----------
    what : hashable
        Says what is found, with all that it depends on besides the arrays.
    arrays : sequence of array
        If the first is on the host, nothing is kept.
    find : callable
        What it returns must not be changed, and must not hold the arrays themselves.
    """
    during = getattr(_task, "during", None)
    if during is None or not is_device_array(arrays[0]):
        return find()
    key = what, *map(id, arrays)
    with _lock:
        entry = _found.get(key)
    if (
        entry is not None
        and entry[1] == during
        and all(ref() is array for ref, array in zip(entry[0], arrays, strict=True))
    ):
        return entry[2]
    found = find()

    def forget(_: Any) -> None:
        with _lock:
            _found.pop(key, None)

    try:
        refs = tuple(weakref.ref(array, forget) for array in arrays)
    except TypeError:  # of a library whose arrays cannot be watched
        return found
    with _lock:
        _found[key] = refs, during, found
    return found
