# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Know which workers hold copies of which data."""

from __future__ import annotations

from collections.abc import Callable

from distributed import Future

Place = tuple[str, str]  # worker, name of the data


class Copies:
    """Copies that workers have adopted, each under a key of its own.

    Attributes
    ----------
    futures : dict of (str, str) to Future
        By worker and name of what was copied.
    """

    def __init__(self) -> None:
        self.futures: dict[Place, Future] = {}

    def get(self, worker: str, name: str, adopt: Callable[[], Future]) -> Future:
        """Return the copy of `worker`; `adopt` submits it if there is none."""
        place = (worker, name)
        if place not in self.futures:
            self.futures[place] = adopt()
        return self.futures[place]

    def forget_worker(self, worker: str) -> None:
        """Drop the copies of a lost worker."""
        self._keep(lambda place: place[0] != worker)

    def forget(self, name: str) -> None:
        """Drop all copies of what has changed."""
        self._keep(lambda place: place[1] != name)

    def forget_waiting(self, names: set[str]) -> None:
        """Drop copies that are still to be made, from what is lost."""
        self._keep(lambda place: place[1] not in names or self._is_there(place))

    def take(self, name: str) -> tuple[str, Future] | None:
        """Remove a copy to use it as the original; return its worker and the copy."""
        for place in self.futures:
            if place[1] == name and self._is_there(place):
                return place[0], self.futures.pop(place)
        return None

    def clear(self) -> None:
        """Drop all."""
        self.futures.clear()

    def _is_there(self, place: Place) -> bool:
        return self.futures[place].status == "finished"

    def _keep(self, wanted: Callable[[Place], bool]) -> None:
        self.futures = {
            place: future for place, future in self.futures.items() if wanted(place)
        }
