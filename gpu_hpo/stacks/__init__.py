# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train many models of one shape at once: the contract, and what such models share."""

from gpu_hpo.stacks._contract import Stack

__all__ = ["Stack"]
