# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What the runner of an exhaustive search asks of a pool, and how long it keeps it."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.metrics import check_scoring
from sklearn.model_selection import KFold, ParameterGrid
from sklearn.pipeline import FeatureUnion, Pipeline

from gpu_hpo.exhaustive import _fold_runner
from tests.exhaustive.fold_runs import (
    ALPHAS,
    FOLDS,
    GRID,
    SGD,
    SPLITS,
    STEPS,
    Fails,
    Run,
    Shift,
    X,
    expected_scores,
    y,
)
from tests.exhaustive.recording_pool import RecordingPool


@pytest.fixture(params=[0.0, 1e9], ids=["one by one", "in batches"])
def batches(request, configure):
    """Tasks of one candidate each, or of as many as there may be."""
    configure({"tasks.exhaustive": request.param})
    return request.param > 0


def one_by_one():
    """The same, as scikit-learn's own fit and score give them."""
    scorer = check_scoring(STEPS, "neg_log_loss")
    found = {}
    for i, params in enumerate(ParameterGrid(GRID)):
        for k, (train, test) in enumerate(SPLITS):
            model = clone(STEPS).set_params(**params).fit(X[train], y[train])
            found[i, k] = scorer(model, X[test], y[test])
    return found


# ---- what is done ----


def test_scores():
    """Scores are those of estimators that are fitted and scored in one piece."""
    assert expected_scores() == pytest.approx(one_by_one(), abs=1e-12)


@pytest.mark.parametrize("n_slots", [1, 2, 7])
def test_each_node_once(batches, n_slots):
    """Each node is fitted once per split, whatever the size of tasks."""
    pool = RecordingPool(n_slots)
    run = Run(pool)()
    assert len(run.nodes) == 2 + 2 * 3
    began = dict(pool.began)
    if not batches:
        assert began["evaluate"] == len(run.params) * FOLDS
    assert began.pop("evaluate") <= len(run.params) * FOLDS
    assert began == {"cut_fold": FOLDS, "cut_rows": FOLDS, "fit_step": 8 * FOLDS}
    assert run.scores == expected_scores()
    assert run.loads == 1


def test_each_part_once(batches):
    """Parts of unions and of columns are fitted, and put together, once per split."""
    columns = ColumnTransformer([("c", Shift(), [0, 1]), ("d", Shift(), [2])])
    union = FeatureUnion([("a", Shift()), ("b", Shift())])
    estimator = Pipeline([("union", union), ("columns", columns), ("last", Fails())])
    grid = {
        "union__a__by": [0.0, 1.0],
        "columns__c__by": [0.0, 1.0],
        "columns__d__by": [0.0, 1.0, 2.0],
        "last__C": [0.1, 1.0],
    }
    pool = RecordingPool()
    run = Run(pool, estimator, grid)()
    steps = 2 + 2 * (2 + 3)  # of the union's parts one is as the other is at times
    assert pool.began["fit_step"] == steps * FOLDS
    assert pool.began["join_parts"] == (2 + 2 * 2 * 3) * FOLDS
    assert pool.began["cut_fold"] == pool.began["cut_rows"] == FOLDS
    assert not pool.held
    assert len(run.scores) == 24 * FOLDS


def test_size_of_batches(configure):
    """Once the price of a candidate is known, tasks are as long as they should be."""
    configure({"tasks.exhaustive": 1e9})
    pool = RecordingPool(1)
    grid = {"last__C": np.logspace(-2, 1, 41)}
    run = Run(pool, STEPS, grid, limit=1)()
    sizes = [len(numbers) for kind, _, numbers in run.calls if kind == "taken"]
    # The first shows the price; and there are four or more for each slot.
    assert sizes[0] == 1
    assert max(sizes) == 41 * FOLDS // 4
    assert sum(sizes) == 41 * FOLDS


def test_batches_change_nothing(configure):
    """The same comes out of tasks of one candidate and of tasks of many."""
    grid = {"a__by": [0.0, 1.0], "last__C": [*np.logspace(-2, 1, 9), 13]}
    found = []
    for seconds in (0.0, 1e9):
        configure({"tasks.exhaustive": seconds})
        run = Run(RecordingPool(1), STEPS, grid, train=True, limit=1)()
        found.append((run.scores, run.failed))
    assert found[0] == found[1]
    assert found[0][1] == [9, 19]


@pytest.mark.parametrize(
    ("n_slots", "lots"), [(1, 1), (2, 1), (4, 2), (5, 3), (40, 10)]
)
def test_together(n_slots, lots):
    """Candidates that are fitted together go into as few tasks as there are slots."""
    pool = RecordingPool(n_slots)
    run = Run(pool, SGD, ALPHAS)()
    assert run.groups[0].together
    assert run.groups[0].divisible
    assert pool.began["evaluate"] == lots * FOLDS
    assert not run.failed
    alone = {}
    for i, value in enumerate(ALPHAS["alpha"]):
        scores = Run(RecordingPool(), SGD, {"alpha": [value]})().scores
        alone |= {(i, k): scores[0, k] for k in range(FOLDS)}
    assert run.scores == alone


