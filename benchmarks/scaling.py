# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How near to the limit a search ends, by number of workers, on a simulated clock.

Prints makespan over ``max(work / workers, longest chain)`` for Hyperband, with the
very dispatcher and engine that run on a cluster, one call per task and no overhead.
The longest chain is the makespan with a slot for every trial.

Why 1.05 is out of reach for 16 to 32 workers where all calls cost the same: a bracket
begins wide and ends narrow, so its early calls take many workers and its last ones
employ one or a few. Take any scheduler that promotes from complete rungs only. Let a
bracket's last rung be at L calls. A trial that passes its call L - t less than t before
the end cannot be in time: it has to reach its rung, which then has to be complete
before anyone goes on from there to L, call by call. So all the calls up to L - t that
the bracket makes, over all of its rungs, are made by t before the end:

    makespan >= t + sum over brackets and rungs of
                    (trials * calls of the rung up to L - t) / workers      for each t.

The column `barrier` is the largest of these over the same denominator: a ratio that no
such scheduler can beat. At t = 0 it is the work, at t = max_iter the chain; in between
it is more than either. Promoting as soon as the missing scores cannot matter, as
`SuccessiveHalving` does, is not bound by it, and can end a little earlier.

Where costs differ from trial to trial, nobody knows beforehand which trials are dear,
nor which will be promoted; the limit is one for those who do.
"""

import argparse
import statistics
import time

import numpy as np

from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.adaptive.engine._simulated_runner import SimulatedRunner
from gpu_hpo.schedules import Hyperband, halving_rungs, hyperband_brackets

SEARCHES = ((81, 3), (299, 4))
WORKERS = (4, 8, 16, 24, 32)


def simulate(max_iter, aggressiveness, workers, slots, costs, scores):
    """Return makespan and work, in units of a call of typical cost."""
    schedule = Hyperband(max_iter, aggressiveness)
    dispatcher = Dispatcher(
        schedule.outlook, task_seconds=1e-9, lookahead=0.0, move_seconds=0.0
    )
    for number in range(workers):
        dispatcher.add_worker(f"worker-{number}", slots)
    runner = SimulatedRunner(
        Engine(schedule, dispatcher),
        lambda trial, call: costs[trial],
        lambda trial, calls: scores[trial],
    )
    return runner.run(), runner.busy


def barrier_bound(max_iter, aggressiveness, workers):
    """Least makespan for equal costs where rungs are complete before anyone goes on."""
    brackets = [
        halving_rungs(b.n_trials, b.n_calls, aggressiveness, max_iter)
        for b in hyperband_brackets(max_iter, aggressiveness)
    ]
    bound = 0.0
    for left in range(max_iter + 1):  # the last bracket does end at max_iter
        need = 0
        for rungs in brackets:
            before = 0
            cut = rungs[-1].calls - left
            for rung in rungs:
                need += rung.n_trials * max(0, min(rung.calls, cut) - before)
                before = rung.calls
        bound = max(bound, left + need / workers)
    return bound


def ratios(max_iter, aggressiveness, seeds, spread):
    """For each number of workers: ratios, one per seed, and those of the barrier."""
    n_trials = Hyperband(max_iter, aggressiveness).n_trials
    ours = {workers: [] for workers in WORKERS}
    barrier = {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        costs = rng.lognormal(0.0, spread, n_trials).tolist()
        scores = rng.random(n_trials).tolist()
        search = (max_iter, aggressiveness)
        chain, work = simulate(*search, 1, n_trials, costs, scores)
        for workers in WORKERS:
            makespan, _ = simulate(*search, workers, 1, costs, scores)
            bound = max(work / workers, chain)
            ours[workers].append(makespan / bound)
            if not spread:
                barrier[workers] = barrier_bound(*search, workers) / bound
    return ours, barrier


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=8, help="searches per mean")
    parser.add_argument("--spread", type=float, default=0.5, help="lognormal sigma")
    args = parser.parse_args()
    began = time.perf_counter()
    print("makespan / max(work / workers, longest chain)")
    print(f"{'search':>9} {'costs':>10} {'workers':>8} {'mean':>7} {'max':>7} barrier")
    for search in SEARCHES:
        for name, spread in (("equal", 0.0), ("lognormal", args.spread)):
            # The big search takes ten times as long.
            seeds = args.seeds if search[0] < 100 else max(1, args.seeds // 2)
            ours, barrier = ratios(*search, seeds, spread)
            for workers, values in ours.items():
                least = f"{barrier[workers]:7.3f}" if barrier else "      -"
                print(
                    f"{search!s:>9} {name:>10} {workers:8d} "
                    f"{statistics.mean(values):7.3f} {max(values):7.3f} {least}"
                )
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
