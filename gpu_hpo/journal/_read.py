# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Read journals without the models, data and packages of their searches."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from gpu_hpo.exceptions import JournalError
from gpu_hpo.journal._file import read_file
from gpu_hpo.journal._journal import check_format, check_path

State = Literal["running", "finished", "stopped", "unfinished"]


@dataclass(frozen=True)
class RecordedSearch:
    """What a journal says of a search.

    Attributes
    ----------
    path : Path
    search : str
        Its class.
    state : {"running", "finished", "stopped", "unfinished"}
        "running" in a process of this machine; "finished" as its schedule says;
        "stopped" before that, by what `stopped` says; "unfinished" if its process has
        ended, or runs on another machine.
    stopped : str
        As the attribute `stopped_` of a search.
    trials : list of dict
        Of each trial its `params` and labels, such as `model_id`.
    history : list of dict
        One entry per score, oldest first, as the attribute `history_` of a search.
        Values that JSON does not know, such as estimators, are described.
    failures : dict of int to dict
        By trial, `status` and `error`.
    seconds : float
        For which it has trained, over all runs.
    seed : int
    versions : dict of str to str
        Of packages, when it began.
    """

    path: Path
    search: str
    state: State
    stopped: str
    trials: list[dict[str, Any]]
    history: list[dict[str, Any]]
    failures: dict[int, dict[str, Any]]
    seconds: float
    seed: int
    versions: dict[str, str]

    @property
    def best(self) -> dict[str, Any] | None:
        """The entry of `history` with the highest score among last ones, or None."""
        last = {entry["trial"]: entry for entry in self.history}
        sound = [
            entry
            for trial, entry in last.items()
            if trial not in self.failures and math.isfinite(entry["score"])
        ]
        return max(sound, key=lambda entry: entry["score"], default=None)

    @property
    def cost(self) -> dict[str, float]:
        """Calls made and seconds spent, as far as scores have been recorded."""
        calls: dict[int, int] = {}
        for entry in self.history:
            calls[entry["trial"]] = entry["partial_fit_calls"]
        return {
            "calls": sum(calls.values()),
            "fit_seconds": sum(entry["partial_fit_time"] for entry in self.history),
            "score_seconds": sum(entry["score_time"] for entry in self.history),
            "seconds": self.seconds,
        }

    @property
    def cv_results(self) -> dict[str, list[Any]]:
        """Return one row per trial: its labels, parameters, calls, score and status."""
        last: dict[int, dict[str, Any]] = {e["trial"]: e for e in self.history}
        table: dict[str, list[Any]] = {}
        for number, trial in enumerate(self.trials):
            entry, failure = last.get(number, {}), self.failures.get(number, {})
            row = {
                **trial,
                "partial_fit_calls": entry.get("partial_fit_calls", 0),
                "test_score": entry.get("score", math.nan),
                "status": failure.get("status", ""),
                "error": failure.get("error", ""),
            }
            for name, value in row.items():
                table.setdefault(name, []).append(value)
        return table

    def to_frame(self) -> Any:
        """Return `history` as a frame of pandas, one column per parameter."""
        import pandas as pd

        rows = []
        for entry in self.history:
            row = dict(entry)
            params = row.pop("params")
            rows.append(row | {f"param_{name}": params[name] for name in params})
        return pd.DataFrame(rows)


def read(path: str | os.PathLike[str]) -> RecordedSearch:
    """Read the journal of a search, also while the search runs.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    RecordedSearch

    Raises
    ------
    FileNotFoundError
    JournalError
        If it is no journal, is of a newer version, or was changed since it was written.
    """
    check_path("path", path)
    where = Path(path)
    events = read_file(where)
    if not events:
        raise JournalError(f"{where} is no journal of gpu_hpo, or an empty one")
    check_format(events, str(where))
    trials: list[dict[str, Any]] = []
    history: list[dict[str, Any]] = []
    failures: dict[int, dict[str, Any]] = {}
    seconds = 0.0
    end: Mapping[str, Any] | None = None
    for event in events:
        kind = event["event"]
        seconds = max(seconds, event.get("elapsed", 0.0))
        if kind in ("begin", "resume"):
            run, end = event, None
            trials = [{**t["labels"], "params": t["params"]} for t in event["trials"]]
        elif kind == "score":
            history.append(_entry(event, trials[event["trial"]]))
        elif kind == "failure":
            failures[event["trial"]] = {
                "status": event["status"],
                "error": event["error"],
            }
        elif kind == "end":
            end = event
    return RecordedSearch(
        where,
        events[0]["search"],
        _state(run, end),
        "" if end is None else end["stopped"],
        trials,
        history,
        failures,
        seconds,
        events[0]["seed"],
        events[0]["identity"]["versions"],
    )


def find(folder: str | os.PathLike[str]) -> list[RecordedSearch]:
    """Return the searches whose journals are in a folder, the newest first.

    What is no journal, or cannot be read as one, is left out.

    Parameters
    ----------
    folder : str or os.PathLike
    """
    check_path("folder", folder)
    found = []
    for path in Path(folder).iterdir():
        if path.suffix == ".lock" or not path.is_file():
            continue
        try:
            found.append((path.stat().st_mtime, read(path)))
        except (JournalError, OSError, UnicodeDecodeError):
            continue
    return [search for _, search in sorted(found, key=lambda pair: -pair[0])]


def _entry(event: Mapping[str, Any], trial: Mapping[str, Any]) -> dict[str, Any]:
    metrics = event["metrics"]
    return {
        "trial": event["trial"],
        **trial,
        "partial_fit_calls": event["calls"],
        "partial_fit_time": event["fit_seconds"],
        "score": event["score"],
        "score_time": event["score_seconds"],
        "elapsed_wall_time": event["elapsed"],
        "worker": event["worker"],
        **(
            {}
            if set(metrics) == {"score"}
            else {f"test_{name}": value for name, value in metrics.items()}
        ),
    }


def _state(run: Mapping[str, Any], end: Mapping[str, Any] | None) -> State:
    if end is not None:
        return "stopped" if end["stopped"] else "finished"
    here = run.get("host") == socket.gethostname()
    return "running" if here and psutil.pid_exists(run["pid"]) else "unfinished"
