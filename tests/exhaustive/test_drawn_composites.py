# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Grids over composites drawn at random: scores are those of what they give."""

import warnings

import numpy as np
import pytest
import sklearn.model_selection
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold, ParameterGrid, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    StandardScaler,
)

from gpu_hpo.model_selection import GridSearchCV

N_COLUMNS = 5
NAMES = ["a", "b", "c"]
LISTS = ("steps", "transformer_list", "transformers")
BINS = {"encode": "ordinal", "quantile_method": "averaged_inverted_cdf"}
# A step that is given to a composite, and values for its parameters.
STEPS = [
    (StandardScaler(), {"with_mean": [True, False], "with_std": [True, False]}),
    (MinMaxScaler(), {"feature_range": [(0, 1), (-3, 2)]}),
    (KBinsDiscretizer(3, **BINS), {"n_bins": [2, 4, 9], "strategy": ["uniform"]}),
    (Normalizer(), {"norm": ["l1", "l2", "max"]}),
    (PCA(1, svd_solver="full"), {"n_components": [1, 0.9], "whiten": [True, False]}),
    (SelectKBest(f_regression, k=1), {"k": [1, "all"]}),
]
LAST = [
    (Ridge(), {"alpha": [0.1, 10.0], "fit_intercept": [True, False]}),
    (LinearRegression(), {"fit_intercept": [True, False], "positive": [True]}),
    (KNeighborsRegressor(3), {"n_neighbors": [1, 5], "p": [1]}),
]
VALUES = {type(step): values for step, values in STEPS + LAST}
OTHERS = {
    "remainder": ["drop", "passthrough", StandardScaler(), MinMaxScaler()],
    "transformer_weights": [None, {"a": 2.0}, {"b": 0.5}],
    "memory": [None],
    "sparse_threshold": [0.0],
}


