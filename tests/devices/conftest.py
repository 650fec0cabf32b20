# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The real cuML, where it is installed."""

import pytest


@pytest.fixture(scope="session")
def cuml():
    return pytest.importorskip("cuml", reason="needs cuML: make test-rapids")
