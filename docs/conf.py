# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Sphinx configuration; `make docs` builds the pages."""

from importlib.metadata import version as _installed_version

project = "gpu_hpo"
author = "gpu_hpo developers"
copyright = "2026, gpu_hpo developers"
release = version = _installed_version("gpu_hpo")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
]
exclude_patterns = ["_build"]

autodoc_typehints = "none"  # the docstrings say more than the annotations
numpydoc_class_members_toctree = False
numpydoc_show_inherited_class_members = False

myst_heading_anchors = 3
suppress_warnings = [
    "myst.xref_missing",  # README's links to files of the repository are no pages here
]

intersphinx_mapping = {
    "dask": ("https://docs.dask.org/en/stable/", None),
    "distributed": ("https://distributed.dask.org/en/stable/", None),
    "numpy": ("https://numpy.org/doc/stable/", None),
    "python": ("https://docs.python.org/3/", None),
    "sklearn": ("https://scikit-learn.org/stable/", None),
}

html_theme = "pydata_sphinx_theme"
html_title = f"gpu_hpo {release}"
