# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Offer tools for tests: of extensions of gpu_hpo, and of code for GPUs."""

from gpu_hpo.testing._no_host_copy import NoHostCopyArray
from gpu_hpo.testing._schedule_conformance import check_schedule, drive_schedule
from gpu_hpo.testing._stack_conformance import check_stackable

__all__ = ["NoHostCopyArray", "check_schedule", "check_stackable", "drive_schedule"]
