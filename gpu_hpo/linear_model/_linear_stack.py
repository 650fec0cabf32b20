# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Linear models of one shape as one set of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import scipy.sparse
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metaestimators import available_if

from gpu_hpo._typing import Array, ArrayLike
from gpu_hpo.devices._namespace import array_namespace, to_host
from gpu_hpo.linear_model import _lanes as lane
from gpu_hpo.linear_model._hot_loop import train_epoch
from gpu_hpo.linear_model._lanes import Lanes, Rules, begin
from gpu_hpo.linear_model._responses import probabilities, scores
from gpu_hpo.linear_model._rows import LinearRows, read_rows, read_X
from gpu_hpo.linear_model._stopping import diverged, train_until_done
from gpu_hpo.stacks._array_stack import ArrayStack
from gpu_hpo.stacks._fit_courses import Course, HoldOut, warn_of_models
from gpu_hpo.stacks._row_orders import Orders

# The arrays of a stack, by the attribute that each of their rows is of a model whose
# weights are averaged.
_AVERAGED = {
    "coefs": "_standard_coef",
    "intercepts": "_standard_intercept",
    "average_coefs": "_average_coef",
    "average_intercepts": "_average_intercept",
}


class LinearStack(ArrayStack):
    """Train linear models together; see `gpu_hpo.stacks.Stack`.

    Its arrays are `coefs`, weights that are trained, of shape (n_models, n_outputs,
    n_features), and `intercepts`, of shape (n_models, n_outputs); `average_coefs` and
    `average_intercepts` of the same shapes are means over all updates, zero if they are
    not wanted.
    """

    attributes = {"coefs": "coef_", "intercepts": "intercept_"}

    # ---- training ----

    # The order of scikit-learn's parameters.
    def fit(  # type: ignore[override]
        self,
        X: ArrayLike,
        y: ArrayLike,
        coef_init: ArrayLike | None = None,
        intercept_init: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train every model anew; takes what the estimators' `fit` takes.

        Every model begins with the weights that are given, if any.
        """
        initial = {"coef_init": coef_init, "intercept_init": intercept_init}
        return super().fit(X, y, sample_weight, **initial)

    def read(self, model: Any, X: Any, y: Any, weight: Any, **how: Any) -> LinearRows:
        """Do what `read_rows` says."""
        return read_rows(model, X, y, weight, **how)

    def read_X(self, X: ArrayLike) -> Array:
        """Check X to predict for."""
        return read_X(self.models[0], X)

    def check_call(self) -> None:
        """Refuse parameters that the first `partial_fit` has no use for."""
        lead = self.models[0]
        if not hasattr(lead, "classes_" if is_classifier(lead) else "coef_"):
            _check_first_call(self.models)

    def reads_apart(self) -> bool:
        """Tell whether weights of classes depend on which rows there are."""
        return getattr(self.models[0], "class_weight", None) == "balanced"

    def begin_arrays(self, rows: LinearRows) -> None:
        """Begin with zeros, or with the weights that `fit` was given."""
        lead = self.models[0]
        n_outputs = 1
        if is_classifier(lead) and len(lead.classes_) > 2:
            n_outputs = len(lead.classes_)
        shape = len(self), n_outputs, lead.n_features_in_
        dtype = np.dtype(rows.X.dtype.str)
        self.arrays = {
            name: self.xp.zeros(shape[: _n_axes(name)], dtype) for name in _AVERAGED
        }
        if rows.initial is not None:
            for name, values in zip(self.attributes, rows.initial, strict=True):
                array = self.arrays[name]
                array[:] = self.xp.asarray(values).reshape(array.shape[1:])

    def books(self, model: Any) -> dict[str, Any]:
        """Begin to count updates, as scikit-learn does."""
        return {"t_": 1.0, "n_iter_": 0}

    def go_on(self) -> None:
        """Count updates anew."""
        for model in self.models:
            model.t_ = 1.0

    def call(self, rows: LinearRows, orders: Orders | None) -> None:
        """Take every model once through its rows, in mini-batches."""
        if orders is None:
            orders = np.arange(rows.X.shape[0])[None], np.zeros(len(self), np.intp)
        rules, lanes = self.rules(), self.lanes(rows.class_weights)
        begin(self.xp, rules, lanes)
        # Outputs of a model share an order.
        which = np.repeat(orders[1], self.arrays["coefs"].shape[1])
        with np.errstate(all="ignore"):
            train_epoch(rules, lanes, rows, (orders[0], which))
        self.sound = lanes.sound
        self.absorb(lanes)
        self.count([1] * len(self), orders[0].shape[1])

    def holding_out(self, rows: LinearRows) -> HoldOut:
        """Say which rows a model trains on, and which say when to stop."""
        every = np.arange(rows.X.shape[0])
        if not self.models[0].early_stopping:
            return lambda model, rng: (every, every[:0])
        y = to_host(rows.y)
        counted = np.ones(len(y), bool)
        if rows.weight is not None:
            counted = to_host(rows.weight > 0)

        def hold_out(
            model: Any, rng: np.random.RandomState
        ) -> tuple[np.ndarray, np.ndarray]:
            # By the model's own `random_state`, as in scikit-learn, not by `rng`.
            held = np.flatnonzero(model._make_validation_split(y, counted))
            return np.setdiff1d(every, held), held

        return hold_out

    def train_until_done(self, rows: Any, courses: Sequence[Course]) -> list[int]:
        """Train models, in the order of their courses, each output until it is done."""
        early = self.models[0].early_stopping
        talks = any(model.verbose > 0 for model in self.models)
        rules, lanes = self.rules(not early or talks), self.lanes(rows.class_weights)
        lanes.widen()
        begin(self.xp, rules, lanes)
        n_epochs, self.errors = train_until_done(
            self.models, rules, lanes, rows, courses
        )
        self.absorb(lanes)
        self.count(n_epochs, rows.X.shape[0])
        ends = [model.tol is not None for model in self.models]
        last = [model.n_iter_ == model.max_iter for model in self.models]
        return np.flatnonzero(np.logical_and(ends, last)).tolist()

    def end_fit(self) -> None:
        """Do nothing: whether weights are finite is looked at after each epoch."""

    def diverged(self) -> Exception:
        """Say what scikit-learn says."""
        return diverged(1)

    def say_how_it_went(self, cut_off: Sequence[int]) -> None:
        """Warn, once for all, of what some of the fitted models should know."""
        if cut_off:
            warn_of_models(
                ConvergenceWarning(
                    "Maximum number of iteration reached before convergence. Consider "
                    "increasing max_iter to improve the fit."
                ),
                cut_off,
            )
        negative = [
            i
            for i, model in enumerate(self.models)
            if model.power_t < 0 and self.errors[i] is None
        ]
        if negative:
            warn_of_models(
                FutureWarning(
                    "Negative values for `power_t` are deprecated, as in scikit-learn."
                ),
                negative,
            )

    def rules(self, objective: bool = False) -> Rules:
        """Return what the models have in common, as training must know it."""
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

    def lanes(self, class_weights: np.ndarray | None) -> Lanes:
        """Return all outputs of all models, to be trained.

        On a device they are those of the stack themselves, and their table is on the
        host, whence what needs it copies it.
        """
        xp, arrays = self.xp, self.arrays
        n_models, n_outputs, n_features = arrays["coefs"].shape
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
        lanes = Lanes(
            arrays["coefs"].reshape(-1, n_features),
            arrays["intercepts"].reshape(-1),
            arrays["average_coefs"].reshape(-1, n_features),
            arrays["average_intercepts"].reshape(-1),
            table.reshape(lane.N_ROWS, -1),
            xp.empty((n_models * n_outputs, 0), arrays["coefs"].dtype),
        )
        if xp is np:
            lanes.widen()
        return lanes

    def absorb(self, lanes: Lanes) -> None:
        """Take over what has been trained."""
        arrays = self.arrays
        dtype, shape = arrays["coefs"].dtype, arrays["coefs"].shape
        arrays["coefs"] = lanes.weights.reshape(shape)
        intercepts = lanes.intercepts.reshape(shape[:2])
        arrays["intercepts"] = intercepts.astype(dtype, copy=False)
        if self.models[0].average > 0:
            arrays["average_coefs"] = lanes.average_weights.reshape(shape)
            averages = lanes.average_intercepts.reshape(shape[:2])
            arrays["average_intercepts"] = averages.astype(dtype, copy=False)

    def count(self, n_epochs: Sequence[int], n_rows: int) -> None:
        """Keep the books of some epochs of each model."""
        for model, epochs in zip(self.models, n_epochs, strict=True):
            model.n_iter_ = epochs
            model.t_ += float(epochs * -(-n_rows // model.batch_size))

    # ---- predictions ----

    @available_if(lambda stack: is_classifier(stack.models[0]))
    def decision_function(self, X: ArrayLike) -> Array:
        """Compute distances, of shape (n_models, n_samples[, n_classes])."""
        found = self.outputs_for(X)
        return found[..., 0] if found.shape[-1] == 1 else found

    @available_if(
        lambda self: is_classifier(self.models[0]) and self.models[0]._check_proba()
    )
    def predict_proba(self, X: ArrayLike) -> Array:
        """Compute probabilities, of shape (n_models, n_samples, n_classes)."""
        found = self.outputs_for(X)
        with np.errstate(invalid="ignore"):
            return probabilities(array_namespace(found), self.models[0].loss, found)

    def outputs(self, X: ArrayLike) -> Array:
        """Compute distances or targets, of shape (n_models, n_samples, n_outputs)."""
        with np.errstate(invalid="ignore", over="ignore"):
            return scores(self.xp, *self._published(), X)

    def _published(self) -> tuple[Array, Array]:
        """Return the weights that count: averages, of models that have any."""
        arrays = self.arrays
        averaged = [0 < model.average <= model.t_ - 1 for model in self.models]
        if not any(averaged):
            return arrays["coefs"], arrays["intercepts"]
        xp, chosen = self.xp, self.xp.asarray(np.array(averaged))[:, None]
        return (
            xp.where(chosen[:, None], arrays["average_coefs"], arrays["coefs"]),
            xp.where(chosen, arrays["average_intercepts"], arrays["intercepts"]),
        )

    # ---- from and to estimators ----

    def pack(self) -> None:
        """Put the weights of all models into arrays."""
        lead = self.models[0]
        coefs = [_dense(model.coef_) for model in self.models]
        self.xp = xp = array_namespace(coefs[0])
        shape = len(self), len(lead.intercept_), coefs[0].shape[-1]
        dtype = coefs[0].dtype
        for name, attribute in _AVERAGED.items():
            inner = shape[1 : _n_axes(name)]
            if lead.average > 0 and hasattr(lead, attribute):
                parts = [getattr(model, attribute) for model in self.models]
            elif name == "coefs":
                parts = coefs
            elif name == "intercepts":
                parts = [model.intercept_ for model in self.models]
            else:
                self.arrays[name] = xp.zeros((len(self), *inner), dtype)
                continue
            parts = [xp.asarray(part).reshape(inner) for part in parts]
            self.arrays[name] = xp.stack(parts).astype(dtype, copy=False)

    def publish(self, models: Sequence[Any]) -> None:
        """Give estimators copies of their weights, and of the averages if wanted."""
        coefs, intercepts = self._published()
        given = {"coef_": coefs, "intercept_": intercepts}
        if models[0].average > 0:
            given |= {attr: self.arrays[name] for name, attr in _AVERAGED.items()}
        at_once = self.copies_at_once()
        for attribute, array in given.items():
            # A regressor's coefficients have one axis fewer.
            flat = array.ndim == 3 and not is_classifier(models[0])
            whole = array.copy() if at_once else array
            for model, values in zip(models, whole, strict=True):
                own = values[0] if flat else values
                setattr(model, attribute, own if at_once else own.copy())


def _n_axes(name: str) -> int:
    return 3 if name.endswith("coefs") else 2


def _dense(coef: Array) -> Array:
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
