# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Callbacks that pass scores on to trackers, which may be slow, fail, or be absent."""

import copy
import pickle
import sys
import threading
import time
import warnings

import pytest
from sklearn.linear_model import SGDClassifier

from gpu_hpo.callbacks import (
    MLflowCallback,
    SearchCallback,
    TensorBoardCallback,
    WandbCallback,
    _tracking,
)
from gpu_hpo.callbacks._tracking import TrackingCallback
from gpu_hpo.exceptions import GpuHpoWarning
from tests.callbacks.helpers import (
    SEVERAL,
    expected_params,
    expected_scores,
    expected_seconds,
    threads_of_trackers,
)
from tests.compute.every_search import ADAPTIVE, EVERY, answer, make_search
from tests.model_selection.helpers import make_data

X, y = make_data(600)


class Notes:
    """A tracker that notes everything in lists."""

    def __init__(self):
        self.name = self.closed = None
        self.trials = {}
        self.scores = {}
        self.ended = {}
        self.best = []
        self.threads = set()

    def open(self, name):
        self.name = name

    def begin(self, trial):
        assert trial.number not in self.trials
        self.trials[trial.number] = trial

    def score(self, trial, step, scores, best):
        self.threads.add(threading.get_ident())
        self.scores[trial.name, step] = dict(scores)
        self.best.append(best)

    def end(self, trial):
        assert trial.number not in self.ended
        self.ended[trial.number] = trial.status

    def flush(self):
        pass

    def close(self, end):
        self.closed = end


class Noting(TrackingCallback):
    """Keeps the trackers of its searches, oldest first."""

    tracker = Notes

    def __init__(self):
        super().__init__()
        self.trackers = []

    def _tracker(self):
        self.trackers.append(self.tracker())
        return self.trackers[-1]


@pytest.mark.parametrize("name", EVERY)
def test_all_is_noted(name, threads_client):
    """Each score, the parameters, seconds and ends of trials, and the best of all."""
    callback = Noting()
    search = make_search(name, **SEVERAL).set_callbacks(callback).fit(X, y)
    (notes,) = callback.trackers
    assert notes.name == name
    assert notes.scores == expected_scores(search)
    assert {t.name: t.params for t in notes.trials.values()} == expected_params(search)
    for trial in notes.trials.values():
        seconds = expected_seconds(search)[trial.name]
        assert trial.values["fit_seconds"] == pytest.approx(seconds)
    if name in ADAPTIVE:
        assert notes.ended == dict(enumerate(search.cv_results_["status"]))
        assert all(trial.worker for trial in notes.trials.values())
    else:
        assert set(notes.ended.values()) == {"completed"}
        means = search.cv_results_["mean_test_recall"]
        for number, trial in notes.trials.items():
            assert trial.values["mean_score"] == pytest.approx(means[number])
    end = notes.closed
    assert (end.status, end.stopped) == ("finished", "")
    assert end.best_score == search.best_score_
    assert end.best_params == search.best_params_
    assert notes.best == sorted(notes.best)
    assert threading.get_ident() not in notes.threads
    assert not threads_of_trackers()


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("method", ["open", "begin", "score", "end", "close"])
def test_a_tracker_that_fails(method, name, threads_client):
    """One warning says what failed; the search has the answer of any other."""

    class Fails(Notes):
        pass

    def fail(self, *args):
        raise ConnectionError(f"no {method}")

    setattr(Fails, method, fail)
    callback = Noting()
    callback.tracker = Fails
    search = make_search(name).set_callbacks(callback)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        search.fit(X, y)
    (warning,) = said
    assert warning.category is GpuHpoWarning
    text = f"Noting failed with ConnectionError: no {method}; the search goes on"
    assert text in str(warning.message)
    assert answer(search) == answer(make_search(name).fit(X, y))
    assert not threads_of_trackers()


def test_a_slow_tracker_holds_up_nothing(threads_client):
    """Scores wait in line while a search runs, and are noted after it."""

    class Slow(Notes):
        def score(self, *args):
            time.sleep(0.02)
            super().score(*args)

    callback = Noting()
    callback.tracker = Slow
    search = make_search("IncrementalSearchCV", max_iter=10).set_callbacks(callback)
    search.fit(X, y)
    assert callback.trackers[0].scores
    assert len(callback.trackers[0].scores) == len(search.history_)


@pytest.mark.parametrize("name", ["HyperbandSearchCV", "GridSearchCV"])
def test_a_tracker_that_hangs(name, threads_client, monkeypatch):
    """A search waits some seconds for it, says so, and returns."""
    monkeypatch.setattr(_tracking, "_PATIENCE", 0.5)
    goes_on = threading.Event()

    class Hangs(Notes):
        def score(self, *args):
            goes_on.wait(30)

    callback = Noting()
    callback.tracker = Hangs
    search = make_search(name).set_callbacks(callback)
    try:
        with pytest.warns(GpuHpoWarning, match=r"had not noted all 0\.5 seconds after"):
            search.fit(X, y)
    finally:
        goes_on.set()
    assert search.predict(X).shape == y.shape
    for thread in threads_of_trackers():
        thread.join(10)


