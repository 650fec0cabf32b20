# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Look at searches while they run, in a browser."""

from __future__ import annotations

from gpu_hpo.dashboard._link import dashboard_link

__all__ = ["dashboard_link"]
