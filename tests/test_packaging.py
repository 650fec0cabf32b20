# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What the package holds, and what importing it loads."""

import ast
import importlib.metadata
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import types

import pytest
from sklearn.base import BaseEstimator

import gpu_hpo
from tests.devices.fake_nvml import Nvml, card

PACKAGE = pathlib.Path(gpu_hpo.__file__).parent
ROOT = pathlib.Path(__file__).parents[1]
HEADER = [
    "# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers",
    "# SPDX-License-Identifier: Apache-2.0",
]
BASELINE = """
import dask.array
import distributed
import scipy.stats
import sklearn.model_selection
"""
# Imports gpu_hpo and all its modules, and notes which CUDA library a module of gpu_hpo
# tries to import while doing so. It notes the attempt and not the success, for where
# there is no CUDA library a `try: import cupy` would leave no other trace.
WATCH_IMPORTS = """
import importlib, json, pkgutil, sys

# Numba compiles for the CPU as well; its CUDA part must wait.
CUDA = {"cudf", "cuml", "cupy", "dask_cuda", "dask_cudf", "numba.cuda", "pylibcudf",
        "pylibraft", "rmm"}

class Watch:
    attempts = []

    def find_spec(self, name, path=None, target=None):
        if name in CUDA or name.partition(".")[0] in CUDA:
            frame = sys._getframe(1)
            while frame.f_code.co_filename.startswith("<frozen importlib"):
                frame = frame.f_back
            importer = frame.f_globals.get("__name__", "?")
            if importer.partition(".")[0] == "gpu_hpo":
                self.attempts.append(f"{importer} imports {name}")

sys.meta_path.insert(0, Watch())
import gpu_hpo

modules = ["gpu_hpo"]
for module in pkgutil.walk_packages(gpu_hpo.__path__, "gpu_hpo."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        modules.append(module.name)
print(json.dumps({"modules": modules, "attempts": Watch.attempts}))
"""


def run_python(code):
    """Run code in a new interpreter, and return what it printed last, from JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def loaded_modules(code):
    """Names of all modules that are loaded once code has run in a new interpreter."""
    report = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    return set(run_python(code + report))


def test_version_is_the_installed_one():
    """`gpu_hpo.__version__` is the version of the installed distribution."""
    assert gpu_hpo.__version__ == importlib.metadata.version("gpu_hpo")


def test_installation_holds_the_package_only():
    """Only gpu_hpo, its metadata and its command are installed."""
    files = importlib.metadata.files("gpu_hpo")
    # The command is in another folder than packages.
    commands = {file for file in files if file.parts[0] == ".."}
    assert {file.stem for file in commands} <= {"gpu-hpo"}
    tops = {file.parts[0] for file in files if file not in commands}
    if not any(file.parts[0] == "gpu_hpo" for file in files):
        pytest.skip("installed in editable mode, so there is no wheel to look at")
    assert {top for top in tops if not top.endswith(".dist-info")} == {"gpu_hpo"}


def test_types_and_settings_are_installed():
    """The mark of typed packages and the defaults of settings are installed."""
    assert (PACKAGE / "py.typed").is_file()
    assert (PACKAGE / "gpu_hpo.yaml").is_file()


def test_importing_tries_no_cuda_library():
    """No module of gpu_hpo imports a CUDA library, or tries to, when it is imported."""
    result = run_python(BASELINE + WATCH_IMPORTS)
    assert len(result["modules"]) > 1
    assert result["attempts"] == []


def test_importing_loads_no_library():
    """`import gpu_hpo` loads the standard library only, and no module of ours."""
    loaded = loaded_modules("import gpu_hpo") - loaded_modules("import typing")
    added = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    assert added == {"gpu_hpo"}
    assert [name for name in loaded if name.startswith("gpu_hpo.")] == []


def test_public_names_are_found_when_asked_for():
    """`dir` lists the public names; each is found, and no estimator is missing."""
    assert dir(gpu_hpo) == sorted(gpu_hpo.__all__)
    for name in gpu_hpo.__all__:
        module = getattr(gpu_hpo, name)
        if not isinstance(module, types.ModuleType) or name == "estimators":
            continue
        assert module is importlib.import_module(f"gpu_hpo.{name}")
        for inner in module.__all__:
            value = getattr(module, inner)
            if isinstance(value, type) and issubclass(value, BaseEstimator):
                assert getattr(gpu_hpo, inner) is value


def test_type_checkers_see_the_public_names():
    """The imports for type checkers are those that `__getattr__` makes."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name for node in guarded.body for alias in node.names}
    assert seen | {"__version__"} == set(gpu_hpo.__all__)


def test_unknown_names_are_python_errors():
    """An attribute that the package lacks is an error in Python's words."""
    text = "module 'gpu_hpo' has no attribute 'Hyperband'"
    with pytest.raises(AttributeError, match=f"^{text}$") as caught:
        gpu_hpo.Hyperband  # noqa: B018
    assert (caught.value.name, caught.value.obj) == ("Hyperband", gpu_hpo)
    assert not hasattr(gpu_hpo, "_fence")


def test_versions_for_reports(capsys, monkeypatch):
    """`show_versions` names libraries, the device and why, and what sklearn's does."""
    monkeypatch.setenv("GPU_HPO_DEVICE", "cpu")
    gpu_hpo.show_versions()
    shown = capsys.readouterr().out
    assert f"dask: {importlib.metadata.version('dask')} (dask)" in shown
    assert "found: cpu: GPU_HPO_DEVICE=cpu asks for the CPU" in shown
    assert "GPU_HPO_DEVICE: 'cpu'" in shown
    assert "threadpoolctl info" in shown


