# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Options that are sizes or times, with units or without, or numbers."""

from __future__ import annotations

import math
from typing import Any

import click

# Far more than any search has, and what arithmetic with floats can take.
_MOST_BYTES = 2**63
_MOST = 1e9


class Size(click.ParamType):
    """Bytes, such as "80 GB", "16 MiB" or 400."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Return a positive number of bytes."""
        from dask.utils import parse_bytes

        if isinstance(value, int):
            return value
        try:
            size = parse_bytes(value)
        except (ValueError, OverflowError):
            size = 0
        if not 1 <= size <= _MOST_BYTES:
            self.fail(f"{value!r} is not a size such as '80 GB' or 400.", param, ctx)
        return int(size)


class Seconds(click.ParamType):
    """A time, such as "200 ms", "1.5 s" or 0.2."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Return a positive number of seconds."""
        from dask.utils import parse_timedelta

        if isinstance(value, float):
            return value
        try:
            seconds = float(parse_timedelta(value))
        except (ValueError, KeyError, OverflowError, TypeError):
            seconds = math.nan
        if not 0 < seconds <= _MOST:
            self.fail(f"{value!r} is not a time such as '200 ms' or 1.5.", param, ctx)
        return seconds


class Positive(click.ParamType):
    """A number above 0, and no NaN."""

    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Return the number."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 < number <= _MOST:
            self.fail(f"{value!r} is not a positive number such as 2.5.", param, ctx)
        return number
