# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Where data goes: any X, y into chunks on workers, and the validation set."""

from gpu_hpo.data._ahead import Ahead
from gpu_hpo.data._blocks import Blocks, as_blocks, is_per_row, known_length
from gpu_hpo.data._chunk import (
    TARGETS,
    Chunk,
    OnDevice,
    concat_chunks,
    n_rows,
    row_params,
)
from gpu_hpo.data._loading import scatter
from gpu_hpo.data._resident import ResidentData, Upload, WorkerFacts
from gpu_hpo.data._split import (
    RandomState,
    n_test_rows,
    root_seed,
    spawn_seed,
    split_rows,
)

__all__ = [
    "TARGETS",
    "Ahead",
    "Blocks",
    "Chunk",
    "OnDevice",
    "RandomState",
    "ResidentData",
    "Upload",
    "WorkerFacts",
    "as_blocks",
    "concat_chunks",
    "is_per_row",
    "known_length",
    "n_rows",
    "n_test_rows",
    "root_seed",
    "row_params",
    "scatter",
    "spawn_seed",
    "split_rows",
]
