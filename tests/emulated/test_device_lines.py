# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which lines are said to run with a device alone."""

import textwrap

import pytest

from tests.emulated import device_lines
from tests.emulated.device_lines import NOT_COUNTED, ONLY_WITH_A_DEVICE, Line, Module


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if is_device_array(X):\n    a()\nb()", ["a()"]),
        ("if not is_device_array(X):\n    return\nb()", ["b()"]),
        ("if is_device_array(X) and dense:\n    a()\nelse:\n    b()", ["a()"]),
        ("if is_device_array(X) or dense:\n    a()", []),
        ("if dense or not is_device_array(X):\n    a()\nelse:\n    b()", ["b()"]),
        ("if any(map(is_device_array, (X, y))):\n    a()", ["a()"]),
        ("if not any(is_device_array(v) for v in (X, y)):\n    raise E\nb()", ["b()"]),
        ("if xp is np:\n    a()\nelse:\n    b()", ["b()"]),
        ("if xp is not np:\n    a()", ["a()"]),
        ("if xp is np or dense:\n    return\nb()", ["b()"]),
        ("if xp.__name__ == 'cupy':\n    a()", ["a()"]),
        ("if device.name == 'cpu':\n    return\nfor _ in X:\n    b()", ["for", "b()"]),
        ("if wanted == 'cuda':\n    a()", []),
        ("if on_device is None:\n    a()\nelif dense:\n    b()", ["elif", "b()"]),
        ("with c:\n    if xp is np:\n        return\n    a()\nb()", ["a()", "b()"]),
        ("try:\n    a()\nexcept E:\n    if xp is not np:\n        raise", ["raise"]),
    ],
)
def test_conditions(body, expected):
    """What a condition says decides, and behind a block that leaves, its opposite."""
    source = f"def f():\n{textwrap.indent(body, '    ')}\n"
    lines = source.splitlines()
    found = sorted(line.begin for line in Module("a.py", source).lines())
    assert [lines[n - 1].split(" _")[0].split(" d")[0].strip() for n in found] == (
        expected
    )


def test_called_from_there_alone():
    """Private functions that others call as well, and public ones, are not counted."""
    source = textwrap.dedent(
        """\
        def f():
            if is_device_array(X):
                _there()
                _both()
                public()
            _both()

        def _there():
            return 9

        def _both():
            return 12

        def public():
            return 15
        """
    )
    found = sorted(line.begin for line in Module("a.py", source).lines())
    assert found == [3, 4, 5, 9]


def test_what_is_listed_is_there():
    """Each module and function that is named has statements."""
    for entry in (*ONLY_WITH_A_DEVICE, *NOT_COUNTED):
        path, _, name = entry.partition(":")
        module = Module(path, (device_lines.PACKAGE / path).read_text())
        assert not name or name in module.names(), entry
    assert ONLY_WITH_A_DEVICE.keys().isdisjoint(NOT_COUNTED)


def test_missed():
    """A statement is reached if any line is that belongs to it alone."""
    lines = [Line("a.py", 1, 1), Line("a.py", 2, 4), Line("b.py", 1, 1)]
    assert device_lines.missed(lines, {"a.py": {3, 5}}) == [lines[0], lines[2]]
