# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Calls that do not end, and workers that are stopped."""

import os
import signal
import threading
import time

import pytest
from sklearn.linear_model import SGDClassifier

from gpu_hpo.adaptive.engine._overdue import Overdue
from gpu_hpo.adaptive.engine._task import Task, TrialStep
from gpu_hpo.adaptive.engine._trial_state import Worker
from gpu_hpo.adaptive.training._models import Trial
from gpu_hpo.compute import local_cluster
from gpu_hpo.exceptions import GpuHpoWarning, WorkersLostError
from gpu_hpo.model_selection import IncrementalSearchCV
from tests.compute.helpers import current, make_data, wait_until

X, y = make_data()
ALPHAS = [1e-5, 1e-4, 1e-3, 1e-2]
DEADLY = 1e-3


class Hangs(SGDClassifier):
    """Does not come back from the second call with one of the parameters."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        if self.alpha == DEADLY and self.n_calls_ == 2:
            self.hang()
        return super().partial_fit(X, y, classes=classes)

    def hang(self):
        time.sleep(1000)


class Stops(Hangs):
    """Stops its process instead, as Ctrl-Z or a debugger does."""

    def hang(self):
        os.kill(os.getpid(), signal.SIGSTOP)


class HangsInThread(Hangs):
    """Waits for the test to end."""

    ended = threading.Event()

    def hang(self):
        self.ended.wait(60)


def search(model, **options):
    found = IncrementalSearchCV(
        model,
        {"alpha": ALPHAS},
        n_initial_parameters="grid",
        decay_rate=None,
        max_iter=4,
        random_state=0,
        **options,
    )
    return found.fit(X, y)


def others(found):
    """Scores of the models that do not hang."""
    rows = zip(
        found.cv_results_["params"], found.cv_results_["test_score"], strict=True
    )
    return [score for param, score in rows if param["alpha"] != DEADLY]


@pytest.fixture(scope="module")
def expected():
    with current(local_cluster(1, processes=False)):
        return others(search(SGDClassifier()))


# What a stopped worker did is not known, so that its trial has to stop another, alone.
@pytest.mark.parametrize(("kind", "n_replaced"), [(Hangs, 1), (Stops, 2)])
def test_timeout(mortal_client, expected, kind, n_replaced):
    """The trial ends as "timeout", its worker is replaced, and the others go on."""
    before = set(mortal_client.nthreads())
    found = search(kind(), call_timeout=3.0)
    status = dict(zip(ALPHAS, found.cv_results_["status"], strict=True))
    assert status.pop(DEADLY) == "timeout"
    assert set(status.values()) == {"completed"}
    assert others(found) == expected
    (error,) = filter(None, found.cv_results_["error"])
    assert "had not ended after" in error
    n_left = len(before) - n_replaced
    wait_until(lambda: len(before & set(mortal_client.nthreads())) == n_left, 30)


class StoppedOnce(SGDClassifier):
    """Stops its process when a file is not there yet, as somebody outside might."""

    def __init__(self, file=None, alpha=1e-4, random_state=None):
        super().__init__(alpha=alpha, random_state=random_state)
        self.file = file

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if not self.file.exists():
            self.file.touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        return super().partial_fit(X, y, classes=classes)


def test_worker_that_somebody_stops(mortal_client, tmp_path, configure):
    """No trial is given up for a worker that is stopped once: all train elsewhere.

    Nor for the chunks that are lost when that worker is replaced, which some others
    wait for by then.
    """
    configure({"workers.max-deaths": 1})
    stopped = tmp_path / "stopped"
    found = search(StoppedOnce(stopped), call_timeout=2.0, chunk_size=40)
    assert stopped.exists()
    assert set(found.cv_results_["status"]) == {"completed"}
    with current(local_cluster(1, processes=False)):
        assert others(found) == others(search(StoppedOnce(stopped), chunk_size=40))


class StopsWhenFetched(StoppedOnce):
    """Stops the process when it is first pickled, once it is trained."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        return SGDClassifier.partial_fit(self, X, y, classes=classes)

    def __getstate__(self):
        if hasattr(self, "t_") and not self.file.exists():
            self.file.touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        return super().__getstate__()


