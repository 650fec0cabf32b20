# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What fitted models answer, and how well: lazily, block by block, of Dask data."""

from gpu_hpo.answers._lazily import apply, check_has_blocks
from gpu_hpo.answers._methods import Answering
from gpu_hpo.answers._score import lazy_score, score

__all__ = ["Answering", "apply", "check_has_blocks", "lazy_score", "score"]
