# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Budgets give a model so many rows, trees or iterations, by one fit a step."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import Lasso, LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.adaptive.training._budgets import make_budget
from gpu_hpo.adaptive.training._cohort import advance_cohort
from gpu_hpo.adaptive.training._members import TrialWork
from gpu_hpo.adaptive.training._models import Trial, TrialSpec
from gpu_hpo.metrics._scoring import make_scoring
from gpu_hpo.testing import NoHostCopyArray
from gpu_hpo.training._seeds import unset_seeds
from tests.training.helpers import Steps

rng = np.random.default_rng(0)
CHUNKS = []
for _ in range(5):
    X = rng.standard_normal((40, 4))
    y = (X @ [1, 1, 0.5, 0] + 0.3 * rng.standard_normal(40) > 0).astype(int)
    CHUNKS.append({"X": X, "y": y})
*TRAIN, PART = CHUNKS


def spec(estimator, resource, scoring=None, **options):
    return TrialSpec(
        clone(estimator),
        unset_seeds(estimator),
        make_scoring(estimator, scoring),
        budget=make_budget(resource),
        **options,
    )


def advance(given, work, before=None, chunks=TRAIN, parts=(PART,)):
    chunk_of_call = lambda call: chunks[call - 1]  # noqa: E731
    cohort, outcomes = advance_cohort(
        given, work, before or {}, chunk_of_call, list(parts), len(chunks)
    )
    assert [outcome.error for outcome in outcomes] == [""] * len(outcomes)
    return cohort, outcomes


def rows(n):
    X = np.concatenate([chunk["X"] for chunk in TRAIN[:n]])
    return X, np.concatenate([chunk["y"] for chunk in TRAIN[:n]])


def responses(model):
    return model.predict_proba(PART["X"]).tolist()


def step_by_step(given, stops, trial=0):
    """The models of one trial after each of some numbers of calls, and its outcomes."""
    models, all_outcomes = [], []
    before, start = {}, 0
    for stop in stops:
        new = Trial({"random_state": 3}, 0) if start == 0 else None
        work = [TrialWork(trial, new, start, stop, (stop,))]
        before, outcomes = advance(given, work, before)
        models.append(before[trial][0].model)
        all_outcomes += outcomes
        start = stop
    return models, all_outcomes


def test_n_samples_is_a_fit_to_the_first_chunks():
    """After n calls a model is what one fit to the first n chunks makes it."""
    given = spec(LogisticRegression(), "n_samples")
    models, outcomes = step_by_step(given, [1, 2, 4])
    for n, model in zip([1, 2, 4], models, strict=True):
        assert responses(model) == responses(LogisticRegression().fit(*rows(n)))
    assert [outcome.n_calls for outcome in outcomes] == [1, 2, 4]
    assert [outcome.scores[0].calls for outcome in outcomes] == [1, 2, 4]


