# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fits that share a GPU: how many at a time, and what they leave."""

import gc
import pickle
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from gpu_hpo.training import _turns
from gpu_hpo.training._turns import Turns, give_back, let_go_of_rows, stepped_aside


class Gpu:
    """Memory of a GPU, of which fits take some while they run."""

    def __init__(self, monkeypatch, free, known=True):
        self.free = free
        self.known = known
        self.running = self.most = 0
        self._lock = threading.Lock()
        monkeypatch.setattr(
            _turns, "free_bytes", lambda: self.free if self.known else None
        )

    def fit(self, turns, taken, beside=None, seconds=0.05):
        """Take memory for a while, and wait for others if there are to be some."""
        with turns.turn():
            with self._lock:
                self.free -= taken
                self.running += 1
                self.most = max(self.most, self.running)
            if beside is not None:
                with threading.Lock():
                    beside.wait(10)
            else:
                time.sleep(seconds)
            with self._lock:
                self.free += taken
                self.running -= 1

    def fit_all(self, turns, n, taken, **options):
        with ThreadPoolExecutor(n) as threads:
            for fit in [
                threads.submit(self.fit, turns, taken, **options) for _ in range(n)
            ]:
                fit.result(timeout=30)


def test_one_at_a_time(monkeypatch):
    """By default one fit runs at a time, however much memory there is."""
    gpu = Gpu(monkeypatch, 10**12)
    gpu.fit_all(Turns(), 6, 10, seconds=0.01)
    assert gpu.most == 1


def test_the_first_runs_alone(monkeypatch):
    """Nothing runs beside a fit before it is known what one takes."""
    gpu = Gpu(monkeypatch, 10**6)
    gpu.fit_all(Turns(2), 2, 10)
    assert gpu.most == 1


@pytest.mark.parametrize(
    ("free", "at_once"), [(400, 2), (399, 1), (599, 2), (600, 3), (10**6, 3)]
)
def test_as_many_as_memory_is_known_for(monkeypatch, free, at_once):
    """Another begins if twice what it, and those that run, take is free just then."""
    gpu = Gpu(monkeypatch, free)
    turns = Turns(3)
    gpu.fit(turns, 100)
    gpu.most = 0
    # Those that have begun take nothing yet.
    barrier = threading.Barrier(at_once)
    for _ in range(2):
        gpu.fit_all(turns, at_once, 0, beside=barrier)
    assert gpu.most == at_once
    more = threading.Event()
    with ThreadPoolExecutor(4) as threads:
        fits = [threads.submit(gpu.fit, turns, 0, more) for _ in range(4)]
        end = time.monotonic() + 10
        while gpu.running < at_once and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.1)
        assert gpu.running == at_once
        more.set()
        for fit in fits:
            fit.result(timeout=30)


def test_memory_that_others_take(monkeypatch):
    """What counts is the memory that is free, not what was so before."""
    gpu = Gpu(monkeypatch, 1000)
    turns = Turns(2)
    gpu.fit(turns, 100)
    gpu.free = 399
    gpu.most = 0
    gpu.fit_all(turns, 3, 0)
    assert gpu.most == 1


@pytest.mark.parametrize("known", ["never", "later"])
def test_memory_that_is_not_known(monkeypatch, known):
    """Where nobody knows what is free, one fit runs at a time."""
    gpu = Gpu(monkeypatch, 10**6, known=False)
    turns = Turns(4)
    gpu.fit_all(turns, 3, 10, seconds=0.02)
    if known == "later":
        gpu.known = True  # but not what a fit takes
        gpu.fit_all(turns, 2, 0, seconds=0.02)
    assert gpu.most == 1


def test_searches_do_not_wait_for_each_other(monkeypatch):
    """A search within a fit of another takes turns of its own."""
    gpu = Gpu(monkeypatch, 10**6)
    outer, inner = Turns(), Turns()
    with outer.turn(), ThreadPoolExecutor(2) as threads:
        for fit in [threads.submit(gpu.fit, inner, 0) for _ in range(2)]:
            fit.result(timeout=10)
    assert gpu.most == 1


