# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's metadata routing: scorers get what they ask for, with their rows."""

import dask.array as da
import numpy as np
import pytest
import sklearn
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.model_selection import IncrementalSearchCV
from tests.model_selection.helpers import make_data

X, y = make_data()
GROUPS = np.arange(len(y)) // 10
FIRST, SECOND = np.linspace(0, 1, len(y)), np.linspace(1, 0.1, len(y)) ** 2
MODEL = SGDClassifier(random_state=0)
SPACE = {"alpha": [0.1, 0.01]}


@pytest.fixture(autouse=True)
def _routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def share_of_groups(y, predicted, groups=None, bonus=0.0):
    """Share of groups of which more than half is right."""
    assert len(groups) == len(y)
    names = np.unique(groups)
    right = [np.mean(y[groups == g] == predicted[groups == g]) > 0.5 for g in names]
    return bonus + np.mean(right)


with sklearn.config_context(enable_metadata_routing=True):
    BY_GROUP = make_scorer(share_of_groups).set_score_request(groups=True, bonus=True)
    WEIGHTED = make_scorer(accuracy_score).set_score_request(sample_weight=True)
    BY_ALIAS = make_scorer(accuracy_score).set_score_request(
        sample_weight="test_weight"
    )
    PLAIN = make_scorer(accuracy_score).set_score_request(sample_weight=False)


def search(scoring, estimator=MODEL, parameters=SPACE, **options):
    options = {"n_initial_parameters": 2, "max_iter": 2, "random_state": 0} | options
    return IncrementalSearchCV(estimator, parameters, scoring=scoring, **options)


@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
def test_groups(threads_client, cv, lazy):
    """A scorer that asks for groups gets those of the rows that it scores."""
    data = X, y, GROUPS
    if lazy:
        data = (
            da.from_array(X, chunks=(50, -1)),
            da.from_array(y, chunks=50),
            da.from_array(GROUPS, chunks=50),
        )
    found = search(BY_GROUP, cv=cv).fit(data[0], data[1], groups=data[2])
    expected = share_of_groups(y, found.predict(X), GROUPS)
    assert found.score(X, y, groups=GROUPS) == expected
    assert 0.5 < found.best_score_ <= 1


def test_value_that_is_no_rows(threads_client):
    """A scorer gets what is no rows, too, unchanged."""
    plain = search(BY_GROUP).fit(X, y, groups=GROUPS).best_score_
    more = search(BY_GROUP).fit(X, y, groups=GROUPS, bonus=100.0).best_score_
    assert more == plain + 100


def test_validation_data(threads_client):
    """Rows that the user gives come with what scorers ask for."""
    rows = {"groups": GROUPS, "test_weight": SECOND}
    metrics = {"groups": BY_GROUP, "weighted": BY_ALIAS, "plain": PLAIN}
    found = search(metrics, refit="weighted").fit(X, y, validation_data=(X, y, rows))
    predicted = found.predict(X)
    best = {
        name: found.cv_results_[f"test_{name}"][found.best_index_] for name in metrics
    }
    assert best["groups"] == share_of_groups(y, predicted, GROUPS)
    assert best["plain"] == accuracy_score(y, predicted)
    weighted = accuracy_score(y, predicted, sample_weight=SECOND)
    assert best["weighted"] == pytest.approx(weighted, abs=1e-12)


def test_what_validation_data_lacks(threads_client):
    """What a scorer asks for, and gets in training rows only, is an error."""
    price = make_scorer(share_of_groups).set_score_request(groups="price")
    with pytest.raises(ValueError, match=r"lacks price, .* pass \(X, y, {'price': "):
        search(price).fit(X, y, price=GROUPS, validation_data=(X, y))
    given = (X, y, {"groups": GROUPS})
    with (
        sklearn.config_context(enable_metadata_routing=False),
        pytest.raises(ValueError, match="has groups, which reach scorers only with"),
    ):
        search("accuracy").fit(X, y, validation_data=given)


@pytest.mark.parametrize("swapped", [False, True])
def test_weights_of_its_own(threads_client, swapped):
    """Models may be weighted by other weights than scores, by whatever names."""
    own = SGDClassifier(random_state=0)
    if swapped:
        own.set_partial_fit_request(sample_weight="own")
        scorer, given = WEIGHTED, {"own": FIRST, "sample_weight": SECOND}
    else:
        own.set_partial_fit_request(sample_weight=True)
        scorer, given = BY_ALIAS, {"sample_weight": FIRST, "test_weight": SECOND}
    with sklearn.config_context(enable_metadata_routing=False):
        expected = search("accuracy").fit(
            X, y, sample_weight=FIRST, validation_data=(X, y, SECOND)
        )
    rows = {"sample_weight" if swapped else "test_weight": SECOND}
    found = search(scorer, own).fit(X, y, **given, validation_data=(X, y, rows))
    assert found.best_score_ == expected.best_score_
    held_out = search(scorer, own, cv=3).fit(X, y, **given)
    by_first = search(scorer, own, cv=3).fit(X, y, **dict.fromkeys(given, FIRST))
    assert held_out.best_score_ != by_first.best_score_
    np.testing.assert_array_equal(
        held_out.best_estimator_.coef_, by_first.best_estimator_.coef_
    )


def test_several_metrics(threads_client):
    """Of several scorers each gets what it asks for, and no other."""
    metrics = {"weighted": BY_ALIAS, "groups": BY_GROUP, "plain": PLAIN}
    found = search(metrics, refit="plain", cv=3)
    found.fit(X, y, test_weight=SECOND, groups=GROUPS)
    for name, given in {
        "weighted": {"test_weight": SECOND, "groups": GROUPS},
        "groups": {"groups": GROUPS},
        "plain": {"groups": GROUPS},
    }.items():
        alone = search(metrics[name], cv=3).fit(X, y, **given)
        np.testing.assert_array_equal(
            found.cv_results_[f"test_{name}"], alone.cv_results_["test_score"]
        )


def test_pipeline(threads_client):
    """What only scorers ask for reaches them also where steps are trained by calls."""
    steps = make_pipeline(StandardScaler(), MODEL)
    space = {"sgdclassifier__alpha": [0.1, 0.01]}
    search(BY_GROUP, steps, space).fit(X, y, groups=GROUPS)
    with pytest.raises(ValueError, match="routes nothing to partial_fit of its steps"):
        search(BY_GROUP, steps, space).fit(X, y, groups=GROUPS, price=FIRST)


def test_nobody_asks(threads_client):
    """Groups that nobody asks for only divide the rows."""
    search("accuracy").fit(X, y, groups=GROUPS)
