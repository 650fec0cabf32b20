# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What MLflow has after a search, read by MLflow's own client from its files."""

import math
import threading
import time

import pytest

from gpu_hpo.exceptions import GpuHpoWarning
from tests.callbacks.helpers import (
    SEVERAL,
    expected_params,
    expected_scores,
    expected_seconds,
    threads_of_trackers,
)
from tests.callbacks.test_tracking import Fails
from tests.compute.every_search import ADAPTIVE, EVERY, make_search
from tests.model_selection.helpers import make_data

mlflow = pytest.importorskip("mlflow", reason="needs MLflow: make test-callbacks")

from gpu_hpo.callbacks import MLflowCallback  # noqa: E402  after what it needs

# What the packages warn of in their own code, and in that below them, is not ours.
pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.filterwarnings("error::gpu_hpo.exceptions.GpuHpoWarning"),
]
X, y = make_data(600)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store in files, and a client that reads it."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "store").as_uri()
    return uri, mlflow.MlflowClient(tracking_uri=uri)


def runs_of(client, experiment="tests"):
    """The runs of searches, and those nested in each."""
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id], max_results=1000)
    tops = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    return {
        top.info.run_id: (
            top,
            [
                run
                for run in runs
                if run.data.tags.get("mlflow.parentRunId") == top.info.run_id
            ],
        )
        for top in tops
    }


@pytest.mark.parametrize("name", EVERY)
def test_what_is_there(name, store, threads_client):
    """Scores by step, parameters, seconds, workers and ends are those of the search."""
    uri, client = store
    callback = MLflowCallback(tracking_uri=uri, experiment="tests", tags={"mine": "1"})
    search = make_search(name, **SEVERAL).set_callbacks(callback).fit(X, y)
    ((top, trials),) = runs_of(client).values()
    assert top.info.run_name == name and top.info.status == "FINISHED"
    assert top.data.tags["mine"] == "1"
    assert top.data.metrics["best_score"] == search.best_score_
    assert top.data.params == {
        f"best_{k}": str(float(v)) for k, v in search.best_params_.items()
    }
    params, seconds = expected_params(search), expected_seconds(search)
    scores = expected_scores(search)
    assert len(trials) == len(params)
    seen = 0
    for run in trials:
        trial = run.info.run_name.removeprefix("trial ")
        assert run.info.status == "FINISHED"
        assert run.data.params == {k: str(float(v)) for k, v in params[trial].items()}
        assert run.data.metrics["fit_seconds"] == pytest.approx(seconds[trial])
        for metric in ("score", "accuracy", "recall"):
            for point in client.get_metric_history(run.info.run_id, metric):
                assert point.value == scores[trial, point.step][metric]
                seen += 1
        if name in ADAPTIVE:
            assert run.data.tags["worker"] == search.history_[0]["worker"]
            assert run.data.tags["status"] in ("completed", "stopped")
        if name == "HyperbandSearchCV":
            assert trial.startswith(f"bracket={run.data.tags['bracket']}-")
    assert seen == 3 * len(scores)


@pytest.mark.parametrize("name", ["HyperbandSearchCV", "GridSearchCV"])
def test_failures(name, store, threads_client):
    """Runs of trials that failed say so, with the error, and so does the search's."""
    uri, client = store
    callback = MLflowCallback(tracking_uri=uri, experiment="tests")
    search = make_search(name, Fails()).set_callbacks(callback)
    with pytest.raises(ValueError, match="of the model"):
        search.fit(X, y)
    ((top, trials),) = runs_of(client).values()
    assert top.info.status == "FAILED"
    assert trials and {run.info.status for run in trials} == {"FAILED"}
    assert all("ArithmeticError" in run.data.tags["error"] for run in trials)
    assert not threads_of_trackers()


def test_two_searches_at_once(store):
    """Each has a run of its own, with its own trials."""
    uri, client = store
    callback = MLflowCallback(tracking_uri=uri, experiment="tests")
    client.create_experiment("tests")
    searches = [
        make_search(name, scheduler="threads").set_callbacks(callback)
        for name in ("GridSearchCV", "RandomizedSearchCV")
    ]
    threads = [threading.Thread(target=s.fit, args=(X, y)) for s in searches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {top.info.run_name: trials for top, trials in runs_of(client).values()}
    assert {name: len(trials) for name, trials in found.items()} == {
        "GridSearchCV": 3,
        "RandomizedSearchCV": 4,
    }


def test_nested_in_an_active_run(store, monkeypatch):
    """Where the user has begun a run, the search's is nested in it, and it goes on."""
    uri, client = store
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_experiment("theirs")
    try:
        with mlflow.start_run() as run:
            search = make_search("GridSearchCV").set_callbacks(MLflowCallback())
            search.fit(X, y)
            assert mlflow.active_run().info.run_id == run.info.run_id
            mlflow.log_metric("after", 1)
    finally:
        mlflow.end_run()
    ((top, (of_search,)),) = runs_of(client, "theirs").values()
    assert top.info.run_id == run.info.run_id and top.data.metrics == {"after": 1}
    assert of_search.info.run_name == "GridSearchCV"


def test_a_server_that_is_not_there(threads_client, monkeypatch):
    """One warning, and the search has its answer without waiting for the server."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    callback = MLflowCallback(tracking_uri="http://127.0.0.1:9", experiment="tests")
    search = make_search("HyperbandSearchCV").set_callbacks(callback)
    began = time.monotonic()
    with pytest.warns(GpuHpoWarning, match="MLflowCallback failed with") as said:
        search.fit(X, y)
    assert len(said) == 1 and time.monotonic() - began < 30
    assert math.isfinite(search.best_score_)
