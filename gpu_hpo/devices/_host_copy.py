# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Copy models from a device to the host."""

from __future__ import annotations

import io
import pickle
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from gpu_hpo.devices._namespace import is_device_array, to_host


def host_copy(value: Any) -> Any:
    """Return a copy of any object, with host arrays in place of those on a device.

    Parameters
    ----------
    value : object
        A model, say. Arrays may be anywhere in it.

    Returns
    -------
    object
        Its arrays that were on the host before share their memory with the value's.
        Frames of cuDF become those of pandas.

    Raises
    ------
    Exception
        Of any class, if the object cannot be pickled.
    """
    stream = io.BytesIO()
    buffers: list[pickle.PickleBuffer] = []
    _HostPickler(stream, protocol=5, buffer_callback=buffers.append).dump(value)
    return pickle.loads(stream.getbuffer(), buffers=buffers)


class _HostPickler(cloudpickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        # Random states and streams of CuPy have no shape.
        if is_device_array(obj) and hasattr(obj, "shape"):
            there = obj.to_pandas() if hasattr(obj, "to_pandas") else to_host(obj)
            return _itself, (there,)
        return super().reducer_override(obj)


def _itself(value: Any) -> Any:
    return value
