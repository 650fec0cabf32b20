# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The command `gpu-hpo doctor`."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
from contextlib import closing
from dataclasses import asdict
from typing import NoReturn

import click

from gpu_hpo.cli._finding import Finding
from gpu_hpo.cli._output import show, wrapped
from gpu_hpo.cli._sizes import Seconds

_COLOURS = {"ok": "green", "note": "cyan", "warn": "yellow", "fail": "red"}
_INDENT = " " * 6


@click.command()
@click.option("--no-search", is_flag=True, help="Do not run the search of ten seconds.")
@click.option(
    "--timeout",
    type=Seconds(),
    help="How long each look may take; by default 20 s for NVML, 3 min for the search.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(
    context: click.Context, no_search: bool, timeout: float | None, as_json: bool
) -> None:
    """Say where searches will run, why not on a GPU, and what to mend.

    Looks at versions, GPUs and their driver, CUDA's libraries, folders, and runs a
    small search. The exit status is 1 if there is something to mend.
    """
    from gpu_hpo.cli._examination import Examination

    _end_by_signals()
    notice = _Notice(as_json)
    examination = Examination(
        with_search=not no_search, timeout=timeout, watch=notice.put
    )
    examination.begin()
    if not as_json:
        notice.take_away()
        show(_title())
        show(wrapped(examination.where) + "\n")
    findings: list[Finding] = []
    with closing(examination.findings()) as found:
        for finding in found:
            notice.take_away()
            if findings and not as_json:
                _show_cure(findings[-1], finding)
            findings.append(finding)
            if not as_json:
                show(_line(finding))
    notice.take_away()
    to_mend = sum(finding.status == "fail" for finding in findings)
    if as_json:
        show(json.dumps(_report(examination, findings), indent=2))
    else:
        _show_cure(findings[-1], None)
        show("\n" + _summary(to_mend))
    context.exit(1 if to_mend else 0)


def _end_by_signals() -> None:
    """Let signals end what was started, too, as Ctrl-C does."""

    def end(number: int, frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Not where nohup ignores it.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)


def _title() -> str:
    from gpu_hpo import __version__

    return (
        f"gpu_hpo {__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}"
    )


def _line(finding: Finding) -> str:
    text = wrapped(finding.text, f"{finding.status:<6}{finding.name:<10}")
    colour = _COLOURS[finding.status]
    return click.style(text[:4], fg=colour) + text[4:]


def _show_cure(finding: Finding, following: Finding | None) -> None:
    """Show a cure below the last of the findings that it is for."""
    if finding.cure and (following is None or following.cure != finding.cure):
        show(wrapped(finding.cure, f"{_INDENT}cure:     "))


def _summary(to_mend: int) -> str:
    if not to_mend:
        return "Nothing to mend."
    return f'To mend: {to_mend}, marked "fail".'


def _report(examination: object, findings: list[Finding]) -> dict[str, object]:
    from gpu_hpo import __version__
    from gpu_hpo.cli._examination import Examination

    assert isinstance(examination, Examination)
    facts = examination.facts
    return {
        "gpu_hpo": __version__,
        "where": examination.where,
        "device": facts.get("device"),
        "gpus": facts.get("gpus", []),
        "driver": facts.get("driver"),
        "versions": examination.versions,
        "findings": [asdict(finding) for finding in findings],
        "ok": all(finding.status != "fail" for finding in findings),
    }


class _Notice:
    """Says on a terminal what is looked at, for as long as it takes."""

    def __init__(self, silent: bool) -> None:
        terminal = sys.stderr is not None and sys.stderr.isatty()
        self._wanted = not silent and terminal and os.environ.get("TERM") != "dumb"
        self._shown = ""

    def put(self, name: str) -> None:
        """Show what is looked at."""
        self.take_away()
        if self._wanted:
            self._shown = f"...   {name}"
            click.echo(self._shown, nl=False, err=True)

    def take_away(self) -> None:
        """Leave the line as it was."""
        if self._shown:
            click.echo(f"\r{' ' * len(self._shown)}\r", nl=False, err=True)
            self._shown = ""
