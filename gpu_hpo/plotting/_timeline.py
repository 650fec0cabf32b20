# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw what each worker did when."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from gpu_hpo.plotting._outcomes import Outcomes, read_outcomes
from gpu_hpo.plotting._style import MANY, merged, one_axes, palette, tidy

_MOST_NAMES = 24


class TimelineDisplay:
    """Show the tasks of each worker over time, and how long it had to take at least.

    A row is a slot of a worker, which runs one task at a time; a bar is a task, and
    what is empty is idle time. Tasks that advanced the best trial have a colour of
    their own. The line is the bound: training cannot end before all work is done, on
    all slots at once, nor before the longest chain of tasks that need each other's
    models.

    It is best made by `from_search`.

    Parameters
    ----------
    rows : list of str
        Names of the slots.
    bars : list of tuple (row, begin, end, best)
        One per task; seconds since training began, and whether it advanced the best
        trial.
    bound : float
        Seconds.
    seconds : float
        How long training took.

    Attributes
    ----------
    busy : float
        Share of the time of all slots that tasks filled.
    ax_ : Axes
    figure_ : Figure
    bars_ : PolyCollection
    bound_line_ : Line2D

    Notes
    -----
    The times are those at which reports of tasks came here, less the seconds that they
    ran, so that a bar may be some milliseconds late.

    Examples
    --------
    >>> from gpu_hpo.plotting import TimelineDisplay
    >>> TimelineDisplay.from_search(search)  # doctest: +SKIP
    """

    def __init__(
        self,
        rows: list[str],
        bars: list[tuple[int, float, float, bool]],
        bound: float,
        seconds: float,
    ) -> None:
        self.rows = rows
        self.bars = bars
        self.bound = bound
        self.seconds = seconds

    @property
    def busy(self) -> float:
        """Share of the time of all slots that tasks filled."""
        worked = sum(end - begin for _, begin, end, _ in self.bars)
        return worked / (len(self.rows) * self.seconds) if self.seconds else 0.0

    @classmethod
    def from_search(
        cls,
        search: Any,
        *,
        ax: Any = None,
        bar_kw: dict[str, Any] | None = None,
        bound_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the tasks of a fitted search that stops early.

        Parameters
        ----------
        search : estimator
            Fitted.
        ax : Axes or Figure, optional
            Where to draw; by default in a new figure.
        bar_kw, bound_kw : dict, optional
            For ``PolyCollection`` and ``axvline``.

        Returns
        -------
        TimelineDisplay

        Raises
        ------
        ValueError
            If the search has not recorded which worker did what.
        """
        read = read_outcomes(search)
        if read.ledger is None or not read.ledger.tasks:
            why = "has no tasks" if read.stops_early else "does not record workers"
            raise ValueError(
                f"this {read.name} {why}: only searches that stop early have a timeline"
            )
        rows, bars = _lanes(read)
        seconds = max(end for _, _, end, _ in bars)
        seconds = max(seconds, read.ledger.phases.get("train", 0.0))
        bound = max(bounds(read.ledger))
        return cls(rows, bars, bound, seconds).plot(
            ax=ax, bar_kw=bar_kw, bound_kw=bound_kw
        )

    def plot(
        self,
        ax: Any = None,
        *,
        bar_kw: dict[str, Any] | None = None,
        bound_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the tasks again.

        Parameters
        ----------
        ax, bar_kw, bound_kw
            As for `from_search`.

        Returns
        -------
        TimelineDisplay
        """
        n = len(self.rows)
        height = 1.1 + min(0.3 * max(n, 2), 5.0)
        ax = one_axes("TimelineDisplay.plot", ax, height=height)
        from matplotlib.collections import PolyCollection
        from matplotlib.lines import Line2D

        colors = palette(ax)
        boxes = [
            [(a, row - 0.4), (b, row - 0.4), (b, row + 0.4), (a, row + 0.4)]
            for row, a, b, _ in self.bars
        ]
        style: dict[str, Any] = {
            "facecolors": [
                colors.accent if best else colors.strong for *_, best in self.bars
            ],
            # A line of background is between tasks, but for those as thin as the line.
            "edgecolors": [ax.get_facecolor()],
            "linewidths": [
                0.5 if end - begin > 0.01 * self.seconds else 0.0
                for _, begin, end, _ in self.bars
            ],
            "rasterized": len(boxes) > MANY,
        }
        self.bars_ = PolyCollection(boxes, **merged(PolyCollection, style, bar_kw))
        ax.add_collection(self.bars_)
        style = {"color": colors.text, "linewidth": 1.2, "linestyle": "--"}
        self.bound_line_ = ax.axvline(self.bound, **merged(Line2D, style, bound_kw))
        ax.set_xlim(0, 1.02 * max(self.seconds, self.bound))
        ax.set_ylim(n - 0.4, -0.6)
        if n <= _MOST_NAMES:
            ax.set_yticks(range(n), self.rows, fontsize=8)
        else:
            ax.set_ylabel(f"{n} slots")
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("seconds since training began")
        ax.set_title(
            f"slots busy {self.busy:.0%} of {self.seconds:.3g} s; "
            f"bound {self.bound:.3g} s",
            fontsize=9,
            loc="left",
        )
        self._explain(ax, colors)
        tidy(ax)
        self.ax_ = ax
        self.figure_ = ax.get_figure(root=True)
        return self

    def _explain(self, ax: Any, colors: Any) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch
        from matplotlib.transforms import ScaledTranslation

        handles: list[Any] = [Patch(color=colors.strong, label="task")]
        if any(best for *_, best in self.bars):
            handles.append(Patch(color=colors.accent, label="with the best trial"))
        handles.append(Line2D([], [], color=colors.text, linestyle="--", label="bound"))
        below = ScaledTranslation(0, -30 / 72, ax.figure.dpi_scale_trans)
        ax.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(0, 0),
            bbox_transform=ax.transAxes + below,
            fontsize=8,
            ncols=3,
            frameon=False,
            borderaxespad=0,
            handlelength=1.4,
            columnspacing=1.2,
        )


