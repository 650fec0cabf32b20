# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures for the tests of the searches."""

import pytest

from gpu_hpo.execution import close_embedded
from gpu_hpo.testing import NoHostCopyArray
from tests.model_selection import helpers


def pytest_configure(config):
    """Know the marks of scikit-learn's own tests, which are run here as well."""
    config.addinivalue_line("markers", "thread_unsafe: one of scikit-learn's own")


@pytest.fixture
def calls(threads_client):
    """Every call of `Scripted.partial_fit` in this test, whose client runs threads."""
    helpers.CALLS.clear()
    yield helpers.CALLS
    helpers.CALLS.clear()


@pytest.fixture(scope="session", autouse=True)
def _end_embedded_cluster():
    """Not at exit: pytest has closed what Dask logs to by then."""
    yield
    close_embedded()


@pytest.fixture
def copied(monkeypatch):
    """Shapes of what was copied from `NoHostCopyArray` to the host in this process."""
    shapes = []
    get = NoHostCopyArray.get
    monkeypatch.setattr(
        NoHostCopyArray, "get", lambda self: shapes.append(self.shape) or get(self)
    )
    return shapes
