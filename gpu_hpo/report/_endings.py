# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say why each trial or candidate ended."""

from __future__ import annotations

import numpy as np

from gpu_hpo.plotting._outcomes import Outcome, Outcomes
from gpu_hpo.report._ledger import reason_of


def endings(read: Outcomes) -> list[str]:
    """Say of each trial or candidate why it ended."""
    if not read.stops_early:
        stopped = getattr(read.search, "stopped_", "")
        return [_of_candidate(out, stopped) for out in read.all]
    ranks = _ranks(read)
    horizon = None if read.ledger is None else read.ledger.horizon
    return [_ending(read, out, horizon, ranks.get(out.number)) for out in read.all]


def _of_candidate(out: Outcome, stopped: str) -> str:
    if out.error:
        return reason_of(out.error)
    if out.status == "not tried":
        return f"not tried on all folds ({stopped})"
    return "fitted on all folds"


def _ending(
    read: Outcomes, out: Outcome, horizon: int | None, rank: tuple[int, int] | None
) -> str:
    if out.error:
        return reason_of(out.error)
    stopped = getattr(read.search, "stopped_", "")
    calls = f"{out.n_calls} call" + ("s" if out.n_calls != 1 else "")
    if out.status == "completed":
        if horizon is None or out.n_calls >= horizon:
            return f"trained to the end, {calls}"
        if stopped:
            return f"the search ended after {calls} ({stopped})"
        if not getattr(read.search, "patience", False):
            return f"trained to the end of its schedule, {calls}"
        return f"trained no further after {calls}: its score no longer rose"
    if not out.n_calls:
        return "it has no score"
    if stopped:
        return f"dropped, or cut short with the search, after {calls} ({stopped})"
    where = "" if rank is None else f": score {rank[0]} of {rank[1]} there"
    return f"dropped after {calls}{where}"


def _ranks(read: Outcomes) -> dict[int, tuple[int, int]]:
    """Rank last scores among those of the same bracket after as many calls."""
    at: dict[tuple[object, int], list[float]] = {}
    for out in read.all:
        for calls, score in zip(out.calls, out.scores, strict=True):
            at.setdefault((out.bracket, int(calls)), []).append(float(score))
    ranks = {}
    for out in read.all:
        if out.n_calls:
            scores = np.array(at[out.bracket, out.n_calls])
            better = int((scores > out.scores[-1]).sum())
            ranks[out.number] = better + 1, len(scores)
    return ranks
