# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define the methods of a fitted search, which are lazy for Dask collections."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import check_is_fitted

from gpu_hpo._typing import ArrayLike
from gpu_hpo.adaptive._routing import requests_of
from gpu_hpo.metrics._requests import Asked, with_asked
from gpu_hpo.metrics._scoring import Scoring
from gpu_hpo.postfit._postfit_methods import PostfitMethods
from gpu_hpo.postfit._score import score
from gpu_hpo.report._readable import Readable
from gpu_hpo.training._text_labels import Decoded, with_numbers


class PostFit(Readable, PostfitMethods):
    """The methods of the best estimator, on the search that found it."""

    estimator: Any
    best_estimator_: Any
    best_index_: int
    cv_results_: dict[str, Any]
    scoring_: Scoring
    _labels: np.ndarray | None

    @property
    def classes_(self) -> Any:
        """Class labels of the best estimator."""
        return self._fitted_model().classes_

    @property
    def n_features_in_(self) -> int:
        """Features seen in fit."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns seen in fit, if all are strings."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.feature_names_in_

    @property
    def n_iter_(self) -> int:
        """Calls that the best model has made, as scored."""
        check_is_fitted(self, "best_index_")
        return int(self.cv_results_["partial_fit_calls"][self.best_index_])

    def score(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> float:
        """Score the best estimator by the metric of the search.

        Parameters
        ----------
        X, y : array-like or Dask collection
            A Dask collection is predicted block by block.
        **params
            Per-row parameters of the scorer, such as `sample_weight`; with metadata
            routing, what the scorer asks for.

        Returns
        -------
        float
        """
        model = self._fitted_model()
        params = {name: value for name, value in params.items() if value is not None}
        scoring = self.scoring_
        requests = requests_of(self, params.keys())
        if requests is not None:
            process_routing(self, "score", **params)  # says what nobody asks for
            asked = {metric: Asked(names) for metric, names in requests.items()}
            scoring = with_asked(scoring, asked)
        return score(model, scoring, X, y, params)[scoring.decides]

    def _model_or_template(self) -> Any:
        return getattr(self, "best_estimator_", self.estimator)

    def _fitted_model(self) -> Any:
        """Return the best estimator, with the labels that y had."""
        if hasattr(self, "cv_results_") and not hasattr(self, "best_estimator_"):
            raise NotFittedError(
                "there is no best_estimator_: with cv and refit=False no model is "
                "trained on all rows, and a search that was cut short or whose best "
                "model failed has none"
            )
        check_is_fitted(self, "best_estimator_")
        labels = getattr(self, "_labels", None)
        best = self.best_estimator_
        return best if labels is None else Decoded(with_numbers(best, labels), labels)
