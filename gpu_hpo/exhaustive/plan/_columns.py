# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Select the columns that a transformer of a ColumnTransformer gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer

from gpu_hpo._typing import Array, ArrayLike

REMAINDER = "remainder"


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns that a ColumnTransformer gives to one of its parts.

    Attributes
    ----------
    layout : tuple of (str, object)
        Names of the transformers, and the columns that each is set to take.
    part : str
        One of these names, or "remainder": all columns that none takes.
    """

    layout: tuple[tuple[str, Any], ...]
    part: str

    def of(self, X: Array, others: Sequence[Array] = ()) -> list[Array] | None:
        """Take the columns, as scikit-learn does.

        Parameters
        ----------
        X : array, sparse matrix or frame
            Determines which columns are taken.
        others : sequence of array, sparse matrix or frame
            Other rows, from which the same columns are taken.

        Returns
        -------
        list of array, sparse matrix or frame; or None
            The columns of X and of each of the others; None if no column is selected.
            An Exception stands in place of columns that cannot be taken.
        """
        probe = _Probe()
        rest = self.part == REMAINDER
        columns = ColumnTransformer(
            [
                (name, probe if name == self.part else "drop", c)
                for name, c in self.layout
            ],
            remainder=probe if rest else "drop",
        )
        with config_context(transform_output="default"):
            columns.fit_transform(X)
            if probe.seen is None:
                return None
            selected = [probe.seen]
            for other in others:
                try:
                    columns.transform(other)
                    selected.append(probe.seen)
                except Exception as error:  # raised where the columns are used
                    selected.append(error)
        return selected


class _Probe(TransformerMixin, BaseEstimator):
    """Keeps what it is given."""

    seen: Array = None

    def __sklearn_clone__(self) -> _Probe:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Array, y: ArrayLike | None = None) -> _Probe:
        return self

    def fit_transform(self, X: Array, y: ArrayLike | None = None) -> Array:
        return self.transform(X)

    def transform(self, X: Array) -> Array:
        self.seen = X
        return np.zeros((X.shape[0], 1))
