# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a search costs beyond the calls that it makes.

Hyperband (81, 3) over `SGDClassifier` on 20 chunks of 1,000 x 20 and of 20,000 x 20, 2
workers with one thread each. After each fit the same `partial_fit` calls (same
parameters and seeds, same chunks in the same order) and one `estimator.score` per
record of the history are made bare, in this process, with one BLAS thread; that the
scores are those of the search is checked. The aim is a ratio of 1.15:

ratio     wall time of `fit` / (time of the bare calls / 2)
ratio 2p  wall time of `fit` / time in which two processes make half of the bare calls
          each, at the same time: what two cores that share caches, clock and memory can
          do at best

The other columns say where the time goes, in milliseconds: `load` from the start of fit
until the data is on the workers; `1st` from there to the first task's report; `tail`
from the last report to the return of fit; `idle` what the workers, on average, spent in
no task between the first submission and the last report; `in task` what tasks took
beyond their calls (copying models, making them). `calls` is the share of wall time
that workers spent in calls, and `slower` how much longer a call took in the search than
bare. `cpu` is the CPU time of all processes during fit over that of the bare calls; it
says what wall time cannot on a machine that is not quiet.

The start of the cluster is not part of any of this and is printed apart. The first
repetition warms up and does not count.

    python benchmarks/overhead.py --peer ~/peer/bin/python
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def limit_cores(n: int) -> set[int] | None:
    """Let Dask find `n` cores, whatever there are; returns what there were.

    The embedded cluster has a worker per core, and Dask counts them on import.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:n])
    return cores


if __name__ == "__main__":
    _cores = limit_cores(2)

import numpy as np
from _workload import (
    AGGRESSIVENESS,
    MAX_ITER,
    N_CHUNKS,
    N_FEATURES,
    N_WORKERS,
    TwoProcesses,
    cpu_seconds,
    data,
    estimator,
    replay,
    space,
)

from gpu_hpo.adaptive import _run
from gpu_hpo.adaptive.data._resident import ResidentData
from gpu_hpo.compute import embedded_client, local_cluster
from gpu_hpo.data._blocks import as_blocks
from gpu_hpo.model_selection import HyperbandSearchCV

COLUMNS = (
    ("wall", "{:8.3f}"),
    ("bare/2", "{:8.3f}"),
    ("bare 2p", "{:8.3f}"),
    ("ratio", "{:8.2f}"),
    ("ratio 2p", "{:8.2f}"),
    ("tasks", "{:6.0f}"),
    ("load", "{:6.0f}"),
    ("1st", "{:6.0f}"),
    ("tail", "{:6.0f}"),
    ("idle", "{:6.0f}"),
    ("in task", "{:7.0f}"),
    ("calls", "{:6.0%}"),
    ("slower", "{:6.2f}"),
    ("cpu", "{:6.2f}"),
)


class WatchedRunner(_run.DaskRunner):
    """The runner of the search, that notes what it was given and when reports came."""

    last: WatchedRunner

    def __init__(self, client, engine, data, *rest) -> None:
        super().__init__(client, engine, data, *rest)
        WatchedRunner.last = self
        self.given = data
        self.reports = []
        self.when = []
        self.started = time.perf_counter()
        pass_on = engine.report

        def report(report, elapsed):
            self.when.append(time.perf_counter())
            self.reports.append(report)
            return pass_on(report, elapsed)

        engine.report = report


def one(rows, X, y, given, pids, pair) -> dict[str, float]:
    """One fit and its bare calls."""
    search = HyperbandSearchCV(
        estimator(),
        space(),
        max_iter=MAX_ITER,
        aggressiveness=AGGRESSIVENESS,
        chunk_size=rows,
        random_state=0,
    )
    used = cpu_seconds(pids)
    began = time.perf_counter()
    search.fit(*given)
    ended = time.perf_counter()
    used = cpu_seconds(pids) - used
    bare_args = bare_calls(search, rows, X, y)
    bare, bare_used, scores = replay(*bare_args())
    wanted = [e["score"] for m in search.model_history_.values() for e in m]
    if not np.allclose(scores, wanted, rtol=0, atol=1e-12):
        raise AssertionError("the bare calls are not those of the search")
    two = pair.seconds(*bare_args())
    row = figures(began, ended, bare, two)
    row["cpu"] = used / bare_used
    return row


def bare_calls(search, rows, X, y):
    """What `replay` takes, with new models each time it is asked for."""
    given = WatchedRunner.last.given
    # The same split, by the search's own means, of data that the workers split.
    here = ResidentData(
        None,
        as_blocks(X, y, chunk_size=rows),
        name="",
        splitting=given.splitting,
        seed=given._seed,
        classify=True,
    )
    splits = [here._loader.split(i) for i in range(N_CHUNKS)]
    chunks = [(split.train["X"], split.train["y"]) for split in splits]
    validation = tuple(
        np.concatenate([split.validation[name] for split in splits])
        for name in ("X", "y")
    )
    order = given.calls_order(MAX_ITER)

    def prepared():
        jobs = [
            (
                estimator().set_params(**entries[0]["params"]),
                [entry["partial_fit_calls"] for entry in entries],
            )
            for entries in search.model_history_.values()
        ]
        return jobs, chunks, order, validation, np.unique(y)

    return prepared


def figures(began, ended, bare, two) -> dict[str, float]:
    runner = WatchedRunner.last
    wall = ended - began
    steps = [step for report in runner.reports for step in report.steps]
    calls = sum(step.fit_seconds + step.score_seconds for step in steps)
    busy = sum(report.seconds for report in runner.reports)
    first, last = runner.when[0], runner.when[-1]
    return {
        "wall": wall,
        "bare/2": bare / N_WORKERS,
        "bare 2p": two,
        "ratio": wall / (bare / N_WORKERS),
        "ratio 2p": wall / two,
        "tasks": len(runner.reports),
        "load": 1e3 * (runner.started - began),
        "1st": 1e3 * (first - runner.started),
        "tail": 1e3 * (ended - last),
        "idle": 1e3 * (last - runner.started - busy / N_WORKERS),
        "in task": 1e3 * (busy - calls) / N_WORKERS,
        "calls": calls / N_WORKERS / wall,
        "slower": calls / bare,
    }


def width(form: str) -> int:
    return len(form.format(0))


def show_head(label: str) -> None:
    names = [f"{name:>{width(form)}}" for name, form in COLUMNS]
    print(f"\n{label}\n{'':10}" + " ".join(names), flush=True)


def show(label: str, row: dict[str, float]) -> None:
    cells = [
        form.format(row[name]) if name in row else " " * width(form)
        for name, form in COLUMNS
    ]
    print(f"{label:10}" + " ".join(cells), flush=True)


def median(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(row[key] for row in rows) for key in rows[0]}


def measure(rows, repetitions, form, pids, pair) -> dict[str, float]:
    X, y = data(rows)
    given = X, y
    if form == "dask":
        import dask.array as da

        given = da.from_array(X, (rows, N_FEATURES)), da.from_array(y, rows)
    measured = []
    for i in range(repetitions):
        row = one(rows, X, y, given, pids, pair)
        show("warm-up" if i == 0 else f"{i}", row)
        measured.append(row)
    middle = median(measured[1:] or measured)
    show("median", middle)
    return middle


def measure_peer(python: str, rows: int, repetitions: int) -> dict[str, float]:
    script = Path(__file__).with_name("_overhead_dask_ml.py")
    command = [python, str(script), "--rows", str(rows), "--repeat", str(repetitions)]
    measured = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if not line.startswith("{"):
                continue
            row = json.loads(line)
            if "start" in row:
                print(f"cluster start: {row['start']:.2f} s")
                continue
            show("warm-up" if not measured else f"{len(measured)}", row)
            measured.append(row)
    if process.returncode or not measured:
        raise SystemExit(f"{script.name} ended with {process.returncode}")
    middle = median(measured[1:] or measured)
    show("median", middle)
    return middle


def start(args) -> object:
    """The cluster to run on; seconds of its start are printed."""
    began = time.perf_counter()
    if args.client or args.threads:
        cluster = local_cluster(N_WORKERS, device="cpu", processes=not args.threads)
        from distributed import Client

        client = Client(cluster)
        client.wait_for_workers(N_WORKERS)
        what = f"LocalCluster of {'threads' if args.threads else 'processes'}"
    else:
        client = embedded_client()
        what = "embedded cluster"
    seconds = time.perf_counter() - began
    slots = sum(client.nthreads().values())
    if slots != N_WORKERS:
        raise SystemExit(f"{what} has {slots} threads instead of {N_WORKERS}")
    print(f"{what}: start {seconds:.2f} s, {len(client.nthreads())} workers")
    return client


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000, 20_000])
    parser.add_argument("--repeat", type=int, default=5, help="the first warms up")
    parser.add_argument(
        "--input", choices=("numpy", "dask"), default="numpy", help="form of X and y"
    )
    parser.add_argument(
        "--client", action="store_true", help="with a client, not the embedded cluster"
    )
    parser.add_argument(
        "--threads", action="store_true", help="workers are threads of this process"
    )
    parser.add_argument(
        "--peer", metavar="PYTHON", help="interpreter with dask-ml to compare with"
    )
    args = parser.parse_args()

    _run.DaskRunner = WatchedRunner
    client = start(args)
    pids = {os.getpid(), *client.run(os.getpid).values()}
    if _cores:
        os.sched_setaffinity(0, _cores)
    summary = []
    with TwoProcesses() as pair:
        for rows in args.rows:
            size = f"{N_CHUNKS} chunks of {rows:,} x {N_FEATURES}"
            show_head(f"gpu_hpo, {size} ({args.input})")
            row = measure(rows, args.repeat, args.input, pids, pair)
            summary.append((f"{size}: gpu_hpo", row))
            if args.peer:
                show_head(f"dask-ml, {size}")
                row = measure_peer(args.peer, rows, args.repeat)
                summary.append((f"{size}: dask-ml", row))
    print(f"\n{'':36}{'wall':>8} {'bare/2':>8} {'ratio':>7} {'ratio 2p':>9}   aim 1.15")
    for label, row in summary:
        print(
            f"{label:36}{row['wall']:8.3f} {row['bare/2']:8.3f} {row['ratio']:7.2f} "
            f"{row['ratio 2p']:9.2f}"
        )


if __name__ == "__main__":
    main()
