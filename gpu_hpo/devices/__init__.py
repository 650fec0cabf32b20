# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find which hardware is here, and which array library data belongs to."""

from gpu_hpo.devices._counterparts import convert
from gpu_hpo.devices._detect import Device, resolve_device
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
    "is_device_array",
    "resolve_device",
    "synchronize",
    "to_device",
    "to_host",
    "validate_device_data",
]
