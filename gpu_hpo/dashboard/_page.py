# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Show the searches of this process live: how far they are, and learning curves."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from bokeh.layouts import column
from bokeh.models import ColumnDataSource, Div, HoverTool
from bokeh.plotting import figure

from gpu_hpo.progress._running import Curve, Watched, to_be_seen
from gpu_hpo.progress._state import State

_EVERY = 500  # milliseconds between two pictures
_MOST = 2000  # curves
# Okabe and Ito's colours, which colour-blind people can tell apart.
_COLOURS = {"training": "#0072B2", "completed": "#009E73", "stopped": "#999999"}
_FAILED = "#D55E00"
_NAMES = (
    *("calls", "scores", "colour", "alpha", "width", "name", "params", "last"),
    *("at", "height"),
)
_STYLE = {"font-size": "15px", "line-height": "1.5"}


class Page:
    """One visitor's page.

    Parameters
    ----------
    doc : bokeh.document.Document
    """

    def __init__(self, doc: Any) -> None:
        self._head = Div(text="", styles=_STYLE)
        self._lines = ColumnDataSource({name: [] for name in _NAMES})
        plot = figure(
            height=480,
            x_axis_type="log",
            sizing_mode="stretch_width",
            x_axis_label="calls of a model",
            y_axis_label="score",
            tools="pan,box_zoom,wheel_zoom,reset,save",
            output_backend="webgl",
        )
        plot.multi_line(
            "calls",
            "scores",
            source=self._lines,
            line_color="colour",
            line_alpha="alpha",
            line_width="width",
        )
        plot.scatter(
            "at",
            "height",
            source=self._lines,
            size=5,
            line_color=None,
            fill_color="colour",
            fill_alpha="alpha",
        )
        plot.add_tools(
            HoverTool(
                tooltips=[("model", "@name"), ("score", "@last"), ("", "@params")],
                line_policy="nearest",
            )
        )
        legend = '<a href="../status">tasks and workers</a>&ensp; '
        legend += " ".join(
            f'<span style="color:{colour}">&#9632; {name}</span>&ensp;'
            for name, colour in [*_COLOURS.items(), ("failed", _FAILED)]
        )
        doc.title = "gpu_hpo: searches"
        doc.add_root(
            column(self._head, Div(text=legend), plot, sizing_mode="stretch_width")
        )
        doc.add_periodic_callback(self.update, _EVERY)
        self._drawn: tuple[Any, ...] = ()
        self.update()

    def update(self) -> None:
        """Draw what is known now, if it is not what is drawn."""
        found = to_be_seen()
        if not found:
            self._head.text = "No search has run in this process yet."
            return
        search, runs = found[0]
        self._head.text = _header(
            search, search.state(), runs=runs, more=len(found) - 1
        )
        curves = search.curves()
        drawn = id(search), sum(len(curve.calls) for curve in curves), runs
        if drawn != self._drawn:
            self._drawn = drawn
            self._lines.data = _data(curves)


def _header(search: Watched, state: State, *, runs: bool, more: int) -> str:
    done = "" if runs else " (ended)"
    others = f"; {more} more searches ran or run in this process" if more else ""
    rows = "".join(
        f"<tr><td>{escape(part.name)}&ensp;</td><td>"
        f'<progress value="{part.done}" max="{max(part.total, 1)}"></progress></td>'
        f"<td>&ensp;{part.done:,} of {part.total:,} calls, "
        f"{f'{part.alive} models left' if part.alive else 'done'}</td></tr>"
        for part in state.parts
    )
    return (
        f"<b>{escape(search.title)}</b>{done}: {escape(state.counted)}, "
        f"{escape(state.time)}<br>{escape(state.best)}<br>"
        f"{escape(state.running)}{others}<table>{rows}</table>"
    )


def _data(curves: list[Curve]) -> dict[str, list[Any]]:
    """Return what the plot draws: those that train on top, and at last the best."""
    order = {"stopped": 0, "completed": 1, "training": 2}
    shown = sorted(curves, key=lambda curve: order.get(curve.status, 0))[-_MOST:]
    finite = [c for c in shown if c.scores and math.isfinite(c.scores[-1])]
    dim = 0.25 if len(finite) > 50 else 0.5
    return {
        "calls": [list(c.calls) for c in finite],
        "scores": [list(c.scores) for c in finite],
        "colour": [_COLOURS.get(c.status, _FAILED) for c in finite],
        "alpha": [dim if c.status == "stopped" else 0.9 for c in finite],
        "width": [1 if c.status == "stopped" else 2 for c in finite],
        "name": [" ".join(filter(None, [c.name, c.status])) for c in finite],
        "params": [c.params for c in finite],
        "last": [f"{c.scores[-1]:.4g}" for c in finite],
        "at": [c.calls[-1] for c in finite],
        "height": [c.scores[-1] for c in finite],
    }


def page(scheduler: Any, extra: Any, doc: Any) -> None:
    """Fill a document, as Dask's dashboard asks for its pages."""
    Page(doc)
