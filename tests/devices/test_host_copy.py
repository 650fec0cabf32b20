# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Copies of models on the host, with a double in place of CuPy's arrays."""

import pickle
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from gpu_hpo.devices._host_copy import host_copy
from gpu_hpo.linear_model import SGDClassifier, SGDRegressor
from gpu_hpo.neural_network import MLPClassifier, MLPRegressor
from gpu_hpo.testing import NoHostCopyArray
from tests.model_selection.helpers import make_data

X, y = make_data(200)


class Holder:
    """Has arrays in odd places, and one array twice."""

    def __init__(self, array):
        self.nested = {"a": [array, (array,)], "name": "x"}
        self.again = array


def test_arrays_anywhere():
    """All arrays become the host's, wherever they are, and one stays one."""
    there = NoHostCopyArray(np.arange(6.0).reshape(2, 3))
    kept = np.ones(4)
    value = Holder(there)
    value.kept = kept
    copy = host_copy(value)
    assert type(copy) is Holder
    assert type(copy.again) is np.ndarray
    assert copy.nested["a"][0] is copy.nested["a"][1][0] is copy.again
    assert_array_equal(copy.again, there.get())
    assert np.shares_memory(copy.kept, kept)
    assert value.again is there


def test_functions_and_classes_of_scripts():
    """What is pickled by value, such as a lambda, is no obstacle."""
    value = {"f": lambda: 3, "a": NoHostCopyArray(np.ones(2))}
    copy = host_copy(value)
    assert copy["f"]() == 3
    assert type(copy["a"]) is np.ndarray


def test_what_cannot_be_pickled():
    """It raises what pickle does."""
    with pytest.raises(TypeError, match="cannot pickle"):
        host_copy([threading.Lock()])


def identity(X):
    return X


@pytest.mark.parametrize(
    "model",
    [
        SGDClassifier(max_iter=3),
        SGDRegressor(max_iter=3, average=True),
        MLPClassifier((5,), max_iter=3),
        MLPRegressor(hidden_layer_sizes=(5, 4), solver="sgd", max_iter=3),
        make_pipeline(FunctionTransformer(identity), SGDClassifier(max_iter=3)),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.filterwarnings("ignore:.*onverge")
def test_our_models(model):
    """A model that was fitted on a device predicts, and trains on, on the host."""
    model = clone(model).fit(NoHostCopyArray(X), NoHostCopyArray(y))
    copy = host_copy(model)
    assert b"NoHostCopyArray" in pickle.dumps(model)
    assert b"NoHostCopyArray" not in pickle.dumps(copy)
    expected = model.predict(NoHostCopyArray(X))
    expected = expected.get() if hasattr(expected, "get") else expected
    assert_allclose(copy.predict(X), expected)
    if hasattr(copy, "partial_fit"):
        copy.partial_fit(X, y)
    assert np.isfinite(copy.predict(X)).all()
