# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How much of the data a worker holds.

Hyperband (81, 3) over `SGDClassifier` on 80 MB (20 chunks of 4 MB), given as a Dask
array that is made lazily and as NumPy arrays, on 2 worker processes of one thread. A
thread on each worker looks every 20 ms at the NumPy arrays that the worker's Dask data
holds; each buffer counts once, however many keys refer to it. Printed are, of the
worker that has most at its peak,

copies   these bytes / bytes of X and y; the aim is 1.3
rss      growth of the process since before the fit / bytes of X and y: with
         temporaries, models, messages, and what the allocator has not given back

`--larger` makes a Dask array four times larger than the memory limits of both workers
together, and shows that the search ends with no worker killed and no process above its
limit.

    python benchmarks/memory.py --peer ~/peer/bin/python
    python benchmarks/memory.py --larger
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from _memory_data import N_WORKERS, lazy, size_of
from _sampler import sampled
from _workload import estimator, space
from distributed import Client

from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import HyperbandSearchCV

MIB = 2**20


def search(max_iter: int, **options) -> HyperbandSearchCV:
    return HyperbandSearchCV(
        estimator(), space(), max_iter=max_iter, random_state=0, **options
    )


def cluster(limit):
    return local_cluster(N_WORKERS, device="cpu", memory_limit=limit)


def show(label, n_bytes, seconds, found, died) -> None:
    if not found:
        print(f"{label:20} every worker died")
        return
    held = max(item["held"] for item in found.values())
    rss = max(item["rss"] - item["baseline"] for item in found.values())
    print(
        f"{label:20}{n_bytes / 1e6:8.1f} {held / 1e6:8.1f} {held / n_bytes:7.2f} "
        f"{rss / 1e6:8.1f} {rss / n_bytes:7.2f} {seconds:8.1f} {died:6d}",
        flush=True,
    )


def copies(args) -> None:
    print(
        f"{'':20}{'data MB':>8} {'held MB':>8} {'copies':>7} {'rss MB':>8} "
        f"{'rss':>7} {'wall s':>8} {'killed':>6}   aim: copies 1.3"
    )
    for form in ("dask", "numpy"):
        # New workers each time: an allocator does not give back what it once had.
        with cluster("auto") as c, Client(c) as client:
            X, y = lazy(args.megabytes * 10**6)
            n_bytes = size_of(X, y)
            # Code is loaded before the measurement, not data.
            warm_up = lazy(10**6)
            search(3).fit(*warm_up)
            options = {}
            if form == "numpy":
                options["chunk_size"] = X.chunks[0][0]
                X, y = X.compute(), y.compute()
            fit = partial(search(args.max_iter, **options).fit, X, y)
            seconds, found, died = sampled(client, fit)
            show(f"gpu_hpo, {form}", n_bytes, seconds, found, died)
    if args.peer:
        peer(args)


def peer(args) -> None:
    script = Path(__file__).with_name("_memory_dask_ml.py")
    command = [args.peer, str(script), "--megabytes", str(args.megabytes)]
    command += ["--max-iter", str(args.max_iter)]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    line = next(line for line in out.splitlines() if line.startswith("{"))
    show("dask-ml, dask", **json.loads(line))


def larger(args) -> None:
    limit = args.limit * MIB
    X, y = lazy(args.times * N_WORKERS * limit, chunk_bytes=args.chunk * MIB)
    n_bytes = size_of(X, y)
    print(
        f"{N_WORKERS} workers with a limit of {limit / 1e6:.0f} MB each; data "
        f"{n_bytes / 1e6:.0f} MB in {X.numblocks[0]} chunks, "
        f"{n_bytes / (N_WORKERS * limit):.1f} times both limits together"
    )
    with cluster(limit) as c, Client(c) as client:
        search(3).fit(*lazy(10**6))
        model = search(args.max_iter)
        seconds, found, died = sampled(client, lambda: model.fit(X, y))
    for address, item in found.items():
        print(
            f"{address}: before {item['baseline'] / 1e6:.0f} MB, peak RSS "
            f"{item['rss'] / 1e6:.0f} MB ({item['rss'] / limit:.0%} of the limit), "
            f"arrays held {item['held'] / 1e6:.0f} MB"
        )
    print(
        f"workers killed {died}, wall {seconds:.1f} s, "
        f"{model.metadata_['partial_fit_calls']} calls, best {model.best_score_:.3f}"
    )
    if died:
        raise SystemExit(1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=80, help="bytes of X and y")
    parser.add_argument("--max-iter", type=int, default=81)
    parser.add_argument(
        "--peer", metavar="PYTHON", help="interpreter with dask-ml to compare with"
    )
    parser.add_argument(
        "--larger", action="store_true", help="data that no worker can hold"
    )
    parser.add_argument("--limit", type=int, default=400, help="MiB, with --larger")
    parser.add_argument("--times", type=int, default=4, help="with --larger")
    parser.add_argument("--chunk", type=int, default=8, help="MiB, with --larger")
    args = parser.parse_args()
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "65536")
    if args.larger:
        larger(args)
    else:
        copies(args)


if __name__ == "__main__":
    main()
