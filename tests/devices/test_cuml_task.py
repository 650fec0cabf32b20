# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a task knows of cuML: with stand-ins, and with the real one where it is.

A GPU is not needed. The real cuML is there with `make test-rapids`.
"""

import subprocess
import sys
import threading
import types
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import Lasso, LinearRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.devices._cuml_task import (
    cuml_task,
    harms_rows,
    n_device_bytes,
    wants_column_major,
)
from gpu_hpo.devices._params import shallow_params
from gpu_hpo.training._lending import Access, access_of
from tests.devices.counterpart_cases import of_cuml

# ---- stand-ins for cuML's classes, which are told by module and name alone ----


def make_class(name, *bases, order=None, **defaults):
    """Class that would be cuML's, with parameters of these defaults."""

    class StandIn(*(bases or (BaseEstimator,))):
        def __init__(self, **params):
            self.__dict__.update(defaults, **params)

        def get_params(self, deep=True):
            return {name: getattr(self, name) for name in defaults}

        def __sklearn_tags__(self):
            return SimpleNamespace(preferred_input_order=order)

    StandIn.__name__ = name
    StandIn.__module__ = f"cuml.somewhere.{name.lower()}"
    return StandIn


MBSGD = make_class("MBSGDClassifier", fit_intercept=True)
ElasticNet = make_class("ElasticNet", solver="auto", order="F")
CumlLasso = make_class("Lasso", ElasticNet, solver="auto", order="F")
PCA = make_class("PCA", copy=True, order="F")
CumlRidge = make_class("Ridge", copy_X=True, order="F")
CumlForest = make_class("RandomForestClassifier", n_estimators=3)
KNN = make_class("KNeighborsClassifier", order="F")
LinearSVC = make_class("LinearSVC")


class Derived(MBSGD):
    """A user's own."""


class FakeCuml(types.ModuleType):
    """Notes the output type, as cuML does: for the thread."""

    def __init__(self):
        super().__init__("cuml")
        self.thread = threading.local()

    def output_type(self):
        return getattr(self.thread, "value", None)

    def using_output_type(self, value):
        return Using(self.thread, value)


class Using:
    def __init__(self, thread, value):
        self.thread, self.value = thread, value

    def __enter__(self):
        self.before = getattr(self.thread, "value", None)
        self.thread.value = self.value

    def __exit__(self, *_):
        self.thread.value = self.before


@pytest.fixture
def fake_cuml(monkeypatch):
    module = FakeCuml()
    monkeypatch.setitem(sys.modules, "cuml", module)
    return module


def assumes_finite():
    return sklearn.get_config()["assume_finite"]


def in_thread(function):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function()))
    thread.start()
    thread.join()
    return answers[0]


# ---- cuml_task ----


def test_task_sets_and_restores(fake_cuml):
    """Inside, cuML gives CuPy's arrays and nobody looks for NaN; outside as before."""
    with cuml_task(assume_finite=True):
        assert fake_cuml.output_type() == "cupy"
        assert assumes_finite()
    assert fake_cuml.output_type() is None
    assert not assumes_finite()


def test_task_restores_after_an_error(fake_cuml):
    """What a model raises comes out, and the settings are as before."""
    with pytest.raises(KeyError), cuml_task(assume_finite=True):
        raise KeyError
    assert fake_cuml.output_type() is None
    assert not assumes_finite()


def test_task_is_for_its_thread(fake_cuml):
    """Other threads of the process keep their settings."""
    with cuml_task(assume_finite=True):
        assert in_thread(fake_cuml.output_type) is None
        assert in_thread(assumes_finite) is False


@pytest.mark.parametrize("before", [True, False])
def test_task_may_leave_the_check_alone(before):
    """Without the promise that all is finite, the setting stays what it is."""
    with sklearn.config_context(assume_finite=before):
        with cuml_task(assume_finite=False):
            assert assumes_finite() is before
        assert assumes_finite() is before


