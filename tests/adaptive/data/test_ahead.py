# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The next chunk is uploaded while one trains."""

import threading

import pytest

from gpu_hpo.adaptive.data._ahead import Ahead


class Uploads:
    """Uploads that note what they did, and wait until they may."""

    def __init__(self):
        self.done = []
        self.threads = set()
        self.may = threading.Event()
        self.may.set()
        self.told = threading.Condition()

    def __call__(self, chunk):
        assert self.may.wait(10)
        self.threads.add(threading.current_thread().name)
        with self.told:
            self.done.append(chunk["X"])
            self.told.notify_all()
        return {"X": -chunk["X"]}

    def wait(self, n):
        with self.told:
            assert self.told.wait_for(lambda: len(self.done) >= n, 10)


def test_one_ahead():
    """Asking for a chunk begins with the next, in another thread, and no further."""
    uploads = Uploads()
    with Ahead(lambda call: {"X": call}, uploads, last=4) as ahead:
        for call in range(1, 5):
            assert ahead(call) == {"X": -call}
            assert ahead(call) == {"X": -call}  # every model of a cohort asks
            uploads.wait(min(call + 1, 4))
            assert uploads.done == list(range(1, min(call + 1, 4) + 1))
    assert len(uploads.threads) == 1
    assert next(iter(uploads.threads)).startswith("gpu_hpo-upload")


def test_it_does_not_wait_for_the_next():
    """A chunk that is there is given, though the next is still under way."""
    uploads = Uploads()
    with Ahead(lambda call: {"X": call}, uploads, last=3) as ahead:
        ahead(1)
        uploads.wait(2)
        uploads.may.clear()
        assert ahead(2) == {"X": -2}
        assert uploads.done == [1, 2]
        uploads.may.set()
        assert ahead(3) == {"X": -3}


def test_calls_that_are_left_out():
    """Calls that nobody makes may be skipped."""
    uploads = Uploads()
    with Ahead(lambda call: {"X": call}, uploads, last=9) as ahead:
        assert [ahead(call)["X"] for call in (1, 5, 6, 9)] == [-1, -5, -6, -9]


def test_an_upload_that_fails():
    """What goes wrong with an upload is raised where its chunk is asked for."""

    def fail(chunk):
        if chunk["X"] == 2:
            raise ValueError("X has NaN")
        return chunk

    with Ahead(lambda call: {"X": call}, fail, last=3) as ahead:
        ahead(1)
        with pytest.raises(ValueError, match="X has NaN"):
            ahead(2)
