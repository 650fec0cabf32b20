# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run one task on a worker, from the start to the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache
from time import perf_counter
from typing import NamedTuple

from distributed import get_worker
from distributed.protocol.pickle import dumps, loads

from gpu_hpo.adaptive.data._ahead import Ahead
from gpu_hpo.adaptive.data._upload import Upload
from gpu_hpo.adaptive.engine._deadlines import deadline, waited_too_long
from gpu_hpo.adaptive.engine._task import Report, StepReport, Task
from gpu_hpo.adaptive.training._cohort import advance_cohort
from gpu_hpo.adaptive.training._members import Cohort, TrialOutcome, TrialWork
from gpu_hpo.adaptive.training._models import Trial, TrialSpec
from gpu_hpo.compute._blas import one_blas_thread
from gpu_hpo.compute._transport import Parcel, Returned, ReturnedToHost
from gpu_hpo.data._chunk import Chunk
from gpu_hpo.devices._cuml_task import cuml_task
from gpu_hpo.devices._kept import unchanged_arrays
from gpu_hpo.devices._namespace import synchronize
from gpu_hpo.devices._streams import own_stream


class TaskInputs(NamedTuple):
    """A task with what it needs besides data.

    Attributes
    ----------
    task : Task
    new : mapping of int to Trial
        For steps without a source: from what their models are made.
    first : int
        Calls before the first of the plan.
    plan : sequence of (int, int)
        For each further call, the position of its pack, and of its chunk in the pack.
    upload : Upload or None
        How chunks are uploaded before models train on them.
    """

    task: Task
    new: Mapping[int, Trial]
    first: int
    plan: Sequence[tuple[int, int]]
    upload: Upload | None = None


def run_task(
    spec: bytes,
    inputs: bytes,
    sources: Mapping[int, Cohort],
    packs: Sequence[list[Chunk]],
    parts: Sequence[list[Chunk]],
    topic: str,
    search: str,
    n_parts: int,
) -> Cohort:
    """Advance a cohort, which stays on this worker, and send a report.

    Parameters
    ----------
    spec : bytes
        Pickled `TrialSpec`.
    inputs : bytes
        Pickled `TaskInputs`; if it were not, Dask would take milliseconds to look
        through it for futures.
    sources : mapping of int to Cohort
        Results of earlier tasks, by task.
    packs : sequence of list of Chunk
        Train chunks.
    parts : sequence of list of Chunk
        Validation parts: lists of one chunk, or of all chunks of a pack where rows to
        validate on were not held out of blocks.
    topic, search : str
        Where to send the report.
    n_parts : int
        Validation parts that make up a score.

    Returns
    -------
    Cohort
    """
    began = perf_counter()
    read_inputs: TaskInputs = loads(inputs)
    task, new, first, plan, upload = read_inputs

    def at_hand(call: int) -> Chunk:
        number, position = plan[call - 1 - first]
        return packs[number][position]

    chunk_of_call: Callable[[int], Chunk] = at_hand

    work = [
        TrialWork(
            step.trial,
            new.get(step.trial) if step.source is None else None,
            step.start,
            step.stop,
            step.scores,
            last_part=step.parts[1] == n_parts,
        )
        for step in task.steps
    ]
    before = {
        step.trial: sources[step.source][step.trial]
        for step in task.steps
        if step.source is not None
    }
    read = _read(spec)
    chunks = [chunk for part in parts for chunk in part]
    with ExitStack() as stack:
        if read.turns is not None:
            stack.enter_context(read.turns.turn())
            began = perf_counter()  # what it has waited is no price of its calls
        stack.enter_context(one_blas_thread())
        stack.enter_context(read.in_force())
        stack.enter_context(cuml_task(assume_finite=read.assume_finite))
        if read.on_device:
            stack.enter_context(own_stream())
            stack.enter_context(unchanged_arrays(search))
        if upload is not None:
            ahead = Ahead(chunk_of_call, upload, last=first + len(plan))
            chunk_of_call = stack.enter_context(ahead)
            chunks = list(map(upload, chunks))
        end = deadline(search, began, task.left)
        cohort, outcomes = advance_cohort(
            read,
            work,
            before,
            chunk_of_call,
            chunks,
            len(plan),
            is_over=lambda: perf_counter() > end,
            begins=not waited_too_long(end, task.left),
        )
        if read.on_device:
            synchronize()
    report = Report(
        task.id,
        task.worker,
        tuple(_step_report(outcome) for outcome in outcomes),
        perf_counter() - began,
    )
    message = {"search": search, "report": dumps(report)}
    get_worker().log_event(topic, message)
    return cohort


@lru_cache(maxsize=2)
def _read(spec: bytes) -> TrialSpec:
    read: TrialSpec = loads(spec)
    return read


def _step_report(outcome: TrialOutcome) -> StepReport:
    return StepReport(
        outcome.trial,
        outcome.n_calls,
        tuple(outcome.scores),
        outcome.fit_seconds,
        outcome.score_seconds,
        (outcome.fit_pending, outcome.score_pending),
        outcome.error,
        tuple(dict.fromkeys(outcome.heard)),
        outcome.cannot_move,
        outcome.cut_short,
    )


def take_member(cohort: Cohort, trial: int, to_host: bool) -> Parcel:
    """Return the model of one trial, of the first split if there are several."""
    return (ReturnedToHost if to_host else Returned)(cohort[trial][0].model)
