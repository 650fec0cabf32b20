# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find colours, panels and limits that all pictures have in common.

Colours are Okabe and Ito's, which people who do not see all colours can tell apart.
Text and lines take theirs from the current style, so that dark styles stay dark.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MANY = 200  # lines or points above which they are drawn as pixels also in a PDF
COLORS = "viridis"
# The share of scores to leave out if what is left spans that many times less.
_CUTS = ((0.05, 3), (0.1, 3), (0.25, 4), (0.5, 30))
_FEW_CALLS = 12  # at which scores came; else a line of equal steps is plainer
_PANEL_WIDTH, _PANEL_HEIGHT = 2.2, 2.0  # inches, at least


@dataclass(frozen=True)
class Palette:
    """Colours that can be seen on the background of some axes.

    Attributes
    ----------
    accent, strong, other : str
        Of the best trial, of what matters, and of what it is compared with.
    faded, text : tuple of float
        Of what does not matter any more, and of text.
    """

    accent: str
    strong: str
    other: str
    faded: tuple[float, ...]
    text: tuple[float, ...]


def need_matplotlib(caller: str) -> None:
    """Raise ImportError if there is no matplotlib.

    Parameters
    ----------
    caller : str
        Who needs it.
    """
    try:
        import matplotlib  # noqa: F401  it is only looked for
    except ImportError as error:
        raise ImportError(
            f"{caller} draws with matplotlib, which is not installed: "
            "pip install 'gpu_hpo[plot]'"
        ) from error


def palette(ax: Any) -> Palette:
    """Return colours for some axes, by how bright they are."""
    from matplotlib import rcParams
    from matplotlib.colors import to_rgb, to_rgba

    face = ax.get_facecolor()
    face = to_rgb(face if to_rgba(face)[3] else ax.figure.get_facecolor())
    text = to_rgb(rcParams["text.color"])
    dark = luminance(face) < 0.4
    share = 0.5 if dark else 0.42
    faded = tuple(share * t + (1 - share) * f for t, f in zip(text, face, strict=True))
    if dark:
        return Palette("#E69F00", "#56B4E9", "#CC79A7", faded, text)
    return Palette("#D55E00", "#0072B2", "#CC79A7", faded, text)


def luminance(color: Any) -> float:
    """Return how bright a colour is, from 0 to 1."""
    return float(np.dot(color[:3], (0.2126, 0.7152, 0.0722)))


def one_axes(caller: str, ax: Any, height: float | None = None) -> Any:
    """Return the given axes, or new ones in a figure of their own."""
    return panels(caller, ax, 1, height=height)[0]


def panels(
    caller: str,
    ax: Any,
    n: int,
    *,
    share_y: bool = True,
    share_x: bool = False,
    height: float | None = None,
) -> list[Any]:
    """Return axes for several panels.

    Parameters
    ----------
    caller : str
        Who needs matplotlib.
    ax : Axes, array-like of Axes, Figure or None
        One Axes, or a figure, is divided into panels; an array must have as many as
        there are panels. None makes a figure.
    n : int
    share_y, share_x : bool
    height : float, optional
        Inches of a new figure of one panel.
    """
    need_matplotlib(caller)
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    if isinstance(ax, Axes) and n == 1:
        return [ax]
    if ax is not None and not isinstance(ax, Axes | FigureBase):
        given = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(given) != n or not all(isinstance(one, Axes) for one in given):
            raise ValueError(
                "ax must be one Axes, a figure, or as many Axes as there are panels, "
                f"{n}; got {ax!r}"
            )
        return given
    if isinstance(ax, Axes):
        if ax.get_subplotspec() is None:
            raise ValueError(
                f"ax={ax!r} is in no grid and cannot be divided into {n} panels: let "
                "it come from plt.subplots, or pass a figure"
            )
        ax.set_axis_off()
        ax = ax.figure.add_subfigure(ax.get_subplotspec(), facecolor="none")
    width, most = plt.rcParams["figure.figsize"]
    if ax is not None:
        width = ax.bbox.width / ax.get_figure(root=True).dpi
    columns, rows = _columns(n, width)
    if n > 1:
        height = max(most if rows > 1 else 0.6 * most, rows * _PANEL_HEIGHT)
    if ax is None:
        ax = plt.figure(figsize=(width, height or most), layout="constrained")
    grid = ax.add_gridspec(rows, columns)
    made = grid.subplots(squeeze=False, sharey=share_y, sharex=share_x)
    flat = list(made.ravel())
    for spare in flat[n:]:
        spare.set_axis_off()
    for i in range(n):
        if i + columns >= n:  # the lowest one of its column
            flat[i].tick_params(labelbottom=True)
    return flat[:n]


