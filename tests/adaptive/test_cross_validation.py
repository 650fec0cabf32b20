# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""On which rows models train and are scored: hold-outs, folds, groups, given rows."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, SGDClassifier, SGDRegressor
from sklearn.metrics import accuracy_score, get_scorer, recall_score
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
)

from gpu_hpo.linear_model import SGDClassifier as Stackable
from gpu_hpo.model_selection import HyperbandSearchCV, SuccessiveHalvingSearchCV
from gpu_hpo.neural_network import MLPClassifier
from gpu_hpo.testing import NoHostCopyArray
from tests.model_selection.helpers import CALLS, Scripted, Spy, make_data
from tests.training.helpers import Nearest

X, y = make_data(300)
GROUPS = np.repeat(np.arange(15), 20)
ALPHAS = {"alpha": np.logspace(-4, 0, 40)}
RATES = {"rate": np.linspace(0.01, 0.3, 40)}


def halving(estimator, space=ALPHAS, **options):
    options = {
        "n_initial_parameters": 4,
        "n_initial_iter": 2,
        "aggressiveness": 2,
        "random_state": 0,
    } | options
    return SuccessiveHalvingSearchCV(estimator, space, **options)


def by_hand(search, splits, scoring="accuracy"):
    """Scores of each trial by split, trained as it was on one chunk of all rows."""
    scorer = get_scorer(scoring)
    rows = []
    results = search.cv_results_
    for params, calls in zip(
        results["params"], results["partial_fit_calls"], strict=True
    ):
        row = []
        for train, test in splits:
            model = clone(search.estimator).set_params(**params)
            for _ in range(calls):
                model.partial_fit(X[train], y[train], classes=[0, 1])
            row.append(scorer(model, X[test], y[test]))
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize(
    "estimator",
    [
        SGDClassifier(random_state=3),
        Stackable(random_state=3),
        MLPClassifier((5,), random_state=3),
    ],
    ids=["alone", "linear stack", "network stack"],
)
@pytest.mark.parametrize(
    "cv",
    [
        KFold(4),
        StratifiedKFold(3, shuffle=True, random_state=1),
        ShuffleSplit(2, test_size=0.3, train_size=0.5, random_state=2),
        ShuffleSplit(1, random_state=2),
        [(np.arange(100), np.arange(100, 300)), (np.arange(200), np.arange(250, 300))],
        PredefinedSplit(np.repeat([-1, 0, 1], 100)),
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_as_by_hand(threads_client, estimator, cv):
    """Each trial is a model per split, trained and scored on that split's rows."""
    search = halving(estimator, cv=cv, chunk_size=300).fit(X, y)
    splits = list(cv if isinstance(cv, list) else cv.split(X, y))
    # Rows of a chunk stay in their order.
    splits = [tuple(map(np.sort, split)) for split in splits]
    results = search.cv_results_
    assert search.n_splits_ == len(splits)
    expected = by_hand(search, splits)
    found = [results[f"split{i}_test_score"] for i in range(len(splits))]
    np.testing.assert_array_equal(np.array(found).T, expected)
    np.testing.assert_array_equal(results["test_score"], expected.mean(axis=1))
    np.testing.assert_array_equal(results["mean_test_score"], expected.mean(axis=1))
    np.testing.assert_array_equal(results["std_test_score"], expected.std(axis=1))
    assert search.best_score_ == results["test_score"][search.best_index_]
    entry = search.history_[-1]
    assert entry["score"] == np.mean(
        [entry[f"split{i}_test_score"] for i in range(len(splits))]
    )


def test_several_metrics(threads_client):
    """Every metric has its column per split, and its mean."""
    metrics = {"acc": "accuracy", "auc": "roc_auc"}
    search = halving(
        Stackable(random_state=3), cv=KFold(3), scoring=metrics, refit="auc"
    )
    search.set_params(chunk_size=300).fit(X, y)
    splits = list(KFold(3).split(X))
    for name, scoring in metrics.items():
        expected = by_hand(search, splits, scoring)
        found = [search.cv_results_[f"split{i}_test_{name}"] for i in range(3)]
        np.testing.assert_allclose(np.array(found).T, expected, rtol=1e-12)
        np.testing.assert_allclose(
            search.cv_results_[f"mean_test_{name}"], expected.mean(axis=1), rtol=1e-12
        )
    assert search.best_score_ == search.cv_results_["test_auc"].max()


def test_groups_for_a_splitter(threads_client):
    """A splitter gets the groups that are passed to fit."""
    search = halving(SGDClassifier(random_state=3), cv=GroupKFold(5), chunk_size=300)
    search.fit(X, y, groups=GROUPS)
    expected = by_hand(search, list(GroupKFold(5).split(X, y, GROUPS)))
    np.testing.assert_array_equal(search.cv_results_["test_score"], expected.mean(1))
    with pytest.raises(ValueError, match="'groups' parameter should not be None"):
        halving(SGDClassifier(), cv=LeaveOneGroupOut()).fit(X, y)


FORMS = {
    "numpy": lambda X, y: (X, y),
    "dask": lambda X, y: (da.from_array(X, chunks=(100, -1)), da.from_array(y, 100)),
    "frame": lambda X, y: (
        dd.from_pandas(pd.DataFrame(X), chunksize=100),
        dd.from_pandas(pd.Series(y), chunksize=100),
    ),
}


def numbered(form):
    """Rows whose first feature is their number, and weights that are that as well."""
    numbers = np.arange(300.0)
    rows = np.c_[numbers, X]
    return FORMS[form](rows, y)


def trained_rows():
    """Rows of each call, of all models."""
    return [frozenset(np.asarray(call.X)[:, 0].astype(int)) for call in CALLS]


@pytest.mark.parametrize("form", list(FORMS))
def test_folds_of_chunks(calls, form):
    """An integer deals the rows of each chunk out to folds, equally and by class."""
    search = halving(Scripted(), {"value": [0.1, 0.2]}, cv=4, chunk_size=100)
    search.set_params(n_initial_parameters=2, n_initial_iter=6, refit=False)
    search.fit(*numbered(form))
    rows = set(trained_rows())
    held = {}
    for trained in rows:
        chunk = min(trained) // 100
        held.setdefault(chunk, []).append(
            set(range(100 * chunk, 100 * chunk + 100)) - trained
        )
    assert set(held) == {0, 1, 2}
    for chunk, folds in held.items():
        whole = range(100 * chunk, 100 * chunk + 100)
        assert sorted(row for fold in folds for row in fold) == list(whole)
        assert [len(fold) for fold in folds] == [25] * 4
        positives = [y[list(fold)].sum() for fold in folds]
        assert max(positives) - min(positives) <= 1


def test_folds_do_not_depend_on_the_form(threads_client):
    """Folds are the same rows, whatever holds the data, stacked or not."""
    found = [
        halving(Stackable(), cv=3, chunk_size=100, stack=stack)
        .fit(*form(X, y))
        .cv_results_["test_score"]
        for form, stack in [
            *((form, True) for form in FORMS.values()),
            (FORMS["numpy"], False),
        ]
    ]
    for scores in found[1:]:
        np.testing.assert_array_equal(scores, found[0])


@pytest.mark.parametrize("cv", [None, 4])
@pytest.mark.parametrize("lazy", [False, True])
def test_groups_stay_together(calls, cv, lazy):
    """No group both trains and validates, and about as many rows validate as asked."""
    rng = np.random.default_rng(0)
    order = rng.permutation(300)
    groups = np.array([f"group {g}" for g in GROUPS])[order]
    data = np.c_[np.arange(300.0), X], y, groups
    if lazy:
        data = [da.from_array(part, chunks=(100, *part.shape[1:])) for part in data]
    search = halving(
        Scripted(), {"value": [0.1, 0.2]}, cv=cv, chunk_size=100, n_initial_parameters=2
    )
    if cv is None:
        search.set_params(test_size=0.25)
    search.set_params(n_initial_iter=6, refit=False).fit(
        data[0], data[1], groups=data[2]
    )
    models = {}
    rows = sorted(set(trained_rows()), key=min)
    for trained in rows:
        models.setdefault(frozenset(groups[list(trained)]), set()).update(trained)
    assert len(models) == (cv or 1)
    for own, trained in models.items():
        # All rows of the groups that a model trains on, and of no others.
        assert trained == set(np.flatnonzero(np.isin(groups, list(own))))
        held = 1 - len(trained) / 300
        assert abs(held - 0.25) < 0.06
    if cv is None:
        return
    every = set(np.unique(groups))
    held_groups = [g for own in models for g in every - own]
    assert sorted(held_groups) == sorted(every)


@pytest.mark.parametrize("form", list(FORMS))
def test_validation_data(calls, form):
    """All of X trains, and scores are those of the rows that are given."""
    held_X, held_y = make_data(80, seed=1)
    held = FORMS[form](np.c_[np.arange(80.0), held_X], held_y)
    estimator = Spy(random_state=0)
    search = halving(estimator, chunk_size=100)
    search.fit(*numbered(form), validation_data=held)
    assert {len(rows) for rows in trained_rows()} == {100}
    assert frozenset.union(*trained_rows()) == frozenset(range(300))
    plain = np.c_[np.arange(80.0), held_X]
    assert search.best_score_ == search.best_estimator_.score(plain, held_y)


def test_weighted_validation_data(threads_client):
    """Weights of the given rows weight the scores."""
    held_X, held_y = make_data(80, seed=1)
    weight = np.random.default_rng(0).uniform(size=80)
    search = halving(SGDClassifier(random_state=0))
    search.fit(X, y, validation_data=(held_X, held_y, weight))
    predicted = search.best_estimator_.predict(held_X)
    assert search.best_score_ == pytest.approx(
        accuracy_score(held_y, predicted, sample_weight=weight)
    )


def test_weights_in_folds(threads_client):
    """Weights are cut as rows are, for training and for scoring."""
    weight = np.random.default_rng(0).uniform(size=300)
    search = halving(SGDClassifier(random_state=3), cv=KFold(3), chunk_size=300)
    search.fit(X, y, sample_weight=weight)
    calls = search.cv_results_["partial_fit_calls"][0]
    for i, (train, test) in enumerate(KFold(3).split(X)):
        model = clone(search.estimator).set_params(**search.cv_results_["params"][0])
        for _ in range(calls):
            model.partial_fit(X[train], y[train], [0, 1], weight[train])
        expected = model.score(X[test], y[test], weight[test])
        assert search.cv_results_[f"split{i}_test_score"][0] == pytest.approx(expected)


def test_stratify(threads_client):
    """Without stratification rare classes may be held out by chance, with it not."""
    rare = (np.arange(300) % 25 == 0).astype(int)
    shares = {}
    for stratify in (None, True, False):
        search = halving(
            Scripted(),
            {"value": [0.1, 0.2]},
            stratify=stratify,
            test_size=0.5,
            n_initial_parameters=2,
            chunk_size=100,
        )
        CALLS.clear()
        search.fit(X, rare)
        shares[stratify] = {int(np.sum(call.y)) for call in CALLS}
    assert shares[None] == shares[True] == {2}
    assert shares[False] != {2}
    with pytest.raises(ValueError, match="stratify=True, but there are no classes"):
        halving(SGDRegressor(), stratify=True).fit(X, X[:, 0])


# ---- the best model ----


def counted(rows):
    return sum(map(len, rows))


@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("given", [False, True])
def test_refit_on_all_rows(calls, cv, given):
    """With refit the best parameters train on every row, validation rows included."""
    if cv and given:
        pytest.skip("they contradict each other")
    validation = {}
    if given:
        held_X, held_y = make_data(100, seed=1)
        held_X = np.c_[np.arange(300.0, 400.0), held_X]
        validation = {"validation_data": (held_X, held_y)}
    search = halving(Spy(random_state=0), cv=cv, refit=True, chunk_size=100)
    if not (cv or given):
        search.set_params(test_size=1 / 3)
    search.fit(*numbered("numpy"), **validation)
    best = search.cv_results_["partial_fit_calls"][search.best_index_]
    # Given rows are one chunk more.
    more = 4 / 3 if given else 1
    last = CALLS[-round(more * best) :]
    rows = [set(np.asarray(call.X)[:, 0].astype(int)) for call in last]
    assert set.union(*rows) == set(range(400 if given else 300))
    if not given:
        assert {len(chunk) for chunk in rows} == {100}
    assert {call.alpha for call in last} == {search.best_params_["alpha"]}
    assert search.best_estimator_.t_ == counted(rows) + 1
    assert search.refit_time_ > 0


def test_what_refit_means(threads_client):
    """False never trains again, None does with folds, a name does as None."""
    for cv, refit, trained_again in [
        (None, None, False),
        (None, False, False),
        (None, True, True),
        (3, None, True),
        (3, True, True),
        (3, False, None),
        (None, "a", False),
        (3, "a", True),
    ]:
        scoring = ["accuracy", "roc_auc"] if refit == "a" else None
        search = halving(SGDClassifier(random_state=0), cv=cv, scoring=scoring)
        search.set_params(refit="roc_auc" if refit == "a" else refit)
        search.fit(X, y)
        assert hasattr(search, "refit_time_") == bool(trained_again)
        assert hasattr(search, "best_estimator_") == (trained_again is not None)
        if trained_again is None:
            with pytest.raises(NotFittedError, match="with cv and refit=False"):
                search.predict(X)
        assert search.best_params_ in search.cv_results_["params"].tolist()


@pytest.mark.parametrize("resource", ["n_estimators", "n_samples", "warm_start"])
def test_folds_of_refits(threads_client, resource):
    """Models that are fitted anew have folds, too, and the best is fitted to all."""
    forest = RandomForestClassifier(random_state=0)
    search = SuccessiveHalvingSearchCV(
        forest,
        {"max_depth": [1, 2, 3, 4]},
        n_initial_parameters=4,
        n_initial_iter=2,
        aggressiveness=2,
        cv=KFold(3),
        resource=resource,
        random_state=0,
    ).fit(X, y)
    results = search.cv_results_
    if resource != "n_samples":
        for params, calls, *scores in zip(
            results["params"],
            results["partial_fit_calls"],
            *(results[f"split{i}_test_score"] for i in range(3)),
            strict=True,
        ):
            model = clone(forest).set_params(n_estimators=calls, **params)
            if resource == "n_estimators":
                expected = [
                    clone(model).fit(X[train], y[train]).score(X[test], y[test])
                    for train, test in KFold(3).split(X)
                ]
                assert scores == expected
    assert search.metadata_["n_fits"] == 3 * len(search.history_)
    best = search.best_estimator_
    calls = results["partial_fit_calls"][search.best_index_]
    if resource == "n_samples":
        assert len(best.estimators_) == 100
    else:
        assert len(best.estimators_) == calls
    if resource == "n_estimators":
        again = clone(forest).set_params(n_estimators=calls, **search.best_params_)
        np.testing.assert_array_equal(again.fit(X, y).predict(X), best.predict(X))


# ---- where and how ----


@pytest.mark.parametrize("cv", [3, KFold(3), None])
def test_nothing_comes_to_the_host(threads_client, cv):
    """Rows that are on a device stay there in folds, and when all train again."""
    device = NoHostCopyArray(X), NoHostCopyArray(y)
    search = halving(Nearest(), RATES, cv=cv, refit=True, chunk_size=100)
    if cv is None:
        search.fit(*device, validation_data=device)
    else:
        search.fit(*device)
    host = halving(Nearest(), RATES, cv=cv, refit=True, chunk_size=100)
    host.fit(X, y, **({"validation_data": (X, y)} if cv is None else {}))
    assert search.best_params_ == host.best_params_
    np.testing.assert_array_equal(
        search.cv_results_["test_score"], host.cv_results_["test_score"]
    )
    assert isinstance(search.best_estimator_.coef_, NoHostCopyArray)


@pytest.mark.parametrize("scoring", [None, "roc_auc"])
def test_larger_than_memory(processes_client, configure, scoring):
    """Folds that are scored chunk by chunk score as if all were at hand."""
    found = []
    configure({"memory.message-size": 1})
    for share in (0.5, 1e-9):
        configure({"memory.resident-share": share, "memory.task-share": share})
        search = halving(Stackable(), cv=3, chunk_size=50, scoring=scoring)
        search.fit(X, y)
        found.append(search.cv_results_["test_score"])
        coef = search.best_estimator_.coef_
        found.append(coef.ravel())
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[1], found[3])


def fails_on_a_fold(model, X, y):
    """A scorer that takes offence at rows of one fold of strongly penalised models."""
    if model.alpha > 0.01 and 7.0 in X[:, 0]:
        raise ValueError("not these")
    return recall_score(y, model.predict(X))


@pytest.mark.parametrize("kind", [SGDClassifier, Stackable])
def test_a_fold_that_fails(threads_client, kind):
    """A trial of which one model fails has failed, and harms no other."""
    rows = np.c_[np.arange(300.0), X / 100]
    search = HyperbandSearchCV(
        kind(random_state=0),
        ALPHAS,
        max_iter=4,
        aggressiveness=2,
        cv=3,
        scoring=fails_on_a_fold,
        random_state=0,
    ).fit(rows, y)
    failed = search.cv_results_["status"] == "failed"
    large = np.array([p["alpha"] > 0.01 for p in search.cv_results_["params"]])
    np.testing.assert_array_equal(failed, large)
    assert 0 < failed.sum() < len(failed)
    assert all("not these" in e for e in search.cv_results_["error"][failed])
    assert np.isfinite(search.cv_results_["test_score"][~failed]).all()


@pytest.mark.parametrize(
    ("options", "fit", "message"),
    [
        ({"cv": 1}, {}, "cv.* 1 instead"),
        ({"cv": True}, {}, "cv"),
        ({"cv": "kfold"}, {}, "cv.* 'kfold' instead"),
        ({"cv": 3, "test_size": 0.2}, {}, "cv=3 and test_size=0.2 contradict"),
        (
            {"cv": 3},
            {"validation_data": (X, y)},
            "cv=3 and validation_data=.* contradict",
        ),
        ({}, {"validation_data": (X, y), "groups": GROUPS}, "groups have no use"),
        ({}, {"validation_data": X}, "must be a tuple"),
        ({}, {"validation_data": (X,)}, "must be a tuple"),
        ({}, {"validation_data": (X, None)}, "y must be given for validation_data"),
        ({}, {"validation_data": (X[:, 1:], y)}, "has 3 features, but X has 4"),
        ({}, {"validation_data": (X, y[1:])}, "X has 300 and y has 299"),
        (
            {},
            {"validation_data": (X, y), "sample_weight": np.ones(300)},
            "validation_data lacks sample_weight",
        ),
        ({}, {"groups": GROUPS[1:]}, "X has 300 and groups of rows has 299"),
        ({"stratify": True}, {"groups": GROUPS}, "stratify=True has no use"),
        ({"stratify": 1}, {}, "stratify.* 1 instead"),
        ({"cv": 20}, {"groups": GROUPS}, "cv=20, but groups has 15 distinct"),
        ({}, {"groups": np.zeros(300)}, "groups has 1 distinct value"),
        ({"cv": [(range(3), range(3))]}, {}, "split 0 both train and validate"),
        ({"cv": [(range(3), [400])]}, {}, "split 0 does not fit X of 300 rows"),
        ({"cv": [([0, 1], [])]}, {}, "split 0 has no row to validate on"),
        (
            {"cv": [([0, 1], [2])], "chunk_size": 100},
            {},
            "split 0 has no row to train on in chunk",
        ),
        ({"cv": []}, {}, "gives no splits"),
        ({"cv": [([0, 0, 1], [2])]}, {}, "split 0 has rows more than once"),
        ({}, {"groups": np.where(GROUPS > 3, np.nan, 1)}, "groups has missing"),
        ({}, {"groups": [None] * 300}, "groups has missing values"),
        ({}, {"groups": ["a", 1] * 150}, None),
        ({}, {"validation_data": (X, y + 5)}, "labels that y lacks: .5, 6"),
        ({}, {"validation_data": (X, y.astype(str))}, "labels that y lacks"),
        ({}, {"sample_weight": np.zeros(300)}, "sample_weight is 0 for all rows"),
        ({}, {"sample_weight": np.full(300, np.nan)}, "sample_weight has NaN"),
        ({}, {"sample_weight": np.ones((300, 1))}, "must be of shape .n_samples,"),
        ({"refit": "auc"}, {}, "refit='auc' names a metric, but scoring=None"),
        ({"refit": 3}, {}, "refit.* 3 instead"),
    ],
)
def test_bad_input(calls, options, fit, message):
    """What cannot be is said with argument and value, before any training."""
    search = halving(Scripted(), {"value": [0.1, 0.2, 0.3, 0.4]}, **options)
    if message is None:
        search.fit(X, y, **fit)  # a NumPy array of strings, where all are in order
        return
    with pytest.raises((ValueError, TypeError), match=message):
        search.fit(X, y, **fit)
    assert not CALLS


def test_columns_of_validation_data(calls):
    """Rows to validate on have the columns of X, in their order."""
    frame = pd.DataFrame(X, columns=list("abcd"))
    search = halving(Scripted(), {"value": [0.1, 0.2, 0.3, 0.4]})
    with pytest.raises(ValueError, match=r"has the columns .*'d'.*but X has"):
        search.fit(frame, y, validation_data=(frame[list("bacd")], y))
    assert not CALLS


@pytest.mark.parametrize("cv", [4, GroupKFold(4)])
def test_groups_that_repeat(threads_client, cv):
    """Groups that take turns are in every chunk of data in memory."""
    search = halving(SGDClassifier(random_state=0), cv=cv, chunk_size=75)
    search.fit(X, y, groups=np.arange(300) % 8)
    assert search.n_splits_ == 4


def test_empty_chunks(threads_client):
    """A chunk without rows is none, with folds as without."""
    keep = da.from_array(np.arange(300) >= 100, chunks=100)
    lazy_X, lazy_y = FORMS["dask"](X, y)
    search = halving(SGDClassifier(random_state=0), cv=3)
    search.fit(lazy_X[keep], lazy_y[keep])
    assert search.best_score_ > 0.5


def test_refit_of_a_booster_is_as_large(threads_client):
    """Trained again on all rows, a booster has as many trees as the one that won."""
    search = halving(
        GradientBoostingClassifier(n_estimators=2, random_state=0),
        {"learning_rate": [0.1, 0.2, 0.3, 0.4]},
        resource="boosting_rounds",
        refit=True,
    ).fit(X, y)
    calls = search.cv_results_["partial_fit_calls"][search.best_index_]
    assert search.best_estimator_.n_estimators_ == 2 * calls
    assert "split0_test_score" not in search.cv_results_


@pytest.mark.parametrize("stack", [False, True])
def test_refit_changes_no_score(threads_client, stack):
    """Scores are the same whether the best is to be trained again or not."""
    found = [
        halving(Stackable(), chunk_size=100, refit=refit, stack=stack)
        .fit(X, y)
        .cv_results_["test_score"]
        for refit in (False, True)
    ]
    np.testing.assert_array_equal(*found)


def test_one_metric_by_name(threads_client):
    """A dict of one metric is several to scikit-learn, and so it is here."""
    search = halving(SGDClassifier(), scoring={"auc": "roc_auc"}, refit="auc", cv=2)
    search.fit(X, y)
    assert search.multimetric_
    assert {"test_auc", "mean_test_auc", "split1_test_auc"} <= set(search.cv_results_)


def test_splitter_of_unknown_lengths(threads_client):
    """A splitter needs to know how long chunks are; an integer does not."""
    frame, target = FORMS["frame"](X, y)
    with pytest.raises(ValueError, match="needs to know the lengths of all chunks"):
        halving(SGDClassifier(), cv=KFold(3)).fit(frame, target)
    lazy = frame.to_dask_array(lengths=True), target.to_dask_array(lengths=True)
    search = halving(SGDClassifier(), cv=KFold(3, shuffle=True)).fit(*lazy)
    assert search.n_splits_ == 3


def test_regressors(threads_client):
    """Folds of continuous targets are drawn at random."""
    search = halving(SGDRegressor(random_state=0), cv=3).fit(X, X @ [1, 2, 3, 4])
    assert search.best_score_ > 0.5
    reference = LinearRegression().fit(X, X @ [1, 2, 3, 4])
    assert search.predict(X).shape == reference.predict(X).shape


@pytest.mark.parametrize("cv", [201, 10**6])
@pytest.mark.parametrize("known", [True, False])
def test_more_folds_than_rows(calls, cv, known):
    """More folds than rows are refused at once, also if Dask does not know how many."""
    rows, labels = da.from_array(X[:200], chunks=50), da.from_array(y[:200], chunks=50)
    if not known:
        rows, labels = rows[rows[:, 0] < 9], labels[labels < 9]
    search = halving(Scripted(), {"value": [0.1, 0.2, 0.3, 0.4]}, cv=cv)
    with pytest.raises(ValueError, match=f"cv={cv} is more than the number of rows, 2"):
        search.fit(rows, labels)
    assert calls == []
