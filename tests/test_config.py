# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Settings under ``gpu_hpo`` in Dask's configuration."""

import pathlib
import re
import subprocess
import sys

import dask
import pytest

from gpu_hpo import _config
from gpu_hpo.data._blocks import as_blocks
from gpu_hpo.data._chunk import n_rows

ROOT = pathlib.Path(__file__).parents[1]
READERS = {
    "chunks.number": _config.read_number,
    "memory.resident-share": _config.read_share,
    "memory.message-size": _config.read_bytes,
    "workers.patience": _config.read_seconds,
}


def flat(values, prefix=""):
    """All settings by their full names."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


@pytest.mark.parametrize(
    ("key", "given", "value"),
    [
        ("chunks.number", 7, 7),
        ("memory.resident-share", 1, 1.0),
        ("memory.resident-share", 0.25, 0.25),
        ("memory.message-size", "1 MiB", 2**20),
        ("memory.message-size", 10, 10),
        ("workers.patience", "2 minutes", 120.0),
        ("workers.patience", "1500ms", 1.5),
        ("workers.patience", 0, 0.0),
    ],
)
def test_values(configure, key, given, value):
    """Times and sizes may have units."""
    configure({key: given})
    assert READERS[key](key) == value


@pytest.mark.parametrize(
    ("key", "given"),
    [
        *(("chunks.number", value) for value in (0, -1, 1.5, "many", None, True)),
        *(("memory.resident-share", value) for value in (0, 1.1, "half", float("nan"))),
        *(("memory.message-size", value) for value in (0, "big", None, True)),
        *(("workers.patience", value) for value in (-1, "soon", None, True)),
    ],
)
def test_bad_values(configure, key, given):
    """A setting that means nothing is named, with its value and what is accepted."""
    configure({key: given})
    text = f"gpu_hpo.{key} is {given!r} in Dask's configuration; it must be a"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        READERS[key](key)


def test_environment_sets_values():
    """Variables of the environment set what Dask's other settings are set by."""
    code = (
        "from gpu_hpo._config import read_number, read_seconds\n"
        "assert read_number('workers.max-deaths') == 5\n"
        "assert read_seconds('workers.patience') == 90\n"
        "assert read_number('chunks.number') == 20"
    )
    variables = {
        "DASK_GPU_HPO__WORKERS__MAX_DEATHS": "5",
        "DASK_GPU_HPO__WORKERS__PATIENCE": "90 s",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=variables,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr


def test_settings_given_before_the_first_import_stay():
    """What a user sets before gpu_hpo is imported is not overwritten by defaults."""
    code = (
        "import dask\n"
        "dask.config.set({'gpu_hpo.chunks.number': 3})\n"
        "from gpu_hpo._config import read_number\n"
        "assert read_number('chunks.number') == 3\n"
        "assert read_number('chunks.min-rows') == 1000"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_chunks_follow_the_settings():
    """Data in memory is cut as the settings say when `fit` is called."""
    data = [[0.0]] * 4_000
    with dask.config.set({"gpu_hpo.chunks": {"number": 8, "min-rows": 10}}):
        assert [n_rows(chunk) for chunk in as_blocks(data).blocks] == [500] * 8
    assert len(as_blocks(data).blocks) == 4


def test_every_setting_is_read_and_documented():
    """Each setting is read by the package, and documented with its default."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    package = pathlib.Path(_config.__file__).parent
    sources = "".join(
        path.read_text(encoding="utf-8") for path in package.rglob("*.py")
    )
    rows = dict(re.findall(r"^\| `gpu_hpo\.([a-z.-]+)` \| ([^|]+) \|", page, re.M))
    defaults = dict(flat(_config.DEFAULTS["gpu_hpo"]))
    assert rows == {key: str(value) for key, value in defaults.items()}
    for key in defaults:
        assert f'("{key}")' in sources
