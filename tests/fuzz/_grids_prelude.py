# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a generated grid and its reference are made of; scripts begin with this text.

The reference is scikit-learn's own search class, with the rules by which ours is meant
to differ patched into it; see `as_documented`.
"""

# Names that only the bodies of scripts use.
# ruff: noqa: F401

import collections
import copy
import functools
import re
import threading
import traceback
import types
import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
import scipy.sparse as sp
import sklearn
import sklearn.metrics._scorer as sk_scorer
import sklearn.model_selection as sk
import sklearn.model_selection._search as sk_search
import sklearn.model_selection._validation as sk_validation
from scipy.stats import loguniform, randint, uniform
from scipy.stats._distn_infrastructure import rv_frozen
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.compose import make_column_selector as selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.metrics import accuracy_score, make_scorer, r2_score
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV

TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)+")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
ANSWERS = "predict", "predict_proba", "decision_function", "transform"

# Clients, and counts of what is no difference: those of the whole run if this is one
# of many cases.
_shared = globals().get("_shared", {})


# ---- steps and models that misbehave ----


def shrink(X):
    """Write over the rows."""
    X *= 0.9
    return X


def clip_up(X):
    """Write over some of the rows' values."""
    np.clip(X, -1, None, out=X)
    return X


class Overwrites(TransformerMixin, BaseEstimator):
    """Writes what it makes of its rows over them."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y=None):
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        X -= self.mean_
        X *= self.factor
        return X


class WritesInFit(TransformerMixin, BaseEstimator):
    """Writes over its rows when it is fitted, and over none when it transforms."""

    def __init__(self, factor=0.5):
        self.factor = factor

    def fit(self, X, y=None):
        X *= self.factor
        self.top_ = np.abs(X).max(axis=0) + 1
        return self

    def transform(self, X):
        return X / self.top_


class Noise(TransformerMixin, BaseEstimator):
    """Draws while it transforms, from a state that its fit makes."""

    def __init__(self, size=0.1, seed=0):
        self.size = size
        self.seed = seed

    def fit(self, X, y=None):
        self.random_ = np.random.RandomState(self.seed)
        return self

    def transform(self, X):
        return X + self.size * self.random_.normal(size=X.shape)


class OtherTwice(TransformerMixin, BaseEstimator):
    """What it makes of the rows it is fitted to differs from what `transform` makes."""

    def fit(self, X, y=None):
        self.mean_ = np.asarray(X).mean(axis=0)
        return self

    def fit_transform(self, X, y=None):
        return np.asarray(X) - self.fit(X).mean_

    def transform(self, X):
        return 2 - np.asarray(X) + self.mean_


class FailsAt(TransformerMixin, BaseEstimator):
    """Raises where `at` says."""

    def __init__(self, at=None):
        self.at = at

    def fit(self, X, y=None):
        if self.at == "fit":
            raise ValueError("fails in fit")
        self.first_ = float(np.asarray(X)[0, 0])
        if self.at == "some" and self.first_ > 0:
            raise RuntimeError("fails in some fits")
        return self

    def transform(self, X):
        if self.at == "transform":
            raise TypeError("fails in transform")
        if self.at == "test" and float(np.asarray(X)[0, 0]) != self.first_:
            raise ValueError("fails in the transform of other rows")
        return X


class _Means(BaseEstimator):
    """Predicts by distance to a mean, and takes parameters with state in `fit`."""

    def __init__(self, shift=0.0, writes=False):
        self.shift = shift
        self.writes = writes

    def _learn(self, X, y, sample_weight, rng, log):
        X = np.asarray(X, float) if not self.writes else X
        if sample_weight is not None and self.writes:
            sample_weight *= 2
        if self.writes:
            X *= 1.5
        weight = None if sample_weight is None else np.asarray(sample_weight)
        self.w_ = np.average(X, axis=0, weights=weight) + self.shift
        if rng is not None:
            self.w_ = self.w_ + 0.5 * rng.normal(size=self.w_.shape)
        if log is not None:
            log.append(len(X))
            self.w_ = self.w_ + 0.2 * len(log)


class Means(ClassifierMixin, _Means):
    """Classifies by the side of a mean."""

    def fit(self, X, y, sample_weight=None, rng=None, log=None):
        self.classes_ = np.unique(y)
        self._learn(X, y, sample_weight, rng, log)
        return self

    def predict(self, X):
        if self.writes:
            X += 0.1
        side = (np.asarray(X, float) @ self.w_ > 0).astype(int)
        return self.classes_[side % len(self.classes_)]


class MeansRegressor(RegressorMixin, _Means):
    """Predicts the product with a mean."""

    def fit(self, X, y, sample_weight=None, rng=None, log=None):
        self._learn(X, y, sample_weight, rng, log)
        return self

    def predict(self, X):
        if self.writes:
            X += 0.1
        return np.asarray(X, float) @ self.w_


class LockedLog(list):
    """A log that cannot be copied."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def append(self, entry):
        with self.lock:
            super().append(entry)

    def __len__(self):
        # It does not matter to the model how much has been written.
        return 1

    def __deepcopy__(self, memo):
        raise TypeError("cannot copy a lock")

    def __reduce_ex__(self, protocol):
        raise TypeError("cannot pickle a lock")


