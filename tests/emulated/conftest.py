# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Skip the tests of this folder where nothing is emulated."""

from pathlib import Path

import pytest

from tests.emulated import _hooks
from tests.emulated._known import why_not

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Mark them as skipped, and say why."""
    if _hooks.installed():
        return
    reason = why_not() or "`make test-emulated` runs it"
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))
