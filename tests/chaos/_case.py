# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Carry out one case, in a process of its own."""

from __future__ import annotations

import asyncio
import faulthandler
import json
import multiprocessing
import os
import signal
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import dask
from distributed import Client
from distributed.client import _global_clients
from distributed.utils import get_mp_context

from gpu_hpo.compute import local_cluster
from tests.chaos._answers import (
    Answer,
    Seen,
    answer,
    compare,
    heard,
    judge_error,
    without,
)
from tests.chaos._clusters import N_WORKERS, open_place
from tests.chaos._mischief import Mischief
from tests.chaos._models import cast, n_calls
from tests.chaos._plan import Event, Plan, draw
from tests.chaos._searches import alpha_of, make_rows, make_search
from tests.fuzz._core import Difference

_CALL_SECONDS = 0.02  # so that something can happen meanwhile
_SETTINGS = {
    "gpu_hpo.workers.patience": "20 s",
    "gpu_hpo.workers.recovery": "10 s",
    # What Dask does for dashboards.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500 ms",
}


class Case:
    """A quiet search, then the same one with what its plan says.

    Parameters
    ----------
    plan : Plan
    folder : Path
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self._folder = folder
        self.happened: list[str] = []
        self.outcome = ""
        self._begin = time.monotonic()

    def run(self, plant: str = "") -> list[Difference]:
        """Give what is wrong.

        Parameters
        ----------
        plant : str
            A fault to be found: code that is run before the second search.
        """
        plan = self.plan
        spells: dict[str, Any] = {"seconds": 0.0, "calls": {}}
        search, count = self._quietly("quiet", spells)
        row = -1
        if plan.deadly:
            params = search.cv_results_["params"]
            row = plan.seed % len(params)
            spells["deadly"] = {
                "alpha": alpha_of(params[row]),
                "from": plan.deadly_call,
                "action": "raise",
            }
            search, count = self._quietly("warned", spells)
            spells["deadly"]["action"] = plan.deadly
        events = self._numbered(count)
        spells["seconds"] = _CALL_SECONDS
        spells["calls"] = {
            str(number): event.action if event.action in ("exit", "hoard") else "wait"
            for number, event in events
            if number is not None
        }
        self._say(f"{count} calls in the quiet search")
        other = make_search(plan, cast(self._folder / "loud", spells))
        with open_place(plan, self._folder) as place:
            if plant:
                exec(plant, {"search": other, "__name__": "plant"})
            done = [
                e for e in events if spells["calls"].get(str(e[0])) in (None, "wait")
            ]
            mischief = Mischief(place, self._folder / "loud", done, plan.seed)
            self._say("has a cluster")
            found = self._loudly(other, mischief, search, row)
            self._say(f"has ended: {self.outcome}, {len(found)} differences")
        self._say("has closed the cluster")
        return found

    def _say(self, what: str) -> None:
        print(f"{time.monotonic() - self._begin:5.1f} s: {what}", flush=True)

    def _quietly(self, name: str, spells: dict[str, Any]) -> tuple[Any, int]:
        """Search in a thread of this process; give the search, and count its calls."""
        haunt = cast(self._folder / name, spells)
        search = make_search(self.plan, haunt)
        with (
            local_cluster(1, device="cpu", processes=False) as cluster,
            Client(cluster, set_as_default=False) as client,
            client.as_current(),
        ):
            search.fit(*make_rows(self.plan))
        return search, n_calls(Path(haunt))

    def _numbered(self, count: int) -> list[tuple[int | None, Event]]:
        """Give events the numbers of their calls, each another one."""
        out: list[tuple[int | None, Event]] = []
        for event in self.plan.events:
            number = None
            if event.moment >= 0:
                number = 1 + int(event.moment * count)
                while any(number == taken for taken, _ in out):
                    number += 1
            out.append((number, event))
        return out

    def _loudly(
        self, search: Any, mischief: Mischief, quiet: Any, row: int
    ) -> list[Difference]:
        """Search, with everything that happens, and judge."""
        error: BaseException | None = None
        X, y = make_rows(self.plan)
        with heard() as seen, mischief:
            try:
                search.fit(X, y)
            except BaseException as raised:
                traceback.print_exc()
                error = raised
        loud = self._folder / "loud"
        self.happened = mischief.done + ["call"] * len(list(loud.glob("done-*")))
        self.outcome = "answer" if error is None else type(error).__name__
        return self._judge(error, search, quiet, seen, row)

    def _judge(
        self,
        error: BaseException | None,
        search: Any,
        quiet: Any,
        seen: Seen,
        row: int,
    ) -> list[Difference]:
        expected: Answer = answer(quiet)
        if error is not None:
            found = judge_error(error, search, expected, seen)
            if self.plan.mischief != "scheduler":
                text = f"{error!r:.300}"
                found.append(Difference("gives up though workers are there", text))
            return found
        if row < 0:
            return compare(expected, answer(search))
        found = compare(
            without(expected, quiet, row), without(answer(search), search, row)
        )
        table = search.cv_results_
        if self.plan.adaptive:
            if bool(table["error"][row]) != bool(quiet.cv_results_["error"][row]):
                text = f"{table['status'][row]}: {table['error'][row]!r}"
                found.append(Difference("the deadly trial is no error", text))
        elif table["mean_test_score"][row] == table["mean_test_score"][row]:
            text = f"{table['mean_test_score'][row]}"
            found.append(Difference("the deadly candidate has a score", text))
        return found


def _print_coroutines(*_: object) -> None:
    """Say what runs on Dask's event loop, where a search that hangs waits."""
    for client in list(_global_clients.values()):
        for task in asyncio.all_tasks(client.loop.asyncio_loop):
            waits: Any = task.get_coro()
            lines = []
            while getattr(waits, "cr_frame", None) is not None:
                frame = waits.cr_frame
                lines.append(f"  {frame.f_code.co_filename}:{frame.f_lineno}")
                waits = waits.cr_await
            if any("gpu_hpo" in line for line in lines):
                print(task.get_name(), *lines, sep="\n", flush=True)


def _use_few_cores(seed: int) -> None:
    """Let the embedded cluster have two workers, whatever the machine has."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        first = seed % max(1, len(cores) - N_WORKERS + 1)
        os.sched_setaffinity(0, cores[first : first + N_WORKERS])


def carry_out(seed: int, told: Path, plant: str = "") -> None:
    """Run a case in this process, and write what was found as JSON.

    Parameters
    ----------
    seed : int
    told : Path
        File to write.
    plant : str
        See `Case.run`.
    """
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
        signal.signal(signal.SIGUSR2, _print_coroutines)
    warnings.simplefilter("ignore")
    plan = draw(seed)
    _use_few_cores(seed)
    settings: dict[str, Any] = dict(_SETTINGS)
    if "forkserver" in multiprocessing.get_all_start_methods():
        settings["distributed.worker.multiprocessing-method"] = "forkserver"
    if plan.deadly and not plan.adaptive:
        settings["distributed.scheduler.allowed-failures"] = 1  # it dies in each fold
    with (
        dask.config.set(settings),
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
    ):
        if "forkserver" in multiprocessing.get_all_start_methods():
            get_mp_context().set_forkserver_preload(
                ["tests.chaos._models", "gpu_hpo.adaptive.engine._worker"]
            )
        case = Case(plan, Path(folder))
        try:
            found = case.run(plant)
        except Exception:
            found = [Difference("the case raised", traceback.format_exc())]
    answer = {
        "happened": case.happened,
        "outcome": case.outcome,
        "differences": [[d.kind, d.text] for d in found],
    }
    unfinished = told.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(answer))
    unfinished.rename(told)
