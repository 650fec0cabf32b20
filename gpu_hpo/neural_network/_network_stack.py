# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Networks of one shape as one set of arrays."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from gpu_hpo.devices import array_namespace, to_host
from gpu_hpo.neural_network._backprop import (
    Batches,
    Layout,
    Shape,
)
from gpu_hpo.neural_network._bookkeeping import (
    batch_size,
    draw_weights,
    end_epoch,
    forget_moments,
    hidden_layers,
    learning_rate,
    output_activation,
)
from gpu_hpo.neural_network._hot_loop import outputs, train_epoch
from gpu_hpo.neural_network._optimizers import SGD, Adam, Optimizer
from gpu_hpo.neural_network._rows import Rows, note_classes, read_rows, read_X
from gpu_hpo.neural_network._stack_fit import (
    begin_fit,
    say_how_it_went,
    train_until_done,
)
from gpu_hpo.stacks._fit_courses import check_begins_anew
from gpu_hpo.stacks._row_orders import Lot, copy_member, read_lots

# What networks of one stack have in common once they have seen data.
_SHARED = (
    "_label_binarizer",
    "classes_",
    "feature_names_in_",
    "n_features_in_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
)


class NetworkStack:
    """Networks that train together; see `gpu_hpo.stacks.Stack`.

    Parameters
    ----------
    models : sequence of MLPClassifier or of MLPRegressor
        With equal `stack_key`. They are left as they are.

    Attributes
    ----------
    models : list of estimator
        Parameters and bookkeeping of each; their weights are out of date.
    params : array of shape (n_models, n_params)
        See `Layout`; absent before the first call.
    moments : list of array of shape (n_models, n_params)
        State of the solver.
    errors : list of (Exception or None)
    xp : module
        NumPy or CuPy, whatever the data came as.
    """

    params: Any
    moments: list[Any]
    shape: Shape

    def __init__(self, models: Sequence[Any]) -> None:
        self.models = [_copy(model) for model in models]
        self.errors: list[Exception | None] = [None] * len(self.models)
        self.xp: Any = np
        if hasattr(models[0], "coefs_"):
            self._pack()

    def __len__(self) -> int:
        return len(self.models)

    # ---- training ----

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetworkStack:
        """Train every network anew, each until it no longer improves.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional

        Raises
        ------
        ValueError
            If something is wrong with the data for all networks, before any training;
            or if they are trained already and are to go on from there by `warm_start`.
        """
        check_begins_anew(self.models, fitted=hasattr(self, "params"))
        # What is refused leaves no traces.
        reader = copy.copy(self.models[0])
        rows = read_rows(reader, X, y, sample_weight, reset=True, fit=True)
        self.models[0] = reader
        self.errors = [None] * len(self)
        cut_off = train_until_done(self, rows, begin_fit(self, rows))
        self.check_finite()
        sound = [i for i in cut_off if self.errors[i] is None]
        say_how_it_went({i: self.models[i] for i in sound})
        return self

    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        rows: Sequence[Any] | None = None,
    ) -> NetworkStack:
        """Take every network once through X, in mini-batches.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
        classes : array-like of shape (n_classes,), optional
            Needed at the first call of classifiers.
        rows : sequence of (array of int or None), optional
            Rows that each network trains on, if not all; see `gpu_hpo.stacks.Stack`.

        Raises
        ------
        ValueError
            If something is wrong with the data for all networks, before any training.
        """
        lead = self.models[0]
        if lead.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "params")

        def read(X: Any, y: Any, weight: Any) -> tuple[Any, ...]:
            # What is refused leaves no traces.
            reader = copy.copy(lead)
            if is_classifier(reader):
                note_classes(reader, y, classes)
            return read_rows(reader, X, y, weight, reset=first), reader

        begun: Mapping[int, Any] = {}
        for lot in read_lots(read, X, y, sample_weight, rows, self.errors):
            if not hasattr(self, "params"):
                data, self.models[0] = lot.data
                initial, begun = draw_weights(self.models, data)
                self.begin(data, initial)
            if lot.members is None:
                self._train(lot, begun)
            else:
                part = self._part(lot.members)
                part._train(lot, begun)
                self._put(lot.members, part)
        return self

    def _train(self, lot: Lot, begun: Mapping[int, Any]) -> None:
        """Take every network once through its rows; they are as many for each.

        As in scikit-learn, an integer seed gives the same order at each call but the
        first, at which it has given the weights before: `begun` is what does so next.
        """
        rows, _ = lot.data
        orders = lot.orders(self.models, begun)
        for model in self.models:
            model.n_iter_ = 0
        self.epoch(rows, orders)
        self.end_epoch(lot.n_rows)
        self.check_finite()

    def begin(self, rows: Rows, initial: Sequence[tuple[list[Any], list[Any]]]) -> None:
        """Begin training anew from initial weights, one pair of lists per network."""
        lead = self.models[0]
        lead.n_outputs_ = rows.n_outputs
        lead.n_layers_ = len(hidden_layers(lead)) + 2
        lead.out_activation_ = output_activation(lead)
        for model, (coefs, intercepts) in zip(self.models, initial, strict=True):
            model.__dict__.update(
                {name: getattr(lead, name) for name in _SHARED if hasattr(lead, name)},
                coefs_=coefs,
                intercepts_=intercepts,
                t_=0,
                n_iter_=0,
                loss_curve_=[],
                best_loss_=np.inf,
                validation_scores_=None,
                best_validation_score_=None,
                _no_improvement_count=0,
            )
            forget_moments(model)
        self._pack(array_namespace(rows.X))

    def epoch(self, rows: Rows, orders: Any) -> None:
        """Train on rows once and note the losses.

        Parameters
        ----------
        rows : Rows
        orders : tuple of (array of shape (n_orders, n_rows), array of shape \
(n_models,)), or None
            Orders of rows, and which of them each network goes by; on the host. Rows
            that are in no order are not trained on. None if all networks go through
            all rows as they stand.
        """
        n_rows = len(rows.X) if orders is None else orders[0].shape[1]
        size = batch_size(self.models[0], n_rows)
        self._check_weights(rows.weight, orders, size)
        if orders is not None:
            orders = self.xp.asarray(orders[0]), orders[1]
        alpha = np.array([model.alpha for model in self.models], self.params.dtype)
        losses = train_epoch(
            self.xp,
            self.shape,
            self.params,
            self.xp.asarray(alpha),
            self._optimizer(),
            Batches(rows.X, rows.Y, rows.weight, orders, size),
        )
        for model, loss in zip(self.models, to_host(losses).tolist(), strict=True):
            model.loss_ = loss

    def end_epoch(self, n_rows: int) -> list[bool]:
        """Keep the books of an epoch; says which networks should stop."""
        batches = -(-n_rows // batch_size(self.models[0], n_rows, quiet=True))
        return [end_epoch(model, n_rows, batches) for model in self.models]

    def check_finite(self) -> None:
        """Note which networks have diverged."""
        finite = to_host(self.xp.isfinite(self.params).all(axis=1))
        for i, fine in enumerate(finite.tolist()):
            if not fine and self.errors[i] is None:
                self.errors[i] = ValueError(
                    "Solver produced non-finite parameter weights. The input data may "
                    "contain large values and need to be preprocessed."
                )

    # ---- answers ----

    def predict(self, X: Any) -> Any:
        """Classes or targets, of shape (n_models, n_samples[, n_outputs])."""
        return self.predict_rows(self._read(X))

    def predict_proba(self, X: Any) -> Any:
        """Probabilities, of shape (n_models, n_samples, n_classes)."""
        return _probabilities(self.xp, self._outputs(self._read(X)))

    def predict_rows(self, X: Any) -> Any:
        """Predict for rows that are checked already."""
        return _decide(self.xp, self.models[0], self._outputs(X))

    def _read(self, X: Any) -> Any:
        check_is_fitted(self.models[0])
        return read_X(self.models[0], X)

    def _outputs(self, X: Any) -> Any:
        """Output layer, of shape (n_models, n_samples, n_outputs)."""
        return outputs(self.xp, self.shape, self.params, X)

    # ---- membership ----

    def take(self, indices: Sequence[int]) -> NetworkStack:
        """Stack of some of the networks."""
        out = self._part(indices)
        out.models = [_copy(model) for model in out.models]
        return out

    def concat(self, others: Sequence[NetworkStack]) -> NetworkStack:
        """Stack of these networks and those of `others`."""
        stacks = [self, *others]
        out = type(self).__new__(type(self))
        out.models = [_copy(model) for stack in stacks for model in stack.models]
        out.errors = [error for stack in stacks for error in stack.errors]
        out.xp = self.xp
        if hasattr(self, "params"):
            out.shape = self.shape
            out.params = self.xp.concatenate([stack.params for stack in stacks])
            moments = zip(*(stack.moments for stack in stacks), strict=True)
            out.moments = [self.xp.concatenate(parts) for parts in moments]
        return out

    def unstack(self) -> list[Any]:
        """One estimator per network."""
        models = [_copy(model) for model in self.models]
        if not hasattr(self, "params"):
            return models
        layers = self.shape.layout.layers(self.params)
        coefs = [layer[:, :, :-1].swapaxes(1, 2) for layer in layers]
        for i, model in enumerate(models):
            model.coefs_ = [coef[i].copy() for coef in coefs]
            model.intercepts_ = [layer[i, :, -1].copy() for layer in layers]
            model._moments = {model.solver: [m[i].copy() for m in self.moments]}
        return models

    # ---- how ----

    def _part(self, members: Sequence[int]) -> NetworkStack:
        """Some of the networks themselves, with copies of their arrays."""
        out = type(self).__new__(type(self))
        out.models = [self.models[i] for i in members]
        out.errors = [self.errors[i] for i in members]
        out.xp = self.xp
        if hasattr(self, "params"):
            places = self.xp.asarray(np.asarray(members, np.intp))
            out.shape = self.shape
            out.params = self.params[places]
            out.moments = [moment[places] for moment in self.moments]
        return out

    def _put(self, members: Sequence[int], part: NetworkStack) -> None:
        """Take over what has become of a part."""
        places = self.xp.asarray(np.asarray(members, np.intp))
        self.params[places] = part.params
        for moment, found in zip(self.moments, part.moments, strict=True):
            moment[places] = found
        for i, error in zip(members, part.errors, strict=True):
            self.errors[i] = error

    def _pack(self, xp: Any = None) -> None:
        """Put the weights and the solver's state of all models into arrays."""
        lead = self.models[0]
        self.xp = xp = xp or array_namespace(lead.coefs_[0])
        units = [lead.coefs_[0].shape[0], *(coef.shape[1] for coef in lead.coefs_)]
        layout = Layout(tuple(units))
        self.shape = Shape(layout, lead.activation, lead.out_activation_)
        host = np.empty((len(self), layout.n_params), lead.coefs_[0].dtype)
        self.params = xp.asarray(host)
        for i, layer in enumerate(layout.layers(self.params)):
            coefs = xp.asarray(xp.stack([xp.asarray(m.coefs_[i]) for m in self.models]))
            layer[:, :, :-1] = coefs.swapaxes(1, 2)
            layer[:, :, -1] = xp.stack(
                [xp.asarray(m.intercepts_[i]) for m in self.models]
            )
        # None if the solver has not begun, or is another than before.
        kept = [(getattr(m, "_moments", None) or {}).get(m.solver) for m in self.models]
        zero = xp.zeros(layout.n_params, host.dtype)
        self.moments = [
            xp.stack([zero if rows is None else rows[k] for rows in kept])
            for k in range({"sgd": 1, "adam": 2}.get(lead.solver, 0))
        ]

    def _check_weights(self, weight: Any, orders: Any, size: int) -> None:
        """Note which networks meet a batch whose rows count nothing."""
        if weight is None or not bool((weight == 0).any()):
            return
        weight = to_host(weight)
        orders, which = orders or ([slice(None)], [0] * len(self))
        empty = []
        for order in orders:
            sums = np.add.reduceat(weight[order], range(0, len(weight[order]), size))
            empty.append((sums == 0).any())
        for i, order in enumerate(which):
            if empty[order]:
                self.errors[i] = ZeroDivisionError(
                    "Weights sum to zero, can't be normalized: sample_weight is 0 for "
                    "all rows of a mini-batch"
                )

    def _optimizer(self) -> Optimizer:
        names: tuple[str, ...] = ("_rate", "momentum", "nesterovs_momentum")
        kind: Any = SGD
        if self.models[0].solver == "adam":
            kind = Adam
            names = ("learning_rate_init", "beta_1", "beta_2", "epsilon", "_n_steps")
        numbers = {name: [getattr(m, name) for m in self.models] for name in names}
        if kind is SGD:
            numbers["_rate"] = [learning_rate(model) for model in self.models]
        return kind(self.xp, self.moments, numbers)


def _copy(model: Any) -> Any:
    """Copy a model, but not the arrays that are replaced and never changed."""
    out = copy_member(model)
    for name in ("loss_curve_", "validation_scores_"):
        if isinstance(getattr(out, name, None), list):
            setattr(out, name, list(getattr(out, name)))
    return out


def _decide(xp: Any, model: Any, outputs: Any) -> Any:
    """Predictions for outputs of shape (n_models, n_samples, n_outputs)."""
    if not is_classifier(model):
        return outputs[..., 0] if outputs.shape[-1] == 1 else outputs
    if model._label_binarizer.y_type_.startswith("multilabel"):
        return (outputs > 0.5).astype(np.int64)
    if outputs.shape[-1] == 1:
        codes = (outputs[..., 0] > 0.5).astype(np.intp)
        codes = xp.minimum(codes, len(model.classes_) - 1)
    else:
        codes = outputs.argmax(axis=-1)
    return xp.asarray(model.classes_)[codes]


def _probabilities(xp: Any, outputs: Any) -> Any:
    if outputs.shape[-1] > 1:
        return outputs
    return xp.concatenate([1 - outputs, outputs], axis=-1)
