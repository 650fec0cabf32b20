# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Do to a cluster, while a search runs, what a plan says."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos._clusters import Place
from tests.chaos._plan import Event

_LOOK = 0.01
# What the waiting call must see the end of; all else would wait for that call.
_WHILE_IT_WAITS = ("kill", "stop", "scheduler")


class Mischief:
    """Threads that each wait for the moment of an event.

    Parameters
    ----------
    place : Place
    folder : Path
        That of the models.
    events : sequence of (int or None, Event)
        Each with the number of its training call, or None if it has its time.
    seed : int
    """

    def __init__(
        self,
        place: Place,
        folder: Path,
        events: Sequence[tuple[int | None, Event]],
        seed: int,
    ) -> None:
        self._place = place
        self._folder = folder
        self._first = place.client.run(os.getpid)
        self._random = random.Random(f"mischief {seed}")
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._wait_and_act, args=(number, event))
            for number, event in events
        ]
        self.done: list[str] = []

    def __enter__(self) -> Mischief:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _wait_and_act(self, number: int | None, event: Event) -> None:
        if number is None:
            if self._over.wait(-event.moment):
                return
            self._act(event, None)
            return
        reached = self._folder / f"reached-{number}"
        while not reached.exists():
            if self._over.wait(_LOOK):
                return
        here = int(reached.read_text())
        go_on = self._folder / f"go-on-{number}"
        if event.action not in _WHILE_IT_WAITS:
            go_on.touch()
        self._act(event, here)
        go_on.touch()

    def _act(self, event: Event, here: int | None) -> None:
        self.done.append(event.action)
        if event.action == "kill":
            for pid in self._pids(event, here):
                _signal(pid, signal.SIGKILL)
        elif event.action == "stop":
            pids = self._pids(event, here)
            for pid in pids:
                _signal(pid, signal.SIGSTOP)
            time.sleep(event.seconds)
            for pid in pids:
                _signal(pid, signal.SIGCONT)
        else:
            {
                "scheduler": self._place.end_scheduler,
                "join": self._place.join,
                "leave": self._place.leave,
            }[event.action]()

    def _pids(self, event: Event, here: int | None) -> list[int]:
        """Give the processes that an event is about."""
        trained = {
            int(path.name.removeprefix("pid-")) for path in self._folder.glob("pid-*")
        }
        alive = sorted(filter(_is_alive, trained.union(self._first.values())))
        if event.where == "all":
            return alive
        if here is None:
            return [self._random.choice(alive)] if alive else []
        if event.where == "here":
            return [here]
        return [pid for pid in alive if pid != here][:1]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _signal(pid: int, number: int) -> None:
    # It may have ended by itself.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
