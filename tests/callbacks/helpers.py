# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a tracker must have noted of a search: the same as its attributes say."""

import threading

import numpy as np
import pytest

from tests.compute.every_search import ADAPTIVE

METRICS = ("score", "accuracy", "recall")
SEVERAL = {"scoring": ["accuracy", "recall"], "refit": "recall"}


def expected_scores(search):
    """Each score of a search with `SEVERAL` metrics: by trial, step and metric."""
    found = {}
    if type(search).__name__ in ADAPTIVE:
        for entry in search.history_:
            values = (entry["score"], entry["test_accuracy"], entry["test_recall"])
            key = str(entry["model_id"]), entry["partial_fit_calls"]
            found[key] = dict(zip(METRICS, values, strict=True))
        return found
    table = search.cv_results_
    for candidate in range(len(table["params"])):
        for split in range(search.n_splits_):
            accuracy, recall = (
                table[f"split{split}_test_{name}"][candidate] for name in METRICS[1:]
            )
            found[str(candidate), split] = {
                "score": recall,
                "accuracy": accuracy,
                "recall": recall,
            }
    return found


def expected_params(search):
    """The parameters of each trial, by its name."""
    table = search.cv_results_
    names = table.get("model_id", np.arange(len(table["params"])))
    return {
        str(name): params for name, params in zip(names, table["params"], strict=True)
    }


def expected_seconds(search):
    """The seconds in which each trial trained, by its name."""
    if type(search).__name__ in ADAPTIVE:
        return {
            str(name): sum(entry["partial_fit_time"] for entry in entries)
            for name, entries in search.model_history_.items()
        }
    means = search.cv_results_["mean_fit_time"]
    return {str(i): search.n_splits_ * mean for i, mean in enumerate(means)}


def threads_of_trackers():
    """The threads of callbacks that have not ended."""
    return [t for t in threading.enumerate() if "of gpu_hpo" in t.name]


def approx(values):
    """The same numbers, but for the rounding of text and of float32."""
    return pytest.approx(values, rel=1e-6)
