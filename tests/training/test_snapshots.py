# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Snapshots: each fit has a copy of its own of what has a state."""

import functools
import pickle
import threading
import weakref

import cloudpickle
import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.base import clone
from sklearn.metrics import get_scorer, make_scorer
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from gpu_hpo.training._snapshots import (
    NotCopyableError,
    Snapshot,
    fresh,
    own_functions,
    snapshot_or_share,
    snapshot_param,
)
from gpu_hpo.training._state import has_state


class Counter:
    def __init__(self):
        self.n = 0

    def __call__(self, *args):
        self.n += 1
        return self.n


class Locked(Counter):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


class Stubborn(Counter):
    """Can be copied, and not pickled."""

    def __reduce_ex__(self, protocol):
        raise TypeError("no pickles")

    def __deepcopy__(self, memo):
        copy = Stubborn()
        copy.n = self.n
        return copy


class Weak(Counter):
    """Holds what can be copied only, and what is shared then."""

    def __init__(self):
        super().__init__()
        self.whose = weakref.ref(Counter)


def by_list():
    seen = []

    def count(*args):
        seen.append(args)
        return len(seen)

    return count


def by_rebinding():
    n = 0

    def count(*args):
        nonlocal n
        n += 1
        return n

    return count


def by_array():
    n = np.zeros(1, int)

    def count(*args):
        n[0] += 1
        return int(n[0])

    return count


def by_default():
    def count(*args, seen=[]):  # noqa: B006
        seen.append(args)
        return len(seen)

    return count


def by_attribute():
    def count(*args):
        count.n += 1
        return count.n

    count.n = 0
    return count


def recursive():
    seen = []

    def count(*args):
        seen.append(args)
        return len(seen) if args == ("stop",) else count("stop")

    return count


STATEFUL = {
    "object": Counter,
    "list": by_list,
    "nonlocal": by_rebinding,
    "array": by_array,
    "default": by_default,
    "partial": lambda: functools.partial(by_list(), 1),
    "method": lambda: Counter().__call__,
    "scorer": lambda: make_scorer(by_list())._score_func,
    "copied": Stubborn,
    "weak": Weak,
    "recursive": recursive,
    "attribute": by_attribute,
}


@pytest.mark.parametrize("kind", STATEFUL)
def test_copies_do_not_see_each_other(kind):
    """Each copy begins with what the value was, and so does the value go on."""
    value = STATEFUL[kind]()
    assert has_state(value)
    taken = Snapshot(value)
    first, second = fresh(taken), fresh(taken)
    begin = first("first")
    assert first("first") > begin
    assert second("first") == begin
    assert value("first") == begin


@pytest.mark.parametrize(
    "value",
    [
        None,
        1.5,
        "text",
        len,
        np.mean,
        np.add,
        Counter,
        threading,
        by_list,
        lambda x, k=1: x * k,
        functools.partial(np.mean, axis=0),
        get_scorer("roc_auc"),
        make_scorer(lambda y, answer: 0.0, greater_is_better=False),
        (1, "a"),
        np.eye(2),
    ],
)
def test_what_has_no_state(value):
    """Functions, classes, modules and data are what they are, at no cost."""
    assert not has_state(value)
    assert snapshot_param(value, "name") is value


def test_lists_of_plain_values_are_data():
    """A list of plain values is data; what else it holds is copied or lent."""
    labels = ["a", "b"]
    assert snapshot_param(labels, "labels") is labels
    rows = [(np.eye(2), np.ones(2))]
    lent = snapshot_param(rows, "eval_set").copy(lambda data: data + 1)
    assert lent[0][0][0, 1] == 1
    assert isinstance(snapshot_param([Counter()], "callbacks"), Snapshot)


@pytest.mark.parametrize(
    "callbacks",
    [
        [lightgbm.early_stopping(3, verbose=False), lightgbm.log_evaluation(0)],
        [xgboost.callback.EarlyStopping(rounds=3)],
        [np.random.RandomState(0), np.random.default_rng(0)],
        [KFold(shuffle=True, random_state=np.random.RandomState(0))],
    ],
)
def test_callbacks_of_libraries(callbacks):
    """Callbacks, generators and splitters can be copied, and sent elsewhere."""
    taken = Snapshot(callbacks, "callbacks")
    again = pickle.loads(pickle.dumps(taken))
    for copy in (fresh(taken), fresh(again)):
        assert list(map(type, copy)) == list(map(type, callbacks))
        assert all(a is not b for a, b in zip(copy, callbacks, strict=True))


def test_snapshots_of_functions_travel():
    """A snapshot of a function with a closure can be sent to another process."""
    taken = cloudpickle.loads(cloudpickle.dumps(Snapshot(by_list())))
    assert (fresh(taken)(), fresh(taken)()) == (1, 1)


def test_data_is_lent_not_copied():
    """Arrays in a value are given as the caller lends them."""
    rows = np.eye(3)
    taken = Snapshot({"rows": rows, "seen": []})
    assert taken.copy()["rows"] is rows
    assert taken.copy(lambda array: array + 1)["rows"][0, 0] == 2


def test_what_cannot_be_copied_is_named():
    """The error has the name of the argument, the value and the reason."""
    with pytest.raises(NotCopyableError, match=r"callbacks=\[<.*Locked.*_thread.lock"):
        Snapshot([Locked()], "callbacks")


def test_estimators_get_functions_of_their_own():
    """Clones of an estimator whose function counts do not count together."""
    count = by_list()

    def number(X):
        return X + count()

    pipe = make_pipeline(StandardScaler(), FunctionTransformer(number))
    zeros = np.zeros((2, 1))
    models = [own_functions(clone(pipe)) for _ in range(2)]
    assert [m.fit_transform(zeros)[0, 0] for m in models] == [1, 1]
    assert count() == 1


def test_estimators_without_such_functions_stay():
    """Nothing is replaced where there is nothing to copy."""
    step = FunctionTransformer(np.log1p)
    assert own_functions(step) is step
    assert step.func is np.log1p


TOTAL = 0
draws = np.random.RandomState(0)


def by_global(*args):
    global TOTAL
    TOTAL += 1
    return TOTAL


def by_own_name(*args):
    by_own_name.n += 1
    return by_own_name.n


by_own_name.n = 0


def by_random_state(*args):
    return draws.rand()


@pytest.mark.parametrize("function", [by_global, by_own_name, by_random_state])
def test_what_is_kept_in_a_module(function):
    """A function that is seen to keep its state in its module is said to do so."""
    assert has_state(function)
    with pytest.raises(NotCopyableError, match="has a state in its module") as found:
        Snapshot([function], "callbacks")
    assert found.value.in_module
    with pytest.warns(UserWarning, match="scoring=.*others have left there"):
        assert snapshot_or_share(function, "scoring") is function
