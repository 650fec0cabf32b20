# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Metrics of many models are the scores that scikit-learn gives one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_hpo.metrics._stacked import METRICS, stacked_scores
from gpu_hpo.metrics._truth import Truth
from tests.metrics.helpers import (
    BINARY,
    LABELS,
    ONE_TO_ONE,
    PROBABILITIES,
    REGRESSION,
    by_scikit_learn,
    classification,
    regression,
)

N = 203
weight = np.random.default_rng(1).uniform(0.1, 3, N)


def check(names, y, responses, weight=None, classes=None, tol=1e-12):
    """All models' scores are finite, and scikit-learn's."""
    found = stacked_scores(Truth(y, weight, classes), names, responses)
    assert list(found) == list(names)
    for name, scores in found.items():
        expected = by_scikit_learn(name, y, responses, weight, classes)
        assert np.isfinite(expected).all(), name
        np.testing.assert_allclose(scores, expected, tol, tol, err_msg=name)


def check_undefined(names, y, responses, weight=None, classes=None):
    """No model has a score, neither here nor by scikit-learn."""
    found = stacked_scores(Truth(y, weight, classes), names, responses)
    for name, scores in found.items():
        assert np.isnan(by_scikit_learn(name, y, responses, weight, classes)).all(), (
            name
        )
        assert np.isnan(scores).all(), name


