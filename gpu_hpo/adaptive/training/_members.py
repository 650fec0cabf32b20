# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Hold the models of a cohort, their work, and its outcomes."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np

from gpu_hpo.adaptive.training._models import Trial, TrialSpec
from gpu_hpo.adaptive.training._score import Score
from gpu_hpo.compute._transport import NotSent, packed_up, packed_up_or_not_sent
from gpu_hpo.data._chunk import Chunk
from gpu_hpo.devices._cuml_task import n_device_bytes
from gpu_hpo.metrics._scoring import Responses
from gpu_hpo.training._heard import Heard


@dataclass(frozen=True)
class TrialWork:
    """The work of one trial of a cohort.

    Attributes
    ----------
    trial : int
    new : Trial or None
        From which the models are made, in the trial's first task.
    start, stop : int
        Calls made before and after.
    scores : tuple of int
        Numbers of calls after which to score.
    last_part : bool
        Whether this task has the last part that a score needs.
    """

    trial: int
    new: Trial | None
    start: int
    stop: int
    scores: tuple[int, ...] = ()
    last_part: bool = True


@dataclass
class FoldModel:
    """One model of a trial in a cohort.

    Attributes
    ----------
    model : estimator or None
        None once its trial failed.
    calls : int
        Calls that it has made.
    responses, seen : list
        While a score is spread over several tasks: the model's responses for the parts
        so far, and what the score needs of these parts.
    """

    model: Any
    calls: int = 0
    responses: list[Responses] = field(default_factory=list)
    seen: list[Chunk] = field(default_factory=list)


class Cohort(dict[int, list[FoldModel]]):
    """The models, one per split, of trials that a task advanced, by trial number."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        reduced = packed_up_or_not_sent(Cohort, dict(self), protocol)
        if not isinstance(reduced, NotSent):
            return reduced
        return packed_up(Cohort, dict(map(_sendable, self.items())), protocol)

    def __sizeof__(self) -> int:
        # Dask would guess 50 bytes for a model.
        return sum(
            n_device_bytes(member.model)
            for members in self.values()
            for member in members
        )


def _sendable(item: tuple[int, list[FoldModel]]) -> tuple[int, list[FoldModel]]:
    """Return a trial with its models, or with what says that they cannot be pickled."""
    trial, members = item
    models = [member.model for member in members]
    reduced = packed_up_or_not_sent(list, models, 5)
    if not isinstance(reduced, NotSent):
        return item
    return trial, [FoldModel(reduced, member.calls) for member in members]


@dataclass
class TrialOutcome:
    """The outcome of a trial's work.

    Attributes
    ----------
    trial : int
    n_calls : int
        Calls that were trained; a refit counts all of its calls.
    scores : list of Score
        Seconds of each count from the score before.
    metrics : dict of int to dict
        Metrics by split, until all splits have some.
    calls : int
        Calls after which `metrics` were computed.
    heard : list of Heard
        Warnings of its models.
    cannot_move : bool
        Whether its models were to come from another worker, and could not be pickled.
    cut_short : bool
        Whether calls were left out, since time was over.
    """

    trial: int
    n_calls: int = 0
    scores: list[Score] = field(default_factory=list)
    fit_seconds: float = 0.0
    score_seconds: float = 0.0
    fit_pending: float = 0.0
    score_pending: float = 0.0
    error: str = ""
    metrics: dict[int, dict[str, float]] = field(default_factory=dict)
    calls: int = 0
    heard: list[Heard] = field(default_factory=list)
    cannot_move: bool = False
    cut_short: bool = False

    def spent(self, fit: float = 0.0, score: float = 0.0) -> None:
        """Add seconds spent in training and scoring."""
        self.fit_seconds += fit
        self.fit_pending += fit
        self.score_seconds += score
        self.score_pending += score

    def conclude(self, spec: TrialSpec) -> None:
        """Make a score of the metrics of all splits, once all have some."""
        found, self.metrics = self.metrics, {}
        if self.error or len(found) < spec.n_splits:
            return
        splits = tuple(found[i] for i in range(spec.n_splits))
        metrics = splits[0]
        if spec.n_splits > 1:
            metrics = {
                name: float(np.mean([metric[name] for metric in splits]))
                for name in metrics
            }
        self.scores.append(
            Score(
                self.calls,
                metrics[spec.scoring.decides],
                metrics,
                self.fit_pending,
                self.score_pending,
                splits if spec.by_roles else (),
            )
        )
        self.fit_pending = self.score_pending = 0.0


@dataclass(frozen=True, eq=False)
class Slot:
    """One model's place in a cohort: its trial and its split."""

    outcome: TrialOutcome
    split: int
    cohort: Cohort

    @property
    def member(self) -> FoldModel:
        return self.cohort[self.outcome.trial][self.split]


class FailsTrials:
    """Turns an exception into the failure of some trials instead of all."""

    def __init__(self, cohort: Cohort, outcomes: Sequence[TrialOutcome]) -> None:
        self._cohort = cohort
        self._outcomes = outcomes

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        text = "".join(traceback.format_exception(error))
        for outcome in self._outcomes:
            outcome.error = outcome.error or text
            n = len(self._cohort.get(outcome.trial, [None]))
            self._cohort[outcome.trial] = [FoldModel(None) for _ in range(n)]
        return True
