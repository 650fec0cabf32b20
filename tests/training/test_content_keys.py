# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Keys of parameters and of estimators are equal if a fit would be."""

import copy
import functools

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.training._content_keys import Keys

X, y = np.arange(12.0).reshape(6, 2), np.arange(6) % 2


class Bag(BaseEstimator):
    """Takes anything."""

    def __init__(self, first=None, second=None):
        self.first = first
        self.second = second


class Sub(Bag):
    """Another class with the same parameters."""


def adds(n):
    """A function that is made at each call."""
    return lambda x: x + n


def fitted(alpha=1.0, seed=0):
    """A model that has learned from one of many targets."""
    return Ridge(alpha).fit(X, np.random.default_rng(seed).standard_normal(len(X)))


def pipeline(**params):
    return make_pipeline(StandardScaler(), PCA(2), Ridge()).set_params(**params)


# What makes a value; twice makes two that are equal, of which neither is the other.
EQUAL = {
    "none": lambda: None,
    "number": lambda: 10**30,
    "float": lambda: float("0.1"),
    "nan": lambda: float("nan"),
    "NumPy's number": lambda: np.float32(0.5),
    "text": lambda: "ab" * 3,
    "tuple": lambda: (1, (2.0, "a")),
    "list": lambda: [1, [None]],
    "dict": lambda: {"a": 1, "b": {"c": np.arange(2)}},
    "set": lambda: {3, 1, 2},
    "array": lambda: np.arange(5.0),
    "array with nan": lambda: np.array([1, np.nan]),
    "array of objects": lambda: np.array(["a", 1, None], dtype=object),
    "sparse": lambda: scipy.sparse.csr_array(np.eye(3)),
    "frame": lambda: pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
    "slice": lambda: slice(0, 3),
    "range": lambda: range(3),
    "class": lambda: Ridge,
    "function": lambda: np.log1p,
    "lambda": lambda: adds(1),
    "partial": lambda: functools.partial(max, 3),
    "selector": lambda: make_column_selector(dtype_include=float),
    "RandomState": lambda: np.random.RandomState(3),
    "Generator": lambda: np.random.default_rng(3),
    "estimator": lambda: Ridge(0.5),
    "pipeline": pipeline,
    "columns": lambda: ColumnTransformer([("a", pipeline(), [0, 1])]),
    "list of estimators": lambda: [("a", Ridge()), ("b", pipeline())],
    "dict of estimators": lambda: {"a": Ridge(2.0)},
    "frozen": lambda: FrozenEstimator(fitted()),
    "fitted": fitted,
    "with an output": lambda: PCA().set_output(transform="pandas"),
    "bag": lambda: Bag(Bag([Bag(1)]), np.arange(3)),
}
# Values of which no two are equal.
DIFFERENT = [
    *(1, 1.0, True, np.int64(1), np.float64(1), np.float32(1), "1", b"1", (1,), [1]),
    *(0, 0.0, -0.0, False, None, "", "None", (), [], {}, set()),
    *(float("nan"), "nan", np.float64("nan"), float("inf"), -float("inf"), 1e-300),
    *((1, 2), (2, 1), ((1,), 2), (1, (2,)), [1, 2], {"a": 1}, {"a": True}, {"b": 1}),
    *({"a": 1.0}, {1, 2}, {1, 3}, "a", "b", ("a", "b"), ("ab",), Ridge, PCA),
    *(np.arange(3), np.arange(3.0), np.arange(3)[:, None], np.array([0, 1, 3])),
    *(np.array(["a", 1], object), np.array(["a", True], object), np.array([], int)),
    *(scipy.sparse.csr_array(np.eye(2)), scipy.sparse.csr_array(np.ones((2, 2)))),
    *(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), pd.Series([1], name="a")),
    *(slice(0, 1), slice(0, 2), range(1), range(2), np.log, np.log1p, adds(1), adds(2)),
    *(np.random.RandomState(0), np.random.RandomState(1), np.random.default_rng(0)),
    *(Ridge(), Ridge(2.0), Ridge(True), Ridge(1), LogisticRegression(), Bag(), Sub()),
    *(Bag(1), Bag(None, 1), Bag(Bag()), Bag(Sub()), Bag(Bag(1)), Bag([Bag()])),
    *(pipeline(), pipeline(pca__n_components=1), pipeline(pca="passthrough")),
    *(pipeline(pca=None), pipeline(ridge__alpha=2.0), [pipeline()], ["passthrough"]),
    *(fitted(), fitted(seed=1), fitted(2.0), FrozenEstimator(fitted())),
    *(FrozenEstimator(fitted(seed=1)), FrozenEstimator(Ridge())),
    *(PCA(), PCA().set_output(transform="pandas"), make_column_selector("a")),
    *(make_column_selector("b"), functools.partial(max, 1), functools.partial(max, 2)),
]


