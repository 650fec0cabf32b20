# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Carry out a search on a Dask cluster."""

# More than 400 lines: what watches tasks and workers changes the same few dicts as what
# submits them.

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

from distributed import Client, Future
from distributed.protocol.pickle import dumps
from distributed.scheduler import KilledWorker

from gpu_hpo.adaptive.data._resident import ResidentData
from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.adaptive.engine._overdue import Overdue
from gpu_hpo.adaptive.engine._reports import reports
from gpu_hpo.adaptive.engine._task import Report, Task
from gpu_hpo.adaptive.engine._worker import TaskInputs, run_task, take_member
from gpu_hpo.adaptive.training._models import Trial, TrialSpec
from gpu_hpo.compute._keys import key_of
from gpu_hpo.compute._replacements import bring_back
from gpu_hpo.compute._transport import scatter, unwrap
from gpu_hpo.compute._worker_facts import (
    WATCH_SECONDS,
    WorkerFacts,
    WorkerWatch,
    worker_facts,
)
from gpu_hpo.training._heard import Announcer

logger = logging.getLogger(__name__)

FETCH_ATTEMPTS = 10
LOST = ("KilledWorker", "FutureCancelledError")  # errors of tasks lost with workers
LARGE_SPEC = 2**18  # bytes


def _is_lost(fetch: asyncio.Future[Any]) -> bool:
    """Return whether Dask says that what was fetched was lost with its worker."""
    if fetch.cancelled():
        return True
    return type(fetch.exception()).__name__ in LOST


