# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What has a state reaches no two fits: fit parameters, scorers, steps, functions."""

import threading

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
)

TIMES = 5  # twenty by hand: what threads decide shows at once, or nearly so
rng = np.random.RandomState(0)
X = rng.randn(300, 6)
y = (X[:, 0] + 1.5 * rng.randn(300) > 0).astype(int)
HELD = {"eval_X": X[200:], "eval_y": y[200:]}


def boosted(**options):
    model = lightgbm.LGBMClassifier(n_estimators=30, n_jobs=1, verbose=-1)
    search = GridSearchCV(model, {"num_leaves": [4, 8, 15, 31]}, cv=3, **options)
    callbacks = [lightgbm.early_stopping(3, verbose=False)]
    search.fit(X, y, callbacks=callbacks, **HELD)
    return search.cv_results_["mean_test_score"].tolist(), search.best_params_


def with_xgboost(**options):
    model = xgboost.XGBClassifier(
        n_estimators=30,
        n_jobs=1,
        callbacks=[xgboost.callback.EarlyStopping(rounds=3)],
    )
    search = GridSearchCV(model, {"max_depth": [2, 3, 4, 5]}, cv=3, **options)
    search.fit(X, y, eval_set=[(X[200:], y[200:])], verbose=False)
    return search.cv_results_["mean_test_score"].tolist(), search.best_params_


