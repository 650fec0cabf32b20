# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train many models of one shape at once: the contract, and what such models share."""

from gpu_hpo.stacks._array_stack import ArrayStack
from gpu_hpo.stacks._contract import Stack
from gpu_hpo.stacks._rows import Rows, batches, read_rows
from gpu_hpo.stacks._stacked_estimator import StackedEstimator

__all__ = ["ArrayStack", "Rows", "Stack", "StackedEstimator", "batches", "read_rows"]