def test_worker_that_stops_before_the_best_model_is_there(
    mortal_client, expected, tmp_path
):
    """The model is trained again elsewhere."""
    found = search(StopsWhenFetched(tmp_path / "stopped"), call_timeout=3.0)
    assert (tmp_path / "stopped").exists()
    assert set(found.cv_results_["status"]) == {"completed"}
    assert others(found) == expected
    assert found.best_estimator_.predict(X).shape == y.shape


def test_timeout_in_threads(threads_client, expected):
    """A thread cannot be ended: the others do its work, and the search ends."""
    try:
        found = search(HangsInThread(), call_timeout=0.5)
    finally:
        HangsInThread.ended.set()
    assert found.cv_results_["status"][ALPHAS.index(DEADLY)] == "timeout"
    assert others(found) == expected


def test_no_thread_is_left(configure):
    """Where all threads are busy for good, an error says so; what is known is kept."""
    configure({"workers.patience": "1 s"})
    HangsInThread.ended.clear()
    found = IncrementalSearchCV(
        HangsInThread(),
        {"alpha": [DEADLY, 1e-2]},
        n_initial_parameters="grid",
        decay_rate=None,
        max_iter=4,
        call_timeout=0.5,
    )
    with current(local_cluster(1, processes=False)):
        try:
            with pytest.raises(WorkersLostError, match="took too long"):
                found.fit(X, y)
        finally:
            HangsInThread.ended.set()
    assert "timeout" in found.cv_results_["status"]


def test_no_timeout(threads_client, expected):
    """With a timeout that no call reaches, the answer is that without one."""
    assert others(search(SGDClassifier(), call_timeout=60.0)) == expected


class HangsOnAllRows(HangsInThread):
    """Waits where it is given more rows than in the search."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if len(X) > 1000:
            self.hang()
        return SGDClassifier.partial_fit(self, X, y, classes=classes)


def test_refit(threads_client):
    """A call of the last training on all rows ends as well; the results are kept."""
    HangsInThread.ended.clear()
    try:
        with pytest.warns(GpuHpoWarning, match="no best_estimator_.*had not ended"):
            found = search(HangsOnAllRows(), call_timeout=0.5, refit=True)
    finally:
        HangsInThread.ended.set()
    assert set(found.cv_results_["status"]) == {"completed"}


def test_warning(threads_client, configure):
    """Without a timeout, a warning names what hangs, and where, once."""
    configure({"tasks.warn-after": "200 ms"})
    HangsInThread.ended.clear()
    timer = threading.Timer(8, HangsInThread.ended.set)
    timer.start()
    with pytest.warns(GpuHpoWarning, match="has run for") as warned:
        search(HangsInThread())
    timer.join()
    (text,) = [str(w.message) for w in warned if "has run for" in str(w.message)]
    assert "'alpha': 0.001" in text
    assert "call_timeout=" in text


@pytest.mark.parametrize("value", [0, -1.0, "x", float("nan")])
def test_wrong_timeout(value):
    """What is no time is refused, by name."""
    with pytest.raises((ValueError, TypeError), match="call_timeout"):
        search(SGDClassifier(), call_timeout=value)


def test_tasks_are_timed_from_when_they_can_begin():
    """A task is late only once it has a slot, and a warning is given once."""
    worker = Worker(1)
    for number in (0, 1):
        step = TrialStep(number, 0, 1, None, (1,), (0, 1))
        worker.tasks[number] = Task(number, "w", (step,), 0.0)
    trials = {0: Trial({}, 0), 1: Trial({}, 0)}
    overdue = Overdue({"w": worker}, trials, 2.0)
    assert list(overdue.look(0.0)) == []
    assert list(overdue.look(3.9)) == []  # the call, and its score
    ((task, seconds, over),) = overdue.look(4.1)
    assert (task.id, round(seconds, 1), over) == (0, 4.1, True)
    del worker.tasks[0]
    assert list(overdue.look(5.0)) == []
    assert list(overdue.look(8.9)) == []
    assert [task.id for task, *_ in overdue.look(9.1)] == [1]
    patient = Overdue({"w": worker}, trials, None)
    assert list(patient.look(0.0)) == []
    assert [over for *_, over in patient.look(1e4)] == [False]
    assert list(patient.look(1e5)) == []
