# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Predict the labels that y had with a model that was trained on their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import get_tags

from gpu_hpo._typing import ArrayLike
from gpu_hpo.devices._namespace import to_host


class Decoded:
    """A model that was trained on numbers of classes, and predicts labels."""

    def __init__(self, model: Any, labels: np.ndarray) -> None:
        self._model = model
        self.classes_ = labels

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_model":
            raise AttributeError(name)
        return getattr(self._model, name)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the model, by which it is judged what may be done with rows."""
        return {"model": self._model}

    def __sklearn_tags__(self) -> Any:
        return get_tags(self._model)

    def predict(self, X: ArrayLike) -> np.ndarray:
        return self.classes_[np.asarray(to_host(self._model.predict(X)), dtype=int)]

    def score(self, X: ArrayLike, y: ArrayLike, **params: Any) -> float:
        y = np.asarray(to_host(y))
        numbers = np.searchsorted(self.classes_, y)
        known = self.classes_[np.minimum(numbers, len(self.classes_) - 1)] == y
        # A label that was not there in training is none of the model's.
        return float(self._model.score(X, np.where(known, numbers, -1), **params))
