# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Generated searches that stop early: against a plain loop, and between backends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.fuzz._adaptive_text import Drawn, draw_case
from tests.fuzz._core import SHARED, Difference

_HEAD = """\
# Run it in the root of the repository, with PYTHONPATH=. and OMP_NUM_THREADS=1.
import functools

import numpy as np
from scipy.stats import loguniform, randint

from gpu_hpo.model_selection import (
    HyperbandSearchCV,
    IncrementalSearchCV,
    InverseDecaySearchCV,
    ScheduledSearchCV,
    SuccessiveHalvingSearchCV,
)
from tests.fuzz import _adaptive_models as models
from tests.fuzz._adaptive_check import check
from tests.fuzz._adaptive_data import Data
"""

_TAIL = """
if __name__ == "__main__" and "_shared" not in globals():
    from tests.fuzz._adaptive_backends import shared_backends

    print(*differences or ["no difference"], sep="\\n")
    shared_backends().close()
"""


@dataclass(frozen=True)
class AdaptiveCase:
    """A search that stops early, as a script."""

    drawn: Drawn

    def source(self) -> str:
        """Give the script."""
        return "\n".join([_HEAD, *self.drawn.lines, _TAIL])

    def run(self) -> list[Difference]:
        """Execute it in a namespace of its own."""
        namespace: dict[str, Any] = {"__name__": "__main__", "_shared": SHARED}
        exec(compile(self.source(), "<fuzz case>", "exec"), namespace)
        return [Difference(kind, text) for kind, text in namespace["differences"]]


@dataclass(frozen=True)
class _Kind:
    name: str
    weight: float
    others: int  # how many other backends each search is compared with

    def draw(self, seed: int) -> AdaptiveCase:
        """Give the case that belongs to a seed."""
        rng = np.random.default_rng([len(self.name), seed])
        return AdaptiveCase(draw_case(rng, self.others))


KINDS = [
    _Kind("adaptive", 0.3, 0),
    _Kind("adaptive_backends", 0.1, 1),
]