@pytest.mark.parametrize("name", EQUAL)
def test_equal(name):
    """Values of equal content have one key, whether they are one object or two."""
    keys, make = Keys(), EQUAL[name]
    value = make()
    assert keys.of(value) == keys.of(value) == keys.of(make())
    assert Keys().of(make()) == keys.of(value)
    hash(keys.of(value))
    # In others, too.
    assert keys.of([Bag(second=(1, make()))]) == keys.of([Bag(second=(1, make()))])


@pytest.mark.parametrize("name", sorted(set(EQUAL) - {"lambda", "fitted"}))
def test_copies(name):
    """A copy has the key of what it is a copy of, as scikit-learn copies parameters."""
    keys, value = Keys(), EQUAL[name]()
    assert keys.of(clone(value, safe=False)) == keys.of(value)
    assert keys.of(clone(Bag(value))) == keys.of(Bag(value))


def test_different():
    """Values that are not the same have different keys, equal as they may be."""
    keys = Keys()
    found = {}
    for i, value in enumerate(DIFFERENT):
        key = keys.of(value)
        other = found.setdefault(key, i)
        assert other == i, f"{value!r} is taken for {DIFFERENT[other]!r}"
        assert keys.of((value, Bag(value))) not in found


def test_objects_that_nobody_can_compare():
    """What tells nothing of itself is equal to itself alone."""
    keys = Keys()
    one, other = object(), object()
    assert keys.of(one) == keys.of(one)
    assert keys.of(one) != keys.of(other)
    assert keys.of([one]) == keys.of([one])


def test_keys_outlive_what_they_are_of():
    """A value in the place of one that is gone is not taken for it."""
    keys = Keys()
    seen = {keys.of([i, np.arange(i)]) for i in range(300)}
    assert len(seen) == 300


def test_requests_of_metadata():
    """What an estimator asks for is a part of what it is."""
    keys = Keys()
    with sklearn.config_context(enable_metadata_routing=True):
        asks = Ridge().set_fit_request(sample_weight=True)
        declines = Ridge().set_fit_request(sample_weight=False)
    assert len({keys.of(value) for value in (Ridge(), asks, declines)}) == 3
    assert keys.of(clone(asks)) == keys.of(clone(clone(asks)))


PARAMETERS = {
    "alpha": st.sampled_from([1, 1.0, True, 2.0]),
    "fit_intercept": st.sampled_from([True, False, 1]),
    "solver": st.sampled_from(["auto", "svd"]),
}


@given(
    base=st.fixed_dictionaries({}, optional=PARAMETERS),
    own=st.fixed_dictionaries({}, optional=PARAMETERS),
)
def test_changed(base, own):
    """The key of an estimator with parameters changed is that of what it then is."""
    keys = Keys()
    estimator = Ridge(**base)
    then = clone(estimator).set_params(**own)
    assert keys.changed(estimator).key(own) == keys.of(then)
    assert keys.of(estimator) == keys.changed(estimator).key({})


NESTED = [
    {},
    {"pca__n_components": 2},
    {"pca__n_components": 1},
    {"pca__n_components": 1, "ridge__alpha": 3.0},
    {"pca": "passthrough"},
    {"pca": PCA(1)},
    {"pca": PCA(), "pca__n_components": 1},
    {"steps": [("standardscaler", StandardScaler()), ("ridge", Ridge())]},
    {"memory": "folder"},
]


@pytest.mark.parametrize("own", NESTED, ids=str)
def test_changed_parts(own):
    """So it is if parameters of its parts are changed."""
    keys = Keys()
    then = clone(pipeline()).set_params(**copy.deepcopy(own))
    assert keys.changed(pipeline()).key(own) == keys.of(then)


def test_changed_leaves_things_as_they_are():
    """Neither the estimator nor the values are changed by asking."""
    estimator, part = pipeline(), PCA(2)
    Keys().changed(estimator).key({"pca": part, "pca__n_components": 1})
    assert part.n_components == 2
    assert estimator["pca"].n_components == 2
    assert estimator["pca"] is not part


def test_changed_to_what_is_not_there():
    """A parameter that there is not is scikit-learn's error."""
    with pytest.raises(ValueError, match=r"Invalid parameter 'beta' for estimator Rid"):
        Keys().changed(Ridge()).key({"beta": 1})
