# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Check whether installed versions fit each other, by what packages require."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from gpu_hpo.cli._finding import Finding

# What is shown, in this order; without the suffix for CUDA.
_SHOWN = (
    "numpy",
    "scikit-learn",
    "dask",
    "distributed",
    "numba",
    "cuml",
    "cudf",
    "cupy",
    "dask-cuda",
    "numba-cuda",
)
# Whose requirements are checked, besides those.
_CHECKED = {
    *_SHOWN,
    "gpu-hpo",
    "dask-cudf",
    "nvforest",
    "pylibcudf",
    "pylibraft",
    "rapids-dask-dependency",
    "rmm",
    "scipy",
}
# All of one release.
_RAPIDS = ("cuml", "cudf", "dask-cudf", "dask-cuda", "rmm", "pylibraft", "raft-dask")
_SUFFIX = re.compile(r"-(?:cu|cuda)(1\d)x?$")


@dataclass(frozen=True)
class Package:
    """An installed package.

    Attributes
    ----------
    name : str
        Normalised, with the suffix for CUDA.
    version : str
    requires : list of str
    python : str
        Versions of Python that it takes.
    by_pip : bool
        Whether it names all that it needs as pip does.
    """

    name: str
    version: str
    requires: list[str] = field(default_factory=list)
    python: str = ""
    by_pip: bool = True

    @property
    def base(self) -> str:
        """The name without the suffix for CUDA."""
        return _SUFFIX.sub("", self.name)

    @property
    def cuda(self) -> int | None:
        """The major version of CUDA that it is built for, if its name says so."""
        found = _SUFFIX.search(self.name)
        return int(found.group(1)) if found else None


def installed() -> dict[str, Package]:
    """Read the metadata of all installed packages, by normalised name."""
    found: dict[str, Package] = {}
    for distribution in distributions():
        package = _read(distribution)
        if package is not None:
            found.setdefault(package.name, package)  # the first hides the others
    return found


def _read(distribution: Distribution) -> Package | None:
    """Return what metadata says; None of what an uninstallation has left."""
    try:
        metadata = distribution.metadata
    except FileNotFoundError:  # of importlib_metadata, which may be in place
        return None
    # Some kinds of metadata return None for what is missing, others raise.
    if "Name" not in metadata or "Version" not in metadata:
        return None
    name = canonicalize_name(metadata["Name"])
    if _SUFFIX.sub("", name) not in _CHECKED:
        return Package(name, metadata["Version"])
    installer = (distribution.read_text("INSTALLER") or "").strip()
    return Package(
        name,
        metadata["Version"],
        list(distribution.requires or ()),
        next(iter(metadata.get_all("Requires-Python") or ()), ""),
        installer != "conda",
    )


def shown_versions(packages: Mapping[str, Package]) -> dict[str, str]:
    """Return the versions that are worth showing, Python's first."""
    versions = {"python": platform.python_version()}
    for base in _SHOWN:
        for package in packages.values():
            if package.base == base:
                cuda = f" (CUDA {package.cuda})" if package.cuda else ""
                versions[base] = package.version + cuda
    return versions


def cuda_of_packages(packages: Mapping[str, Package]) -> dict[int, list[str]]:
    """Return the CUDA versions that packages are built for, with their names."""
    built: dict[int, list[str]] = {}
    for package in packages.values():
        if package.cuda and package.base in {*_RAPIDS, "cupy"}:
            built.setdefault(package.cuda, []).append(package.name)
    return built


def misfits(packages: Mapping[str, Package]) -> Iterator[Finding]:
    """Yield what does not fit together; nothing if all does."""
    built = cuda_of_packages(packages)
    if len(built) > 1:
        some = ", ".join(
            f"{names[0]} for CUDA {c}" for c, names in sorted(built.items())
        )
        few = min(built.values(), key=len)
        yield Finding(
            "versions",
            "fail",
            f"packages are built for different versions of CUDA: {some}",
            f"pip uninstall {' '.join(sorted(few))}",
        )
    releases: dict[str, str] = {}
    for package in packages.values():
        if package.base in _RAPIDS:
            releases[package.name] = ".".join(package.version.split(".")[:2])
    if len(set(releases.values())) > 1:
        some = ", ".join(f"{name} {version}" for name, version in releases.items())
        newest = max(releases.values(), key=_as_version)
        yield Finding(
            "versions",
            "fail",
            f"packages are of different releases of RAPIDS: {some}",
            f"install all of release {newest}",
        )
    for package in packages.values():
        yield from _unmet(package, packages)
    numpy, kernels = packages.get("numpy"), packages.get("numba-cuda")
    if (
        numpy
        and kernels
        and _as_version(numpy.version) >= Version("2.5.dev0")
        and _as_version(kernels.version) < Version("0.31")
    ):
        yield Finding(
            "versions",
            "fail",
            f"numba-cuda {kernels.version} calls numpy.row_stack, which numpy "
            f"{numpy.version} does not have: kernels cannot be compiled",
            "pip install 'numpy<2.5'",
        )


def _unmet(package: Package, packages: Mapping[str, Package]) -> Iterator[Finding]:
    """Yield requirements of a package that are not met."""
    if package.base not in _CHECKED:
        return
    python = platform.python_version()
    if package.python and not _accepts(package.python, python):
        yield Finding(
            "versions",
            "fail",
            f"python is {python}, but {package.name} {package.version} needs "
            f"{package.python}",
            f"make an environment with Python {package.python}",
        )
    for text in package.requires:
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue  # of an old kind, which pip ignores as well
        found = packages.get(canonicalize_name(wanted.name)) or _without_suffix(
            wanted.name, packages
        )
        optional = not _applies(wanted, "")
        ours = package.name == "gpu-hpo" and any(
            _applies(wanted, extra) for extra in ("cu12", "cu13", "boosters")
        )
        if found is None:
            if not optional and package.by_pip:
                yield Finding(
                    "versions",
                    "fail",
                    f"{wanted.name} is not installed, but {package.name} "
                    f"{package.version} needs it",
                    f"pip install '{wanted.name}{wanted.specifier}'",
                )
            continue
        if (not optional or ours) and not _accepts(wanted.specifier, found.version):
            yield Finding(
                "versions",
                "fail",
                f"{found.name} is {found.version}, but {package.name} "
                f"{package.version} needs {wanted.specifier}",
                f"pip install '{found.name}{wanted.specifier}'",
            )


def _applies(wanted: Requirement, extra: str) -> bool:
    return wanted.marker is None or wanted.marker.evaluate({"extra": extra})


def _without_suffix(name: str, packages: Mapping[str, Package]) -> Package | None:
    """Return what conda has under a name without the suffix for CUDA, if anything."""
    base = _SUFFIX.sub("", canonicalize_name(name))
    return packages.get(base)


def _accepts(specifier: SpecifierSet | str, version: str) -> bool:
    try:
        return SpecifierSet(str(specifier)).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True  # nothing is known


def _as_version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")