# ---- scorings ----


def plain_score(estimator, X, y=None, **more):
    return estimator.score(X, y, **more) if y is not None else float(len(X))


def two_scores(estimator, X, y):
    answer = np.asarray(estimator.predict(X))
    return {"same": float(np.mean(answer == np.asarray(y))), "n": len(answer)}


def nan_score(estimator, X, y):
    score = plain_score(estimator, X, y)
    return np.nan if int(score * 1e6) % 3 == 0 else score


def inf_score(estimator, X, y):
    score = plain_score(estimator, X, y)
    return np.inf if int(score * 1e6) % 3 == 0 else score


def minus_inf_score(estimator, X, y):
    return -inf_score(estimator, X, y)


def failing_score(estimator, X, y):
    score = plain_score(estimator, X, y)
    if int(score * 1e6) % 4 == 0:
        raise ArithmeticError("no score")
    return score


def twice_score(estimator, X, y):
    """Two calls, between which the rows may change."""
    return float(np.mean(estimator.predict(X) == estimator.predict(X)))


class CountingScore:
    """A scorer whose answer depends on how often it was asked."""

    def __init__(self):
        self.calls = 0

    def __call__(self, estimator, X, y):
        self.calls += 1
        return plain_score(estimator, X, y) + 0.001 * self.calls


