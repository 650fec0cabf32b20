# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What callbacks are told by each search, and that scikit-learn's own work."""

import pickle
import re
import threading
import warnings

import dask.array as da
import numpy as np
import pytest
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.linear_model import LogisticRegression, SGDClassifier

from tests.compute.every_search import ADAPTIVE, EVERY, make_search
from tests.model_selection.helpers import make_data

X, y = make_data(600)


@pytest.fixture
def fit(threads_client):
    """Fits a search, in threads."""
    return lambda search, *rows: search.fit(*(rows or (X, y)))


class Scores:
    """Notes the scores that it is told of, and stops the search at one of them."""

    only_scores = True

    def __init__(self, stops_at=0, by=None):
        self.told = []
        self.stops_at = stops_at
        self.by = by

    def setup(self, estimator, context):
        self.searches = {estimator}

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        pass

    def on_score(self, search, context, *, metadata):
        assert search in self.searches
        self.told.append(metadata)
        return len(self.told) == self.stops_at


@pytest.mark.parametrize("name", EVERY)
def test_each_score_is_told(name, fit):
    """`on_score` hears each score once, in order, with parameters and times."""
    scores = Scores()
    search = make_search(name, scoring=["accuracy", "recall"], refit="recall")
    fit(search.set_callbacks(scores))
    told = scores.told
    if name in ADAPTIVE:
        heard = [(f["model_id"], f["calls"], f["score"], f["worker"]) for f in told]
        assert heard == [
            (e["model_id"], e["partial_fit_calls"], e["score"], e["worker"])
            for e in search.history_
        ]
        assert all(f["metrics"]["recall"] == f["score"] for f in told)
        assert told[-1]["best_score"] >= search.best_score_
    else:
        table = search.cv_results_
        for facts in told:
            for metric in ("accuracy", "recall"):
                column = table[f"split{facts['split']}_test_{metric}"]
                assert column[facts["trial"]] == facts["metrics"][metric]
            assert facts["score"] == facts["metrics"]["recall"]
        assert len(told) == len(table["params"]) * search.n_splits_
        assert told[-1]["best_score"] == search.best_score_
        assert told[-1]["best_params"] == search.best_params_
    for facts in told:
        assert facts["params"] == search.cv_results_["params"][facts["trial"]]
        assert facts["fit_seconds"] > 0 and facts["score_seconds"] > 0
        assert facts["elapsed"] > 0 and facts["error"] == ""
    elapsed = [facts["elapsed"] for facts in told]
    assert elapsed == sorted(elapsed)


# So that there is something left to stop.
LONGER = {
    "IncrementalSearchCV": {"n_initial_parameters": 60},
    "InverseDecaySearchCV": {"n_initial_parameters": 60},
    "GridSearchCV": {"space": {"alpha": np.logspace(-5, 1, 12).tolist()}},
    "RandomizedSearchCV": {"n_iter": 12},
}


@pytest.mark.parametrize("name", EVERY)
def test_a_callback_stops_the_search(name, fit):
    """True from `on_score` ends the search, with the best model so far."""
    options = LONGER.get(name, {})
    heard = Scores()
    whole = fit(make_search(name, **options).set_callbacks(heard))
    scores = Scores(stops_at=4)  # of a grid, when one candidate may have all its scores
    search = fit(make_search(name, **options).set_callbacks(scores))
    assert search.stopped_ == "callback" and whole.stopped_ == ""
    assert 4 <= len(scores.told) < len(heard.told)
    metric = "test_score" if name in ADAPTIVE else "mean_test_score"
    table = search.cv_results_
    assert table[metric][search.best_index_] == search.best_score_
    rank = "rank_test_score"
    assert table[rank][search.best_index_] == 1
    assert search.predict(X).shape == y.shape


@pytest.mark.parametrize("name", EVERY)
def test_a_callback_that_raises(name, fit):
    """Its error ends the search as it is, and what was known then is kept."""
    # Of a grid, when one candidate must have all its scores.
    at = {"GridSearchCV": 7, "RandomizedSearchCV": 9}.get(name, 4)

    class Raises(Scores):
        def on_score(self, search, context, *, metadata):
            super().on_score(search, context, metadata=metadata)
            if len(self.told) == at:
                raise ZeroDivisionError("of the callback")

    search = make_search(name).set_callbacks(Raises())
    with pytest.raises(ZeroDivisionError, match="of the callback"):
        fit(search)
    assert search.stopped_ == "error"
    assert search.best_params_ in search.cv_results_["params"]


@pytest.mark.parametrize("name", ["GridSearchCV", "RandomizedSearchCV"])
def test_callbacks_of_scores_leave_sharing_on(name, fit):
    """With `only_scores` the hooks of single fits rest, which would share nothing."""
    scores = Scores()
    begun = []
    scores.on_fit_task_begin = lambda estimator, context: begun.append(
        context.task_name
    )
    search = make_search(name, scheduler="threads").set_callbacks(scores)
    fit(search)
    assert "candidate-split-evaluation" not in begun
    scores.only_scores = False
    fit(search)
    assert "candidate-split-evaluation" in begun


