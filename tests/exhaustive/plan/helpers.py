# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Composites of steps that do nothing, and plans of their candidates."""

from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import SVC

from gpu_hpo.exhaustive.plan._nodes import Step
from gpu_hpo.exhaustive.plan._planner import Planner


class Plain(TransformerMixin, BaseEstimator):
    """A transformer with two parameters."""

    def __init__(self, a=0, b=0):
        self.a = a
        self.b = b

    def fit(self, X, y=None, sample_weight=None):
        return self

    def transform(self, X):
        return X


class OtherPipeline(Pipeline):
    """Does whatever it likes with its steps."""


class OtherUnion(FeatureUnion):
    """Does whatever it likes with its parts."""


class OtherColumns(ColumnTransformer):
    """Does whatever it likes with its parts."""


class Meta(BaseEstimator):
    """Holds another estimator."""

    def __init__(self, inner=None):
        self.inner = inner

    def fit(self, X, y=None):
        return self


def pipe(*steps, **options):
    """A pipeline of steps by one letter each."""
    return Pipeline(list(zip("abcdef", steps, strict=False)), **options)


def union(*parts, **options):
    """A union of parts by one letter each."""
    return FeatureUnion(list(zip("uvw", parts, strict=False)), **options)


def columns(*parts, **options):
    """Columns of parts by one letter each, of which each takes a column more."""
    named = [("xyz"[i], part, list(range(i + 1))) for i, part in enumerate(parts)]
    return ColumnTransformer(named, **options)


MANY = pipe(Plain(), Plain(), Plain(), SVC())


def plan_all(estimator, grid, **options):
    """Planner of an estimator, and its plans of all candidates."""
    planner = Planner(clone(estimator), **options)
    plans = [planner.plan(params) for params in ParameterGrid(grid)]
    return planner, plans


def counted(planner):
    """How many steps and joined ones there are."""
    nodes = list(planner.nodes.values())
    n_steps = sum(isinstance(node, Step) for node in nodes)
    return n_steps, len(nodes) - n_steps
