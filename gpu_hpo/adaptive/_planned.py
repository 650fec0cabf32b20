# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Predict what a search will take, before it runs."""

from __future__ import annotations

from collections.abc import Sequence

from gpu_hpo.adaptive.training._budgets import Budget
from gpu_hpo.schedules._base import Rung
from gpu_hpo.schedules._ladder import Ladder


def planned_metadata(schedule: Ladder, budget: Budget) -> dict[str, int]:
    """Return what all models of a schedule do if none is stopped or fails."""
    return {
        "partial_fit_calls": planned_calls(schedule.rungs),
        "n_models": schedule.n_trials,
        "max_iter": schedule.rungs[-1].calls,
        **planned_fits(schedule.rungs, budget),
    }


def planned_calls(rungs: Sequence[Rung]) -> int:
    """Return the calls that all models of a successive-halving run make."""
    starts = [0, *(rung.calls for rung in rungs)]
    return sum(
        rung.n_trials * (rung.calls - start)
        for start, rung in zip(starts, rungs, strict=False)
    )


def planned_fits(rungs: Sequence[Rung], budget: Budget) -> dict[str, int]:
    """Count the fits of a run, and the calls they are worth; {} without refits."""
    if not budget.refits:
        return {}
    starts = [0, *(rung.calls for rung in rungs)]
    return {
        "n_fits": sum(rung.n_trials for rung in rungs),
        "calls_fitted": sum(
            rung.n_trials * budget.cost(start, rung.calls)
            for start, rung in zip(starts, rungs, strict=False)
        ),
    }
