# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define what travels between the engine and the runners of its tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gpu_hpo.adaptive.training._score import Score
from gpu_hpo.training._heard import Heard


@dataclass(frozen=True, slots=True)
class TrialStep:
    """One trial's share of a task.

    Attributes
    ----------
    trial : int
    start, stop : int
        Calls made before and after; ``start == stop`` only scores.
    source : int or None
        Task whose result holds the model after `start` calls; None makes a new
        model, and then `start` is 0.
    scores : tuple of int
        Numbers of calls, ``start <= calls <= stop``, after which to score.
    parts : tuple of int
        Validation parts to score on: the first, and one past the last. A score is
        reported with the last part; responses for earlier parts wait in the result.
    """

    trial: int
    start: int
    stop: int
    source: int | None
    scores: tuple[int, ...] = ()
    parts: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Task:
    """A cohort of trials to be advanced together by one worker.

    Attributes
    ----------
    id : int
        Unique within a search.
    worker : str
        Where to run it.
    steps : tuple of TrialStep
    seconds : float
        How long it is expected to take.
    left : float
        Seconds after which it makes no further call, and scores what it has made.
    """

    id: int
    worker: str
    steps: tuple[TrialStep, ...]
    seconds: float
    left: float = math.inf


@dataclass(frozen=True, slots=True)
class StepReport:
    """The result of a step.

    Attributes
    ----------
    trial : int
    n_calls : int
        Calls made in this step.
    scores : tuple of Score
    fit_seconds, score_seconds : float
        All time spent on the step.
    trailing : tuple of float
        Fit and score seconds spent after the last score.
    error : str
        Traceback if the trial failed, else empty.
    heard : tuple of Heard
        Warnings of its models.
    cannot_move : bool
        Whether nothing was done, since its models cannot leave another worker.
    cut_short : bool
        Whether calls were left out, since the time of the search was over.
    """

    trial: int
    n_calls: int
    scores: tuple[Score, ...]
    fit_seconds: float
    score_seconds: float
    trailing: tuple[float, float] = (0.0, 0.0)
    error: str = ""
    heard: tuple[Heard, ...] = ()
    cannot_move: bool = False
    cut_short: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a task; `seconds` is its duration on the worker."""

    task: int
    worker: str
    steps: tuple[StepReport, ...]
    seconds: float
