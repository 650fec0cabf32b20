# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train the best parameters again, on all rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from distributed import Client

from gpu_hpo.adaptive.data._resident import ResidentData, WorkerFacts
from gpu_hpo.adaptive.engine._dask_runner import DaskRunner
from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._engine import Engine, Record
from gpu_hpo.adaptive.training._models import Trial, TrialSpec
from gpu_hpo.schedules._base import Schedule
from gpu_hpo.training._heard import Announcer


async def train_on_all(
    client: Client,
    schedule: Schedule,
    data: ResidentData,
    spec: TrialSpec,
    trials: Mapping[int, Trial],
    best: Record,
    name: str,
    workers: dict[str, WorkerFacts],
    announcer: Announcer,
) -> tuple[Any, str]:
    """Train the best trial from its first call, on the rows that validated as well.

    It makes as many calls as in the search, each on all rows of a chunk. Rows that were
    given to validate on are chunks of their own; it then goes through all as often as
    in the search, and so makes more calls where calls are chunks.

    Parameters
    ----------
    client : distributed.Client
    schedule : Schedule
        That of the search, done; is not asked for anything any more.
    data : ResidentData
        Is changed: the rows that were to validate become chunks.
    spec : TrialSpec
    trials : mapping of int to Trial
    best : Record
    name : str
        Prefix of keys, not used before.
    workers : dict of str to WorkerFacts
    announcer : Announcer
        Is told of the warnings.

    Returns
    -------
    model : estimator or None
        None if it failed.
    error : str
        Why.
    """
    before = data.n_chunks
    data.include_validation()
    budget, calls = spec.budget, best.calls
    if budget.span(0, calls) is not None:
        calls = round(calls * data.n_chunks / before)
    dispatcher = Dispatcher(
        schedule.outlook, window=data.window if data.windowed else None, budget=budget
    )
    engine = Engine(schedule, dispatcher)
    spec = replace(spec, n_splits=1, by_roles=False)
    runner = DaskRunner(client, engine, data, spec, trials, name, workers, announcer)
    try:
        model = await runner.model(best.trial, calls)
    finally:
        runner.drop_results()
    failure = engine.failures.get(best.trial)
    return model, "" if failure is None else failure.reason
