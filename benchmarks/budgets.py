# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What early stopping saves for models that can only be fitted anew.

Successive halving over a grid, by one budget after another, beside an exhaustive search
in the same run: every candidate trained in full on the same rows and scored on the same
others. `calls` counts what was fitted in all, in trees, iterations or chunks, those of
refits again; `gap` is by how much the exhaustive winner's full score exceeds that of
the winner found. The aim is the same winner with a third of the calls.

    python benchmarks/budgets.py
"""

from __future__ import annotations

import argparse
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ParameterGrid

from gpu_hpo.compute import embedded_client
from gpu_hpo.model_selection import SuccessiveHalvingSearchCV

MOST = 27
CASES: list[tuple[Any, str, dict[str, list[Any]]]] = [
    (
        RandomForestClassifier(random_state=0),
        "n_estimators",
        {"max_depth": [2, 4, 8, 16], "min_samples_leaf": [1, 30, 100, 300]},
    ),
    (
        LogisticRegression(),
        "n_samples",
        {
            "C": np.logspace(-6, 0, 8).tolist(),
            "fit_intercept": [True, False],
        },
    ),
    (
        HistGradientBoostingClassifier(early_stopping=False, random_state=0),
        "warm_start",
        {"learning_rate": [0.003, 0.01, 0.1, 0.3], "max_leaf_nodes": [3, 7, 15, 31]},
    ),
]


def search(
    estimator: Any, resource: str, grid: Any, n: int, first: int, data: Any
) -> tuple[SuccessiveHalvingSearchCV, float]:
    """Halve `n` candidates from `first` calls on; the search and its wall time."""
    halving = SuccessiveHalvingSearchCV(
        estimator,
        grid,
        n_initial_parameters=n,
        n_initial_iter=first,
        max_iter=MOST,
        resource=resource,
        random_state=0,
        test_size=0.2,
    )
    began = perf_counter()
    halving.fit(*data)
    return halving, perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000)
    rows = parser.parse_args().rows
    data = make_classification(
        rows, 20, n_informative=8, flip_y=0.05, class_sep=0.7, random_state=0
    )
    embedded_client()  # its start is not part of any time
    header = f"{'budget':>13} {'calls':>6} {'in full':>7} {'share':>6}"
    print(f"{header} {'seconds':>8} {'in full':>8} {'gap':>7}")
    for estimator, resource, grid in CASES:
        candidates = list(ParameterGrid(grid))
        n = len(candidates)
        halving, seconds = search(estimator, resource, grid, n, 3, data)
        # All candidates side by side, on as many workers: no halving, one rung.
        exhaustive, in_full = search(estimator, resource, grid, n, MOST, data)
        scores = {
            str(params): score
            for params, score in zip(
                exhaustive.cv_results_["params"],
                exhaustive.cv_results_["test_score"],
                strict=True,
            )
        }
        gap = exhaustive.best_score_ - scores[str(halving.best_params_)]
        calls = halving.metadata_["calls_fitted"]
        most = exhaustive.metadata_["calls_fitted"]
        assert most == n * MOST
        print(
            f"{resource:>13} {calls:6} {most:7} {calls / most:6.2f} {seconds:8.2f} "
            f"{in_full:8.2f} {gap:7.4f}"
        )


if __name__ == "__main__":
    main()
