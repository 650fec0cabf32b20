# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Networks of one shape as one set of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import is_classifier

from gpu_hpo._typing import Array, ArrayLike
from gpu_hpo.devices._kept import kept
from gpu_hpo.devices._namespace import array_namespace, is_device_array, to_host
from gpu_hpo.neural_network._backprop import Batches, Layout, Shape
from gpu_hpo.neural_network._bookkeeping import (
    Weights,
    batch_size,
    draw_weights,
    end_epoch,
    hidden_layers,
    learning_rate,
    new_solver,
    output_activation,
)
from gpu_hpo.neural_network._hot_loop import outputs, train_epoch
from gpu_hpo.neural_network._optimizers import SGD, Adam, Optimizer
from gpu_hpo.neural_network._rows import NetworkRows, read_rows
from gpu_hpo.stacks._array_stack import ArrayStack
from gpu_hpo.stacks._fit_courses import HoldOut
from gpu_hpo.stacks._fit_loop import holding_out
from gpu_hpo.stacks._row_orders import Begun, Orders
from gpu_hpo.stacks._rows import check_X

# State of each solver, of the shape of the parameters.
_MOMENTS = {"sgd": ("first",), "adam": ("first", "second")}


class NetworkStack(ArrayStack):
    """Train networks together; see `gpu_hpo.stacks.Stack`.

    Its arrays are `params`, of shape (n_models, n_params), as `Layout` says, and of the
    same shape the state of the solver, `first` and with Adam `second`.
    """

    attributes = {"params": "coefs_"}
    shared = (
        *ArrayStack.shared,
        "_label_binarizer",
        "n_layers_",
        "n_outputs_",
        "out_activation_",
    )
    boundary = 0.5  # outputs are probabilities
    shape: Shape

    def copied(self, model: Any) -> Any:
        """Copy a model and its lists, but not arrays that are never changed."""
        out = super().copied(model)
        for name in ("loss_curve_", "validation_scores_"):
            if isinstance(getattr(out, name, None), list):
                setattr(out, name, list(getattr(out, name)))
        return out

    # ---- training ----

    def check_call(self) -> None:
        """Refuse early stopping, which needs several epochs."""
        if self.models[0].early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")

    def read(self, model: Any, X: Any, y: Any, weight: Any, **how: Any) -> NetworkRows:
        """Do what `read_rows` says."""
        return read_rows(model, X, y, weight, **how)

    def read_X(self, X: ArrayLike) -> Array:
        """Check X to predict for."""
        rows = check_X(self.models[0], X, accept_sparse=["csr", "csc"])
        if is_device_array(rows):
            return rows
        rows = rows.toarray() if scipy.sparse.issparse(rows) else rows
        return rows.astype(self.arrays["params"].dtype, copy=False)

    def begin_arrays(self, rows: NetworkRows) -> Begun:
        """Draw first weights."""
        lead = self.models[0]
        initial, begun = draw_weights(self.models, rows)
        lead.n_outputs_ = rows.n_outputs
        lead.n_layers_ = len(hidden_layers(lead)) + 2
        lead.out_activation_ = output_activation(lead)
        self._set_params(initial)
        self.arrays |= self._moments([None] * len(self))
        return begun

    def books(self, model: Any) -> dict[str, Any]:
        """Begin the books that scikit-learn keeps."""
        new = {
            "t_": 0,
            "loss_curve_": [],
            "validation_scores_": None,
            "best_validation_score_": None,
        }
        return new | super().books(model) | new_solver(model)

    def go_on(self) -> None:
        """Let the solvers begin anew."""
        for model in self.models:
            model.__dict__.update(new_solver(model))
        self.arrays |= self._moments([None] * len(self))

    def epoch(self, rows: NetworkRows, orders: Orders | None) -> None:
        """Take every network once through its rows, and note the losses."""
        params = self.arrays["params"]
        n_rows = len(rows.X) if orders is None else orders[0].shape[1]
        size = batch_size(self.models[0], n_rows)
        self._check_weights(rows.weight, orders, size)
        alpha = np.array([model.alpha for model in self.models], params.dtype)
        losses, self.sound = train_epoch(
            self.shape,
            params,
            alpha,
            self._optimizer(),
            Batches(rows.X, rows.y, rows.weight, orders, size),
        )
        for model, loss in zip(self.models, to_host(losses).tolist(), strict=True):
            model.loss_ = loss

    def end_epoch(self, n_rows: int) -> list[bool]:
        """Keep the books of an epoch; says which networks should stop."""
        batches = -(-n_rows // batch_size(self.models[0], n_rows, quiet=True))
        return [end_epoch(model, n_rows, batches) for model in self.models]

    def holding_out(self, rows: NetworkRows) -> HoldOut:
        """Say which rows a network trains on, and which say when to stop."""
        stratify = is_classifier(self.models[0]) and rows.n_outputs == 1
        return holding_out(rows, rows.target if stratify else None)

    def target(self, rows: NetworkRows) -> np.ndarray:
        """Return what predictions for rows are scored against, on the host."""
        return to_host(rows.target)

    def diverged(self) -> Exception:
        """Say what scikit-learn says."""
        return ValueError(
            "Solver produced non-finite parameter weights. The input data may "
            "contain large values and need to be preprocessed."
        )

    # ---- predictions ----

    def predict_proba(self, X: ArrayLike) -> Array:
        """Compute probabilities, of shape (n_models, n_samples, n_classes)."""
        found = self.outputs_for(X)
        if found.shape[-1] > 1:
            return found
        return array_namespace(found).concatenate([1 - found, found], axis=-1)

    def outputs(self, X: Array) -> Array:
        """Compute the output layer, of shape (n_models, n_samples, n_outputs)."""
        return outputs(self.xp, self.shape, self.arrays["params"], X)

    def decide(self, outputs: Array) -> Array:
        """Predictions for outputs; of several labels, which a row has."""
        binarizer = getattr(self.models[0], "_label_binarizer", None)
        if binarizer is not None and binarizer.y_type_.startswith("multilabel"):
            return (outputs > self.boundary).astype(np.int64)
        return super().decide(outputs)

    # ---- from and to estimators ----

    def pack(self) -> None:
        """Put the weights and the solver's state of all models into arrays."""
        self.xp = array_namespace(self.models[0].coefs_[0])
        self._set_params([(m.coefs_, m.intercepts_) for m in self.models])
        # None if the solver has not begun, or is another than before.
        kept = [(getattr(m, "_moments", None) or {}).get(m.solver) for m in self.models]
        self.arrays |= self._moments(kept)

    def publish(self, models: Sequence[Any]) -> None:
        """Give estimators copies of their weights and of the solver's state."""
        layers = self.shape.layout.layers(self.arrays["params"])
        coefs = [layer[:, :, :-1].swapaxes(1, 2) for layer in layers]
        if self.copies_at_once():
            self._publish_at_once(models, coefs, layers)
            return
        moments = [self.arrays[name] for name in _MOMENTS[models[0].solver]]
        for i, model in enumerate(models):
            model.coefs_ = [coef[i].copy() for coef in coefs]
            model.intercepts_ = [layer[i, :, -1].copy() for layer in layers]
            model._moments = {model.solver: [m[i].copy() for m in moments]}

    def _publish_at_once(
        self, models: Sequence[Any], coefs: list[Array], layers: list[Array]
    ) -> None:
        """Do so with few launches: copies of all models are one piece of memory."""
        solver = models[0].solver
        coefs = [coef.copy() for coef in coefs]
        intercepts = [layer[:, :, -1].copy() for layer in layers]
        moments = [self.arrays[name].copy() for name in _MOMENTS[solver]]
        for i, model in enumerate(models):
            model.coefs_ = [coef[i] for coef in coefs]
            model.intercepts_ = [intercept[i] for intercept in intercepts]
            model._moments = {solver: [moment[i] for moment in moments]}

    def _set_params(self, weights: Sequence[Weights]) -> None:
        """Set what networks compute, by the lists of weights and of intercepts."""
        xp, lead = self.xp, self.models[0]
        coefs = weights[0][0]
        layout = Layout((coefs[0].shape[0], *(coef.shape[1] for coef in coefs)))
        self.shape = Shape(layout, lead.activation, lead.out_activation_)
        # Where the weights are: new ones are drawn on the host, and go to a device at
        # once.
        there = array_namespace(coefs[0])
        params = there.asarray(np.empty((len(self), layout.n_params), coefs[0].dtype))
        for i, layer in enumerate(layout.layers(params)):
            stacked = there.stack([coefs[i] for coefs, _ in weights])
            layer[:, :, :-1] = stacked.swapaxes(1, 2)
            layer[:, :, -1] = there.stack([both[1][i] for both in weights])
        self.arrays["params"] = xp.asarray(params)

    def _moments(self, given: Sequence[list[Array] | None]) -> dict[str, Array]:
        """Return what solvers remember, by name; zeros if they remember nothing."""
        names = _MOMENTS.get(self.models[0].solver, ())
        params = self.arrays["params"]
        if all(rows is None for rows in given):
            return {name: self.xp.zeros_like(params) for name in names}
        zero = self.xp.zeros_like(params[0])
        return {
            name: self.xp.stack([zero if rows is None else rows[k] for rows in given])
            for k, name in enumerate(names)
        }

    def _check_weights(
        self, weight: Array | None, orders: Orders | None, size: int
    ) -> None:
        """Note which networks meet a batch whose rows count nothing."""
        if weight is None:
            return
        values = weight
        if not kept("zeros", (weight,), lambda: bool((values == 0).any())):
            return
        weight = to_host(weight)
        numbers, which = orders or ([slice(None)], [0] * len(self))
        empty = []
        for order in numbers:
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
        moments = [self.arrays[name] for name in _MOMENTS[self.models[0].solver]]
        return kind(self.xp, moments, numbers)
