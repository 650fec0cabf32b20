# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw the progress of a search in a terminal, with rich."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gpu_hpo.progress._state import State

_WIDTH = 32  # of a bar


class TerminalView:
    """Draws states at the bottom of the terminal, on standard error.

    Parameters
    ----------
    title : str
    console : rich.console.Console, optional
    """

    def __init__(self, title: str, console: Console | None = None) -> None:
        self._title = title
        console = console or Console(stderr=True)
        # Without a thread: it draws when it is told to.
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def show(self, state: State) -> None:
        """Draw a state in place of the one before."""
        self._live.update(self._picture(state), refresh=True)

    def close(self, state: State) -> None:
        """Leave one line of what was done."""
        self._live.stop()
        self._live.console.print(
            Text(f"{self._title}: {state.counted} in {_passed(state)}, {state.best}"),
            overflow="ellipsis",
            no_wrap=True,
        )

    def _picture(self, state: State) -> Any:
        rows = Table.grid(padding=(0, 1))
        rows.add_row(self._title, _bar(state.done, state.total), state.counted)
        for part in state.parts:
            left = f"{part.alive} left" if part.alive else "done"
            rows.add_row(
                Text(f"  {part.name}", style="dim"),
                _bar(part.done, part.total),
                Text(f"{part.done:,} of {part.total:,}, {left}", style="dim"),
            )
        lines = [state.best, f"{state.time}; {state.running}"]
        texts = [Text(f"  {line}", overflow="ellipsis", no_wrap=True) for line in lines]
        return Group(rows, *texts)


def _bar(done: int, total: int | None) -> ProgressBar:
    return ProgressBar(total, min(done, total or done), width=_WIDTH)


def _passed(state: State) -> str:
    return state.time.partition(",")[0]
