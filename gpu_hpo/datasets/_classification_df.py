# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Generate a classification problem as a Dask frame, with dates if asked."""

from __future__ import annotations

import inspect
from datetime import date, datetime
from numbers import Integral, Real
from typing import Any

import numpy as np

from gpu_hpo._sklearn_private import Interval
from gpu_hpo._typing import SeedSource
from gpu_hpo.data._random_split import root_seed
from gpu_hpo.datasets._blocks import (
    Chunks,
    Generators,
    check_arguments,
    draw_blocks,
    empty_rows,
)
from gpu_hpo.datasets._classification import make_classification

# What a seed is for. Those of `make_classification` are 0 to 2.
_RESPONSES, _DATES = 3, 4
# Arguments that others replace here, or that do not suit frames.
_NOT_PASSED_ON = ("weights", "flip_y", "n_classes", "like")

_CONSTRAINTS = {
    "n_samples": [Interval(Integral, 1, None, closed="left")],
    "response_rate": [Interval(Real, 0, 1, closed="both")],
    "predictability": [Interval(Real, 0, 1, closed="both")],
    "dates": [tuple, list, None],
}


def make_classification_df(
    n_samples: int = 10000,
    response_rate: float = 0.5,
    predictability: float = 0.1,
    random_state: SeedSource = None,
    chunks: Chunks = None,
    dates: tuple[date, date] | None = None,
    **kwargs: Any,
) -> tuple[Any, Any]:
    """Make a random problem with two classes as a Dask frame, as large as you like.

    The columns are those of `make_classification`. Unlike in dask-ml, `response_rate`
    and `predictability` have an effect.

    Parameters
    ----------
    n_samples : int, default=10000
        Rows.
    response_rate : float, default=0.5
        Share of the rows that are of class 1.
    predictability : float, default=0.1
        Share of the rows whose class is that of their cluster. The classes of the
        others are drawn by `response_rate`, independently of their columns.
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
        Makes the data reproducible, for the same `chunks`.
    chunks : int, tuple, "auto" or None, default=None
        As in `make_classification`; for example the rows of a partition.
    dates : tuple of (start, end), optional
        Two ``datetime.date`` or ``datetime.datetime``: there is then a column "date",
        drawn as by `random_date`.
    **kwargs
        Passed on to `make_classification`: "n_features", "class_sep" and so on, but not
        "weights" and "flip_y", which `response_rate` and `predictability` stand for,
        nor "n_classes" and "like".

    Returns
    -------
    X : dask.dataframe.DataFrame
        Columns "var0", "var1" and so on of float64, and "date" of datetime64 if asked
        for.
    y : dask.dataframe.Series of int64
        Named "target", in the partitions of `X`. It can be computed without `X`.

    Raises
    ------
    ValueError
        If an argument is out of range.
    TypeError
        If an argument cannot be passed on.

    Notes
    -----
    ``to_backend("cudf")`` of either moves it to the workers' GPUs, in tasks.

    Examples
    --------
    >>> from gpu_hpo.datasets import make_classification_df
    >>> X, y = make_classification_df(n_samples=100, n_features=4, chunks=50)
    >>> list(X.columns), y.name, X.npartitions
    (['var0', 'var1', 'var2', 'var3'], 'target', 2)
    """
    import dask.dataframe as dd

    check_arguments("make_classification_df", _CONSTRAINTS, dict(locals()))
    known = inspect.signature(make_classification).parameters.keys()
    for name, value in kwargs.items():
        if name in _NOT_PASSED_ON or name not in known:
            raise TypeError(f"make_classification_df does not take {name}={value!r}")
    root = root_seed(random_state)
    X, y = make_classification(
        n_samples=n_samples,
        weights=[1 - response_rate, response_rate],
        flip_y=0.0,
        random_state=root,
        chunks=chunks,
        **kwargs,
    )
    y = draw_blocks(
        _redraw,
        y,
        root,
        dtype=y.dtype,
        response_rate=float(response_rate),
        predictability=float(predictability),
    )
    frame = dd.from_dask_array(X, columns=[f"var{i}" for i in range(X.shape[1])])
    if dates is not None:
        start, step, n_steps = _period(dates)
        drawn = draw_blocks(
            _draw_dates,
            empty_rows(X.chunks[0]),
            root,
            dtype=start.dtype,
            start=start,
            step=step,
            n_steps=n_steps,
        )
        frame = frame.assign(date=dd.from_dask_array(drawn))
    return frame, dd.from_dask_array(y, columns="target")


def _period(dates: tuple[date, date]) -> tuple[np.datetime64, np.timedelta64, int]:
    """Return the first date of a period, the time between two, and their number."""
    if len(dates) != 2 or not all(isinstance(end, date) for end in dates):
        raise ValueError(f"dates={dates!r} must be two dates, or two dates and times")
    has_time = any(isinstance(end, datetime) for end in dates)
    step = np.timedelta64(1, "s") if has_time else np.timedelta64(1, "D")
    start, end = (np.datetime64(end, "us") for end in dates)
    n_steps = int((end - start) // step)
    if n_steps < 0:
        raise ValueError(f"dates={dates!r} must be in order")
    return start, step, n_steps


def _redraw(
    y: np.ndarray, generators: Generators, response_rate: float, predictability: float
) -> np.ndarray:
    """Draw classes that are not to be predictable anew."""
    rng = generators(_RESPONSES)
    responses = rng.uniform(size=len(y)) < response_rate
    return np.where(rng.uniform(size=len(y)) < predictability, y, responses)


def _draw_dates(
    block: np.ndarray,
    generators: Generators,
    start: np.datetime64,
    step: np.timedelta64,
    n_steps: int,
) -> np.ndarray:
    return start + step * generators(_DATES).integers(
        n_steps, size=len(block), endpoint=True
    )
