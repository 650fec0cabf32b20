# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The command `gpu-hpo`: look at a machine, and plan a search."""

from gpu_hpo.cli._main import main

__all__ = ["main"]
