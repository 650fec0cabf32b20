# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Scores that not a bit depends on what must not matter, and that stay on a device."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_hpo.metrics import _stacked
from gpu_hpo.metrics._stacked import METRICS, models_at_once, stacked_scores
from gpu_hpo.metrics._sums import integer_weights, row_sums
from gpu_hpo.metrics._truth import Truth
from gpu_hpo.testing import NoHostCopyArray
from tests.metrics.helpers import (
    BINARY,
    LABELS,
    PROBABILITIES,
    REGRESSION,
    classification,
    regression,
)

N = 331  # no multiple of what a vector register holds
MANY = 256
rng = np.random.default_rng(3)
weight = rng.uniform(0.1, 3, N)
CASES = {
    "2 classes": (
        [*LABELS, *BINARY, *PROBABILITIES, "roc_auc"],
        np.arange(2),
        *classification(rng, MANY, N, 2),
    ),
    "5 classes": (
        [*LABELS, *PROBABILITIES],
        np.arange(5),
        *classification(rng, MANY, N, 5),
    ),
    "numbers": (REGRESSION, None, *regression(rng, MANY, N)),
    "several numbers": (REGRESSION, None, *regression(rng, MANY, N, 3)),
}
each_case = pytest.mark.parametrize("case", CASES)
weighted_or_not = pytest.mark.parametrize(
    "weights", [None, weight], ids=["", "weights"]
)


def some(responses, models):
    return {name: response[models] for name, response in responses.items()}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, scores in found.items():
        assert np.isfinite(scores).all(), name
        np.testing.assert_array_equal(scores, expected[name], err_msg=name)


def test_every_metric_is_here():
    """The cases have all metrics."""
    assert {name for names, *_ in CASES.values() for name in names} == set(METRICS)


@each_case
@weighted_or_not
def test_whoever_shares(case, weights):
    """A model scores the same alone, among 7 and among 256."""
    names, classes, y, responses = CASES[case]
    together = stacked_scores(Truth(y, weights, classes), names, responses)
    for models in (slice(5, 6), slice(3, 10), slice(100, 101)):
        few = stacked_scores(Truth(y, weights, classes), names, some(responses, models))
        assert_same(few, {name: scores[models] for name, scores in together.items()})


@each_case
def test_however_many_at_once(case, monkeypatch):
    """A score does not depend on how many models are worked on at once."""
    names, classes, y, responses = CASES[case]
    responses = some(responses, slice(7))
    expected = stacked_scores(Truth(y, weight, classes), names, responses)
    monkeypatch.setattr(_stacked, "_AT_ONCE_ON_HOST", 3 * N)
    assert models_at_once(np, N) == 3
    assert_same(stacked_scores(Truth(y, weight, classes), names, responses), expected)


@each_case
@pytest.mark.parametrize("order", ["C", "F"])
def test_whatever_the_layout(case, order):
    """Arrays may lie in memory in any order."""
    names, classes, y, responses = CASES[case]
    responses = some(responses, slice(7))
    expected = stacked_scores(Truth(y, weight, classes), names, responses)
    other = {name: np.array(a, order=order)[::-1] for name, a in responses.items()}
    found = stacked_scores(
        Truth(np.array(y, order=order), weight, classes), names, other
    )
    assert_same(found, {name: scores[::-1] for name, scores in expected.items()})


@each_case
@pytest.mark.parametrize("alike", [False, True])
def test_rows_without_weight(case, alike):
    """Rows of weight 0 might as well not be there, whatever they are."""
    names, classes, y, responses = CASES[case]
    absent = rng.uniform(size=N) < 0.3
    weights = np.where(absent, 0.0, 1.0 if alike else weight)
    y = y.copy()
    y[absent] = 7 if classes is not None else 1e30  # a label that nobody knows
    responses = {
        name: response.copy() for name, response in some(responses, slice(4)).items()
    }
    for name, response in responses.items():
        response[:, absent] = 9 if name == "predict" else np.nan
    found = stacked_scores(Truth(y, weights, classes), names, responses)
    rest = {name: response[:, ~absent] for name, response in responses.items()}
    left_out = Truth(y[~absent], weights[~absent], classes)
    assert_same(found, stacked_scores(left_out, names, rest))


@each_case
def test_weights_are_repeated_rows(case):
    """A row of weight 3 is three rows: so it is where scikit-learn takes no weights."""
    names, classes, y, responses = CASES[case]
    responses = some(responses, slice(4))
    times = rng.integers(0, 4, N)
    repeated = {name: np.repeat(a, times, axis=1) for name, a in responses.items()}
    found = stacked_scores(Truth(y, times, classes), names, responses)
    truth = Truth(np.repeat(y, times, axis=0), None, classes)
    for name, expected in stacked_scores(truth, names, repeated).items():
        np.testing.assert_allclose(found[name], expected, 1e-12, 1e-14, err_msg=name)


