# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Linear models that train as stacks by stochastic gradient descent."""

from gpu_hpo.linear_model._stochastic_gradient import SGDClassifier, SGDRegressor

__all__ = ["SGDClassifier", "SGDRegressor"]
