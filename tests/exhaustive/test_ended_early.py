# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""However a search of all candidates ends, what is known by then is kept."""

import threading

import numpy as np
import pytest
from distributed import Client
from sklearn.linear_model import SGDClassifier

from gpu_hpo.compute import local_cluster
from gpu_hpo.exceptions import ClientClosedError
from gpu_hpo.model_selection import GridSearchCV
from tests.compute.helpers import make_data

X, y = make_data(200)
ALPHAS = [1e-4, 1e-2, 1.0]
N_FITS = 2 * len(ALPHAS)


class Counted(SGDClassifier):
    """Does something at a fit, by its number in the search."""

    n_fits = 0
    at = 0

    def fit(self, X, y):
        Counted.n_fits += 1
        if Counted.n_fits == Counted.at:
            self.act()
        return super().fit(X, y)

    def act(self):
        raise ZeroDivisionError("as the test wants it")


class Interrupted(Counted):
    """Ctrl-C comes at this fit."""

    def act(self):
        raise KeyboardInterrupt


class WaitsForTheEnd(Counted):
    """Stays in this fit until the client is closed."""

    begun = threading.Event()
    ended = threading.Event()

    def act(self):
        self.begun.set()
        self.ended.wait(3)  # a cluster waits for its tasks


def make_search(model, at, **options):
    Counted.n_fits, Counted.at = 0, at
    options = {"scheduler": "synchronous", "error_score": "raise", "cv": 2} | options
    return GridSearchCV(model(random_state=0), {"alpha": ALPHAS}, **options)


def split_scores(search):
    """Scores by candidate and split."""
    table = search.cv_results_
    return np.column_stack([table[f"split{i}_test_score"] for i in range(2)])


@pytest.fixture(scope="module")
def expected():
    """Scores of a search that nothing happens to."""
    return split_scores(make_search(Counted, 0).fit(X, y))


@pytest.mark.parametrize(
    ("model", "error"),
    [(Counted, ZeroDivisionError), (Interrupted, KeyboardInterrupt)],
)
@pytest.mark.parametrize("at", [2, N_FITS])
def test_scores_are_kept(expected, model, error, at):
    """Known scores are those of a quiet search, and all others NaN."""
    search = make_search(model, at)
    with pytest.raises(error):
        search.fit(X, y)
    found = split_scores(search)
    known = np.isfinite(found)
    assert known.sum() == at - 1
    assert np.array_equal(found[known], expected[known])
    complete = known.all(axis=1)
    if not complete.any():
        assert not hasattr(search, "best_params_")
        return
    means = np.where(complete, expected.mean(axis=1), -np.inf)
    assert search.best_index_ == np.argmax(means)
    assert search.best_params_ == {"alpha": ALPHAS[np.argmax(means)]}
    assert search.best_score_ == means.max()
    assert search.cv_results_["rank_test_score"][~complete].tolist() == [3]


def test_several_metrics():
    """Each metric is kept, and one that is missing is no mistake of the scorer."""
    search = make_search(
        Counted, N_FITS, scoring=["accuracy", "recall"], refit="recall"
    )
    with pytest.raises(ZeroDivisionError):
        search.fit(X, y)
    for name in ("accuracy", "recall"):
        assert np.isnan(search.cv_results_[f"mean_test_{name}"]).sum() == 1
    assert search.multimetric_
    assert set(search.scorer_) == {"accuracy", "recall"}


def test_the_last_fit_fails(expected):
    """Where only the best model is missing, all else is there."""
    search = make_search(Counted, N_FITS + 1)
    with pytest.raises(ZeroDivisionError):
        search.fit(X, y)
    assert np.array_equal(split_scores(search), expected)
    assert search.best_index_ == np.argmax(expected.mean(axis=1))
    assert not hasattr(search, "best_estimator_")


def test_nothing_is_known():
    """The results of an earlier fit do not look like those of one that failed."""
    search = make_search(Counted, 0).fit(X, y)
    Counted.n_fits, Counted.at = 0, 1
    with pytest.raises(ZeroDivisionError):
        search.fit(X, y)
    for name in ("cv_results_", "best_params_", "best_estimator_", "scorer_"):
        assert not hasattr(search, name)


@pytest.mark.parametrize("what", ["client", "cluster"])
def test_client_is_closed(expected, what):
    """A client or cluster that is closed meanwhile is an error of ours."""
    WaitsForTheEnd.begun.clear()
    WaitsForTheEnd.ended.clear()
    cluster = local_cluster(1, device="cpu", processes=False)
    client = Client(cluster, set_as_default=False)
    search = make_search(WaitsForTheEnd, 4, scheduler=client)

    def close():
        WaitsForTheEnd.begun.wait(30)
        try:
            client.close() if what == "client" else cluster.close()
        finally:
            WaitsForTheEnd.ended.set()

    thread = threading.Thread(target=close)
    thread.start()
    try:
        with pytest.raises(ClientClosedError, match="while the search was using it"):
            search.fit(X, y)
    finally:
        thread.join()
        client.close()
        cluster.close()
    found = split_scores(search)
    known = np.isfinite(found)
    assert known.sum() >= 1
    assert np.array_equal(found[known], expected[known])
