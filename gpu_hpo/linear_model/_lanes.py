# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Linear models side by side: each output of each model is one lane.

A model of two classes or of one target has one lane, a model of more classes one lane
per class. Lanes know nothing of each other, so any of them can be trained together.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from gpu_hpo._typing import Array
from gpu_hpo.devices._namespace import array_namespace

# Numbers that each lane has for itself, by their row in `Lanes.table`. Settings:
#   T         weight updates so far, the next one included
#   ETA       learning rate at the start, now if it is adaptive
#   START     what "optimal" adds to T
#   POSITIVE  weight of the rows whose target is positive; NEGATIVE of the others
#   CODE      class that is positive
# and what an unfinished call has to remember:
#   OWED      L1 penalty that a weight would have paid, had it paid every time
#   SCALE     product of all shrinking since SHARE was last 0
#   SHARE     how much of what the L1 penalty takes off the weights, scikit-learn's
#             way of averaging takes off the averages
#   SQUARES, MAGNITUDES  of the weights, summed
#   LOSS      sum over the rows of an epoch; OBJECTIVE with the penalties
T, ALPHA, L1_RATIO, ETA, START, POWER_T, EPSILON, AVERAGE = range(8)
POSITIVE, NEGATIVE, CODE = range(8, 11)
OWED, SCALE, SHARE, SQUARES, MAGNITUDES, LOSS, OBJECTIVE = range(11, 18)
N_ROWS = 18

# scikit-learn's, for the sake of equal results.
SPARSE_INTERCEPT_DECAY = 0.01


@dataclass(frozen=True)
class Rules:
    """Say what all lanes that train together have in common, by estimators' names."""

    loss: str
    penalty: str | None
    learning_rate: str
    batch_size: int
    fit_intercept: bool
    averaging: bool
    objective: bool = False  # whether the sums are wanted that say when to stop

    @property
    def shrinks(self) -> bool:
        """Tell whether there is an L2 penalty."""
        return self.penalty in ("l2", "elasticnet")

    @property
    def truncates(self) -> bool:
        """Tell whether there is an L1 penalty."""
        return self.penalty in ("l1", "elasticnet")

    @property
    def passive(self) -> bool:
        """Tell whether rows say themselves how far to go."""
        return self.learning_rate in ("pa1", "pa2")


@dataclass
class Lanes:
    """Hold weights of linear models, and what training them needs."""

    weights: Array  # (n_lanes, n_features)
    intercepts: Array  # (n_lanes,), of float64, or as weights for a single pass
    average_weights: Array  # of any values if nothing is averaged
    average_intercepts: Array
    table: Array  # (N_ROWS, n_lanes), of float64; may be on the host for one pass
    # L1 penalty that each weight has paid; of no features if there is none.
    paid: Array

    def __post_init__(self) -> None:
        # After a pass, where that is known: whether weights are finite, 1, or not, 0.
        self.sound: Array | None = None

    def __len__(self) -> int:
        return len(self.weights)

    def widen(self) -> None:
        """Copy what is trained; intercepts in float64, and the table beside weights."""
        xp = array_namespace(self.weights)
        self.weights = self.weights.copy()
        self.average_weights = self.average_weights.copy()
        for name in ("intercepts", "average_intercepts"):
            setattr(self, name, getattr(self, name).astype("f8"))
        self.table = xp.asarray(self.table)

    def part(self, lanes: np.ndarray) -> Lanes:
        """Copy some lanes."""
        parts = {name: array[lanes] for name, array in self._by_lane().items()}
        return Lanes(table=self.table[:, lanes], **parts)

    def put(self, lanes: np.ndarray, others: Lanes) -> None:
        """Overwrite some lanes."""
        self.table[:, lanes] = others.table
        for name, array in self._by_lane().items():
            array[lanes] = getattr(others, name)

    def _by_lane(self) -> dict[str, Array]:
        """Return the arrays whose first axis is that of the lanes."""
        others = "table", "sound"
        return {name: array for name, array in vars(self).items() if name not in others}


def begin(xp: ModuleType, rules: Rules, lanes: Lanes) -> None:
    """Forget what was remembered of an earlier call."""
    lanes.table[OWED:] = 0
    lanes.table[SCALE] = 1
    if rules.truncates:
        lanes.paid = xp.zeros_like(lanes.weights)
    if rules.objective:
        weights = lanes.weights.astype(xp.float64)
        lanes.table[SQUARES] = (weights * weights).sum(axis=1)
        lanes.table[MAGNITUDES] = xp.abs(weights).sum(axis=1)
