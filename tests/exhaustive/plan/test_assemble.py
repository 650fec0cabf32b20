# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fitted apart and put together, a composite is as if it had been fitted whole."""

import copy
import pickle
import re

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.metaestimators import _safe_split

from gpu_hpo.exhaustive._candidate_spec import CandidateSpec
from gpu_hpo.exhaustive._fold_steps import (
    cut_fold,
    cut_rows,
    fit_step,
    join_parts,
)
from gpu_hpo.exhaustive.plan._assembly import LAST, assemble, nodes_in
from gpu_hpo.exhaustive.plan._composites import with_stand_ins, without_stand_ins
from gpu_hpo.exhaustive.plan._nodes import ROOT, Joined
from gpu_hpo.exhaustive.plan._planner import Planner
from gpu_hpo.exhaustive.plan._stand_in import StandIn
from tests.exhaustive.cases import DATA, ESTIMATORS
from tests.exhaustive.helpers import answer, assert_same_model, is_same

SPEC = CandidateSpec(None, "raise", return_train_score=True, keep_fitted=True)
COMPOSITES = [
    name
    for name, (estimator, *_) in ESTIMATORS.items()
    if Planner(clone(estimator)).plan({}).leaf.assembly is not None
]


def fit_apart(estimator, params, X, y=None):
    """Fit each node by itself; give the whole, and what has become of the rows."""
    planner = Planner(clone(estimator))
    plan = planner.plan(params)
    data = {"X": X, "y": y, "fit": {}, "score": {}}
    n = len(X) if isinstance(X, list) else X.shape[0]
    train, test = np.arange(n // 2), np.arange(n // 2, n)
    pairwise = plan.leaf.pairwise
    states = {ROOT: cut_fold(SPEC, data, train, test, pairwise)}
    rows = cut_rows(SPEC, data, train, test)
    for number, node in planner.nodes.items():
        source, *parts = (states[need] for need in node.needs)
        fit = join_parts if isinstance(node, Joined) else fit_step
        states[number] = fit(SPEC, node, True, source, rows, *parts)
    source = states[plan.leaf.source]
    model = clone(plan.leaf.estimator)
    model.set_params(**clone(dict(plan.params), safe=False))
    target = () if y is None else (rows["y_train"],)
    model.fit(source["train"], *target)
    if plan.leaf.assembly is not None:
        assert LAST in nodes_in(plan.leaf.assembly)
        model = assemble(plan.leaf.assembly, {**source["fitted"], LAST: model})
    return model, states[ROOT], rows, source


@pytest.mark.filterwarnings("ignore:`TargetEncoder:FutureWarning")
@pytest.mark.parametrize("name", COMPOSITES)
def test_whole(name):
    """It has learned the same, and answers the same, for all kinds of composites."""
    estimator, grid, data, *_ = ESTIMATORS[name]
    X, *y = DATA[data]
    for params in list(ParameterGrid(grid))[:4]:
        theirs = clone(estimator).set_params(**clone(params, safe=False))
        try:
            model, fold, rows, source = fit_apart(estimator, params, X, *y)
        except ValueError as error:
            # So does theirs.
            rows = _safe_split(theirs, X, *(y or [None]), np.arange(len(X) // 2))
            with pytest.raises(ValueError, match=re.escape(str(error))):
                theirs.fit(*rows)
            continue
        target = (rows["y_train"],) if y else ()
        theirs.fit(copy.deepcopy(fold["train"]), *target)
        assert_same_model(model, theirs)
        last = theirs
        while type(last) is Pipeline:
            last = last[-1]
        for kind, given in (
            ("test", fold["test"]),
            ("train_transformed", fold["train"]),
        ):
            for method in ("predict", "transform", "decision_function"):
                answers = [answer(m, method, given) for m in (model, theirs)]
                assert is_same(*answers), (params, method)
            if hasattr(theirs, "predict"):
                # The last step answers for what the others have made of the rows.
                assert is_same(last.predict(source[kind]), theirs.predict(given))


def test_estimators_are_left_alone():
    """Putting together changes neither the plan nor what was fitted."""
    estimator, *_ = ESTIMATORS["steps in steps"]
    planner = Planner(clone(estimator))
    leaf = planner.plan({}).leaf
    before = repr(leaf.assembly.pipeline)
    fitted = {
        number: PCA(1).fit(X) if number == LAST else StandardScaler().fit(X)
        for number in nodes_in(leaf.assembly)
    }
    one, two = (assemble(leaf.assembly, fitted) for _ in range(2))
    assert repr(leaf.assembly.pipeline) == before
    assert one is not two
    assert one.steps is not two.steps
    assert one.steps[-1][1].steps[-1][1] is fitted[LAST]


# ---- standing in ----


class Doubles(TransformerMixin, BaseEstimator):
    """A transformer with names for what comes out."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return 2 * X

    def get_feature_names_out(self, names=None):
        return np.asarray(["double"], dtype=object)


X = np.arange(8.0).reshape(4, 2)


def stand_in():
    """A fitted transformer, which knows two answers and has failed with a third."""
    answers = {"train": X, "test": X + 1, "again": ValueError("again")}
    return StandIn(Doubles().fit(X), answers)


def test_answers():
    """It gives what is known, by the kind of rows, whatever it is asked for."""
    part = stand_in()
    assert part.fit_transform(None) is X
    assert part.fit(None) is part
    part.kind = "test"
    np.testing.assert_array_equal(part.transform("anything"), X + 1)
    part.kind = "again"
    for _ in range(2):
        with pytest.raises(ValueError, match="again"):
            part.transform(None)


def test_stands_in_for_an_estimator():
    """Scikit-learn takes it for the fitted transformer, and copies it not."""
    part = stand_in()
    assert clone(part) is part
    assert clone([("a", part)], safe=False)[0][1] is part
    assert part.get_feature_names_out().tolist() == ["double"]
    assert part.fitted_ is True
    with pytest.raises(AttributeError):
        _ = part.nothing_
    with pytest.raises(AttributeError):
        _ = part.__array__


def test_copies_of_a_stand_in():
    """It can be copied and pickled, with the process of which it has no idea."""
    for part in (copy.copy(stand_in()), pickle.loads(pickle.dumps(stand_in()))):
        np.testing.assert_array_equal(part.transform(None), X)
        assert part.fitted_ is True


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_union(n_jobs):
    """A union of stand-ins joins what they know, and ends with what they stand for."""
    union = FeatureUnion(
        [("a", PCA(1)), ("b", "drop"), ("c", "passthrough"), ("d", Doubles())],
        n_jobs=n_jobs,
        transformer_weights={"d": 3.0},
    )
    whole = clone(union).set_params(n_jobs=None).fit(X)
    parts = {n: clone(union.get_params()[n]).fit(X) for n in "ad"}
    stand_ins = {n: StandIn(p, {"train": p.transform(X)}) for n, p in parts.items()}
    joined = with_stand_ins(union, stand_ins)
    np.testing.assert_array_equal(joined.fit_transform(X), whole.transform(X))
    without_stand_ins(joined, union, stand_ins)
    assert joined.n_jobs == n_jobs
    joined.n_jobs = None
    assert [part for _, part in joined.transformer_list][::3] == list(parts.values())
    np.testing.assert_array_equal(joined.transform(X), whole.transform(X))
    assert_same_model(joined, whole)
    assert [type(part) for _, part in union.transformer_list] == [
        PCA,
        str,
        str,
        Doubles,
    ]


@pytest.mark.parametrize(
    "remainder", ["drop", "passthrough", StandardScaler()], ids=str
)
def test_columns(remainder):
    """So it is of columns, with their remainder."""
    columns = ColumnTransformer(
        [("a", PCA(1), [0, 1]), ("b", "drop", [0]), ("d", Doubles(), [1])],
        remainder=remainder,
        n_jobs=2,
    )
    rows = np.c_[X, X[:, :1] ** 2]
    whole = clone(columns).set_params(n_jobs=None).fit(rows)
    fitted = {
        "a": PCA(1).fit(rows[:, :2]),
        "d": Doubles().fit(rows[:, 1:2]),
        "remainder": StandardScaler().fit(rows[:, 2:]),
    }
    given = {"a": rows[:, :2], "d": rows[:, 1:2], "remainder": rows[:, 2:]}
    stand_ins = {
        n: StandIn(p, {"train": p.transform(given[n]), "test": p.transform(given[n])})
        for n, p in fitted.items()
        if n != "remainder" or not isinstance(remainder, str)
    }
    joined = with_stand_ins(columns, stand_ins)
    np.testing.assert_array_equal(joined.fit_transform(rows), whole.transform(rows))
    for part in stand_ins.values():
        part.kind = "test"
    np.testing.assert_array_equal(joined.transform(rows), whole.transform(rows))
    without_stand_ins(joined, columns, stand_ins)
    assert repr(joined.remainder) == repr(remainder)
    assert joined.n_jobs == 2
    joined.n_jobs = None
    np.testing.assert_array_equal(joined.transform(rows), whole.transform(rows))
    np.testing.assert_array_equal(joined.transform(rows[:2]), whole.transform(rows[:2]))
    assert_same_model(joined, whole)


def test_pipelines_within_parts():
    """Pipelines that were fitted step by step stand in as wholes."""
    estimator = make_pipeline(
        FeatureUnion(
            [
                ("a", make_pipeline(StandardScaler(), PCA(1))),
                ("b", make_pipeline("passthrough", StandardScaler(), "passthrough")),
            ]
        ),
        LogisticRegression(),
    )
    rows, labels = DATA["two"]
    model, fold, cut, _ = fit_apart(estimator, {}, rows, labels)
    theirs = clone(estimator).fit(fold["train"], cut["y_train"])
    assert_same_model(model, theirs)
    np.testing.assert_array_equal(model.predict(rows), theirs.predict(rows))
    steps = model[0].transformer_list[1][1].steps
    assert [step for _, step in steps][::2] == ["passthrough"] * 2