def test_task_does_not_mind_a_cuml_in_import(monkeypatch):
    """A cuML that another thread is importing, and so lacks its functions, is none."""
    monkeypatch.setitem(sys.modules, "cuml", types.ModuleType("cuml"))
    with cuml_task(assume_finite=True):
        assert assumes_finite()


def test_nothing_imports_cuml():
    """None of the functions imports cuML, installed or not."""
    code = """
import sys
from gpu_hpo.devices._cuml_task import *
from sklearn.linear_model import Lasso
with cuml_task(assume_finite=True):
    harms_rows(Lasso(), {}), wants_column_major(Lasso()), n_device_bytes(Lasso())
assert not {"cuml", "cudf", "cupy"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_task_with_real_cuml(cuml):
    """The real setting is the thread's, and is restored, also an earlier one."""

    def output_type():
        return cuml.global_settings.output_type

    with cuml.using_output_type("numpy"):
        with cuml_task(assume_finite=True):
            assert output_type() == "cupy"
            assert in_thread(output_type) is None
        assert output_type() == "numpy"
    assert output_type() is None

    def elsewhere():
        with cuml_task(assume_finite=False):
            return output_type()

    assert in_thread(elsewhere) == "cupy"
    assert output_type() is None


# ---- harms_rows ----

HARMFUL = [
    MBSGD(),
    Derived(),
    ElasticNet(),
    ElasticNet(solver="cd"),
    CumlLasso(),
    PCA(),
    CumlRidge(copy_X=False),
    CumlRidge(copy_X=np.bool_(False)),
    LinearRegression(copy_X=False),
    StandardScaler(copy=False),
]
HARMLESS = [
    MBSGD(fit_intercept=False),
    ElasticNet(solver="qn"),
    CumlLasso(solver="qn"),
    CumlRidge(),
    CumlForest(),
    Lasso(),
    SGDClassifier(),
]


@pytest.mark.parametrize("estimator", HARMFUL)
def test_harmful(estimator):
    """What changes rows in place is told, also as a subclass."""
    assert harms_rows(estimator, shallow_params(estimator)) is True


@pytest.mark.parametrize("estimator", HARMLESS)
def test_harmless(estimator):
    """What leaves rows alone is told, also where it is named like one that does not."""
    assert harms_rows(estimator, shallow_params(estimator)) is False


@pytest.mark.parametrize(
    ("module", "name", "params", "harmful"),
    [
        ("linear_model", "MBSGDClassifier", {}, True),
        ("linear_model", "MBSGDRegressor", {}, True),
        ("linear_model", "MBSGDRegressor", {"fit_intercept": False}, False),
        ("solvers", "SGD", {}, True),
        ("solvers", "CD", {}, True),
        ("solvers", "QN", {}, False),
        ("linear_model", "Lasso", {}, True),
        ("linear_model", "ElasticNet", {}, True),
        ("linear_model", "ElasticNet", {"solver": "qn"}, False),
        ("linear_model", "Ridge", {}, False),
        ("linear_model", "Ridge", {"copy_X": False}, True),
        ("linear_model", "LinearRegression", {}, False),
        ("linear_model", "LinearRegression", {"copy_X": False}, True),
        ("linear_model", "Lars", {"copy_X": False}, True),
        ("linear_model", "LogisticRegression", {}, False),
        ("decomposition", "PCA", {}, True),
        ("decomposition", "TruncatedSVD", {}, False),
        ("ensemble", "RandomForestClassifier", {}, False),
        ("naive_bayes", "GaussianNB", {}, False),
        ("preprocessing", "StandardScaler", {}, False),
        ("preprocessing", "StandardScaler", {"copy": False}, True),
    ],
)
def test_harm_of_real_cuml(cuml, module, name, params, harmful):
    """The real classes are recognised by their real modules, names and parameters."""
    model = of_cuml(module, name, **params)
    assert harms_rows(model, shallow_params(model)) is harmful
    assert (access_of(make_pipeline(StandardScaler(), model)) is Access.OWN) is harmful


