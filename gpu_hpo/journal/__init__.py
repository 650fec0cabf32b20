# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Record searches in files, go on with them, and read them while they run.

A search with ``journal="path"`` writes each score there as it comes. If its process
ends, the next `fit` on the same path goes on where it was, with the same answer as if
nothing had happened. Nothing in a journal is executed when it is read.
"""

from gpu_hpo.journal._journal import Journal
from gpu_hpo.journal._optuna import to_optuna
from gpu_hpo.journal._read import RecordedSearch, find, read

__all__ = ["Journal", "RecordedSearch", "find", "read", "to_optuna"]
