# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw how much each parameter matters for the score."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.stats import rankdata

from gpu_hpo._arguments import POSITIVE, checked
from gpu_hpo.plotting._outcomes import Outcomes, read_outcomes
from gpu_hpo.plotting._style import merged, one_axes, palette, tidy
from gpu_hpo.plotting._values import parameter_axis

LEAST_TRIALS = 10
_FOLDS = 5


class ImportanceDisplay:
    """Show how much each parameter matters for the score, with the spread over repeats.

    It is best made by `from_search`.

    Parameters
    ----------
    importances : ndarray of shape (n_parameters, n_repeats)
        How much worse ranks are predicted if a parameter is shuffled.
    parameters : list of str

    Attributes
    ----------
    importances_mean : ndarray of shape (n_parameters,)
    ax_ : Axes
    figure_ : Figure
    bars_ : BarContainer

    Notes
    -----
    A random forest of scikit-learn's learns to predict the rank of a trial's last score
    from its parameters, on four fifths of the trials. Its ``permutation_importance`` on
    the other trials is how much R² falls if one parameter is shuffled, here over all
    five folds. Ranks, since a few models that diverge would else decide it all. A bar
    is the mean, a point one repeat; where points lie about zero, the parameter did not
    matter, or there were too few trials to tell.

    A trial that was dropped counts with its last score, after fewer calls: what is
    shown is what made trials good where they ended.

    Examples
    --------
    >>> from gpu_hpo.plotting import ImportanceDisplay
    >>> ImportanceDisplay.from_search(search)  # doctest: +SKIP
    """

    def __init__(self, importances: np.ndarray, parameters: list[str]) -> None:
        self.importances = importances
        self.parameters = parameters

    @property
    def importances_mean(self) -> np.ndarray:
        """Mean importance of each parameter."""
        return self.importances.mean(axis=1)

    @classmethod
    @checked(metric=[str, None], n_repeats=[POSITIVE], random_state=["random_state"])
    def from_search(
        cls,
        search: Any,
        *,
        metric: str | None = None,
        n_repeats: int = 5,
        random_state: Any = 0,
        ax: Any = None,
        bar_kw: dict[str, Any] | None = None,
        point_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the importance of the parameters of a fitted search.

        Parameters
        ----------
        search : estimator
            Fitted, with at least 10 trials that have a finite score.
        metric : str, optional
            One of several metrics; by default the one that decides.
        n_repeats : int, default=5
            How often each parameter is shuffled in each of five folds.
        random_state : int, RandomState or None, default=0
            Of folds, forest and shuffles.
        ax : Axes or Figure, optional
            Where to draw; by default in a new figure.
        bar_kw, point_kw : dict, optional
            For ``barh`` and ``scatter``.

        Returns
        -------
        ImportanceDisplay

        Raises
        ------
        ValueError
            If there are too few trials, or no parameter has two values.
        """
        importances, names = importance(
            read_outcomes(search, metric), n_repeats, random_state
        )
        return cls(importances, names).plot(ax=ax, bar_kw=bar_kw, point_kw=point_kw)

    def plot(
        self,
        ax: Any = None,
        *,
        bar_kw: dict[str, Any] | None = None,
        point_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the bars again.

        Parameters
        ----------
        ax, bar_kw, point_kw
            As for `from_search`.

        Returns
        -------
        ImportanceDisplay
        """
        n = len(self.parameters)
        ax = one_axes("ImportanceDisplay.plot", ax, height=0.9 + 0.38 * max(n, 2))
        from matplotlib.collections import PathCollection
        from matplotlib.patches import Patch

        colors = palette(ax)
        rows = np.arange(n)[::-1]  # the most important one is at the top
        style = {"color": colors.strong, "height": 0.6, "zorder": 1}
        height = {"height": (bar_kw or {}).get("height", style.pop("height"))}
        others = {k: v for k, v in (bar_kw or {}).items() if k != "height"}
        self.bars_ = ax.barh(
            rows, self.importances_mean, **height, **merged(Patch, style, others)
        )
        spread = np.linspace(-0.18, 0.18, self.importances.shape[1])
        style = {
            "s": 7,
            "color": colors.text,
            "alpha": 0.5,
            "linewidths": 0,
            "zorder": 2,
        }
        ax.scatter(
            self.importances.ravel(),
            (rows[:, None] + spread).ravel(),
            **merged(PathCollection, style, point_kw),
        )
        ax.axvline(0, color=colors.text, linewidth=0.8)
        ax.set_yticks(rows, self.parameters)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(-0.6, n - 0.4)
        ax.set_xlabel("fall of R² if shuffled")
        tidy(ax)
        self.ax_ = ax
        self.figure_ = ax.get_figure(root=True)
        return self


def importance(
    read: Outcomes, n_repeats: int = 5, random_state: Any = 0
) -> tuple[np.ndarray, list[str]]:
    """Return the importance of each parameter in each repeat, and their names, sorted.

    Raises
    ------
    ValueError
        If there are too few trials, or no parameter has two values.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold
    from sklearn.utils import check_random_state

    found = read.finite()
    if len(found) < LEAST_TRIALS:
        raise ValueError(
            f"importance needs at least {LEAST_TRIALS} trials with a finite score; "
            f"this {read.name} has {len(found)}"
        )
    params = [out.params for out in found]
    columns = {n: parameter_axis(n, params).positions for n in read.param_names()}
    columns = {n: c for n, c in columns.items() if len(np.unique(c)) > 1}
    if not columns:
        raise ValueError(f"no parameter of this {read.name} has two values")
    X = np.column_stack(list(columns.values()))
    y = rankdata([out.score for out in found])
    rng = check_random_state(random_state)
    folds = KFold(_FOLDS, shuffle=True, random_state=rng.randint(2**31))
    parts = []
    for train, test in folds.split(X):
        forest = RandomForestRegressor(
            n_estimators=50, min_samples_leaf=2, random_state=rng.randint(2**31)
        )
        forest.fit(X[train], y[train])
        seed = rng.randint(2**31)
        result = permutation_importance(
            forest, X[test], y[test], n_repeats=n_repeats, random_state=seed
        )
        parts.append(result.importances)
    importances = np.hstack(parts)
    order = np.argsort(-importances.mean(axis=1), kind="stable")
    names = list(columns)
    return importances[order], [names[i] for i in order]


def two_most_important(read: Outcomes) -> list[str]:
    """Return the two most important parameters of those that have two values.

    The first two, if there are too few trials to tell; none if there are not two.
    """
    found = read.finite()
    params = [out.params for out in found]
    several = [
        name
        for name in read.param_names()
        if len(np.unique(parameter_axis(name, params).positions)) > 1
    ]
    if len(several) < 2:
        return []
    if len(found) >= LEAST_TRIALS:
        return importance(read, 2)[1][:2]
    return several[:2]
