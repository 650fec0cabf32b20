# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Respond to Dask data with an estimator, whatever it was trained on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.exceptions import NotFittedError
from sklearn.metrics import check_scoring
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from gpu_hpo._sklearn_private import (
    _routing_enabled,
    validate_parameter_constraints,
)
from gpu_hpo._typing import ArrayLike, Estimator, Params, Scorers
from gpu_hpo.metrics._metric import metric_of_score
from gpu_hpo.metrics._scoring import Scoring, make_scoring
from gpu_hpo.postfit._postfit_methods import PostfitMethods
from gpu_hpo.postfit._score import lazy_score, score
from gpu_hpo.stacks._contract import stack_key
from gpu_hpo.wrappers._signatures import signed_as
from gpu_hpo.wrappers._stacking import WrappedStack

# Methods that are those of the wrapped estimator, or missing.
_METHODS_INSIDE = frozenset(
    {
        "decision_function",
        "fit",
        "inverse_transform",
        "partial_fit",
        "predict",
        "predict_log_proba",
        "predict_proba",
        "score",
        "stack_key",
        "transform",
    }
)


class ParallelPostFit(PostfitMethods, MetaEstimatorMixin, BaseEstimator):
    """Predicts, transforms and scores Dask data block by block.

    Training is the wrapped estimator's own, on data that it can take. What follows may
    then be larger than memory: for Dask arrays and frames the methods are lazy, and
    each block is answered for by itself, by the workers of a cluster if there is one.
    Blocks stay where they are and what they are, in the memory of a GPU for one.

    Parameters
    ----------
    estimator : estimator
        Is trained itself, not a copy of it. May be fitted already.
    scoring : str, callable, list, tuple, dict or None, default=None
        Of `score`, as in scikit-learn; with several metrics `score` gives a dict. None
        is the estimator's own `score`, which for most is accuracy or R².
    predict_meta : array, frame or series, optional
        Of the kind, dtype and columns that `predict` gives; how many rows it has does
        not matter. If None, `predict` is tried on one row: of zeros for an array, of
        Dask's examples for a frame. Give it where a model refuses such a row.
    predict_proba_meta, transform_meta : array, frame or series, optional
        Likewise, for `predict_proba` and `predict_log_proba`, and for `transform`.

    Attributes
    ----------
    n_features_in_ : int
        Features seen in fit.
    *_
        Whatever else the estimator has learned, `classes_` and `coef_` for two: its
        attributes whose names end in an underscore are this object's as well.

    See Also
    --------
    Incremental : Trains block by block, too.

    Notes
    -----
    A method is there if the estimator has it. Its result is a Dask array where the
    estimator gives arrays, as scikit-learn's do also for frames; the chunk sizes of the
    latter are not known. Where the estimator gives frames or series (those of cuML for
    cuDF, scikit-learn's after ``set_output``), it is a Dask frame or series. Lazy
    results hold the model: one that is trained on in the meantime answers as it then
    is.

    In searches, models that train as stacks do so in their wrappers, too.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from gpu_hpo.wrappers import ParallelPostFit
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ParallelPostFit(LogisticRegression(max_iter=1000)).fit(X, y)
    >>> large = da.concatenate([da.from_array(X, chunks=50)] * 10)
    >>> model.predict(large)[:2].compute()
    array([0, 0])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": "no_validation",  # see _check
        "scoring": [str, callable, list, tuple, set, dict, None],
        "predict_meta": "no_validation",
        "predict_proba_meta": "no_validation",
        "transform_meta": "no_validation",
    }

    # Neither is metadata, but an argument of `score` and what the scorer asks for.
    __metadata_request__score = {"compute": UNUSED, "sample_weight": UNUSED}

    # The method of the estimator that `fit` calls.
    _fits_by = "fit"

    def __init__(
        self,
        estimator: Estimator | None = None,
        scoring: Scorers | None = None,
        predict_meta: ArrayLike | None = None,
        predict_proba_meta: ArrayLike | None = None,
        transform_meta: ArrayLike | None = None,
    ) -> None:
        self.estimator: Any = estimator
        self.scoring: Any = scoring
        self.predict_meta = predict_meta
        self.predict_proba_meta = predict_proba_meta
        self.transform_meta = transform_meta

    # ---- training ----

    @signed_as("fit")
    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **fit_params: Any) -> Self:
        """Fit the estimator.

        Parameters
        ----------
        X, y
            What the estimator takes.
        **fit_params
            Go to its `fit` as they are.

        Returns
        -------
        self
        """
        return self._train_inside("fit", X, y, fit_params)

    @signed_as("partial_fit")
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike | None = None, **fit_params: Any
    ) -> Self:
        """Train the estimator on by one call.

        Parameters
        ----------
        X, y, **fit_params
            As of `fit`, for its `partial_fit`.

        Returns
        -------
        self
        """
        return self._train_inside("partial_fit", X, y, fit_params)

    def _train_inside(
        self, method: str, X: ArrayLike, y: ArrayLike | None, params: Params
    ) -> Self:
        self._check()
        params = self._routed(method, params)
        getattr(self.estimator, method)(X, y, **params)
        return self._take_over(self.estimator)

    def _check(self) -> None:
        """Raise if an argument of the constructor makes no sense."""
        self._validate_params()
        if isinstance(self.estimator, type):
            raise TypeError(
                f"estimator={self.estimator.__name__} must be an instance, not a class"
            )
        for name in ("predict_meta", "predict_proba_meta", "transform_meta"):
            meta = getattr(self, name)
            if meta is not None and not hasattr(meta, "shape"):
                raise TypeError(
                    f"{name}={meta!r} must be an array, a frame or a series"
                )

    # ---- scores ----

    @available_if(lambda self: self.scoring is not None or _has_score(self))
    def score(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        compute: bool = True,
        sample_weight: ArrayLike | None = None,
        **score_params: Any,
    ) -> Any:
        """Score the estimator by `scoring`.

        Of a Dask X only predictions, or what else the metric asks for, are brought to
        one place. A callable that is no scorer of scikit-learn's, and an estimator's
        own `score` that is not accuracy or R², are given all rows in one piece.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_features)
        y : array-like or Dask collection of shape (n_samples,), optional
        compute : bool, default=True
            Whether to compute the score now.
        sample_weight : array-like or Dask collection of shape (n_samples,), optional
        **score_params : array-like or Dask collection of shape (n_samples, ...)
            Other parameters of the metric.

        Returns
        -------
        float, or dict of str to float
            A dict if `scoring` names several metrics. If not to be computed:
            a ``dask.delayed.Delayed`` of it.
        """
        self._check()
        validate_parameter_constraints(
            {"compute": ["boolean"]}, {"compute": compute}, caller_name="score"
        )
        given = {"sample_weight": sample_weight, **score_params}
        given = {name: value for name, value in given.items() if value is not None}
        if _routing_enabled() and given:
            given = dict(process_routing(self, "score", **given).scorer["score"])
        model = self._fitted_model()
        scoring = self._metrics(model)
        scores = (score if compute else lazy_score)(model, scoring, X, y, given)
        return scores if _is_several(self.scoring) else scores[scoring.decides]

    def _metrics(self, model: Estimator) -> Scoring:
        scoring = self.scoring
        if _is_several(scoring):
            return make_scoring(model, scoring, next(iter(scoring), None))
        return make_scoring(
            model, _metric_of_score(model) if scoring is None else scoring
        )

    # ---- the estimator inside ----

    def _fitted_model(self) -> Any:
        return self.estimator

    def _model_or_template(self) -> Any:
        return self.estimator

    def _learned(self) -> Any:
        """Return what has the learned attributes, if anything has."""
        # Not by attribute, since this is asked for those that are missing.
        return vars(self).get("estimator")

    def _to_train(self) -> Any:
        """Return the model that a call of `partial_fit` trains."""
        return self.estimator

    def _take_over(self, model: Estimator) -> Self:
        """Turn this into the wrapper of a model that was trained."""
        self.estimator = model
        return self._note_features(model)

    def _note_features(self, model: Estimator) -> Self:
        # As scikit-learn's meta-estimators do, for those who look at what is in here.
        self.__dict__.pop("n_features_in_", None)
        if hasattr(model, "n_features_in_"):
            self.n_features_in_ = model.n_features_in_
        return self

    def __getattr__(self, name: str) -> Any:
        if name.endswith("_") and not name.startswith("_"):
            learned = self._learned()
            if learned is not None:
                return getattr(learned, name)
        elif name in _METHODS_INSIDE:
            raise AttributeError(
                f"The wrapped estimator '{self.estimator!r}' does not have a '{name}' "
                "method."
            )
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}"
        )

    # ---- the stack contract ----

    @available_if(lambda self: _can_be_stacked(self._model_or_template()))
    def stack_key(self) -> Hashable:
        """Return what models that share a stack have in common, by their estimators.

        Returns
        -------
        Hashable
        """
        return stack_key(self._model_or_template())

    @classmethod
    def stack(cls, models: Sequence[Estimator]) -> WrappedStack:
        """Return a stack of wrappers with equal keys, which are left as they are.

        Parameters
        ----------
        models : sequence of ParallelPostFit

        Returns
        -------
        Stack
            See `gpu_hpo.stacks.Stack`.
        """
        return WrappedStack(models)

    # ---- scikit-learn ----

    def __sklearn_is_fitted__(self) -> bool:
        try:
            check_is_fitted(self._fitted_model())
        except (NotFittedError, TypeError):
            return False
        return True

    def __sklearn_tags__(self) -> Any:
        if self.estimator is None:
            return super().__sklearn_tags__()
        return get_tags(self.estimator)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return who gets which parameter, for scikit-learn's metadata routing.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        methods = MethodMapping().add(caller="fit", callee=self._fits_by)
        methods.add(caller="partial_fit", callee="partial_fit")
        router = MetadataRouter(owner=self).add(
            estimator=self.estimator, method_mapping=methods
        )
        if not hasattr(self, "score"):
            return router
        return router.add(
            scorer=check_scoring(self.estimator, self.scoring),
            method_mapping=MethodMapping().add(caller="score", callee="score"),
        )

    def _routed(self, caller: str, params: Params) -> dict[str, Any]:
        """Return the parameters that go to a method of the estimator."""
        if not _routing_enabled() or not params:
            return dict(params)
        callee = self._fits_by if caller == "fit" else caller
        return dict(process_routing(self, caller, **params).estimator[callee])


def _has_score(wrapper: ParallelPostFit) -> bool:
    return hasattr(wrapper._model_or_template(), "score")


def _can_be_stacked(model: Estimator) -> bool:
    return hasattr(model, "stack_key") and hasattr(type(model), "stack")


def _is_several(scoring: Any) -> bool:
    return isinstance(scoring, list | tuple | set | Mapping)


def _metric_of_score(model: Any) -> str | None:
    """Name the metric that a model's own `score` is, if it needs responses only."""
    method = getattr(getattr(type(model), "score", None), "__qualname__", "")
    if method == "Pipeline.score":
        # That of the last step, on what the others make of X.
        return _metric_of_score(model.steps[-1][1])
    if isinstance(model, ParallelPostFit) and model.scoring is None:
        return _metric_of_score(model._fitted_model())
    return metric_of_score(model)
