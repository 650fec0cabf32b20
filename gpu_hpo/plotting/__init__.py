# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw pictures of fitted searches, with matplotlib, imported when one is drawn.

Each class follows scikit-learn's convention: ``from_search`` reads a search and draws,
``plot`` draws again, and the numbers that were drawn are attributes.
"""

from gpu_hpo.plotting._best_score import BestScoreDisplay
from gpu_hpo.plotting._heatmap import HeatmapDisplay
from gpu_hpo.plotting._importance import ImportanceDisplay
from gpu_hpo.plotting._learning_curves import LearningCurvesDisplay
from gpu_hpo.plotting._parameters import ParametersDisplay
from gpu_hpo.plotting._timeline import TimelineDisplay

__all__ = [
    "BestScoreDisplay",
    "HeatmapDisplay",
    "ImportanceDisplay",
    "LearningCurvesDisplay",
    "ParametersDisplay",
    "TimelineDisplay",
]
