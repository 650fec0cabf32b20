# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train every trial to the end, or until it no longer improves."""

from __future__ import annotations

from gpu_hpo._arguments import POSITIVE, checked
from gpu_hpo.schedules._base import Rung
from gpu_hpo.schedules._ladder import PLATEAU, Ladder


class Incremental(Ladder):
    """Trials that all train to the end, each for itself.

    Nothing is compared before the end, so no trial waits for another; all are
    finalists. Scores come after the first call, then every `fits_per_score` calls, and
    after `max_calls`, which no trial exceeds.

    Parameters
    ----------
    n_trials : int
    max_calls : int
        Calls that each trial makes.
    fits_per_score : int, default=1
        Most calls between two scores.
    patience : int, default=0
        Score at least every `patience` calls, and stop a trial that is on a plateau; it
        stays a finalist. 0 is off.
    tol : float or None, default=1e-3
        Improvement that is not a plateau.
    extra_scores : bool, default=True
        If False, trials are scored only where a score decides something: at the end
        and, with `patience`, where a plateau would stop them.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """

    @checked(
        n_trials=[POSITIVE],
        max_calls=[POSITIVE],
        fits_per_score=[POSITIVE],
        **PLATEAU,
    )
    def __init__(
        self,
        n_trials: int,
        max_calls: int,
        *,
        fits_per_score: int = 1,
        patience: int = 0,
        tol: float | None = 1e-3,
        extra_scores: bool = True,
    ) -> None:
        rungs = [Rung(n_trials, max_calls)]
        if patience and not extra_scores:
            # Whether a trial stops is a decision too, though not between trials.
            scored = range(1, max_calls, min(fits_per_score, patience))
            rungs[:0] = [Rung(n_trials, calls) for calls in scored]
        super().__init__(
            rungs,
            score_every=fits_per_score,
            patience=patience,
            tol=tol,
            extra_scores=extra_scores,
        )
