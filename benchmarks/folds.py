# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What k-fold Hyperband costs beside k searches with one split each.

The bound is k single-split searches on as many rows: a fold's model trains on the rows
of k - 1 folds, and so does a search that holds out one row of k. `work` is what workers
spent in training, as the searches themselves record it, `wall` what `fit` took, both
over the sum for the k searches in the same run. Aims: 1.3 and less than 1.

    python benchmarks/folds.py
"""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier as Unstacked

from gpu_hpo.compute import embedded_client
from gpu_hpo.linear_model import SGDClassifier
from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.neural_network import MLPClassifier

ALPHAS = {"alpha": np.logspace(-6, 0, 1000)}
CASES: dict[str, Any] = {
    "linear stack": SGDClassifier(random_state=0),
    "network stack": MLPClassifier((24,), random_state=0),
    "scikit-learn's": Unstacked(random_state=0),
}


def run(estimator: Any, data: Any, **options: Any) -> tuple[float, float]:
    """Seconds that training took workers, and that the search took."""
    search = HyperbandSearchCV(
        estimator, ALPHAS, max_iter=27, chunk_size=len(data[0]) // 20, **options
    )
    began = perf_counter()
    search.fit(*data)
    seconds = perf_counter() - began
    return sum(entry["partial_fit_time"] for entry in search.history_), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    data = make_classification(options.rows, 20, n_informative=8, random_state=0)
    embedded_client()  # its start is not part of any time
    k = options.folds
    print(f"{'models':>14} {'work':>6} {'wall':>6}   seconds: {k} folds, {k} searches")
    for name, estimator in CASES.items():
        run(estimator, data, random_state=0, cv=k)  # compiles, and fills caches
        rows = []
        for repeat in range(options.repeats):
            seeds = range(k * repeat, k * repeat + k)
            # No model is trained again on all rows: the k searches do not, either.
            folds = run(estimator, data, random_state=repeat, cv=k, refit=False)
            apart = [
                run(estimator, data, random_state=seed, test_size=1 / k)
                for seed in seeds
            ]
            work, wall = map(sum, zip(*apart, strict=True))
            rows.append((folds[0] / work, folds[1] / wall, folds[1], wall))
        work, wall, mine, theirs = (
            median(column) for column in zip(*rows, strict=True)
        )
        print(f"{name:>14} {work:6.2f} {wall:6.2f}   {mine:8.2f} {theirs:12.2f}")


if __name__ == "__main__":
    main()
