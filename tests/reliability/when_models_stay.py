# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models that can be neither pickled nor copied once they are trained."""

from __future__ import annotations

import os
import socket
import threading
import warnings

from tests.reliability._scenario import Scenario
from tests.reliability._searches import ALL, Model, answer, fit, make, on, quiet, same


def _session():
    """Return what holds a lock deep inside, as clients of trackers do."""
    return {"session": [threading.local(), {"lock": threading.RLock()}]}


HELD = {
    "an open file": lambda: open(os.devnull, "w"),  # noqa: SIM115
    "a lock": threading.Lock,
    "a socket": socket.socket,
    "a generator": lambda: (number for number in range(3)),
    "a session": _session,
}


class Holder(Model):
    """Holds something from one of its calls on."""

    def __init__(
        self,
        alpha=1e-4,
        *,
        what="a lock",
        since=1,
        calls=None,
        seconds=0.0,
        random_state=None,
    ):
        super().__init__(alpha, calls=calls, seconds=seconds, random_state=random_state)
        self.what = what
        self.since = since

    def happens(self):
        """Get hold of it."""
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        if self.n_calls_ >= self.since and not hasattr(self, "held_"):
            self.held_ = HELD[self.what]()
        super().happens()


def not_picklable(number: int) -> str:
    """All results are there, and a warning names the class of the missing model."""
    kind = list(ALL)[number % len(ALL)]
    what = list(HELD)[number % len(HELD)]
    cluster = ["ours", "embedded", "Dask's"][number % 3]
    since = 1 if kind in ("Grid", "Randomized") else 1 + number // 2 % 2
    expected = quiet(kind, Model(seconds=0))
    with on(cluster), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        search = fit(make(kind, Holder(what=what, since=since)))
    found = answer(search)
    texts = [str(warning.message) for warning in warned]
    if "weights" in found:
        # The best of few calls may hold nothing yet, and is fetched as any other.
        assert not hasattr(search.best_estimator_, "held_")
        same(found, expected)
        return "the quiet answer and the best model, which holds nothing yet"
    said = [text for text in texts if "no best_estimator_" in text]
    assert said and all("Holder" in text for text in said), texts
    expected.pop("weights")
    same(found, expected)
    return "all results; a warning names the class"


SCENARIOS = [
    Scenario(
        "not-picklable",
        "Models hold an open file, a lock, a socket, a generator or a session "
        "(7 searches, 3 kinds of cluster)",
        not_picklable,
    )
]
