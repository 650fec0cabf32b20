# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What Weights & Biases would send, read from its offline runs by its own messages."""

import json
import struct
import threading
import time

import pytest

from tests.callbacks.helpers import (
    SEVERAL,
    approx,
    expected_params,
    expected_scores,
    expected_seconds,
    threads_of_trackers,
)
from tests.callbacks.test_tracking import Fails
from tests.compute.every_search import ADAPTIVE, EVERY, make_search
from tests.model_selection.helpers import make_data

wandb = pytest.importorskip("wandb", reason="needs wandb: make test-callbacks")

from wandb.proto import wandb_internal_pb2  # noqa: E402

from gpu_hpo.callbacks import WandbCallback  # noqa: E402

# What the packages warn of in their own code, and in that below them, is not ours.
pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.filterwarnings("error::gpu_hpo.exceptions.GpuHpoWarning"),
]
X, y = make_data(600)
BLOCK = 32768  # of LevelDB's log format, in which the runs are written
HEAD = struct.Struct("<IHB")  # checksum, length, and which part of a record


@pytest.fixture
def callback(tmp_path, monkeypatch):
    """A callback whose runs stay in a folder."""
    monkeypatch.setenv("WANDB_SILENT", "true")
    # The variables for these are read once in a process.
    init = {"mode": "offline", "dir": str(tmp_path)}
    return WandbCallback(project="tests", init=init)


def records(path):
    """The messages in the file of an offline run."""
    content, at, parts = path.read_bytes(), 7, []  # after its own head
    while at + HEAD.size <= len(content):
        if BLOCK - at % BLOCK < HEAD.size:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = HEAD.unpack_from(content, at)
        at += HEAD.size
        parts.append(content[at : at + length])
        at += length
        if kind in (1, 4):  # a whole record, or the last part of one
            record = wandb_internal_pb2.Record()
            record.ParseFromString(b"".join(parts))
            parts = []
            yield record


def runs_in(folder):
    """The run, rows, summary, exit code and table of each search, by its class."""
    found = {}
    for path in folder.glob("wandb/offline-run-*/*.wandb"):
        rows, summary, config, code = [], {}, {}, None
        # W&B's own process may still write when a run is finished.
        end = time.monotonic() + 20
        while not any(r.HasField("exit") for r in records(path)):
            assert time.monotonic() < end, path
            time.sleep(0.05)
        for record in records(path):
            if record.HasField("history"):
                items = record.history.item
                rows.append(
                    {
                        item.key or item.nested_key[0]: json.loads(item.value_json)
                        for item in items
                    }
                )
            elif record.HasField("run"):
                for item in record.run.config.update:
                    config[item.key or item.nested_key[0]] = json.loads(item.value_json)
            elif record.HasField("summary"):
                for item in record.summary.update:
                    key = item.key or ".".join(item.nested_key)
                    summary[key] = json.loads(item.value_json)
            elif record.HasField("exit"):
                code = record.exit.exit_code
        (table,) = path.parent.glob("files/media/table/trials*.json")
        table = json.loads(table.read_text(encoding="utf-8"))
        trials = [
            dict(zip(table["columns"], row, strict=True)) for row in table["data"]
        ]
        found[config["search"]] = (rows, summary, code, trials)
    return found


@pytest.mark.parametrize("name", EVERY)
def test_what_is_there(name, callback, tmp_path, threads_client):
    """Each score is a row; the table has parameters, seconds, workers and ends."""
    search = make_search(name, **SEVERAL).set_callbacks(callback).fit(X, y)
    rows, summary, code, trials = runs_in(tmp_path)[name]
    step = "calls" if name in ADAPTIVE else "split"
    assert {
        (row["model_id"], row[step]): {
            m: row[m] for m in ("score", "accuracy", "recall")
        }
        for row in rows
        if "score" in row
    } == expected_scores(search)
    assert code == 0
    assert summary["best_score"] == search.best_score_
    assert summary["stopped"] == "" and summary["status"] == "finished"
    params, seconds = expected_params(search), expected_seconds(search)
    assert {row["model_id"] for row in trials} == params.keys()
    for row in trials:
        trial = row["model_id"]
        assert row["param_alpha"] == params[trial]["alpha"]
        assert row["fit_seconds"] == approx(seconds[trial])
        assert row["status"] in ("completed", "stopped") and row["error"] == ""
        assert bool(row["worker"]) == (name in ADAPTIVE)


@pytest.mark.parametrize("name", ["HyperbandSearchCV", "GridSearchCV"])
def test_failures(name, callback, tmp_path, threads_client):
    """A search that fails ends its run as failed; the table has the errors."""
    search = make_search(name, Fails()).set_callbacks(callback)
    with pytest.raises(ValueError, match="of the model"):
        search.fit(X, y)
    _, summary, code, trials = runs_in(tmp_path)[name]
    assert code == 1 and summary["status"] == "failed"
    assert trials and all("ArithmeticError" in row["error"] for row in trials)
    assert not threads_of_trackers()


def test_two_searches_beside_a_run(callback, tmp_path):
    """Two at once have two runs, and the user's own run goes on."""
    searches = [
        make_search(name, scheduler="threads").set_callbacks(callback)
        for name in ("GridSearchCV", "RandomizedSearchCV")
    ]
    with wandb.init(mode="offline", dir=tmp_path / "theirs") as run:
        threads = [threading.Thread(target=s.fit, args=(X, y)) for s in searches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wandb.run is run
        run.log({"after": 1})
    found = runs_in(tmp_path)
    for search in searches:
        rows, _, code, _ = found[type(search).__name__]
        n_fits = len(search.cv_results_["params"]) * search.n_splits_
        assert code == 0 and sum("score" in row for row in rows) == n_fits
