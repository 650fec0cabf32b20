# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run Hyperband: successive halving at several aggressivenesses, side by side."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from gpu_hpo._arguments import AT_LEAST_TWO, POSITIVE, checked
from gpu_hpo.schedules._base import Event, Instruction, Rung, Schedule
from gpu_hpo.schedules._ladder import PLATEAU
from gpu_hpo.schedules._successive_halving import SuccessiveHalving


@dataclass(frozen=True, slots=True)
class Bracket:
    """A bracket's start: `n_trials` trials, first decision after `n_calls` calls."""

    index: int
    n_trials: int
    n_calls: int


@checked(max_calls=[POSITIVE], aggressiveness=[AT_LEAST_TWO])
def hyperband_brackets(max_calls: int, aggressiveness: int) -> list[Bracket]:
    """Return the brackets of Hyperband, most adaptive first, in integers.

    Parameters
    ----------
    max_calls : int
        Most calls of any trial, the paper's R; at least 1.
    aggressiveness : int
        The paper's eta; at least 2.

    Returns
    -------
    list of Bracket
        For ``s = s_max, ..., 0`` with ``s_max`` the largest integer for which
        ``aggressiveness**s_max <= max_calls``. With floats a bracket would be lost
        where `max_calls` is a power of `aggressiveness`, for example (243, 3).

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, "Hyperband: a novel
    bandit-based approach to hyperparameter optimization", 2016, algorithm 1,
    https://arxiv.org/abs/1603.06560
    """
    s_max = 0
    while aggressiveness ** (s_max + 1) <= max_calls:
        s_max += 1
    return [
        Bracket(
            index=s,
            n_trials=-(-(s_max + 1) * aggressiveness**s // (s + 1)),
            n_calls=max_calls // aggressiveness**s,
        )
        for s in range(s_max, -1, -1)
    ]


@checked(n_examples=[POSITIVE], n_params=[POSITIVE])
def rule_of_thumb(n_examples: int, n_params: int) -> tuple[int, int]:
    """Choose the most calls of a trial, and the rows of a chunk, by what is wanted.

    Parameters
    ----------
    n_examples : int
        Rows that the trials which train longest see, over all their calls.
    n_params : int
        Roughly how many parameter sets are tried.

    Returns
    -------
    max_calls, chunk_size : int
        ``n_params`` and ``n_examples // n_params``.

    Raises
    ------
    ValueError
        If an argument is out of range, or there are fewer examples than parameter
        sets.

    References
    ----------
    The notes on dask-ml's `HyperbandSearchCV`,
    https://ml.dask.org/modules/generated/dask_ml.model_selection.HyperbandSearchCV.html
    """
    if n_examples < n_params:
        raise ValueError(
            f"n_examples={n_examples} must be at least n_params={n_params}: a chunk "
            "has n_examples // n_params rows, which would be none"
        )
    return int(n_params), int(n_examples // n_params)


class Hyperband(Schedule):
    """All brackets of Hyperband at once, over one numbering of trials.

    Trials are numbered bracket by bracket, the most adaptive first.

    Parameters
    ----------
    max_calls : int
        Most calls of any trial.
    aggressiveness : int, default=3
        At each decision, one of this many trials is kept.
    patience, tol, extra_scores
        As in `Ladder`.
    n_trials : mapping of int to int, optional
        Trials per bracket, if there are fewer than in the paper (a small grid); at
        least one each.

    Raises
    ------
    ValueError
        If an argument is out of range, or a bracket has no trial.
    """

    @checked(
        max_calls=[POSITIVE],
        aggressiveness=[AT_LEAST_TWO],
        n_trials=[Mapping, None],
        **PLATEAU,
    )
    def __init__(
        self,
        max_calls: int,
        aggressiveness: int = 3,
        *,
        patience: int = 0,
        tol: float | None = 1e-3,
        n_trials: Mapping[int, int] | None = None,
        extra_scores: bool = True,
    ) -> None:
        self.brackets: dict[int, SuccessiveHalving] = {}
        self._starts: list[int] = []
        first = 0
        for bracket in hyperband_brackets(max_calls, aggressiveness):
            size: Any = (n_trials or {}).get(bracket.index, bracket.n_trials)
            if not isinstance(size, Integral) or int(size) < 1:
                raise ValueError(
                    f"n_trials={n_trials} gives bracket {bracket.index} no trial"
                )
            self.brackets[bracket.index] = SuccessiveHalving(
                int(size),
                bracket.n_calls,
                aggressiveness=aggressiveness,
                max_calls=max_calls,
                patience=patience,
                tol=tol,
                first_trial=first,
                extra_scores=extra_scores,
            )
            self._starts.append(first)
            first += int(size)
        self._n_trials = first
        self._order = list(self.brackets)

    def bracket_of(self, trial: int) -> int:
        """Return the index of the bracket that `trial` belongs to."""
        return self._order[bisect_right(self._starts, trial) - 1]

    def start(self) -> list[Instruction]:
        return [step for bracket in self.brackets.values() for step in bracket.start()]

    def tell(self, event: Event) -> list[Instruction]:
        return self.brackets[self.bracket_of(event.trial)].tell(event)

    @property
    def n_trials(self) -> int:
        return self._n_trials

    @property
    def done(self) -> bool:
        return all(bracket.done for bracket in self.brackets.values())

    @property
    def finalists(self) -> list[int]:
        return [t for bracket in self.brackets.values() for t in bracket.finalists]

    def outlook(self, trial: int) -> tuple[Rung, ...]:
        return self.brackets[self.bracket_of(trial)].outlook(trial)

    def validate(self) -> None:
        for bracket in self.brackets.values():
            bracket.validate()
