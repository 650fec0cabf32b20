# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Small exhaustive searches on a given pool, without a search class around them."""

import functools
import itertools

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import check_scoring
from sklearn.model_selection import KFold, ParameterGrid
from sklearn.pipeline import Pipeline

from gpu_hpo.exhaustive._candidate_spec import CandidateSpec
from gpu_hpo.exhaustive._fold_runner import FoldRunner
from gpu_hpo.exhaustive._groups import Candidates
from gpu_hpo.exhaustive._kept_outputs import KeptOutputs
from gpu_hpo.exhaustive.plan._planner import Planner
from gpu_hpo.linear_model import SGDClassifier
from tests.compute.helpers import make_data
from tests.exhaustive.recording_pool import RecordingPool

X, y = make_data(90)
FOLDS = 2
SPLITS = list(KFold(FOLDS).split(X))


class Shift(TransformerMixin, BaseEstimator):
    """Adds a number; its fit fails if that is none."""

    def __init__(self, by=0.0):
        self.by = by

    def fit(self, X, y=None):
        if self.by is None:
            raise ValueError("by how much?")
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        return X - self.mean_ + self.by


class Fails(LogisticRegression):
    """Fails if C is 13."""

    def fit(self, X, y, sample_weight=None):
        if self.C == 13:
            raise ValueError("an unlucky number")
        return super().fit(X, y, sample_weight)


STEPS = Pipeline([("a", Shift()), ("b", Shift()), ("last", Fails())])
GRID = {"a__by": [0.0, 1.0], "b__by": [0.0, 2.0, 3.0], "last__C": [0.1, 1.0]}
SGD = SGDClassifier(loss="log_loss", max_iter=3, tol=None, random_state=0)
ALPHAS = {"alpha": np.logspace(-4, 0, 10).tolist()}


class Run:
    """Candidates of an estimator that are run on a pool, and what they scored."""

    def __init__(
        self,
        pool,
        estimator=STEPS,
        grid=GRID,
        *,
        error_score=np.nan,
        scoring="neg_log_loss",
        train=False,
        keep_fitted=False,
        count_uses=True,
        splits=SPLITS,
        cache=True,
        **options,
    ):
        self.pool = pool
        self.n_splits = len(splits)
        self.params = list(ParameterGrid(grid))
        self.evaluations = {}
        self.loads = 0
        self.calls = []
        planner = Planner(clone(estimator))
        candidates = Candidates(planner, estimator, self.params, lambda *pair: None)
        scorer = check_scoring(estimator, scoring)
        spec = CandidateSpec(scorer, error_score, train, keep_fitted)
        self.outputs = KeptOutputs(
            pool,
            spec,
            self._load,
            splits,
            planner.nodes,
            uses=candidates.uses if count_uses else None,
            cache=cache,
        )
        self.runner = FoldRunner(pool, spec, self.outputs, **options)
        self.nodes = planner.nodes
        self.groups = list(candidates)

    def __call__(self):
        self.runner.run(iter(self.groups), self._take, self._begun)
        self.pool.release(self.outputs.data)
        return self

    def _load(self, pool):
        self.loads += 1
        return pool.put({"X": X, "y": y, "fit": {}, "score": {}})

    def _begun(self, split, numbers):
        self.calls.append(("begun", split, tuple(numbers)))

    def _take(self, split, numbers, found):
        self.calls.append(("taken", split, tuple(numbers)))
        for number, evaluation in zip(numbers, found, strict=True):
            assert (number, split) not in self.evaluations
            self.evaluations[number, split] = evaluation

    @property
    def scores(self):
        """What each candidate scored on each split."""
        assert set(self.evaluations) == set(
            itertools.product(range(len(self.params)), range(self.n_splits))
        )
        return {place: found.test for place, found in self.evaluations.items()}

    @property
    def failed(self):
        """Numbers of candidates of which a fit has failed."""
        return sorted(
            {n for (n, _), found in self.evaluations.items() if found.error is not None}
        )


@functools.cache
def expected_scores():
    """Scores of the candidates of `GRID` when all goes well."""
    return Run(RecordingPool())().scores
