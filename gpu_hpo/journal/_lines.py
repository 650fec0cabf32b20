# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Write events as lines of JSON, and read them back only as they were written.

Each line ends with a checksum over itself and all lines before it. So a line that was
changed, left out, or put elsewhere is noticed, and so is a last line that was not
written whole.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from gpu_hpo.exceptions import JournalError

_CHECK = b',"check":"%08x"}'
_OPENING = b'{"'
_FIRST = b'{"event":"begin","journal":'
_LENGTH = len(_CHECK % 0)
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def encode(event: Mapping[str, Any]) -> bytes:
    """Return an event as JSON.

    Parameters
    ----------
    event : mapping of str to object
        Of JSON's types and NumPy's scalars; floats may be infinite or NaN.
    """
    text = json.dumps(_plain(event), separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def seal(body: bytes, check: int) -> tuple[bytes, int]:
    """Return the line of an event.

    Parameters
    ----------
    body : bytes
        The event, encoded.
    check : int
        Checksum of the lines before it.

    Returns
    -------
    line : bytes
        It ends with a line feed.
    check : int
        Checksum of the lines before it and itself.
    """
    check = zlib.crc32(body, check)
    return body[:-1] + _CHECK % check + b"\n", check


def decode(data: bytes, where: str) -> tuple[list[dict[str, Any]], int, int]:
    """Return the events of a journal, but for a last line that is not whole.

    Parameters
    ----------
    data : bytes
    where : str
        Named in errors.

    Returns
    -------
    events : list of dict
    size : int
        Bytes of the lines that they were read from.
    check : int
        Checksum of these.

    Raises
    ------
    JournalError
        If another line than the last was changed since it was written, or the first is
        not the beginning of a journal.
    """
    events: list[dict[str, Any]] = []
    size = check = 0
    while size < len(data):
        end = data.find(b"\n", size)
        line = data[size:end]
        body = line[:-_LENGTH] + b"}"
        after = zlib.crc32(body, check)
        if end < 0 or line[-_LENGTH:] != _CHECK % after:
            if not events and not _may_begin(data):
                raise JournalError(f"{where} is no journal of gpu_hpo")
            if 0 <= end < len(data) - 1:
                raise JournalError(
                    f"{where} was changed since it was written: line {len(events) + 1} "
                    "is not as the search wrote it. The lines before it are sound: a "
                    "copy of these alone is a journal that can be gone on with"
                )
            break
        events.append(_from_plain(json.loads(body)))
        size, check = end + 1, after
    return events, size, check


def read_lines(file: IO[bytes], where: str) -> tuple[list[dict[str, Any]], int, int]:
    """Return the events of a file, as `decode` does.

    Of what is no JSON only the first bytes are read: it may be large.
    """
    head = file.read(len(_OPENING)) or b""
    if not _OPENING.startswith(head):
        raise JournalError(f"{where} is no journal of gpu_hpo")
    return decode(head + file.read(), where)


def _may_begin(data: bytes) -> bool:
    """Return whether bytes may be the beginning of a journal's first line."""
    return _FIRST.startswith(data[: len(_FIRST)])


def _plain(value: Any) -> Any:
    """Return what JSON knows in place of a value; floats keep all of their bits."""
    if isinstance(value, float | np.floating):
        number = float(value)
        return number if math.isfinite(number) else {"$float": str(number)}
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _from_plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"$float"}:
            return _NOT_FINITE[value["$float"]]
        return {key: _from_plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_plain(item) for item in value]
    return value
