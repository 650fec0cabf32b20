# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Stand in for a transformer that has been fitted elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class StandIn:
    """A transformer of a composite, whose output is known.

    With it scikit-learn itself joins the outputs of transformers.

    Parameters
    ----------
    fitted : estimator
        The part itself, which knows what else there is to be asked.
    answers : mapping of str to (array, or Exception)
        What it gives, by the kind of rows.

    Attributes
    ----------
    fitted : estimator
    kind : str
        The kind of rows whose output it returns next.
    """

    def __init__(self, fitted: Any, answers: Mapping[str, Any]) -> None:
        self.fitted = fitted
        self.kind = next(iter(answers))
        self._answers = answers

    def __sklearn_clone__(self) -> StandIn:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "fitted":
            raise AttributeError(name)
        return getattr(self.fitted, name)

    def fit(self, X: Any, y: Any = None) -> StandIn:
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        return self.transform(X)

    def transform(self, X: Any) -> Any:
        answer = self._answers[self.kind]
        if isinstance(answer, Exception):
            raise answer
        return answer
