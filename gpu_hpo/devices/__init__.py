# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find which hardware is here, and which array library data belongs to."""

from gpu_hpo.devices._counterparts import convert
from gpu_hpo.devices._cuml_task import (
    cuml_task,
    harms_by_itself,
    harms_rows,
    n_device_bytes,
    param_names,
    shallow_params,
    wants_column_major,
)
from gpu_hpo.devices._detect import Device, resolve_device, wanted_device
from gpu_hpo.devices._namespace import (
    array_namespace,
    is_device_array,
    synchronize,
    to_device,
    to_host,
)
from gpu_hpo.devices._ranges import annotated
from gpu_hpo.devices._validation import validate_device_data

__all__ = [
    "Device",
    "annotated",
    "array_namespace",
    "convert",
    "cuml_task",
    "harms_by_itself",
    "harms_rows",
    "is_device_array",
    "n_device_bytes",
    "param_names",
    "resolve_device",
    "shallow_params",
    "synchronize",
    "to_device",
    "to_host",
    "validate_device_data",
    "wanted_device",
    "wants_column_major",
]
