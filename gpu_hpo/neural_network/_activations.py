# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Number activations, as compiled code knows them."""

NAMES = "identity", "logistic", "tanh", "relu", "softmax", "exp"
CODES = {name: code for code, name in enumerate(NAMES)}
IDENTITY, LOGISTIC, TANH, RELU, SOFTMAX, EXP = CODES.values()
