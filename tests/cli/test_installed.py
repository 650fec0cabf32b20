# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Whether the doctor sees that installed versions do not fit each other."""

import importlib.metadata
import sys

import pytest

from gpu_hpo.cli._installed import Package, installed, misfits, shown_versions
from tests.cli import doubles

RAPIDS = {
    "cuml-cu13": Package("cuml-cu13", "26.10.0", ["numba<0.65.0,>=0.60.0"]),
    "cudf-cu13": Package("cudf-cu13", "26.10.2"),
    "cupy-cuda13x": Package("cupy-cuda13x", "14.2.0"),
    "dask-cuda": Package("dask-cuda", "26.10.0", ["rapids-dask-dependency==26.10.*"]),
    "rapids-dask-dependency": Package(
        "rapids-dask-dependency", "26.10.0", ["dask<2026.7.2,>=2026.7.1"]
    ),
    "dask": Package("dask", "2026.7.1"),
    "numba": Package("numba", "0.64.0"),
    "numba-cuda": Package("numba-cuda", "0.30.4"),
    "numpy": Package("numpy", "2.4.6"),
}


def wrong(*changed, without=()):
    """Texts and cures of what does not fit once these packages are changed."""
    packages = {**RAPIDS, **{package.name: package for package in changed}}
    for name in without:
        del packages[name]
    return [(finding.text, finding.cure) for finding in misfits(packages)]


def test_packages_that_fit():
    """Packages that RAPIDS installs together fit."""
    assert wrong() == []


OURS = [
    "scikit-learn<1.10,>=1.9",
    'cuml-cu13>=26.8; extra == "cu13"',
    'rich; extra == "demo"',
]


@pytest.mark.parametrize(
    ("package", "text", "cure"),
    [
        (
            Package("dask", "2026.8.0"),
            "dask is 2026.8.0, but rapids-dask-dependency 26.10.0 needs "
            "<2026.7.2,>=2026.7.1",
            "pip install 'dask<2026.7.2,>=2026.7.1'",
        ),
        (
            Package("numba", "0.68.1"),
            "numba is 0.68.1, but cuml-cu13 26.10.0 needs <0.65.0,>=0.60.0",
            "pip install 'numba<0.65.0,>=0.60.0'",
        ),
        (
            Package("numpy", "2.5.0"),
            "numba-cuda 0.30.4 calls numpy.row_stack, which numpy 2.5.0 does not have: "
            "kernels cannot be compiled",
            "pip install 'numpy<2.5'",
        ),
        (
            Package("scipy", "1.17", [], ">=3.99"),
            f"python is {sys.version.split()[0]}, but scipy 1.17 needs >=3.99",
            "make an environment with Python >=3.99",
        ),
        (
            Package("cudf-cu13", "26.8.0"),
            "packages are of different releases of RAPIDS: cuml-cu13 26.10, cudf-cu13 "
            "26.8, dask-cuda 26.10",
            "install all of release 26.10",
        ),
        (
            Package("rmm-cu12", "26.10.0"),
            "packages are built for different versions of CUDA: rmm-cu12 for CUDA 12, "
            "cuml-cu13 for CUDA 13",
            "pip uninstall rmm-cu12",
        ),
    ],
)
def test_packages_that_do_not_fit(package, text, cure):
    """The two that do not fit are named, with a command that mends it."""
    assert wrong(package) == [(text, cure)]


def test_what_our_extras_require():
    """A cuML that is older than gpu_hpo needs is named, if it is there at all."""
    sklearn = Package("scikit-learn", "1.9.1")
    ours = Package("gpu-hpo", "0.1.0", OURS)
    assert wrong(ours, sklearn) == []
    old = [
        Package(name, "26.6.0", package.requires)
        for name, package in RAPIDS.items()
        if name in ("cuml-cu13", "cudf-cu13")
    ]
    pin = Package("dask-cuda", "26.6.0")
    ((text, cure),) = wrong(ours, sklearn, pin, *old)
    assert text == "cuml-cu13 is 26.6.0, but gpu-hpo 0.1.0 needs >=26.8"
    assert cure == "pip install 'cuml-cu13>=26.8'"
    ((text, cure),) = wrong(ours, Package("scikit-learn", "1.8.0"))
    assert text == "scikit-learn is 1.8.0, but gpu-hpo 0.1.0 needs <1.10,>=1.9"


def test_package_that_is_missing():
    """What pip would have installed and is not there is named; conda has other ways."""
    ((text, cure),) = wrong(without=["rapids-dask-dependency"])
    assert text == (
        "rapids-dask-dependency is not installed, but dask-cuda 26.10.0 needs it"
    )
    assert cure == "pip install 'rapids-dask-dependency==26.10.*'"
    by_conda = Package("dask-cuda", "26.10.0", ["librmm-cu13"], by_pip=False)
    assert wrong(by_conda) == []


def test_names_of_conda():
    """A requirement of a name for CUDA is met by conda's package without it."""
    needs = Package("dask-cuda", "26.10.0", ["cupy-cuda13x!=14.1.0"])
    conda = Package("cupy", "14.1.0")
    ((text, _),) = wrong(needs, conda, without=["cupy-cuda13x"])
    assert text == "cupy is 14.1.0, but dask-cuda 26.10.0 needs !=14.1.0"


def test_this_environment():
    """The environment that the tests run in is read as pip reads it, and fits."""
    found = installed()
    assert found["numpy"].version == importlib.metadata.version("numpy")
    assert shown_versions(found)["scikit-learn"] == found["scikit-learn"].version
    assert list(misfits(found)) == []


def test_metadata_on_disk(tmp_path, monkeypatch):
    """Metadata is read from disk; a broken one, or a hidden one, is passed over."""
    doubles.package(tmp_path, "cuml-cu12", "26.10.0", ["numba<0.65", "bad requirement"])
    doubles.package(tmp_path, "numpy", "2.5.0", python=">=3.9")
    (tmp_path / "torn-1.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    found = installed()
    assert found["numpy"].version == "2.5.0"
    assert (found["cuml-cu12"].cuda, found["cuml-cu12"].base) == (12, "cuml")
    assert found["cuml-cu12"].by_pip
    list(misfits(found))
