# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Let a search be read: its report, its `repr` and its page in a notebook."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

from gpu_hpo._sklearn_private import _VisualBlock
from gpu_hpo.plotting._values import write_space
from gpu_hpo.report._report import Report

_SPACES = ("parameters", "param_distributions", "param_grid")


class Readable:
    """Gives a search its report, and writes its distributions as people do."""

    def report(self, metric: str | None = None) -> Report:
        """Say what the search found and what it cost.

        Parameters
        ----------
        metric : str, optional
            One of several metrics; by default the one that decides.

        Returns
        -------
        Report
            Text if it is printed, and a page with pictures in a notebook.
        """
        return Report(self, metric)

    def __repr__(self, *args: Any) -> str:
        # Scikit-learn takes an argument, the most characters.
        return BaseEstimator.__repr__(_written(self), *args)

    def _get_params_html(self, *args: Any, **kwargs: Any) -> Any:
        """Return the parameters for scikit-learn's page."""
        return BaseEstimator._get_params_html(_written(self), *args, **kwargs)

    def _sk_visual_block_(self) -> Any:
        """Return what the page shows inside: the best estimator, if there is one."""
        search: Any = self
        name = "best_estimator_" if hasattr(self, "best_estimator_") else "estimator"
        inside = getattr(search, name)
        return _VisualBlock(
            "parallel",
            [inside],
            names=[f"{name}: {type(inside).__name__}"],
            name_details=[str(inside)],
        )


def _written(search: Any) -> Any:
    """Return a copy of a search whose distributions are written as people do."""
    kind: Any = type(search)
    # Scikit-learn breaks lines only for those that have its own `__repr__`.
    plain = {"__repr__": BaseEstimator.__repr__, "__module__": kind.__module__}
    written: Any = type(kind)(kind.__name__, (kind,), plain)
    copied = written.__new__(written)
    copied.__dict__.update(search.__dict__)
    for name in _SPACES:
        if name in copied.__dict__:
            copied.__dict__[name] = write_space(copied.__dict__[name])
    return copied
