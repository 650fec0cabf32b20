# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Differences that are meant, each with the line of the documentation that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fuzz._core import Difference


@dataclass(frozen=True)
class Explained:
    """A kind of difference that is no fault.

    Parameters
    ----------
    name : str
        How it is counted.
    applies : callable
        Says of a case and a difference whether it is one of these.
    line : str
        A piece of `docs/migrating.md`, word by word, that explains it.
    """

    name: str
    applies: Callable[[Any, Difference], bool]
    line: str


def _of_kind(*kinds: str) -> Callable[[Any, Difference], bool]:
    return lambda case, difference: difference.kind in kinds


EXPLAINED: list[Explained] = []
