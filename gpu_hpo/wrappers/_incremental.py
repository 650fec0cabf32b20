# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train an estimator block by block."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import dask
import dask.array as da
import numpy as np
from dask.base import is_dask_collection
from sklearn.base import clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from gpu_hpo._arguments import check_classes
from gpu_hpo._typing import ArrayLike, Estimator, Params, RandomState, Scorers
from gpu_hpo.data._blocks import as_blocks, is_per_row, known_length
from gpu_hpo.postfit._lazily import check_has_blocks
from gpu_hpo.training._pipelines import classes_of_columns
from gpu_hpo.wrappers._chain import labels_by_column, train_in_chain
from gpu_hpo.wrappers._parallel_post_fit import ParallelPostFit
from gpu_hpo.wrappers._signatures import signed_as


class Incremental(ParallelPostFit):
    """Trains a model by `partial_fit` on one block of Dask data after another.

    The data may be larger than memory: blocks are read when the model comes to need
    them. `fit` goes through all of them once, `partial_fit` once more. What is not
    Dask's is one block. After fit, the object does what `ParallelPostFit` does.

    Parameters
    ----------
    estimator : estimator
        Has `partial_fit`. A copy of it is trained.
    scoring : str, callable, list, tuple, dict or None, default=None
        As of `ParallelPostFit`.
    shuffle_blocks : bool, default=True
        Whether blocks come in random order. The rows of a block stay as they are.
    random_state : int, RandomState or None, default=None
        Gives the order of the blocks.
    assume_equal_chunks : bool, default=True
        Accepted for dask-ml's sake; without effect.
    predict_meta, predict_proba_meta, transform_meta : array, frame or series, optional
        As of `ParallelPostFit`.

    Attributes
    ----------
    estimator_ : estimator
        The model that was trained.
    n_features_in_ : int
        Features seen in fit.
    *_
        Whatever else the model has learned, as of `ParallelPostFit`.

    See Also
    --------
    ParallelPostFit : Trains as the estimator does.
    gpu_hpo.model_selection.HyperbandSearchCV : Trains many models block by block.

    Notes
    -----
    Training is a chain of Dask tasks, one for each block, on whatever scheduler Dask
    uses: that of a cluster, if there is a client. If a worker dies with the model, the
    chain begins anew from what it began with, so that what comes out is as if nothing
    had happened. A call that fails leaves the model as it was, if it is given Dask
    data.

    Examples
    --------
    >>> from sklearn.linear_model import SGDClassifier
    >>> from gpu_hpo.datasets import make_classification
    >>> from gpu_hpo.wrappers import Incremental
    >>> X, y = make_classification(
    ...     n_samples=2000, n_features=5, chunks=200, random_state=0
    ... )
    >>> model = Incremental(SGDClassifier(random_state=0), random_state=0)
    >>> bool(model.fit(X, y).score(X, y) > 0.6)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **ParallelPostFit._parameter_constraints,
        "shuffle_blocks": ["boolean"],
        "random_state": ["random_state"],
        "assume_equal_chunks": ["boolean"],
    }

    _fits_by = "partial_fit"
    # Dask collections are gone through block by block, and never in one piece.
    _takes_blocks = True

    def __init__(
        self,
        estimator: Estimator | None = None,
        scoring: Scorers | None = None,
        shuffle_blocks: bool = True,
        random_state: RandomState = None,
        assume_equal_chunks: bool = True,
        predict_meta: ArrayLike | None = None,
        predict_proba_meta: ArrayLike | None = None,
        transform_meta: ArrayLike | None = None,
    ) -> None:
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            predict_meta=predict_meta,
            predict_proba_meta=predict_proba_meta,
            transform_meta=transform_meta,
        )
        self.shuffle_blocks = shuffle_blocks
        self.random_state = random_state
        self.assume_equal_chunks = assume_equal_chunks

    # ---- training ----

    @signed_as("partial_fit", always=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **fit_params: Any) -> Self:
        """Train a copy of the estimator once on each block.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_features)
            List, NumPy or CuPy array, pandas or cuDF frame, sparse matrix, or a Dask
            array or frame of these.
        y : array-like or Dask collection of shape (n_samples,), optional
            In as many blocks as X, if it is Dask's.
        **fit_params
            What has one entry per row, `sample_weight` for one, is cut along with X;
            anything else goes to every call of `partial_fit`, and `classes` to the
            first. They are found if not given, for which y is read once more.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the estimator has no `partial_fit` or needs y, `scoring` is no scorer, X
            has no rows, or the blocks of X and y differ in number.
        TypeError
            If data is Dask's, but neither an array nor a frame.
        """
        self._check()
        if not hasattr(self.estimator, "partial_fit"):
            raise ValueError(
                f"estimator={self.estimator!r} does not implement 'partial_fit', by "
                "which Incremental trains"
            )
        return self._train(clone(self.estimator), X, y, "fit", fit_params)

    @signed_as("partial_fit")
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike | None = None, **fit_params: Any
    ) -> Self:
        """Train the model on, once on each block; like `fit` if there is none yet.

        Parameters
        ----------
        X, y, **fit_params
            As of `fit`.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            As by `fit`.
        """
        self._check()
        return self._train(self._to_train(), X, y, "partial_fit", fit_params)

    def _train(
        self,
        model: Any,
        X: ArrayLike,
        y: ArrayLike | None,
        caller: str,
        fit_params: Params,
    ) -> Self:
        tags = get_tags(model) if hasattr(model, "__sklearn_tags__") else None
        if y is None and tags is not None and tags.target_tags.required:
            raise ValueError(
                f"estimator={self.estimator!r} requires y to be passed, but the target "
                "y is None"
            )
        if self.scoring is not None:
            self._metrics(model)  # says what is wrong with it
        given = self._routed(caller, fit_params)
        given = {name: value for name, value in given.items() if value is not None}
        if not is_dask_collection(X) and not is_dask_collection(y):
            (given,) = dask.compute(given)
            block = {"X": X} if y is None else {"X": X, "y": y}
            every, first = _with_classes(model, given, [block])
            model.partial_fit(*block.values(), **every, **first)
            return self._take_over(model)
        rows = {
            name: value
            for name, value in given.items()
            if name != "classes"
            and (name == "sample_weight" or is_per_row(value, known_length(X)))
        }
        _check_blocks(X, y, rows)
        blocks = as_blocks(X, y, rows).blocks
        (others,) = dask.compute({n: v for n, v in given.items() if n not in rows})
        every, first = _with_classes(model, others, blocks)
        order = list(range(len(blocks)))
        if self.shuffle_blocks:
            check_random_state(self.random_state).shuffle(order)
        if model is getattr(self, "estimator_", None):
            model = copy.deepcopy(model)  # which stays, should something go wrong
        return self._take_over(train_in_chain(model, blocks, order, every, first))

    # ---- the model inside ----

    def _fitted_model(self) -> Any:
        check_is_fitted(self)
        return self.estimator_

    def _model_or_template(self) -> Any:
        return vars(self).get("estimator_", self.estimator)

    def _learned(self) -> Any:
        return vars(self).get("estimator_")

    def _to_train(self) -> Any:
        model = self._learned()
        return clone(self.estimator) if model is None else model

    def _take_over(self, model: Estimator) -> Self:
        self.estimator_ = model
        return self._note_features(model)

    def __sklearn_is_fitted__(self) -> bool:
        return self._learned() is not None


def _check_blocks(X: ArrayLike, y: ArrayLike | None, rows: Mapping[str, Any]) -> None:
    """Raise if data cannot be gone through block by block."""
    for name, value in {"X": X, "y": y, **rows}.items():
        if is_dask_collection(value):
            check_has_blocks(name, value)
    if is_dask_collection(X) and is_dask_collection(y):
        n_X, n_y = _n_blocks(X), _n_blocks(y)
        if n_X != n_y:
            raise ValueError(
                f"X and y must have the same number of blocks: X has {n_X} and y has "
                f"{n_y}; rechunk or repartition one of them"
            )


def _n_blocks(X: Any) -> int:
    return X.numblocks[0] if isinstance(X, da.Array) else X.npartitions


def _with_classes(
    model: Any, params: Params, blocks: Sequence[Params]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters of every call and of the first, with classes if needed."""
    every = dict(params)
    classes = every.pop("classes", None)
    check_classes(classes)
    wanted = inspect.signature(model.partial_fit).parameters.get("classes")
    if wanted is None:
        # If they were given all the same, the model says that it has no use for them.
        return every, {} if classes is None else {"classes": classes}
    if classes is None:
        classes = getattr(model, "classes_", None)
        if classes is None and "y" in blocks[0]:
            classes, *others = columns = labels_by_column(blocks)
            if others:
                classes = classes_of_columns(model, columns)
            else:
                _check_labels(classes)
    given = {} if classes is None else {"classes": classes}
    if wanted.default is wanted.empty:
        return every | given, {}
    return every, given


def _check_labels(labels: np.ndarray) -> None:
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise ValueError("y has NaN among its class labels")
    check_classification_targets(labels)
