# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Cohorts advance as their models would one by one, and nothing else changes."""

import copy
import pickle
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

from gpu_hpo.adaptive.training._cohort import advance_cohort
from gpu_hpo.adaptive.training._members import Cohort, FoldModel, TrialWork
from gpu_hpo.adaptive.training._models import Trial, TrialSpec, make_model
from gpu_hpo.metrics._scoring import make_scoring
from gpu_hpo.neural_network import MLPClassifier as StackableMLP
from gpu_hpo.testing import NoHostCopyArray
from gpu_hpo.training._seeds import unset_seeds
from tests.training.helpers import LeastSquares, Nearest

rng = np.random.default_rng(0)
CHUNKS = []
for _ in range(4):
    X = rng.standard_normal((30, 3))
    CHUNKS.append({"X": X, "y": (X.sum(axis=1) > 0).astype(int)})
PARTS = CHUNKS[3:]


def chunk_of_call(call):
    return CHUNKS[(call - 1) % 3]


def spec(estimator, scoring=None, **options):
    options = {"classes": np.array([0, 1])} | options
    return TrialSpec(
        prototype=clone(estimator),
        unset_seeds=unset_seeds(estimator),
        scoring=make_scoring(estimator, scoring),
        **options,
    )


def plain(outcome):
    """Scores of a trial without times."""
    return [(scores.calls, scores.metrics) for scores in outcome.scores]


def advance(spec, work, before=None, parts=PARTS):
    return advance_cohort(spec, work, before or {}, chunk_of_call, parts)


def weights(model):
    names = ("coef_", "intercept_", "coefs_", "intercepts_")
    found = [getattr(model, name) for name in names if hasattr(model, name)]
    return pickle.dumps(found)


def certain(model, X, y):
    """A scorer that wants the model itself."""
    return float(model.predict_proba(X).max()) + len(model.coefs_)


def trials(n):
    return [Trial({"alpha": 10.0 ** -(i + 1)}, seed=i) for i in range(n)]