def test_together_in_one(configure):
    """Those whose fit depends on how many there are stay in one task."""
    pool = RecordingPool(8)
    run = Run(pool, SGD, ALPHAS)
    (group,) = run.groups
    run.groups = [_fold_runner.Group(group.leaf, group.members, True, False)]
    run()
    assert pool.began["evaluate"] == FOLDS
    configure({"tasks.max-models": 4})
    pool = RecordingPool(8)
    run = Run(pool, SGD, ALPHAS)
    (group,) = run.groups
    run.groups = [_fold_runner.Group(group.leaf, group.members, True, False)]
    run()
    assert pool.began["evaluate"] == 3 * FOLDS


def test_seeds_of_those_fitted_together():
    """A candidate's seed is its own, whoever is fitted with it."""
    seeds = [None, 0, 1]
    model = clone(SGD).set_params(learning_rate="constant", eta0=0.5)
    together = Run(RecordingPool(1), model, {"random_state": seeds})().scores
    for i in (1, 2):
        alone = Run(RecordingPool(1), model, {"random_state": [seeds[i]]})().scores
        for k in range(FOLDS):
            assert together[i, k] == alone[0, k]


def test_order_of_what_is_said(batches):
    """A candidate is said to have begun before what it scored is, both once a split."""
    run = Run(RecordingPool(3), limit=3)()
    begun, taken = (
        [
            (split, number)
            for kind, split, numbers in run.calls
            if kind == wanted
            for number in numbers
        ]
        for wanted in ("begun", "taken")
    )
    assert sorted(begun) == sorted(taken)
    assert len(set(begun)) == len(begun) == len(run.params) * FOLDS
    for place in taken:
        assert begun.index(place) <= taken.index(place)


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_limit(limit):
    """No more tasks with scores are there at a time than are asked for."""
    pool = RecordingPool(2)
    Run(pool, limit=limit)()
    assert max(pool.waited) == min(limit, 24)


@pytest.mark.parametrize("known", [False, True], ids=["not known", "known"])
def test_groups_are_asked_for_as_needed(known):
    """A group is generated when there is nothing else left to begin, if it may be."""
    run = Run(RecordingPool(1), limit=1, count_uses=known)
    generated = []

    def generate(groups):
        for group in groups:
            generated.append(len(run.evaluations))
            yield group

    run.groups = generate(run.groups)
    run()
    assert generated == [0 if known else 4 * i for i in range(6)]


# ---- what is kept ----


@pytest.mark.parametrize("limit", [1, 4])
def test_results_are_dropped(batches, limit):
    """What nothing needs any more is released, and in the end all is."""
    pool = RecordingPool(2)
    grid = {"a__by": np.arange(20.0), "b__by": [0.0, 1.0], "last__C": [0.1, 1.0]}
    run = Run(pool, STEPS, grid, limit=limit)()
    assert not pool.held
    # Data, rows and folds; of each task at a time a way of two nodes, and itself.
    assert pool.most <= 1 + 2 * FOLDS + 3 * (limit + FOLDS)
    assert len(run.scores) == 80 * FOLDS


def test_results_whose_uses_are_not_known():
    """Where nobody knows who needs a node, it is kept to the end."""
    pool = RecordingPool(2)
    run = Run(pool, count_uses=False)()
    assert pool.most >= len(run.nodes) * FOLDS
    assert not pool.held


def test_many_splits_of_known_candidates():
    """What is made of many splits is not there all at a time."""
    splits = list(KFold(15).split(X))
    pool = RecordingPool(1)
    run = Run(pool, splits=splits, limit=1)()
    assert pool.began["cut_fold"] == pool.began["cut_rows"] == 15
    assert pool.most <= 1 + 2 * 2 + len(run.nodes) + 1
    assert len(run.scores) == 12 * 15
    assert not pool.held


def test_many_splits_of_candidates_to_come(configure):
    """Nor is it where nobody knows yet which candidates will need it."""
    configure({"tasks.kept-splits": 4})
    grid = {"C": [0.1, 1.0, 10.0]}
    splits = list(KFold(5).split(X))
    pool = RecordingPool(1)
    run = Run(pool, Fails(), grid, splits=splits, count_uses=False, limit=1)()
    assert pool.most <= 1 + 2 * 2 + 1
    assert len(run.scores) == 3 * 5
    few = RecordingPool(1)
    again = Run(few, Fails(), grid, splits=splits[:4], count_uses=False, limit=1)()
    assert few.began["cut_fold"] == 4
    assert again.scores.items() <= run.scores.items()


def test_folds_that_are_cut_again():
    """Without a cache each task has its fold cut again, and none is kept."""
    pool = RecordingPool(2)
    run = Run(pool, Fails(), {"C": [0.1, 1.0, 10.0]}, cache=False)()
    assert pool.began["cut_fold"] == 3 * FOLDS
    cached = RecordingPool(2)
    assert Run(cached, Fails(), {"C": [0.1, 1.0, 10.0]})().scores == run.scores
    assert cached.began["cut_fold"] == FOLDS


def test_whole_estimator():
    """A scorer that wants X as it was given gets the whole estimator, fitted."""
    seen = []

    def scorer(estimator, X, y):
        seen.append((type(estimator), X.shape, estimator["a"].mean_.shape))
        return check_scoring(STEPS, "neg_log_loss")(estimator, X, y)

    run = Run(RecordingPool(), scoring=scorer, keep_fitted=True)
    assert run().scores == pytest.approx(one_by_one(), abs=1e-12)
    assert set(seen) == {(Pipeline, (45, X.shape[1]), (X.shape[1],))}
