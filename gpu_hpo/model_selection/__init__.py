# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The searches that users call, and the splitters."""

from gpu_hpo.model_selection._hyperband import HyperbandSearchCV
from gpu_hpo.model_selection._split import train_test_split
from gpu_hpo.model_selection._successive_halving import SuccessiveHalvingSearchCV

__all__ = ["HyperbandSearchCV", "SuccessiveHalvingSearchCV", "train_test_split"]
