# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a search has found, and whether that is right after something happened."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.exceptions import ClientClosedError, WorkersLostError
from gpu_hpo.exhaustive._score_table import ScoreTable
from tests.fuzz._core import Difference

# What a search may raise whose cluster is gone for good.
DOCUMENTED = (ClientClosedError, WorkersLostError)

_MOST = 5  # differences of a kind that are shown

# By what is found, and where: the bits of numbers are in their text.
Answer = dict[str, str]


def results(search: Any) -> Answer:
    """Give the scores of a search, whether its `fit` has ended well or not."""
    out: Answer = {}
    if hasattr(search, "history_"):
        for row in search.history_:
            told = {
                k: v
                for k, v in sorted(row.items())
                if "time" not in k and k != "worker"
            }
            key = f"history_ of {row['model_id']} after {row['partial_fit_calls']}"
            out[key] = repr(told)
    elif hasattr(search, "cv_results_"):
        for name, column in search.cv_results_.items():
            if name.startswith("split"):
                for i, value in enumerate(column):
                    if not math.isnan(value):
                        out[f"{name} {i}"] = repr(float(value))
    return out


def answer(search: Any) -> Answer:
    """Give everything about a search that must not depend on what happened to it."""
    out = results(search)
    for name, column in search.cv_results_.items():
        if "time" in name:
            continue
        for i, value in enumerate(np.ma.asarray(column, dtype=object).tolist()):
            shown = bool(value) if name == "error" else value
            out[f"cv_results_ {name} {i}"] = repr(shown)
    for name in ("best_index_", "best_params_", "best_score_", "n_splits_"):
        out[name] = repr(getattr(search, name, None))
    out["metadata_"] = repr(getattr(search, "metadata_", None))
    model = getattr(search, "best_estimator_", None)
    model = model[-1] if hasattr(model, "steps") else model
    out["weights"] = repr(None if model is None else model.coef_.tolist())
    return out


def without(found: Answer, search: Any, row: int) -> Answer:
    """Leave out what belongs to one configuration, by its row in `cv_results_`."""
    table = search.cv_results_
    model = f"history_ of {table['model_id'][row]} " if "model_id" in table else None
    return {
        key: value
        for key, value in found.items()
        if key.rpartition(" ")[2] != str(row) or key.startswith("history_")
        if not (model and key.startswith(model))
        if key != "metadata_"
    }


def compare(quiet: Answer, found: Answer, kind: str = "another answer") -> list:
    """Give the places where an answer differs from that of the quiet search."""
    out = [
        Difference(kind, f"{key}: {found.get(key)} instead of {quiet.get(key)}")
        for key in sorted(quiet.keys() | found.keys())
        if quiet.get(key) != found.get(key)
    ]
    return out[:_MOST]


class Seen:
    """What a search was told by its workers, heard where it takes it in.

    So that results which it then throws away are noticed.
    """

    def __init__(self) -> None:
        self.engines: list[Engine] = []
        self.cells: dict[tuple[int, int], float] = {}

    @property
    def n_results(self) -> int:
        """Count the results that were heard."""
        return len(self.engines[0].records) if self.engines else len(self.cells)


@contextmanager
def heard() -> Iterator[Seen]:
    """Hear, in this context, what searches of this process are told."""
    seen = Seen()
    begin, take = Engine.__init__, ScoreTable.take

    def begin_heard(self: Engine, *args: Any, **options: Any) -> None:
        begin(self, *args, **options)
        seen.engines.append(self)

    def take_heard(
        self: ScoreTable, split: int, numbers: Any, evaluations: Any
    ) -> None:
        take(self, split, numbers, evaluations)
        for number, evaluation in zip(numbers, evaluations, strict=True):
            if evaluation.error is None:
                seen.cells[number, split] = evaluation.test

    Engine.__init__, ScoreTable.take = begin_heard, take_heard  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        Engine.__init__, ScoreTable.take = begin, take  # type: ignore[method-assign]


def judge_error(
    error: BaseException, search: Any, quiet: Answer, seen: Seen
) -> list[Difference]:
    """Say what is wrong with a search that raised: all that was known must be there."""
    out = []
    if not isinstance(error, DOCUMENTED):
        out.append(Difference("raises what is not documented", repr(error)[:300]))
    known = results(search)
    n_heard = seen.n_results
    if len(known) != n_heard:
        text = f"{len(known)} of {n_heard} known results are left"
        out.append(Difference("throws results away", text))
    wrong = {key: value for key, value in known.items() if quiet.get(key) != value}
    out += compare({}, wrong, "keeps a wrong result")
    return out
