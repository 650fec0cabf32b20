# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a row of the table is, and data that many rows share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import scipy.sparse

from tests.bad_calls.kinds import INF, NAN, Bad, these
from tests.model_selection.helpers import make_data

X, y = make_data()
LAZY_X, LAZY_Y = da.from_array(X, chunks=(50, 4)), da.from_array(y, chunks=50)
NONE = (None,)


@dataclass
class Call:
    """A callable, arguments that it takes, and what it refuses.

    `together` are arguments each of which would do, if the others were not there, and
    the words that must be in the message.
    """

    call: Callable[..., Any]
    valid: dict[str, Any]
    bad: dict[str, Bad]
    together: list[tuple[dict[str, Any], tuple[str, ...]]] = field(default_factory=list)


def with_rows(value, column=1, row=3):
    """Return X in which one number is another value."""
    changed = X.astype(np.result_type(X, type(value)))
    changed[row, column] = value
    return changed


BAD_X = these(
    3,
    "text",
    None,
    {"a": 1},
    X[:, 0],
    X[:, :, None],
    X[:, :0],
    X[:0],
    X[:100],
)
# Only what an estimator of scikit-learn or gpu_hpo is certain to refuse.
BAD_NUMBERS = these(
    with_rows(NAN),
    with_rows(INF),
    with_rows(-INF),
    with_rows(1j),
    np.full(X.shape, "x"),
    np.full(X.shape, "x", dtype=object),
    pd.DataFrame(X).assign(a="x"),
    pd.DataFrame(X).where(X < 1, None),
    scipy.sparse.csr_array(with_rows(NAN)),
    X[:, :0],
)
BAD_Y = these(3, "text", {"a": 1}, y[:100], np.where(y == 1, NAN, 0), X[:, 0])
BAD_WEIGHT = these(-np.ones(200), np.full(200, NAN), np.zeros(200), np.ones(199), 2)
