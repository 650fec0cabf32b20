# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models to which something happens while they train.

A module of its own, since worker processes import what is pickled from it. What is to
happen is in the folder that a model has as a parameter, `haunt`: so calls are numbered
over all processes, and the search knows nothing of it.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import SGDClassifier

WAIT = 20.0  # seconds that a call waits for what is done to it
HOARD = 900 * 2**20  # bytes: more than a worker may have

_SPELLS = "spells.json"
_COUNT = "calls"


class DeadlyError(Exception):
    """Raised, in a quiet search, by a configuration that is deadly in another."""


def cast(folder: Path, spells: dict[str, Any]) -> str:
    """Make a folder for models; give its name.

    Parameters
    ----------
    folder : Path
    spells : dict
        ``seconds`` of each call; ``calls``, what the n-th call does, by n; ``deadly``,
        what configurations with ``alpha`` do from their call ``from`` on.
    """
    folder.mkdir()
    (folder / _COUNT).touch()
    (folder / _SPELLS).write_text(json.dumps(spells))
    return str(folder)


def n_calls(folder: Path) -> int:
    """Count the training calls so far, in all processes."""
    return (folder / _COUNT).stat().st_size


@functools.cache
def _spells(folder: str) -> dict[str, Any]:
    (Path(folder) / f"pid-{os.getpid()}").touch()
    return dict(json.loads((Path(folder) / _SPELLS).read_text()))


def train(folder: str, alpha: float | None, own_calls: int) -> None:
    """Count a call, and do what is to happen in it.

    Parameters
    ----------
    folder : str
    alpha : float or None
        Of the model; None for what is no model.
    own_calls : int
        Calls of this model, with this one.
    """
    spells = _spells(folder)
    time.sleep(spells["seconds"])
    log = os.open(Path(folder) / _COUNT, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(log, b".")
        number = os.lseek(log, 0, os.SEEK_CUR)  # where this write ended
    finally:
        os.close(log)
    action = spells["calls"].get(str(number))
    if action is not None:
        (Path(folder) / f"done-{number}").touch()
        _ACTIONS[action](Path(folder), number)
    deadly = spells.get("deadly")
    if deadly and alpha == deadly["alpha"] and own_calls >= deadly["from"]:
        (Path(folder) / f"done-{number}").touch()
        _ACTIONS[deadly["action"]](Path(folder), number)


def _wait(folder: Path, number: int) -> None:
    """Stay in this call until something was done, which may be its end."""
    unfinished = folder / f"unfinished-{number}"
    unfinished.write_text(str(os.getpid()))
    unfinished.rename(folder / f"reached-{number}")
    end = time.monotonic() + WAIT
    while not (folder / f"go-on-{number}").exists() and time.monotonic() < end:
        time.sleep(0.01)


def _raise(folder: Path, number: int) -> None:
    raise DeadlyError(f"call {number}")


def _exit(folder: Path, number: int) -> None:
    os._exit(1)  # as a fault in native code does


def _sys_exit(folder: Path, number: int) -> None:
    sys.exit(3)


def _hoard(folder: Path, number: int) -> None:
    taken = [np.ones(2**17) for _ in range(HOARD // 2**20)]
    time.sleep(WAIT)  # the nanny looks now and then
    del taken


def _stop(folder: Path, number: int) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


_ACTIONS = {
    "wait": _wait,
    "raise": _raise,
    "exit": _exit,
    "sys.exit": _sys_exit,
    "hoard": _hoard,
    "stop": _stop,
}


class Haunted(SGDClassifier):
    """Scikit-learn's, with a folder."""

    def __init__(
        self,
        alpha: float = 1e-4,
        random_state: Any = None,
        haunt: str = "",
    ) -> None:
        super().__init__(alpha=alpha, random_state=random_state)
        self.haunt = haunt

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Any:
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        train(self.haunt, self.alpha, self.n_calls_)
        return super().partial_fit(X, y, classes, sample_weight)

    def fit(self, X: Any, y: Any) -> Any:
        train(self.haunt, self.alpha, 1)
        return super().fit(X, y)


class HauntedScaler(TransformerMixin, BaseEstimator):
    """Centres rows, with a folder."""

    def __init__(self, factor: float = 1.0, haunt: str = "") -> None:
        self.factor = factor
        self.haunt = haunt

    def fit(self, X: Any, y: Any = None) -> Any:
        train(self.haunt, None, 1)
        self.mean_ = np.asarray(X).mean(axis=0)
        return self

    def transform(self, X: Any) -> Any:
        return (np.asarray(X) - self.mean_) * self.factor
