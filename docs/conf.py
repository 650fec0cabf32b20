# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Sphinx configuration; `make docs` builds the pages."""

import os
import sys
from importlib.metadata import version as _installed_version

sys.path.insert(0, os.path.dirname(__file__))  # for what draws the picture

project = "gpu_hpo"
author = "gpu_hpo developers"
copyright = "2026, gpu_hpo developers"
release = version = _installed_version("gpu_hpo")

extensions = [
    "_import_graph",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

autodoc_typehints = "none"  # the docstrings say more than the annotations
numpydoc_show_class_members = False  # the template of a class lists them

myst_heading_anchors = 3
suppress_warnings = [
    "myst.xref_missing",  # README's links to files of the repository are no pages here
]

# Where nothing can be fetched, `make docs DOCS_OFFLINE=1` leaves out links to others.
_others = {
    "dask": ("https://docs.dask.org/en/stable/", None),
    "distributed": ("https://distributed.dask.org/en/stable/", None),
    "numpy": ("https://numpy.org/doc/stable/", None),
    "python": ("https://docs.python.org/3/", None),
    "sklearn": ("https://scikit-learn.org/stable/", None),
}
intersphinx_mapping = {} if os.environ.get("DOCS_OFFLINE") else _others

html_theme = "pydata_sphinx_theme"
html_title = f"gpu_hpo {release}"


def _is_no_member_of_ours(app, what, name, obj, skip, options):
    """Leave out methods that a class has from scikit-learn, or from Python."""
    function = getattr(obj, "fget", obj)
    module = getattr(function, "__module__", None)
    if callable(function) and not (module or "").startswith("gpu_hpo"):
        return True
    return None


def setup(app):
    """Register what changes autodoc's choice of members."""
    app.connect("autodoc-skip-member", _is_no_member_of_ours)
