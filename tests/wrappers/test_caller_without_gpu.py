# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Blocks in the memory of workers' GPUs, with a double in place of CuPy's arrays."""

import threading

import dask.array as da
import numpy as np
import pytest

from gpu_hpo.linear_model import SGDClassifier
from gpu_hpo.testing import NoHostCopyArray
from gpu_hpo.wrappers import Incremental
from tests.model_selection.helpers import make_data

X, y = make_data(200)


def blocks(array):
    """Blocks that are on a device."""
    lazy = da.from_array(array, chunks=(50, *array.shape[1:]))
    return lazy.map_blocks(NoHostCopyArray, meta=NoHostCopyArray(array[:0]))


def test_model_arrives_on_the_host(processes_client, monkeypatch):
    """Where there is no GPU, a model that trained on some has NumPy's arrays."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    model = Incremental(SGDClassifier(random_state=0)).fit(blocks(X), blocks(y))
    assert type(model.estimator_.coef_) is np.ndarray
    assert (model.predict(X) == y).mean() > 0.7


def test_model_stays_on_the_device_of_its_process(monkeypatch):
    """In the process in which it trained, nothing is copied to the host."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    model = Incremental(SGDClassifier(random_state=0)).fit(blocks(X), blocks(y))
    assert type(model.estimator_.coef_) is NoHostCopyArray


class Holds(SGDClassifier):
    """Has something that cannot be pickled once it is trained."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        super().partial_fit(X, y, classes)
        self.lock_ = threading.Lock()
        return self

    def __deepcopy__(self, memo):
        return self


def test_what_cannot_be_pickled(processes_client, monkeypatch):
    """It is the error that it is where there is a GPU."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(TypeError, match=r"cannot pickle '_thread.lock'"):
        Incremental(Holds()).fit(blocks(X)[:50], blocks(y)[:50])
