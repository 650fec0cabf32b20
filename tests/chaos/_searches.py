# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The small searches of `make chaos`, one for each class."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
from scipy.stats import loguniform
from sklearn.pipeline import make_pipeline

from gpu_hpo import model_selection
from gpu_hpo.schedules import Rounds
from tests.chaos._models import Haunted, HauntedScaler
from tests.chaos._plan import Plan
from tests.compute.helpers import make_data

CALL_TIMEOUT = 5.0  # a busy machine takes seconds for what needs none


def _drop_worst(records: dict[int, list[tuple[int, float]]]) -> dict[int, int]:
    worst = min(records, key=lambda model: (records[model][-1][1], model))
    left = [model for model in records if model != worst] or [worst]
    return dict.fromkeys(left, 1 if len(left) > 1 else 0)


def _rounds(n_trials: int) -> Rounds:
    return Rounds(n_trials, _drop_worst, first_calls=2)


# About a hundred calls each, but for the refits.
_OPTIONS: dict[str, dict[str, Any]] = {
    "HyperbandSearchCV": {"max_iter": 9},
    "SuccessiveHalvingSearchCV": {
        "n_initial_parameters": 18,
        "n_initial_iter": 2,
        "max_iter": 18,
    },
    "IncrementalSearchCV": {
        "n_initial_parameters": 12,
        "decay_rate": None,
        "max_iter": 9,
        "fits_per_score": 2,
    },
    "InverseDecaySearchCV": {
        "n_initial_parameters": 24,
        "max_iter": 20,
        "fits_per_score": 2,
    },
    "ScheduledSearchCV": {"schedule": _rounds, "n_initial_parameters": 12},
}


def make_search(plan: Plan, haunt: str) -> Any:
    """Give a search, not yet fitted, whose models have a folder."""
    search = getattr(model_selection, plan.search)
    estimator: Any = Haunted(haunt=haunt, random_state=plan.seed)
    alphas: Any = loguniform(1e-5, 1e1)
    if plan.adaptive:
        return search(
            estimator,
            {"alpha": alphas},
            chunk_size=200,
            random_state=plan.seed,
            cv=plan.folds or None,
            refit=plan.refit,
            call_timeout=CALL_TIMEOUT if plan.mischief == "timeout" else None,
            **_OPTIONS[plan.search],
        )
    prefix = ""
    space: dict[str, Any] = {}
    if plan.pipeline:
        estimator = make_pipeline(HauntedScaler(haunt=haunt), estimator)
        prefix = "haunted__"
        space["hauntedscaler__factor"] = [0.5, 2.0]
    cv = 2 if plan.deadly else 3
    if plan.search == "GridSearchCV":
        alphas = np.logspace(-5, 1, 10 if plan.pipeline else 20).tolist()
        return search(estimator, space | {f"{prefix}alpha": alphas}, cv=cv)
    return search(
        estimator,
        space | {f"{prefix}alpha": alphas},
        n_iter=20,
        random_state=plan.seed,
        cv=cv,
    )


def make_rows(plan: Plan) -> tuple[Any, Any]:
    """Give X and y."""
    X, y = make_data(1200, seed=plan.seed)
    if plan.collection:
        return da.from_array(X, chunks=(200, -1)), da.from_array(y, chunks=200)
    return X, y


def alpha_of(params: dict[str, Any]) -> float:
    """Give the parameter that says which configuration is deadly."""
    return float(next(v for name, v in params.items() if name.endswith("alpha")))
