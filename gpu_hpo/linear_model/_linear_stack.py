# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Linear models of one shape as one set of arrays."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import is_classifier
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from gpu_hpo.devices import array_namespace, to_host
from gpu_hpo.linear_model import _lanes as lane
from gpu_hpo.linear_model._answers import probabilities, scores
from gpu_hpo.linear_model._hot_loop import train_epoch
from gpu_hpo.linear_model._lanes import Lanes, Rules, begin
from gpu_hpo.linear_model._rows import read_rows, read_X
from gpu_hpo.linear_model._stack_fit import fit_stack, say_how_it_went
from gpu_hpo.linear_model._stopping import diverged
from gpu_hpo.stacks._fit_courses import check_begins_anew
from gpu_hpo.stacks._row_orders import Lot, copy_member, read_lots

# What models of one stack have in common once they have seen data.
_SHARED = ("classes_", "feature_names_in_", "n_features_in_")
# The arrays of a stack, by the attribute of a model that each of their rows is.
_ARRAYS = {
    "coefs": "_standard_coef",
    "intercepts": "_standard_intercept",
    "average_coefs": "_average_coef",
    "average_intercepts": "_average_intercept",
}


def _is_classifier(stack: Any) -> bool:
    return is_classifier(stack.models[0])


def _has_probabilities(stack: Any) -> bool:
    return _is_classifier(stack) and stack.models[0]._check_proba()


