# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The commands `gpu-hpo report` and `gpu-hpo watch`, which read journals."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpu_hpo.cli._output import show, wrapped
from gpu_hpo.cli._sizes import Seconds

if TYPE_CHECKING:
    from gpu_hpo.journal import RecordedSearch

_PATH = click.Path(exists=True, path_type=Path)
_BEST = 5  # trials that are shown


@click.command()
@click.argument("path", type=_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def report(path: Path, as_json: bool) -> None:
    """Say what the journal PATH has of a search, or those in the folder PATH."""
    from gpu_hpo import journal

    if path.is_dir():
        found = journal.find(path)
        if as_json:
            show(json.dumps([_facts(search) for search in found], indent=2))
        else:
            show("\n".join(map(_line, found)) or f"{path} has no journals")
        return
    search = _read(path)
    show(json.dumps(_facts(search), indent=2) if as_json else _page(search))


@click.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--every", type=Seconds(), default="1", show_default=True, help="How often to look."
)
def watch(path: Path, every: float) -> None:
    """Print better scores in the journal PATH as they come.

    Ends with the search. One whose process has ended, or that runs on another machine,
    is waited for: it may go on.
    """
    best: Any = None
    told = ""
    while True:
        if not path.stat().st_size:  # a search is about to begin
            time.sleep(every)
            continue
        search = _read(path)
        now = search.best
        if now is not None and (best is None or now["score"] > best["score"]):
            best = now
            show(wrapped(f"{_passed(search)}  {_score(now)}", "", "    "))
        if search.state != told:
            told = search.state
            show(_line(search))
        if search.state in ("finished", "stopped"):
            return
        time.sleep(every)


def _read(path: Path) -> RecordedSearch:
    from gpu_hpo import journal
    from gpu_hpo.exceptions import JournalError

    try:
        return journal.read(path)
    except (JournalError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _facts(search: RecordedSearch) -> dict[str, Any]:
    return {
        "path": str(search.path),
        "search": search.search,
        "state": search.state,
        "stopped": search.stopped,
        "n_trials": len(search.trials),
        "n_scores": len(search.history),
        "best": search.best,
        "cost": search.cost,
        "failures": dict(Counter(f["status"] for f in search.failures.values())),
        "versions": search.versions,
    }


def _page(search: RecordedSearch) -> str:
    cost, table = search.cost, search.cv_results
    trained, scored = cost["fit_seconds"], cost["score_seconds"]
    lines = [
        _line(search),
        "",
        f"{len(search.trials)} trials, {cost['calls']:,} calls",
        f"{trained:.1f} s trained, {scored:.1f} s scored, in {search.seconds:.1f} s",
    ]
    for status, n in Counter(f["status"] for f in search.failures.values()).items():
        lines.append(f"{n} {status}")
    scores = table.get("test_score", [])
    order = sorted(
        (i for i in range(len(scores)) if scores[i] == scores[i]),
        key=lambda i: -scores[i],
    )
    if order:
        lines += ["", "Best, by the last score:"]
    lines += [
        wrapped(
            f"{scores[i]:.4f} after {table['partial_fit_calls'][i]}: "
            f"{_params(table['params'][i])}",
            "  ",
            "    ",
        )
        for i in order[:_BEST]
    ]
    return "\n".join(lines)


def _line(search: RecordedSearch) -> str:
    why = f" by {search.stopped}" if search.stopped else ""
    best = search.best
    score = "" if best is None else f", best {best['score']:.4f}"
    return (
        f"{search.path.name}: {search.search} {search.state}{why}, "
        f"{len(search.history):,} scores{score}"
    )


def _passed(search: RecordedSearch) -> str:
    return f"{search.seconds:8.1f} s"


def _score(best: dict[str, Any]) -> str:
    return f"{best['score']:.4f}  {_params(best['params'])}"


def _params(params: dict[str, Any]) -> str:
    return ", ".join(
        f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in params.items()
    )
