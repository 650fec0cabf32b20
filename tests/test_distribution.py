# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What conda, GitHub and whoever cites the project are told is what pip is told."""

import re
import tomllib
import types
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import gpu_hpo

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
METADATA = PROJECT["project"]
ENVIRONMENTS = {
    "environment.yml": "cu13",
    "environment-cuda12.yml": "cu12",
    "environment-cpu.yml": None,
}
# Packages that conda calls otherwise. dask[array] is dask-core and numpy, which is
# required anyway, and dask[dataframe] adds pandas and pyarrow, which the tests name.
FOR_CONDA = {
    "build": "python-build",
    "dask": "dask-core",
    "py-rattler-build": "rattler-build",
    "xgboost-cpu": "py-xgboost-cpu",
}
# Those of RAPIDS have the version of CUDA in their name, and so has CuPy.
CUDA_SUFFIX = re.compile(r"-(cu|cuda)1[23]x?$")


def bounds(requirements):
    """Bounds by name: for {"numpy>=2.0"} the dict {"numpy": {">=2.0"}}."""
    found = {}
    for text in requirements:
        requirement = Requirement(text)
        name = CUDA_SUFFIX.sub("", requirement.name)
        found[FOR_CONDA.get(name, name)] = {str(part) for part in requirement.specifier}
    return found


def conda_bounds(lines):
    """Bounds by name of conda's requirements: of lines such as "numpy >=2.0"."""
    found = {}
    for line in lines:
        name, _, wanted = line.partition(" ")
        found[name] = set(wanted.split(",")) - {""}
    return found


def text(name):
    """The text of a file of the repository."""
    return (ROOT / name).read_text("utf-8")


def version():
    """The version that hatchling reads."""
    source = PROJECT["tool"]["hatch"]["version"]
    (found,) = re.findall(source["pattern"], text(source["path"]))
    return found


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """The recipe for conda as rattler-build renders it from another folder."""
    rattler_build = pytest.importorskip("rattler_build")
    monkeypatch.chdir(tmp_path)
    source = rattler_build.Stage0Recipe.from_file(ROOT / "conda-recipe/recipe.yaml")
    platform = rattler_build.PlatformConfig(target_platform="linux-64")
    (variant,) = source.render(None, rattler_build.RenderConfig(platform))
    return variant.recipe.to_dict()


def test_recipe_is_rendered_in_any_folder(recipe):
    """Without experimental features the recipe has pip's version, licence and words."""
    assert recipe["package"] == {"name": METADATA["name"], "version": version()}
    about, urls = recipe["about"], METADATA["urls"]
    assert about["license"] == METADATA["license"]
    assert about["license_file"] == METADATA["license-files"]
    assert about["summary"] == METADATA["description"]
    assert about["homepage"] == urls["Homepage"]
    assert about["documentation"] == urls["Documentation"]
    assert about["repository"] == urls["Source"]
    (source,) = recipe["source"]
    assert (ROOT / "conda-recipe" / source["path"]).resolve() == ROOT.resolve()


def test_recipe_requires_what_pip_does(recipe):
    """Conda's packages have pip's bounds, also those that need not be installed."""
    needed = recipe["requirements"]
    python = {METADATA["requires-python"]}
    run = conda_bounds(needed["run"])
    assert run.pop("python") == python
    assert run == bounds(METADATA["dependencies"])

    host = conda_bounds(needed["host"])
    assert (host.pop("python"), host.pop("pip")) == (python, set())
    assert host == bounds(PROJECT["build-system"]["requires"])

    beside = conda_bounds(needed["run_constraints"])
    assert beside.pop("cuda-version") == {">=12", "<14"}
    del beside["cupy"]  # pip's have none, since cuML sets it
    for extra in ("cu12", "cu13"):
        wanted = bounds(METADATA["optional-dependencies"][extra])
        del wanted["cupy"]
        assert beside == wanted


def test_recipe_has_the_commands(recipe):
    """Conda installs the same commands as pip."""
    assert recipe["build"]["python"]["entry_points"] == [
        f"{name} = {target}" for name, target in METADATA["scripts"].items()
    ]


