# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Wrap estimators so that they predict on or train by the blocks of Dask data."""

from gpu_hpo.wrappers._incremental import Incremental
from gpu_hpo.wrappers._parallel_post_fit import ParallelPostFit

__all__ = ["Incremental", "ParallelPostFit"]
