# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Name tasks so that Dask's dashboard groups them by what they do.

Dask shows a task by the words that its key begins with, up to the first that has a
digit: "gpu_hpo-train" for ``gpu_hpo-train-3f0c9a1b20-7``.
"""

from __future__ import annotations

import uuid
from typing import Any

_PREFIX = "gpu_hpo"


def new_name() -> str:
    """Return a name that no other search has, for `key_of`."""
    # Of letters alone it would count as what the task does.
    return f"{uuid.uuid4().hex[:10]}0"


def key_of(name: str, does: str, *parts: Any) -> str:
    """Return the key of a task.

    Parameters
    ----------
    name : str
        Of the search; more may follow what `new_name` returned.
    does : str
        What the task does, in one word, such as "train".
    *parts : object
        What tells it from others.
    """
    return "-".join([_PREFIX, does, name, *map(str, parts)])


def is_of(name: str, key: Any) -> bool:
    """Return whether a key is one of the search of that name."""
    text = str(key)
    return text.startswith(f"{_PREFIX}-") and f"-{name}" in text
