# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Read journals without the models, data and packages of their searches."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gpu_hpo.exceptions import JournalError
from gpu_hpo.journal._file import is_locked, read_file
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
        "running", where locks of files say so, as on this machine; "finished" as its
        schedule says; "stopped" before that, by what `stopped` says; else "unfinished".
    stopped : str
        As the attribute `stopped_` of a search.
    trials : list of dict
        Of each trial its `params` and labels, such as `model_id`; empty for candidates
        of a grid that were not fitted yet.
    history : list of dict
        One entry per score, oldest first, as the attribute `history_` of a search; of a
        grid one per fit, with its `split`. Of several metrics ``score`` is that which
        `refit` names, else NaN.
        Values that JSON does not know, such as estimators, are described.
    failures : dict of int to dict
        By trial, `status` and `error`.
    seconds : float
        For which it has trained, over all runs.
    began : str
        When it did first, in UTC, as in ISO 8601.
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
    began: str
    seed: int
    versions: dict[str, str]

    @property
    def best(self) -> dict[str, Any] | None:
        """The trial with the highest last score, so far, or None.

        It has ``trial``, ``params`` and ``score``: of a grid the mean over the splits,
        among candidates that were fitted on the most.
        """
        scores: dict[int, list[float]] = {}
        for entry in self.history:
            if "split" in entry:
                scores.setdefault(entry["trial"], []).append(entry["score"])
            else:
                scores[entry["trial"]] = [entry["score"]]
        sound = {
            trial: (len(each), sum(each) / len(each))
            for trial, each in scores.items()
            if trial not in self.failures and math.isfinite(sum(each))
        }
        if not sound:
            return None
        trial = max(sound, key=lambda trial: (*sound[trial], -trial))
        return {"trial": trial, **self.trials[trial], "score": sound[trial][1]}

    @property
    def cost(self) -> dict[str, float]:
        """Calls or fits made, and seconds spent, as far as scores are recorded."""
        calls: dict[tuple[int, int], int] = {}
        for entry in self.history:
            of_one = entry["trial"], entry.get("split", 0)
            calls[of_one] = entry.get("partial_fit_calls", 1)
        return {
            "calls": sum(calls.values()),
            "fit_seconds": sum(entry[_fit_time(entry)] for entry in self.history),
            "score_seconds": sum(entry["score_time"] for entry in self.history),
            "seconds": self.seconds,
        }

    @property
    def cv_results(self) -> dict[str, list[Any]]:
        """Return one row per trial: its labels, parameters, calls, score and status.

        Of a grid the score is the mean over the splits that are recorded.
        """
        entries: dict[int, list[dict[str, Any]]] = {}
        for entry in self.history:
            entries.setdefault(entry["trial"], []).append(entry)
        table: dict[str, list[Any]] = {}
        for number, trial in enumerate(self.trials):
            if not trial:  # of a grid, not fitted yet
                continue
            own, failure = entries.get(number, []), self.failures.get(number, {})
            if not own:
                calls, score = 0, math.nan
            elif "split" in own[0]:
                calls = len(own)
                score = sum(entry["score"] for entry in own) / calls
            else:
                calls, score = own[-1]["partial_fit_calls"], own[-1]["score"]
            row = {
                **trial,
                "partial_fit_calls": calls,
                "test_score": score,
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
    where = Path(os.path.expanduser(path))
    events = read_file(where)
    if not events:
        raise JournalError(f"{where} is no journal of gpu_hpo, or an empty one")
    check_format(events, str(where))
    trials: list[dict[str, Any]] = []
    history: list[dict[str, Any]] = []
    failures: dict[int, dict[str, Any]] = {}
    numbers: dict[str, int] = {}  # of the candidates of a grid, by their parameters
    seconds = 0.0
    end: Mapping[str, Any] | None = None
    for event in events:
        kind = event["event"]
        seconds = max(seconds, event.get("elapsed", 0.0))
        if kind in ("begin", "resume"):
            end = None
            # Those of a grid are known from its fits, of this run and of earlier ones.
            if event["trials"]:
                trials = [
                    {**t["labels"], "params": t["params"]} for t in event["trials"]
                ]
        elif kind == "score":
            history.append(_entry(event, trials[event["trial"]]))
        elif kind == "fit":
            number = _number_of(event, trials, numbers)
            history.append({**_fit_entry(event), "trial": number})
            if event["error"] is not None:
                failures[number] = {"status": "failed", "error": event["error"]}
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
        _state(where, end),
        "" if end is None else end["stopped"],
        trials,
        history,
        failures,
        seconds,
        events[0]["time"],
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
    for path in Path(os.path.expanduser(folder)).iterdir():
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


def _fit_entry(event: Mapping[str, Any]) -> dict[str, Any]:
    test = event["test"]
    several = isinstance(test, Mapping)
    score = test.get(event["metric"], math.nan) if several else test
    return {
        "trial": event["trial"],
        "params": event["params"],
        "split": event["split"],
        "fit_time": event["fit_seconds"],
        "score": math.nan if score is None else score,
        "score_time": event["score_seconds"],
        "elapsed_wall_time": event["elapsed"],
        **({f"test_{name}": test[name] for name in test} if several else {}),
    }


def _number_of(
    event: Mapping[str, Any], trials: list[dict[str, Any]], numbers: dict[str, int]
) -> int:
    """Return the number of a candidate: its own, unless another run gave it to another.

    Where values were added to a grid, its candidates have other numbers than before.
    """
    key = json.dumps(event["params"], sort_keys=True)
    if key not in numbers:
        number = event["trial"]
        if number < len(trials) and trials[number]:
            number = len(trials)
        trials += [{} for _ in range(number + 1 - len(trials))]
        trials[number] = {"params": event["params"]}
        numbers[key] = number
    return numbers[key]


def _fit_time(entry: Mapping[str, Any]) -> str:
    return "fit_time" if "fit_time" in entry else "partial_fit_time"


def _state(path: Path, end: Mapping[str, Any] | None) -> State:
    if end is not None:
        return "stopped" if end["stopped"] else "finished"
    return "running" if is_locked(path) else "unfinished"
