# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A candidate is what `set_params` makes of all its parameters at once."""

import pytest
from sklearn.base import clone
from sklearn.svm import SVC

from gpu_hpo.exhaustive.plan._nodes import Step
from gpu_hpo.exhaustive.plan._planner import Planner
from tests.exhaustive.plan.helpers import Plain, columns, pipe, union

IN_COLUMNS = pipe(columns(Plain(), Plain()), SVC())
IN_UNION = pipe(union(Plain(), Plain()), SVC())
NEW = [("x", Plain(b=8), [0]), ("y", Plain(b=9), [1])]
SHARED = Plain(b=7)
# Name: estimator, and parameters of a candidate.
CASES = {
    "transformers, and a part's": (
        IN_COLUMNS,
        {"a__transformers": NEW, "a__x__a": 5},
    ),
    "a part's, and transformers": (
        IN_COLUMNS,
        {"a__x__a": 5, "a__transformers": NEW},
    ),
    "transformers, and a part": (
        IN_COLUMNS,
        {"a__transformers": NEW, "a__x": Plain(b=4), "a__x__a": 5},
    ),
    "other columns, and a part's": (
        IN_COLUMNS,
        {"a": columns(Plain(b=3)), "a__transformers": NEW, "a__x__a": 5},
    ),
    "transformers of a part": (
        pipe(union(columns(Plain()), Plain()), SVC()),
        {"a__u__transformers": NEW, "a__u__x__a": 5, "a__v__a": 6},
    ),
    "transformers around a part": (
        pipe(columns(columns(Plain()), Plain()), SVC()),
        {"a__transformers": [("x", columns(Plain(b=2)), [0])], "a__x__x__a": 5},
    ),
    "a list of parts, and a part's": (
        IN_UNION,
        {"a__transformer_list": [("u", Plain(b=8))], "a__u__a": 5},
    ),
    "steps, and a step's": (
        pipe(Plain(), SVC()),
        {"steps": [("a", Plain(b=8)), ("b", SVC(C=2))], "a__a": 5, "b__C": 9.0},
    ),
    "a part, and its own": (IN_COLUMNS, {"a__x": Plain(b=8), "a__x__a": 5}),
    "the rest, and its own": (
        pipe(columns(Plain(), remainder=Plain()), SVC()),
        {"a__remainder": Plain(b=8), "a__remainder__a": 5},
    ),
    "one object twice": (
        IN_UNION,
        {"a__u": SHARED, "a__v": SHARED, "a__u__a": 5},
    ),
    "one object twice in a list": (
        IN_UNION,
        {"a__transformer_list": [("u", SHARED), ("v", SHARED)], "a__u__a": 5},
    ),
    "a composite for a step": (
        pipe(Plain(), SVC()),
        {"a": columns(Plain(b=2)), "a__transformers": NEW, "a__x__a": 5},
    ),
}
# Name: estimator, and parameters that cannot be set.
WRONG = {
    "a parameter of no part": (IN_COLUMNS, {"a__x": "drop", "a__x__a": 5}),
    "a parameter of what is passed": (
        pipe(Plain(), SVC()),
        {"a": "passthrough", "a__a": 5},
    ),
    "a parameter of None": (pipe(Plain(), SVC()), {"a": None, "a__a": 5}),
    "a part that is not in the list": (
        IN_UNION,
        {"a__transformer_list": [("w", Plain())], "a__u__a": 5},
    ),
    "two, of which the last is first": (
        pipe(Plain(), union(Plain()), SVC()),
        {"c__D": 1, "b": "passthrough", "b__u__a": 5},
    ),
    "two, of which the first is first": (
        pipe(Plain(), union(Plain()), SVC()),
        {"b": "passthrough", "b__u__a": 5, "c__D": 1},
    ),
}


def parts_of(estimator):
    """What the steps of a composite are, but for what is in composites in it."""
    if isinstance(estimator, Plain | SVC):
        return [(estimator.a, estimator.b)] if isinstance(estimator, Plain) else []
    named = getattr(estimator, "steps", None) or (
        getattr(estimator, "transformers", None) or estimator.transformer_list
    )
    parts = [part for _, part, *_ in named]
    parts.append(getattr(estimator, "remainder", "drop"))
    whole = [part for part in parts if not isinstance(part, str)]
    return sorted(found for part in whole for found in parts_of(part))


@pytest.mark.parametrize("name", CASES)
def test_parts(name):
    """The steps that are fitted are those of the estimator with the parameters."""
    estimator, params = CASES[name]
    expected = clone(estimator).set_params(**clone(params, safe=False))
    planner = Planner(clone(estimator))
    plan = planner.plan(params)
    steps = [node for node in planner.nodes.values() if isinstance(node, Step)]
    found = sorted((step.estimator.a, step.estimator.b) for step in steps)
    assert found == sorted(set(parts_of(expected)))
    last = clone(plan.leaf.estimator).set_params(**plan.params)
    assert last.C == expected.steps[-1][1].C


@pytest.mark.parametrize("name", CASES)
def test_order(name):
    """In whatever order parameters are given, the candidate is the same."""
    estimator, params = CASES[name]
    planner = Planner(clone(estimator))
    first = planner.plan(params)
    n_nodes = len(planner.nodes)
    again = planner.plan(dict(reversed(params.items())))
    assert again.key == first.key
    assert len(planner.nodes) == n_nodes


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    """What cannot be set raises what scikit-learn raises."""
    estimator, params = WRONG[name]
    with pytest.raises((AttributeError, ValueError)) as theirs:
        clone(estimator).set_params(**clone(params, safe=False))
    with pytest.raises(theirs.type) as ours:
        Planner(clone(estimator)).plan(params)
    assert str(ours.value) == str(theirs.value)