def test_every_metric_is_compared():
    """The lists of metrics, by what they are computed from, have all of them."""
    assert sorted([*REGRESSION, *LABELS, *PROBABILITIES, *BINARY, "roc_auc"]) == sorted(
        METRICS
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_classification(n_classes, dtype, weighted):
    """Every metric of classes agrees, for two and for more, weighted and not."""
    y, responses = classification(np.random.default_rng(0), 5, N, n_classes)
    for name in set(responses) - {"predict"}:
        responses[name] = responses[name].astype(dtype)
    names = [*LABELS, *PROBABILITIES]
    names += [*BINARY, "roc_auc"] if n_classes == 2 else []
    if weighted and n_classes > 2:  # scikit-learn takes no weights here
        names = [name for name in names if name not in ONE_TO_ONE]
    classes = np.arange(n_classes)
    tol = 1e-12 if dtype == np.float64 else 1e-6
    check(names, y, responses, weight if weighted else None, classes, tol)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_outputs", [None, 1, 3])
@pytest.mark.parametrize("n_rows", [N, N - 1])
def test_regression(n_rows, n_outputs, dtype, weighted):
    """Every metric of numbers agrees, for one output and for several."""
    y, responses = regression(np.random.default_rng(0), 5, n_rows, n_outputs)
    responses = {"predict": responses["predict"].astype(dtype)}
    check(REGRESSION, y, responses, weight[:n_rows] if weighted else None)


@pytest.mark.parametrize("name", ["roc_auc", *PROBABILITIES])
def test_binary_by_probabilities(name):
    """Probabilities of two classes are enough where there are no decisions."""
    y, responses = classification(np.random.default_rng(0), 3, N, 2)
    del responses["decision_function"]
    check([name], y, responses, weight, np.arange(2))


def test_decisions_before_probabilities():
    """The area under the ROC curve is that of decisions, if there are any."""
    y, responses = classification(np.random.default_rng(0), 3, N, 2)
    responses["decision_function"] = -responses["decision_function"]
    check(["roc_auc"], y, responses, None, np.arange(2))


@pytest.mark.parametrize(
    "classes",
    [
        np.array([0, 1]),
        np.array([-1, 1]),
        np.array([1, 2]),
        np.array([False, True]),
        np.array([0.0, 1.0]),
        np.array([0, 1], np.uint8),
        np.array([3, 7, 50]),
        np.array([-5, 0, 2], np.int8),
        np.array([-1.0, 0.0, 1.0], np.float32),
        np.array([-(10**12), 1, 10**15]),
        np.array(["ham", "spam"]),
        np.array(["a", "b", "cc"], object),
    ],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_labels(classes, weighted):
    """Labels may be any whole numbers, bools or strings."""
    codes, responses = classification(np.random.default_rng(0), 4, N, len(classes))
    responses["predict"] = classes[responses["predict"]]
    names = [*LABELS, "neg_log_loss", "roc_auc_ovr"]
    text = classes.dtype.kind in "UO"
    if len(classes) == 2:
        names += ["roc_auc"] if text else ["roc_auc", "neg_brier_score", *BINARY]
    weights = weight if weighted else None
    check(names, classes[codes], responses, weights, classes)


def test_labels_of_another_type():
    """Predictions may be floats where y has integers or bools, and the reverse."""
    y, responses = classification(np.random.default_rng(0), 2, N, 2)
    names = ["accuracy", "f1", "f1_macro", "matthews_corrcoef"]
    for of_y in (bool, np.int8, np.float32):
        for of_answers in (bool, np.uint16, np.float64):
            other = {"predict": responses["predict"].astype(of_answers)}
            check(names, y.astype(of_y), other, weight, np.arange(2))


def test_labels_that_the_model_does_not_know():
    """Labels of y that no model can predict count as missed."""
    y, responses = classification(np.random.default_rng(0), 4, N, 3)
    y = np.where(np.arange(N) % 5 == 0, 17, y)
    check(LABELS, y, responses, weight, np.arange(3))
    found = stacked_scores(Truth(y, weight, np.arange(3)), PROBABILITIES, responses)
    assert all(np.isnan(scores).all() for scores in found.values())


def test_classes_that_y_does_not_have():
    """Labels are scored by those that occur; probabilities want all classes in y."""
    y, responses = classification(np.random.default_rng(0), 4, N, 5)
    responses["predict"] = np.where(responses["predict"] == 3, 0, responses["predict"])
    y = np.where(y >= 3, 1, y)
    check(LABELS, y, responses, weight, np.arange(5))
    check_undefined(PROBABILITIES, y, responses, None, np.arange(5))


def test_labels_without_classes():
    """Without the models' classes labels are those of y, and others are refused."""
    y, responses = classification(np.random.default_rng(0), 4, N, 3)
    check(LABELS, y, {"predict": responses["predict"]}, weight)
    responses["predict"][2, 5] = 9
    found = stacked_scores(Truth(y, weight), ["f1_macro"], responses)["f1_macro"]
    assert np.isnan(found).tolist() == [False, False, True, False]


def test_one_label_for_binary_metrics():
    """Label 1 is the positive one; where there is none, only scikit-learn knows why."""
    y, responses = classification(np.random.default_rng(0), 2, N, 2)
    other = {"predict": responses["predict"] + 4}
    check_undefined(BINARY, y + 4, other, None, np.array([4, 5]))
    three = {"predict": np.where(responses["predict"] == 1, 2, 0)}
    check_undefined(BINARY, np.where(y == 1, 2, 0), three, None, np.arange(3))
    # All right, and label 1 is not there.
    zeros = np.zeros((2, N), int)
    check(BINARY, zeros[0], {"predict": zeros}, None, np.arange(3))


def test_constant_labels():
    """A class that is never predicted, or never true, scores 0."""
    y = np.arange(N) % 3
    responses = {"predict": np.stack([np.zeros(N, int), np.full(N, 2), y])}
    check(LABELS, y, responses, weight, np.arange(3))
    check(LABELS, np.zeros(N, int), responses, weight, np.arange(3))


def test_ties():
    """Equal scores are half right: a model that cannot tell rows apart has 0.5."""
    y = np.arange(N) % 2
    scores = np.stack([np.ones(N), y, -y, np.arange(N) % 7]).astype(float)
    responses = {"decision_function": scores}
    check(["roc_auc"], y, responses, None, np.arange(2))
    check(["roc_auc"], y, responses, weight, np.arange(2))
    found = stacked_scores(Truth(y, weight, np.arange(2)), ["roc_auc"], responses)
    assert found["roc_auc"][:3].tolist() == [0.5, 1.0, 0.0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_sure_probabilities(n_classes, dtype):
    """Probabilities of 0 and 1 are clipped to the precision of their type."""
    y = np.arange(30) % n_classes
    sure = np.stack([np.eye(n_classes)[y], np.eye(n_classes)[(y + 1) % n_classes]])
    responses = {"predict_proba": sure.astype(dtype)}
    check(PROBABILITIES, y, responses, None, np.arange(n_classes), tol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_sure_probabilities_of_half_precision(n_classes):
    """They are clipped to their own precision, which is some 0.001."""
    y = np.arange(30) % n_classes
    wrong = np.eye(n_classes)[(y + 1) % n_classes][None].astype(np.float16)
    check(
        ["neg_log_loss"], y, {"predict_proba": wrong}, None, np.arange(n_classes), 1e-3
    )


def test_decisions_that_are_whole_numbers():
    """Decisions may be integers, too large even for float64 to tell apart."""
    rng = np.random.default_rng(0)
    responses = {"decision_function": 2**60 + rng.integers(0, 50, (3, N))}
    check(["roc_auc"], np.arange(N) % 2, responses, weight, np.arange(2))


@pytest.mark.parametrize("each", [0.1, 1.0, 3e7])
def test_median_at_half_of_equal_weights(each):
    """Equal weights leave the median what it is without, though sums be rounded."""
    y, responses = regression(np.random.default_rng(0), 3, 100)
    name = "neg_median_absolute_error"
    found = stacked_scores(Truth(y, np.full(100, each)), [name], responses)
    expected = by_scikit_learn(name, y, responses)
    np.testing.assert_allclose(found[name], expected, 1e-12)


def test_area_of_one_class():
    """There is no area under the ROC curve if y has one class."""
    _, responses = classification(np.random.default_rng(0), 3, N, 2)
    y = np.ones(N, int)
    check_undefined(["roc_auc", *PROBABILITIES[1:]], y, responses, None, np.arange(2))


def test_what_are_no_probabilities():
    """Values that are no probabilities leave no score to the model that gave them."""
    y, responses = classification(np.random.default_rng(0), 4, N, 3)
    given = responses["predict_proba"]
    given[0, 3] = [1.5, -0.25, -0.25]
    given[2, 7, 1] = np.nan
    found = stacked_scores(Truth(y, None, np.arange(3)), PROBABILITIES, responses)
    for name, scores in found.items():
        assert np.isfinite(scores[[1, 3]]).all()
        assert np.isnan(scores[2])
        assert np.isnan(scores[0]) == (not name.startswith("roc_auc"))
    given[1] *= 0.9
    found = stacked_scores(Truth(y, None, np.arange(3)), ["roc_auc_ovr"], responses)
    assert np.isnan(found["roc_auc_ovr"]).tolist() == [False, True, True, False]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("weighted", [False, True])
def test_not_finite(value, weighted):
    """Answers that are not finite leave no finite score, to their model alone."""
    rng, weights = np.random.default_rng(0), weight if weighted else None
    y, responses = regression(rng, 3, N)
    responses["predict"][1, 8] = value
    found = stacked_scores(Truth(y, weights), REGRESSION, responses)
    for name, scores in found.items():
        assert np.isfinite(scores).tolist() == [True, False, True], name
    y, responses = classification(rng, 3, N, 2)
    responses["decision_function"][1, 8] = value
    responses["predict"] = responses["predict"].astype(float)
    responses["predict"][1, 8] = value
    names = [*LABELS, *BINARY, "roc_auc"]
    found = stacked_scores(Truth(y, weights, np.arange(2)), names, responses)
    for name, scores in found.items():
        assert np.isfinite(scores).tolist() == [True, False, True], name


def test_labels_that_are_none():
    """Numbers that are not whole are no labels, neither in y nor in answers."""
    y, responses = classification(np.random.default_rng(0), 3, N, 2)
    halves = {"predict": responses["predict"] + 0.5}
    check_undefined([*LABELS, *BINARY], y, halves, None, np.arange(2))
    check_undefined([*LABELS, *BINARY], y + 0.5, halves, None, np.arange(2) + 0.5)
    check_undefined(
        [*LABELS, *BINARY, *PROBABILITIES, "roc_auc"],
        y + 0.5,
        responses,
        None,
        np.arange(2),
    )


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_weights_that_are_none(bad):
    """Weights that are negative or not finite leave no score."""
    weights = np.where(np.arange(N) == 5, bad, 1.0)
    y, responses = classification(np.random.default_rng(0), 2, N, 2)
    found = stacked_scores(Truth(y, weights, np.arange(2)), METRICS, responses)
    assert all(np.isnan(scores).all() for scores in found.values())


def test_no_rows():
    """Without a row that counts there is no score."""
    y, responses = classification(np.random.default_rng(0), 2, N, 2)
    for truth in (
        Truth(y, np.zeros(N), np.arange(2)),
        Truth(y[:0], None, np.arange(2)),
    ):
        some = {name: response[:, : len(y)] for name, response in responses.items()}
        found = stacked_scores(truth, METRICS, some)
        assert all(np.isnan(scores).all() for scores in found.values())


@pytest.mark.parametrize("value", [2.0, 0.1, -1e9 / 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_constant_target(value, weighted):
    """Constant y is explained fully if predicted without error, else not at all."""
    y = np.full(N, value)
    responses = {"predict": np.stack([y, y + np.arange(N)])}
    truth = Truth(y, weight if weighted else None)
    found = stacked_scores(truth, ["r2", "explained_variance"], responses)
    assert found["r2"].tolist() == [1.0, 0.0]
    assert found["explained_variance"].tolist() == [1.0, 0.0]


def test_one_row():
    """One row has a median and no coefficient of determination."""
    y, responses = regression(np.random.default_rng(0), 2, 1)
    check([name for name in REGRESSION if name != "r2"], y, responses)
    check_undefined(["r2"], y, responses)


def test_answers_of_another_shape():
    """Answers that do not fit y have no score."""
    rng = np.random.default_rng(0)
    y, responses = regression(rng, 2, N, 3)
    two = {"predict": responses["predict"][..., :2]}
    check_undefined(REGRESSION, y, two)
    indicator = {"predict": (responses["predict"] > 0).astype(int)}
    found = stacked_scores(Truth((y > 0).astype(int)), LABELS, indicator)
    assert all(np.isnan(scores).all() for scores in found.values())
    codes, responses = classification(rng, 2, N, 3)
    classes = np.arange(4)
    found = stacked_scores(Truth(codes, None, classes), PROBABILITIES, responses)
    assert all(np.isnan(scores).all() for scores in found.values())
    responses["decision_function"] = responses["predict_proba"]
    check_undefined(["roc_auc"], codes, responses, None, np.arange(3))
    names = {"predict": np.array(["a", "b"])[(responses["predict"] > 0) * 1]}
    check_undefined(LABELS, codes, names)
    check_undefined(REGRESSION, y[:, 0], names)


# ---- anything ----

WEIGHTS = st.sampled_from([0.25, 1.0, 3.0])


@st.composite
def stacks(draw):
    """A few rows that lack classes, answers with ties, and weights or none."""
    n_rows = draw(st.integers(1, 12))
    n_classes = draw(st.integers(2, 4))
    codes = st.integers(0, n_classes - 1)
    y = np.array(draw(st.lists(codes, min_size=n_rows, max_size=n_rows)))
    size = 2 * n_rows
    predicted = draw(st.lists(codes, min_size=size, max_size=size))
    parts = st.lists(st.integers(1, 3), min_size=n_classes, max_size=n_classes)
    ratios = np.array(draw(st.lists(parts, min_size=size, max_size=size)), float)
    ratios /= ratios.sum(axis=1, keepdims=True)
    responses = {
        "predict": np.array(predicted).reshape(2, n_rows),
        "predict_proba": ratios.reshape(2, n_rows, n_classes),
    }
    weights = draw(st.none() | st.lists(WEIGHTS, min_size=n_rows, max_size=n_rows))
    return y, responses, None if weights is None else np.array(weights), n_classes


@settings(max_examples=25, deadline=None)
@given(stacks())
def test_any_stack(stack):
    """Whatever is missing, a score is scikit-learn's; it raises where there is none."""
    y, responses, weights, n_classes = stack
    classes = np.arange(n_classes)
    found = stacked_scores(Truth(y, weights, classes), METRICS, responses)
    for name, scores in found.items():
        expected = by_scikit_learn(name, y, responses, weights, classes)
        if name in ONE_TO_ONE and n_classes > 2 and weights is not None:
            assert np.isnan(expected).all()
        elif name == "neg_brier_score" and n_classes == 2 and len(set(y)) == 1:
            assert np.isnan(scores).all()  # what is positive depends on the labels
        else:
            defined = ~np.isnan(expected)
            np.testing.assert_allclose(
                scores[defined], expected[defined], 1e-9, 1e-12, err_msg=name
            )
            assert np.isnan(scores[~defined]).all(), name
