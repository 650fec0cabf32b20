# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fill in the parts of docstrings that several classes have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

Search = TypeVar("Search", bound=type)


def fill_in(texts: Mapping[str, str]) -> Callable[[Search], Search]:
    """Return a decorator that puts each text in place of a line ``{{NAME}}``.

    Parameters
    ----------
    texts : mapping of str to str
        By name.
    """

    def decorate(search: Search) -> Search:
        doc = search.__doc__ or ""  # None under ``python -OO``
        for name, text in texts.items():
            doc = doc.replace(f"    {{{{{name}}}}}\n", text)
        search.__doc__ = doc
        return search

    return decorate
