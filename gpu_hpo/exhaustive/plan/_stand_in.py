# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Stand in for a transformer that has been fitted elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpu_hpo._typing import Array, ArrayLike, Estimator


class StandIn:
    """A transformer of a composite, whose output is known.

    With it scikit-learn itself joins the outputs of transformers.

    Parameters
    ----------
    fitted : estimator
        The transformer itself, for all other attributes.
    outputs : mapping of str to (array, or Exception)
        Its output, by the kind of rows.

    Attributes
    ----------
    fitted : estimator
    kind : str
        The kind of rows whose output it returns next.
    """

    def __init__(self, fitted: Estimator, outputs: Mapping[str, Array]) -> None:
        self.fitted = fitted
        self.kind = next(iter(outputs))
        self._outputs = outputs

    def __sklearn_clone__(self) -> StandIn:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "fitted":
            raise AttributeError(name)
        return getattr(self.fitted, name)

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> StandIn:
        return self

    def fit_transform(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        return self.transform(X)

    def transform(self, X: ArrayLike) -> Array:
        output = self._outputs[self.kind]
        if isinstance(output, Exception):
            raise output
        return output
