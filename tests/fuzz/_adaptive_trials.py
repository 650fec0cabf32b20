# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""One trial of the plain loop: models that are trained and scored by themselves."""

from __future__ import annotations

import copy
import inspect
import math
import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.metrics import check_scoring, get_scorer
from sklearn.metrics._scorer import _BaseScorer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import get_tags

# What scores may differ by: sums in another order, and answers in single precision.
_CLOSE, _SINGLE = 1e-12, 1e-6


def root_of(random_state: Any) -> int:
    """The number that all seeds of a search come from."""
    if isinstance(random_state, np.random.RandomState):
        return int(copy.deepcopy(random_state).randint(2**31 - 1))
    return int(random_state)


class NotRecordedError(Exception):
    """A model is to make more calls than any of the search whose rows are known."""


class Trial:
    """One parameter set, its models, and what the search says of it."""

    def __init__(
        self,
        number: int,
        params: dict[str, Any],
        root: int,
        search: Any,
        data: Any,
        rows: Any,
        theirs: list[dict[str, Any]],
    ) -> None:
        self.number = number
        self.theirs = sorted(theirs, key=lambda entry: entry["partial_fit_calls"])
        self.record: list[tuple[int, float]] = []
        self.calls = 0
        self.stopped = False
        self.error = ""
        self.found: list[tuple[str, str]] = []
        self.refits = search.resource not in ("partial_fit", "boosting_rounds")
        self._search, self._data, self._rows, self._params = search, data, rows, params
        sequence = np.random.SeedSequence(root, spawn_key=(2, number))
        self._seed = int(sequence.generate_state(1)[0])
        self.models: list[Any] = []
        single = getattr(data.X, "dtype", None) == np.float32
        self._close = _SINGLE if single else _CLOSE

    @property
    def last(self) -> float:
        return self.record[-1][1] if self.record else math.nan

    def advance(self, calls: int) -> None:
        """Train up to so many calls, and score."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                if not self.models:
                    self.models = [self._new() for _ in self._rows.train]
                for i, train in enumerate(self._rows.train):
                    self.models[i] = self._trained(self.models[i], train, calls)
                self.calls = calls
                scores = [
                    self._score(*pair)
                    for pair in zip(self.models, self._rows.test, strict=True)
                ]
            except NotRecordedError:
                raise
            except Exception as error:
                text = (str(error).splitlines() or [""])[0]
                self.error = f"{type(error).__name__}: {text}".strip()
                return
        names = list(scores[0])
        means = {name: float(np.mean([s[name] for s in scores])) for name in names}
        if len(scores) == 1:
            means = scores[0]
        score = means[_decides(self._search)]
        self.record.append((calls, self._compared(calls, score, means, scores)))

    def _compared(self, calls: int, score: float, means: dict, scores: list) -> float:
        """The search's score at this point, compared with ours."""
        theirs = next((e for e in self.theirs if e["partial_fit_calls"] == calls), None)
        if theirs is None:
            return score
        ours = {"score": score}
        if len(means) > 1:
            ours |= {f"test_{name}": value for name, value in means.items()}
        if self._search.cv is not None:
            for i, by_name in enumerate(scores):
                ours |= {f"split{i}_test_{k}": v for k, v in by_name.items()}
        for name, value in ours.items():
            other = theirs.get(name, "nothing")
            if other == value or (other != other and value != value):
                continue
            close = isinstance(other, float) and math.isclose(
                other, value, rel_tol=self._close, abs_tol=self._close
            )
            kind = "loop: last bits of scores" if close else "loop: scores"
            where = f"trial {self.number} after {calls} calls"
            self.found.append(
                (kind, f"{where}: {name} {other!r} in place of {value!r}")
            )
        return float(theirs["score"])

    def model_before(self) -> Any:
        """The model as it was at its last score, if it failed after that."""
        if not self.error:
            return self.models[0]
        if self.refits:
            raise NotImplementedError
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            train, calls = self._rows.train[0], self.record[-1][0]
            return self._trained(self._new(), train, calls, begun=0)

    def model_again(self) -> Any:
        """The model that is trained on all rows in the end."""
        again = self._rows.again
        if self._data.validation is not None and not self.refits:
            raise NotImplementedError
        if self._search.resource == "n_samples" and self.calls != len(
            self._rows.train[0]
        ):
            raise NotImplementedError
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            last = self.record[-1][0]
            if self.refits:
                again = again * last
            return self._trained(self._new(), again, last, begun=0)

    # ---- training ----

    def _new(self) -> Any:
        params = {k: clone(v, safe=False) for k, v in self._params.items()}
        model = clone(self._search.estimator).set_params(**params)
        unset = sorted(
            name
            for name, value in model.get_params(deep=True).items()
            if value is None and name.rpartition("__")[2] == "random_state"
        )
        draws = np.random.RandomState(self._seed).randint(2**31 - 1, size=len(unset))
        return model.set_params(**dict(zip(unset, draws.tolist(), strict=True)))

    def _trained(
        self, model: Any, train: list[np.ndarray], calls: int, begun: int | None = None
    ) -> Any:
        begun = self.calls if begun is None else begun
        resource = self._search.resource
        by_calls = resource in ("partial_fit", "boosting_rounds")
        if by_calls and calls > len(train):
            raise NotRecordedError(f"the chunks of {len(train)} calls are known")
        if resource == "partial_fit":
            for call in range(begun, calls):
                self._partial_fit(model, self._data.take(train[call]), call == 0)
            return model
        if resource == "boosting_rounds":
            for call in range(begun, calls):
                _boost(model, self._own(self._data.take(train[call])), call == 0)
            return model
        if resource == "warm_start":
            params = model.get_params(deep=False)
            counter = "n_estimators" if "n_estimators" in params else "max_iter"
            more = calls if counter == "n_estimators" else calls - begun
            model.set_params(warm_start=True, **{counter: more})
        elif resource == "n_samples":
            model = clone(model)
        else:
            model = clone(model).set_params(**{resource: calls})
        rows = self._own(self._data.take(train[calls - 1]))
        return model.fit(rows.pop("X"), rows.pop("y"), **rows)

    def _own(self, rows: dict[str, Any]) -> dict[str, Any]:
        """Rows, and fit parameters that are as they were in the beginning."""
        return rows | copy.deepcopy(self._data.fit)

    def _partial_fit(self, model: Any, rows: dict[str, Any], first: bool) -> None:
        params = self._own(rows)
        X, y = params.pop("X"), params.pop("y")
        last = model
        while isinstance(last, Pipeline):
            last = last.steps[-1][1]
        known = inspect.signature(last.partial_fit).parameters
        if "classes" in known and "classes" not in params:
            if first or known["classes"].default is inspect.Parameter.empty:
                params["classes"] = np.unique(np.asarray(self._data.y))
        elif not first:
            params.pop("classes", None)
        _through(model, X, y, params)

    # ---- scoring ----

    def _score(self, model: Any, parts: list[np.ndarray]) -> dict[str, float]:
        taken = [self._data.take(part) for part in parts]
        return {
            name: self._by_scorer(scorer, model, taken, parts)
            for name, scorer in _scorers(self._search).items()
        }

    def _by_scorer(self, scorer: Any, model: Any, taken: list, parts: list) -> float:
        whole = self._data.take(np.concatenate(parts))
        weight, y = whole.get("sample_weight"), whole["y"]
        if not isinstance(scorer, _BaseScorer):
            scorer = copy.deepcopy(scorer)
            takes = inspect.signature(scorer).parameters
            named = {} if weight is None else {"sample_weight": weight}
            if "sample_weight" not in takes:
                named = {}
            return float(scorer(model, whole["X"], y, **named))
        counts = slice(None)
        named = {}
        if weight is not None:
            counts = np.flatnonzero(np.asarray(weight))
            named = {"sample_weight": np.asarray(weight)[counts]}
        answered = _Answered(model, [rows["X"] for rows in taken], counts)
        return float(scorer(answered, None, np.asarray(y)[counts], **named))


