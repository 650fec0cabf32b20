# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What holds for all tests of exhaustive searches."""

import pytest


@pytest.fixture(autouse=True)
def _on_cpu(monkeypatch):
    """Tests compare with scikit-learn's fits, also on machines that have a GPU."""
    monkeypatch.setenv("GPU_HPO_DEVICE", "cpu")
