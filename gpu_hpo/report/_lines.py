# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Write the facts of a search in lines, each with a heading."""

from __future__ import annotations

from typing import Any

from gpu_hpo.plotting._values import write_params

_MOST_REASONS = 5
_MOST_TRIALS = 5


def lines_of(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return headings and lines, for people."""
    found = [
        ("best", _best(facts)),
        ("time", _time(facts["seconds"], early="calls" in facts["work"])),
        ("bound", _bound(facts)),
        ("slots", _slots(facts)),
        ("work", _work(facts["work"])),
        ("rows", _rows(facts["rows"])),
        ("resumed", _resumed(facts)),
        ("ended", _ended(facts)),
        *(("failed", line) for line in _failures(facts["failures"])),
        ("if none were stopped", _without(facts)),
        ("device", _device(facts["device"])),
    ]
    return [(heading, line) for heading, line in found if line]


def head_of(facts: dict[str, Any]) -> str:
    """Return the first line."""
    work, seconds = facts["work"], facts["seconds"]["fit"]
    if "calls" in work:
        done = f"{_n(work['trials'], 'trial')}, {_n(work['calls'], 'call')}"
    else:
        done = f"{_n(work['trials'], 'candidate')}, {_n(work['fits'], 'fit')}"
    return f"{facts['search']}: {done}, {_s(seconds)}"


def _best(facts: dict[str, Any]) -> str:
    best = facts["best"]
    if best["params"] is None:
        return "no trial has a finite score"
    after = "" if best["calls"] is None else f" after {_n(best['calls'], 'call')}"
    what = "candidate" if best["calls"] is None else "trial"
    return (
        f"{best['metric']} {best['score']:.5g}{after}, {what} {best['trial']}: "
        f"{write_params(best['params'])}"
    )


def _time(seconds: dict[str, Any], *, early: bool) -> str:
    if seconds["fit"] is None:
        return "not recorded"
    parts = {
        "load": "to load rows",
        "train": "to train and score",
        "finish": "for the best model",
        "other": "for checks and the cluster",
    }
    said = [
        f"{_s(seconds[name])} {what}"
        for name, what in parts.items()
        if seconds[name] is not None and (early or name != "load")
    ]
    return f"{_s(seconds['fit'])}: {', '.join(said)}"


def _bound(facts: dict[str, Any]) -> str:
    workers = facts["workers"]
    if workers["bound_by_work"] is None:
        return "not known: which task ran when was not recorded"
    bound = max(workers["bound_by_work"], workers["bound_by_chain"])
    return (
        f"training takes {_s(bound)} at least: all work on "
        f"{_n(workers['n_slots'], 'slot')} {_s(workers['bound_by_work'])}, the longest "
        f"chain of tasks {_s(workers['bound_by_chain'])}"
    )


def _slots(facts: dict[str, Any]) -> str:
    workers = facts["workers"]
    if workers["n_slots"] is None:
        return "not recorded"
    there = _n(workers["n_slots"], "slot")
    if workers["n_workers"]:
        there += f" of {_n(workers['n_workers'], 'worker')}"
    if workers["busy"] is None:
        return f"{there}; how busy they were is not known"
    seconds = facts["seconds"]
    busy, idle = workers["busy"], workers["idle"]
    out = f"{there}, busy {busy:.0%} and idle {idle:.0%} of training"
    if seconds["fit"]:
        share = 1 - (seconds["train"] or 0.0) / seconds["fit"]
        out += f"; {share:.0%} of the time was outside training"
    return out


def _work(work: dict[str, Any]) -> str:
    out = f"{_n(work['models'], 'model')} trained {_s(work['seconds_trained'])}, "
    out += f"scored {_s(work['seconds_scored'])}"
    if "fits" in work:
        return (
            f"{out}, if steps that candidates share count for each of them; for moving "
            "data: not known"
        )
    tasks = work["seconds_of_tasks"]
    if tasks is not None:
        rest = max(tasks - work["seconds_trained"] - work["seconds_scored"], 0.0)
        out += f", and tasks did other things for {_s(rest)}"
    if work["calls_fitted"] != work["calls"]:
        out += f"; refits repeated {_n(work['calls_fitted'] - work['calls'], 'call')}"
    return f"{out}; for moving data between workers: not known"


def _rows(rows: dict[str, Any]) -> str:
    if rows["train"] is None:
        return "not recorded"
    return (
        f"{rows['train']:,} train and {rows['validate']:,} validate; "
        f"{_n(rows['chunks'], 'chunk')} of {_bytes(rows['bytes'])} in all; "
        "bytes sent: not known"
    )


def _ended(facts: dict[str, Any]) -> str:
    words = {
        "completed": "completed",
        # Where the search was ended early, some only waited for a decision.
        "stopped": "stopped" if facts["stopped"] else "dropped",
        "failed": "failed",
        "lost": "lost with workers",
        "timeout": "took too long",
    }
    said = [f"{n:,} {words.get(kind, kind)}" for kind, n in facts["status"].items()]
    stopped = facts["stopped"]
    return ", ".join(said) + (f"; the search was ended by {stopped}" if stopped else "")


def _failures(failures: list[dict[str, Any]]) -> list[str]:
    lines = []
    for group in failures[:_MOST_REASONS]:
        trials = ", ".join(map(str, group["trials"][:_MOST_TRIALS]))
        more = ", ..." if group["count"] > _MOST_TRIALS else ""
        lines.append(f"{group['count']} by {group['reason']} (trial {trials}{more})")
    if len(failures) > _MOST_REASONS:
        lines.append(f"and for {len(failures) - _MOST_REASONS} other reasons")
    return lines


def _resumed(facts: dict[str, Any]) -> str:
    count = facts["recalled"]
    if not count:
        return ""
    if "fits" in facts["work"]:
        return (
            f"{_n(count, 'fit')} of earlier runs were taken from the journal; work, "
            "time and slots are of this run"
        )
    return (
        f"{_n(count, 'score')} of earlier runs were taken from the journal; work is of "
        "all runs, time, bound and slots are of this one"
    )


def _without(facts: dict[str, Any]) -> str:
    if "calls" not in facts["work"]:
        return ""
    without = facts["without_early_stopping"]
    if without is None:
        return "not known: the schedule does not say how many calls a trial may make"
    times = without["times_as_long"]
    ratio = "" if times == 1 else f", {times:.3g} times as long"
    return (
        f"{without['calls']:,} calls, {_s(without['seconds_trained'])} of training at "
        f"the price of the calls that were made{ratio}"
    )


def _device(device: dict[str, Any] | None) -> str:
    if device is None:
        return "not recorded"
    return f"{device['name']}: {device['reason']}"


def _n(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _s(seconds: float | None) -> str:
    if seconds is None:
        return "time not recorded"
    if seconds >= 600:
        return f"{seconds / 60:.4g} min"
    return f"{seconds:.3g} s"


def _bytes(count: int | None) -> str:
    if count is None:
        return "unknown size"
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
