# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A report says what the search recorded, and what it did not record."""

import base64
import json
import pickle
import re
import sys
import time
import warnings
from time import monotonic

import numpy as np
import pytest
from distributed import Client
from scipy.stats import loguniform, randint, uniform
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline

from gpu_hpo.exceptions import NoFiniteScoreError
from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
    RandomizedSearchCV,
)
from tests.plotting.fitted import (
    EVERY_SEARCH,
    MAKERS,
    SELDOM,
    STOP_EARLY,
    Fails,
    X,
    fitted,
    y,
)

pytestmark = pytest.mark.usefixtures("threads_client")


class Slow(Fails):
    """Sleeps in each call."""

    def partial_fit(self, X, y, classes=None):
        time.sleep(0.02)
        return super().partial_fit(X, y, classes)


class Sleeps(Fails):
    """Sleeps in `fit`."""

    def fit(self, X, y):
        time.sleep(0.05)
        return super().fit(X, y)


# ---- numbers ----


@pytest.mark.parametrize("name", [*EVERY_SEARCH, *SELDOM])
def test_frame_has_a_row_per_trial(name):
    """The rows are those of `cv_results_`, and each says why it ended."""
    search = fitted(name)
    frame = search.report().to_frame()
    results = search.cv_results_
    assert len(frame) == len(results["params"])
    for column in results:
        if column.startswith("param_"):
            assert repr(frame[column].tolist()) == repr(results[column].tolist())
    if name in STOP_EARLY:
        assert frame["score"].tolist() == results["test_score"].tolist()
        assert frame["calls"].tolist() == results["partial_fit_calls"].tolist()
        assert frame["status"].tolist() == results["status"].tolist()
        assert set(frame["worker"]) == {search.history_[0]["worker"]}
    assert (frame["ended"] != "").all()


@pytest.mark.parametrize("name", [*EVERY_SEARCH, *SELDOM])
def test_text_and_page_of_every_search(name):
    """Each search has a report, with its best parameters, and a page with pictures."""
    search = fitted(name)
    report = search.report()
    text = str(report)
    assert repr(report) == text
    assert text.startswith(f"{type(search).__name__}: ")
    assert f"device                {search.device_.name}: " in text
    page = report._repr_html_()
    images = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(images) >= 2
    assert all(base64.b64decode(one).startswith(b"\x89PNG") for one in images)
    assert json.loads(json.dumps(report.to_dict()["seconds"])) == pytest.approx(
        report.to_dict()["seconds"]
    )


def test_times_add_up():
    """Phases are within `fit`, which a clock outside measures; the bound is below."""
    search = IncrementalSearchCV(
        Slow(),
        {"value": uniform(0, 1)},
        n_initial_parameters=8,
        max_iter=3,
        random_state=0,
    )
    began = monotonic()
    search.fit(X, y)
    seconds = monotonic() - began
    facts = search.report().to_dict()
    parts = facts["seconds"]
    assert parts["fit"] <= seconds <= parts["fit"] + 0.5
    total = sum(parts[name] for name in ("load", "train", "finish", "other"))
    assert total == pytest.approx(parts["fit"])
    workers, work = facts["workers"], facts["work"]
    assert (workers["n_workers"], workers["n_slots"]) == (1, 4)
    assert workers["busy"] + workers["idle"] == pytest.approx(1)
    bound = max(workers["bound_by_work"], workers["bound_by_chain"])
    # A call sleeps 0.02 s: eight trials of three calls on four slots.
    assert 0.9 * 6 * 0.02 <= bound <= parts["train"]
    assert work["seconds_trained"] >= 24 * 0.02
    assert work["seconds_trained"] + work["seconds_scored"] <= work["seconds_of_tasks"]


@pytest.mark.parametrize("name", STOP_EARLY)
def test_counts_are_those_of_the_metadata(name):
    """Calls, models and rows are what the search counted itself."""
    search = fitted(name)
    facts = search.report().to_dict()
    assert facts["work"]["calls"] == search.metadata_["partial_fit_calls"]
    assert facts["work"]["trials"] == search.metadata_["n_models"]
    assert facts["rows"]["train"] + facts["rows"]["validate"] == len(X)
    assert facts["best"]["score"] == search.best_score_
    assert facts["best"]["params"] == search.best_params_
    assert sum(facts["status"].values()) == len(search.cv_results_["params"])


def test_price_without_early_stopping():
    """Hyperband saves what its brackets drop; what drops nothing saves nothing."""
    search = fitted("hyperband")
    facts = search.report().to_dict()
    without = facts["without_early_stopping"]
    assert without["calls"] == search.metadata_["n_models"] * 9
    ratio = without["calls"] / search.metadata_["partial_fit_calls"]
    assert without["times_as_long"] == pytest.approx(ratio)
    trained = facts["work"]["seconds_trained"]
    assert without["seconds_trained"] == pytest.approx(ratio * trained)
    facts = fitted("incremental").report().to_dict()
    assert facts["without_early_stopping"]["times_as_long"] == 1
    assert facts["without_early_stopping"]["seconds_trained"] == pytest.approx(
        facts["work"]["seconds_trained"]
    )