def test_versions_name_every_gpu(capsys, monkeypatch):
    """`show_versions` names the driver and all GPUs, also where not all can be said."""
    cards = [card(0), card(1, total=None), card(2, mig=[(9, 10), None])]
    monkeypatch.setitem(sys.modules, "pynvml", Nvml([*cards, card(3, lost=True)]))
    gpu_hpo.show_versions()
    shown = capsys.readouterr().out
    for line in (
        "driver: 580.1",
        "GPU 0: a card, 75 GiB",
        "GPU 1: a card",
        "GPU 2: a card, 75 GiB, in MIG mode, instances: 1",
        "GPU 3: no answer",
    ):
        assert f"{line}\n" in shown


def test_versions_say_what_is_wrong_with_the_device(capsys, monkeypatch):
    """A device that cannot be had is told, and ends nothing."""
    monkeypatch.setenv("GPU_HPO_DEVICE", "abacus")
    gpu_hpo.show_versions()
    assert "GPU_HPO_DEVICE is 'abacus'; it must be one of" in capsys.readouterr().out


def test_model_selection_loads_little():
    """`gpu_hpo.model_selection` loads no third party besides those it is built on."""
    baseline = loaded_modules(BASELINE)
    loaded = loaded_modules(BASELINE + "import gpu_hpo.model_selection")
    known = {name.partition(".")[0] for name in baseline} | sys.stdlib_module_names
    added = {name.partition(".")[0] for name in loaded - baseline}
    assert "gpu_hpo" in added
    assert added - known <= {"gpu_hpo", "threadpoolctl"}


def lint_imports(folder):
    """Check the contracts of import-linter in a folder; give exit status and report."""
    pytest.importorskip("importlinter")
    command = "from importlinter.cli import lint_imports; raise SystemExit("
    done = subprocess.run(
        [sys.executable, "-c", command + "lint_imports(no_cache=True))"],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    # Lines of the report are as wide as the terminal.
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_folders_import_in_one_direction():
    """The import-linter contracts in pyproject.toml are kept."""
    status, report = lint_imports(ROOT)
    assert status == 0, report


def test_imports_that_point_up_are_refused(tmp_path):
    """Contracts refuse imports from above or beside, circles, and unknown folders."""
    wrong = {
        "adaptive/engine/_reports": "adaptive._results",
        "adaptive/training/_score": "adaptive._search_space",
        "exhaustive/plan/_nodes": "exhaustive._evaluation",
        "exhaustive/sharing/_shared_fit": "exhaustive._fold_scores",
        "devices/_ranges": "_show_versions",
        "datasets/_counts": "adaptive._run",
        "adaptive/_run": "datasets._blobs",
        "linear_model/_quasi_newton_host": "linear_model._quasi_newton",
        "schedules/_base": "devices._params",
    }
    shutil.copytree(PACKAGE, tmp_path / "gpu_hpo")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for importer, imported in wrong.items():
        with open(tmp_path / "gpu_hpo" / f"{importer}.py", "a") as file:
            file.write(f"\nimport gpu_hpo.{imported}\n")
    (tmp_path / "gpu_hpo" / "new").mkdir()
    (tmp_path / "gpu_hpo" / "new" / "__init__.py").touch()
    status, report = lint_imports(tmp_path)
    assert status == 1, report
    circle = wrong.pop("linear_model/_quasi_newton_host").partition(".")[0]
    assert f"No cycles are allowed in gpu_hpo.{circle}" in report, report
    for importer, imported in wrong.items():
        importer = importer.replace("/", ".")
        assert f"gpu_hpo.{importer} -> gpu_hpo.{imported} (l." in report, report
    assert "not listed as layers" in report


def test_every_file_names_its_licence():
    """Every Python file of the package begins with the two SPDX lines."""
    for path in PACKAGE.rglob("*.py"):
        assert path.read_text(encoding="utf-8").splitlines()[:2] == HEADER, path


def test_private_names_come_from_one_module():
    """One module imports what scikit-learn and joblib keep private."""
    for path in PACKAGE.rglob("*.py"):
        if path.name == "_sklearn_private.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            for alias in node.names:
                library, *parts = [*node.module.split("."), alias.name]
                private = any(part.startswith("_") for part in parts)
                assert library not in {"sklearn", "joblib"} or not private, (
                    path,
                    alias.name,
                )


def test_private_attributes_of_scorers_are_named_in_one_module():
    """No other module reads or sets one, by a dot or by its name in quotes."""
    home = PACKAGE / "_sklearn_private.py"
    names = set(re.findall(r"\b(?:scorer|copied)(\._\w+)", home.read_text("utf-8")))
    assert {"._scorers", "._score_func", "._sign", "._estimator"} <= names
    for path in PACKAGE.rglob("*.py"):
        if path == home:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(value=ast.Name(id="self")):
                    continue  # an attribute of our own class
                case ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                    assert f".{name}" not in names, (path, node.lineno, name)


def test_dask_is_not_pinned():
    """No version of dask or distributed is required, since RAPIDS pins both."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        dependencies = tomllib.load(file)["project"]["dependencies"]
    assert {"dask[array]", "distributed"} <= set(dependencies)


def test_former_name_of_compute():
    """What users import from `gpu_hpo.execution` is what `gpu_hpo.compute` has."""
    from gpu_hpo import compute, execution

    assert execution.__all__ == compute.__all__
    for name in execution.__all__:
        assert getattr(execution, name) is getattr(compute, name)
