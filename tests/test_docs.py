# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The API pages, as far as they can be checked without Sphinx."""

import importlib
import pathlib
import re

import pytest

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "api.md"
# A union of types has no page; `devices` exports what other modules need as well.
WITHOUT_PAGE = {"gpu_hpo.schedules": {"Event", "Instruction"}}
ALL_BUT_INTERNALS = [
    "gpu_hpo.compute",
    "gpu_hpo.datasets",
    "gpu_hpo.exceptions",
    "gpu_hpo.linear_model",
    "gpu_hpo.model_selection",
    "gpu_hpo.neural_network",
    "gpu_hpo.schedules",
    "gpu_hpo.stacks",
    "gpu_hpo.testing",
    "gpu_hpo.wrappers",
]


def listed():
    """The names that have a page, by module."""
    names = {}
    module = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\.\. currentmodule:: (\S+)", line):
            module = found.group(1)
        elif found := re.match(r"   (\w+)$", line):
            names.setdefault(module, set()).add(found.group(1))
    return names


def test_listed_names_exist():
    """What the API page lists is there."""
    for module, names in listed().items():
        for name in names:
            assert hasattr(importlib.import_module(module), name), (module, name)


@pytest.mark.parametrize("module", ALL_BUT_INTERNALS)
def test_public_names_are_listed(module):
    """What a public module exports has a page of its own."""
    exported = set(importlib.import_module(module).__all__)
    assert listed()[module] == exported - WITHOUT_PAGE.get(module, set())