class Fails(SGDClassifier):
    """Raises whenever it trains."""

    def fit(self, *args, **options):
        raise ArithmeticError("of the model")

    partial_fit = fit


@pytest.mark.parametrize("name", EVERY)
def test_a_search_that_fails(name, threads_client):
    """Trials and the search are noted as failed, with errors, and nothing is left."""
    callback = Noting()
    search = make_search(name, Fails()).set_callbacks(callback)
    with pytest.raises(ValueError, match="of the model"):
        search.fit(X, y)
    (notes,) = callback.trackers
    assert notes.closed.status == "failed" and notes.closed.best_score is None
    assert set(notes.ended.values()) == {"failed"}
    assert all("of the model" in trial.error for trial in notes.trials.values())
    assert not threads_of_trackers()


class Interrupts(SearchCallback):
    """Raises KeyboardInterrupt at a score, as Ctrl-C does."""

    def __init__(self, at):
        self.left = at

    def on_score(self, search, context, *, metadata):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["GridSearchCV", "RandomizedSearchCV"])
def test_ctrl_c(name, threads_client):
    """What was found is noted, and trials that had not ended are noted as such."""
    callback = Noting()
    search = make_search(name, scheduler="synchronous")
    search.set_callbacks(callback, Interrupts(5))
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    (notes,) = callback.trackers
    assert (notes.closed.status, notes.closed.stopped) == ("interrupted", "interrupt")
    assert notes.closed.best_score == search.best_score_
    assert notes.ended.keys() == notes.trials.keys()
    assert set(notes.ended.values()) == {"completed", "interrupted"}
    assert not threads_of_trackers()


def test_an_earlier_best_is_not_noted(threads_client):
    """Of a search that fails, what its last fit had found is not noted."""
    callback = Noting()
    search = make_search("GridSearchCV").fit(X, y).set_callbacks(callback)
    with pytest.raises(ValueError, match="n_splits=5000"):
        search.set_params(cv=5000).fit(X, y)
    (notes,) = callback.trackers
    assert notes.closed.best_score is None and notes.closed.status == "failed"


def test_two_searches_at_once():
    """One callback of two searches in threads keeps them apart."""
    callback = Noting()
    searches = [
        make_search(name, scheduler="threads").set_callbacks(callback)
        for name in ("GridSearchCV", "RandomizedSearchCV")
    ]
    threads = [threading.Thread(target=s.fit, args=(X, y)) for s in searches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {notes.name: notes for notes in callback.trackers}
    for search in searches:
        notes = found[type(search).__name__]
        scores = {key: values["score"] for key, values in notes.scores.items()}
        table = search.cv_results_
        assert scores == {
            (str(i), split): table[f"split{split}_test_score"][i]
            for i in range(len(table["params"]))
            for split in range(search.n_splits_)
        }


class Plain(TrackingCallback):
    """Has no state but what its base has."""

    def _tracker(self):
        return Notes()


class Copies(SearchCallback):
    """Copies another callback at each score."""

    def __init__(self, other):
        self.other = other

    def on_score(self, search, context, *, metadata):
        assert self.other._sessions
        for twin in (copy.deepcopy(self.other), pickle.loads(pickle.dumps(self.other))):
            assert twin._sessions == {}


def test_copies_begin_anew(threads_client):
    """A callback in use can be copied and pickled; copies note nothing of it."""
    callback = Plain()
    search = make_search("GridSearchCV", scheduler="threads")
    search.set_callbacks(callback, Copies(callback)).fit(X, y)
    pickle.loads(pickle.dumps(search)).predict(X)


@pytest.mark.parametrize("name", ["HyperbandSearchCV", "GridSearchCV"])
def test_beside_a_callback_of_fits(name, processes_client):
    """Beside one that is told of fits, and so is sent to workers, it works as well."""

    class OfFits(SearchCallback):
        only_scores = False

    callback = Noting()
    search = make_search(name).set_callbacks(callback, OfFits()).fit(X, y)
    (notes,) = callback.trackers
    assert notes.closed.best_score == search.best_score_
    assert set(notes.ended.values()) <= {"completed", "stopped"}


@pytest.mark.parametrize(
    ("callback", "module"),
    [
        (MLflowCallback, "mlflow"),
        (WandbCallback, "wandb"),
        (TensorBoardCallback, "tensorboardX"),
    ],
)
def test_what_is_not_installed(callback, module, monkeypatch):
    """The error says what is missing, and how to install it."""
    monkeypatch.setitem(sys.modules, module, None)
    extra = {"tensorboardX": "tensorboard"}.get(module, module)
    with pytest.raises(ImportError) as caught:
        callback()
    text = str(caught.value)
    assert text.startswith(f"{callback.__name__} needs {module}")
    assert text.endswith(f"pip install 'gpu_hpo[{extra}]'")
