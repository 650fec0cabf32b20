# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define the report of a fitted search."""

from __future__ import annotations

import copy
from typing import Any

from gpu_hpo.plotting._outcomes import read_outcomes
from gpu_hpo.report._facts import facts_of, rows_of
from gpu_hpo.report._lines import head_of, lines_of

_WIDTH = 22  # letters of a heading


class Report:
    """Say what a search found, what it cost, and what it would have cost otherwise.

    ``search.report()`` makes it. Printed, it is text; in a notebook it is a page with
    pictures, if matplotlib is installed. What was not recorded is said to be not known.

    Parameters
    ----------
    search : estimator
        Fitted; or a search that ended early, for what was known by then.
    metric : str, optional
        One of several metrics; by default the one that decides.

    Raises
    ------
    NotFittedError
        If nothing is known of the search.
    ValueError
        If it has no such metric.

    Notes
    -----
    The bound is the least time that training could take on these slots: all seconds of
    tasks divided by the slots, or the longest chain of tasks that one trial went
    through, whichever is longer. What the search would have cost without early stopping
    is the mean price of its calls, times the most calls that any trial may make, for
    all trials; scores and idle time are left out on both sides.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import SGDClassifier
    >>> from gpu_hpo.model_selection import HyperbandSearchCV
    >>> X, y = load_digits(return_X_y=True)
    >>> params = {"alpha": loguniform(1e-5, 1e1)}
    >>> search = HyperbandSearchCV(SGDClassifier(), params, max_iter=9, random_state=0)
    >>> report = search.fit(X, y).report()
    >>> report.to_dict()["without_early_stopping"]["calls"]
    153
    """

    def __init__(self, search: Any, metric: str | None = None) -> None:
        self._metric = metric
        self._read = read_outcomes(search, metric)
        self._facts = facts_of(self._read)

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers by name; None is what was not recorded.

        Returns
        -------
        dict
            ``search``, ``best``, ``seconds``, ``workers``, ``work``, ``rows``,
            ``status``, ``stopped``, ``failures``, ``without_early_stopping`` and
            ``device``. Seconds are those of the clock in ``seconds``, and sums over
            workers in ``work``.
        """
        return copy.deepcopy(self._facts)

    def to_frame(self) -> Any:
        """Return one row per trial, or candidate.

        Returns
        -------
        pandas.DataFrame
            ``trial``, ``param_NAME``, ``calls``, ``score``, ``fit_seconds``,
            ``score_seconds``, ``status``, ``worker`` (all on which it trained) and
            ``ended``, which says why.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "Report.to_frame needs pandas, which is not installed: to_dict does not"
            ) from error
        return pandas.DataFrame(rows_of(self._read))

    def __str__(self) -> str:
        lines = [head_of(self._facts)]
        for heading, line in lines_of(self._facts):
            lines.append(f"  {heading:<{_WIDTH}}{line}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        # Drawn when it is shown: a search need not wait for pictures.
        from gpu_hpo.report._page import page_of

        return page_of(self._read, self._facts, self._metric)
