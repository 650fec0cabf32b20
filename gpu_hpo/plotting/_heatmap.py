# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw the scores of a grid by two of its parameters."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from gpu_hpo._arguments import checked
from gpu_hpo.plotting._outcomes import Outcomes, read_outcomes
from gpu_hpo.plotting._style import COLORS, luminance, merged, one_axes, palette
from gpu_hpo.plotting._values import parameter_axis, space_of, write_apart

_MOST_VALUES = 100
_MOST_NUMBERS = 12
OUTLINE = "#D55E00"  # can be seen on all colours of cells


class HeatmapDisplay:
    """Show scores by two parameters, where all others are at their best.

    It is best made by `from_search`.

    Parameters
    ----------
    scores : ndarray of shape (n_y, n_x)
        The highest score of each pair of values; NaN where there is none.
    parameters : tuple of str
        The one along x, and the one along y.
    values : tuple of list of str
        Their values.
    metric : str

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    image_ : AxesImage
    text_ : ndarray of Text or None
        Scores in cells, where there are at most 12 by 12.

    Examples
    --------
    >>> from gpu_hpo.plotting import HeatmapDisplay
    >>> HeatmapDisplay.from_search(search, ("C", "gamma"))  # doctest: +SKIP
    """

    def __init__(
        self,
        scores: np.ndarray,
        parameters: tuple[str, str],
        values: tuple[list[str], list[str]],
        metric: str = "score",
    ) -> None:
        self.scores = scores
        self.parameters = parameters
        self.values = values
        self.metric = metric

    @classmethod
    @checked(metric=[str, None])
    def from_search(
        cls,
        search: Any,
        parameters: tuple[str, str] | None = None,
        *,
        metric: str | None = None,
        ax: Any = None,
        image_kw: dict[str, Any] | None = None,
        text_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the scores of a fitted search over lists of values.

        Parameters
        ----------
        search : estimator
            Fitted.
        parameters : tuple of str, optional
            Names of two; by default the first two that have several values.
        metric : str, optional
            One of several metrics; by default the one that decides.
        ax : Axes or Figure, optional
            Where to draw; by default in a new figure.
        image_kw, text_kw : dict, optional
            For ``imshow`` and ``text``.

        Returns
        -------
        HeatmapDisplay

        Raises
        ------
        ValueError
            If there are no two such parameters, or one has a distribution.
        """
        read = read_outcomes(search, metric)
        read.finite()
        params = [out.params for out in read.all]
        two = _choose(read, parameters)
        x, y = (parameter_axis(name, params) for name in two)
        x_values, x_at = _distinct(two[0], x)
        y_values, y_at = _distinct(two[1], y)
        scores = np.full((len(y_values), len(x_values)), np.nan)
        for i, j, score in zip(y_at, x_at, read.scores, strict=True):
            if i >= 0 and j >= 0:
                scores[i, j] = np.fmax(scores[i, j], score)
        display = cls(scores, two, (x_values, y_values), read.metric)
        return display.plot(ax=ax, image_kw=image_kw, text_kw=text_kw)

    def plot(
        self,
        ax: Any = None,
        *,
        image_kw: dict[str, Any] | None = None,
        text_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the cells again.

        Parameters
        ----------
        ax, image_kw, text_kw
            As for `from_search`.

        Returns
        -------
        HeatmapDisplay
        """
        n_y, n_x = self.scores.shape
        own = ax is None
        ax = one_axes("HeatmapDisplay.plot", ax)
        from matplotlib.image import AxesImage
        from matplotlib.patches import Rectangle

        colors = palette(ax)
        finite = np.where(np.isfinite(self.scores), self.scores, np.nan)
        low, high = np.nanmin(finite), np.nanmax(finite)
        robust = np.nanquantile(finite, 0.1)
        if high - low > 3 * (high - robust) and high > robust:
            low = robust
        style = {"cmap": COLORS, "vmin": low, "vmax": high if high > low else low + 1}
        style |= {"aspect": "auto", "origin": "lower"}
        given = dict(image_kw or {})
        other = {
            k: given.pop(k) for k in list(given) if k in ("aspect", "vmin", "vmax")
        }
        self.image_ = ax.imshow(finite, **merged(AxesImage, {**style, **other}, given))
        ax.set_facecolor(colors.faded)  # of cells without a score
        best = np.unravel_index(np.nanargmax(finite), finite.shape)
        ax.add_patch(
            Rectangle(
                (best[1] - 0.46, best[0] - 0.46),
                0.92,
                0.92,
                fill=False,
                edgecolor=OUTLINE,
                linewidth=2.0,
            )
        )
        self._set_ticks(ax)
        end = "min" if low > np.nanmin(finite) else "neither"
        bar = ax.figure.colorbar(
            self.image_, ax=ax, label=self.metric, extend=end, fraction=0.08
        )
        bar.outline.set_visible(False)
        self.text_: np.ndarray | None = None
        if max(n_x, n_y) <= _MOST_NUMBERS:
            self._write(ax, finite, own, text_kw)
        self.ax_ = ax
        self.figure_ = ax.get_figure(root=True)
        return self

    def _set_ticks(self, ax: Any) -> None:
        x_name, y_name = self.parameters
        x_values, y_values = self.values
        ax.set_xlabel(x_name)
        ax.set_ylabel(y_name)
        for which, values in (("x", x_values), ("y", y_values)):
            step = max(1, -(-len(values) // _MOST_NUMBERS))
            ticks = list(range(0, len(values), step))
            names = [values[i] for i in ticks]
            long = which == "x" and sum(map(len, names)) + 2 * len(names) > 34
            turned = {"rotation": 35, "ha": "right"} if long else {}
            getattr(ax, f"set_{which}ticks")(ticks, names, fontsize=8, **turned)
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)

    def _write(
        self, ax: Any, finite: np.ndarray, own: bool, given: dict[str, Any] | None
    ) -> None:
        """Write each score into its cell, dark on bright and bright on dark."""
        from matplotlib.text import Text

        n_y, n_x = finite.shape
        box = ax.get_window_extent()
        points = 72 / ax.figure.dpi
        # Three decimals are some four letters wide; 0.8 is for the colour bar.
        width = (0.8 if own else 0.9) * box.width * points / n_x
        size = float(np.clip(min(width / 3.0, 0.5 * box.height * points / n_y), 4, 9))
        texts = self.text_ = np.empty(finite.shape, dtype=object)
        digits = ".3f" if np.nanmax(np.abs(finite)) < 10 else ".3g"
        for (i, j), score in np.ndenumerate(finite):
            color = self.image_.cmap(self.image_.norm(score))
            bright = np.isfinite(score) and luminance(color) > 0.45
            text = format(score, digits) if np.isfinite(score) else "–"
            style = {"ha": "center", "va": "center", "fontsize": size}
            style |= {"color": "black" if bright else "white"}
            texts[i, j] = ax.text(j, i, text, **merged(Text, style, given))


def _choose(read: Outcomes, parameters: tuple[str, str] | None) -> tuple[str, str]:
    """Return the two parameters to draw, which must be listed."""
    names = read.param_names()
    params = [out.params for out in read.all]
    if parameters is None:
        several = [
            name
            for name in names
            if len(np.unique(parameter_axis(name, params).positions)) > 1
            and not _is_drawn(name, read)
        ]
        if len(several) < 2:
            raise ValueError(
                f"this {read.name} has {len(several)} listed parameters with several "
                f"values, {several}, and a heatmap needs two"
            )
        return several[0], several[1]
    if isinstance(parameters, str) or len(parameters) != 2:
        raise ValueError(f"parameters={parameters!r} must be two names")
    for name in parameters:
        if name not in names:
            raise ValueError(
                f"parameters={parameters!r}: {name!r} is no parameter of this "
                f"{read.name}; it has {names}"
            )
    for name in parameters:
        if _is_drawn(name, read):
            raise ValueError(
                f"parameters={parameters!r}: {name!r} has a distribution, and a "
                "heatmap needs lists; ParametersDisplay shows both"
            )
    first, second = parameters
    return first, second


def _is_drawn(name: str, read: Outcomes) -> bool:
    space = space_of(read.search)
    spaces = [space] if hasattr(space, "items") else space
    return any(hasattr(one.get(name), "rvs") for one in spaces)


def _distinct(name: str, axis: Any) -> tuple[list[str], list[int]]:
    """Return the distinct values of a parameter, in order, and which one each is."""
    where = axis.positions
    distinct = np.unique(where[np.isfinite(where)])
    if len(distinct) > _MOST_VALUES:
        raise ValueError(
            f"{name!r} has {len(distinct)} values, and a heatmap shows at most "
            f"{_MOST_VALUES}"
        )
    texts = axis.categories or write_apart(distinct.tolist())
    numbers = {value: i for i, value in enumerate(distinct)}
    return list(texts), [numbers.get(value, -1) for value in where]
