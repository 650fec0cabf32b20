# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Halve successively: train all trials, keep the best, train those longer."""

from __future__ import annotations

from gpu_hpo._arguments import AT_LEAST_TWO, NOT_NEGATIVE, POSITIVE, checked
from gpu_hpo.schedules._base import Rung
from gpu_hpo.schedules._ladder import PLATEAU, Ladder

_HALVING = {
    "n_trials": [POSITIVE],
    "n_calls": [POSITIVE],
    "aggressiveness": [AT_LEAST_TWO],
    "max_calls": [POSITIVE, None],
}


@checked(**_HALVING)
def halving_rungs(
    n_trials: int, n_calls: int, aggressiveness: int, max_calls: int | None = None
) -> tuple[Rung, ...]:
    """Return the rungs of one successive-halving run, in integers.

    Rung ``i`` holds ``n_trials // aggressiveness**i`` trials at ``n_calls *
    aggressiveness**i`` calls; the last one is the first with a single trial, or the
    first to reach `max_calls`, which it does not exceed.

    Parameters
    ----------
    n_trials, n_calls : int
        Trials in the first rung, and calls that each of them makes.
    aggressiveness : int
        At each decision, one of this many trials is kept; at least 2.
    max_calls : int, optional
        Most calls of any trial.

    Returns
    -------
    tuple of Rung

    Raises
    ------
    ValueError
        If an argument is out of range, or `n_calls` is more than `max_calls`.

    References
    ----------
    Jamieson and Talwalkar, "Non-stochastic best arm identification and
    hyperparameter optimization", 2016, https://arxiv.org/abs/1502.07943
    """
    if max_calls is not None and n_calls > max_calls:
        raise ValueError(
            f"n_calls={n_calls} must not be more than max_calls={max_calls}"
        )
    rungs = []
    calls = n_calls
    while n_trials >= 1:
        calls = calls if max_calls is None else min(calls, max_calls)
        rungs.append(Rung(n_trials, calls))
        if n_trials == 1 or calls == max_calls:
            break
        n_trials //= aggressiveness
        calls *= aggressiveness
    return tuple(rungs)


class SuccessiveHalving(Ladder):
    """One successive-halving run over trials ``first_trial, first_trial + 1, ...``.

    At each rung the best ``n // aggressiveness`` are promoted, as early as that is
    certain; see `Ladder`.

    Parameters
    ----------
    n_trials : int
        Trials to start with.
    n_calls : int
        Calls up to the first decision.
    aggressiveness : int, default=3
        At each decision, one of this many trials is kept.
    max_calls : int, optional
        Most calls of any trial. By default halving goes on until one is left.
    patience, tol, first_trial, extra_scores
        As in `Ladder`.

    Raises
    ------
    ValueError
        As by `halving_rungs`.
    """

    @checked(first_trial=[NOT_NEGATIVE], **_HALVING, **PLATEAU)
    def __init__(
        self,
        n_trials: int,
        n_calls: int,
        *,
        aggressiveness: int = 3,
        max_calls: int | None = None,
        patience: int = 0,
        tol: float | None = 1e-3,
        first_trial: int = 0,
        extra_scores: bool = True,
    ) -> None:
        super().__init__(
            halving_rungs(n_trials, n_calls, aggressiveness, max_calls),
            patience=patience,
            tol=tol,
            first_trial=first_trial,
            extra_scores=extra_scores,
        )
