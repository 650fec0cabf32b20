# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw how scores rose with calls, by bracket."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np

from gpu_hpo._arguments import checked
from gpu_hpo.plotting._outcomes import Outcome, read_outcomes
from gpu_hpo.plotting._style import (
    MANY,
    limits,
    merged,
    palette,
    panels,
    say_below,
    set_calls_axis,
    spare_axes,
    tidy,
    title,
)
from gpu_hpo.plotting._values import write_params


class LearningCurvesDisplay:
    """Show how the score of each trial rose with its calls, one panel per bracket.

    Trials that were dropped are faded, those that were trained to the end are not, and
    the best has a colour of its own. A cross ends the curve of a trial that failed.

    It is best made by `from_search`.

    Parameters
    ----------
    curves : list of dict
        One per trial: ``label``, ``bracket``, ``status``, ``calls`` and ``scores``.
    best : int or None
        Which of the curves is the best trial's.
    best_params : dict
    metric : str
        What a score is.

    Attributes
    ----------
    ax_ : Axes or ndarray of Axes
        The panel, or several.
    axes_ : list of Axes
        All panels, by bracket, the one with most trials first.
    figure_ : Figure
    lines_ : dict of str to list of artist
        By "dropped", "completed" and "best".

    Notes
    -----
    The score axis leaves out scores that are so low that nothing else could be seen,
    and says how many.

    Examples
    --------
    >>> from gpu_hpo.plotting import LearningCurvesDisplay
    >>> LearningCurvesDisplay.from_search(search)  # doctest: +SKIP
    """

    def __init__(
        self,
        curves: list[dict[str, Any]],
        best: int | None = None,
        best_params: dict[str, Any] | None = None,
        metric: str = "score",
    ) -> None:
        self.curves = curves
        self.best = best
        self.best_params = best_params
        self.metric = metric

    @classmethod
    @checked(metric=[str, None])
    def from_search(
        cls,
        search: Any,
        *,
        metric: str | None = None,
        ax: Any = None,
        completed_kw: dict[str, Any] | None = None,
        dropped_kw: dict[str, Any] | None = None,
        best_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the curves of a fitted search that stops early.

        Parameters
        ----------
        search : estimator
            Fitted.
        metric : str, optional
            One of several metrics; by default the one that decides.
        ax : Axes, array-like of Axes or Figure, optional
            Where to draw: one Axes, or a figure, is divided into panels. By default in
            a new figure.
        completed_kw, dropped_kw, best_kw : dict, optional
            For the lines: of ``LineCollection``, and of ``plot`` for the best.

        Returns
        -------
        LearningCurvesDisplay

        Raises
        ------
        ValueError
            If the search does not stop early, or no trial has a finite score.
        """
        read = read_outcomes(search, metric)
        if not read.stops_early:
            raise ValueError(
                f"{read.name} scores each candidate once, so that there are no "
                "learning curves; ParametersDisplay shows its scores"
            )
        read.finite()
        display = cls(
            [_curve(outcome) for outcome in read.all],
            None if read.best is None else read.best.number,
            None if read.best is None else dict(read.best.params),
            read.metric,
        )
        return display.plot(
            ax=ax, completed_kw=completed_kw, dropped_kw=dropped_kw, best_kw=best_kw
        )

    def plot(
        self,
        ax: Any = None,
        *,
        completed_kw: dict[str, Any] | None = None,
        dropped_kw: dict[str, Any] | None = None,
        best_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the curves again.

        Parameters
        ----------
        ax, completed_kw, dropped_kw, best_kw
            As for `from_search`.

        Returns
        -------
        LearningCurvesDisplay
        """
        brackets = _brackets(self.curves)
        axes = panels("LearningCurvesDisplay.plot", ax, len(brackets), share_x=True)
        given = {"completed": completed_kw, "dropped": dropped_kw, "best": best_kw}
        self.lines_: dict[str, list[Any]] = {"dropped": [], "completed": [], "best": []}
        ends = [c["scores"][-1] for c in self.curves if len(c["scores"])]
        scores = np.concatenate([c["scores"] for c in self.curves])
        shown, _ = limits(scores, np.sort(ends)[-3:])
        calls = np.concatenate([c["calls"] for c in self.curves])
        for panel, (bracket, numbers) in zip(axes, brackets.items(), strict=True):
            self._draw(panel, numbers, given)
            set_calls_axis(panel, calls)
            panel.set_ylim(*shown)
            inside = np.concatenate([self.curves[i]["scores"] for i in numbers])
            colors = palette(panel)
            say_below(panel, int((inside < shown[0]).sum()), colors.text)
            tidy(panel)
            if bracket is not None:
                text = f"bracket {bracket}: {len(numbers)} trials"
                text = text.removesuffix("s") if len(numbers) == 1 else text
                panel.set_title(
                    text, fontsize=8, loc="right" if len(axes) == 1 else "center"
                )
        self._label(axes, ax)
        self.axes_ = axes
        self.ax_ = axes[0] if len(axes) == 1 else np.array(axes, dtype=object)
        self.figure_ = axes[0].get_figure(root=True)
        return self

    def _draw(
        self, ax: Any, numbers: list[int], given: dict[str, dict[str, Any] | None]
    ) -> None:
        from matplotlib.collections import LineCollection
        from matplotlib.lines import Line2D

        colors = palette(ax)
        n = len(self.curves)
        thin = max(0.35, min(1.2, 25 / max(len(numbers), 1)))
        kinds = {
            "dropped": {"color": colors.faded, "linewidth": 0.7 * thin, "zorder": 1},
            "completed": {
                "color": colors.strong,
                "linewidth": max(1.4 * thin, 0.8),
                "zorder": 2,
            },
        }
        for kind, style in kinds.items():
            chosen = [
                self.curves[i]
                for i in numbers
                if i != self.best
                and (self.curves[i]["status"] == "completed") == (kind == "completed")
            ]
            lines = [
                np.column_stack([curve["calls"], curve["scores"]]) for curve in chosen
            ]
            style = {**style, "rasterized": n > MANY}
            drawn = LineCollection(lines, **merged(LineCollection, style, given[kind]))
            ax.add_collection(drawn, autolim=True)
            self.lines_[kind].append(drawn)
            # A trial with one score is a point, and so is the end of each curve.
            ends = [line[-1] for line in lines if len(line)]
            if ends:
                ax.scatter(
                    *np.transpose(ends),
                    s=5 * thin + 1,
                    color=style["color"],
                    linewidths=0,
                    zorder=style["zorder"],
                    rasterized=n > MANY,
                )
        failed = [
            (curve["calls"][-1], curve["scores"][-1])
            for curve in (self.curves[i] for i in numbers)
            if curve["status"] in ("failed", "lost", "timeout") and len(curve["calls"])
        ]
        if failed:
            ax.scatter(
                *np.transpose(failed),
                s=14,
                marker="x",
                color=colors.text,
                linewidths=0.9,
            )
        if self.best in numbers:
            best = self.curves[self.best]
            style = {"color": colors.accent, "linewidth": 2.0, "zorder": 4}
            style |= {"marker": "o", "markersize": 3.0}
            self.lines_["best"] += ax.plot(
                best["calls"], best["scores"], **merged(Line2D, style, given["best"])
            )
        ax.autoscale_view()

    def _label(self, axes: list[Any], ax: Any) -> None:
        from matplotlib.lines import Line2D

        colors = palette(axes[0])
        if self.best is not None:
            text = f"best: {write_params(self.best_params or {})}"
            title(axes, ax, text, colors.accent)
        first = axes[0].get_subplotspec()
        for panel in axes:
            spec = panel.get_subplotspec()
            if spec is None or first is None or spec.is_first_col():
                panel.set_ylabel(self.metric)
            if panel.xaxis.get_tick_params().get("labelbottom", True):
                panel.set_xlabel("calls")
        kinds = [c["status"] for i, c in enumerate(self.curves) if i != self.best]
        handles = [
            Line2D([], [], color=color, linewidth=width, label=label)
            for label, color, width, there in (
                ("best", colors.accent, 2.0, self.best is not None),
                ("trained to the end", colors.strong, 1.4, "completed" in kinds),
                ("dropped", colors.faded, 1.0, "stopped" in kinds),
            )
            if there
        ]
        if not {"failed", "lost", "timeout"}.isdisjoint(kinds):
            handles.append(
                Line2D(
                    [], [], color=colors.text, marker="x", linestyle="", label="failed"
                )
            )
        spare = spare_axes(axes)
        if len(handles) > 1:
            where = "center" if spare is not None else "lower right"
            (spare or axes[-1]).legend(
                handles=handles, loc=where, fontsize=8, frameon=spare is None
            )


def _curve(outcome: Outcome) -> dict[str, Any]:
    fine = np.isfinite(outcome.scores)
    return {
        "label": outcome.label,
        "bracket": outcome.bracket,
        "status": outcome.status,
        "calls": outcome.calls[fine],
        "scores": outcome.scores[fine],
    }


def _brackets(curves: list[dict[str, Any]]) -> dict[Any, list[int]]:
    """Return the numbers of curves by bracket, that with most trials first."""
    found: dict[Any, list[int]] = {}
    for i, curve in enumerate(curves):
        found.setdefault(curve["bracket"], []).append(i)
    order = sorted(found, key=lambda b: -math.inf if b is None else -b)
    return {bracket: found[bracket] for bracket in order}