def test_refits_are_counted():
    """Calls that refits repeat are counted as the metadata counts them."""
    search = HyperbandSearchCV(
        SGDClassifier(),
        {"alpha": loguniform(1e-5, 1e-1)},
        max_iter=9,
        resource="n_samples",
        random_state=0,
        chunk_size=None,
    ).fit(X, y)
    work = search.report().to_dict()["work"]
    assert work["calls_fitted"] == search.metadata_["calls_fitted"] > work["calls"]
    assert "refits repeated" in str(search.report())


# ---- reasons ----


def test_failures_are_grouped_by_reason():
    """Trials that failed alike are one line, with the exception and their numbers."""
    search = fitted("failed")
    groups = search.report().to_dict()["failures"]
    reasons = {group["reason"]: group["trials"] for group in groups}
    params, status = search.cv_results_["params"], search.cv_results_["status"]
    for reason in ("too bad", "bad"):
        assert reasons[f"ArithmeticError: {reason}"] == [
            i for i, param in enumerate(params) if param["fails"] == reason
        ]
    assert sum(group["count"] for group in groups) == (status == "failed").sum()
    assert "by ArithmeticError: too bad (trial" in str(search.report())


def test_failures_of_a_grid():
    """Candidates that failed are grouped, too."""
    report = fitted("grid that fails").report()
    (group,) = report.to_dict()["failures"]
    assert group["reason"] == "ArithmeticError: too bad"
    assert group["count"] == 3
    frame = report.to_frame()
    assert set(frame.loc[frame["param_fails"] == "too bad", "status"]) == {"failed"}


def test_why_trials_ended():
    """A trial that was dropped has its rank there; others were trained to the end."""
    search = fitted("halving")
    frame = search.report().to_frame()
    for _, row in frame.iterrows():
        if row["status"] == "completed":
            assert row["ended"] == "trained to the end, 9 calls"
            continue
        at = [e for e in search.history_ if e["partial_fit_calls"] == row["calls"]]
        better = sum(entry["score"] > row["score"] for entry in at)
        assert row["ended"].endswith(f"score {better + 1} of {len(at)} there")