def test_a_fit_that_waits_for_a_search_gives_its_turn_up():
    """Other fits may run meanwhile, since the threads they block may be needed."""
    turns = Turns()
    ran = []

    def other():
        with turns.turn():
            ran.append("other")

    with ThreadPoolExecutor(1) as threads:
        with turns.turn():
            with stepped_aside():
                threads.submit(other).result(timeout=10)
            waiting = threads.submit(other)
            time.sleep(0.05)
            ran.append("first")
        waiting.result(timeout=10)
    assert ran == ["other", "first", "other"]
    with stepped_aside():  # of a thread that has no turn
        other()


def test_a_turn_ends_with_an_error():
    """What a fit raises ends its turn, and passes on."""
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.turn():
        raise ZeroDivisionError
    with ThreadPoolExecutor(1) as threads:
        threads.submit(turns.turn().__enter__).result(timeout=10)


def test_turns_travel():
    """Copies in other tasks of a process are of the same search."""
    turns = Turns(2)
    assert pickle.loads(pickle.dumps(turns)) == turns
    assert Turns(2) != turns


# ---- garbage ----


class Held:
    """What a fit holds, in a circle."""

    def __init__(self):
        self.itself = self


@pytest.fixture
def no_collector():
    """Python's own collector does not come by."""
    gc.disable()
    yield
    gc.enable()


def test_circles_are_given_back(no_collector):
    """What refers to itself is freed between fits, and at the end of a turn."""
    with Turns().turn():
        first = weakref.ref(Held())
        assert first() is not None
        give_back()
        assert first() is None
        last = weakref.ref(Held())
    assert last() is None


def test_objects_of_before_are_not_looked_at(no_collector):
    """Garbage that was there before is left to Python, which makes turns cheap."""
    before = weakref.ref(Held())
    with Turns().turn():
        assert gc.get_freeze_count() > 1000
        give_back()
    assert gc.get_freeze_count() == 0
    assert before() is not None
    gc.collect()
    assert before() is None


def test_what_the_user_has_frozen_stays_so(no_collector):
    """Objects that the user has frozen are so still after a turn."""
    gc.freeze()
    count = gc.get_freeze_count()
    try:
        with Turns().turn():
            held = weakref.ref(Held())
        assert held() is None
        # Threads of others may have let go of some meanwhile.
        assert 0.9 * count < gc.get_freeze_count() <= count
    finally:
        gc.unfreeze()


def test_two_turns_at_once(no_collector):
    """The last turn that ends lets Python's collector see all objects again."""
    first, second = Turns().turn(), Turns().turn()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_freeze_count() > 0
    second.__exit__(None, None, None)
    assert gc.get_freeze_count() == 0


# ---- boosters ----


def test_boosters_let_go_of_rows(monkeypatch):
    """XGBoost's boosters are told to drop what they keep, and predict as before."""
    X = np.random.default_rng(0).standard_normal((60, 3))
    y = (X[:, 0] > 0).astype(int)
    model = make_pipeline(StandardScaler(), XGBClassifier(n_estimators=2)).fit(X, y)
    before = model.predict_proba(X)
    reset = []
    kind = type(model[-1].get_booster())
    original = kind.reset
    monkeypatch.setattr(kind, "reset", lambda self: reset.append(1) or original(self))
    let_go_of_rows([model, *model, XGBClassifier()])
    assert reset == [1]
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_boosters_that_know_no_better_way(monkeypatch):
    """Those of old versions are made anew from their bytes."""
    loaded = []
    old = SimpleNamespace(
        get_booster=lambda: SimpleNamespace(save_raw=lambda: b"trees"),
        load_model=loaded.append,
        __sklearn_is_fitted__=lambda: True,
    )
    let_go_of_rows([old])
    assert loaded == [b"trees"]
