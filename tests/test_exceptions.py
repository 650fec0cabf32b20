# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The package's own errors and warnings."""

import ast
import pathlib

import gpu_hpo
from gpu_hpo import exceptions
from gpu_hpo.exceptions import GpuHpoError, GpuHpoWarning

PACKAGE = pathlib.Path(gpu_hpo.__file__).parent
# What scikit-learn says in the same place, word for word.
SCIKIT_LEARNS = {
    "exhaustive/_callbacks.py": 1,
    "exhaustive/_score_table.py": 2,
    "model_selection/_block_splitter.py": 1,
    "neural_network/_bookkeeping.py": 1,
}
# Categories of scikit-learn's, and of a warning that was made elsewhere.
OTHERS = {"ConvergenceWarning", "DataConversionWarning"}


def test_each_has_one_base():
    """Every error is a GpuHpoError, every warning a GpuHpoWarning and a UserWarning."""
    for name in exceptions.__all__:
        base = GpuHpoWarning if name.endswith("Warning") else GpuHpoError
        assert issubclass(getattr(exceptions, name), base)
    assert issubclass(GpuHpoWarning, UserWarning)


def test_every_warning_has_a_category_of_ours():
    """What the package warns of has one of its categories, or scikit-learn's."""
    without = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                not isinstance(node, ast.Call)
                or ast.unparse(node.func) != "warnings.warn"
            ):
                continue
            named = [ast.unparse(arg) for arg in node.args[1:]]
            ours = {name for name in named if name in exceptions.__all__}
            if not ours and not OTHERS & set(named) and len(node.args) > 0:
                name = path.relative_to(PACKAGE).as_posix()
                without[name] = without.get(name, 0) + 1
    assert without == SCIKIT_LEARNS | {"stacks/_fit_courses.py": 1}