@pytest.mark.parametrize(
    ("resource", "estimator"),
    [
        ("n_estimators", RandomForestClassifier(max_depth=3)),
        ("max_iter", LogisticRegression()),
        ("max_iter", SGDClassifier(loss="log_loss", tol=None)),
        ("max_leaf_nodes", HistGradientBoostingClassifier(max_iter=5)),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_parameter_is_a_fit_with_that_value(resource, estimator):
    """After n calls a model is what a fit to all rows with the parameter at n is."""
    models, outcomes = step_by_step(spec(estimator, resource), [2, 6])
    for n, model in zip([2, 6], models, strict=True):
        expected = clone(estimator).set_params(random_state=3, **{resource: n})
        assert getattr(model, resource) == n
        assert responses(model) == responses(expected.fit(*rows(4)))
    assert [outcome.n_calls for outcome in outcomes] == [2, 6]


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        SGDClassifier(loss="log_loss"),
        MLPClassifier((5,), batch_size=20),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_warm_start_goes_on(estimator):
    """After n calls a model has made n iterations, going on from where it was."""
    models, outcomes = step_by_step(spec(estimator, "warm_start"), [2, 3, 9])
    by_hand = clone(estimator).set_params(random_state=3, warm_start=True)
    for more, model in zip([2, 1, 6], models, strict=True):
        by_hand.set_params(max_iter=more).fit(*rows(4))
        assert responses(model) == responses(by_hand)
    assert [outcome.n_calls for outcome in outcomes] == [2, 1, 6]
    assert len({id(model) for model in models}) == 3


@pytest.mark.parametrize(
    ("estimator", "counter"),
    [
        (RandomForestClassifier(), "n_estimators"),
        (GradientBoostingClassifier(), "n_estimators"),
        (HistGradientBoostingClassifier(early_stopping=False), "max_iter"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_warm_start_of_ensembles_counts_in_all(estimator, counter):
    """After n calls an ensemble has n trees, of which the first ones were kept."""
    models, _ = step_by_step(spec(estimator, "warm_start"), [2, 5])
    for n, model in zip([2, 5], models, strict=True):
        assert getattr(model, counter) == n
        trees = model._predictors if counter == "max_iter" else model.estimators_
        assert len(trees) == n
    by_hand = clone(estimator).set_params(random_state=3, warm_start=True)
    for n in (2, 5):
        by_hand.set_params(**{counter: n}).fit(*rows(4))
    assert responses(models[1]) == responses(by_hand)


def test_models_of_a_cohort_read_what_is_theirs():
    """Models at different rungs in one task are each fitted to their own rows."""
    given = spec(LogisticRegression(), "n_samples")
    work = [
        TrialWork(0, Trial({"C": 0.1}, 0), 0, 3, (3,)),
        TrialWork(1, Trial({"C": 1.0}, 0), 0, 1, (1,)),
        TrialWork(2, Trial({"C": 10.0}, 0), 0, 3, (3,)),
    ]
    cohort, _ = advance(given, work)
    for trial, (C, n) in enumerate([(0.1, 3), (1.0, 1), (10.0, 3)]):
        expected = LogisticRegression(C=C).fit(*rows(n))
        assert responses(cohort[trial][0].model) == responses(expected)


def test_weights_come_along():
    """Per-row parameters go to fit, cut and joined as X is."""
    weights = [rng.uniform(size=40) for _ in TRAIN]
    chunks = [
        {**chunk, "sample_weight": weight}
        for chunk, weight in zip(TRAIN, weights, strict=True)
    ]
    given = spec(LogisticRegression(), "n_samples", fit_rows=("sample_weight",))
    cohort, _ = advance(given, [TrialWork(0, Trial({}, 0), 0, 2, (2,))], chunks=chunks)
    expected = LogisticRegression().fit(*rows(2), np.concatenate(weights[:2]))
    assert responses(cohort[0][0].model) == responses(expected)


def test_a_fit_that_raises_fails_alone():
    """A model that cannot be fitted is one failure, and its cohort goes on."""
    given = spec(LogisticRegression(), "n_samples")
    work = [
        TrialWork(i, Trial({"C": C}, 0), 0, 2, (2,)) for i, C in enumerate([1.0, -1.0])
    ]
    cohort, outcomes = advance_cohort(
        given, work, {}, lambda call: TRAIN[call - 1], [PART], 4
    )
    assert "'C' parameter" in outcomes[1].error
    assert cohort[1][0].model is None
    assert not outcomes[0].error
    assert outcomes[0].scores


@pytest.mark.parametrize("resource", ["n_samples", "max_iter", "warm_start"])
def test_rows_stay_on_the_device(resource):
    """Under every budget a model gets its rows as the device's own arrays."""
    device = [
        {name: NoHostCopyArray(value) for name, value in chunk.items()}
        for chunk in CHUNKS
    ]
    given = spec(Steps(), resource)
    work = [TrialWork(i, Trial({}, 0), 0, 1 + i, (1 + i,)) for i in range(3)]
    NoHostCopyArray.host_copies = 0
    cohort, outcomes = advance(given, work, chunks=device[:4], parts=device[4:])
    assert NoHostCopyArray.host_copies == 3  # the scores themselves
    _, expected = advance(given, work)
    assert [o.scores[0].metrics for o in outcomes] == [
        o.scores[0].metrics for o in expected
    ]
    assert isinstance(cohort[2][0].model.coef_, NoHostCopyArray)


@pytest.mark.parametrize(
    ("resource", "estimator", "message"),
    [
        ("partial_fit", LogisticRegression(), "no method partial_fit.*n_samples"),
        ("n_samples", StandardScaler, None),
        ("n_trees", RandomForestClassifier(), "'n_trees' is none of.*'n_estimators'"),
        ("criterion", RandomForestClassifier(), "'criterion'.*'gini', not an integer"),
        ("bootstrap", RandomForestClassifier(), "'bootstrap'.* True, not an integer"),
        ("warm_start", GaussianNB(), "warm_start; GaussianNB has none"),
        ("warm_start", make_pipeline(Lasso()), "warm_start; Pipeline has none"),
        ("n_samples", object(), "no method fit"),
    ],
)
def test_a_resource_that_an_estimator_lacks(resource, estimator, message):
    """It is refused by names, with what there is instead."""
    budget = make_budget(resource)
    if message is None:
        budget.check(estimator())
        return
    with pytest.raises(ValueError, match=f"(?s){message}"):
        budget.check(estimator)
