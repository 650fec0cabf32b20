# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What candidates have in common: each distinct fit is one node."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler
from sklearn.svm import SVC

from gpu_hpo.exhaustive.plan._assembly import LAST, Piped, nodes_in
from gpu_hpo.exhaustive.plan._nodes import ROOT, Joined, Step
from gpu_hpo.exhaustive.plan._planner import Planner
from gpu_hpo.training._content_keys import Keys
from tests.exhaustive.plan.helpers import (
    MANY,
    Meta,
    OtherColumns,
    OtherPipeline,
    OtherUnion,
    Plain,
    columns,
    counted,
    pipe,
    plan_all,
    union,
)

DEEP = pipe(
    union(
        pipe(Plain(), Plain(1)),
        columns(Plain(), pipe(Plain(1), Plain()), remainder=Plain()),
        "passthrough",
    ),
    pipe(Plain(), SVC()),
)
CALLS = [0, 1]

# Name: estimator, grid, and how many steps, joined ones and candidates there are.
PLANS = {
    "one estimator": (SVC(), {"C": [1, 2], "kernel": ["rbf"]}, (0, 0, 2)),
    "a grid of steps": (
        MANY,
        {"a__a": CALLS, "b__a": CALLS, "c__a": CALLS, "d__C": [1, 2]},
        (2 + 4 + 8, 0, 16),
    ),
    "the first alone": (MANY, {"a__a": CALLS}, (6, 0, 2)),
    "the third alone": (MANY, {"c__a": CALLS}, (4, 0, 2)),
    "the last alone": (MANY, {"d__C": [1, 2, 3]}, (3, 0, 3)),
    "two parameters": (MANY, {"a__a": CALLS, "a__b": [0, 1, 2]}, (18, 0, 6)),
    "lists of grids": (
        MANY,
        [{"a__a": [1]}, {"b__a": [1]}, {"c__a": [1]}, {"d__C": [9]}],
        (3 + 2 + 1 + 3, 0, 4),
    ),
    "left out": (
        MANY,
        {"a": ["passthrough", None, Plain()], "c": ["passthrough"]},
        (2, 0, 2),  # the second step is the first where that is left out
    ),
    "all left out": (
        MANY,
        {"a": ["passthrough", None], "b": [None], "c": ["passthrough", None]},
        (0, 0, 1),
    ),
    "as values": (MANY, {"b": [Plain(), Plain(1), PCA(), Plain(1)]}, (7, 0, 3)),
    "as values, and theirs": (
        MANY,
        {"b": [Plain(), Plain(5)], "b__a": [1, 2]},
        (1 + 2 * 2, 0, 2),  # what it had before does not matter
    ),
    "values and theirs apart": (
        MANY,
        [{"b": [Plain(3)]}, {"b__a": [3]}, {"b": [Plain()], "b__a": [3]}],
        (3, 0, 1),
    ),
    "last step as a value": (MANY, {"d": [SVC(), Ridge(), SVC(C=1.0)]}, (3, 0, 2)),
    "steps as values": (
        MANY,
        {"steps": [MANY.steps, MANY.steps[:1] + MANY.steps[3:], MANY.steps[2:]]},
        # To the third its first step is what it is to the others.
        (3, 0, 2),
    ),
    "same steps twice": (pipe(Plain(), Plain(), SVC()), {"b__a": [0, 1]}, (3, 0, 2)),
    "ends in nothing": (pipe(Plain(), "passthrough"), {"a__a": CALLS}, (0, 0, 2)),
    "ends in a pipeline": (
        pipe(Plain(), pipe(Plain(), SVC())),
        {"b__a__a": CALLS, "b__b__C": [1, 2]},
        (1 + 2, 0, 4),
    ),
    "begins with a pipeline": (
        pipe(pipe(Plain(), Plain()), SVC()),
        {"a__b__a": CALLS, "a__a": ["passthrough", Plain()]},
        (1 + 2 + 1, 0, 4),
    ),
    "pipeline of nothing": (
        pipe(pipe("passthrough", None), SVC()),
        {"a__a": ["passthrough"], "b__C": [1, 2]},
        (1, 0, 2),
    ),
    "pipeline, with or without": (
        pipe(pipe(Plain()), SVC()),
        {"a": ["passthrough", Plain()], "b__C": [1, 2]},
        (1, 0, 4),
    ),
    "union": (
        pipe(union(Plain(), Plain(1)), SVC()),
        {"a__u__a": [0, 2], "a__v__a": [1, 3]},
        (2 + 2, 4, 4),
    ),
    "union of equals": (pipe(union(Plain(), Plain()), SVC()), {}, (1, 1, 1)),
    "union with weights": (
        pipe(union(Plain(), Plain(1)), SVC()),
        {"a__transformer_weights": [None, {"u": 2}, {"u": 3}]},
        (2, 3, 3),
    ),
    "union with jobs": (
        pipe(union(Plain(), Plain(1)), SVC()),
        {"a__n_jobs": [None, 2], "a__verbose": [True, False]},
        (2, 1, 1),
    ),
    "union with gaps": (
        pipe(union(Plain(), Plain(1)), SVC()),
        {"a__u": ["drop", "passthrough", Plain(7)]},
        (1 + 1, 3, 3),
    ),
    "union of nothing": (
        pipe(union("drop", "passthrough"), SVC()),
        {"b__C": [1, 2]},
        (1, 0, 2),
    ),
    "union, exchanged": (
        pipe(union(Plain()), SVC()),
        {"a__transformer_list": [[("u", Plain())], [("other", Plain())]]},
        (1, 2, 2),  # one part, by two names
    ),
    "union alone": (union(Plain(), Plain(1)), {"u__a": CALLS}, (0, 0, 2)),
    "columns": (
        pipe(columns(Plain(), Plain()), SVC()),
        {"a__x__a": CALLS, "a__y__a": CALLS},
        (2 + 2, 4, 4),
    ),
    "columns of one kind": (
        pipe(
            ColumnTransformer([("x", Plain(), [0]), ("y", Plain(), [0])]),
            SVC(),
        ),
        {"a__y__a": CALLS},
        (2, 2, 2),
    ),
    "columns, others": (
        pipe(columns(Plain()), SVC()),
        {"a__transformers": [[("x", Plain(), c)] for c in ([0], [1], "name", 0, [0])]},
        (4, 4, 4),
    ),
    "remainder": (
        pipe(columns(Plain()), SVC()),
        {"a__remainder": ["drop", "passthrough", Plain(), Plain(1)]},
        (1 + 2, 4, 4),
    ),
    "remainder's own": (
        pipe(columns(Plain(), remainder=Plain()), SVC()),
        {"a__remainder__a": CALLS, "a__x__a": CALLS},
        (2 + 2, 4, 4),
    ),
    "columns within a union": (
        pipe(union(columns(Plain()), columns(Plain())), SVC()),
        {"a__u__x__a": CALLS},
        (2, 2 + 2, 2),
    ),
    "deep": (
        DEEP,
        {"a__u__b__a": [1, 2], "a__v__y__a__a": [1, 2], "b__a__a": [0, 1]},
        # a__u: 1 + 2; a__v: x, y: 2 + 2, remainder; then b__a after each of four.
        ((1 + 2) + (1 + 4 + 1) + 2 * 4, 2 + 4, 8),
    ),
    "another pipeline": (OtherPipeline(MANY.steps), {"a__a": CALLS}, (0, 0, 2)),
    "another pipeline within": (
        pipe(Plain(), OtherPipeline(MANY.steps[:2]), SVC()),
        {"b__a__a": CALLS, "c__C": [1, 2]},
        (1 + 2, 0, 4),
    ),
    "another union": (
        pipe(OtherUnion([("u", Plain())]), SVC()),
        {"a__u__a": CALLS},
        (2, 0, 2),
    ),
    "other columns": (
        pipe(OtherColumns([("x", Plain(), [0])]), SVC()),
        {"a__x__a": CALLS},
        (2, 0, 2),
    ),
    "others as values": (
        MANY,
        {"b": [OtherUnion([("u", Plain())]), union(Plain())], "b__u__a": CALLS},
        (1 + 2 + 2 + 4, 2, 4),
    ),
    "inputs are transformed": (
        pipe(Plain(), SVC(), transform_input=["X_val"]),
        {"a__a": CALLS, "b__C": [1, 2]},
        (0, 0, 4),
    ),
    "memory": (
        MANY,
        {"memory": [None, "folder"], "d__C": [1, 2]},
        (3 + 3, 0, 4),
    ),
    "within another estimator": (
        pipe(Plain(), Meta(pipe(Plain(), SVC()))),
        {"b__inner__a__a": CALLS, "b__inner__b": [Ridge(), SVC()]},
        (1, 0, 4),
    ),
    "invalid steps": (pipe(SVC(), Plain(), SVC()), {"b__a": CALLS}, (0, 0, 2)),
    "no steps": (Pipeline([]), {"verbose": [True, False]}, (0, 0, 2)),
    "one step": (pipe(SVC()), {"a__C": [1, 2]}, (0, 0, 2)),
    "random states": (
        MANY,
        {"b": [PCA(random_state=np.random.RandomState(i)) for i in (0, 0, 1)]},
        (1 + 2 * 2, 0, 2),
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_counts(name):
    """There is a node for each distinct fit, and a key for each distinct candidate."""
    estimator, grid, expected = PLANS[name]
    planner, plans = plan_all(estimator, grid)
    assert (*counted(planner), len({plan.key for plan in plans})) == expected


@pytest.mark.parametrize("name", PLANS)
def test_order(name):
    """What a node needs has a smaller number; planning again adds nothing."""
    estimator, grid, _ = PLANS[name]
    planner, plans = plan_all(estimator, grid)
    for number, node in planner.nodes.items():
        assert node.number == number > ROOT
        assert all(need < number for need in node.needs)
        assert node.source == node.needs[0]
    leaves = {plan.leaf.number: plan.leaf for plan in plans}
    assert sorted(leaves) == list(range(len(leaves)))
    for plan in plans:
        assert plan.leaf is leaves[plan.leaf.number]
        assert plan.leaf.source in {ROOT, *planner.nodes}
        if plan.leaf.assembly is not None:
            assert set(nodes_in(plan.leaf.assembly)) <= {LAST, *planner.nodes}
    before = counted(planner)
    again = [planner.plan(params) for params in ParameterGrid(grid)]
    assert [plan.key for plan in again] == [plan.key for plan in plans]
    assert [plan.leaf for plan in again] == [plan.leaf for plan in plans]
    assert counted(planner) == before


@pytest.mark.parametrize("name", PLANS)
def test_estimators_are_those_of_scikit_learn(name):
    """Steps, and the last with its own parameters, are as `set_params` makes them."""
    estimator, grid, _ = PLANS[name]
    _, plans = plan_all(estimator, grid)
    for params, plan in zip(ParameterGrid(grid), plans, strict=True):
        whole = clone(estimator).set_params(**clone(params, safe=False))
        last = clone(plan.leaf.estimator)
        last.set_params(**clone(dict(plan.params), safe=False))
        expected, piped = whole, plan.leaf.assembly
        while isinstance(piped, Piped):
            expected, piped = expected[-1], piped.steps[-1][1]
        assert repr(expected) == repr(last)


@pytest.mark.parametrize("name", PLANS)
def test_apart(name):
    """If composites are not taken apart there is no node, and a leaf has all of one."""
    estimator, grid, _ = PLANS[name]
    planner, plans = plan_all(estimator, grid, apart=False)
    assert not planner.nodes
    for params, plan in zip(ParameterGrid(grid), plans, strict=True):
        assert plan.leaf.source == ROOT
        assert plan.leaf.assembly is None
        last = clone(plan.leaf.estimator)
        last.set_params(**clone(dict(plan.params), safe=False))
        whole = clone(estimator).set_params(**clone(params, safe=False))
        keys = Keys()
        assert keys.of(whole) == keys.of(last)


def test_keys():
    """Candidates are the same if their estimators are, whichever way they are given."""
    _, plans = plan_all(
        MANY,
        [
            {"d__C": [1.0, 1, True]},
            {"a__a": [0], "d__C": [1.0]},
            {"a": [Plain()], "b": [Plain(0, 0)], "d": [SVC(C=1.0)]},
            {"a__a": [0.0]},
            {"a": ["passthrough"]},
            {"a": [None]},
        ],
    )
    keys = [plan.key for plan in plans]
    assert keys[0] == keys[3] == keys[4]
    assert len({*keys[:3], keys[5], keys[6]}) == 5
    assert keys[6] == keys[7]


def test_values_are_left_alone():
    """Neither the estimator nor the values of candidates are changed."""
    part, base = Plain(1), clone(MANY)
    planner = Planner(base)
    planner.plan({"b": part, "b__a": 5})
    planner.plan({"c": part, "a__a": 3, "d__C": 2})
    assert part.get_params() == {"a": 1, "b": 0}
    assert repr(base) == repr(clone(MANY))
    for node in planner.nodes.values():
        assert node.estimator is not part


def test_joined():
    """A joined node knows its parts, and its columns those of the nodes around it."""
    planner, _ = plan_all(DEEP, {})
    joined = [node for node in planner.nodes.values() if isinstance(node, Joined)]
    inner, outer = joined
    assert list(inner.parts) == ["x", "y", "remainder"]
    assert list(outer.parts) == ["u", "v"]
    assert outer.parts["v"][0] == inner.number
    steps = [node for node in planner.nodes.values() if isinstance(node, Step)]
    # Only the first step of a pipeline is given a part of the columns.
    selections = [[column.part for column in node.columns] for node in steps]
    assert sorted(selections) == [[], [], [], [], ["remainder"], ["x"], ["y"]]
    assert {type(node.estimator) for node in steps} == {Plain}


def test_many_candidates_are_planned_fast():
    """Candidates that differ in values alone do not walk along the steps again."""
    planner = Planner(clone(MANY))
    for i in range(2000):
        planner.plan({"a__a": i % 3, "d__C": float(i)})
    assert counted(planner) == (9, 0)
    assert len(planner._templates) == 1


def test_other_transformers():
    """Of transformers of scikit-learn's it makes the same."""
    steps = Pipeline([("s", StandardScaler()), ("n", Normalizer()), ("c", SVC())])
    grid = [
        {"s": [StandardScaler(), MinMaxScaler()], "n": ["passthrough", Normalizer()]},
        {"s__with_mean": [True, False], "c": [LogisticRegression(), SVC()]},
        {"n": [SelectKBest(k=1)], "n__k": [1, 2]},
    ]
    planner, plans = plan_all(steps, grid)
    # Scalers: three; after the usual one three normalisers, and one after each other.
    assert counted(planner)[0] == 3 + 3 + 2
    assert len({plan.key for plan in plans}) == 4 + 3 + 2
