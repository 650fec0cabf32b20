# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say what a search found and what it cost: as text, as a page and as a table."""

from gpu_hpo.report._report import Report

__all__ = ["Report"]
