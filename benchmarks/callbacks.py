# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a bar, callbacks and a journal cost a search, by the searches of overhead.py.

Hyperband (81, 3) over `SGDClassifier` on 20 chunks, on two worker processes. Searches
with and without a bar, a callback or a journal take turns, in pairs whose order
alternates, so that what else the machine does falls on both. The medians of all pairs
are printed, with the quartiles:

wall     wall time of `fit` with it over that without
cpu      CPU time of all processes during `fit`, likewise
in it    CPU time of what listens to scores (the bar, `on_score`, facts for both), in
         percent of the CPU time of all processes; it can be told on a busy machine
beside   the same of the thread of a tracker

The bar draws into a pseudo-terminal, a journal is in a folder for temporary files,
MLflow and W&B write files (W&B offline); each is left out where it is not installed.

    python benchmarks/callbacks.py --pairs 40
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from _workload import (
    AGGRESSIVENESS,
    MAX_ITER,
    N_CHUNKS,
    N_FEATURES,
    N_WORKERS,
    cpu_seconds,
    data,
    estimator,
    space,
)
from dask.distributed import Client

from gpu_hpo.adaptive._progress import Progress
from gpu_hpo.callbacks import (
    MLflowCallback,
    SearchCallback,
    TensorBoardCallback,
    WandbCallback,
    _tracking,
)
from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.progress import _bar


@contextlib.contextmanager
def bar() -> Iterator[None]:
    """Let searches draw into a terminal that nobody looks at."""
    from rich.console import Console

    from gpu_hpo.progress._terminal import TerminalView

    ours, theirs = os.openpty()

    def read() -> None:
        with contextlib.suppress(OSError):
            while os.read(ours, 65536):
                pass

    threading.Thread(target=read, daemon=True).start()
    with os.fdopen(theirs, "w") as terminal:
        console = Console(file=terminal, force_terminal=True, width=100)
        before = _bar.open_view
        _bar.open_view = lambda title: TerminalView(title, console)
        try:
            yield
        finally:
            _bar.open_view = before


def kinds(folder: Path) -> dict[str, tuple[bool, Callable[[], list[object]]]]:
    """Return by name whether there is a bar, and what makes callbacks."""
    found: dict[str, tuple[bool, Callable[[], list[object]]]] = {
        "nothing": (False, list),
        "bar": (True, list),
        JOURNAL: (False, list),
        "SearchCallback that does nothing": (False, lambda: [SearchCallback()]),
    }
    if find_spec("tensorboardX"):
        logs = folder / "runs"
        found["TensorBoardCallback"] = (False, lambda: [TensorBoardCallback(logs)])
    if find_spec("mlflow"):
        os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
        uri = (folder / "mlflow").as_uri()
        found["MLflowCallback"] = (False, lambda: [MLflowCallback(tracking_uri=uri)])
    if find_spec("wandb"):
        os.environ["WANDB_SILENT"] = "true"
        init = {"mode": "offline", "dir": str(folder)}
        found["WandbCallback"] = (False, lambda: [WandbCallback(init=init)])
    return found


JOURNAL = "journal"
SPENT = {"in it": 0.0, "beside": 0.0}


def watch(cls: type, method: str, name: str) -> None:
    """Let a method add the CPU time of its thread to what is spent."""
    plain = getattr(cls, method)

    def timed(self, *args):
        began = time.thread_time()
        try:
            return plain(self, *args)
        finally:
            SPENT[name] += time.thread_time() - began

    setattr(cls, method, timed)


def one(
    rows: int,
    given: tuple[np.ndarray, ...],
    pids: set[int],
    shown: bool,
    callbacks,
    journal: Path | None,
) -> tuple[float, ...]:
    """Return wall time and CPU time of one search, and what is spent."""
    SPENT.update(dict.fromkeys(SPENT, 0.0))
    search = HyperbandSearchCV(
        estimator(),
        space(),
        max_iter=MAX_ITER,
        aggressiveness=AGGRESSIVENESS,
        chunk_size=rows,
        random_state=0,
        progress=shown,
        journal=journal,
    )
    search.set_callbacks(*callbacks)
    with bar() if shown else contextlib.nullcontext():
        used, began = cpu_seconds(pids), time.perf_counter()
        search.fit(*given)
        wall, cpu = time.perf_counter() - began, cpu_seconds(pids) - used
    return wall, cpu, *(100 * seconds / cpu for seconds in SPENT.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000, 20_000])
    parser.add_argument("--only", default="", help="part of a name")
    args = parser.parse_args()
    watch(Progress, "__call__", "in it")
    watch(_tracking._Session, "_work", "beside")
    with (
        tempfile.TemporaryDirectory() as folder,
        local_cluster(N_WORKERS, device="cpu") as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(N_WORKERS)
        pids = {os.getpid(), *client.run(os.getpid).values()}
        for rows in args.rows:
            print(f"{N_CHUNKS} chunks of {rows:,} x {N_FEATURES}")
            given = data(rows)
            for name, (shown, make) in kinds(Path(folder)).items():
                if args.only not in name:
                    continue
                plain, other = [], []
                for pair in range(args.pairs + 1):
                    path = Path(folder) / f"{rows}-{pair}" if name == JOURNAL else None
                    turns = [(plain, False, [], None), (other, shown, make(), path)]
                    for found, *wanted in turns[:: 1 - 2 * (pair % 2)]:
                        found.append(one(rows, given, pids, *wanted))
                # The first pair warms up.
                ratios = np.array(other[1:])[:, :2] / np.array(plain[1:])[:, :2]
                within, beside = np.median(np.array(other[1:])[:, 2:], axis=0)
                low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75], axis=0)
                seconds = np.median(np.array(plain[1:])[:, 0])
                print(
                    f"  {name:34} wall {middle[0]:.3f} ({low[0]:.2f} to {high[0]:.2f})"
                    f"  cpu {middle[1]:.3f} ({low[1]:.2f} to {high[1]:.2f})"
                    f"  in it {within:.2f} %  beside {beside:.2f} %"
                    f"  of {seconds:.2f} s, {args.pairs} pairs",
                    flush=True,
                )


if __name__ == "__main__":
    main()