@pytest.mark.parametrize(
    "estimator",
    [
        SGDClassifier(),
        MLPClassifier((4,), max_iter=3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_as_by_hand(estimator):
    """A cohort is bit for bit what its models are when trained one by one."""
    given = spec(estimator)
    made = trials(3)
    work = [TrialWork(i, trial, 0, 5, (1, 5)) for i, trial in enumerate(made)]
    cohort, outcomes = advance(given, work)
    assert isinstance(cohort, Cohort)
    for i, trial in enumerate(made):
        model = make_model(given.prototype, trial, given.unset_seeds)
        expected = {}
        for call in range(1, 6):
            chunk = chunk_of_call(call)
            classes = {"classes": [0, 1]} if call == 1 else {}
            model.partial_fit(chunk["X"], chunk["y"], **classes)
            if call in (1, 5):
                expected[call] = model.score(PARTS[0]["X"], PARTS[0]["y"])
        assert cohort[i][0].calls == 5
        assert weights(cohort[i][0].model) == weights(model)
        outcome = outcomes[i]
        assert outcome.trial == i
        assert outcome.n_calls == 5
        assert outcome.error == ""
        scores = {found.calls: found.metrics["score"] for found in outcome.scores}
        assert scores == pytest.approx(expected)


def test_in_steps_as_at_once():
    """Several tasks, also of different cohorts, come to the same as one."""
    given, made = spec(SGDClassifier()), trials(3)
    at_once, _ = advance(
        given, [TrialWork(i, t, 0, 7, (7,)) for i, t in enumerate(made)]
    )
    first, _ = advance(given, [TrialWork(i, t, 0, 2) for i, t in enumerate(made)])
    pair, _ = advance(
        given, [TrialWork(0, None, 2, 7), TrialWork(2, None, 2, 4)], first
    )
    alone, _ = advance(given, [TrialWork(1, None, 2, 7)], first)
    last, _ = advance(given, [TrialWork(2, None, 4, 7)], pair)
    for i, cohort in ((0, pair), (1, alone), (2, last)):
        assert cohort[i][0].calls == 7
        assert weights(cohort[i][0].model) == weights(at_once[i][0].model)


def test_members_at_different_calls():
    """Members may begin and end anywhere; each is trained on its own calls."""
    given, made = spec(SGDClassifier()), trials(3)
    behind, _ = advance(given, [TrialWork(0, made[0], 0, 3)])
    mixed, outcomes = advance(
        given,
        [
            TrialWork(0, None, 3, 6, (6,)),
            TrialWork(1, made[1], 0, 2),
            TrialWork(2, made[2], 0, 4),
        ],
        behind,
    )
    assert [outcome.n_calls for outcome in outcomes] == [3, 2, 4]
    for i, stop in ((0, 6), (1, 2), (2, 4)):
        alone, _ = advance(given, [TrialWork(i, made[i], 0, stop)])
        assert weights(mixed[i][0].model) == weights(alone[i][0].model)


def test_chunk_major():
    """Each chunk is asked for in order, all members on one before the next."""
    given, made = spec(SGDClassifier()), trials(3)
    asked = []

    def note(call):
        asked.append(call)
        return chunk_of_call(call)

    work = [TrialWork(i, trial, 0, 4) for i, trial in enumerate(made)]
    advance_cohort(given, work, {}, note, PARTS)
    assert asked == sorted(asked)
    assert set(asked) == {1, 2, 3, 4}


def test_mutates_nothing():
    """Neither the models, nor the data, nor the spec that it was given change."""
    given, made = spec(SGDClassifier()), trials(2)
    before, _ = advance(given, [TrialWork(i, t, 0, 2) for i, t in enumerate(made)])
    kept = copy.deepcopy((before, CHUNKS, given.prototype.get_params(), made))
    work = [TrialWork(0, None, 2, 5, (5,)), TrialWork(1, None, 2, 2, (2,))]
    first, outcomes = advance(given, work, before)
    assert pickle.dumps((before, CHUNKS)) == pickle.dumps(kept[:2])
    assert given.prototype.get_params() == kept[2]
    assert vars(given.prototype).keys() == vars(SGDClassifier()).keys()
    assert made == kept[3]
    # So the task may be repeated.
    again, repeated = advance(given, work, before)
    assert weights(again[0][0].model) == weights(first[0][0].model)
    assert [plain(o) for o in repeated] == [plain(o) for o in outcomes]


@pytest.mark.parametrize("scoring", ["roc_auc", None])
def test_score_in_parts(scoring):
    """A score spread over several tasks is the score of all parts at once."""
    given, made = spec(SGDClassifier(), scoring), trials(2)
    work = [TrialWork(i, trial, 0, 2, (2,)) for i, trial in enumerate(made)]
    _, at_once = advance(given, work, parts=CHUNKS)
    cohort, _ = advance(given, [TrialWork(i, t, 0, 2) for i, t in enumerate(made)])
    for part in CHUNKS[:-1]:
        cohort, outcomes = advance(
            given,
            [TrialWork(i, None, 2, 2, (2,), last_part=False) for i in range(2)],
            cohort,
            [part],
        )
        assert all(outcome.scores == [] for outcome in outcomes)
    kept = len(cohort[0][0].responses)
    for _ in range(2):  # the last task may be repeated as well
        last, outcomes = advance(
            given,
            [TrialWork(i, None, 2, 2, (2,)) for i in range(2)],
            cohort,
            CHUNKS[-1:],
        )
        assert len(cohort[0][0].responses) == kept
        assert last[0][0].responses == last[0][0].seen == []
        for one, other in zip(outcomes, at_once, strict=True):
            assert one.scores[0].metrics == other.scores[0].metrics


def test_nothing_is_kept_of_X():
    """Between the tasks of a score only answers and labels are kept."""
    given = spec(SGDClassifier(), "roc_auc")
    cohort, _ = advance(
        given, [TrialWork(0, trials(1)[0], 0, 1, (1,), last_part=False)]
    )
    assert [set(part) for part in cohort[0][0].seen] == [{"y"}]


def test_times():
    """Times are positive and add up."""
    given = spec(SGDClassifier())
    _, (outcome,) = advance(given, [TrialWork(0, trials(1)[0], 0, 4, (1, 3))])
    fit = [found.fit_seconds for found in outcome.scores]
    score = [found.score_seconds for found in outcome.scores]
    assert min(*fit, *score, outcome.fit_pending) > 0
    assert sum(fit) + outcome.fit_pending == pytest.approx(outcome.fit_seconds)
    assert sum(score) + outcome.score_pending == pytest.approx(outcome.score_seconds)


class Fragile(ClassifierMixin, BaseEstimator):
    """Raises where it is told to."""

    def __init__(self, where=None, error=RuntimeError):
        self.where = where
        self.error = error

    def fit(self, X, y):
        return self

    def partial_fit(self, X, y, classes=None):
        self.n = getattr(self, "n", 0) + 1
        if self.where == self.n:
            raise self.error(f"at call {self.n}")
        return self

    def predict(self, X):
        if self.where == "predict":
            raise self.error("at predict")
        return np.zeros(len(X), dtype=int)

    def set_params(self, **params):
        if params.get("where") == "begin":
            raise self.error("at begin")
        return super().set_params(**params)


@pytest.mark.parametrize(
    ("where", "n_calls", "n_scores"),
    [("begin", 0, 0), (1, 0, 0), (2, 1, 1), ("predict", 1, 0)],
)
def test_a_member_fails_alone(where, n_calls, n_scores):
    """A model that raises ends with its traceback, and the others go on."""
    given = spec(Fragile())
    work = [
        TrialWork(0, Trial({}, 0), 0, 3, (1, 3)),
        TrialWork(1, Trial({"where": where}, 0), 0, 3, (1, 3)),
        TrialWork(2, Trial({}, 0), 0, 3, (1, 3)),
    ]
    cohort, outcomes = advance(given, work)
    assert [outcome.n_calls for outcome in outcomes] == [3, n_calls, 3]
    assert [len(outcome.scores) for outcome in outcomes] == [2, n_scores, 2]
    assert cohort[1] == [FoldModel(None)]
    assert "Traceback" in outcomes[1].error
    assert "RuntimeError: at " in outcomes[1].error
    assert outcomes[0].error == outcomes[2].error == ""
    assert cohort[0][0].model.n == cohort[2][0].model.n == 3


def test_what_is_no_error_of_a_model_comes_through():
    """An interrupt is nobody's failure."""
    work = [TrialWork(0, Trial({"where": 1, "error": KeyboardInterrupt}, 0), 0, 1)]
    with pytest.raises(KeyboardInterrupt):
        advance(spec(Fragile()), work)


def test_weights_go_to_fit_and_score():
    """Per-row weights of each chunk go to partial_fit and to the metric."""
    chunks = [dict(chunk, sample_weight=rng.uniform(size=30)) for chunk in CHUNKS]
    given = spec(
        SGDClassifier(random_state=0),
        fit_rows=("sample_weight",),
        score_rows=("sample_weight",),
    )
    cohort, (outcome,) = advance_cohort(
        given,
        [TrialWork(0, Trial({}, 0), 0, 3, (3,))],
        {},
        lambda call: chunks[call - 1],
        chunks[3:],
    )
    model = SGDClassifier(random_state=0)
    for chunk in chunks[:3]:
        model.partial_fit(chunk["X"], chunk["y"], [0, 1], chunk["sample_weight"])
    assert weights(cohort[0][0].model) == weights(model)
    last = chunks[3]
    expected = model.score(last["X"], last["y"], last["sample_weight"])
    assert outcome.scores[0].metrics["score"] == pytest.approx(expected)


def test_size():
    """A cohort says how many bytes it holds, so that Dask can account for it."""
    member = FoldModel(SGDClassifier())
    member.model.coef_ = np.zeros(10_000)
    assert sys.getsizeof(Cohort({0: [member], 1: [member]})) >= 160_000
    assert sys.getsizeof(Cohort({0: [FoldModel(None)]})) < 1_000


@pytest.mark.parametrize("estimator", [LeastSquares(), Nearest()])
def test_device(estimator):
    """Of device arrays nothing is copied to the host but each model's scores."""
    device = [
        {name: NoHostCopyArray(value) for name, value in chunk.items()}
        for chunk in CHUNKS
    ]
    given = spec(estimator, classes=None)
    work = [TrialWork(i, Trial({"rate": 0.1 * i}, 0), 0, 6, (1, 6)) for i in (1, 2, 3)]
    NoHostCopyArray.host_copies = 0
    cohort, outcomes = advance_cohort(
        given, work, {}, lambda call: device[call % 3], device[3:]
    )
    assert NoHostCopyArray.host_copies == 3 * 2  # the scores themselves
    on_host, expected = advance_cohort(
        given, work, {}, lambda call: CHUNKS[call % 3], CHUNKS[3:]
    )
    for one, other in zip(outcomes, expected, strict=True):
        assert one.error == other.error == ""
        found = [scores.metrics["score"] for scores in one.scores]
        assert found == pytest.approx(
            [scores.metrics["score"] for scores in other.scores]
        )
    assert isinstance(cohort[1][0].model.coef_, NoHostCopyArray)
    np.testing.assert_array_equal(
        cohort[1][0].model.coef_.get(), on_host[1][0].model.coef_
    )


# ---- stacks ----


def networks(n):
    """Trials of networks in two shapes, which make two stacks."""
    return [
        Trial({"hidden_layer_sizes": (3 + i % 2,), "alpha": 0.1 / (i + 1)}, seed=i % 3)
        for i in range(n)
    ]


@pytest.mark.parametrize("scoring", [None, "neg_log_loss", "roc_auc", certain])
def test_stacks_as_a_loop(scoring):
    """A cohort of stacks learns and scores bit for bit what a loop does."""
    model = StackableMLP(solver="sgd", batch_size=8)
    made = networks(7)
    found = []
    for stacked in (True, False):
        given = spec(model, scoring, stacked=stacked)
        cohort, before = advance(
            given, [TrialWork(i, trial, 0, 3, (1, 3)) for i, trial in enumerate(made)]
        )
        # Some go on, from different places, one alone of its shape.
        more = [TrialWork(0, None, 3, 6, (6,)), TrialWork(2, None, 3, 6, (6,))]
        more += [TrialWork(3, None, 3, 5, (5,)), TrialWork(4, None, 3, 4)]
        kept = pickle.dumps(cohort)
        after, outcomes = advance(given, more, cohort)
        assert pickle.dumps(cohort) == kept
        found.append(
            [weights(m[0].model) for m in (*cohort.values(), *after.values())]
            + [(o.trial, o.n_calls, o.error, plain(o)) for o in (*before, *outcomes)]
        )
        assert not any(outcome.error for outcome in outcomes)
    assert found[0] == found[1]


def test_stack_whose_member_fails():
    """A member that diverges fails alone; bad data fails all, as in a loop."""
    model = StackableMLP(solver="sgd", batch_size=8, activation="identity")
    made = networks(4)
    made[2] = Trial({**made[2].params, "learning_rate_init": 1e300}, seed=0)
    made[3] = Trial({**made[3].params, "alpha": -1}, seed=0)
    work = [TrialWork(i, trial, 0, 3, (3,)) for i, trial in enumerate(made)]
    with np.errstate(all="ignore"):
        cohort, outcomes = advance(spec(model), work)
    assert [bool(outcome.error) for outcome in outcomes] == [False, False, True, True]
    assert "non-finite parameter weights" in outcomes[2].error
    assert "The 'alpha' parameter" in outcomes[3].error
    assert cohort[2][0].model is None
    alone, _ = advance(spec(model), work[:1])
    assert weights(alone[0][0].model) == weights(cohort[0][0].model)
    assert outcomes[0].n_calls == 3
    bad = [{**CHUNKS[0], "X": np.full((30, 3), np.nan)}]
    _, outcomes = advance_cohort(spec(model), work[:2], {}, lambda call: bad[0], PARTS)
    assert all("Input X contains NaN" in outcome.error for outcome in outcomes)
    assert [outcome.n_calls for outcome in outcomes] == [0, 0]


def picky(model, X, y):
    """A scorer that takes offence at one of the models."""
    if model.alpha == 0.05:
        raise ValueError("not this one")
    return float(model.alpha)


def test_stack_whose_member_cannot_be_scored():
    """A member that cannot be scored fails alone."""
    model = StackableMLP((3,), solver="sgd", batch_size=8)
    made = [Trial({"alpha": alpha}, seed=0) for alpha in (0.1, 0.05, 0.025)]
    work = [TrialWork(i, trial, 0, 2, (1, 2)) for i, trial in enumerate(made)]
    cohort, outcomes = advance(spec(model, picky), work)
    assert [len(outcome.scores) for outcome in outcomes] == [2, 0, 2]
    assert [o.scores[-1].metrics["score"] for o in outcomes if o.scores] == [0.1, 0.025]
    assert "not this one" in outcomes[1].error
    assert cohort[1][0].model is None
    assert cohort[2][0].calls == 2
