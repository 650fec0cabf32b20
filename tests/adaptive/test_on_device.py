# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Whole searches whose rows go to a device, with a double in place of CuPy's arrays."""

import threading
import time

import numpy as np
import pytest
from scipy.stats import loguniform

from gpu_hpo.devices import Device, is_device_array
from gpu_hpo.linear_model import SGDClassifier
from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.testing import NoHostCopyArray
from tests.model_selection.helpers import make_data

X, y = make_data(600)
SPACE = {"alpha": loguniform(1e-4, 1e-1)}


@pytest.fixture
def device(monkeypatch, threads_client):
    """A device of so many bytes that the workers' thread believes in; notes uploads."""
    uploads = []

    def upload(value):
        if is_device_array(value):
            return value
        if value.ndim == 2:
            name = threading.current_thread().name
            uploads.append((float(value[0, 0]), name.startswith("gpu_hpo-upload")))
        return NoHostCopyArray(value)

    def of(n_bytes):
        async def cluster_device(client, requested):
            return Device("cuda", 1, "a test says so")

        async def device_memory(client):
            return n_bytes

        wing = "gpu_hpo.adaptive"
        monkeypatch.setattr(f"{wing}._placement.cluster_device", cluster_device)
        monkeypatch.setattr(f"{wing}._base.device_memory", device_memory)
        monkeypatch.setattr("gpu_hpo.adaptive.data._upload.to_device", upload)
        return uploads

    return of


def run(labels, **options):
    return HyperbandSearchCV(
        SGDClassifier(batch_size=20),
        SPACE,
        max_iter=9,
        chunk_size=100,
        random_state=0,
        **options,
    ).fit(X, labels)


@pytest.mark.parametrize("n_bytes", [1e9, 30_000.0], ids=["resident", "too large"])
@pytest.mark.parametrize(
    "labels", [y, np.array(["ham", "spam"])[y]], ids=["int", "str"]
)
def test_search(threads_client, device, n_bytes, labels):
    """Models train on the device: chunks go there once, or ahead if they cannot stay.

    Labels that it cannot hold come back from `predict`.
    """
    expected = run(labels)
    uploads = device(n_bytes)
    search = run(labels)
    assert search.device_.name == "cuda"
    assert isinstance(search.best_estimator_.coef_, NoHostCopyArray)
    assert search.best_score_ == pytest.approx(expected.best_score_, abs=0.02)
    for model, (begun, *_) in search.model_history_.items():
        score = expected.model_history_[model][0]["score"]
        assert begun["score"] == pytest.approx(score, abs=0.02)
    first = [chunk for chunk, _ in uploads]
    ahead = [in_thread for _, in_thread in uploads]
    if n_bytes == 1e9:
        assert len(set(first)) == len(first) == 7  # 6 chunks and what validates
        assert not any(ahead)
    else:
        assert len(first) > len(set(first)) == 7
        assert any(ahead)
    assert set(search.classes_.tolist()) == set(labels.tolist())
    predicted = search.predict(NoHostCopyArray(X))
    if labels.dtype.kind == "U":
        assert (predicted == expected.predict(X)).mean() > 0.97


def test_refits_need_all_rows_there(threads_client, device):
    """What fits to all rows at once says so where a device cannot hold them."""
    device(30_000.0)
    with pytest.raises(ValueError, match="bytes can hold together with its models"):
        run(y, resource="max_iter")


class Noting(SGDClassifier):
    """Notes how many are fitted at a time."""

    running, most = 0, 0
    lock = threading.Lock()

    def fit(self, X, y, **params):
        with self.lock:
            Noting.running += 1
            Noting.most = max(Noting.most, Noting.running)
        time.sleep(0.01)
        try:
            return super().fit(X, y, **params)
        finally:
            with self.lock:
                Noting.running -= 1


def test_one_task_at_a_time(threads_client, device):
    """Threads of a worker do not fill its GPU with models of several tasks."""
    for on_device, at_most in ((False, 4), (True, 1)):
        if on_device:
            device(1e9)
        Noting.most = 0
        search = HyperbandSearchCV(
            Noting(batch_size=20), SPACE, max_iter=9, resource="max_iter"
        ).fit(X, y)
        assert search.device_.name == ("cuda" if on_device else "cpu")
        assert 1 <= Noting.most <= at_most
        assert (Noting.most > 1) != on_device
