# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Keep fewer trials the more calls they have made, by inverse decay."""

from __future__ import annotations

from bisect import bisect_left

from gpu_hpo._arguments import NOT_NEGATIVE_NUMBER, POSITIVE, checked
from gpu_hpo.schedules._base import Rung
from gpu_hpo.schedules._ladder import PLATEAU, Ladder

_DECAY = {
    "n_trials": [POSITIVE],
    "decay_rate": [NOT_NEGATIVE_NUMBER],
    "max_calls": [POSITIVE],
}


@checked(most_apart=[POSITIVE, None], **_DECAY)
def inverse_decay_rungs(
    n_trials: int, decay_rate: float, max_calls: int, most_apart: int | None = None
) -> tuple[Rung, ...]:
    """Return the rungs of inverse decay, counted as dask-ml counts them.

    At time ``t``, one more than the calls that trials have made, ``n_trials / (1 + t)
    ** decay_rate`` trials, rounded down, are left. The first decision is after one
    call. At each decision as many trials go on as will be left when that number next
    changes, and they train until just before it changes. The last decision leaves one
    trial.

    Parameters
    ----------
    n_trials : int
        Trials to start with.
    decay_rate : float
        At least 0, which keeps all.
    max_calls : int
        Most calls of any trial.
    most_apart : int, optional
        Most calls between two decisions.

    Returns
    -------
    tuple of Rung
        Of several rungs with equal numbers of trials, which drop no trial, only the
        first and the last.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> inverse_decay_rungs(10, 1.0, 100)
    (Rung(n_trials=10, calls=1), Rung(n_trials=2, calls=2))
    """
    if not decay_rate:
        return (Rung(n_trials, max_calls),)

    def left(time: int) -> int:
        try:
            return int(n_trials / (1 + time) ** float(decay_rate))
        except OverflowError:  # too large for a float
            return 0

    rungs = [Rung(n_trials, 1)]
    while (calls := rungs[-1].calls) < max_calls:
        now = left(calls + 1)
        end = max_calls + 1 if most_apart is None else calls + 1 + most_apart
        times = range(calls + 2, end + 1)
        change = bisect_left(times, True, key=lambda time: left(time) < now)
        if change < len(times):
            keep, calls = left(times[change]), times[change] - 1
        elif most_apart is None:
            # The number changes later, and then falls by one at a time.
            keep, calls = now - 1, max_calls
        else:
            keep, calls = now, calls + most_apart
        if keep <= 1:
            break
        if [rung.n_trials for rung in rungs[-2:]] == [keep, keep]:
            rungs.pop()  # it only repeats the one before it
        rungs.append(Rung(keep, min(calls, max_calls)))
    return tuple(rungs)


class InverseDecay(Ladder):
    """Trials of which fewer train on, the more calls they have made.

    Rungs and numbers are those of dask-ml's search of this name, except that no trial
    makes more than `max_calls` calls, and that a plateau stops one trial, never the
    others; see `inverse_decay_rungs` and `Ladder`.

    Parameters
    ----------
    n_trials : int
        Trials to start with.
    decay_rate : float, default=1.0
        How fast their number falls; 0 keeps all.
    max_calls : int, default=100
        Most calls of any trial.
    fits_per_score : int, default=1
        With `patience`, or with ``decay_rate=0``: most calls between two scores.
    patience, tol, extra_scores
        As in `Ladder`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, "Hyperband: a novel
    bandit-based approach to hyperparameter optimization", 2016,
    https://arxiv.org/abs/1603.06560. A `decay_rate` of 1 is close to the most adaptive
    bracket of that paper.
    """

    @checked(fits_per_score=[POSITIVE], **_DECAY, **PLATEAU)
    def __init__(
        self,
        n_trials: int,
        decay_rate: float = 1.0,
        *,
        max_calls: int = 100,
        fits_per_score: int = 1,
        patience: int = 0,
        tol: float | None = 1e-3,
        extra_scores: bool = True,
    ) -> None:
        often = bool(patience) and extra_scores
        super().__init__(
            inverse_decay_rungs(
                n_trials, decay_rate, max_calls, fits_per_score if often else None
            ),
            score_every=fits_per_score if often or not decay_rate else 0,
            patience=patience,
            tol=tol,
            extra_scores=extra_scores,
        )
