# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Check that a score is a real number."""

from __future__ import annotations

from typing import Any, SupportsFloat, SupportsIndex

import numpy as np


def real_number(score: Any, scorer: Any) -> float:
    """Return a scorer's result as a plain number, which may be NaN or infinite.

    Parameters
    ----------
    score : object
        A number of Python's or NumPy's, or an array of one, wherever it is.
    scorer : object
        The scorer, or the name of the score.

    Raises
    ------
    ValueError
        With scikit-learn's words, if it is anything else: None, a text, a complex
        number, several numbers, or a masked value.
    """
    if type(score) in (float, np.float64):
        return float(score)
    try:
        one = score.item() if hasattr(score, "item") else score
        if isinstance(one, SupportsFloat | SupportsIndex) and score is not np.ma.masked:
            return float(one)
        why = None
    except Exception as error:  # arrays of several numbers raise different errors
        why = error
    raise ValueError(
        f"scoring must return a number, got {score} ({type(score)}) instead. "
        f"(scorer={scorer})"
    ) from why
