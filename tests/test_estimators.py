# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Names that are cuML's or scikit-learn's, as the machine decides."""

import importlib
import inspect
import subprocess
import sys
import types

import pytest

from gpu_hpo import estimators
from gpu_hpo.devices import Device, convert
from gpu_hpo.exceptions import DeviceNotFoundError

NAMES = [name for name in estimators.__all__ if name != "chosen"]
QUIET = """
import sys
import gpu_hpo.estimators as estimators
def loaded(library):
    return {name for name in sys.modules if name.partition(".")[0] == library}
assert "PCA" in dir(estimators)
assert not loaded("cuml") and not loaded("sklearn"), loaded("sklearn")
from gpu_hpo.estimators import Ridge
assert "sklearn.linear_model" in loaded("sklearn")
assert "sklearn.ensemble" not in loaded("sklearn")
assert not loaded("cuml")
"""


@pytest.fixture
def cuml():
    """The real cuML."""
    return pytest.importorskip("cuml", reason="needs cuML: make test-rapids")


@pytest.fixture
def on_cpu(monkeypatch):
    """A machine whose user wants the CPU."""
    monkeypatch.setenv("GPU_HPO_DEVICE", "cpu")


@pytest.fixture
def on_cuda(monkeypatch):
    """A machine with two GPUs."""
    device = Device("cuda", 2, "NVML counts 2 GPUs")
    monkeypatch.setattr(estimators, "resolve_device", lambda: device)


@pytest.fixture
def stand_in(monkeypatch, on_cuda):
    """A cuML that has nothing but a class of the name Ridge."""
    for name in ("cuml", "cuml.linear_model"):
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules["cuml.linear_model"].Ridge = type("Ridge", (), {})
    return sys.modules["cuml.linear_model"].Ridge


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_scikit_learn_on_the_cpu(on_cpu, name):
    """Without CUDA each name is a class of scikit-learn."""
    kind = getattr(estimators, name)
    assert kind.__name__ == name
    assert kind.__module__.startswith("sklearn.")
    assert estimators.chosen() == Device(
        "cpu", 0, "GPU_HPO_DEVICE=cpu asks for the CPU"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_cuml_on_cuda(cuml, on_cuda, name):
    """With CUDA each name is a class of cuML, of which scikit-learn has one, too."""
    kind = getattr(estimators, name)
    assert kind.__name__ == name
    assert kind.__module__.startswith("cuml.")
    assert estimators.chosen() == Device("cuda", 2, "NVML counts 2 GPUs")
    theirs = importlib.import_module(f"sklearn.{estimators._MODULES[name]}")
    needed = {"estimator": estimators.Ridge()} if "OneVs" in name else {}
    assert type(convert(kind(**needed), "cpu")) is getattr(theirs, name)


@pytest.mark.parametrize("name", NAMES)
def test_one_call_works_for_both(cuml, on_cuda, name):
    """A call by keyword of what both know gives the same parameters in both."""
    ours = getattr(estimators, name)
    theirs = getattr(
        importlib.import_module(f"sklearn.{estimators._MODULES[name]}"), name
    )
    shared = {*ours._get_param_names()} & {*inspect.signature(theirs).parameters}
    defaults = {} if "OneVs" in name else theirs().get_params()
    given = {key: defaults.get(key) for key in shared}
    assert shared - {"verbose"}
    for kind in (ours, theirs):
        params = kind(**given).get_params(deep=False)
        assert {key: params[key] for key in shared} == given


def test_from_import_follows_the_device(stand_in, monkeypatch):
    """The same import gives cuML's class, or scikit-learn's once CPUs are asked for."""
    from gpu_hpo.estimators import Ridge

    assert Ridge is stand_in
    monkeypatch.undo()
    monkeypatch.setenv("GPU_HPO_DEVICE", "cpu")
    from gpu_hpo.estimators import Ridge

    assert Ridge.__module__.startswith("sklearn.")


def test_without_cuml_it_is_scikit_learn(on_cuda, monkeypatch):
    """With CUDA but without cuML it is scikit-learn's, and the reason says so."""
    monkeypatch.setitem(sys.modules, "cuml", None)
    assert estimators.Ridge.__module__.startswith("sklearn.")
    reason = "cuML is not installed, though NVML counts 2 GPUs"
    assert estimators.chosen() == Device("cpu", 0, reason)


def test_cuda_asked_for_and_absent(monkeypatch):
    """Where a GPU is asked for in vain, so is an estimator, and the error says why."""
    monkeypatch.setenv("GPU_HPO_DEVICE", "cuda")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(DeviceNotFoundError, match="hides every device"):
        _ = estimators.Ridge


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("RandomForrestClassifier", "did you mean RandomForestClassifier"),
        ("LogisticRegresion", "LogisticRegression"),
        ("Xyzzy", "no attribute 'Xyzzy'$"),
    ],
)
def test_unknown_names_are_attribute_errors(name, close):
    """A name that is not there is an AttributeError that gives those close to it."""
    with pytest.raises(AttributeError, match=close):
        getattr(estimators, name)


def test_importing_loads_nothing():
    """Neither cuML nor any of scikit-learn is imported before a name is used."""
    done = subprocess.run(
        [sys.executable, "-c", QUIET],
        capture_output=True,
        text=True,
        env={"GPU_HPO_DEVICE": "cpu"},
    )
    assert done.returncode == 0, done.stderr