def bounds(ledger: Any) -> tuple[float, float]:
    """Return the least seconds that training could take.

    Returns
    -------
    by_work : float
        All work, divided by the slots.
    by_chain : float
        The longest chain of tasks that one trial went through.
    """
    chains: dict[int, float] = {}
    for task in ledger.tasks:
        for trial in task.trials:
            chains[trial] = chains.get(trial, 0.0) + task.seconds
    work = sum(task.seconds for task in ledger.tasks)
    slots = max(sum(ledger.slots.values()), 1)
    return work / slots, max(chains.values(), default=0.0)


def _lanes(read: Outcomes) -> tuple[list[str], list[tuple[int, float, float, bool]]]:
    """Give each task a slot of its worker."""
    ledger = read.ledger
    best = None if read.best is None else read.best.number
    slots = dict(ledger.slots)
    for task in ledger.tasks:
        slots.setdefault(task.worker, 1)  # it joined later
    first: dict[str, int] = {}
    rows: list[str] = []
    for number, (worker, n) in enumerate(slots.items()):
        first[worker] = len(rows)
        rows += [
            f"worker {number}" if n == 1 else f"worker {number}.{i}" for i in range(n)
        ]
    until = np.zeros(len(rows))
    bars = []
    for task in sorted(ledger.tasks, key=lambda task: task.ended - task.seconds):
        lanes = range(first[task.worker], first[task.worker] + slots[task.worker])
        begin = max(task.ended - task.seconds, 0.0)
        free = [lane for lane in lanes if until[lane] <= begin]
        # The fullest free one, so that slots that idle stay empty.
        lane = (
            max(free, key=lambda i: until[i])
            if free
            else min(lanes, key=lambda i: until[i])
        )
        # Reports can come in another order than their tasks ended.
        begin = max(begin, float(until[lane]))
        until[lane] = end = max(begin, task.ended)
        bars.append((lane, begin, end, best in task.trials))
    return rows, bars
