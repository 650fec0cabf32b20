# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Count what a search did and what that took. What is None was not recorded."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np

from gpu_hpo.plotting._outcomes import Outcomes
from gpu_hpo.plotting._timeline import bounds
from gpu_hpo.report._endings import endings
from gpu_hpo.report._ledger import reason_of


def facts_of(read: Outcomes) -> dict[str, Any]:
    """Return all facts of a search, as `Report.to_dict` does."""
    return {
        "search": read.name,
        "best": _best(read),
        "seconds": _seconds(read),
        "workers": _workers(read),
        "work": _work(read),
        "rows": _rows(read),
        "status": dict(Counter(str(out.status) for out in read.all)),
        "stopped": getattr(read.search, "stopped_", ""),
        "failures": _failures(read),
        "without_early_stopping": _without_early_stopping(read),
        "device": _device(read),
        "recalled": 0 if read.ledger is None else read.ledger.n_recalled,
    }


def _best(read: Outcomes) -> dict[str, Any]:
    best = read.best
    return {
        "metric": read.metric,
        "trial": None if best is None else best.label,
        "score": None if best is None else best.score,
        "calls": best.n_calls if best is not None and read.stops_early else None,
        "params": None if best is None else dict(best.params),
    }


def _seconds(read: Outcomes) -> dict[str, float | None]:
    """Split the time of `fit` into its phases."""
    ledger = read.ledger
    fit = None if ledger is None else ledger.seconds
    phases = {} if ledger is None else ledger.phases
    found: dict[str, float | None] = {"fit": fit}
    for name in ("load", "train", "finish"):
        found[name] = phases.get(name)
    found["other"] = None if fit is None else max(fit - sum(phases.values()), 0.0)
    return found


def _workers(read: Outcomes) -> dict[str, Any]:
    """Say how well the slots were used, and how long training had to take at least."""
    ledger = read.ledger
    slots = {} if ledger is None else ledger.slots
    found: dict[str, Any] = {
        "n_workers": len(slots) if slots and read.stops_early else None,
        "n_slots": sum(slots.values()) or None,
        "n_tasks": None,
        "busy": None,
        "idle": None,
        "bound_by_work": None,
        "bound_by_chain": None,
    }
    if ledger is None or not ledger.tasks:
        return found
    by_work, by_chain = bounds(ledger)
    train = ledger.phases.get("train") or math.nan
    # Workers that joined later worked, too.
    busy = min(by_work / train, 1.0)
    return found | {
        "n_tasks": len(ledger.tasks),
        "busy": busy,
        "idle": 1.0 - busy,
        "bound_by_work": by_work,
        "bound_by_chain": by_chain,
    }


def _work(read: Outcomes) -> dict[str, Any]:
    """Count calls and seconds of models."""
    search, ledger = read.search, read.ledger
    n_splits = int(getattr(search, "n_splits_", 1))
    fitted = float(np.nansum([out.fit_seconds for out in read.all]))
    scored = float(np.nansum([out.score_seconds for out in read.all]))
    found: dict[str, Any] = {
        "trials": len(read.all),
        "folds": n_splits,
        "models": len(read.all) * n_splits,
        "seconds_trained": fitted,
        "seconds_scored": scored,
        "seconds_of_tasks": None,
        "seconds_moved": None,
    }
    if ledger is not None and ledger.tasks:
        found["seconds_of_tasks"] = sum(task.seconds for task in ledger.tasks)
    if not read.stops_early:
        tried = sum(out.status != "not tried" for out in read.all)
        fits = None if ledger is None else ledger.fits
        if fits is None:
            return found | {"models": tried * n_splits, "fits": tried * n_splits}
        # Also of candidates without a score on all splits.
        return found | {
            "models": fits.n,
            "fits": fits.n,
            "seconds_trained": fits.fit_seconds,
            "seconds_scored": fits.score_seconds,
        }
    return found | {
        "calls": sum(out.n_calls for out in read.all),
        "calls_fitted": sum(_calls_fitted(read)),
        "scores": sum(len(out.calls) for out in read.all),
    }


def _calls_fitted(read: Outcomes) -> list[int]:
    """Count the calls of each trial, with those that refits repeat."""
    cost = read.search._budget().cost
    return [
        sum(cost(start, stop) for start, stop in pairwise([0, *out.calls.tolist()]))
        for out in read.all
    ]


def _rows(read: Outcomes) -> dict[str, Any]:
    ledger = read.ledger
    rows = None if ledger is None else ledger.n_rows
    return {
        "train": None if rows is None else rows[0],
        "validate": None if rows is None else rows[1],
        "chunks": None if ledger is None else ledger.n_chunks,
        "bytes": None if ledger is None else ledger.n_bytes,
        "bytes_sent": None,
    }


def _failures(read: Outcomes) -> list[dict[str, Any]]:
    """Group failures by their reasons, the most frequent one first."""
    groups: dict[tuple[str, str], list[Any]] = {}
    for out in read.all:
        if out.error:
            key = str(out.status), reason_of(out.error)
            groups.setdefault(key, []).append(out.label)
    found = [
        {"status": status, "reason": reason, "count": len(trials), "trials": trials}
        for (status, reason), trials in groups.items()
    ]
    return sorted(found, key=lambda group: -group["count"])


def _without_early_stopping(read: Outcomes) -> dict[str, Any] | None:
    """Price all trials to the end; None if the search has no early stopping, or no end.

    Each call costs what a call of this search did on average. Scores are not counted.
    """
    horizon = None if read.ledger is None else read.ledger.horizon
    fitted = sum(_calls_fitted(read)) if read.stops_early else 0
    if horizon is None or not fitted:
        return None
    trained = sum(out.fit_seconds for out in read.all)
    calls = len(read.all) * read.search._budget().cost(0, horizon)
    return {
        "calls": calls,
        "seconds_trained": trained / fitted * calls,
        "times_as_long": calls / fitted,
    }


def _device(read: Outcomes) -> dict[str, Any] | None:
    device = getattr(read.search, "device_", None)
    if device is None:
        return None
    return {"name": device.name, "n_gpus": device.n_gpus, "reason": device.reason}


def rows_of(read: Outcomes) -> list[dict[str, Any]]:
    """Return one row per trial or candidate, as `Report.to_frame` does."""
    names = read.param_names()
    return [
        {
            "trial": out.label,
            **({} if out.bracket is None else {"bracket": out.bracket}),
            **{f"param_{name}": out.params.get(name) for name in names},
            **({"calls": out.n_calls} if read.stops_early else {}),
            "score": out.score,
            "fit_seconds": out.fit_seconds,
            "score_seconds": out.score_seconds,
            "status": str(out.status),
            "worker": ", ".join(out.workers) or None,
            "ended": ending,
        }
        for out, ending in zip(read.all, endings(read), strict=True)
    ]
