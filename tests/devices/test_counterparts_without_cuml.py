# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Turning estimators of one library into the other's, where cuML is not installed."""

import sys
import types

import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVR

import gpu_hpo.linear_model
from gpu_hpo.devices import convert
from gpu_hpo.exceptions import DeviceNotFoundError, NoCounterpartError
from tests.devices.counterpart_cases import Forest, Frame


@pytest.fixture
def no_cuml(monkeypatch):
    """A machine where cuML is not installed."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "cuml"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cuml", None)


def test_missing_cuml_is_named(no_cuml):
    """Where cuML is missing, the error says so, and what needs it."""
    with pytest.raises(
        DeviceNotFoundError, match=r"GaussianNB.*where cuML is installed"
    ):
        convert(make_pipeline(StandardScaler(), GaussianNB())[1:], "cuda")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize(
    "model",
    [
        gpu_hpo.linear_model.SGDClassifier(batch_size=4),
        Forest(n_estimators=3, warm_start=True),
        Frame(),
        Frame(Frame(Forest())),
        Pipeline([("first", Frame()), ("second", "passthrough")]),
        FunctionTransformer(abs),
        None,
        Frame,
    ],
    ids=repr,
)
def test_what_has_no_business_with_either_is_left_alone(no_cuml, model, device):
    """Ours, third-party ones and subclasses come back as they are, without cuML."""
    assert convert(model, device) is model


@pytest.mark.parametrize(
    "model", [DummyClassifier(), make_pipeline(StandardScaler(), SVC())], ids=repr
)
def test_scikit_learn_stays_on_the_cpu(no_cuml, model):
    """On the CPU, an estimator of scikit-learn comes back as it is, without cuML."""
    assert convert(model, "cpu") is model


@pytest.mark.parametrize("device", ["gpu", "auto", None])
def test_other_devices_are_an_error(device):
    """A device that is neither "cpu" nor "cuda" is an error that gives both."""
    with pytest.raises(ValueError, match="must be 'cpu' or 'cuda'"):
        convert(GaussianNB(), device)


@pytest.fixture
def stand_in(monkeypatch):
    """A cuML of one class, which forgets `solver` and scales `tol`."""

    class Base:
        def get_params(self, deep=True):
            return {name: getattr(self, name) for name in self._get_param_names()}

        def set_params(self, **params):
            vars(self).update(params)
            return self

    class LinearSVR_(Base):
        _cpu_class_path = "sklearn.svm.LinearSVR"

        def __init__(self, *, C=1.0, tol=0.01, extra=0, output_type=None, penalty="l1"):
            self.set_params(C=C, tol=tol, extra=extra, output_type=output_type)
            self.penalty = penalty

        @classmethod
        def _get_param_names(cls):
            return ["C", "tol", "extra", "output_type", "penalty"]

        @classmethod
        def _get_cpu_class(cls):
            return LinearSVR

        def _params_to_cpu(self):
            if self.C == 13:
                raise ValueError("thirteen is not supported")
            return {"C": self.C, "tol": self.tol / 10}

        @classmethod
        def _params_from_cpu(cls, model):
            if model.C == 13:
                raise ValueError("thirteen is not supported")
            return {"C": model.C, "tol": model.tol * 10}

    LinearSVR_.__name__ = "LinearSVR"
    LinearSVR_.__module__ = "cuml.svm"
    for name in ("cuml", "cuml.svm"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["cuml.svm"].LinearSVR = LinearSVR_
    return LinearSVR_


def test_the_mapping_of_cuml_is_used(stand_in):
    """Parameters go through cuML's own mapping, in both directions."""
    model = stand_in(C=3, tol=0.05, output_type="numpy")
    converted = convert(model, "cpu")
    assert type(converted) is LinearSVR
    assert (converted.C, converted.tol) == (3, pytest.approx(0.005))
    back = convert(converted, "cuda")
    assert type(back) is stand_in
    assert (back.C, back.tol) == (3, pytest.approx(0.05))
    assert vars(model).keys() == vars(stand_in()).keys()


def test_what_the_mapping_overlooks_is_an_error(stand_in):
    """A value that cuML's mapping never looks at is an error, and never just lost."""
    with pytest.raises(
        NoCounterpartError, match=r"LinearSVR with extra=2 .*default, 0"
    ):
        convert(stand_in(extra=2), "cpu")
    with pytest.raises(NoCounterpartError, match=r"with epsilon=0\.5 has"):
        convert(LinearSVR(epsilon=0.5), "cuda")
    assert convert(stand_in(extra=0), "cpu")
    assert convert(LinearSVR(verbose=1, random_state=3), "cuda")


def test_what_the_mapping_refuses_is_named(stand_in):
    """Where cuML's mapping raises, the error names the parameter that it is about."""
    with pytest.raises(NoCounterpartError, match=r"with C=13 .*thirteen") as caught:
        convert(stand_in(tol=0.5, C=13), "cpu")
    assert isinstance(caught.value, ValueError)
    with pytest.raises(NoCounterpartError, match=r"with inner__C=13 .*thirteen"):
        convert(Frame(LinearSVR(C=13, tol=0.1)), "cuda")


def test_parts_are_not_shared(stand_in):
    """What is converted can be trained without a change to what it came from."""
    model = Pipeline([("mine", Frame()), ("last", clone(stand_in(C=2)))])
    converted = convert(model, "cpu")
    assert converted.named_steps["mine"] is not model.named_steps["mine"]
    assert type(converted.named_steps["last"]) is LinearSVR
    assert type(model.named_steps["last"]) is stand_in
