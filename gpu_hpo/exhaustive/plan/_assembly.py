# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Put one fitted estimator together from steps that nodes have fitted."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from sklearn.pipeline import Pipeline

from gpu_hpo._typing import Estimator

# In place of the number of a node: an estimator that only the caller has.
LAST = -1


@dataclass(frozen=True, eq=False)
class Piped:
    """A pipeline of which each step has been fitted by itself.

    Attributes
    ----------
    pipeline : Pipeline
        Not fitted.
    steps : tuple of (int, int or Piped)
        The position of each step, and the number of the node that has fitted it, or
        another `Piped`.
    """

    pipeline: Pipeline
    steps: tuple[tuple[int, Assembly], ...]


Assembly: TypeAlias = int | Piped


def assemble(assembly: Assembly, fitted: Mapping[int, Estimator]) -> Any:
    """Put one fitted estimator together from fitted steps.

    Parameters
    ----------
    assembly : int or Piped
    fitted : mapping of int to estimator
        By number of the node.
    """
    if not isinstance(assembly, Piped):
        return fitted[assembly]
    pipeline = copy.copy(assembly.pipeline)
    pipeline.steps = list(pipeline.steps)
    for i, part in assembly.steps:
        pipeline.steps[i] = (pipeline.steps[i][0], assemble(part, fitted))
    return pipeline


def nodes_in(assembly: Assembly) -> Iterator[int]:
    """Yield the numbers of the nodes that `assemble` needs."""
    if not isinstance(assembly, Piped):
        yield assembly
        return
    for _, part in assembly.steps:
        yield from nodes_in(part)


def renumbered(assembly: Assembly, numbers: Sequence[int]) -> Assembly:
    """Return the same assembly of nodes that have other numbers: ``numbers[old]``."""
    if not isinstance(assembly, Piped):
        return assembly if assembly == LAST else numbers[assembly]
    steps = tuple((i, renumbered(part, numbers)) for i, part in assembly.steps)
    return replace(assembly, steps=steps)
