# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw scores against the values of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from gpu_hpo._arguments import checked
from gpu_hpo.plotting._importance import two_most_important
from gpu_hpo.plotting._outcomes import read_outcomes
from gpu_hpo.plotting._style import (
    COLORS,
    MANY,
    limits,
    merged,
    palette,
    panels,
    say_below,
    tidy,
    title,
)
from gpu_hpo.plotting._values import (
    ParameterAxis,
    parameter_axis,
    space_of,
    write_params,
    write_value,
)


class ParametersDisplay:
    """Show the score of each trial against its parameters, one panel per parameter.

    A last panel shows the two most important parameters against each other, coloured by
    score. Trials that were dropped are faded. An axis is logarithmic if the parameter's
    distribution is ``loguniform``, or its values span more than two decades; values
    that are no numbers are categories.

    It is best made by `from_search`.

    Parameters
    ----------
    axes : list of ParameterAxis
        One per parameter, with ``name``, ``positions``, ``categories`` and ``log``.
    scores : ndarray of shape (n_trials,)
        NaN where a trial has none.
    completed : ndarray of shape (n_trials,)
        Whether a trial was trained to the end.
    best : int or None
    best_params : dict
    pair : tuple of int
        Which two of `axes` to show against each other; empty for none.
    metric : str

    Attributes
    ----------
    ax_ : Axes or ndarray of Axes
    axes_ : list of Axes
        All panels.
    figure_ : Figure

    Examples
    --------
    >>> from gpu_hpo.plotting import ParametersDisplay
    >>> ParametersDisplay.from_search(search)  # doctest: +SKIP
    """

    def __init__(
        self,
        axes: list[ParameterAxis],
        scores: np.ndarray,
        completed: np.ndarray,
        best: int | None = None,
        best_params: dict[str, Any] | None = None,
        pair: tuple[int, ...] = (),
        metric: str = "score",
    ) -> None:
        self.axes = axes
        self.scores = scores
        self.completed = completed
        self.best = best
        self.best_params = best_params
        self.pair = pair
        self.metric = metric

    @classmethod
    @checked(
        parameters=["array-like", None],
        pair=["boolean", tuple, list],
        metric=[str, None],
    )
    def from_search(
        cls,
        search: Any,
        parameters: Sequence[str] | None = None,
        *,
        pair: bool | tuple[str, str] = True,
        metric: str | None = None,
        ax: Any = None,
        scatter_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the scores of a fitted search by parameter.

        Parameters
        ----------
        search : estimator
            Fitted.
        parameters : sequence of str, optional
            Names; by default all that have two values.
        pair : bool or tuple of str, default=True
            Whether to show the two most important parameters against each other, or
            which two. See `ImportanceDisplay`.
        metric : str, optional
            One of several metrics; by default the one that decides.
        ax : Axes, array-like of Axes or Figure, optional
            Where to draw: one Axes, or a figure, is divided into panels. By default in
            a new figure.
        scatter_kw : dict, optional
            For ``scatter``.

        Returns
        -------
        ParametersDisplay

        Raises
        ------
        ValueError
            If there is no such parameter, or no finite score.
        """
        read = read_outcomes(search, metric)
        read.finite()
        params = [out.params for out in read.all]
        space = space_of(search)
        known = {n: parameter_axis(n, params, space) for n in read.param_names()}
        wanted = list(known if parameters is None else parameters)
        if parameters is None:
            several = [n for n in wanted if len(np.unique(known[n].positions)) > 1]
            wanted = several or wanted
        two: Sequence[str] = ()
        if not isinstance(pair, bool):
            two = pair
        elif pair and len(wanted) > 1:
            two = [name for name in two_most_important(read) if name in wanted]
        for name in (*wanted, *two):
            if name not in known:
                raise ValueError(
                    f"{name!r} is no parameter of this {read.name}; it has "
                    f"{list(known)}"
                )
        if len(two) not in (0, 2) and not isinstance(pair, bool):
            raise ValueError(f"pair={pair!r} must name two parameters")
        names = list(dict.fromkeys([*wanted, *two]))
        display = cls(
            [known[name] for name in names],
            read.scores,
            np.array([out.status == "completed" for out in read.all]),
            None if read.best is None else read.best.number,
            None if read.best is None else dict(read.best.params),
            tuple(names.index(n) for n in two) if len(two) == 2 else (),
            read.metric,
        )
        return display.plot(ax=ax, scatter_kw=scatter_kw)

    def plot(self, ax: Any = None, *, scatter_kw: dict[str, Any] | None = None) -> Self:
        """Draw the panels again.

        Parameters
        ----------
        ax, scatter_kw
            As for `from_search`.

        Returns
        -------
        ParametersDisplay
        """
        n = len(self.axes) + bool(self.pair)
        axes = panels("ParametersDisplay.plot", ax, n, share_y=False)
        kept = self.scores[self.completed]
        shown, n_below = limits(self.scores, np.sort(kept[np.isfinite(kept)])[-3:])
        divided = not isinstance(ax, list | tuple | np.ndarray)
        for panel, axis in zip(axes, self.axes, strict=False):
            self._draw_one(panel, axis, scatter_kw)
            panel.set_ylim(*shown)
            spec = panel.get_subplotspec()
            if spec is None or spec.is_first_col() or not divided:
                panel.set_ylabel(self.metric)
            else:
                panel.tick_params(labelleft=False)
        say_below(axes[0], n_below, palette(axes[0]).text)
        if self.pair:
            self._draw_pair(axes[-1], shown, scatter_kw)
        if self.best is not None:
            text = f"best: {write_params(self.best_params or {})}"
            title(axes, ax, text, palette(axes[0]).accent)
        self.axes_ = axes
        self.ax_ = axes[0] if n == 1 else np.array(axes, dtype=object)
        self.figure_ = axes[0].get_figure(root=True)
        return self

    @property
    def _size(self) -> float:
        return float(np.clip(600 / len(self.scores), 2, 16))

    def _draw_one(
        self, ax: Any, axis: ParameterAxis, given: dict[str, Any] | None
    ) -> None:
        from matplotlib.collections import PathCollection

        colors = palette(ax)
        n = len(self.scores)
        x = _spread(axis)
        for chosen, color, order in (
            (~self.completed, colors.faded, 1),
            (self.completed, colors.strong, 2),
        ):
            style = {"s": self._size, "color": color, "linewidths": 0, "zorder": order}
            style |= {"rasterized": n > MANY, "clip_on": True}
            ax.scatter(
                x[chosen], self.scores[chosen], **merged(PathCollection, style, given)
            )
        if self.best is not None:
            ax.scatter(
                x[self.best],
                self.scores[self.best],
                s=55,
                marker="*",
                color=colors.accent,
                edgecolors=colors.text,
                linewidths=0.5,
                zorder=3,
            )
        _set_axis(ax, "x", axis)
        tidy(ax)

    def _draw_pair(
        self, ax: Any, shown: tuple[float, float], given: dict[str, Any] | None
    ) -> None:
        from matplotlib.collections import PathCollection

        first, second = (self.axes[i] for i in self.pair)
        x, y = _spread(first), _spread(second, by=0.755)
        order = np.argsort(np.nan_to_num(self.scores, nan=-np.inf))  # the best on top
        order = order[np.isfinite(self.scores[order])]
        style = {"s": self._size + 3, "c": self.scores[order], "cmap": COLORS}
        style |= {"vmin": shown[0], "vmax": shown[1], "linewidths": 0}
        style |= {"rasterized": len(self.scores) > MANY}
        given = {k: v for k, v in (given or {}).items() if k not in ("color", "c")}
        drawn = ax.scatter(x[order], y[order], **merged(PathCollection, style, given))
        if self.best is not None:
            colors = palette(ax)
            ax.scatter(
                x[self.best],
                y[self.best],
                s=55,
                marker="*",
                color=colors.accent,
                edgecolors=colors.text,
                linewidths=0.5,
            )
        bar = ax.figure.colorbar(drawn, ax=ax, fraction=0.08)
        bar.outline.set_visible(False)
        _set_axis(ax, "x", first)
        _set_axis(ax, "y", second)
        tidy(ax)


def _spread(axis: ParameterAxis, by: float = 0.618) -> np.ndarray:
    """Return positions; equal categories are spread, so that points stay apart."""
    if not axis.categories:
        return axis.positions
    n = len(axis.positions)
    # Not at random: the same picture each time.
    return axis.positions + 0.25 * (2 * ((np.arange(n) * by) % 1) - 1)


def _set_axis(ax: Any, which: str, axis: ParameterAxis) -> None:
    getattr(ax, f"set_{which}label")(axis.name)
    if axis.log:
        from matplotlib.ticker import LogLocator, NullLocator

        getattr(ax, f"set_{which}scale")("log")
        one = getattr(ax, f"{which}axis")
        inches = getattr(ax.get_window_extent(), "width" if which == "x" else "height")
        narrow = inches / ax.figure.dpi < 1.6
        one.set_major_locator(LogLocator(numticks=3 if narrow else 5))
        if narrow:
            ax.tick_params(axis=which, labelsize="small")
        one.set_minor_locator(NullLocator())
    if not axis.categories:
        values = np.unique(axis.positions[np.isfinite(axis.positions)])
        span = values[-1] - values[0]
        # Few values that are not close to each other are ticks themselves.
        if len(values) <= 4 and not axis.log and (np.diff(values) >= 0.2 * span).all():
            names = list(map(write_value, values.tolist()))
            getattr(ax, f"set_{which}ticks")(values, names)
        return
    n = len(axis.categories)
    step = max(1, -(-n // 8))  # more names than this cannot be read
    ticks = range(0, n, step)
    names = [axis.categories[i] for i in ticks]
    long = max(map(len, names)) * len(names) > 22
    kwargs = {"rotation": 35, "ha": "right"} if which == "x" and long else {}
    getattr(ax, f"set_{which}ticks")(list(ticks), names, fontsize=8, **kwargs)
    getattr(ax, f"set_{which}lim")(-0.6, n - 0.4)
