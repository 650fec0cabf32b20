# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The fuzz of searches that stop early: what it generates, and that it sees faults."""

import pytest
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import HyperbandSearchCV, IncrementalSearchCV
from tests.fuzz._adaptive import KINDS
from tests.fuzz._adaptive_backends import shared_backends
from tests.fuzz._adaptive_check import check
from tests.fuzz._adaptive_data import Data
from tests.fuzz._adaptive_loop import _decay, _halving
from tests.fuzz._adaptive_models import WaywardClassifier
from tests.fuzz._core import SHARED, unexplained
from tests.model_selection.helpers import make_data

PLAIN, ELSEWHERE = KINDS


@pytest.fixture(scope="module", autouse=True)
def _clusters():
    yield
    shared_backends().close()
    del SHARED["adaptive backends"]


def data():
    return Data(*make_data(120))


def hyperband(**options):
    options = {"max_iter": 9, "random_state": 0, "chunk_size": 20} | options
    space = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]}
    return HyperbandSearchCV(SGDClassifier(), space, **options)


def test_same_text():
    """A seed gives the same script each time, and another seed another."""
    texts = [PLAIN.draw(seed).source() for seed in range(20)]
    assert texts == [PLAIN.draw(seed).source() for seed in range(20)]
    assert len(set(texts)) == 20


def test_no_difference():
    """A search of which all is documented equals the loop, on other threads too."""
    assert check(hyperband, data, others=["threads 2"], stack={"stack": False}) == []


def test_other_decisions(monkeypatch):
    """A search that keeps the worst differs from the loop by who trains on."""
    from gpu_hpo.schedules import _rung_state

    key = _rung_state._key
    monkeypatch.setattr(_rung_state, "_key", lambda trial, s: key(trial, -s))
    kinds = {kind for kind, _ in check(hyperband, data)}
    assert "loop: scored calls" in kinds


def test_other_rows(monkeypatch):
    """A search that trains on the same rows twice differs from the loop by scores."""
    from gpu_hpo.adaptive.training._budgets import PartialFit

    train = PartialFit.train

    def twice(budget, model, *args, **options):
        train(budget, model, *args, **options)
        if isinstance(model, SGDClassifier):
            train(budget, model, *args, **options)

    monkeypatch.setattr(PartialFit, "train", twice)
    kinds = {kind for kind, _ in check(hyperband, data)}
    assert "loop: scores" in kinds


def test_overwritten():
    """A search that lets a model write into the user's labels is found out."""

    def make(**options):
        return IncrementalSearchCV(
            WaywardClassifier(writes="y"),
            {"rate": [0.1, 0.5]},
            n_initial_parameters=2,
            decay_rate=None,
            max_iter=2,
            random_state=0,
            **options,
        )

    def overwriting(**options):
        search = make(**options)
        fit = search.fit
        search.fit = lambda X, y: [fit(X, y), y.fill(0)][0]
        return search

    kinds = {kind for kind, _ in check(overwriting, data, loop=False)}
    assert kinds == {"overwritten"}


def test_arithmetic():
    """The loop's own rungs have the numbers of models and calls of dask-ml."""
    assert _halving(81, 1, 3, 81) == [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)]
    assert _halving(15, 9, 3, 81) == [(15, 9), (5, 27), (1, 81)]
    assert _decay(10, 1.0, 100) == [(10, 1), (2, 2)]


@pytest.mark.parametrize("seed", [3, 4, 6, 7, 8, 13])
def test_cases(seed):
    """Generated searches do not differ from the loop."""
    assert unexplained(PLAIN.draw(seed).run()) == []


@pytest.mark.parametrize("seed", [2])
def test_cases_elsewhere(seed):
    """Generated searches do not differ between backends."""
    assert unexplained(ELSEWHERE.draw(seed).run()) == []