def height_of(n: int, width: float) -> float:
    """Return the inches that panels in a figure of such a width need."""
    return max(2.6, _columns(n, width)[1] * _PANEL_HEIGHT)


def _columns(n: int, width: float) -> tuple[int, int]:
    """Return columns and rows for panels in a width."""
    most = max(1, min(n, round(width / _PANEL_WIDTH)))
    rows = -(-n // most)
    return -(-n // rows), rows


def spare_axes(axes: list[Any]) -> Any:
    """Return an empty place beside the last panel, if there is one."""
    spec = axes[-1].get_subplotspec()
    if spec is None:
        return None
    grid = spec.get_gridspec()
    if grid.nrows * grid.ncols <= len(axes) or len(axes) == 1:
        return None
    return next(
        (
            other
            for other in axes[-1].figure.axes
            if other not in axes
            and other.get_subplotspec() is not None
            and other.get_subplotspec().get_gridspec() is grid
        ),
        None,
    )


def tidy(ax: Any) -> None:
    """Take away the lines that say nothing."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def title(axes: list[Any], given: Any, text: str, color: Any) -> None:
    """Write a line above all panels, wrapped to their width."""
    figure = axes[0].figure
    whole = len(axes) > 1 and not isinstance(given, list | tuple | np.ndarray)
    box = figure.bbox if whole else axes[0].get_window_extent()
    size = 9.0
    letters = max(int(box.width / figure.dpi * 72 / (0.55 * size)), 20)
    wrapped = "\n".join(textwrap.wrap(text, letters))
    if whole:
        figure.suptitle(wrapped, color=color, fontsize=size, x=0.01, ha="left")
    else:
        axes[0].set_title(wrapped, color=color, fontsize=size, loc="left")


def limits(
    values: Any,
    keep: Any = (),
    cuts: Sequence[tuple[float, float]] = _CUTS,
) -> tuple[tuple[float, float], int]:
    """Return limits for scores, which a few very low ones do not decide.

    Parameters
    ----------
    values : array-like
    keep : array-like
        What must be seen in any case.
    cuts : sequence of (float, float)
        Shares of values to leave out, each if what is left spans so many times less.

    Returns
    -------
    (low, high) : tuple of float
    n_below : int
        How many values are below.
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    kept = np.asarray(keep, dtype=float)
    kept = kept[np.isfinite(kept)]
    if not len(finite):
        return (0.0, 1.0), 0
    high, least = finite.max(), finite.min()
    low = least
    for share, times in cuts:
        robust = min([np.quantile(finite, share), *kept])
        if high - low > times * (high - robust) and high > robust:
            low = robust
    margin = 0.05 * (high - low) or 0.05 * (abs(high) or 1.0)
    low, high = low - margin, high + margin
    return (float(low), float(high)), int((finite < low).sum())


def say_below(ax: Any, n_below: int, color: Any) -> None:
    """Say how many scores are below the axes."""
    if n_below:
        ax.annotate(
            f"▼ {n_below} lower",
            (0.02, 0.02),
            xycoords="axes fraction",
            va="bottom",
            fontsize=7,
            color=color,
            zorder=5,
            bbox={"facecolor": ax.get_facecolor(), "alpha": 0.8, "pad": 1, "lw": 0},
        )


def merged(
    kind: type, own: Mapping[str, Any], given: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return arguments of an artist with what the user wants instead."""
    from matplotlib.cbook import normalize_kwargs

    return {**own, **normalize_kwargs(dict(given or {}), kind)}


def set_calls_axis(ax: Any, calls: Any) -> None:
    """Let the calls at which scores came be ticks, by logarithm if they span much."""
    from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

    calls = np.asarray(calls, dtype=int)
    distinct = np.unique(calls[calls > 0])
    spans = len(distinct) > 0 and distinct[-1] >= 9 * distinct[0]
    # Rungs are few numbers; after a search has ended by time there are others, too.
    if spans and (len(distinct) <= _FEW_CALLS or 5 * np.median(calls) <= distinct[-1]):
        ax.set_xscale("log")
        ticks = [distinct[0]]
        for one in distinct[1:]:
            if one >= 2.4 * ticks[-1]:
                ticks.append(one)
        if ticks[-1] != distinct[-1]:
            ticks[-1] = distinct[-1]
        ax.xaxis.set_major_locator(FixedLocator(ticks))
        ax.xaxis.set_major_formatter(ScalarFormatter())
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.xaxis.get_major_locator().set_params(integer=True)
