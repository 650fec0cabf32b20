# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Write to the terminal, a file or a pipe."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

import click

INTERRUPTED = 130
_NOT_READ = 141  # what a shell says of a process that SIGPIPE ended


def prepare_output() -> None:
    """Let no name of a GPU or a folder fail to be printed."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def show(text: str) -> None:
    """Print text at once; end the process if nobody reads it, or it cannot be kept.

    Escape sequences of colours are left out where the output is no terminal, or is one
    that wants none.
    """
    try:
        click.echo(text, color=None if _wants_colour() else False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _give_up_output()
        raise SystemExit(_NOT_READ) from None
    except OSError as error:
        _give_up_output()
        complain("gpu-hpo", f"the output cannot be written: {error.strerror or error}")
        raise SystemExit(1) from None


def complain(who: str, what: str) -> None:
    """Print one line to standard error."""
    click.echo(f"{who}: {' '.join(what.split())}", err=True)


def wrapped(text: str, first: str = "", rest: str | None = None) -> str:
    """Break text into lines for the terminal.

    Parameters
    ----------
    text : str
    first, rest : str
        What the first line, and all others, begin with. By default the others are
        indented as far.
    """
    return textwrap.fill(
        text,
        _width(),
        initial_indent=first,
        subsequent_indent=" " * len(first) if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _width() -> int:
    return min(max(shutil.get_terminal_size((80, 24)).columns, 40), 100)


def _wants_colour() -> bool:
    """Follow https://no-color.org, and terminals that know no colours."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _give_up_output() -> None:
    # Python flushes standard output once more when it ends, which would fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
