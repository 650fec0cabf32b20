# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What deciding costs: the schedule per event, and the dispatcher per task.

A search of 10,000 trials; CPU time of each event. The aim for `tell` is 0.05 ms, as a
call of `partial_fit` on a small chunk takes 0.5 ms.
"""

import argparse
import gc
import statistics
import time

import numpy as np

from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._task import Report, StepReport
from gpu_hpo.schedules import Advance, Hyperband, Scored, SuccessiveHalving


def tell_times(schedule, rng):
    """Seconds of each `tell`, with trials reporting in random order."""
    waiting = {}

    def follow(instructions):
        for step in instructions:
            if isinstance(step, Advance):
                waiting.setdefault(step.trial, []).append(step.calls)

    follow(schedule.start())
    ready = list(waiting)
    scores = iter(rng.random(10 * schedule.n_trials).tolist())
    picks = iter(rng.random(10 * schedule.n_trials).tolist())
    times = []
    while ready:
        place = int(next(picks) * len(ready))
        ready[place], ready[-1] = ready[-1], ready[place]
        trial = ready.pop()
        event = Scored(trial, waiting[trial].pop(0), next(scores))
        began = time.thread_time()
        instructions = schedule.tell(event)
        times.append(time.thread_time() - began)
        if waiting[trial]:
            ready.append(trial)
        follow(instructions)
        ready += [step.trial for step in instructions if isinstance(step, Advance)]
    assert schedule.done
    return times


def dispatch_times(n_trials, workers, rng, task_seconds):
    """Seconds of each `finished` and the `assign` after it, one rung of 5 calls."""
    schedule = SuccessiveHalving(n_trials, 5, max_calls=5)
    dispatcher = Dispatcher(schedule.outlook, task_seconds=task_seconds)
    for number in range(workers):
        dispatcher.add_worker(f"worker-{number}", 1)
    for step in schedule.start():
        dispatcher.advance(step.trial, step.calls)
    costs = (0.01 * rng.lognormal(0.0, 0.5, n_trials)).tolist()
    tasks = dispatcher.assign()
    times = []
    n_calls = 0
    while tasks:
        task = tasks.pop(0)
        steps = []
        for step in task.steps:
            made = step.stop - step.start
            n_calls += made
            steps.append(StepReport(step.trial, made, (), costs[step.trial] * made, 0))
        report = Report(task.id, task.worker, tuple(steps), 0.0)
        began = time.thread_time()
        dispatcher.finished(report)
        new = dispatcher.assign()
        times.append(time.thread_time() - began)
        dispatcher.freed()
        tasks += new
    assert n_calls == 5 * n_trials
    assert dispatcher.idle
    return times


def row(name, times):
    ordered = sorted(times)
    tail = ordered[int(0.999 * len(ordered))]
    print(
        f"{name:<44} {len(times):7d} {1e3 * statistics.mean(times):9.4f} "
        f"{1e3 * tail:9.4f} {1e3 * ordered[-1]:9.4f}"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=10_000)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    max_iter = 1
    while Hyperband(max_iter, 3).n_trials < args.trials:
        max_iter *= 3
    gc.disable()  # a collection is the interpreter's business, and hits any event
    print("milliseconds")
    print(f"{'':<44} {'events':>7} {'mean':>9} {'99.9 %':>9} {'max':>9}")
    halving = SuccessiveHalving(args.trials, 1)
    row(f"tell: SuccessiveHalving({args.trials}, 1)", tell_times(halving, rng))
    hyperband = Hyperband(max_iter, 3)
    name = f"tell: Hyperband({max_iter}, 3), {hyperband.n_trials} trials"
    row(name, tell_times(hyperband, rng))
    for workers in (1, 8, 32):
        for seconds, size in ((1e-9, "1 call"), (0.2, "0.2 s")):
            times = dispatch_times(args.trials, workers, rng, seconds)
            row(f"dispatch: {workers} workers, tasks of {size}", times)


if __name__ == "__main__":
    main()
