# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Read settings under ``gpu_hpo`` in Dask's configuration, and check them.

Only the process that calls `fit` reads settings. Workers have a configuration of their
own: what they need to know travels with their tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from operator import index
from pathlib import Path
from typing import Any, TypeVar

import dask.config
from dask.utils import parse_bytes, parse_timedelta

Value = TypeVar("Value", int, float)

(DEFAULTS,) = dask.config.collect_yaml([str(Path(__file__).with_name("gpu_hpo.yaml"))])
dask.config.update_defaults(DEFAULTS)


def read_seconds(key: str) -> float:
    """Read a time.

    As the other functions here, it raises a ``ValueError`` that names the setting, its
    value and what it accepts.
    """
    return _read(
        key,
        lambda given: float(parse_timedelta(given)),
        lambda value: value >= 0,
        "a time such as '1.5 s', or a number of seconds",
    )


def read_bytes(key: str) -> int:
    """Read a size."""
    accepted = "a size such as '64 MiB', or a number of bytes"
    return _read(key, parse_bytes, lambda value: value >= 1, accepted)


def read_number(key: str) -> int:
    """Read a positive integer."""
    return _read(key, index, lambda value: value >= 1, "a positive integer")


def read_share(key: str) -> float:
    """Read a share: a number above 0 and up to 1."""
    accepted = "a number above 0 and up to 1"
    return _read(key, float, lambda value: 0 < value <= 1, accepted)


def _read(
    key: str,
    parse: Callable[[Any], Value],
    is_valid: Callable[[Value], bool],
    accepted: str,
) -> Value:
    name = f"gpu_hpo.{key}"
    # Users who set a whole branch may leave out some of its settings.
    given = dask.config.get(name, default=dask.config.get(name, config=DEFAULTS))
    with suppress(AttributeError, LookupError, OverflowError, TypeError, ValueError):
        value = parse(given)
        if is_valid(value) and not isinstance(given, bool):
            return value
    raise ValueError(
        f"{name} is {given!r} in Dask's configuration; it must be {accepted}"
    )
