# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw the pictures of a report into a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from html import escape
from typing import Any, TypeAlias

from gpu_hpo.plotting._best_score import BestScoreDisplay
from gpu_hpo.plotting._heatmap import HeatmapDisplay
from gpu_hpo.plotting._importance import ImportanceDisplay
from gpu_hpo.plotting._learning_curves import LearningCurvesDisplay
from gpu_hpo.plotting._outcomes import Outcomes
from gpu_hpo.plotting._parameters import ParametersDisplay
from gpu_hpo.plotting._style import height_of, need_matplotlib
from gpu_hpo.plotting._timeline import TimelineDisplay
from gpu_hpo.report._lines import head_of, lines_of

# A heading, what draws it, its height in inches, and arguments.
_Picture: TypeAlias = tuple[str, Callable[..., Any], float, dict[str, Any]]

_WIDTH = 7.5  # inches
_DPI = 96
_PAGE = """\
<div class="gpu-hpo-report">
<p><strong>{head}</strong></p>
<table>
{rows}
</table>
{pictures}
</div>"""


def page_of(read: Outcomes, facts: dict[str, Any], metric: str | None) -> str:
    """Return a report as HTML, with its pictures if there is matplotlib."""
    cell = '<td style="text-align:left;vertical-align:top">{}</td>'
    rows = "\n".join(
        f"<tr>{cell.format(escape(heading))}{cell.format(escape(line))}</tr>"
        for heading, line in lines_of(facts)
    )
    try:
        need_matplotlib("A report")
    except ImportError as error:
        pictures = f"<p>No pictures: {escape(str(error))}</p>"
    else:
        pictures = "\n".join(_pictures(read, facts, metric))
    return _PAGE.format(head=escape(head_of(facts)), rows=rows, pictures=pictures)


def _pictures(
    read: Outcomes, facts: dict[str, Any], metric: str | None
) -> Iterator[str]:
    """Draw what can be drawn of this search; say why not of the others."""
    n_params = len(read.param_names())
    n_brackets = len({out.bracket for out in read.all})
    n_panels = n_params + (n_params > 1)
    slots = facts["workers"]["n_slots"] or 2
    x = "calls" if read.ledger is None or not read.stops_early else "seconds"
    early: list[_Picture] = [
        ("Learning curves", LearningCurvesDisplay.from_search, _high(n_brackets), {}),
        ("Tasks", TimelineDisplay.from_search, 1.2 + min(0.3 * slots, 4), {}),
    ]
    late: list[_Picture] = [
        ("Scores by two parameters", HeatmapDisplay.from_search, 3.6, {})
    ]
    pictures: list[_Picture] = [
        ("Best score", BestScoreDisplay.from_search, 3.0, {"x": x}),
        *(early if read.stops_early else late),
        ("Parameters", ParametersDisplay.from_search, _high(n_panels), {}),
        ("Importance", ImportanceDisplay.from_search, 1.0 + 0.35 * n_params, {}),
    ]
    for heading, draw, height, options in pictures:
        if draw != TimelineDisplay.from_search:
            options["metric"] = metric
        try:
            image = _image(draw, read.search, height, options)
        except ValueError as error:
            yield f"<p>{escape(heading)}: {escape(str(error))}</p>"
        else:
            yield f"<p>{escape(heading)}</p>"
            yield f'<img alt="{escape(heading)}" src="{image}">'


def _high(n_panels: int) -> float:
    return height_of(n_panels, _WIDTH) + 0.6


def _image(
    draw: Callable[..., Any], search: Any, height: float, options: dict[str, Any]
) -> str:
    """Return a picture as a data URL."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Not by pyplot, which would show the figure a second time.
    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    draw(search, ax=figure, **options)
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=_DPI)
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"
