# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define where the tasks of an exhaustive search run: what all pools promise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from gpu_hpo._typing import DaskCollection
from gpu_hpo.compute._cluster_device import look
from gpu_hpo.compute._worker_kernels import noted
from gpu_hpo.devices._cuda_kernels import why_not
from gpu_hpo.devices._detect import Device, resolve_device, wanted_device
from gpu_hpo.exceptions import DeviceNotFoundError

# Stands for a result, wherever it is: a future, of a kind that the pool decides.
Handle: TypeAlias = Any


class ResultsLost(Exception):
    """An argument of a task was lost with all workers that held it."""

    deaths = 1


class TaskKilled(Exception):
    """A task has ended workers.

    Parameters
    ----------
    message : str
    deaths : int
        How many workers died.
    """

    def __init__(self, message: str, deaths: int) -> None:
        super().__init__(message, deaths)
        self.deaths = deaths

    def __str__(self) -> str:
        return str(self.args[0])


class Pool(ABC):
    """Runs tasks that are given the results of others.

    A handle of a result may be an argument of a task.

    Attributes
    ----------
    n_slots : int
        Tasks that run at a time.
    """

    n_slots: int

    @abstractmethod
    def put(self, value: Any) -> Handle:
        """Return a handle of a value that is in this process."""

    @abstractmethod
    def compute(self, collection: DaskCollection) -> Handle:
        """Return a handle of the result of a Dask collection, in one piece."""

    @abstractmethod
    def submit(self, function: Callable[..., Any], *args: Any) -> Handle:
        """Run a task, and return the handle of its result.

        A task whose arguments have failed fails with the same exception.
        """

    @abstractmethod
    def wait(self, handles: Iterable[Handle]) -> list[Handle]:
        """Wait for at least one of some handles; return those that are done.

        Raises
        ------
        ResultsLost
            If one of them will never be done: all handles are void then.
        """

    @abstractmethod
    def result(self, handle: Handle) -> Any:
        """Return the result of a task that is done, or raise what the task raised.

        Raises
        ------
        ResultsLost
            If it was lost meanwhile.
        TaskKilled
            If workers died while they ran it, or what it needs.
        """

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a task alone, and return its result."""
        return self.run_there(function, *args)

    def run_there(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a task where others run, and return its result."""
        handle = self.submit(function, *args)
        self.wait([handle])
        try:
            return self.result(handle)
        finally:
            self.release(handle)

    def device(self, requested: str) -> Device:
        """Return the device that tasks can use.

        Parameters
        ----------
        requested : {"auto", "cpu", "cuda"}
            What the user wants; ``GPU_HPO_DEVICE`` overrides it.

        Raises
        ------
        DeviceNotFoundError
            If "cuda" was asked for and there is none.
        """
        found = resolve_device(requested)
        if found.name == "cpu":
            return found
        seen: Device = self.run_there(look)
        if seen.name == "cpu":
            wanted, source = wanted_device(requested)
            if wanted == "cuda":
                raise DeviceNotFoundError(f"{source} asks for a GPU, but {seen.reason}")
        return seen

    def with_kernels(self, device: Device) -> Device:
        """Say in a device's reason if tasks cannot run our kernels there."""
        return noted(device, [self.run_there(why_not)])

    def sharing_devices(self) -> Counter[str]:
        """Count the processes that run tasks on each GPU, by a name of it.

        All must have CUDA.
        """
        return Counter({"the only one": 1})

    def recover(self) -> None:  # noqa: B027  where nothing gets lost
        """Wait for lost workers to be replaced."""

    def settle(self) -> None:  # noqa: B027  where nobody else has tasks
        """Wait, not for long, until all that was released is forgotten.

        After Ctrl-C a process may end at once, and would report what is left as errors.
        """

    def close(self) -> None:  # noqa: B027  where there is no garbage
        """Forget all that was sent."""

    def release(self, handle: Handle) -> None:  # noqa: B027  where there is no garbage
        """Allow the pool to forget a result."""
