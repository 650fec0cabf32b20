# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Hyperparameter search on one or more GPUs, or on none, over Dask."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("gpu_hpo")
