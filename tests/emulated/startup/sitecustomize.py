# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Prepare each Python process of a run of `make test-emulated` when it starts."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

if "COVERAGE_PROCESS_START" in os.environ:  # by `make emulated-coverage`
    import coverage

    coverage.process_startup()

from tests.emulated import _hooks

_hooks.install()
