# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests here use CPU workers, also where there is a GPU."""

import pytest


@pytest.fixture(autouse=True)
def _on_cpu(on_cpu):
    return None