class DrawingScore:
    """A scorer that draws the rows it scores on."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)

    def __call__(self, estimator, X, y):
        answer = np.asarray(estimator.predict(X))
        chosen = self.random.randint(0, len(answer), len(answer))
        return float(np.mean(answer[chosen] == np.asarray(y)[chosen]))


def spoil(matrix, seed):
    """Give a sparse matrix with the indices of a row (or column) in any order."""
    matrix = matrix.copy()
    rng = np.random.default_rng(seed)
    for a, b in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        order = rng.permutation(b - a)
        matrix.indices[a:b] = matrix.indices[a:b][order]
        matrix.data[a:b] = matrix.data[a:b][order]
    matrix.has_sorted_indices = False
    return matrix


def with_request(pipeline, **wanted):
    """Have the last step ask for metadata."""
    pipeline.steps[-1][1].set_fit_request(**wanted)
    return pipeline


# ---- sameness ----


_within = []  # objects that are being compared, which may hold themselves


def same(a, b, tol=0.0):
    """Whether two values of whatever kind are equal, objects by what they hold."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(b, dict):
        return list(map(str, a)) == list(map(str, b)) and all(
            same(v, w, tol) for v, w in zip(a.values(), b.values(), strict=True)
        )
    if isinstance(b, (list, tuple)):
        return (
            list.__len__(a) == list.__len__(b)
            if isinstance(b, LockedLog)
            else (
                len(a) == len(b)
                and all(same(v, w, tol) for v, w in zip(a, b, strict=True))
            )
        )
    if sp.issparse(b):
        return all(
            same(getattr(a, name), getattr(b, name), tol)
            for name in ("data", "indices", "indptr")
        ) and (a.shape == b.shape)
    if isinstance(b, np.random.RandomState):
        return same(a.get_state(), b.get_state())
    if isinstance(b, (pd.DataFrame, pd.Series)):
        return a.equals(b) and a.index.equals(b.index)
    if isinstance(b, np.ndarray):
        if (a.dtype, a.shape) != (b.dtype, b.shape):
            return False
        if b.dtype == object:
            return all(
                same(v, w, tol) for v, w in zip(a.ravel(), b.ravel(), strict=True)
            )
        if tol and b.dtype.kind in "fc":
            return np.allclose(a, b, rtol=tol, atol=tol, equal_nan=True)
        return np.array_equal(a, b, equal_nan=b.dtype.kind in "fc")
    if isinstance(b, (float, np.floating)):
        return bool(a == b or (a != a and b != b) or abs(a - b) <= tol * (1 + abs(b)))
    if isinstance(b, rv_frozen):
        # Which holds NumPy's global state.
        return same((a.args, a.kwds), (b.args, b.kwds))
    if isinstance(b, (types.FunctionType, type, threading.Thread)):
        return getattr(a, "__qualname__", a) == getattr(b, "__qualname__", b)
    if isinstance(b, np.random.Generator):
        return same(a.bit_generator.state, b.bit_generator.state)
    if hasattr(b, "__dict__") and type(b).__eq__ is object.__eq__:
        if id(b) in _within:
            return True
        _within.append(id(b))
        try:
            return same(vars(a), vars(b), tol)
        finally:
            _within.pop()
    if type(b).__eq__ is object.__eq__:
        return True
    return bool(a == b)


def kept(value):
    """A copy to compare with later; of what cannot be copied, itself."""
    if isinstance(value, types.GeneratorType):
        return value
    try:
        return copy.deepcopy(value)
    except TypeError:
        return value


# ---- scikit-learn's search by the documented rules ----


@contextmanager
def patched(*changes):
    """Set attributes for a while."""
    before = [(place, name, getattr(place, name)) for place, name, _ in changes]
    try:
        for place, name, value in changes:
            setattr(place, name, value)
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)


def errors_of_all(search, given):
    """Give the errors of all fits, of which a search raises the first that it meets."""
    found = []
    fit_and_score = sk_search._fit_and_score

    def go_on(*args, scorer, return_train_score, **more):
        try:
            return fit_and_score(
                *args, scorer=scorer, return_train_score=return_train_score, **more
            )
        except Exception as error:
            found.append(told(error))
        names = getattr(scorer, "_scorers", None)
        score = 0.0 if names is None else dict.fromkeys(names, 0.0)
        times = {"fit_time": 0.0, "score_time": 0.0, "n_test_samples": 1}
        scores = {"test_scores": score, "train_scores": score}
        return {**times, **scores, "fit_error": None}

    with patched((sk_search, "_fit_and_score", go_on)):
        fit(search.set_params(refit=False), given)
    return found


def told(error):
    """Give type and text of an error, but for what is not the same in two runs."""
    text = TRACEBACK.sub("Traceback\n", ADDRESS.sub("0x", str(error)))
    # Of a pipeline's prefix that is shared, only the last steps are there to be asked.
    text = re.sub(r"^\w+ has none of the following", "It has none of", text)
    return type(error).__name__, text


