# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models that can be neither pickled nor copied once they are trained."""

import os
import threading

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._task import Report, StepReport
from gpu_hpo.exceptions import GpuHpoWarning
from gpu_hpo.model_selection import GridSearchCV, HyperbandSearchCV
from gpu_hpo.schedules import Incremental

X = np.random.default_rng(0).standard_normal((600, 4))
y = (X[:, 0] > 0).astype(int)
ALPHAS = np.logspace(-5, -1, 12).tolist()


class OpenFile(SGDClassifier):
    """Keeps a file open, as a writer of logs does."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.writer_ = open(os.devnull, "w")  # noqa: SIM115
        return super().partial_fit(X, y, classes=classes)

    def fit(self, X, y):
        return self.partial_fit(X, y, classes=np.unique(y))


class LateLock(SGDClassifier):
    """Has a lock from its third call on."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        super().partial_fit(X, y, classes=classes)
        if self.t_ > 300:
            self.lock_ = threading.Lock()
        return self


def search(model, **options):
    space = {"alpha": ALPHAS} if not hasattr(model, "steps") else {}
    space = space or {f"{model.steps[-1][0]}__alpha": ALPHAS}
    found = HyperbandSearchCV(model, space, max_iter=9, random_state=0, **options)
    return found.fit(X, y)


def answer(found):
    kept = ("model_id", "test_score", "partial_fit_calls", "status")
    return [found.cv_results_[name].tolist() for name in kept]


MODELS = {
    "open file": lambda: OpenFile(random_state=0),
    "lock": lambda: LateLock(random_state=0),
    "pipeline": lambda: make_pipeline(StandardScaler(), OpenFile(random_state=0)),
}


@pytest.mark.parametrize("model", list(MODELS))
@pytest.mark.filterwarnings("ignore:parameters is a space")
def test_stays_where_it_is(model, processes_client):
    """The search ends as with models that can move; only its best model is missing."""
    with pytest.warns(GpuHpoWarning, match="no best_estimator_.*(OpenFile|LateLock)"):
        found = search(MODELS[model]())
    plain = SGDClassifier(random_state=0)
    if model == "pipeline":
        plain = make_pipeline(StandardScaler(), plain)
    expected = search(plain)
    assert answer(found) == answer(expected)
    assert found.best_score_ == expected.best_score_
    assert not hasattr(found, "best_estimator_")


@pytest.mark.filterwarnings("ignore:parameters is a space")
def test_refit(processes_client):
    """A model that is trained again on all rows cannot be fetched either."""
    with pytest.warns(GpuHpoWarning, match="no best_estimator_.*OpenFile"):
        found = search(OpenFile(random_state=0), refit=True)
    assert found.refit_time_ > 0
    assert np.isfinite(found.cv_results_["test_score"]).all()


@pytest.mark.filterwarnings("ignore:parameters is a space")
def test_threads(threads_client):
    """In one process nothing has to be pickled, and the best model is there."""
    found = search(OpenFile(random_state=0))
    assert found.best_estimator_.writer_


def test_grid(processes_client):
    """A grid keeps its results where the refitted model cannot be fetched."""
    grid = GridSearchCV(OpenFile(random_state=0), {"alpha": ALPHAS[:3]}, cv=2)
    with pytest.warns(GpuHpoWarning, match="no best_estimator_.*OpenFile"):
        grid.fit(X, y)
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()
    assert not hasattr(grid, "best_estimator_")
    assert hasattr(grid.set_params(scheduler="threads").fit(X, y), "best_estimator_")


@pytest.mark.filterwarnings("ignore::gpu_hpo.exceptions.SharedStateWarning")
def test_shared_step(processes_client):
    """A fitted step that may not move ends the search: well, or by naming its class."""

    class Scaler(StandardScaler):
        def fit(self, X, y=None):
            self.lock_ = threading.Lock()
            return super().fit(X, y)

        def fit_transform(self, X, y=None):
            return self.fit(X, y).transform(X)

    # A scorer of the user's own is given the whole pipeline.
    def score(model, X, y):
        return model.score(X, y)

    pipe = make_pipeline(Scaler(), SGDClassifier(random_state=0))
    grid = GridSearchCV(
        pipe, {"sgdclassifier__alpha": ALPHAS}, cv=2, scoring=score, refit=False
    )
    try:
        grid.fit(X, y)  # if all that need the step came to run where it is
    except TypeError as error:
        assert "Scaler cannot be pickled" in str(error)


def test_nothing_moves_again():
    """A trial that could not move starts anew, and others are fetched no more."""
    schedule = Incremental(4, 3)
    dispatcher = Dispatcher(schedule.outlook, task_seconds=1e-9, move_seconds=0.0)
    for name in "ab":
        dispatcher.add_worker(name, 1)
    for trial in range(4):
        dispatcher.advance(trial, 3)

    def report(task, **options):
        steps = [
            StepReport(s.trial, 0 if options else s.stop - s.start, (), 0.1, 0.0)
            for s in task.steps
        ]
        if options:
            steps = [StepReport(s.trial, 0, (), 0.0, 0.0, **options) for s in steps]
        return Report(task.id, task.worker, tuple(steps), 0.1)

    tasks = dispatcher.assign()
    home = {}
    moved = None
    for _ in range(50):
        task = tasks.pop(0)
        away = [s for s in task.steps if home.get(s.trial, task.worker) != task.worker]
        if away and moved is None:
            moved = away[0].trial
            dispatcher.finished(report(task, cannot_move=True))
            assert dispatcher.source(moved) is None
            home.pop(moved)
        else:
            assert not away, "a trial was fetched after one could not be"
            for step in task.steps:
                home[step.trial] = task.worker
            dispatcher.finished(report(task))
        tasks += dispatcher.assign()
        if not tasks:
            break
    assert dispatcher.idle
