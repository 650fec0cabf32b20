# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Share what the adaptive searches have in common, as scikit-learn sees them."""

from __future__ import annotations

import threading
import warnings
from abc import ABCMeta
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

from distributed import Client, Future
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.callback import CallbackSupportMixin
from sklearn.metrics import check_scoring
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

from gpu_hpo._config import read_seconds
from gpu_hpo._sklearn_private import Interval, RealNotInt, StrOptions
from gpu_hpo._typing import ArrayLike, Estimator, ParameterSpace, RandomState
from gpu_hpo.adaptive._postfit import PostFit
from gpu_hpo.adaptive._run import SearchRun
from gpu_hpo.adaptive._search_args import SearchArgs, read_search_args
from gpu_hpo.adaptive._search_space import n_distinct
from gpu_hpo.compute._clients import search_client
from gpu_hpo.exceptions import GpuHpoWarning
from gpu_hpo.metrics._scoring import make_scoring

_FITTED = (
    "best_estimator_",
    "best_index_",
    "best_params_",
    "best_score_",
    "cv_results_",
    "device_",
    "history_",
    "metadata_",
    "model_history_",
    "multimetric_",
    "n_splits_",
    "refit_time_",
    "scorer_",
    "scoring_",
)


class BaseIncrementalSearchCV(
    SearchRun,
    PostFit,
    CallbackSupportMixin,
    MetaEstimatorMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Base of the searches that stop early.

    Subclasses say which schedule they follow; see `HyperbandSearchCV` for the
    parameters.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": "no_validation",  # may be a future; see _check_estimator
        "parameters": [dict, list, tuple],
        "test_size": [Interval(RealNotInt, 0, 1, closed="neither"), None],
        "patience": ["boolean", Interval(Integral, 0, None, closed="left")],
        "tol": [Interval(Real, None, None, closed="neither"), None, "nan"],
        "random_state": ["random_state"],
        "scoring": [str, callable, list, tuple, dict, None],
        "verbose": ["boolean", Interval(Real, 0, 1, closed="both")],
        "prefix": [str],
        "refit": ["boolean", str, None],
        "cv": ["cv_object"],
        "stratify": ["boolean", None],
        "chunk_size": [Interval(Integral, 1, None, closed="left"), None],
        "stack": ["boolean"],
        "resource": [str],
        "device": [StrOptions({"auto", "cpu", "cuda"})],
    }

    def __init__(
        self,
        estimator: Estimator | Future,
        parameters: ParameterSpace,
        *,
        patience: int | bool,
        tol: float | None,
        test_size: float | None,
        random_state: RandomState,
        scoring: Any,
        verbose: bool | float,
        prefix: str,
        refit: bool | str | None,
        cv: Any,
        stratify: bool | None,
        chunk_size: int | None,
        stack: bool,
        resource: str,
        device: str,
    ) -> None:
        self.estimator = estimator
        self.parameters = parameters
        self.patience = patience
        self.tol = tol
        self.test_size = test_size
        self.random_state = random_state
        self.scoring = scoring
        self.verbose = verbose
        self.prefix = prefix
        self.refit = refit
        self.cv = cv
        self.stratify = stratify
        self.chunk_size = chunk_size
        self.stack = stack
        self.resource = resource
        self.device = device

    # ---- fit ----

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        validation_data: Sequence[ArrayLike] | None = None,
        **fit_params: Any,
    ) -> Any:
        """Search.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_features)
            List, NumPy or CuPy array, pandas or cuDF frame, scipy.sparse matrix, Dask
            array or frame of these. The chunks of a Dask collection are the chunks
            that models train on, one a call; anything else is cut by `chunk_size`.
        y : array-like or Dask collection of shape (n_samples,), optional
        groups : array-like or Dask collection of shape (n_samples,), optional
            Rows of one group either train or validate, all of them.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows to score models on; all of X then trains. Like X and y.
        **fit_params
            What has one entry per row, `sample_weight` for one, is cut along with X,
            and `sample_weight` goes to the scorer as well if that takes it. Anything
            else goes to every call of `partial_fit`, or `fit`, as it is. `classes` are
            found from y if not given.

        Returns
        -------
        self
            With an asynchronous Dask client: an awaitable of it.

        Raises
        ------
        ValueError, TypeError
            For arguments that make no sense, before any training.
        DeviceNotFoundError
            If ``device="cuda"`` and a worker has no GPU.
        NoCounterpartError
            If the estimator, or a value that was sampled, cannot train on the device.
        NoFiniteScoreError
            If no trial got a finite score.
        """
        self._validate_params()
        if self._patience() == 1:
            raise ValueError(
                f"patience={self.patience!r} would see a plateau at every score; "
                "it must be False, or at least 2"
            )
        budget, most = self._budget(), self._max_calls()
        search_args = read_search_args(
            self,
            X,
            y,
            fit_params,
            budget,
            most,
            groups=groups,
            validation_data=validation_data,
        )
        for name in _FITTED:
            # What an earlier fit found is not what this one knows if it ends early.
            self.__dict__.pop(name, None)
        with search_client() as client:
            if client.asynchronous:
                return self._search(client, search_args)
            return self._block(client, search_args)

    def _block(self, client: Client, search_args: SearchArgs) -> Any:
        """Run the search on the client's event loop and wait for it."""
        ended = threading.Event()

        async def search() -> Any:
            try:
                return await self._search(client, search_args)
            finally:
                ended.set()

        try:
            return client.sync(search)
        except KeyboardInterrupt:
            # The client cancels the search, which then keeps what is known.
            ended.wait(read_seconds("interrupt-timeout"))
            raise

    # ---- scikit-learn ----

    def get_metadata_routing(self) -> MetadataRouter:
        """Return who gets which fit parameter, for scikit-learn's metadata routing."""
        router = MetadataRouter(owner=self)
        router.add(
            estimator=self.estimator,
            method_mapping=MethodMapping().add(
                caller="fit", callee=self._budget().method
            ),
        )
        if self.scoring is None:
            scorer = check_scoring(self.estimator)  # what its `score` asks for
        else:
            scorer = make_scoring(self.estimator, self.scoring, self.refit).scorer
        return router.add(
            scorer=scorer,
            method_mapping=MethodMapping()
            .add(caller="fit", callee="score")
            .add(caller="score", callee="score"),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if isinstance(self.estimator, Future):
            return tags
        theirs = get_tags(self.estimator)
        tags.estimator_type = theirs.estimator_type
        tags.classifier_tags = theirs.classifier_tags
        tags.regressor_tags = theirs.regressor_tags
        tags.transformer_tags = theirs.transformer_tags
        tags.target_tags = theirs.target_tags
        tags.input_tags = theirs.input_tags
        return tags


def warn_small_space(params: Sequence[Mapping[str, Any]], wanted: str) -> None:
    """Warn that the space holds fewer parameter sets than were to be sampled.

    Parameters
    ----------
    params : sequence of dict
        One for each model; each set of the space is among them.
    wanted : str
        How many were to be sampled.
    """
    warnings.warn(
        f"parameters is a space of {n_distinct(params)} distinct sets where {wanted} "
        f"were to be sampled: {len(params)} models are trained",
        GpuHpoWarning,
        stacklevel=2,
    )
