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
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery"]
templates_path = ["_templates"]

autodoc_typehints = "none"  # the docstrings say more than the annotations
toc_object_entries_show_parents = "hide"  # names in the margin are short
numpydoc_show_class_members = False  # the template of a class lists them

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# Each script in gallery/ is run; one that fails ends the build.
sphinx_gallery_conf = {
    "abort_on_example_error": True,
    "backreferences_dir": None,
    "download_all_examples": False,
    "examples_dirs": "gallery",
    "gallery_dirs": "examples",
    "min_reported_time": 10,
    "show_memory": False,
    "show_signature": False,
}

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
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_prev_next": False,
    "show_nav_level": 2,
}
html_show_sourcelink = False
html_sidebars = {"index": [], "install": [], "tour": []}  # they have no pages below


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
