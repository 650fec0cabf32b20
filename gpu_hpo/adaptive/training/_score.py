# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define the score of a trial, as it travels from the worker to the record."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """A trial's score after `calls` calls, and the seconds that it took.

    Attributes
    ----------
    calls : int
    score : float
        The value that decides; higher is better.
    metrics : dict of str to float
        All metrics by name, the deciding one among them.
    fit_seconds, score_seconds : float
        Spent in this task since the trial's previous score.
    splits : tuple of dict
        In cross-validation: metrics by split; `metrics` are their means.
    """

    calls: int
    score: float
    metrics: dict[str, float]
    fit_seconds: float
    score_seconds: float
    splits: tuple[dict[str, float], ...] = ()
