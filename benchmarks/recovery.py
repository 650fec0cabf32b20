# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What the loss of a worker costs a search.

Hyperband over a model whose calls take a fixed time, on 2 workers of one thread. One
worker process is killed (SIGKILL) at a moment that the seed draws from the middle of
the search; its nanny starts another. All in seconds:

quiet     the search without a kill, the median of the first runs
killed    the search with one
restart   from a kill to a new worker, measured on the cluster while it is idle
again     what calls took that were made a second time, or were cut off
ideal     quiet + (again + restart) / 2: the lost work, and the lost worker until its
          replacement is there, shared by both workers
ratio     killed / ideal, which is to be 1.25 at most
seen      from the kill to the first call that the other worker made again
back      from the kill to the first call of the new worker
idle      what the other worker spent in no call from the kill to its end

    python benchmarks/recovery.py --times 10
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np
from _timed_calls import LOG, TimedCalls, read_calls
from distributed import Client, LocalCluster
from scipy.stats import loguniform

from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import HyperbandSearchCV

CLUSTERS = {
    "local_cluster": lambda: local_cluster(2, device="cpu", threads_per_worker=1),
    "LocalCluster": lambda: LocalCluster(
        2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ),
}
COLUMNS = ["killed", "again", "restart", "ideal", "ratio", "seen", "back", "idle"]


def processes(client: Client) -> dict[str, int]:
    """Return the process ids of the workers by their addresses."""
    return client.run(os.getpid)


def restart_seconds(client: Client) -> float:
    """Kill a worker of an idle cluster, and wait for the next one."""
    before = processes(client)
    address = next(iter(before))
    begin = time.time()
    os.kill(before[address], signal.SIGKILL)
    while True:
        now = client.nthreads()  # which asks the scheduler
        if address not in now and len(now) == len(before):
            return time.time() - begin
        time.sleep(0.02)


def search(args: argparse.Namespace, log: Path) -> HyperbandSearchCV:
    """Search once, and say how long it took."""
    log.write_text("")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((args.rows, 20))
    y = (X[:, 0] > 0).astype(int)
    searching = HyperbandSearchCV(
        TimedCalls(args.seconds),
        {"alpha": loguniform(1e-6, 1e-1)},
        max_iter=27,
        random_state=0,
        chunk_size=args.rows // 20,
    )
    begin = time.time()
    searching.fit(X, y)
    searching.seconds_ = time.time() - begin
    return searching


def killed(client, args, log, quiet, restart, answer, rng):
    """Search while one worker is killed; return a line of the table."""
    victim = rng.choice(sorted(processes(client).values()))
    moment = []

    def kill() -> None:
        moment.append(time.time())
        os.kill(victim, signal.SIGKILL)

    timer = threading.Timer(rng.uniform(0.25, 0.75) * quiet, kill)
    timer.start()
    done = search(args, log)
    timer.join()
    (when,) = moment
    if list(done.cv_results_["test_score"]) != answer:
        raise SystemExit("the killed worker changed the answer")
    calls = read_calls(log)
    after = [call for call in calls if call.begin > when]
    before = {(c.model, c.number) for c in calls if c.begin <= when}
    others = [
        c for c in after if c.process in {b.process for b in calls if b.begin <= when}
    ]
    new = [c for c in after if c not in others]
    again = [c for c in after if (c.model, c.number) in before]
    cut_off = when - max(c.end for c in calls if c.process == victim)
    lost = sum(c.end - c.begin for c in again) + cut_off
    first = min((c.begin for c in others if c in again), default=float("nan"))
    # Without the call that was running when the other worker was killed.
    last = max(c.end for c in others) if others else when
    ideal = quiet + (lost + restart) / 2
    return {
        "killed": done.seconds_,
        "again": lost,
        "restart": restart,
        "ideal": ideal,
        "ratio": done.seconds_ / ideal,
        "seen": first - when,
        "back": min((c.begin for c in new), default=float("nan")) - when,
        "idle": last - when - sum(c.end - c.begin for c in others),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=0.1, help="of a call")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cluster", choices=list(CLUSTERS), default="local_cluster")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "calls"
        os.environ[LOG] = str(log)
        with CLUSTERS[args.cluster]() as cluster, Client(cluster) as client:
            client.wait_for_workers(2)
            quiets = [search(args, log) for _ in range(3)]
            quiet = statistics.median(one.seconds_ for one in quiets)
            answer = list(quiets[0].cv_results_["test_score"])
            restarts = [restart_seconds(client) for _ in range(3)]
            restart = statistics.median(restarts)
            print(f"{args.cluster}: quiet {quiet:.2f} s, restart {restart:.2f} s")
            print(" ".join(f"{name:>8}" for name in COLUMNS))
            rows = []
            for _ in range(args.times):
                row = killed(client, args, log, quiet, restart, answer, rng)
                rows.append(row)
                print(" ".join(f"{row[name]:8.2f}" for name in COLUMNS), flush=True)
                while len(client.nthreads()) < 2:
                    time.sleep(0.1)
            for name, of in (("median", statistics.median), ("worst", max)):
                print(name, *(f"{k} {of([r[k] for r in rows]):.2f}" for k in COLUMNS))


if __name__ == "__main__":
    main()
