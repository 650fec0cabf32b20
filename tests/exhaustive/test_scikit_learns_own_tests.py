# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's own tests of its searches, with our classes in the place of its.

They are collected here as they are, with their names and parametrisations, from a
second copy of scikit-learn's module that found our classes where it imported its own.
"""

import importlib.util
import inspect
import sys
from unittest import mock

import dask
import numpy as np
import pytest
import sklearn.datasets
import sklearn.model_selection
import sklearn.tree
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV, HalvingRandomSearchCV

from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV
from tests.exhaustive.helpers import assert_same_results

# scikit-learn does not run them with warnings as errors; those that are about a warning
# catch it themselves.
pytestmark = pytest.mark.filterwarnings("ignore")

OURS = {"GridSearchCV": GridSearchCV, "RandomizedSearchCV": RandomizedSearchCV}
HALVING = (HalvingGridSearchCV, HalvingRandomSearchCV)

# Name of the test: why it is run without threads.
IN_THIS_THREAD = {
    "test_multi_metric_search_forwards_metadata": "looks for `fit` on the call stack",
}
# Name of the test: what it demands that is otherwise here, as docs/migrating.md says.
OTHERWISE = {
    "test_custom_run_search": "compares all fitted attributes with those of a search "
    "of scikit-learn's, which has no device_",
    "test_searchcv_raise_warning_with_non_finite_score": "its scorer counts over all "
    "fits, and each score is of a scorer as it was given",
}


@pytest.fixture(autouse=True)
def _scheduler(request):
    """Run the fits of some tests in this thread, and of all others as by default."""
    here = request.function.__name__ in IN_THIS_THREAD
    with dask.config.set(scheduler="synchronous" if here else None):
        yield


def load_copy():
    """Load scikit-learn's module a second time, importing our classes as its own."""
    name = "sklearn.model_selection.tests.test_search"
    # What it imports is all loaded before our classes are in the place of others.
    spec = pytest.importorskip(name).__spec__
    copied = importlib.util.spec_from_file_location("test_search_of_ours", spec.origin)
    module = importlib.util.module_from_spec(copied)
    sys.modules[copied.name] = module  # pickle looks there for the classes it defines
    with mock.patch.multiple(sklearn.model_selection, **OURS):
        copied.loader.exec_module(module)
    return module


def is_halving(value):
    """Whether a value of a parametrisation has to do with successive halving."""
    values = value if isinstance(value, tuple) else (value,)
    return any(
        isinstance(v, HALVING) or (isinstance(v, type) and issubclass(v, HALVING))
        for v in values
    )


def without_halving(mark):
    """Leave the cases of successive halving out of a parametrisation."""
    if mark.name != "parametrize":
        return mark
    names, values = mark.args
    values = [value for value in values if not is_halving(value)]
    return pytest.mark.parametrize(names, values, **mark.kwargs).mark


def find_tests(module):
    """Find the tests that use one of the two searches, by name."""
    # A function that makes cases for several tests counts as its callers' text.
    made = inspect.getsource(module._searchcv_callback_test_cases)
    found = {}
    for name, function in vars(module).items():
        if not name.startswith("test_"):
            continue
        text = inspect.getsource(function)
        if "_searchcv_callback_test_cases" in text:
            text += made
        if not any(search in text for search in OURS):
            continue
        if name in OTHERWISE:
            continue
        marks = getattr(function, "pytestmark", [])
        function.pytestmark = [without_halving(mark) for mark in marks]
        found[name] = function
    return found


FOUND = find_tests(load_copy())
globals().update(FOUND)


def test_finds_scikit_learns_tests():
    """There are scikit-learn's tests here, with those that are listed by name."""
    assert len(FOUND) > 80
    assert IN_THIS_THREAD.keys() <= FOUND.keys()


def test_every_third_score_is_not_finite():
    """What scikit-learn tests by a scorer that counts, by one that looks at data."""
    X, y = sklearn.datasets.make_classification(random_state=0)
    third = sorted(X[:, 0])[len(X) // 3]

    def scorer(model, X, y):
        return np.nan if model.max_depth == 3 and X[0, 0] < third else 1.0

    search = GridSearchCV(
        sklearn.tree.DecisionTreeClassifier(),
        {"max_depth": [2, 3]},
        scoring=scorer,
        cv=sklearn.model_selection.KFold(5, shuffle=True, random_state=0),
    )
    with pytest.warns(UserWarning, match="One or more of the test scores are non-fin"):
        search.fit(X, y)
    assert search.cv_results_["rank_test_score"].tolist() == [1, 2]


def test_a_search_in_two_steps():
    """What scikit-learn tests by all fitted attributes, by those that it knows."""
    X, y = sklearn.datasets.make_classification(100, n_informative=4, random_state=0)
    tree = sklearn.tree.DecisionTreeRegressor(random_state=0)
    grids = {"max_depth": [1, 2]}, {"min_samples_split": [5, 10]}

    def two_steps(search):
        class InTwoSteps(search):
            def _run_search(self, evaluate, **options):
                for grid in grids:
                    evaluate(sklearn.model_selection.ParameterGrid(grid), **options)

            # scikit-learn reads the parameters of a class from its constructor.
            def __init__(self, estimator, param_grid, *, return_train_score=False):
                super().__init__(
                    estimator, param_grid, return_train_score=return_train_score
                )

        return InTwoSteps(tree, {}, return_train_score=True).fit(X, y)

    ours = two_steps(GridSearchCV)
    theirs = two_steps(sklearn.model_selection.GridSearchCV)
    at_once = GridSearchCV(tree, list(grids), return_train_score=True).fit(X, y)
    for other in (theirs, at_once):
        assert_same_results(ours.cv_results_, other.cv_results_)
        assert ours.best_params_ == other.best_params_
        assert ours.best_score_ == other.best_score_
        assert ours.n_splits_ == other.n_splits_
    assert ours.device_ == at_once.device_