class DaskRunner:
    """Runs an engine's tasks on Dask, and passes their reports to the engine.

    All methods run on the client's event loop. Each task is pinned to the worker
    that the engine chose. What a lost worker held is trained again from the first
    call, on other workers, by the same engine.

    Parameters
    ----------
    client : distributed.Client
    engine : Engine
    data : ResidentData
        Loaded.
    spec : TrialSpec
    trials : mapping of int to Trial
    name : str
        Prefix of keys, unique per search.
    workers : dict of str to WorkerFacts
        Workers to begin with.
    call_timeout : float, optional
        Seconds after which a call, or a score, is given up.
    announcer : Announcer, optional
        It is told of the warnings of trials.
    """

    def __init__(
        self,
        client: Client,
        engine: Engine,
        data: ResidentData,
        spec: TrialSpec,
        trials: Mapping[int, Trial],
        name: str,
        workers: dict[str, WorkerFacts],
        announcer: Announcer | None = None,
        call_timeout: float | None = None,
    ) -> None:
        self._client = client
        self._announcer = announcer
        self._engine = engine
        self._data = data
        self._budget = spec.budget
        self._to_host = spec.to_host
        self._spec = dumps(spec)
        self._sent_spec: Future | None = None  # if it is large
        self._n_specs = 0
        self._trials = trials
        self._name = name
        self._results: dict[int, Future] = {}
        self._running: dict[int, Task] = {}
        self._ran_on: dict[int, str] = {}
        self._most_workers = len(workers)
        self._used = dict(workers)  # by address, as they were when they joined
        self._inbox: asyncio.Queue[Report | int] = asyncio.Queue()
        self._watches: set[asyncio.Task[None]] = set()
        self._excused: set[str] = set()  # workers replaced for a task that is blamed
        self._topic = ""
        self._began = monotonic()
        self._silent: set[int] = set()  # tasks that had ended without report last time
        self._on_device = spec.on_device
        for worker, facts in workers.items():
            engine.dispatcher.add_worker(worker, self._slots(facts))
        self._workers = WorkerWatch(client, workers)
        self._call_timeout = call_timeout
        self._overdue = Overdue(engine.dispatcher.workers, trials, call_timeout)

    def _slots(self, facts: WorkerFacts) -> int:
        """Return how many tasks a worker runs at a time: on a GPU, one."""
        return 1 if self._on_device else facts.nthreads

    async def run(self) -> None:
        """Carry out the search until its schedule is done."""
        self._began = monotonic()
        await self._send_spec()
        with self._listening():
            await self._carry_on(self._engine.start())

    async def model(self, trial: int, calls: int) -> Any:
        """Fetch the model of `trial` after `calls` calls; train it again if lost.

        Returns None if that fails.

        Raises
        ------
        NotPicklableError
            If it cannot leave the worker.
        """
        dispatcher = self._engine.dispatcher
        lost = 0
        while True:
            task = dispatcher.source(trial)
            if task is None or task not in self._results:
                with self._listening():
                    await self._carry_on(self._engine.rebuild(trial, calls))
                if dispatcher.source(trial) is None:
                    return None
                continue
            fetch = asyncio.ensure_future(self._fetch(trial, task))
            asked = monotonic()
            while dispatcher.source(trial) == task:
                done, _ = await asyncio.wait({fetch}, timeout=WATCH_SECONDS)
                if done and (lost >= FETCH_ATTEMPTS or not _is_lost(fetch)):
                    return fetch.result()
                # If its worker is gone, so is the trial's source.
                if self._call_timeout and monotonic() - asked > self._call_timeout:
                    await self._leave_out_if_silent(self._ran_on[task])
                    asked = monotonic()
                await self._watch_workers()
                if done:
                    lost += 1
                    await asyncio.sleep(WATCH_SECONDS)
                    break
            fetch.cancel()

    async def model_at_hand(self, trial: int, seconds: float) -> Any:
        """Fetch the model of `trial` if it can be had within some seconds, else None.

        It may have made more calls than those after which it was scored.
        """
        task = self._engine.dispatcher.source(trial)
        if task is None or task not in self._results:
            return None
        try:
            return await asyncio.wait_for(self._fetch(trial, task), seconds)
        except Exception as error:
            logger.info("the model of trial %d cannot be had: %r", trial, error)
            return None

    def drop_results(self) -> None:
        """Release all models on the cluster, and the tasks that made them."""
        self._workers.close()
        self._let_go(list(self._results))
        self._sent_spec = None
        for watch in self._watches:
            watch.cancel()

    async def _send_spec(self, workers: list[str] | None = None) -> None:
        """Send a large spec to workers, or to all, rather than with each task."""
        sent = self._sent_spec
        if len(self._spec) > LARGE_SPEC and (
            sent is None or sent.status in ("cancelled", "lost")
        ):
            self._n_specs += 1
            key = key_of(self._name, "spec", self._n_specs)
            self._sent_spec, _ = await scatter(
                self._client, key, self._spec, workers, broadcast=True
            )

    async def _restore(self, workers: list[str]) -> None:
        """Send again what was lost with its workers, while others may die."""
        while True:
            # One that is stopped would never take what it is sent.
            workers = await self._workers.answering(workers)
            sending = asyncio.ensure_future(self._send_again(workers))
            try:
                while not sending.done():
                    await asyncio.wait({sending}, timeout=WATCH_SECONDS)
                    bring_back(self._client)
                return sending.result()
            except TimeoutError:
                # There was no worker to send to: wait for one, or raise.
                workers = list(await worker_facts(self._client))
            finally:
                sending.cancel()

    async def _send_again(self, workers: list[str]) -> None:
        await self._data.restore(workers)
        await self._send_spec(workers)

    async def _fetch(self, trial: int, task: int) -> Any:
        future = self._client.submit(
            take_member,
            self._results[task],
            trial,
            self._to_host,
            key=key_of(self._name, "fetch", trial, task),
            pure=False,
        )
        return unwrap(await self._client.gather(future, asynchronous=True))

    def _let_go(self, numbers: list[int]) -> None:
        """Release tasks, also those that a traceback or a callback refers to.

        `Client.cancel` fails for a task whose dependents it has already cancelled.
        """
        for number in numbers:
            if number in self._results:
                self._results.pop(number).release()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Receive workers' reports in the inbox."""
        with reports(self._client, self._name, self._inbox.put_nowait) as self._topic:
            yield

    async def _carry_on(self, tasks: list[Task]) -> None:
        self._submit(tasks)
        watched = monotonic()
        while not self._engine.done:
            now = monotonic()
            wait = max(0.0, watched + WATCH_SECONDS - now)
            left = self._engine.end - (now - self._began)
            if left > 0:  # if not, what runs is waited for
                wait = min(wait, left)
            try:
                message = await asyncio.wait_for(self._inbox.get(), wait)
            except TimeoutError:
                self._submit(self._engine.tick(monotonic() - self._began))
                if monotonic() < watched + WATCH_SECONDS:
                    continue
                await self._watch_calls()
                await self._watch_workers()
                await self._watch_reports()
                watched = monotonic()
                continue
            if isinstance(message, Report):
                self._running.pop(message.task, None)
                self._hear(message)
                elapsed = monotonic() - self._began
                self._submit(self._engine.report(message, elapsed))
            else:
                await self._mend(message)

    def _hear(self, report: Report) -> None:
        if self._announcer is not None:
            for step in report.steps:
                self._announcer.take(step.trial, step.heard)

    def _submit(self, tasks: list[Task]) -> None:
        for task in tasks:
            self._results[task.id] = future = self._future(task)
            self._running[task.id] = task
            self._ran_on[task.id] = task.worker
            watch = asyncio.create_task(self._watch(future, task.id))
            self._watches.add(watch)
            watch.add_done_callback(self._watches.discard)
        # Only now: a freed result may be what one of these tasks begins from.
        for number in self._engine.dispatcher.freed():
            self._results.pop(number, None)

    def _future(self, task: Task) -> Future:
        steps = task.steps
        worker = task.worker
        packs, first, plan = self._rows(task)
        spans = [step.parts for step in steps if step.scores]
        parts = self._data.validation(worker, spans[0] if spans else (0, 0))
        new = {s.trial: self._trials[s.trial] for s in steps if s.source is None}
        sources = {step.source for step in steps if step.source is not None}
        return self._client.submit(
            run_task,
            self._sent_spec or self._spec,
            dumps(TaskInputs(task, new, first, plan, self._data.upload)),
            {number: self._results[number] for number in sources},
            packs,
            parts,
            self._topic,
            self._name,
            self._data.n_parts,
            key=self._key(task),
            workers=[worker],
            allow_other_workers=False,
            pure=False,
        )

    def _key(self, task: Task) -> str:
        trains = any(step.start < step.stop for step in task.steps)
        return key_of(self._name, "train" if trains else "score", task.id)

    def _rows(self, task: Task) -> tuple[list[Future], int, list[tuple[int, int]]]:
        """Return the packs that a task reads, and where each call's chunk is."""
        spans = [
            self._budget.span(step.start, step.stop)
            for step in task.steps
            if step.start < step.stop
        ]
        if None in spans:
            return [self._data.whole(task.worker)], 0, [(0, 0)]
        first = min((span[0] for span in spans if span), default=0)
        last = max((span[1] for span in spans if span), default=0)
        packs, plan = self._data.train(task.worker, first, last)
        return packs, first, plan

    async def _watch(self, future: Future, number: int) -> None:
        """Note the end of a task that ends without a report, in any way.

        Not by a callback of the future's, which Dask would call in a thread, and still
        when the process ends and threads can no longer be started.
        """
        state: Any = future._state
        while future.status == "pending":
            await state.wait()
        if future.status != "finished":
            self._inbox.put_nowait(number)

    async def _mend(self, number: int) -> None:
        """Deal with a task that ended without a report."""
        task = self._running.get(number)
        if task is None:
            return
        future = self._results.get(number)
        deaths = 1
        # Then what it needs was lost with another worker: if its own is gone, what
        # follows notices that, and this task is no longer among those that run.
        needs_lost = future is not None and future.status in ("cancelled", "lost")
        if future is not None and future.status == "error":
            # Errors of models are reported: this one is ours, or comes from the data.
            error = await future.exception()
            if type(error).__name__ not in LOST:
                raise error
            if isinstance(error, KilledWorker):
                deaths = error.allowed_failures + 1 if error.task == future.key else 1
            else:
                needs_lost = True
        await self._watch_workers()
        if number in self._running:
            await self._restore(list(self._engine.dispatcher.workers))
            del self._running[number]
            self._submit(self._engine.task_lost(task, 0 if needs_lost else deaths))

    async def _watch_reports(self) -> None:
        """Train again what had ended without a report when last looked at.

        A report leaves before its task ends, so by now it would be here.
        """
        ended = {i for i in self._running if self._results[i].status == "finished"}
        for number in ended & self._silent:
            logger.warning("task %d ended without a report", number)
            await self._mend(number)
        self._silent = ended - self._silent

    async def _watch_calls(self) -> None:
        """Warn of tasks that take long, or give up their trials and their workers."""
        for task, seconds, is_over in list(self._overdue.look(monotonic())):
            running = await self._workers.running(task.worker)
            if running is not None and self._key(task) not in running:
                there = self._engine.dispatcher.workers[task.worker].tasks.values()
                instead = [other for other in there if self._key(other) in running]
                self._overdue.waits(task, instead)
                continue
            if not is_over:
                self._overdue.warn(task, seconds)
                continue
            replace = self._workers.can_replace(task.worker)
            alone = self._engine.dispatcher.runs_suspect(task.worker)
            if running is None and replace and not alone:
                # Which of its tasks is to blame, if any, is not known: it is as if the
                # worker had died, and what was there runs alone from now on.
                self._workers.leave_out(task.worker)
                continue
            self._engine.timed_out(task, seconds, slots=0 if replace else 1)
            left = self._engine.dispatcher.workers[task.worker].tasks
            for number, other in list(self._running.items()):
                if other.worker == task.worker and number not in left:
                    del self._running[number]  # it waited for the other's result
            if replace or not self._engine.dispatcher.workers[task.worker].slots:
                # Its trials go on elsewhere when it is found gone.
                self._excused.add(task.worker)
                self._workers.leave_out(task.worker)
            else:
                self._submit(self._engine.workers_changed())

    async def _leave_out_if_silent(self, worker: str) -> None:
        silent = await self._workers.running(worker) is None
        if silent and self._workers.can_replace(worker):
            self._workers.leave_out(worker)

    async def _watch_workers(self) -> None:
        """Tell the engine which workers came and which went."""
        known = self._engine.dispatcher.workers
        gone: list[str] = []
        cut_off: list[Task] = []
        while True:
            now = await self._workers.present()
            also = [
                name for name in known if name not in gone and self._is_gone(name, now)
            ]
            if not also:
                break
            logger.warning("lost %s; its trials start again elsewhere", ", ".join(also))
            gone += also
            cut_off += await self._recover(gone, list(now))
        joined = {
            name: self._slots(facts)
            for name, facts in now.items()
            if name not in known or name in gone
        }
        if len(now) < self._most_workers:
            bring_back(self._client)
        self._most_workers = max(self._most_workers, len(now))
        if gone or joined:
            self._used |= {name: now[name] for name in joined}
            self._submit(
                self._engine.workers_changed(left=gone, cut_off=cut_off, joined=joined)
            )

    def _is_gone(self, worker: str, now: dict[str, WorkerFacts]) -> bool:
        """Return whether a worker has left, if only for another at its address."""
        facts = now.get(worker)
        return facts is None or facts.directory != self._used[worker].directory

    async def _recover(self, gone: list[str], left: list[str]) -> list[Task]:
        """Release what was lost with workers, and send again what others need.

        Returns the tasks that waited for models of the lost workers.
        """
        cut_off = self._cut_off(gone)
        lost = {task.id for task in cut_off}
        lost |= {i for i, task in self._running.items() if task.worker in gone}
        for number in lost:
            del self._running[number]
        for name in gone:
            self._data.forget_worker(name)
        self._let_go(sorted(lost))
        await self._restore(left)
        return cut_off

    def _cut_off(self, gone: list[str]) -> list[Task]:
        """Return running tasks that wait for a model from a lost worker.

        They would wait for ever, since the task that made the model was pinned there,
        and so would tasks that wait for them. So are tasks of a worker that is replaced
        for what another did: they are not to blame.
        """
        out: dict[int, Task] = {}
        excused = self._excused.intersection(gone)
        self._excused -= excused
        for number, task in sorted(self._running.items()):
            sources = [step.source for step in task.steps if step.source is not None]
            elsewhere = {*gone} - {task.worker}
            if task.worker in excused or any(
                source in out or self._ran_on[source] in elsewhere for source in sources
            ):
                out[number] = task
        return list(out.values())
