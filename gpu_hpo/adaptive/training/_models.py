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
from gpu_hpo.training._turns import Turns


@dataclass(frozen=True)
class Trial:
    """The parameters that make a trial different, and the seed of its models."""

    params: Mapping[str, Any]
    seed: int


@dataclass(frozen=True)
class TrialSpec(TrainingSpec):
    """All that a worker needs to know to make, train and score models.

    Attributes
    ----------
    prototype : estimator
        A clone of the user's estimator. It is copied, never trained.
    unset_seeds : tuple of str and of tuple
        Where a `random_state` of the prototype is None; see `unset_seeds`.
    scoring : Scoring
    classes : ndarray or None
        Passed to the first call of each model.
    fit_params : dict
        Passed unchanged to every call.
    fit_rows, score_rows : tuple of str
        Per-row parameters that go to `partial_fit` and to the scorer.
    stacked : bool
        Whether models that can train in one stack do.
    budget : Budget
        What a call means.
    converted_to : {"cpu", "cuda"} or None
        Device for which models are turned into their counterparts; None leaves them as
        they are.
    on_device : bool
        Whether chunks, and models with them, are in GPU memory.
    to_host : bool
        Whether models arrive in host memory where the search was called, since there is
        no GPU.
    turns : Turns or None
        How tasks share a GPU, if models train on one.
    assume_finite : bool
        Whether X was checked for NaN and infinity when it arrived.
    n_splits : int
        Number of models of a trial, each trained and scored on the rows of its split.
    by_roles : bool
        Whether rows have roles in the splits.
    labels : ndarray or None
        Labels of which y is the numbers, as a GPU has no strings; None if y is as the
        user gave it.
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
    to_host: bool = False
    turns: Turns | None = None
    assume_finite: bool = False
    n_splits: int = 1
    by_roles: bool = False
    labels: np.ndarray | None = None

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

    Each `random_state` that is None, in the estimator or its steps, is drawn from the
    trial's seed, so that a search is reproducible.

    Parameters
    ----------
    prototype : estimator
        Not fitted. Copying it costs a tenth of cloning it.
    trial : Trial
    unset : tuple of str and of tuple
        `unset_seeds` of the prototype; finding them takes as long as all the rest.
    device : {"cpu", "cuda"} or None
        Device for which the model is turned into its counterpart, if it is.

    Raises
    ------
    NoCounterpartError
        If its parameters mean nothing in the library that trains on the device.
    """
    model = copy.deepcopy(prototype)
    params = clone(dict(trial.params), safe=False)
    if not leaves_places(params, unset):
        # Steps may have been replaced: only now is it known what has a seed.
        model.set_params(**params)
        params, unset = {}, unset_seeds(model)
    rng = np.random.RandomState(trial.seed)
    _draw(rng, model, unset, params)
    own_functions(model)
    if device is not None:
        model = convert(model, device)
        # The user's estimator may have no seed, and its counterpart one.
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
