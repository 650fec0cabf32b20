# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Know on a worker when the time of a search is over, by the worker's own clock."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from time import perf_counter

_KEPT = 64  # searches
_lock = threading.Lock()
_ends: OrderedDict[str, float] = OrderedDict()


def deadline(search: str, began: float, left: float) -> float:
    """Return the moment from which a task makes no further call.

    A task that waited for others has begun later than was thought when it was handed
    out. So the earliest end that any task of the search has had here is that of all.

    Parameters
    ----------
    search : str
    began : float
        When the task did, by `time.perf_counter`.
    left : float
        Seconds that it may take, as was thought when it was handed out.
    """
    if left == math.inf:
        return math.inf
    with _lock:
        end = min(_ends.pop(search, math.inf), began + left)
        _ends[search] = end
        while len(_ends) > _KEPT:
            _ends.popitem(last=False)
    return end


def waited_too_long(end: float, left: float) -> bool:
    """Return whether time was over when a task began, that had time at first."""
    return left > 0 and perf_counter() > end
