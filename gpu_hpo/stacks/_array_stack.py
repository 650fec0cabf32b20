# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The skeleton of a stack: how models train together, and what subclasses define."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from gpu_hpo._typing import Array, ArrayLike
from gpu_hpo.devices._namespace import array_namespace, beside, to_host
from gpu_hpo.stacks import _fit_loop
from gpu_hpo.stacks._fit_courses import Course, HoldOut, find_courses, warn_of_models
from gpu_hpo.stacks._model_arrays import ModelArrays
from gpu_hpo.stacks._row_orders import Begun, Lot, Orders, read_lots
from gpu_hpo.stacks._rows import check_side, check_X, class_labels, read_rows


class ArrayStack(ModelArrays):
    """Train models of one shape together; keeps `gpu_hpo.stacks.Stack`.

    A subclass says with `attributes` which array is which attribute of a fitted model,
    and implements `begin_arrays`, `epoch` and `outputs`. Of what is written below those
    it may override what its models do otherwise. Whatever it computes for a model must
    not depend, to the bit, on how many models there are: one matrix product per model,
    and no sum over models.

    Parameters
    ----------
    models : sequence of estimator
        With equal `stack_key`. They are left as they are.
    """

    # The attribute of a fitted model for each array. The first tells whether a model is
    # fitted. All values must be finite.
    attributes: ClassVar[dict[str, str]] = {}
    # Attributes that are equal in a stack once models have seen data.
    shared: ClassVar[tuple[str, ...]] = (
        "classes_",
        "feature_names_in_",
        "n_features_in_",
    )

    def __init__(self, models: Sequence[Any]) -> None:
        super().__init__(models)
        if self.is_fitted(models[0]):
            self.pack()

    # ---- what a subclass implements ----

    def begin_arrays(self, rows: Any) -> Begun | None:
        """Set `arrays` to their values before training, on the device of the rows.

        Returns
        -------
        mapping of int to RandomState, or None
            If numbers were drawn: the generators that integer seeds have become, by
            model.
        """
        raise NotImplementedError

    def epoch(self, rows: Any, orders: Orders | None) -> None:
        """Train every model on its rows once, and set its ``loss_``.

        Parameters
        ----------
        rows : Rows
        orders : tuple of (ndarray of int of shape (n_orders, n_rows), ndarray of int \
of shape (n_models,)), or None
            Orders of rows, and the number of the order that each model uses. Rows that
            are in no order are not trained on. None if all models use all rows in their
            given order.
        """
        raise NotImplementedError

    def outputs(self, X: Array) -> Array:
        """Return scores or targets for X: (n_models, n_samples, n_outputs).

        A classifier of two classes may have one output: the second class is predicted
        where it is more than `boundary`.
        """
        raise NotImplementedError

    # ---- what a subclass may override ----

    boundary: ClassVar[float] = 0.0

    @classmethod
    def is_fitted(cls, model: Any) -> bool:
        """Tell whether a model has been trained."""
        return getattr(model, next(iter(cls.attributes.values())), None) is not None

    def check_call(self) -> None:
        """Refuse parameters that `partial_fit` has no use for."""

    def reads_apart(self) -> bool:
        """Tell whether `read` depends on which rows it gets, not just row by row."""
        return False

    def read(self, model: Any, X: Any, y: Any, weight: Any, **how: Any) -> Any:
        """Check data, and set attributes of `model` that follow; see `read_rows`."""
        return read_rows(model, X, y, weight, **how)

    def read_X(self, X: ArrayLike) -> Array:
        """Check X to predict for."""
        return check_X(self.models[0], X)

    def begin(self, rows: Any) -> Begun:
        """Begin training anew; the first model has read the data."""
        self.xp = array_namespace(rows.X)
        begun = self.begin_arrays(rows)
        lead = self.models[0]
        common = {
            name: getattr(lead, name) for name in self.shared if hasattr(lead, name)
        }
        for model in self.models:
            for name in set(self.shared) - common.keys():
                model.__dict__.pop(name, None)  # of an earlier fit
            model.__dict__.update(common, **self.books(model))
        return begun or {}

    def books(self, model: Any) -> dict[str, Any]:
        """Return attributes of a model whose training begins, besides `shared`."""
        return _fit_loop.new_books(model)

    def go_on(self) -> None:
        """Prepare models for a `fit` that continues from where they are."""

    def call(self, rows: Any, orders: Orders | None) -> None:
        """Train every model by one call of `partial_fit`; arguments as in `epoch`."""
        for model in self.models:
            model.n_iter_ = 0
        self.epoch(rows, orders)
        self.end_epoch(rows.X.shape[0] if orders is None else orders[0].shape[1])

    def end_epoch(self, n_rows: int) -> list[bool]:
        """Record an epoch of so many rows; return which models should stop.

        The number of rows is for models that count them.
        """
        return [_fit_loop.end_epoch(model) for model in self.models]

    def holding_out(self, rows: Any) -> HoldOut:
        """Return a function that chooses rows to train on and rows to stop by."""
        return _fit_loop.holding_out(
            rows, rows.y if is_classifier(self.models[0]) else None
        )

    def target(self, rows: Any) -> np.ndarray:
        """Return what predictions for rows are scored against, on the host."""
        if is_classifier(self.models[0]):
            return self.models[0].classes_[to_host(rows.y)]
        return to_host(rows.y)

    def train_until_done(self, rows: Any, courses: Sequence[Course]) -> list[int]:
        """Train models, in the order of their courses, until each stops improving.

        Returns the places of those that `max_iter` has cut off.
        """
        return _fit_loop.train_until_done(self, rows, courses)

    def end_fit(self) -> None:
        """Record which models `fit` has left with weights that are not finite."""
        self.sound = None  # of the last epoch, which not all have gone through
        self.check_finite()

    def diverged(self) -> Exception:
        """Return the error of a model whose weights are not finite."""
        return ValueError("the weights are no longer finite; scale the data")

    def say_how_it_went(self, cut_off: Sequence[int]) -> None:
        """Warn once about all models that `fit` has cut off."""
        for most in sorted({self.models[i].max_iter for i in cut_off}):
            warn_of_models(
                ConvergenceWarning(
                    f"Stochastic Optimizer: Maximum iterations ({most}) reached and "
                    "the optimization hasn't converged yet."
                ),
                [i for i in cut_off if self.models[i].max_iter == most],
            )

    def pack(self) -> None:
        """Put the weights of all models into arrays."""
        lead = getattr(self.models[0], next(iter(self.attributes.values())))
        self.xp = xp = array_namespace(lead)
        self.arrays = {
            name: xp.stack([xp.asarray(getattr(m, attribute)) for m in self.models])
            for name, attribute in self.attributes.items()
        }

    def publish(self, models: Sequence[Any]) -> None:
        """Give estimators copies of what has been trained."""
        for name, attribute in self.attributes.items():
            for model, values in zip(models, self.arrays[name], strict=True):
                setattr(model, attribute, values.copy())

    def weights(self) -> list[str]:
        """Name the arrays that predictions need; the others belong to a solver."""
        return list(self.attributes)

    def decide(self, outputs: Array) -> Array:
        """Predict from outputs: shape (n_models, n_samples[, n_outputs])."""
        if not is_classifier(self.models[0]):
            return outputs[..., 0] if outputs.shape[-1] == 1 else outputs
        if outputs.shape[-1] == 1:
            codes = (outputs[..., 0] > self.boundary).astype(np.intp)
        else:
            codes = outputs.argmax(axis=-1)
        classes = self.models[0].classes_
        if len(classes) == 1:
            codes = codes * 0
        return class_labels(classes, codes)

    # ---- training ----

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        **more: Any,
    ) -> Self:
        """Train every model anew, each until it no longer improves.

        Parameters
        ----------
        X, y, sample_weight, **more
            What `read` takes.

        Raises
        ------
        ValueError
            If the data is invalid for all models, before any training; or if models
            are trained already and would continue by `warm_start`.
        """
        if self.arrays and any(model.warm_start for model in self.models):
            raise ValueError(
                "a stack is fitted from scratch, but its models have been trained "
                "before and have warm_start=True; fit them one by one"
            )
        cut_off = self.fit_rows(X, y, sample_weight, **more)
        self.end_fit()
        self.say_how_it_went([i for i in cut_off if self.errors[i] is None])
        return self

    def fit_rows(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        *,
        goes_on: bool = False,
        **more: Any,
    ) -> list[int]:
        """Do what `fit` does, except for `end_fit` and `say_how_it_went`.

        Models that continue begin with the weights that they have. Returns the places
        of those that `max_iter` has cut off.
        """
        # If data is refused, models stay as they were.
        reader = copy.copy(self.models[0])
        rows = self.read(
            reader, X, y, sample_weight, reset=not goes_on, fit=True, **more
        )
        self.models[0] = reader
        self.errors = [None] * len(self)
        begun: Begun = {}
        if goes_on:
            self.move_beside(rows.X)
            self.go_on()
        else:
            begun = self.begin(rows)
        cut_off: list[int] = []
        for courses in find_courses(
            self.models, rows.X.shape[0], self.holding_out(rows), self.errors, begun
        ):
            members = [i for course in courses for i in course.members]
            part = self.part(members)
            cut_off += [members[i] for i in part.train_until_done(rows, courses)]
            self.put(members, part)
        return cut_off

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        rows: Sequence[ArrayLike | None] | None = None,
    ) -> Self:
        """Take every model once through X.

        Parameters
        ----------
        X, y, sample_weight, classes
            What `read` takes; classifiers need `classes` at the first call.
        rows : sequence of (array of int or None), optional
            Rows that each model trains on, if not all; see `gpu_hpo.stacks.Stack`.

        Raises
        ------
        ValueError
            If parameters are invalid, or the data is invalid for all models, before any
            training.
        """
        self.check_call()
        lead, reset = self.models[0], not self.arrays

        def read(X: ArrayLike, y: ArrayLike, weight: Any) -> tuple[Any, ...]:
            # If data is refused, models stay as they were.
            reader = copy.copy(lead)
            data = self.read(
                reader, X, y, weight, classes=classes, reset=reset, fit=False
            )
            return data, reader

        begun: Begun = {}
        for lot in read_lots(
            read, X, y, sample_weight, rows, self.errors, apart=self.reads_apart()
        ):
            if not self.arrays:
                data, self.models[0] = lot.data
                begun = self.begin(data)
            check_side(self.models[0], self.xp, lot.data[0].X)
            if lot.members is None:
                self._call(lot, begun)
            else:
                part = self.part(lot.members)
                part._call(lot, begun)
                self.put(lot.members, part)
        return self

    def _call(self, lot: Lot, begun: Begun) -> None:
        """Take every model once through its rows, equally many for each.

        An integer seed gives the same order at each call. Only a first call, for which
        it has already drawn weights, continues its generator, from `begun`.
        """
        self.call(lot.data[0], lot.orders(self.models, begun))
        self.check_finite()

    def check_finite(self) -> None:
        """Record which models have diverged."""
        for i, fine in enumerate(self.finite().tolist()):
            if not fine and self.errors[i] is None:
                self.errors[i] = self.diverged()

    def finite(self) -> np.ndarray:
        """Tell of each model whether its weights are, by `sound` if that is known."""
        return self.found_finite(self.weights())

    # ---- predictions ----

    def predict(self, X: ArrayLike) -> Array:
        """Predict classes or targets: (n_models, n_samples[, n_outputs])."""
        X = self.checked_X(X)
        return self.moved_beside(X).predict_rows(X)

    def outputs_for(self, X: ArrayLike) -> Array:
        """Check X, and return what `outputs` does, where X is."""
        X = self.checked_X(X)
        return self.moved_beside(X).outputs(X)

    def moved_beside(self, X: Array) -> Self:
        """Return these models where rows are, for models take less to move."""
        if array_namespace(X) is self.xp:
            return self
        out = copy.copy(self)
        out.move_beside(X)
        return out

    def move_beside(self, X: Array) -> None:
        """Move these models where rows are, to train there from now on."""
        self.xp = array_namespace(X)
        self.arrays = {name: beside(X, array) for name, array in self.arrays.items()}

    def predict_rows(self, X: Array) -> Array:
        """Predict for rows that have been checked."""
        return self.decide(self.outputs(X))

    def checked_X(self, X: ArrayLike) -> Array:
        """Check that the models are fitted, and X."""
        check_is_fitted(self.models[0])
        return self.read_X(X)

    def unstack(self) -> list[Any]:
        """Return one estimator per model."""
        models = [self.copied(model) for model in self.models]
        if self.arrays:
            self.publish(models)
        return models
