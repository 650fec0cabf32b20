# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What the doctor finds: one thing that is well, or is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "note", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One result.

    Attributes
    ----------
    name : str
        What was looked at, in one word.
    status : {"ok", "note", "warn", "fail"}
        "note" is as the user wants it, "warn" costs time or memory, "fail" is to be
        mended.
    text : str
        What was found.
    cure : str
        What to do about it.
    """

    name: str
    status: Status
    text: str
    cure: str = ""
