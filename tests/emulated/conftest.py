# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Skip the tests of this folder where nothing is emulated, else give them time."""

from pathlib import Path

import pytest

from tests.emulated import _hooks
from tests.emulated._known import why_not

HERE = Path(__file__).parent
# Of one test, which may be the first to compile kernels for g++ and loops for the CPU.
SECONDS = 360


def pytest_collection_modifyitems(items):
    """Mark them as skipped, and say why; those of `tests/gpu` may be emulated, too."""
    if _hooks.installed():
        for item in items:
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(SECONDS))
        return
    reason = why_not() or "`make test-emulated` runs it"
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))
