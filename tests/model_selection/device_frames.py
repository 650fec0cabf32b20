# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Frames that play cuDF's on a machine without a GPU.

Like those they hold strings, never become NumPy arrays by themselves, and go to the
host by ``to_pandas`` only. How cuDF chooses rows by ``iloc`` only a GPU shows.
"""

import numpy as np
import pandas as pd


class _Cudf:
    """What tells that a type is one of cuDF's."""


_Cudf.__module__ = "cudf"


def _refuse(self, dtype=None, copy=None):
    raise TypeError("Implicit conversion to a host NumPy array is not allowed")


# After pandas' class, for Dask to take them as frames without asking for dask-cudf.
class DeviceSeries(pd.Series, _Cudf):
    """A series of "cuDF"."""

    __array__ = _refuse
    host_copies = 0

    @property
    def _constructor(self):
        return DeviceSeries

    @property
    def _constructor_expanddim(self):
        return DeviceFrame

    def to_pandas(self):
        """Copy to the host, and count that unless there is nothing to copy."""
        DeviceSeries.host_copies += bool(len(self))
        return pd.Series(self._values, index=self.index, name=self.name)


class DeviceFrame(pd.DataFrame, _Cudf):
    """A frame of "cuDF", of which nothing may be copied to the host."""

    __array__ = _refuse

    @property
    def _constructor(self):
        return DeviceFrame

    @property
    def _constructor_sliced(self):
        return DeviceSeries

    def to_pandas(self):
        """Refuse."""
        raise AssertionError("a frame was copied to the host")


def device_frame(n_rows):
    """Column "a" numbers the rows; "label" is "x" for three of four, else "y"."""
    labels = np.array(["x", "x", "x", "y"])[np.arange(n_rows) % 4]
    return DeviceFrame({"a": np.arange(n_rows), "label": labels})
