# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Scores that are not finite, or no numbers at all, in every search."""

import math
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import KFold

from gpu_hpo.model_selection import GridSearchCV, IncrementalSearchCV
from tests.model_selection.helpers import make_data

NO_NUMBERS = {
    "complex": 1j,
    "None": None,
    "text": "0.5",
    "array": np.array([0.5, 0.5]),
    "list": [0.5],
}
NOT_FINITE = [math.nan, math.inf, -math.inf]
X, y = make_data(60)


class Giving(ClassifierMixin, BaseEstimator):
    """Scores what it is told to."""

    def __init__(self, what=0.0):
        self.what = what

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def partial_fit(self, X, y, classes=None):
        self.classes_ = classes
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def given(model, X, y):
    """What the model was told to score; it raises if that is to."""
    if isinstance(model.what, str) and model.what == "raise":
        raise RuntimeError("of no use")
    return model.what


def zero(model, X, y):
    """A score that is a number for every model."""
    return 0.0


def by_name(model, X, y):
    """Two scores by name, of which one is what the model was told."""
    return {"given": given(model, X, y), "zero": 0.0}


def some_by_name(model, X, y):
    """Two scores by name, of which some models have only one."""
    return {"zero": 0.0} if model.what is None else by_name(model, X, y)


def searched(values, scoring=given, **options):
    """A fitted search over models that score these, and its warnings."""
    options = {"cv": 2, "refit": False, "scheduler": "synchronous", **options}
    search = GridSearchCV(Giving(), {"what": values}, scoring=scoring, **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, y)
    return search, [str(warning.message) for warning in caught]


def test_not_finite_shares_the_last_rank():
    """A score that is not finite never wins a grid, and all of these rank last."""
    search, _ = searched([0.2, *NOT_FINITE, 0.3, -1e300])
    assert search.cv_results_["rank_test_score"].tolist() == [2, 4, 4, 4, 1, 3]
    assert search.best_index_ == 4
    assert search.best_score_ == 0.3


@pytest.mark.parametrize("values", [NOT_FINITE, [math.inf], [-math.inf, math.inf]])
def test_nothing_finite(values):
    """If no score is finite all have rank 1, as in scikit-learn."""
    search, _ = searched(values)
    assert search.cv_results_["rank_test_score"].tolist() == [1] * len(values)


def by_split(model, X_test, y_test):
    """One of two scores, by which of the splits it is."""
    return model.what[int(np.array_equal(X_test[0], X[0]))]


def test_infinity_on_one_split():
    """The mean over splits decides, whichever of them was not finite."""
    values = [(math.inf, -math.inf), (0.1, math.inf), (0.1, 0.1)]
    search, _ = searched(values, by_split, cv=KFold(2))
    assert search.cv_results_["rank_test_score"].tolist() == [2, 2, 1]


@pytest.mark.parametrize("value", NO_NUMBERS.values(), ids=NO_NUMBERS)
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_no_number_is_a_failure(value, scheduler):
    """What is no number fails its candidate by `error_score`, and says what it was."""
    search, said = searched([value, 0.1], error_score=-2, scheduler=scheduler)
    assert search.cv_results_["mean_test_score"].tolist() == [-2, 0.1]
    assert search.best_index_ == 1
    failed = [text for text in said if text.startswith("Scoring failed.")]
    assert len(failed) == 2
    assert all("will be set to -2" in text for text in failed)
    assert all(f"must return a number, got {value}" in text for text in failed)


@pytest.mark.parametrize("value", NO_NUMBERS.values(), ids=NO_NUMBERS)
@pytest.mark.parametrize("scoring", [given, {"given": given, "zero": zero}, by_name])
def test_no_number_is_raised(value, scoring):
    """With error_score="raise" the search ends with what is no number."""
    with pytest.raises(ValueError, match="must return a number, got"):
        searched([0.1, value], scoring, error_score="raise")


@pytest.mark.parametrize("value", NO_NUMBERS.values(), ids=NO_NUMBERS)
@pytest.mark.parametrize("scoring", [{"given": given, "zero": zero}, by_name])
def test_no_number_among_several(value, scoring):
    """Of several metrics only that which is no number takes the error score."""
    search, said = searched([value, 0.1], scoring, error_score=-2)
    assert search.cv_results_["mean_test_given"].tolist() == [-2, 0.1]
    assert search.cv_results_["mean_test_zero"].tolist() == [0, 0]
    assert sum(text.startswith("Scoring failed.") for text in said) == 2


@pytest.mark.parametrize("values", [["raise", 0.1], [0.1, "raise"]])
@pytest.mark.parametrize("verbose", [0, 3])
def test_function_of_several_that_raises(values, verbose):
    """If all scores of a candidate fail at once, each is the error score."""
    search, said = searched(
        values, by_name, error_score=-2, return_train_score=True, verbose=verbose
    )
    results, failed = search.cv_results_, values.index("raise")
    assert search.multimetric_
    assert "mean_test_score" not in results
    for kind in ("test", "train"):
        assert results[f"mean_{kind}_given"][failed] == -2
        assert results[f"mean_{kind}_given"][1 - failed] == 0.1
        assert results[f"mean_{kind}_zero"][failed] == -2
    assert any("of no use" in text for text in said)


def test_name_that_is_missing():
    """A candidate without one of the scores takes the error score, and it is said."""
    search, said = searched([None, 0.1], some_by_name, error_score=-2)
    assert search.cv_results_["mean_test_given"].tolist() == [-2, 0.1]
    assert search.cv_results_["mean_test_zero"].tolist() == [0, 0]
    assert "scoring gave no test score 'given' in 2 fits: set to -2" in said
    with pytest.raises(ValueError, match="no test score 'given'"):
        searched([None, 0.1], some_by_name, error_score="raise")


@pytest.mark.parametrize("value", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_no_number_in_an_early_stopping_search(value, threads_client):
    """There, too, it is the failure of its model, which is said."""
    search = IncrementalSearchCV(
        Giving(),
        {"what": [value, 0.1]},
        n_initial_parameters="grid",
        decay_rate=None,
        max_iter=2,
        random_state=0,
        scoring=given,
    )
    search.fit(X, y)
    results = search.cv_results_
    failed = list(results["status"]).index("failed")
    assert "must return a number, got" in results["error"][failed]
    assert search.best_score_ == 0.1
    assert search.best_params_ == {"what": 0.1}