def test_end_of_a_short_bracket():
    """Without patience no trial is said to have ended since its score did not rise."""
    X, y = make_classification(200, 5, random_state=0)
    space = {"alpha": [1e-4, 1e-3, 1e-2]}  # the first bracket has rungs at 1 and 3
    search = HyperbandSearchCV(SGDClassifier(), space, max_iter=9, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = search.fit(X, y).report().to_frame()
    ended = frame.loc[frame["status"] == "completed"].groupby("calls")["ended"].unique()
    assert ended.map(list).to_dict() == {
        3: ["trained to the end of its schedule, 3 calls"],
        9: ["trained to the end, 9 calls"],
    }


def test_no_finite_score():
    """A search that found nothing has a report all the same."""
    search = IncrementalSearchCV(
        Fails(fails="too bad"),
        {"value": [-np.inf, np.nan]},
        n_initial_parameters=2,
        max_iter=3,
        fits_per_score=3,
    )
    with pytest.raises(NoFiniteScoreError):
        search.fit(X, y)
    report = search.report()
    assert "no trial has a finite score" in str(report)
    assert report.to_dict()["failures"][0]["count"] == 2
    assert "there is nothing to draw" in report._repr_html_()


def test_a_search_that_was_ended_early():
    """The report says what ended a search, and which candidates were not tried."""
    search = GridSearchCV(
        Sleeps(), {"value": np.linspace(0, 1, 20).tolist()}, cv=2, max_seconds=0.1
    ).fit(X, y)
    assert search.stopped_ == "max_seconds"
    report = search.report()
    tried = int(np.isfinite(search.cv_results_["mean_test_score"]).sum())
    assert report.to_dict()["status"] == {"completed": tried, "not tried": 20 - tried}
    assert report.to_dict()["work"]["fits"] == 2 * tried
    assert "ended by max_seconds" in str(report)
    assert "(max_seconds)" in report.to_frame()["ended"].iloc[-1]


def test_an_interrupted_grid():
    """What was fitted counts, also where no candidate has all of its scores."""

    class Interrupts:
        only_scores = True
        n = 0

        def setup(self, estimator, context):
            pass

        teardown = on_fit_task_begin = on_fit_task_end = setup

        def on_score(self, search, context, *, metadata):
            self.n += 1
            if self.n == 7:
                raise KeyboardInterrupt

    search = GridSearchCV(
        Sleeps(), {"value": np.linspace(0, 1, 20).tolist()}, cv=2, scheduler="sync"
    ).set_callbacks(Interrupts())
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    facts = search.report().to_dict()
    assert facts["work"]["fits"] >= 7
    assert facts["work"]["seconds_trained"] > 0
    assert facts["workers"]["n_slots"] == 1


@pytest.mark.parametrize("name", ["hyperband", "grid"])
def test_a_resumed_search(name, tmp_path):
    """The report says what was taken from the journal."""
    make = MAKERS[name]
    first = make().set_params(journal=tmp_path / "j").fit(X, y)
    again = make().set_params(journal=tmp_path / "j").fit(X, y)
    n = len(first.history_) if name == "hyperband" else first.report().to_dict()
    n = n if name == "hyperband" else n["work"]["fits"]
    assert first.report().to_dict()["recalled"] == 0
    assert again.report().to_dict()["recalled"] == n
    assert f"{n:,} " in str(again.report()).split("resumed")[1]


# ---- what is not known ----


def test_what_is_not_known_is_said():
    """Numbers that were not recorded are None, and not known in the text."""
    report = fitted("grid").report()
    facts = report.to_dict()
    assert facts["workers"]["bound_by_work"] is None
    assert facts["rows"]["bytes_sent"] is None
    assert facts["without_early_stopping"] is None
    assert "bound                 not known" in str(report)
    assert "rows                  not recorded" in str(report)


def test_without_matplotlib(monkeypatch):
    """Without matplotlib the page has the text, and says what pictures need."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = fitted("halving").report()._repr_html_()
    assert "<img" not in page
    assert "No pictures" in page
    assert "gpu_hpo[plot]" in page


def test_not_fitted():
    """A search that was not fitted has no report, nor has its copy."""
    with pytest.raises(NotFittedError):
        MAKERS["halving"]().report()
    with pytest.raises(NotFittedError):
        clone(fitted("halving")).report()
    with pytest.raises(ValueError, match="metric='nothing'"):
        fitted("halving").report("nothing")


def test_a_pickled_search_has_the_same_report():
    """What was recorded is pickled with the search."""
    search = fitted("hyperband")
    again = pickle.loads(pickle.dumps(search))
    assert str(again.report()) == str(search.report())


def test_asynchronous_search():
    """Where `fit` returns at once, its time is that of the search."""

    async def search():
        async with Client(processes=False, asynchronous=True, dashboard_address=None):
            found = IncrementalSearchCV(
                Slow(), {"value": [0.5, 0.6]}, n_initial_parameters=2, max_iter=3
            )
            return await found.fit(X, y)

    import asyncio

    seconds = asyncio.run(search()).report().to_dict()["seconds"]
    assert seconds["fit"] >= seconds["train"] >= 3 * 0.02


# ---- the repr ----

PARAMETERS = {
    "alpha": loguniform(1e-7, 0.1),
    "eta0": uniform(loc=0.5, scale=2),
    "max_iter": randint(1, 9),
    "penalty": ["l1", "l2"],
}
WRITTEN = (
    "loguniform(1e-7, 0.1)",
    "uniform(loc=0.5, scale=2)",
    "randint(1, 9)",
    "['l1', 'l2']",
)


@pytest.mark.parametrize("search", [HyperbandSearchCV, RandomizedSearchCV])
def test_distributions_are_written_as_calls(search):
    """`repr` and page have distributions as people write them, and stay otherwise."""
    made = search(SGDClassifier(), PARAMETERS)
    for text in (repr(made), made._repr_html_().replace("&#x27;", "'")):
        assert all(written in text for written in WRITTEN)
        assert "rv_" not in text
    assert repr(made).startswith(f"{search.__name__}(estimator=SGDClassifier()")
    read = eval(WRITTEN[0])
    assert read.kwds == PARAMETERS["alpha"].kwds
    assert read.args == PARAMETERS["alpha"].args
    assert (
        made.get_params(deep=False)[
            "parameters" if search is HyperbandSearchCV else "param_distributions"
        ]
        is PARAMETERS
    )
    assert "loguniform(1e-7" in repr([made])


def test_page_shows_the_best_estimator():
    """The page of a fitted search shows its best estimator, and of others theirs."""
    search = fitted("hyperband")
    page = search._repr_html_()
    assert "best_estimator_: SGDClassifier" in page
    assert f"{search.best_params_['eta0']:.10f}"[:8] in page
    before = clone(search)._repr_html_()
    assert "estimator: SGDClassifier" in before
    assert "best_estimator_:" not in before
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "best_estimator_: SVC" in fitted("grid")._repr_html_()
        assert "HyperbandSearchCV" in make_pipeline(search)._repr_html_()
