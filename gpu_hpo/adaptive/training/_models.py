# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say what workers must know of trials, and make the model of one."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import clone

from gpu_hpo._typing import Estimator
from gpu_hpo.adaptive.training._budgets import Budget, PartialFit
from gpu_hpo.data._chunk import Chunk, row_params
from gpu_hpo.devices._counterparts import convert
from gpu_hpo.metrics._scoring import Scoring
from gpu_hpo.training._seeds import Place, leaves_places, set_seeds, unset_seeds
from gpu_hpo.training._snapshots import own_functions
from gpu_hpo.training._spec import TrainingSpec


@dataclass(frozen=True)
class Trial:
    """The parameters that make one trial different, and the seed of its model."""

    params: Mapping[str, Any]
    seed: int


@dataclass(frozen=True)
class TrialSpec(TrainingSpec):
    """All that a worker needs to know to make, train and score models.

    Attributes
    ----------
    prototype : estimator
        The user's, with the parameters that trials are sampled for. Is copied, never
        trained.
    unset_seeds : tuple of str and of tuple
        Where in it a `random_state` is None; see `unset_seeds`.
    scoring : Scoring
    classes : ndarray or None
        Passed to the first call of each model.
    fit_params : dict
        Passed whole to every call.
    fit_rows, score_rows : tuple of str
        Per-row parameters that go to `partial_fit` and to the scorer.
    stacked : bool
        Whether models that can train in one stack do.
    budget : Budget
        What a call means.
    converted_to : {"cpu", "cuda"} or None
        Device for which models are turned into their counterparts; None are those
        that stay what they are.
    on_device : bool
        Whether chunks are in GPU memory, and models with them.
    assume_finite : bool
        Whether X was checked for NaN and infinity when it arrived.
    n_splits : int
        Models of a trial, each trained and scored on its part of the rows.
    by_roles : bool
        Whether rows have roles that say which part that is.
    """

    prototype: Any
    unset_seeds: tuple[Place, ...]
    scoring: Scoring
    classes: np.ndarray | None = None
    fit_params: Mapping[str, Any] = field(default_factory=dict)
    fit_rows: tuple[str, ...] = ()
    score_rows: tuple[str, ...] = ()
    stacked: bool = True
    budget: Budget = field(default_factory=PartialFit)
    converted_to: str | None = None
    on_device: bool = False
    assume_finite: bool = False
    n_splits: int = 1
    by_roles: bool = False

    def fit_params_of(self, chunk: Chunk) -> dict[str, Any]:
        """Return the fit parameters of a call that trains on a chunk."""
        rows = row_params(chunk)
        return {**self.fit_params, **{name: rows[name] for name in self.fit_rows}}


def make_model(
    prototype: Estimator,
    trial: Trial,
    unset: tuple[Place, ...],
    device: str | None = None,
) -> Any:
    """Copy the prototype with the parameters of `trial`, for the device it trains on.

    Wherever a `random_state` is left None, in the estimator or in what it holds, it
    is drawn from the trial's seed, so that a search gives one answer.

    Parameters
    ----------
    prototype : estimator
        Not fitted, a clone of the user's. Copying it costs a tenth of cloning it.
    trial : Trial
    unset : tuple of str and of tuple
        `unset_seeds` of the prototype, which takes as long as all the rest.
    device : {"cpu", "cuda"} or None
        For which the model is turned into its counterpart, if it is to be.

    Raises
    ------
    NoCounterpartError
        If its parameters mean nothing in the library that trains on the device.
    """
    model = copy.deepcopy(prototype)
    params = clone(dict(trial.params), safe=False)
    if not leaves_places(params, unset):
        # Parts may be others: only now is it known what has a seed.
        model.set_params(**params)
        params, unset = {}, unset_seeds(model)
    rng = np.random.RandomState(trial.seed)
    _draw(rng, model, unset, params)
    own_functions(model)
    if device is not None:
        model = convert(model, device)
        # The user's may have none, and its counterpart one.
        _draw(rng, model, unset_seeds(model))
    return model


def _draw(
    rng: np.random.RandomState,
    model: Estimator,
    unset: Sequence[Place],
    params: Mapping[str, Any] | None = None,
) -> None:
    seeds = rng.randint(np.iinfo(np.int32).max, size=len(unset)).tolist()
    set_seeds(model, unset, seeds, params)
