# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The pages and README, as far as they can be checked without Sphinx."""

import importlib
import importlib.util
import pathlib
import re

import pytest

import gpu_hpo

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = pathlib.Path(gpu_hpo.__file__).parent
PAGE = ROOT / "docs" / "api.md"
# A union of types has no page.
WITHOUT_PAGE = {"gpu_hpo.schedules": {"Event", "Instruction"}}
ALL_BUT_INTERNALS = [
    "gpu_hpo.callbacks",
    "gpu_hpo.compute",
    "gpu_hpo.dashboard",
    "gpu_hpo.datasets",
    "gpu_hpo.devices",
    "gpu_hpo.exceptions",
    "gpu_hpo.linear_model",
    "gpu_hpo.model_selection",
    "gpu_hpo.neural_network",
    "gpu_hpo.plotting",
    "gpu_hpo.report",
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


def named_files(page):
    """The files and folders that a page names, but for what a reader or make makes."""
    text = (ROOT / page).read_text(encoding="utf-8")
    file = r"\w+\.(?:md|py|toml|yaml|yml)"
    found = set(re.findall(rf"`([\w./]+/(?:\w+\.\w+)?|{file})`", text))
    made = ("_yours", ".venvs/", "build/")
    return {name for name in found if not any(part in name for part in made)}


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"]
)
def test_named_files_exist(page):
    """A file that a page for those who read or change the code names is there."""
    names = named_files(page)
    assert names
    # An installed package is not beside the tests.
    places = (PACKAGE, PACKAGE.parent, ROOT, ROOT / ".github" / "workflows")
    assert [n for n in names if not any((p / n).exists() for p in places)] == []


@pytest.mark.parametrize(
    "page", [*sorted(path.name for path in ROOT.glob("*.md")), "benchmarks/README.md"]
)
def test_links_lead_somewhere(page):
    """A file, and a heading in it, that a page outside Sphinx links to, is there."""
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        linked = path.parent / file if file else path
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)", linked.read_text(encoding="utf-8"), re.M)
            slugs = {
                re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings
            }
            assert anchor in slugs, target


def folders():
    """The folders of the package, as paths from it."""
    return {
        path.parent.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.parent != PACKAGE
    }


def import_graph():
    """The module that draws the picture of the folders."""
    path = ROOT / "docs" / "_import_graph.py"
    spec = importlib.util.spec_from_file_location("_import_graph", path)
    graph = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(graph)
    return graph


def test_every_folder_is_listed():
    """The list of folders is complete, and imports point down it, as the page says."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    lines = re.search(r"^    gpu_hpo/\n((?: {6,}.*\n)+)", text, re.MULTILINE).group(1)
    place, beside, above = {}, set(), ""
    for number, line in enumerate(lines.splitlines()):
        depth = len(line) - len(line.lstrip())
        for name in re.findall(r"(?<![\w/])(\w+)/", line):
            above = name if depth == 6 else above
            folder = name if depth == 6 else f"{above}/{name}"
            place[folder] = number
            beside |= {folder} if "beside the list" in line else set()
    assert place.keys() == folders()
    for folder, targets in import_graph().read_imports(PACKAGE).items():
        assert not targets & beside
        if folder not in beside:
            assert all(place[folder] < place[target] for target in targets), folder


def test_journeys_are_counted():
    """A journey has as many files as the page says, and each row names one."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    journeys = re.split(r"^## ", text, flags=re.MULTILINE)
    counted = 0
    for journey in journeys:
        rows = re.findall(r"^\| (\d+) \| `[\w/]+\.py` \|", journey, re.MULTILINE)
        assert rows == [str(number) for number in range(1, len(rows) + 1)]
        if said := re.search(r"^(\d+) files, ", journey, re.MULTILINE):
            assert int(said.group(1)) == len(rows)
            counted += 1
    assert counted == 3


def test_picture_has_every_folder():
    """The picture of the folders has all of them, and no import points up in it."""
    graph = import_graph()
    imports = graph.read_imports(PACKAGE)
    assert imports.keys() == folders()
    rows = graph.find_rows(imports)
    for folder, targets in imports.items():
        assert all(rows[folder] < rows[target] for target in targets)
    picture = graph.draw(PACKAGE)
    assert all(f">{folder}</text>" in picture for folder in folders())