def test_recipe_tests_the_public_modules(recipe):
    """What conda builds is tested by importing each public module."""
    imports = recipe["tests"][0]["python"]["imports"]
    for name in gpu_hpo.__all__:
        if isinstance(getattr(gpu_hpo, name), types.ModuleType):
            assert f"gpu_hpo.{name}" in imports


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environments_have_what_pip_requires(name):
    """Each environment for conda has the package's bounds and all that tests need."""
    environment = yaml.safe_load(text(name))
    has = conda_bounds(environment["dependencies"])
    assert environment["name"] == METADATA["name"]
    assert METADATA["requires-python"] in has["python"]
    extras = METADATA["optional-dependencies"]
    needed = bounds(METADATA["dependencies"])
    for extra in ("test", "demo", "lint", "dev"):
        needed.update(bounds(extras[extra]))
    del needed["gpu_hpo"]  # dev is the others, and more
    assert {name: has.get(name) for name in needed} == needed


@pytest.mark.parametrize(("name", "extra"), ENVIRONMENTS.items())
def test_environments_have_one_cuda_or_none(name, extra):
    """An environment has RAPIDS for its CUDA as pip's extra does, or nothing of it."""
    environment = yaml.safe_load(text(name))
    has = conda_bounds(environment["dependencies"])
    everything = bounds(METADATA["optional-dependencies"]["cu13"])
    if extra is None:
        assert environment["channels"] == ["conda-forge"]
        assert not has.keys() & {*everything, "cuda-version"}
        return
    assert environment["channels"] == ["rapidsai", "conda-forge"]
    cuda = int(extra.removeprefix("cu"))
    assert has["cuda-version"] == {f">={cuda}", f"<{cuda + 1}"}
    for package, least in bounds(METADATA["optional-dependencies"][extra]).items():
        for bound in least:
            (wanted,) = has[package]
            assert Version(wanted.lstrip("=")) >= Version(bound.lstrip(">="))


def test_all_but_dask_has_a_lower_bound():
    """`make test-oldest` tests the least version of each package that pip installs."""
    for name, wanted in bounds(METADATA["dependencies"]).items():
        least = any(part.startswith(">=") for part in wanted)
        assert least != (name in {"dask-core", "distributed"}), name


def test_scikit_learn_has_an_upper_bound():
    """Scikit-learn has one, since the package takes private names of it."""
    wanted = bounds(METADATA["dependencies"])["scikit-learn"]
    assert any(part.startswith("<") for part in wanted)


def test_versions_are_of_the_calendar():
    """Versions are year, month and patch, and stand in one file only."""
    year, month, patch = map(int, version().split("."))
    assert 26 <= year < 100
    assert 1 <= month <= 12
    assert patch >= 0
    assert METADATA["dynamic"] == ["version"]
    assert "\nversion:" not in text("CITATION.cff")


def test_changelog_is_in_releases():
    """The changelog has what is unreleased first, then releases, newest first."""
    first, *releases = re.findall(r"^## (.*)$", text("CHANGELOG.md"), re.MULTILINE)
    pattern = r"(\d\d\.\d?\d\.\d+) \(20\d\d-\d\d-\d\d\)"
    found = [re.fullmatch(pattern, heading) for heading in releases]
    assert first == "Unreleased"
    assert all(found), releases
    versions = [Version(match[1]) for match in found]
    assert versions == sorted(set(versions), reverse=True)


def test_citation_is_of_this_project():
    """CITATION.cff names the project, its licence and its address as pip does."""
    citation = yaml.safe_load(text("CITATION.cff"))
    assert citation["title"] == METADATA["name"]
    assert citation["license"] == METADATA["license"]
    assert citation["repository-code"] == METADATA["urls"]["Source"]
    assert [author["name"] for author in citation["authors"]] == [
        author["name"] for author in METADATA["authors"]
    ]


def workflows():
    """All workflows for GitHub, by name of the file."""
    folder = ROOT / ".github" / "workflows"
    return {
        path.name: yaml.safe_load(path.read_text("utf-8"))
        for path in folder.glob("*.yml")
    }


def test_workflows_run_targets_that_exist():
    """Every `make` in a workflow names a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    ran = []
    for name, workflow in workflows().items():
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                for target in re.findall(r"\bmake ([a-z-]+)", step.get("run", "")):
                    assert target in targets, name
                    ran.append(target)
    assert {"docs", "lint", "test-oldest", "test-nightly", "release-check"} <= set(ran)


def test_workflows_test_all_pythons_on_all_systems():
    """Tests run on each Python from the least that pip accepts, on three systems."""
    matrix = workflows()["tests.yml"]["jobs"]["tests"]["strategy"]["matrix"]
    assert f">={matrix['python'][0]}" == METADATA["requires-python"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    systems = {system.partition("-")[0] for system in matrix["system"]}
    assert systems == {"ubuntu", "macos", "windows"}