class Drawn:
    """What is drawn at random, by a seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def one_of(self, values):
        """One of some values."""
        return values[self.rng.integers(len(values))]

    def some_of(self, values, n):
        """Some values, at most `n`."""
        n = min(len(values), int(self.rng.integers(n + 1)))
        return [values[i] for i in self.rng.permutation(len(values))[:n]]

    def chance(self, share):
        """Whether something is so that is in a share of all cases."""
        return self.rng.random() < share

    def columns(self):
        """Some columns, by their numbers."""
        n = self.rng.integers(1, 3)
        return sorted(self.rng.choice(N_COLUMNS, n, replace=False).tolist())

    def leaf(self, kinds=STEPS):
        """An estimator that is made of no others."""
        return self.varied(clone(self.one_of(kinds)[0]))

    def varied(self, part):
        """An estimator with another value of one of its parameters."""
        values = VALUES.get(type(part))
        if values is None:
            return part
        name = self.one_of(list(values))
        return part.set_params(**{name: self.one_of(values[name])})

    def step(self, depth):
        """A transformer, composite or not, or a word in its place."""
        if depth and self.chance(0.5):
            return self.composite(depth - 1)
        return "passthrough" if self.chance(0.05) else self.leaf()

    def named(self, depth):
        """Some parts, by name."""
        return [(name, self.step(depth)) for name in NAMES[: self.rng.integers(1, 4)]]

    def composite(self, depth):
        """A transformer that is made of others."""
        kind = self.one_of([Pipeline, FeatureUnion, ColumnTransformer])
        if kind is not ColumnTransformer:
            return kind(self.named(depth))
        parts = [(*part, self.columns()) for part in self.named(0)]
        rest = clone(self.one_of(OTHERS["remainder"]), safe=False)
        return ColumnTransformer(parts, remainder=rest, sparse_threshold=0)

    def estimator(self):
        """A pipeline that predicts, with others in it."""
        steps = [("t", self.composite(1))]
        if self.chance(0.3):
            steps.insert(int(self.rng.integers(2)), ("s", self.step(1)))
        last = self.leaf(LAST)
        if self.chance(0.3):
            last = Pipeline([("a", self.step(1)), ("m", last)])
        return Pipeline([*steps, ("m", last)])

    def like(self, part):
        """What may take the place of a part, most often one of its kind."""
        if self.chance(0.7):
            return self.varied(clone(part, safe=False))
        return self.leaf(LAST) if hasattr(part, "predict") else self.step(1)

    def value(self, name, given, owner):
        """A value for a parameter that has another."""
        if name in LISTS:
            parts = [(n, self.like(part), *rest) for n, part, *rest in given]
            if name == "transformers":
                parts = [(n, part, self.columns()) for n, part, _ in parts]
            return parts[self.rng.integers(len(parts)) if self.chance(0.2) else 0 :]
        if name in OTHERS:
            return clone(self.one_of(OTHERS[name]), safe=False)
        if type(owner) in VALUES:
            return self.one_of(VALUES[type(owner)][name])
        return self.like(given)

    def grid(self, estimator, kind):
        """Values of a list of parts, of parts' own parameters, and of some others.

        None if there is no composite whose list has this name.
        """
        params = estimator.get_params(deep=True)
        ways = {name: name.rpartition("__")[::2] for name in params}
        owners = {name: params.get(owner) for name, (owner, _) in ways.items()}
        own = [n for n in params if ways[n][1] in VALUES.get(type(owners[n]), ())]
        below = {
            name: [n for n in own if n.startswith(owner)]
            for name, (owner, short) in ways.items()
            if short == kind
        }
        lists = [name for name in below if below[name]]
        if not lists:
            return None
        chosen = [self.one_of(lists)]
        chosen += [self.one_of(below[chosen[0]])]
        chosen += self.some_of(below[chosen[0]], 2)
        chosen += self.some_of([n for n in params if hasattr(params[n], "fit")], 1)
        chosen += self.some_of([n for n in params if ways[n][1] in OTHERS], 1)
        chosen += self.some_of(own, 1)
        kept = self.rng.permutation(sorted(set(chosen))).tolist()
        return {
            name: [
                self.value(ways[name][1], params[name], owners[name])
                for _ in range(self.rng.integers(1, 3))
            ]
            for name in kept
            if name not in lists or name == chosen[0] or self.chance(0.3)
        }


def drawn_search(seed, kind):
    """An estimator and a grid, which gives a list of parts by that name."""
    drawn = Drawn(seed)
    while True:
        estimator = drawn.estimator()
        grid = drawn.grid(estimator, kind)
        if grid is not None and len(ParameterGrid(grid)) <= 16:
            return estimator, grid


def fitted(cls, *args, **options):
    """A fitted search, or the kind of the error that it raises."""
    try:
        return cls(*args, cv=KFold(3), **options).fit(X, y)
    except Exception as error:
        return type(error)


rng = np.random.default_rng(0)
X = rng.standard_normal((60, N_COLUMNS))
y = X[:, 0] ** 2 + X @ np.arange(N_COLUMNS) + 0.1 * rng.standard_normal(60)


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("seed", range(12))
def test_score_is_that_of_the_winner(seed, kind):
    """A grid scores what `set_params` gives, and fails where that fails."""
    estimator, grid = drawn_search(seed, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = fitted(GridSearchCV, estimator, grid, scheduler="synchronous")
        theirs = fitted(sklearn.model_selection.GridSearchCV, estimator, grid)
        if isinstance(theirs, type):
            assert ours == theirs
            return
        scores = [
            search.cv_results_["mean_test_score"].tolist() for search in (ours, theirs)
        ]
        assert scores[0] == pytest.approx(scores[1], rel=1e-9, abs=1e-9, nan_ok=True)
        winner = clone(estimator).set_params(**clone(ours.best_params_, safe=False))
        again = cross_val_score(winner, X, y, cv=KFold(3)).mean()
    assert ours.best_score_ == pytest.approx(again, rel=1e-9, abs=1e-9, nan_ok=True)