@contextmanager
def as_documented():
    """Patch what is meant to differ into scikit-learn's searches.

    Each fit has its own copy of the parameters of `fit` and of the scorer; the rows
    that trained are scored as they were; means that are not finite rank last; what
    several scorers raise before the first of them is called is the candidate's failure.
    """
    cuts = []
    fit_and_score = sk_search._fit_and_score
    safe_split, score = sk_validation._safe_split, sk_validation._score

    def own_copies(*args, scorer, fit_params, score_params, **more):
        cuts.clear()
        own = {
            "scorer": kept(scorer),
            "fit_params": {name: kept(v) for name, v in (fit_params or {}).items()},
            "score_params": {name: kept(v) for name, v in (score_params or {}).items()},
        }
        return fit_and_score(*args, **own, **more)

    def note_cut(*args, **more):
        X, y = safe_split(*args, **more)
        cuts.append((X, copy.deepcopy((X, y))))
        return X, y

    def score_as_cut(estimator, X, y, *args, **more):
        for cut, before in cuts:
            if cut is X:
                X, y = before
        return score(estimator, X, y, *args, **more)

    def last(means, fill_value):
        finite = np.isfinite(means)
        worst = means[finite].min() - 1 if finite.any() else 0.0
        return np.where(finite, means, worst)

    score_all = sk_scorer._MultimetricScorer.__call__

    def score_or_fail(self, *args, **more):
        try:
            return score_all(self, *args, **more)
        except Exception:
            if self._raise_exc:
                raise
            return dict.fromkeys(self._scorers, traceback.format_exc())

    format_results = sk_search.BaseSearchCV._format_results

    def format_quietly(*args, **more):
        with np.errstate(invalid="ignore"):  # for infinite scores
            return format_results(*args, **more)

    xpx = types.SimpleNamespace(nan_to_num=last)
    with patched(
        (sk_search, "_fit_and_score", own_copies),
        (sk_validation, "_safe_split", note_cut),
        (sk_validation, "_score", score_as_cut),
        (sk_search, "xpx", xpx),
        (sk_search.BaseSearchCV, "_format_results", format_quietly),
        (sk_scorer._MultimetricScorer, "__call__", score_or_fail),
    ):
        yield


def documented_data(X):
    """Give the rows as a model of ours gets them: sorted, and free to be written."""
    if sp.issparse(X) and hasattr(X, "sorted_indices"):
        return X.sorted_indices()
    if isinstance(X, np.ndarray) and not X.flags.writeable:
        return copy.deepcopy(X)
    return X


# ---- fits and what comes of them ----


class Given:
    """All that a search is given, made anew for each."""

    def __init__(self, estimator, space, X, y=None, fit=None, **options):
        self.estimator = estimator
        self.space = space
        self.options = options
        self.X = X
        self.y = y
        self.fit = fit or {}

    def search(self, cls, **more):
        return cls(self.estimator, self.space, **self.options, **more)

    def parts(self, consumed):
        """What must not change."""
        options = {
            name: value
            for name, value in self.options.items()
            if not (consumed and name in ("cv", "random_state"))
        }
        return {
            "X": self.X,
            "y": self.y,
            "the parameters of fit": self.fit,
            "the estimator": self.estimator,
            "the space": self.space,
            "options": options,
        }


def fit(search, given, warn=True):
    """Fit a search, and give what can be compared."""
    found = {"error": None, "warnings": None}
    data = (given.X,) if given.y is None else (given.X, given.y)
    rows = copy.deepcopy(given.X)  # scikit-learn's last fit may write on what it gets

    def go():
        try:
            search.fit(*data, **given.fit)
        except Exception as error:
            found["error"] = told(error)

    if warn:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            go()
        found["warnings"] = sorted({w.category.__name__ for w in caught})
        found["said"] = [f"{w.category.__name__}: {w.message}"[:300] for w in caught]
    else:
        go()
    if found["error"] is not None:
        return found
    columns = {
        name: column
        for name, column in search.cv_results_.items()
        if not name.endswith("_time") and not name.startswith("param")
    }
    found["names"] = list(search.cv_results_)
    found["params"] = repr_of(search.cv_results_["params"])
    found["columns"] = columns
    found["choice"] = {
        name: repr_of(getattr(search, name, None))
        for name in ("best_index_", "best_params_", "n_splits_", "multimetric_")
    }
    found["best_score_"] = getattr(search, "best_score_", None)
    found["attributes"] = sorted(n for n in vars(search) if n.endswith("_"))
    found["answers"] = answers(search, rows)
    return found


