# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Linear models: stacks, by stochastic gradient descent, and by quasi-Newton steps."""

from gpu_hpo.linear_model._quasi_newton import QNClassifier
from gpu_hpo.linear_model._stochastic_gradient import SGDClassifier, SGDRegressor

__all__ = ["QNClassifier", "SGDClassifier", "SGDRegressor"]
