# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Score many models at once, on the device that holds their responses."""

from gpu_hpo.metrics._stacked import METRICS, models_at_once, stacked_scores
from gpu_hpo.metrics._truth import Truth

__all__ = ["METRICS", "Truth", "models_at_once", "stacked_scores"]