class _Answered(BaseEstimator):
    """A model that answers for the validation rows, part by part."""

    def __init__(self, model: Any, parts: list[Any], counts: Any) -> None:
        self._model, self._parts, self._counts = model, parts, counts

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self._model, name)
        if name not in ("predict", "predict_proba", "decision_function"):
            return value

        def method(X: Any) -> np.ndarray:
            answers = [np.asarray(value(copy.deepcopy(X))) for X in self._parts]
            return np.concatenate(answers)[self._counts]

        method.__name__ = name
        return method

    def __sklearn_tags__(self) -> Any:
        return get_tags(self._model)


def _scorers(search: Any) -> dict[str, Any]:
    scoring = search.scoring
    if scoring is None:
        own = get_scorer("accuracy" if is_classifier(search.estimator) else "r2")
        return {"score": own}
    if isinstance(scoring, list | tuple):
        return {name: get_scorer(name) for name in scoring}
    if isinstance(scoring, dict):
        return {k: check_scoring(search.estimator, v) for k, v in scoring.items()}
    return {"score": check_scoring(search.estimator, scoring)}


def _decides(search: Any) -> str:
    several = isinstance(search.scoring, list | tuple | dict)
    return str(search.refit) if several else "score"


def _through(step: Any, X: Any, y: Any, params: dict[str, Any]) -> None:
    """Train a model by one call, steps before it one after the other."""
    if isinstance(step, Pipeline):
        *before, last = [part for _, part in step.steps]
        for part in before:
            X = _updated(part, X, y)
        _through(last, X, y, params)
    else:
        step.partial_fit(X, y, **params)


def _updated(step: Any, X: Any, y: Any) -> Any:
    """Train a step that transforms; give what it makes of X."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return X
    if isinstance(step, Pipeline):
        for _, part in step.steps:
            X = _updated(part, X, y)
        return X
    if isinstance(step, FeatureUnion):
        for _, part in step.transformer_list:
            _updated(part, copy.deepcopy(X), y)
        return step.transform(X)
    if hasattr(step, "partial_fit"):
        step.partial_fit(X, y)
    elif not hasattr(step, "n_features_in_"):
        step.fit(X, y)
    return step.transform(X)


def _boost(model: Any, rows: dict[str, Any], first: bool) -> None:
    """Add as many trees as the model's parameters say, fitted to these rows."""
    X, y = rows.pop("X"), rows.pop("y")
    library = type(model).__module__.partition(".")[0]
    if library == "sklearn":
        own = model.n_estimators
        total = own + (0 if first else len(model.estimators_))
        model.set_params(warm_start=True, n_estimators=total)
        model.fit(X, y, **rows)
        model.set_params(warm_start=False, n_estimators=own)
        return
    name = {"xgboost": "xgb_model", "lightgbm": "init_model"}[library]
    if not first:
        rows[name] = model
    model.fit(X, y, **rows)
