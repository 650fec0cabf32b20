# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw random points in time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TypeVar

import numpy as np

from gpu_hpo._arguments import SEED, checked
from gpu_hpo._typing import SeedSource
from gpu_hpo.data._random_split import root_seed

Date = TypeVar("Date", date, datetime)


@checked(start=[date], end=[date], random_state=SEED)
def random_date(start: Date, end: Date, random_state: SeedSource = None) -> Date:
    """Draw a date, or a date and time, from a period.

    Parameters
    ----------
    start, end : datetime.date or datetime.datetime
        The period, both ends included.
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
        The same integer draws the same date.

    Returns
    -------
    datetime.date or datetime.datetime
        Whole days from `start`, or for times whole seconds.

    Raises
    ------
    ValueError
        If `end` is before `start`, or an argument is of another type.

    Examples
    --------
    >>> from datetime import date
    >>> from gpu_hpo.datasets import random_date
    >>> random_date(date(2020, 1, 1), date(2020, 1, 1))
    datetime.date(2020, 1, 1)
    """
    if isinstance(start, datetime) != isinstance(end, datetime):
        raise TypeError(
            f"start={start!r} and end={end!r} must both be dates, or both times"
        )
    step = timedelta(seconds=1) if isinstance(start, datetime) else timedelta(days=1)
    n_steps = (end - start) // step
    if n_steps < 0:
        raise ValueError(f"end={end!r} is before start={start!r}")
    rng = np.random.default_rng(root_seed(random_state))
    return start + step * int(rng.integers(n_steps, endpoint=True))