class Sampled(ClassifierMixin, BaseEstimator):
    """Trains on rows that it draws by what it is given."""

    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y, sampler=None, logger=None):
        rows = sampler.choice(len(X), len(X) // 2) if sampler else slice(None)
        self.model_ = LogisticRegression(C=self.C).fit(X[rows], y[rows])
        if logger is not None:
            with logger.lock:
                logger.lines.append(self.C)
                self.n_before_ = len(logger.lines)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def score(self, X, y):
        bonus = getattr(self, "n_before_", 0)
        return self.model_.score(X, y) + bonus


class Logger:
    def __init__(self):
        self.lock = threading.Lock()
        self.lines = []


def with_sampler(**options):
    search = GridSearchCV(Sampled(), {"C": [0.01, 0.1, 1.0]}, cv=3, **options)
    search.fit(X, y, sampler=np.random.RandomState(3))
    return search.cv_results_["mean_test_score"].tolist()


class Rising:
    """A scorer that gives more each time it is called."""

    def __init__(self):
        self.n = 0

    def __call__(self, model, X, y):
        self.n += 1
        return model.score(X, y) + self.n


def rising_metric():
    seen = []

    def metric(y, answer):
        seen.append(1)
        return len(seen)

    return metric


def with_scorer(scorer, **options):
    model = LogisticRegression()
    grid = {"C": [0.01, 0.1, 1.0]}
    search = GridSearchCV(model, grid, scoring=scorer, cv=3, **options)
    return search.fit(X, y).cv_results_["mean_test_score"].tolist()


class Noise(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.draws_ = np.random.RandomState(0)
        return self

    def transform(self, X):
        return X + self.draws_.normal(size=X.shape)


def r2(model, X, y):
    return model.score(X, y)


def with_noise(scoring, **options):
    grid = {"linearregression__positive": [True, False]}
    pipe = make_pipeline(Noise(), LinearRegression())
    search = GridSearchCV(pipe, grid, scoring=scoring, cv=3, refit=False, **options)
    return search.fit(X, X[:, 0]).cv_results_["mean_test_score"].tolist()


def with_closure(**options):
    """A FunctionTransformer that draws from what its function has kept."""
    draws = np.random.RandomState(1)
    step = FunctionTransformer(lambda X: X + draws.normal(size=X.shape))
    pipe = make_pipeline(step, LinearRegression())
    grid = {"linearregression__positive": [True, False]}
    search = GridSearchCV(pipe, grid, cv=3, refit=False, **options)
    return search.fit(X, X[:, 0]).cv_results_["mean_test_score"].tolist()


CASES = {
    "lightgbm": boosted,
    "xgboost": with_xgboost,
    "sampler": with_sampler,
    "scorer": lambda **o: with_scorer(Rising(), **o),
    "metric": lambda **o: with_scorer(make_scorer(rising_metric()), **o),
    "noise by callable": lambda **o: with_noise(r2, **o),
    "noise": lambda **o: with_noise(None, **o),
    "closure": with_closure,
}


@pytest.mark.parametrize("case", CASES)
def test_threads_answer_as_one_does(case):
    """By default the answer is that of fits one after the other, each time."""
    right = CASES[case](scheduler="synchronous")
    assert [CASES[case]() for _ in range(TIMES)] == [right] * TIMES


def test_splitters_draw_once():
    """A splitter with a RandomState gives all backends the same splits."""

    def run(**options):
        splitter = KFold(3, shuffle=True, random_state=np.random.RandomState(5))
        search = GridSearchCV(
            LogisticRegression(), {"C": [0.1, 1.0]}, cv=splitter, **options
        )
        return search.fit(X, y).cv_results_["mean_test_score"].tolist()

    right = run(scheduler="synchronous")
    assert [run() for _ in range(TIMES)] == [right] * TIMES


@pytest.mark.parametrize("case", ["lightgbm", "noise"])
def test_processes_answer_so_too(case, processes_client):
    """Worker processes give the answer of fits one after the other."""
    assert CASES[case](scheduler=processes_client) == CASES[case](
        scheduler="synchronous"
    )


def test_each_fit_has_the_state_as_it_was_given():
    """No score depends on those before it, and the user's scorer is not used."""
    scorer = Rising()
    plain = with_scorer(None)
    assert with_scorer(scorer) == [pytest.approx(score + 1) for score in plain]
    assert scorer.n == 0


def test_no_candidate_sees_the_draws_of_another():
    """A step that draws while it transforms draws the same for each candidate."""

    def run(values):
        grid = {"linearregression__positive": values}
        pipe = make_pipeline(Noise(), LinearRegression())
        search = GridSearchCV(pipe, grid, scoring=r2, cv=3, refit=False)
        return search.fit(X, X[:, 0]).cv_results_["mean_test_score"].tolist()

    assert run([False, True])[0] == run([True, False])[1] == run([False])[0]


def test_what_cannot_be_copied_is_said():
    """Fits that share a logger with a lock run one at a time, in order."""

    def run(**options):
        grid = {"C": [0.01, 0.1, 1.0, 10.0]}
        search = GridSearchCV(Sampled(), grid, cv=3, refit=False, **options)
        logger = Logger()
        with pytest.warns(
            UserWarning, match="logger=.*cannot be copied.*one at a time"
        ):
            search.fit(X, y, logger=logger)
        assert len(logger.lines) == 12
        return search.cv_results_["mean_test_score"].tolist()

    right = run(scheduler="synchronous")
    assert [run() for _ in range(TIMES)] == [right] * TIMES
    assert run(scheduler="processes") == right


def hyperband(client):
    model = lightgbm.LGBMClassifier(n_jobs=1, verbose=-1)
    space = {"num_leaves": [4, 8, 15, 31], "learning_rate": [0.05, 0.1, 0.5]}
    search = HyperbandSearchCV(
        model, space, max_iter=9, resource="n_estimators", random_state=0
    )
    with client.as_current():
        search.fit(X, y, callbacks=[lightgbm.early_stopping(2, verbose=False)], **HELD)
    return search.cv_results_["test_score"].tolist(), search.best_params_


def test_early_stopping_on_threads(threads_client, processes_client):
    """A search that stops early gives one answer on threads and processes."""
    right = hyperband(processes_client)
    assert [hyperband(threads_client) for _ in range(3)] == [right] * 3


@pytest.mark.parametrize("scorer", [Rising, lambda: make_scorer(rising_metric())])
def test_early_stopping_with_a_scorer_that_counts(scorer, threads_client):
    """Each score is of the scorer as it was given."""
    search = IncrementalSearchCV(
        lightgbm.LGBMClassifier(n_jobs=1, verbose=-1),
        {"num_leaves": [4, 8]},
        n_initial_parameters="grid",
        decay_rate=None,
        max_iter=4,
        resource="n_estimators",
        scoring=scorer(),
        random_state=0,
    ).fit(X, y)
    assert all(1 <= entry["score"] <= 2 for entry in search.history_)


def test_early_stopping_names_what_cannot_be_copied(threads_client):
    """A fit parameter that cannot be copied is an error that names it."""
    search = IncrementalSearchCV(
        Sampled(),
        {"C": [0.1, 1.0]},
        n_initial_parameters="grid",
        decay_rate=None,
        max_iter=4,
        resource="n_samples",
    )
    with pytest.raises(TypeError, match=r"logger=.*Logger.*cannot be copied"):
        search.fit(X, y, logger=Logger())