def test_harm_within_real_meta_estimators(cuml):
    """A part of cuML's own meta-estimators counts, too."""
    part = of_cuml("linear_model", "MBSGDClassifier")
    whole = of_cuml("multiclass", "OneVsRestClassifier", estimator=part)
    assert access_of(whole) is Access.OWN


# ---- wants_column_major ----


@pytest.mark.parametrize(
    ("estimator", "wanted"),
    [
        (ElasticNet(), True),
        (CumlLasso(), True),
        (CumlForest(), False),
        (KNN(), False),
        (LinearSVC(), True),
        (Lasso(), False),
        (StandardScaler(), False),
        (make_pipeline(StandardScaler(), CumlLasso()), False),
        (None, False),
        (Lasso, False),
        (make_class("A", order="C")(), False),
    ],
)
def test_column_major(estimator, wanted):
    """Columns are for cuML's estimators that ask for them, or copy without a word."""
    assert wants_column_major(estimator) is wanted


@pytest.mark.parametrize(
    ("module", "name", "wanted"),
    [
        ("linear_model", "ElasticNet", True),
        ("linear_model", "Lars", True),
        ("linear_model", "Lasso", True),
        ("linear_model", "LinearRegression", True),
        ("linear_model", "LogisticRegression", False),
        ("linear_model", "MBSGDClassifier", True),
        ("linear_model", "MBSGDRegressor", True),
        ("linear_model", "Ridge", True),
        ("decomposition", "IncrementalPCA", False),
        ("decomposition", "PCA", True),
        ("ensemble", "RandomForestClassifier", False),
        ("ensemble", "RandomForestRegressor", False),
        ("cluster", "KMeans", False),
        ("naive_bayes", "GaussianNB", False),
        ("naive_bayes", "MultinomialNB", False),
        ("neighbors", "KNeighborsClassifier", False),
        ("neighbors", "KNeighborsRegressor", False),
        ("svm", "LinearSVC", True),
        ("svm", "LinearSVR", True),
        ("svm", "SVC", True),
        ("svm", "SVR", True),
    ],
)
def test_column_major_of_real_cuml(cuml, module, name, wanted):
    """The real classes' tags are read, and corrected where `fit` asks for another."""
    assert wants_column_major(of_cuml(module, name)) is wanted


# ---- n_device_bytes ----


class OnDevice:
    """Array whose rows must not be touched, as on a device."""

    def __init__(self, n_bytes):
        self.nbytes = n_bytes

    def __array__(self, *_args, **_kwargs):
        raise AssertionError("copied to the host")

    def __len__(self):
        raise AssertionError("read")

    def __iter__(self):
        raise AssertionError("read")


def test_bytes_of_attributes():
    """Arrays in attributes, lists, tuples, dictionaries and parts count, once each."""
    shared = OnDevice(1000)
    model = Lasso()
    model.coef_ = OnDevice(100)
    model.list_ = [OnDevice(10), (OnDevice(20), {"a": OnDevice(30)})]
    model.set_ = {OnDevice(40)}
    model.part_ = SGDClassifier()
    model.part_.coef_ = shared
    model.again_ = shared
    assert n_device_bytes(model) == 1200
    assert n_device_bytes([model, model]) == 1200
    assert n_device_bytes({"a": np.zeros(10)}) == 80
    assert n_device_bytes(make_pipeline(model)) == 1200


def test_bytes_of_nothing():
    """Models that are not fitted, classes, modules, functions and numbers have none."""
    for value in (None, 3, 2.5, "text", Lasso(), Lasso, np, make_class, len, [], {}):
        assert n_device_bytes(value) == 0


def test_bytes_of_a_cycle():
    """Objects that refer to each other, however deep, end."""
    model, part = Lasso(), Lasso()
    model.part_, part.whole_ = part, model
    part.coef_ = OnDevice(8)
    nested = [OnDevice(1)]
    for _ in range(10_000):
        nested = [nested]
    nested.append(nested)
    assert n_device_bytes(model) == 8
    assert n_device_bytes(nested) == 1


