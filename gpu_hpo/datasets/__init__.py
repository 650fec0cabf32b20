# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Generate data of any size, as Dask arrays whose blocks are drawn in tasks."""

from gpu_hpo.datasets._blobs import make_blobs
from gpu_hpo.datasets._classification import make_classification
from gpu_hpo.datasets._classification_df import make_classification_df
from gpu_hpo.datasets._counts import make_counts
from gpu_hpo.datasets._random_date import random_date
from gpu_hpo.datasets._regression import make_regression

__all__ = [
    "make_blobs",
    "make_classification",
    "make_classification_df",
    "make_counts",
    "make_regression",
    "random_date",
]