@pytest.mark.parametrize("kind", ["NumPy", "Dask"])
@pytest.mark.parametrize("name", EVERY)
def test_scoring_monitor(name, kind, fit):
    """scikit-learn's monitor has one row, of the best model; on NumPy with a score."""
    rows = (X, y)
    if kind == "Dask":
        rows = da.from_array(X, (200, -1)), da.from_array(y, 200)
    monitor = ScoringMonitor(scoring="accuracy")
    search = fit(make_search(name).set_callbacks(monitor), *rows)
    (row,) = monitor.get_logs().data
    assert row["estimator_name"] == name and row["task_name"] == "fit"
    if kind == "NumPy":
        assert row["accuracy"] == np.mean(search.predict(X) == y)
    else:  # no scorer takes what is lazy
        assert "accuracy" not in row


@pytest.mark.parametrize("kind", ["NumPy", "Dask"])
@pytest.mark.parametrize("name", EVERY)
def test_progress_bar(name, kind, fit, capsys):
    """scikit-learn's bar shows the search, ends at 100 %, and ends its thread."""
    rows = (X, y)
    if kind == "Dask":
        rows = da.from_array(X, (200, -1)), da.from_array(y, 200)
    search = make_search(name).set_callbacks(ProgressBar())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* does not support callbacks")
        fit(search, *rows)
    printed = capsys.readouterr().out
    assert re.search(rf"{name} - fit .* 100%", printed)


@pytest.mark.parametrize("name", ["GridSearchCV", "RandomizedSearchCV"])
def test_one_warning_for_all_fits(name, fit):
    """That an estimator knows no callbacks is said once, not at each fit."""
    search = make_search(name).set_callbacks(ProgressBar())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fit(search)
    (warning,) = said
    assert str(warning.message).startswith(
        "The estimator SGDClassifier does not support callbacks."
    )
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fit(search.set_callbacks(ProgressBar(max_propagation_depth=0)))
    assert not said


@pytest.mark.parametrize("estimator", [SGDClassifier(), LogisticRegression()])
@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_the_best_model_is_rid_of_callbacks(scheduler, estimator):
    """It keeps no callback of the search, nor its context, and can be fitted again."""
    search = make_search(
        "GridSearchCV", estimator, {"tol": [1e-3, 1e-2]}, scheduler=scheduler
    ).set_callbacks(ScoringMonitor(scoring="accuracy"), ProgressBar())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* does not support callbacks")
        search.fit(X, y)
    left = {"_parent_callback_ctx", "_skl_callbacks"} & vars(
        search.best_estimator_
    ).keys()
    assert not left
    pickle.loads(pickle.dumps(search.best_estimator_)).fit(X, y)


@pytest.mark.parametrize("name", EVERY)
def test_callbacks_that_cannot_be_pickled(name, processes_client):
    """A callback that only hears scores stays here, and may hold a file or a lock."""
    scores = Scores()
    scores.lock = threading.Lock()
    search = make_search(name).set_callbacks(scores).fit(X, y)
    assert scores.told and search.predict(X).shape == y.shape


class Ends:
    """Has scikit-learn's methods only; True at the end of some task stops a search."""

    def __init__(self, at):
        self.at = at
        self.ended = 0

    def setup(self, estimator, context):
        pass

    teardown = on_fit_task_begin = setup

    def on_fit_task_end(self, estimator, context):
        if context.task_name in ("trial", "candidate-split-evaluation"):
            self.ended += 1
            return self.ended == self.at


@pytest.mark.parametrize("name", EVERY)
def test_the_end_of_a_task_stops_the_search(name, fit):
    """True from scikit-learn's `on_fit_task_end` ends the search as `on_score` does."""
    options = dict(LONGER.get(name, {}))
    if name not in ADAPTIVE:
        options["scheduler"] = "threads"
    heard = Ends(0)
    fit(make_search(name, **options).set_callbacks(heard))
    ends = Ends(3)
    search = fit(make_search(name, **options).set_callbacks(ends))
    assert search.stopped_ == "callback"
    assert 3 <= ends.ended <= heard.ended
    if name not in ADAPTIVE:
        assert ends.ended < heard.ended
        assert np.isnan(search.cv_results_["mean_test_score"]).any()
    assert search.predict(X).shape == y.shape


@pytest.mark.parametrize("name", ["GridSearchCV", "RandomizedSearchCV"])
def test_a_callback_of_fits_that_cannot_be_sent(name, processes_client):
    """One that is told of fits goes to where they run; that it cannot is said."""
    callback = Ends(0)
    callback.lock = threading.Lock()
    search = make_search(name).set_callbacks(callback)
    with pytest.raises(TypeError, match="pickle"):
        search.fit(X, y)
    assert search.set_params(scheduler="threads").fit(X, y).stopped_ == ""
