# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Parameters of candidates and of `fit`, and which rows and columns a fit is given."""

import pytest
import sklearn
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.preprocessing import KernelCenterer
from sklearn.svm import SVC
from sklearn.utils import get_tags

from gpu_hpo.exhaustive.plan._nodes import Step
from gpu_hpo.exhaustive.plan._planner import Planner
from tests.exhaustive.plan.helpers import (
    MANY,
    Plain,
    columns,
    counted,
    pipe,
    plan_all,
    union,
)

# ---- parameters that there are not ----


@pytest.mark.parametrize(
    "params",
    [
        {"nope": 1},
        {"nope__a": 1},
        {"a__nope": 1},
        {"a__a__nope": 1},
        {"d__nope": 1},
        {"a": "passthrough", "a__a": 1},
        {"a": None, "a__a": 1},
        {"b": PCA(), "b__a": 1},
        {"d": Ridge(), "d__C": 1},
        {"e__a": 1},
    ],
    ids=str,
)
def test_invalid_parameters(params):
    """What scikit-learn refuses is refused in its words."""
    with pytest.raises((ValueError, AttributeError)) as theirs:
        clone(MANY).set_params(**params)
    with pytest.raises(type(theirs.value)) as ours:
        Planner(clone(MANY)).plan(params)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(
    ("estimator", "params"),
    [
        (pipe(union(Plain()), SVC()), {"a__v__a": 1}),
        (pipe(union(Plain()), SVC()), {"a__u__nope": 1}),
        (pipe(columns(Plain()), SVC()), {"a__x__nope": 1}),
        (pipe(columns(Plain()), SVC()), {"a__remainder__a": 1}),
        (SVC(), {"D": 1}),
        (SVC(), {"C__D": 1}),
    ],
    ids=["part", "part's", "column's", "remainder's", "one's", "no estimator's"],
)
def test_invalid_parameters_of_parts(estimator, params):
    """So it is of parts of composites."""
    with pytest.raises((ValueError, AttributeError)) as theirs:
        clone(estimator).set_params(**params)
    with pytest.raises(type(theirs.value)) as ours:
        Planner(clone(estimator)).plan(params)
    assert str(ours.value) == str(theirs.value)


# ---- parameters of fit ----


def routes(estimator, *names):
    """Fit parameters of each step and of the last one, by method."""
    planner = Planner(clone(estimator), names)
    leaf = planner.plan({}).leaf
    steps = [node for node in planner.nodes.values() if isinstance(node, Step)]
    return [
        {
            method: dict(route)
            for method, route in node.routes.items()
            if route and method in ("fit", "fit_transform")
        }
        for node in (*steps, leaf)
    ]


def test_fit_parameters():
    """Each step is given its own, by the name that it knows them by."""
    given = routes(MANY, "a__sample_weight", "d__sample_weight", "d__other")
    assert given == [
        {
            "fit": {"sample_weight": "a__sample_weight"},
            "fit_transform": {"sample_weight": "a__sample_weight"},
        },
        {},
        {},
        {
            "fit": {"sample_weight": "d__sample_weight", "other": "d__other"},
            "fit_transform": {"sample_weight": "d__sample_weight", "other": "d__other"},
        },
    ]


def test_fit_parameters_of_one():
    """One that is no composite is given all."""
    assert routes(SVC(), "sample_weight", "b") == [
        {"fit": {"sample_weight": "sample_weight", "b": "b"}}
    ]


def test_fit_parameters_of_parts():
    """A composite that is given some is left whole, and hands them on by itself."""
    nested = pipe(pipe(Plain(), Plain()), union(Plain()), pipe(Plain(), SVC()))
    given = routes(nested, "a__a__sample_weight", "c__b__sample_weight")
    assert len(given) == 3  # both pipelines are one; the union is a part, and joined
    assert given[0]["fit_transform"] == {"a__sample_weight": "a__a__sample_weight"}
    assert given[-1]["fit"] == {"b__sample_weight": "c__b__sample_weight"}
    assert len(routes(nested)) == 2 + 1 + 1 + 1


@pytest.mark.parametrize("bad", ["sample_weight", "nope__sample_weight"])
def test_fit_parameters_for_nobody(bad):
    """A pipeline that will refuse them is left whole, to say so."""
    planner = Planner(clone(MANY), [bad])
    leaf = planner.plan({"a__a": 1}).leaf
    assert not planner.nodes
    assert leaf.assembly is None
    assert leaf.routes == {"fit": {bad: bad}}


def test_routed_fit_parameters():
    """With metadata routing they go to whoever asks for them."""
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = pipe(
            Plain().set_fit_request(sample_weight=True),
            Plain().set_fit_request(sample_weight="other"),
            Plain().set_fit_request(sample_weight=False),
            SVC().set_fit_request(sample_weight=True),
        )
        first, second, third, last = routes(estimator, "sample_weight", "other")
    assert first["fit_transform"] == {"sample_weight": "sample_weight"}
    assert second["fit_transform"] == {"sample_weight": "other"}
    assert third == {}
    assert last["fit"] == {"sample_weight": "sample_weight"}


def test_fit_parameters_tell_steps_apart():
    """Two steps that are given other parameters are not the same."""
    two = pipe(union(Plain(), pipe(Plain())), SVC())
    planner, _ = plan_all(two, {}, fit_params=["b__sample_weight"])
    assert counted(planner) == (1, 1)
    # Where the first is left out, the second is what the first is, but for weights.
    one, grid = pipe(Plain(), Plain(), SVC()), {"a": [Plain(), "passthrough"]}
    planner, _ = plan_all(one, grid, fit_params=["a__sample_weight"])
    assert counted(planner) == (3, 0)
    planner, _ = plan_all(one, grid)
    assert counted(planner) == (2, 0)


# ---- columns that are samples ----


@pytest.mark.parametrize(
    ("estimator", "params"),
    [
        (SVC(kernel="precomputed"), {"C": 1}),
        (SVC(), {"C": 1}),
        (SVC(), {"kernel": "precomputed"}),
        (SVC(kernel="precomputed"), {"kernel": "linear"}),
        (pipe(SVC(kernel="precomputed")), {"a__kernel": "rbf"}),
        (pipe(SVC()), {"a__kernel": "precomputed"}),
        (pipe(KernelCenterer(), SVC()), {"b__kernel": "precomputed"}),
        (pipe(KernelCenterer(), SVC()), {"a": Plain(), "b__kernel": "precomputed"}),
        (pipe(Plain(), SVC()), {"a": KernelCenterer()}),
        (pipe(Plain(), SVC()), {"b": SVC(kernel="precomputed")}),
    ],
    ids=range(10),
)
def test_pairwise(estimator, params):
    """Columns are samples if scikit-learn says so of the candidate."""
    whole = clone(estimator).set_params(**clone(params, safe=False))
    theirs = get_tags(whole).input_tags.pairwise
    leaf = Planner(clone(estimator)).plan(params).leaf
    assert leaf.pairwise is theirs


def test_pairwise_leaves():
    """Of one estimator candidates with pairwise rows and others have two leaves."""
    _, plans = plan_all(SVC(), {"kernel": ["precomputed", "rbf", "linear"]})
    assert [plan.leaf.pairwise for plan in plans] == [True, False, False]
    assert plans[1].leaf is plans[2].leaf
    assert len({plan.key for plan in plans}) == 3
