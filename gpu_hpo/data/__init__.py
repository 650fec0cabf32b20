# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Where data goes: any X, y into chunks on workers, and the validation set."""

from gpu_hpo.data._ahead import Ahead
from gpu_hpo.data._arrival import Parcel, aligned, packed_up, unwrap, wrap
from gpu_hpo.data._blocks import Blocks, as_blocks, is_per_row, known_length
from gpu_hpo.data._chunk import (
    GROUPS,
    ROLES,
    TARGETS,
    Chunk,
    concat_chunks,
    n_rows,
    row_params,
)
from gpu_hpo.data._folds import cut, cut_params
from gpu_hpo.data._loading import scatter
from gpu_hpo.data._partition import count_groups
from gpu_hpo.data._resident import ResidentData, WorkerFacts
from gpu_hpo.data._split import (
    RandomState,
    n_test_rows,
    root_seed,
    spawn_seed,
    split_rows,
)
from gpu_hpo.data._splitting import (
    GroupNumbers,
    Splits,
    Splitting,
    fold_groups,
    hold_out_groups,
    roles_of_indices,
)
from gpu_hpo.data._upload import OnDevice, Upload

__all__ = [
    "GROUPS",
    "ROLES",
    "TARGETS",
    "Ahead",
    "Blocks",
    "Chunk",
    "GroupNumbers",
    "OnDevice",
    "Parcel",
    "RandomState",
    "ResidentData",
    "Splits",
    "Splitting",
    "Upload",
    "WorkerFacts",
    "aligned",
    "as_blocks",
    "concat_chunks",
    "count_groups",
    "cut",
    "cut_params",
    "fold_groups",
    "hold_out_groups",
    "is_per_row",
    "known_length",
    "n_rows",
    "n_test_rows",
    "packed_up",
    "roles_of_indices",
    "root_seed",
    "row_params",
    "scatter",
    "spawn_seed",
    "split_rows",
    "unwrap",
    "wrap",
]