class LinearStack:
    """Linear models that train together; see `gpu_hpo.stacks.Stack`.

    Parameters
    ----------
    models : sequence of SGDClassifier or of SGDRegressor
        With equal `stack_key`. They are left as they are.

    Attributes
    ----------
    models : list of estimator
        Parameters and bookkeeping of each; their weights are out of date.
    coefs : array of shape (n_models, n_outputs, n_features)
        Weights that are trained; absent before the first call.
    intercepts : array of shape (n_models, n_outputs)
    average_coefs, average_intercepts : array
        Of the same shapes: means over all updates; zero if they are not wanted.
    errors : list of (Exception or None)
    xp : module
        NumPy or CuPy, whatever the data came as.
    """

    coefs: Any
    intercepts: Any
    average_coefs: Any
    average_intercepts: Any

    def __init__(self, models: Sequence[Any]) -> None:
        self.models = [copy_member(model) for model in models]
        self.errors: list[Exception | None] = [None] * len(self.models)
        self.xp: Any = np
        if getattr(models[0], "coef_", None) is not None:
            self._pack()

    def __len__(self) -> int:
        return len(self.models)

    # ---- training ----

    def fit(
        self,
        X: Any,
        y: Any,
        coef_init: Any = None,
        intercept_init: Any = None,
        sample_weight: Any = None,
    ) -> LinearStack:
        """Train every model anew, each until it no longer improves.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        coef_init, intercept_init : array-like, optional
            Weights that every model begins with, as of the estimators' `fit`.
        sample_weight : array-like of shape (n_samples,), optional

        Raises
        ------
        ValueError
            If something is wrong with the data for all models, before any training; or
            if they are trained already and are to go on from there by `warm_start`.
        """
        check_begins_anew(self.models, fitted=hasattr(self, "coefs"))
        fit_stack(self, X, y, coef_init, intercept_init, sample_weight)
        sound = [i for i, error in enumerate(self.errors) if error is None]
        say_how_it_went({i: self.models[i] for i in sound})
        return self

    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        rows: Sequence[Any] | None = None,
    ) -> LinearStack:
        """Take every model once through X, in mini-batches.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
        classes : array-like of shape (n_classes,), optional
            Needed at the first call of classifiers.
        rows : sequence of (array of int or None), optional
            Rows that each model trains on, if not all; see `gpu_hpo.stacks.Stack`.

        Raises
        ------
        ValueError
            If something is wrong with the parameters, or with the data for all models,
            before any training.
        """
        lead = self.models[0]
        first = not hasattr(self, "coefs")
        if not hasattr(lead, "classes_" if is_classifier(lead) else "coef_"):
            _check_first_call(self.models)

        def read(X: Any, y: Any, weight: Any) -> tuple[Any, ...]:
            # What is refused leaves no traces.
            reader = copy.copy(lead)
            return *read_rows(reader, X, y, weight, classes, reset=first), reader

        balanced = getattr(lead, "class_weight", None) == "balanced"
        for lot in read_lots(
            read, X, y, sample_weight, rows, self.errors, apart=balanced
        ):
            if not hasattr(self, "coefs"):
                data, _, self.models[0] = lot.data
                self.begin(array_namespace(data.X), data.X.dtype)
            if lot.members is None:
                self._train(lot)
            else:
                part = self._part(lot.members)
                part._train(lot)
                self._put(lot.members, part)
        return self

    def _train(self, lot: Lot) -> None:
        """Take every model once through its rows; they are as many for each."""
        rows, class_weights, _ = lot.data
        rules = self.rules()
        lanes = self.lanes(class_weights)
        begin(self.xp, rules, lanes)
        # Outputs of a model share an order.
        orders, which = lot.orders(self.models) or _as_they_stand(lot)
        which = np.repeat(which, self.coefs.shape[1])
        with np.errstate(all="ignore"):
            train_epoch(self.xp, rules, lanes, rows, (orders, which))
        self.absorb(lanes)
        self.count([1] * len(self), lot.n_rows)
        self.check_finite()

    def begin(self, xp: Any, dtype: Any) -> None:
        """Begin training anew, from zeros; the first model knows the data."""
        lead = self.models[0]
        n_outputs = 1
        if is_classifier(lead) and len(lead.classes_) > 2:
            n_outputs = len(lead.classes_)
        shape = len(self), n_outputs, lead.n_features_in_
        self.xp = xp
        for name in _ARRAYS:
            n_axes = 3 if name.endswith("coefs") else 2
            setattr(self, name, xp.zeros(shape[:n_axes], dtype))
        common = {name: getattr(lead, name) for name in _SHARED if hasattr(lead, name)}
        for model in self.models:
            model.__dict__.update(common, t_=1.0)

    def rules(self, objective: bool = False) -> Rules:
        """What the models have in common, as training must know it."""
        lead = self.models[0]
        return Rules(
            lead.loss,
            lead.penalty,
            lead.learning_rate,
            lead.batch_size,
            bool(lead.fit_intercept),
            lead.average > 0,
            objective,
        )

    def lanes(self, class_weights: Any) -> Lanes:
        """Copy all outputs of all models, to be trained."""
        xp, (n_models, n_outputs, n_features) = self.xp, self.coefs.shape
        table = np.zeros((lane.N_ROWS, n_models, n_outputs))
        for row, name in {
            lane.T: "t_",
            lane.ALPHA: "alpha",
            lane.ETA: "eta0",
            lane.POWER_T: "power_t",
            lane.EPSILON: "epsilon",
            lane.AVERAGE: "average",
        }.items():
            table[row] = np.array([getattr(m, name) for m in self.models])[:, None]
        penalty = self.models[0].penalty
        ratios = [model.l1_ratio or 0.0 for model in self.models]
        ratios = {"l2": [0.0], "l1": [1.0]}.get(penalty, ratios)
        table[lane.L1_RATIO] = np.array(ratios)[:, None]
        if self.models[0].learning_rate == "optimal":
            # Such that the first rate is one that weights of a typical size allow.
            table[lane.START] = table[lane.ALPHA] ** -0.75
        table[lane.CODE] = -1
        table[lane.POSITIVE] = table[lane.NEGATIVE] = 1
        if class_weights is not None:
            one = n_outputs == 1
            table[lane.CODE] = 1 if one else np.arange(n_outputs)
            table[lane.POSITIVE] = class_weights[1] if one else class_weights
            table[lane.NEGATIVE] = class_weights[0] if one else 1
        return Lanes(
            self.coefs.reshape(-1, n_features).copy(),
            self.intercepts.reshape(-1).astype(xp.float64),
            self.average_coefs.reshape(-1, n_features).copy(),
            self.average_intercepts.reshape(-1).astype(xp.float64),
            xp.asarray(table.reshape(lane.N_ROWS, -1)),
            xp.empty((n_models * n_outputs, 0), self.coefs.dtype),
        )

    def absorb(self, lanes: Lanes) -> None:
        """Take over what has been trained."""
        dtype, shape = self.coefs.dtype, self.coefs.shape
        self.coefs = lanes.weights.reshape(shape)
        self.intercepts = lanes.intercepts.reshape(shape[:2]).astype(dtype)
        if self.models[0].average > 0:
            self.average_coefs = lanes.average_weights.reshape(shape)
            averages = lanes.average_intercepts.reshape(shape[:2])
            self.average_intercepts = averages.astype(dtype)

    def count(self, n_epochs: Sequence[int], n_rows: int) -> None:
        """Keep the books of some epochs of each model."""
        for model, epochs in zip(self.models, n_epochs, strict=True):
            model.n_iter_ = epochs
            model.t_ += float(epochs * -(-n_rows // model.batch_size))

    def check_finite(self) -> None:
        """Note which models have diverged."""
        xp = self.xp
        finite = xp.isfinite(self.coefs).all(axis=(1, 2))
        finite &= xp.isfinite(self.intercepts).all(axis=1)
        for i, fine in enumerate(to_host(finite).tolist()):
            if not fine:
                self.errors[i] = diverged(1)

    # ---- answers ----

    def predict(self, X: Any) -> Any:
        """Classes or targets, of shape (n_models, n_samples)."""
        found = self._scores(X)
        if not is_classifier(self.models[0]):
            return found[..., 0]
        if found.shape[-1] == 1:
            codes = (found[..., 0] > 0).astype(np.intp)
        else:
            codes = found.argmax(axis=-1)
        return self.xp.asarray(self.models[0].classes_)[codes]

    @available_if(_is_classifier)
    def decision_function(self, X: Any) -> Any:
        """Distances, of shape (n_models, n_samples[, n_classes])."""
        found = self._scores(X)
        return found[..., 0] if found.shape[-1] == 1 else found

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> Any:
        """Probabilities, of shape (n_models, n_samples, n_classes)."""
        with np.errstate(invalid="ignore"):
            return probabilities(self.xp, self.models[0].loss, self._scores(X))

    def _scores(self, X: Any) -> Any:
        check_is_fitted(self.models[0])
        X = read_X(self.models[0], X)
        with np.errstate(invalid="ignore", over="ignore"):
            return scores(self.xp, *self._published(), X)

    def _published(self) -> tuple[Any, Any]:
        """Weights that count: averages, of models that have any."""
        averaged = [0 < model.average <= model.t_ - 1 for model in self.models]
        if not any(averaged):
            return self.coefs, self.intercepts
        xp, chosen = self.xp, self.xp.asarray(np.array(averaged))[:, None]
        return (
            xp.where(chosen[:, None], self.average_coefs, self.coefs),
            xp.where(chosen, self.average_intercepts, self.intercepts),
        )

    # ---- membership ----

    def take(self, indices: Sequence[int]) -> LinearStack:
        """Stack of some of the models."""
        out = self._part(indices)
        out.models = [copy_member(model) for model in out.models]
        return out

    def concat(self, others: Sequence[LinearStack]) -> LinearStack:
        """Stack of these models and those of `others`."""
        stacks = [self, *others]
        out = type(self).__new__(type(self))
        out.models = [copy_member(model) for stack in stacks for model in stack.models]
        out.errors = [error for stack in stacks for error in stack.errors]
        out.xp = self.xp
        if hasattr(self, "coefs"):
            for name in _ARRAYS:
                parts = [getattr(stack, name) for stack in stacks]
                setattr(out, name, self.xp.concatenate(parts))
        return out

    def unstack(self) -> list[Any]:
        """One estimator per model."""
        models = [copy_member(model) for model in self.models]
        if not hasattr(self, "coefs"):
            return models
        coefs, intercepts = self._published()
        for i, model in enumerate(models):
            model.coef_ = self._shaped(coefs[i])
            model.intercept_ = intercepts[i].copy()
            if model.average > 0:
                for name, attribute in _ARRAYS.items():
                    setattr(model, attribute, self._shaped(getattr(self, name)[i]))
        return models

    # ---- how ----

    def _part(self, members: Sequence[int]) -> LinearStack:
        """Some of the models themselves, with copies of their arrays."""
        out = type(self).__new__(type(self))
        out.models = [self.models[i] for i in members]
        out.errors = [self.errors[i] for i in members]
        out.xp = self.xp
        if hasattr(self, "coefs"):
            places = self.xp.asarray(np.asarray(members, np.intp))
            for name in _ARRAYS:
                setattr(out, name, getattr(self, name)[places])
        return out

    def _put(self, members: Sequence[int], part: LinearStack) -> None:
        """Take over what has become of a part."""
        places = self.xp.asarray(np.asarray(members, np.intp))
        for name in _ARRAYS:
            getattr(self, name)[places] = getattr(part, name)
        for i, error in zip(members, part.errors, strict=True):
            self.errors[i] = error

    def _shaped(self, array: Any) -> Any:
        """Copy with the axes that an estimator shows: a regressor has one fewer."""
        if array.ndim == 2 and not is_classifier(self.models[0]):
            array = array[0]
        return array.copy()

    def _pack(self) -> None:
        """Put the weights of all models into arrays."""
        coefs = [_dense(model.coef_) for model in self.models]
        self.xp = xp = array_namespace(coefs[0])
        n_outputs = len(self.models[0].intercept_)
        shape = len(self), n_outputs, coefs[0].shape[-1]
        dtype = coefs[0].dtype
        for name, attribute in _ARRAYS.items():
            n_axes = 3 if name.endswith("coefs") else 2
            if self.models[0].average > 0 and hasattr(self.models[0], attribute):
                parts = [getattr(model, attribute) for model in self.models]
            elif name == "coefs":
                parts = coefs
            elif name == "intercepts":
                parts = [model.intercept_ for model in self.models]
            else:
                setattr(self, name, xp.zeros(shape[:n_axes], dtype))
                continue
            parts = [xp.asarray(part).reshape(shape[1:n_axes]) for part in parts]
            setattr(self, name, xp.stack(parts).astype(dtype, copy=False))


def _as_they_stand(lot: Lot) -> tuple[Any, Any]:
    return np.arange(lot.n_rows)[None], np.zeros(len(lot.which), np.intp)


def _dense(coef: Any) -> Any:
    return coef.toarray() if scipy.sparse.issparse(coef) else coef


def _check_first_call(models: Sequence[Any]) -> None:
    """Refuse parameters that `partial_fit` has no use for."""
    for model in models:
        model._more_validate_params(for_partial_fit=True)
        if getattr(model, "class_weight", None) == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to "
                "use 'balanced' weights, use compute_class_weight('balanced', "
                "classes=classes, y=y) on a large enough sample of y, and pass the "
                "resulting weights as the class_weight parameter."
            )