def repr_of(value):
    return ADDRESS.sub("0x", repr(value))


def answers(search, X):
    """What the refitted model says of all rows."""
    found = {}
    if not hasattr(search, "best_estimator_"):
        return found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ANSWERS:
            if hasattr(search, name):
                # A transformer that draws has drawn as often as it has been asked.
                model = copy.deepcopy(search.best_estimator_)
                try:
                    found[name] = getattr(model, name)(copy.deepcopy(X))
                except Exception as error:
                    found[name] = repr_of(error)
    return found


def differences_of(ours, theirs, between, tol=0.0, counts=None):
    """Compare two outcomes; pairs of kind and text."""
    out = []

    def differ(what, a, b):
        out.append((f"{what}: {between}", f"{short(a)} instead of {short(b)}"))

    if ours["warnings"] is not None and ours["warnings"] != theirs["warnings"]:
        differ("warnings", ours["warnings"], theirs["warnings"])
    if ours["error"] != theirs["error"]:
        of_any = ours["error"] in theirs.get("errors", ())
        what = "error of another candidate" if of_any else "error"
        differ(what, ours["error"], theirs["error"])
        return out
    if ours["error"] is not None:
        return out
    for name in ("names", "params", "attributes"):
        if ours[name] != theirs[name]:
            differ(name, ours[name], theirs[name])
    exact = True
    for name, column in theirs["columns"].items():
        mine = ours["columns"].get(name)
        if name.startswith("rank_") or same(mine, column):
            continue
        exact = False
        if not same(mine, column, tol):
            differ(re.sub(r"^split\d+", "splits", name), mine, column)
    if counts is not None:
        counts["equal to the bit" if exact else "not equal to the bit"] += 1
    if out:
        return list(dict(out[::-1]).items())[::-1]
    if not exact and any(
        not same(ours["columns"][name], column)
        for name, column in theirs["columns"].items()
        if name.startswith("rank_")
    ):
        # A tie, but for rounding: who wins is chance.
        if counts is not None:
            counts["ranks by rounding"] += 1
        return out
    for name, column in theirs["columns"].items():
        if name.startswith("rank_") and not same(ours["columns"][name], column):
            differ("rank", ours["columns"][name], column)
    for name, value in theirs["choice"].items():
        if ours["choice"][name] != value:
            differ(name, ours["choice"][name], value)
    if not same(ours["best_score_"], theirs["best_score_"], tol):
        differ("best_score_", ours["best_score_"], theirs["best_score_"])
    for name in theirs["answers"].keys() | ours["answers"].keys():
        mine, value = (o["answers"].get(name) for o in (ours, theirs))
        # Rounding grows from a model's coefficients to its answers.
        if not same(mine, value, 1e3 * tol):
            differ(f"answers of {name}", mine, value)
    return out


def short(value):
    text = " ".join(repr_of(value).split())
    return text if len(text) < 400 else f"{text[:300]} ... {text[-90:]}"


def scheduler_of(name):
    """Give options of a search; a client is one that all cases of a run share."""
    if name == "one job":
        return {"n_jobs": 1}
    if not name.endswith("client"):
        return {"scheduler": None if name == "default" else name}
    if name not in _shared:
        from distributed import Client, LocalCluster

        processes = name.startswith("processes")
        cluster = LocalCluster(
            n_workers=2 if processes else 1,
            threads_per_worker=1 if processes else 4,
            processes=processes,
            host="127.0.0.1" if processes else None,
            dashboard_address=None,
            silence_logs=50,
        )
        _shared[name] = Client(cluster, set_as_default=False)
    return {"scheduler": _shared[name]}


