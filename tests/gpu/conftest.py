# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests that need a GPU."""

import pytest

from tests.gpu import helpers


@pytest.fixture(scope="session")
def _cuda_client():
    with helpers.cuda_client() as client:
        yield client


@pytest.fixture
def cuda_client(_cuda_client):
    """Client of one worker per GPU; current during this test only."""
    with _cuda_client.as_current():
        yield _cuda_client


@pytest.fixture(scope="session")
def data():
    """X and y in NumPy arrays."""
    return helpers.make_data()


@pytest.fixture(params=helpers.CASES)
def case(request):
    """Each estimator to search for, if what trains it on a GPU is installed."""
    found = helpers.CASES[request.param]
    if found.cuml:
        pytest.importorskip("cuml")
    return found


@pytest.fixture(params=helpers.SEARCHES)
def kind(request):
    """Each kind of search."""
    return request.param