@each_case
@weighted_or_not
def test_scaled_weights(case, weights):
    """Only the ratios of weights count, however large or small they are."""
    names, classes, y, responses = CASES[case]
    responses = some(responses, slice(2))
    weights = np.ones(N) if weights is None else weights
    expected = stacked_scores(Truth(y, weights, classes), names, responses)
    for scale in (2.0**-900, 2.0**900):
        truth = Truth(y, weights * scale, classes)
        assert_same(stacked_scores(truth, names, responses), expected)


@pytest.mark.parametrize("case", ["2 classes", "5 classes"])
def test_labels_in_any_order_of_rows(case):
    """Sums over rows are exact for labels: the order of rows does not matter."""
    names, classes, y, responses = CASES[case]
    names = [name for name in names if name in LABELS or name in BINARY]
    responses = some(responses, slice(3))
    rows = rng.permutation(N)
    expected = stacked_scores(Truth(y, weight, classes), names, responses)
    moved = {name: response[:, rows] for name, response in responses.items()}
    found = stacked_scores(Truth(y[rows], weight[rows], classes), names, moved)
    assert_same(found, expected)


# ---- on a device ----


@each_case
@weighted_or_not
@pytest.mark.parametrize("absent", [False, True])
def test_on_a_device(case, weights, absent):
    """The host gets where classes begin and end, and the device has the host's bits."""
    names, classes, y, responses = CASES[case]
    responses = some(responses, slice(6))
    if weights is not None and absent:
        weights = np.where(np.arange(N) % 4 == 1, 0.0, weights)
    expected = stacked_scores(Truth(y, weights, classes), names, responses)
    there = {name: NoHostCopyArray(response) for name, response in responses.items()}
    weights = None if weights is None else NoHostCopyArray(weights)
    for known in (classes, None if classes is None else NoHostCopyArray(classes)):
        NoHostCopyArray.host_copies = 0
        found = stacked_scores(Truth(NoHostCopyArray(y), weights, known), names, there)
        assert NoHostCopyArray.host_copies <= 1
        assert all(isinstance(scores, NoHostCopyArray) for scores in found.values())
        assert_same({name: scores.get() for name, scores in found.items()}, expected)


@pytest.mark.parametrize(
    "classes", [[3, 7, 50], [-1.0, 0.0, 4.0], [-(10**12), 1, 10**15]], ids=str
)
def test_labels_on_a_device(classes):
    """Labels that are far apart, or that models do not know, are numbered there too."""
    codes, responses = classification(rng, 3, N, 3)
    classes = np.array(classes)
    predicted = {"predict": NoHostCopyArray(classes[responses["predict"]])}
    y = NoHostCopyArray(classes[codes])
    expected = stacked_scores(Truth(codes, None, np.arange(3)), LABELS, responses)
    NoHostCopyArray.host_copies = 0
    for known in (classes, classes[:2]):
        found = stacked_scores(Truth(y, None, known), LABELS, predicted)
        assert NoHostCopyArray.host_copies == 0
        assert_same({name: scores.get() for name, scores in found.items()}, expected)
        NoHostCopyArray.host_copies = 0


# ---- sums ----


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 300), st.integers(0, 5))
def test_row_sums(n, n_models):
    """Sums are those of the rows, and the rows stay as they are."""
    values = np.random.default_rng(n).standard_normal((n_models, n)) * 1e6
    kept = values.copy()
    found = row_sums(np, values)
    assert found.shape == (n_models,)
    np.testing.assert_array_equal(values, kept)
    for row, total in zip(values, found, strict=True):
        assert total == pytest.approx(math.fsum(row), rel=1e-12, abs=1e-8)
        assert row_sums(np, row) == total
    assert row_sums(np, values[None]).shape == (1, n_models)


def test_row_sums_leave_one_row_alone():
    """A single value is its own sum, and not shared with it."""
    values = np.ones((2, 1))
    sums = row_sums(np, values)
    sums += 1
    assert values.tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize("scale", [1e-320, 1e-3, 1.0, 1e300])
def test_whole_weights(scale):
    """Weights become whole numbers of the same ratios, whose sums are exact."""
    given = np.abs(rng.standard_normal(1000)) * scale + 5e-324
    given[0] = 1e-30 * scale or 5e-324
    whole = integer_weights(np, given)
    assert (whole == np.rint(whole)).all()
    assert whole.min() >= 1
    assert whole.sum() < 2**53
    assert int(whole.sum()) == sum(int(value) for value in whole)
    ratios = whole[1:] / whole[1:].sum()
    np.testing.assert_allclose(ratios, given[1:] / given[1:].sum(), 0, 1e-13)
