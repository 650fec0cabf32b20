# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw docs/_static/search.png: a search in a terminal, and its learning curves.

    .venvs/docs/bin/python docs/_readme_picture.py

The search is README's. What its bar shows in the middle is kept as rich makes it, and
written beside the curves.
"""

import pathlib
import runpy

import matplotlib as mpl
import matplotlib.pyplot as plt
from rich.console import Console

from gpu_hpo.plotting import LearningCurvesDisplay
from gpu_hpo.progress import _bar, _terminal

ROOT = pathlib.Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "_static" / "search.png"
COLUMNS = 78
BACKGROUND, FOREGROUND = "#1e1e2e", "#d8dee9"


class Recorder:
    """Stands in for a terminal, and keeps all states that it is told to draw."""

    states = ()

    def __init__(self, title):
        self.title = title
        type(self).states = []

    def show(self, state):
        """Keep a state."""
        self.states.append(state)

    close = show


def readme_block():
    """Return the first Python block of README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.split("```python\n")[1].split("```")[0]


def segments(title, state):
    """Return the lines of a terminal, each a list of texts with colours."""
    console = Console(width=COLUMNS, color_system="truecolor", force_terminal=True)
    with open("/dev/null", "w") as nowhere:
        console.file = nowhere
        view = _terminal.TerminalView(title, console)
        lines = console.render_lines(view._picture(state), pad=False)
        view._live.stop()
    return [[(s.text, colour(s.style)) for s in line] for line in lines]


def colour(style):
    """Return what matplotlib calls the colour of rich's style."""
    if style is None or style.color is None:
        return "#8d94a5" if style is not None and style.dim else FOREGROUND
    known = style.color.get_truecolor()
    return f"#{known.red:02x}{known.green:02x}{known.blue:02x}"


def write_terminal(axes, command, lines):
    """Write what a terminal shows."""
    axes.set(xlim=(0, COLUMNS + 2), ylim=(len(lines) + 2.5, -0.5), xticks=[], yticks=[])
    axes.set_facecolor(BACKGROUND)
    font = {"family": "monospace", "size": 10.5, "va": "center"}
    axes.text(1, 0.6, command, color="#a6e3a1", **font)
    for row, line in enumerate(lines):
        column = 1
        for text, shade in line:
            # One by one, so that each is in its column whatever the font's width.
            for letter in text:
                axes.text(column, row + 2, letter, color=shade, **font)
                column += 1


def main():
    """Search, and draw."""
    _bar.open_view = Recorder
    path = ROOT / "build" / "readme.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(readme_block(), encoding="utf-8")
    search = runpy.run_path(str(path))["search"]
    half = next(s for s in Recorder.states if s.total and 2 * s.done >= s.total)
    lines = segments(type(search).__name__, half)

    plt.rcParams.update({"font.size": 8})
    figure, (above, below) = plt.subplots(
        2, figsize=(7.2, 5.6), height_ratios=[len(lines) + 5, 21], layout="constrained"
    )
    write_terminal(above, "$ python tune.py", lines)
    LearningCurvesDisplay.from_search(search, ax=below)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    mpl.use("agg")
    main()