def test_bytes_of_sparse_and_frames():
    """Sparse matrices count with their indices, and frames by their columns."""
    X = scipy.sparse.random(100, 50, 0.1, format="csr", random_state=0)
    expected = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    assert n_device_bytes(X) == expected
    assert n_device_bytes(X.tocoo()) >= X.data.nbytes + 2 * X.nnz * 4
    frame = pd.DataFrame({"a": np.zeros(100), "b": np.zeros(100, np.float32)})
    assert n_device_bytes(frame) == 1200
    assert n_device_bytes(frame["a"]) == 800


class DeviceSeries:
    """A column as cuDF's is, with a size but no `nbytes`."""

    ndim = 1

    def memory_usage(self, index=True, deep=False):
        return 500


class DeviceFrame:
    """A frame as cuDF's is: its own sizes are an array on the device."""

    ndim = 2

    def memory_usage(self, index=True, deep=False):
        raise AssertionError("computed on the device")

    def items(self):
        return iter([("a", DeviceSeries()), ("b", DeviceSeries())])


def test_bytes_of_device_frames():
    """A frame on the device is counted column by column, for its own count computes."""
    assert n_device_bytes(DeviceSeries()) == 500
    assert n_device_bytes([DeviceFrame()]) == 1000


def test_bytes_of_cuml_like_attributes():
    """Arrays that cuML wraps to convert them later count, with what it converted."""
    model = Lasso()
    model.coef_ = SimpleNamespace(
        value=OnDevice(100), _cache={"numpy": np.zeros(5), "cupy": OnDevice(1)}
    )
    model.embedding_ = SimpleNamespace(array=OnDevice(1000), index=None)
    assert n_device_bytes(model) == 1141


def test_bytes_of_cuml_forest():
    """A forest is its serialized bytes, and again those for its copy on the device."""
    forest = CumlForest()
    forest._treelite_model_bytes = bytes(5000)
    assert n_device_bytes(forest) == 5000
    forest._nvforest_model = object()
    assert n_device_bytes(forest) == 10_000


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(5, random_state=0),
        GradientBoostingClassifier(n_estimators=5),
        HistGradientBoostingClassifier(max_iter=5),
    ],
    ids=lambda model: type(model).__name__,
)
def test_bytes_of_scikit_learn_forests(model):
    """Trees of scikit-learn count, and more trees take more."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 4)), rng.integers(2, size=300)
    few = n_device_bytes(model.fit(X, y))
    names = {"max_iter", "n_estimators"} & model.get_params().keys()
    more = n_device_bytes(model.set_params(**dict.fromkeys(names, 50)).fit(X, y))
    assert few > 1000
    assert more > 3 * few


def test_bytes_of_real_cuml(cuml):
    """Attributes that the real cuML keeps count without being converted."""
    model = of_cuml("linear_model", "Lasso")
    assert n_device_bytes(model) == 0
    model.coef_ = np.zeros(100)
    assert n_device_bytes(model) == 800
    forest = of_cuml("ensemble", "RandomForestClassifier")
    forest._treelite_model_bytes = bytes(700)
    assert n_device_bytes(forest) == 700
    bayes = of_cuml("naive_bayes", "GaussianNB")
    bayes.class_count_ = np.zeros(10)
    assert n_device_bytes(make_pipeline(bayes, "passthrough")) == 80


def test_names_of_forest_attributes(cuml):
    """The real forest still keeps its trees under the names that are counted."""
    import cuml.ensemble

    (folder,) = cuml.ensemble.__path__
    source = Path(folder, "randomforest_common.pyx")
    if not source.exists():
        pytest.skip("cuML comes without its sources")
    for name in ("_treelite_model_bytes", "_nvforest_model"):
        assert f"self.{name} = " in source.read_text()
