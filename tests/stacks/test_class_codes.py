# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Labels are found among classes, whatever integers, floats or bools both are."""

import numpy as np
import pytest

from gpu_hpo.stacks._rows import class_codes

LARGEST = 2**64 - 1
CLASSES = [
    np.array([-1, 0, 1]),
    np.array([-1, 1], np.int8),
    np.array([0, 1], np.uint64),
    np.array([0, 1, 2**53, 2**53 + 1]),
    np.array([2**63 - 1, 2**63, LARGEST - 1, LARGEST], np.uint64),
    np.array([False, True]),
    np.array([-1.0, 0.5, 3.0]),
]
LABELS = [
    np.array([0, 1, 2, LARGEST - 1, LARGEST, 2**63, 2**53 + 1], np.uint64),
    np.array([-1, -2, 0, 1, 2**63 - 1, -(2**63), 2**53 + 1, 2**53]),
    np.array([-1, 0, 1, 127, -128], np.int8),
    np.array([0, 255], np.uint8),
    np.array([0.5, -1.0, 3.0, 1.0]),
    np.array([True, False]),
]


@pytest.mark.parametrize("classes", CLASSES, ids=repr)
@pytest.mark.parametrize("labels", LABELS, ids=repr)
def test_codes_are_those_of_pythons_numbers(classes, labels):
    """No number is taken for another one of a type with other limits."""
    listed = classes.tolist()
    expected = [listed.index(v) if v in listed else -1 for v in labels.tolist()]
    assert class_codes(classes, labels).tolist() == expected
