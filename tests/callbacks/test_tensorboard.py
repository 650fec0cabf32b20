# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What TensorBoard shows after a search, read by TensorBoard itself."""

import math
import threading
from dataclasses import dataclass

import pytest

from gpu_hpo.callbacks import _tensorboard
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

WHY = "needs tensorboardX and tensorboard: make test-callbacks"
pytest.importorskip("tensorboardX", reason=WHY)
pytest.importorskip("tensorboard", reason=WHY)

from tensorboard.backend.event_processing.plugin_event_accumulator import (  # noqa: E402
    EventAccumulator,
)
from tensorboard.plugins.hparams import metadata, plugin_data_pb2  # noqa: E402
from tensorboard.util.tensor_util import make_ndarray  # noqa: E402

from gpu_hpo.callbacks import TensorBoardCallback  # noqa: E402

# What the packages warn of in their own code, and in that below them, is not ours.
pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.filterwarnings("error::gpu_hpo.exceptions.GpuHpoWarning"),
]
X, y = make_data(600)


def read(folder):
    """What TensorBoard reads in a folder, by search and trial."""
    found = {}
    for file in folder.rglob("events.*"):
        search, *trial = file.parent.relative_to(folder).parts
        trials = found.setdefault(search.split("-")[0], {})
        trials["".join(trial).removeprefix("trial-")] = file.parent
    for trials in found.values():
        for trial, where in trials.items():
            accumulator = EventAccumulator(str(where), size_guidance={"tensors": 0})
            trials[trial] = Run(accumulator.Reload())
    return found


@dataclass
class Run:
    """What TensorBoard has read of one folder."""

    accumulator: EventAccumulator

    def scalars(self, tag):
        """The values of a tag, by step."""
        found = self.accumulator.Tensors(tag)
        return {e.step: float(make_ndarray(e.tensor_proto)) for e in found}

    def text(self, tag):
        """The last text of a tag."""
        found = self.accumulator.Tensors(f"{tag}/text_summary")
        return found[-1].tensor_proto.string_val[0].decode()

    def hyperparameters(self):
        """The parameters that the tab HParams shows."""
        tags = self.accumulator.PluginTagToContent(metadata.PLUGIN_NAME)
        content = tags[metadata.SESSION_START_INFO_TAG]
        data = plugin_data_pb2.HParamsPluginData.FromString(content)
        return {
            name: getattr(value, value.WhichOneof("kind"))
            for name, value in data.session_start_info.hparams.items()
        }


@pytest.mark.parametrize("name", EVERY)
def test_what_is_there(name, tmp_path, threads_client):
    """Curves, parameters, seconds, workers and ends are those of the search."""
    callback = TensorBoardCallback(tmp_path)
    search = make_search(name, **SEVERAL).set_callbacks(callback).fit(X, y)
    runs = read(tmp_path)[name]
    top = runs.pop("")
    params, seconds = expected_params(search), expected_seconds(search)
    scores = expected_scores(search)
    assert runs.keys() == params.keys()
    assert list(top.scalars("best_score").values())[-1] == approx(search.best_score_)
    assert str(float(search.best_params_["alpha"])) in top.text("best_params")
    for metric in ("score", "accuracy", "recall"):
        found = {
            (trial, step): value
            for trial, run in runs.items()
            for step, value in run.scalars(metric).items()
        }
        assert found == approx({key: values[metric] for key, values in scores.items()})
    for trial, run in runs.items():
        assert run.hyperparameters() == params[trial]
        (final,) = run.scalars("final/fit_seconds").values()
        assert final == approx(seconds[trial])
        assert run.text("status") in ("completed", "stopped")
        assert (run.text("worker") != "none") == (name in ADAPTIVE)


@pytest.mark.parametrize("name", ["HyperbandSearchCV", "GridSearchCV"])
def test_failures(name, tmp_path, threads_client):
    """Trials that failed say so, with the error."""
    search = make_search(name, Fails()).set_callbacks(TensorBoardCallback(tmp_path))
    with pytest.raises(ValueError, match="of the model"):
        search.fit(X, y)
    runs = read(tmp_path)[name]
    runs.pop("", None)
    assert runs
    for run in runs.values():
        assert run.text("status") == "failed"
        assert "ArithmeticError" in run.text("error")
    assert not threads_of_trackers()


def test_few_files_are_open(tmp_path, threads_client, monkeypatch):
    """Trials whose files were closed in between keep all their scores."""
    monkeypatch.setattr(_tensorboard, "_MOST_OPEN", 2)
    search = make_search("IncrementalSearchCV").set_callbacks(
        TensorBoardCallback(tmp_path)
    )
    before = threading.active_count()
    search.fit(X, y)
    assert threading.active_count() <= before + 1
    runs = read(tmp_path)["IncrementalSearchCV"]
    runs.pop("")
    found = {
        (trial, step): value
        for trial, run in runs.items()
        for step, value in run.scalars("score").items()
    }
    assert found == approx(
        {
            (str(entry["model_id"]), entry["partial_fit_calls"]): entry["score"]
            for entry in search.history_
        }
    )
    assert all(math.isfinite(value) for value in found.values())


def test_two_searches_at_once(tmp_path):
    """Each has a folder of its own, also if they are of one class."""
    callback = TensorBoardCallback(tmp_path)
    searches = [
        make_search("GridSearchCV", scheduler="threads").set_callbacks(callback)
        for _ in range(2)
    ]
    threads = [threading.Thread(target=s.fit, args=(X, y)) for s in searches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    folders = sorted(path.name for path in tmp_path.iterdir())
    assert len(folders) == 2
    assert all(len(list((tmp_path / f).glob("trial-*"))) == 3 for f in folders)
