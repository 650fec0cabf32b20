# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Track which trials have reached a rung, and what is certain before all have."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field

# How scores sort: finite before the rest, high before low, then by trial number.
Key = tuple[bool, float, int]


def _key(trial: int, score: float) -> Key:
    finite = math.isfinite(score)
    return (not finite, -score if finite else 0.0, trial)


@dataclass(slots=True)
class RungState:
    """The trials that have reached a rung, best first."""

    keep: int  # how many go on to the next rung, at most
    expected: int  # how many have reached this rung or may still reach it
    failed: int = 0  # how many failed on the way to it
    reached: list[Key] = field(default_factory=list)
    promoted: int = 0  # how many, the first of `reached`, are promoted

    @property
    def awaited(self) -> int:
        """How many are yet to come."""
        return self.expected - len(self.reached)

    @property
    def certain(self) -> int:
        """How many of the best so far cannot be pushed out by missing trials."""
        return max(0, min(self.keep - self.awaited, len(self.reached)))

    @property
    def able(self) -> int:
        """How many trials will be promoted if no other one fails."""
        return min(self.expected, self.keep)

    def enter(self, trial: int, score: float) -> tuple[list[int], int | None]:
        """Add `trial` to the rung.

        Returns
        -------
        promoted : list of int
            Trials that are now certain to go on.
        loser : int or None
            A trial that is now certain not to.
        """
        key = _key(trial, score)
        place = bisect_left(self.reached, key)
        self.reached.insert(place, key)
        loser = None
        if 0 < self.keep < len(self.reached):
            loser = self.reached[max(place, self.keep)][2]
        return self._promote(place), loser

    def expect(self, expected: int) -> list[int]:
        """Expect fewer trials; return those that are now certain to go on."""
        self.expected = expected
        return self._promote(len(self.reached))

    def _promote(self, place: int) -> list[int]:
        """Promote trials that are now certain; `place` is that of the newest trial.

        The promoted are always the first of `reached`. One more report makes at most
        one more place certain, so one trial is promoted: the newest if its place is
        certain, else the one at the last certain place.
        """
        out = []
        while self.promoted < self.certain:
            out.append(self.reached[min(place, self.promoted)][2])
            self.promoted += 1
            place = len(self.reached)
        return out
