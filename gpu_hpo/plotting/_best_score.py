# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw the best score so far, beside what random search is expected to find."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.special import gammaln

from gpu_hpo._arguments import checked
from gpu_hpo._sklearn_private import StrOptions
from gpu_hpo.plotting._outcomes import Outcomes, read_outcomes
from gpu_hpo.plotting._style import limits, merged, one_axes, palette, tidy

_AXES = {
    "calls": "calls",
    "passes": "passes over the training rows",
    "seconds": "seconds",
}

_CUTS = ((0.1, 30.0), (0.4, 1e4))  # of the score axis, for models that diverge


class BestScoreDisplay:
    r"""Show the best score so far, and what random search is expected to have by then.

    It is best made by `from_search`.

    Parameters
    ----------
    spent, best_scores : ndarray of shape (n_scores,)
        What had been spent when each score came, and the best score by then.
    random_spent, random_scores : ndarray of shape (n_trials,)
        The same for random search, after one trial, two trials, and so on.
    x : {"calls", "passes", "seconds"}
    metric : str
    x_label : str, optional
        By default it follows from `x`.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    line_, random_line_ : Line2D

    Notes
    -----
    Random search trains each parameter set to the end. Its curve is computed from the
    trials of this search: after k trials it has the expected maximum of k of their last
    scores, drawn without replacement. If these are :math:`s_1 \le \dots \le s_n`,
    that is :math:`\sum_i s_i \binom{i - 1}{k - 1} / \binom{n}{k}`.

    A trial of random search costs as many calls as the longest trial of the search may
    make. In seconds, it makes as many calls a second as this search did from its first
    task to its last score, idle time included. For an exhaustive search the curve is
    that of its candidates in a random order; its seconds are the sum of the times of
    its fits, divided by the slots, and its calls are fits.

    The curve has limits. The last score of a trial that was dropped stands for the one
    that it would have had in the end, which is mostly higher, so that random search may
    do somewhat better than drawn. Trials without a finite score are left out.

    With `resource` "n_samples" and ``x="passes"`` a fit counts the chunks it is fitted
    to; where each fit has all rows it is one pass, whatever its iterations.

    Examples
    --------
    >>> from gpu_hpo.plotting import BestScoreDisplay
    >>> BestScoreDisplay.from_search(search, x="seconds")  # doctest: +SKIP
    """

    def __init__(
        self,
        spent: np.ndarray,
        best_scores: np.ndarray,
        random_spent: np.ndarray,
        random_scores: np.ndarray,
        x: str = "calls",
        metric: str = "score",
        x_label: str | None = None,
    ) -> None:
        self.spent = spent
        self.best_scores = best_scores
        self.random_spent = random_spent
        self.random_scores = random_scores
        self.x = x
        self.metric = metric
        self.x_label = x_label

    @classmethod
    @checked(x=[StrOptions(set(_AXES))], metric=[str, None])
    def from_search(
        cls,
        search: Any,
        *,
        x: str = "calls",
        metric: str | None = None,
        ax: Any = None,
        line_kw: dict[str, Any] | None = None,
        random_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the best scores of a fitted search.

        Parameters
        ----------
        search : estimator
            Fitted.
        x : {"calls", "passes", "seconds"}, default="calls"
            What was spent.
        metric : str, optional
            One of several metrics; by default the one that decides.
        ax : Axes or Figure, optional
            Where to draw; by default in a new figure.
        line_kw, random_kw : dict, optional
            For ``plot``: the curves of the search, and of random search.

        Returns
        -------
        BestScoreDisplay

        Raises
        ------
        ValueError
            If the search did not record what `x` needs, or no score is finite.
        """
        read = read_outcomes(search, metric)
        read.finite()
        spend = _spend_early if read.stops_early else _spend_all
        spent, scores, price = spend(read, x)
        final = np.sort(read.scores[np.isfinite(read.scores)])
        label = _AXES[x] if read.stops_early or x != "calls" else "fits"
        display = cls(
            spent,
            np.fmax.accumulate(scores),
            price * np.arange(1, len(final) + 1),
            expected_best(final),
            x,
            read.metric,
            label,
        )
        return display.plot(ax=ax, line_kw=line_kw, random_kw=random_kw)

    def plot(
        self,
        ax: Any = None,
        *,
        line_kw: dict[str, Any] | None = None,
        random_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the curves again.

        Parameters
        ----------
        ax, line_kw, random_kw
            As for `from_search`.

        Returns
        -------
        BestScoreDisplay
        """
        ax = one_axes("BestScoreDisplay.plot", ax)
        from matplotlib.lines import Line2D

        colors = palette(ax)
        style = {"color": colors.accent, "linewidth": 2.0, "label": "this search"}
        style |= {"drawstyle": "steps-post", "zorder": 3}
        (self.line_,) = ax.plot(
            self.spent, self.best_scores, **merged(Line2D, style, line_kw)
        )
        last = self.spent[-1], self.best_scores[-1]
        ax.plot(*last, "o", color=self.line_.get_color(), markersize=5, zorder=4)
        style = {"color": colors.strong, "linewidth": 1.4, "linestyle": "--"}
        style |= {"label": "random search, expected"}
        if len(self.random_spent) == 1:
            style |= {"marker": "s", "markersize": 5}
        (self.random_line_,) = ax.plot(
            self.random_spent, self.random_scores, **merged(Line2D, style, random_kw)
        )
        if self.random_spent[-1] > 3 * self.spent[-1]:
            ax.set_xscale("log")
        elif self.x == "calls":
            ax.xaxis.get_major_locator().set_params(integer=True)
        distinct = [*np.unique(self.best_scores), *self.random_scores]
        shown, _ = limits(distinct, cuts=_CUTS)
        ax.set_ylim(*shown)
        ax.set_xlabel(self.x_label or _AXES[self.x])
        ax.set_ylabel(f"best {self.metric} so far")
        tidy(ax)
        ax.legend(loc="best", fontsize=8)
        self.ax_ = ax
        self.figure_ = ax.get_figure(root=True)
        return self


def expected_best(scores: np.ndarray) -> np.ndarray:
    """Return the expected maximum of 1, 2, ... n of n scores, each drawn at most once.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Sorted.
    """
    n = len(scores)
    below = np.arange(n)  # scores below each
    out = np.empty(n)
    for k in range(1, n + 1):
        can = below >= k - 1
        i = below[can]
        # log of C(i, k - 1) / C(n, k)
        weights = np.exp(
            gammaln(i + 1)
            - gammaln(k)
            - gammaln(i - k + 2)
            - (gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
        )
        out[k - 1] = np.dot(weights, scores[can]) / weights.sum()
    return out


def _spend_early(read: Outcomes, x: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Return what was spent at each score, the scores, and the price of a trial."""
    search, ledger = read.search, read.ledger
    budget = search._budget()
    if x == "passes" and (ledger is None or not ledger.n_chunks):
        raise ValueError(f"x='passes': this {read.name} has not recorded its chunks")
    n_chunks = 1 if ledger is None else ledger.n_chunks or 1
    of_trial = {out.label: iter(out.scores) for out in read.all}
    before: dict[Any, int] = {}
    calls, passes, times, scores = [], [], [], []
    for entry in search.history_:
        label, stop = entry["model_id"], entry["partial_fit_calls"]
        start = before.get(label, 0)
        before[label] = stop
        calls.append(budget.cost(start, stop))
        passes.append(_chunks(budget, start, stop, n_chunks) / n_chunks)
        times.append(entry["elapsed_wall_time"])
        scores.append(next(of_trial[label]))
    horizon = None if ledger is None else ledger.horizon
    horizon = horizon or max(before.values())
    in_calls = np.cumsum(calls)
    if x == "seconds":
        spent = np.array(times)
        price = horizon * times[-1] / in_calls[-1]
    elif x == "calls":
        spent, price = in_calls, float(budget.cost(0, horizon))
    else:
        spent = np.cumsum(passes)
        price = _chunks(budget, 0, horizon, n_chunks) / n_chunks
    return np.asarray(spent, dtype=float), np.array(scores, dtype=float), price


def _chunks(budget: Any, start: int, stop: int, n_chunks: int) -> int:
    """Count the chunks that a step trains on."""
    span = budget.span(start, stop)
    return n_chunks if span is None else span[1] - span[0]


def _spend_all(read: Outcomes, x: str) -> tuple[np.ndarray, np.ndarray, float]:
    if x == "passes":
        raise ValueError(
            f"x='passes': {read.name} does not record the rows of its folds; x may be "
            "'calls', which are fits, or 'seconds'"
        )
    n_splits = int(getattr(read.search, "n_splits_", 1))
    each = np.full(len(read.all), float(n_splits))
    if x == "seconds":
        slots = sum(read.ledger.slots.values()) if read.ledger is not None else 0
        each = np.array([out.fit_seconds + out.score_seconds for out in read.all])
        each = np.nan_to_num(each) / max(slots, 1)
    return np.cumsum(each), read.scores, float(each.mean())
