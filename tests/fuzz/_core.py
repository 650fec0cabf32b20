# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a generated case is: a script, and the differences that it finds."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

FOLDER = Path(__file__).parent

# What all cases of a run share, by name: clients, which take long to start, and counts.
# Scripts find it as `_shared`, and make one of their own where they run alone; under
# "quiet" they find that they are not to print.
SHARED: dict[str, Any] = {"quiet": True}


@dataclass(frozen=True)
class Difference:
    """Something that two runs do not agree on.

    Parameters
    ----------
    kind : str
        A few words, the same for all differences of one sort.
    text : str
        What was found, for people.
    explained : str or None
        The name of the entry of `_explained.EXPLAINED` that excuses it.
    """

    kind: str
    text: str
    explained: str | None = None


class Case(Protocol):
    """One generated search with its reference."""

    def source(self) -> str:
        """Give a script that needs nothing beside it, and prints the differences."""
        ...

    def run(self) -> list[Difference]:
        """Do what the script does, and give what it found."""
        ...


class Kind(Protocol):
    """Cases of one sort."""

    name: str
    weight: float

    def draw(self, seed: int) -> Case:
        """Give the case that belongs to a seed, always the same."""
        ...


class ScriptCase:
    """A case that is run by executing its own script.

    Parameters
    ----------
    prelude : str or sequence of str
        Names of the files of this folder whose text the script begins with. They are
        compiled once for all cases.
    body : str
        What comes after it, and binds `differences`, a list of pairs of kind and text;
        what it prints belongs under ``if __name__ == "__main__"``, as it does in a
        script that starts processes.
    """

    def __init__(self, prelude: str | Sequence[str], body: str) -> None:
        self.prelude = [prelude] if isinstance(prelude, str) else prelude
        self.body = body

    def source(self) -> str:
        """Give the whole script."""
        return "\n\n".join([*map(_text_of, self.prelude), self.body])

    def run(self) -> list[Difference]:
        """Execute it in a namespace of its own."""
        # Under this name what the script defines is pickled by value, as in a script.
        namespace: dict[str, Any] = {"__name__": "__main__", "_shared": SHARED}
        for name in self.prelude:
            exec(_compiled(name), namespace)
        exec(compile(self.body, "<fuzz case>", "exec"), namespace)
        return [Difference(kind, text) for kind, text in namespace["differences"]]


_TEXTS: dict[str, str] = {}
_CODE: dict[str, Any] = {}


def _text_of(name: str) -> str:
    if name not in _TEXTS:
        _TEXTS[name] = (FOLDER / name).read_text()
    return _TEXTS[name]


def _compiled(name: str) -> Any:
    if name not in _CODE:
        _CODE[name] = compile(_text_of(name), str(FOLDER / name), "exec")
    return _CODE[name]


def find_kinds() -> list[Kind]:
    """Give the kinds of all modules of this folder that list some in `KINDS`."""
    found: list[Kind] = []
    for path in sorted(FOLDER.glob("_*.py")):
        if path.stem.startswith(("_grids", "_adaptive")) and "\nKINDS" in _text_of(
            path.name
        ):
            found += importlib.import_module(f"tests.fuzz.{path.stem}").KINDS
    return found


def run_case(case: Case, explained: Iterable[Any]) -> list[Difference]:
    """Run a case, and excuse the differences that the table explains.

    A case that ends in an exception is a difference as well: either the net has a hole
    or the search raised where nothing should.
    """
    try:
        found = case.run()
    except Exception:
        return [Difference("the script raised", traceback.format_exc())]
    return [replace(d, explained=_excuse(case, d, explained)) for d in found]


def _excuse(case: Case, difference: Difference, table: Iterable[Any]) -> str | None:
    for entry in table:
        if entry.applies(case, difference):
            return str(entry.name)
    return None


def unexplained(found: Sequence[Difference]) -> list[Difference]:
    """Give the differences that nothing excuses."""
    return [difference for difference in found if difference.explained is None]