def compare(
    build,
    *,
    randomized=False,
    schedulers=("default",),
    traits=(),
    tol=1e-12,
    config=None,
    own=None,
    twice=True,
    at_once=False,
    plain=False,
):
    """Fit ours in all ways and scikit-learn's; pairs of kind and text.

    Parameters
    ----------
    build : callable
        Gives what a search is given; each time the same, and anew.
    traits : sequence of str
        Of the case: "consumed" if a second fit finds other splits or candidates.
    own : dict or None
        Options of our search only.
    plain : bool
        Whether scikit-learn's is compared to itself without the documented rules.
    """
    with sklearn.config_context(**(config or {})):
        return _compare(
            build, randomized, schedulers, traits, tol, own or {}, twice, at_once, plain
        )


def _compare(build, randomized, schedulers, traits, tol, more, twice, at_once, plain):
    own = functools.partial(RandomizedSearchCV if randomized else GridSearchCV, **more)
    their = sk.RandomizedSearchCV if randomized else sk.GridSearchCV
    counts = _shared.setdefault("counts", collections.Counter())
    consumed = "consumed" in traits
    found = []
    given = build()
    given.X = documented_data(given.X)
    with as_documented():
        theirs = fit(given.search(their, n_jobs=1), given)
    used_by_theirs = given.options
    if plain:
        given = build()
        as_is = fit(given.search(their, n_jobs=1), given)
        found += differences_of(theirs, as_is, "the rules and scikit-learn")
    outcomes = {}
    for name in ("synchronous", *schedulers):
        given = build()
        before = {part: kept(value) for part, value in given.parts(consumed).items()}
        search = given.search(own, **scheduler_of(name))
        outcomes[name] = fit(search, given)
        found += changes(before, given, consumed, name)
        for option in ("cv", "random_state"):
            if consumed and not same(
                given.options.get(option), used_by_theirs.get(option)
            ):
                found.append((f"{option} used otherwise", name))
        if twice and not consumed and name == schedulers[0]:
            again = fit(search, given)
            found += differences_of(again, outcomes[name], "second and first fit")
            found += changes(before, given, consumed, f"{name}, second fit")
    if theirs["error"] is not None:
        given = build()
        given.X = documented_data(given.X)
        with as_documented():
            theirs["errors"] = errors_of_all(given.search(their, n_jobs=1), given)
    for outcome in outcomes.values():
        outcome["errors"] = theirs.get("errors", ())
    first = outcomes.pop("synchronous")
    found += differences_of(first, theirs, "ours and scikit-learn's", tol, counts)
    for name, outcome in outcomes.items():
        found += differences_of(outcome, first, f"{name} and synchronous")
    if at_once and not consumed:
        found += two_at_once(build, own, first)
    return found


def changes(before, given, consumed, name):
    """What of the user's is no longer as it was."""
    after = given.parts(consumed)
    return [
        (f"{part} changed", f"scheduler: {name}")
        for part, value in before.items()
        if not same(after[part], value)
    ]


def two_at_once(build, own, first):
    """Two searches that share all that they are given, each in a thread."""
    given = build()
    before = {part: kept(value) for part, value in given.parts(False).items()}
    outcomes = [None, None]
    gate = threading.Barrier(2)

    def go(place):
        search = given.search(own)
        gate.wait()
        outcomes[place] = fit(search, given, warn=False)

    threads = [threading.Thread(target=go, args=(i,)) for i in range(2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = []
    for outcome in outcomes:
        found += differences_of(outcome, first, "two at once and one")
    return found + changes(before, given, False, "two at once")


def report(differences):
    """Print differences, unless this is one of many cases."""
    if _shared.get("quiet"):
        return
    for kind, text in differences:
        print(f"{kind}\n    {text}")
    print(f"{len(differences)} differences")
