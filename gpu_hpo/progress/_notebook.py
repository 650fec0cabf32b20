# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw the progress of a search in a notebook."""

from __future__ import annotations

from html import escape
from typing import Any

from gpu_hpo.progress._state import State, clock

_ROW = (
    '<tr style="background:none"><td style="text-align:left;padding:0 .8em 0 0">{}</td>'
    '<td style="padding:0 .8em 0 0"><progress value="{}" max="1" style="width:16em">'
    '</progress></td><td style="text-align:left;padding:0">{}</td></tr>'
)


class NotebookView:
    """Draws states in one output of the cell that runs.

    Parameters
    ----------
    title : str
    """

    def __init__(self, title: str) -> None:
        from IPython.display import HTML, display

        self._html = HTML
        self._title = title
        self._handle: Any = display(HTML(""), display_id=True)

    def show(self, state: State) -> None:
        """Draw a state in place of the one before."""
        running = f"{state.time}; {state.running}"
        self._handle.update(self._html(self.picture(state, running)))

    def close(self, state: State) -> None:
        """Leave the last state, without what is left and what runs."""
        self._handle.update(self._html(self.picture(state, clock(state.elapsed))))

    def picture(self, state: State, below: str) -> str:
        """Return a state as HTML, with a line below it."""
        rows = [_ROW.format(escape(self._title), state.share, escape(state.counted))]
        rows += [
            _ROW.format(
                f"&emsp;{escape(part.name)}",
                part.done / part.total if part.total else 0,
                escape(
                    f"{part.done:,} of {part.total:,}, "
                    + (f"{part.alive} left" if part.alive else "done")
                ),
            )
            for part in state.parts
        ]
        return (
            f'<table style="border:none;font-size:inherit">{"".join(rows)}</table>'
            f"<div>{escape(state.best)}</div>"
            f'<div style="opacity:.7">{escape(below)}</div>'
        )
