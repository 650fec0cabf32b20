# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Making a trial's model, and training it by one call."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.base import clone

from gpu_hpo.data import TARGETS, Chunk, row_params
from gpu_hpo.training._scoring import Scoring


@dataclass(frozen=True)
class Trial:
    """What makes one trial different: its parameters, and the seed of its model."""

    params: Mapping[str, Any]
    seed: int


@dataclass(frozen=True)
class Recipe:
    """All that a worker needs to know to make, train and score models.

    Attributes
    ----------
    prototype : estimator
        Is copied, never trained.
    unset_seeds : tuple of str
        Its parameters that are a `random_state` and None.
    scoring : Scoring
    classes : ndarray or None
        Passed to the first call of each model.
    fit_params : dict
        Passed whole to every call.
    fit_rows, score_rows : tuple of str
        Per-row parameters that go to `partial_fit` and to the scorer.
    stacked : bool
        Whether models that can train in one stack do.
    """

    prototype: Any
    unset_seeds: tuple[str, ...]
    scoring: Scoring
    classes: np.ndarray | None = None
    fit_params: Mapping[str, Any] = field(default_factory=dict)
    fit_rows: tuple[str, ...] = ()
    score_rows: tuple[str, ...] = ()
    stacked: bool = True


def make_model(prototype: Any, trial: Trial, unset: tuple[str, ...]) -> Any:
    """Copy `prototype` with the parameters of `trial`.

    Wherever a `random_state` is left None, in the estimator or in a part of it, it
    is drawn from the trial's seed, so that a search gives one answer.

    Parameters
    ----------
    prototype : estimator
        Not fitted, a clone of the user's. Copying it costs a tenth of cloning it.
    trial : Trial
    unset : tuple of str
        `unset_seeds` of the prototype, which takes as long as all the rest.
    """
    model = copy.deepcopy(prototype)
    params = clone(dict(trial.params), safe=False)
    if any(hasattr(value, "get_params") for value in params.values()):
        # Parts are replaced: only now is it known what has a seed.
        model.set_params(**params)
        params, unset = {}, unset_seeds(model)
    rng = np.random.RandomState(trial.seed)
    seeds = rng.randint(np.iinfo(np.int32).max, size=len(unset)).tolist()
    return model.set_params(**dict(zip(unset, seeds, strict=True)) | params)


def unset_seeds(estimator: Any) -> tuple[str, ...]:
    """Names of the parameters, also of parts, that are a `random_state` and None."""
    return tuple(
        sorted(
            name
            for name, value in estimator.get_params(deep=True).items()
            if value is None and name.rpartition("__")[2] == "random_state"
        )
    )


def takes_classes(estimator: Any) -> bool:
    """Whether `partial_fit` wants to be told all classes at its first call."""
    return "classes" in inspect.signature(estimator.partial_fit).parameters


def _needs_classes(model: Any) -> bool:
    """Whether `partial_fit` has to be told all classes at every call."""
    kind = type(model)
    if kind not in _NEEDS_CLASSES:
        # Of the model, since its class need not have the method: a wrapper's has not.
        classes = inspect.signature(model.partial_fit).parameters.get("classes")
        needs = classes is not None and classes.default is classes.empty
        _NEEDS_CLASSES[kind] = needs
    return _NEEDS_CLASSES[kind]


_NEEDS_CLASSES: WeakKeyDictionary[type, bool] = WeakKeyDictionary()


def train_call(model: Any, chunk: Chunk, recipe: Recipe, *, first: bool) -> None:
    """Train `model`, or all models of a stack, by one call on `chunk`, in place."""
    data = [chunk[name] for name in TARGETS if name in chunk]
    rows = row_params(chunk)
    params = dict(recipe.fit_params)
    params.update((name, rows[name]) for name in recipe.fit_rows)
    if recipe.classes is not None and (first or _needs_classes(model)):
        params["classes"] = recipe.classes
    model.partial_fit(*data, **params)
