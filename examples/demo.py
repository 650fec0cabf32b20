# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tune an SGD classifier on real images with Hyperband.

The images are Fashion-MNIST where it is installed (Debian's package
dataset-fashion-mnist), else scikit-learn's digits. Run it with ``make demo``.
"""

from __future__ import annotations

import argparse
import gzip
from collections import Counter
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.stats import loguniform
from sklearn.callback import ProgressBar
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

from gpu_hpo.compute import embedded_client
from gpu_hpo.devices import resolve_device
from gpu_hpo.model_selection import HyperbandSearchCV

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


def read_idx(path: Path) -> np.ndarray:
    """Read an array of bytes in the idx format of MNIST, gzipped or not.

    The header holds a magic number, whose last byte counts the dimensions, and the
    length of each, all as big-endian 32-bit integers.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        n_dims = int.from_bytes(file.read(4), "big") & 0xFF
        shape = [int.from_bytes(file.read(4), "big") for _ in range(n_dims)]
        return np.frombuffer(file.read(), dtype=np.uint8).reshape(shape)


def load() -> tuple[str, tuple[np.ndarray, ...]]:
    """Return the name of the data set, and X_train, X_test, y_train, y_test."""
    files = {
        part: next(FASHION_MNIST.glob(f"{part}-ubyte*"), None)
        for part in (
            "train-images-idx3",
            "t10k-images-idx3",
            "train-labels-idx1",
            "t10k-labels-idx1",
        )
    }
    if all(files.values()):
        X, X_test, y, y_test = map(read_idx, files.values())
        flat = [a.reshape(len(a), -1).astype(np.float32) / 255 for a in (X, X_test)]
        return "Fashion-MNIST", (*flat, y, y_test)
    X, y = load_digits(return_X_y=True)
    return "digits", tuple(train_test_split(X / 16, y, random_state=0, stratify=y))


def main() -> None:
    """Search, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max-iter", type=int, default=27, help="most calls a model")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    name, (X_train, X_test, y_train, y_test) = load()
    print(f"{name}: {X_train.shape[0]} rows of {X_train.shape[1]} features to train on")
    device = resolve_device()
    print(f"device: {device.name} ({device.reason})")
    began = perf_counter()
    n_workers = sum(embedded_client().nthreads().values())
    print(f"cluster: {n_workers} workers, started in {perf_counter() - began:.1f} s")

    search = HyperbandSearchCV(
        SGDClassifier(),
        {
            "alpha": loguniform(1e-7, 1e-1),
            "penalty": ["l2", "l1", "elasticnet"],
            "loss": ["hinge", "log_loss", "modified_huber"],
            "learning_rate": ["optimal", "adaptive", "invscaling"],
            "eta0": loguniform(1e-4, 1e0),
            "average": [True, False],
        },
        max_iter=options.max_iter,
        random_state=options.seed,
    )
    planned = search.metadata
    print(
        f"plan: {planned['n_models']} models, {planned['partial_fit_calls']} calls of "
        f"partial_fit in {len(planned['brackets'])} brackets"
    )
    search.set_callbacks(ProgressBar())
    began = perf_counter()
    search.fit(X_train, y_train)
    wall = perf_counter() - began

    print("\nbest parameters")
    for parameter, value in search.best_params_.items():
        shown = f"{value:.3g}" if isinstance(value, float) else value
        print(f"  {parameter:14} {shown}")
    print(f"validation accuracy {search.best_score_:.4f}")
    print(f"held-out accuracy   {search.score(X_test, y_test):.4f}")

    print("\nwhere the budget went")
    calls = search.cv_results_["partial_fit_calls"]
    for n_calls, n_models in sorted(Counter(calls.tolist()).items()):
        share = n_calls * n_models / calls.sum()
        print(f"  {n_models:4} models of {n_calls:3} calls: {share:4.0%}")

    times = {
        model: sum(h["partial_fit_time"] + h["score_time"] for h in history)
        for model, history in search.model_history_.items()
    }
    work, chain = sum(times.values()), max(times.values())
    bound = max(work / n_workers, chain)
    print(
        f"\nwall time {wall:.2f} s, bound {bound:.2f} s (work {work:.2f} s on "
        f"{n_workers} workers, longest model {chain:.2f} s): ratio {wall / bound:.2f}"
    )


if __name__ == "__main__":
    main()
