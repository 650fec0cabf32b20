# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Offer the searches that users call, and the splitters."""

from gpu_hpo.model_selection._check_cv import check_cv, compute_n_splits
from gpu_hpo.model_selection._grid_search import GridSearchCV
from gpu_hpo.model_selection._hyperband import HyperbandSearchCV
from gpu_hpo.model_selection._incremental import IncrementalSearchCV
from gpu_hpo.model_selection._inverse_decay import InverseDecaySearchCV
from gpu_hpo.model_selection._kfold import KFold
from gpu_hpo.model_selection._randomized_search import RandomizedSearchCV
from gpu_hpo.model_selection._scheduled import ScheduledSearchCV
from gpu_hpo.model_selection._shuffle_split import ShuffleSplit
from gpu_hpo.model_selection._stratified_kfold import StratifiedKFold
from gpu_hpo.model_selection._successive_halving import SuccessiveHalvingSearchCV
from gpu_hpo.model_selection._train_test_split import train_test_split

__all__ = [
    "GridSearchCV",
    "HyperbandSearchCV",
    "IncrementalSearchCV",
    "InverseDecaySearchCV",
    "KFold",
    "RandomizedSearchCV",
    "ScheduledSearchCV",
    "ShuffleSplit",
    "StratifiedKFold",
    "SuccessiveHalvingSearchCV",
    "check_cv",
    "compute_n_splits",
    "train_test_split",
]
