# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Every Python block of README and of the pages runs as it stands there.

A comment ``<!-- not run: REASON -->`` above a block, which readers do not see, leaves
it out. A block with ``if __name__ == "__main__":`` is a script, and runs as a file of
its own.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>.+?) -->\n+)?"
    r"^```(?:python|\{code-block\} python)\n(?P<code>.*?)^```$"
    r"(?:\n+^```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
GUARD = 'if __name__ == "__main__":'
MOST_LEFT_OUT = 14


def blocks(page):
    """Return the Python blocks of a page: code, reason not to run, expected output."""
    text = page.read_text(encoding="utf-8")
    return [match.groupdict() for match in BLOCK.finditer(text)]


def is_run(block):
    """Whether a block is run with those beside it."""
    return block["reason"] is None and GUARD not in block["code"]


def scripts():
    """Return the blocks that are scripts of their own."""
    found = []
    for page in PAGES:
        for block in blocks(page):
            if block["reason"] is None and GUARD in block["code"]:
                found.append(pytest.param(block, id=f"{page.stem}-{len(found)}"))
    return found


def run(folder, *arguments):
    """Run Python in a folder that has nothing else, and return what it printed."""
    places = [str(ROOT), str(ROOT / "examples"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, places)),
            "MPLBACKEND": "agg",
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_shown(text):
    """Return lines without spaces at their ends; times and shares without numbers."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return [
        re.sub(r"[\d.]+", "N", line) if re.search(r"\d (?:m?s|MB)\b|%", line) else line
        for line in lines
    ]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_block_runs(tmp_path):
    """The blocks of each page run in order, and print what is below them."""
    wanted = {
        page.relative_to(ROOT).as_posix(): [b for b in blocks(page) if is_run(b)]
        for page in PAGES
    }
    wanted = {name: found for name, found in wanted.items() if found}
    assert len(wanted) > 5
    code = {name: [b["code"] for b in found] for name, found in wanted.items()}
    (tmp_path / "blocks.json").write_text(json.dumps(code), encoding="utf-8")
    printed = json.loads(run(tmp_path, "-m", "tests.run_pages", "blocks.json"))
    errors = [
        outcome["error"]
        for outcomes in printed.values()
        for outcome in outcomes
        if outcome["error"]
    ]
    assert not errors, "\n".join(errors)
    for name, found in wanted.items():
        for block, outcome in zip(found, printed[name], strict=True):
            if block["output"] is not None:
                shown = as_shown(outcome["printed"])
                assert shown == as_shown(block["output"]), (name, block["code"])


@pytest.mark.slow
@pytest.mark.parametrize("block", scripts())
def test_scripts_run(block, tmp_path):
    """A block with a guard runs as a file, and prints what is below it."""
    path = tmp_path / "script.py"
    path.write_text(block["code"], encoding="utf-8")
    printed = run(tmp_path, str(path))
    if block["output"] is not None:
        assert as_shown(printed) == as_shown(block["output"])


def test_few_blocks_are_left_out():
    """What is not run says why: it needs a GPU, other machines, or another library."""
    reasons = [b["reason"] for page in PAGES for b in blocks(page) if b["reason"]]
    assert len(reasons) <= MOST_LEFT_OUT
    for reason in reasons:
        assert re.match(
            r"needs (?:a GPU|other machines|MLflow|Optuna|Ray|dask-ml)\b", reason
        )
    for page in PAGES:
        marks = page.read_text(encoding="utf-8").count("<!-- not run")
        assert marks == sum(bool(block["reason"]) for block in blocks(page)), page


def test_fenced_code_is_seen():
    """No block of Python escapes the pattern by which blocks are found."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fences = re.findall(
            r"^ *```\{?(?:code-block\} )?(?:python|py|pycon)", text, re.M
        )
        assert len(fences) == len(blocks(page)), page
