# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Scoring all models of a stack at once, by metrics of ours where there is one."""

import warnings
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    get_scorer,
    make_scorer,
    max_error,
    mean_squared_error,
    precision_score,
    r2_score,
    roc_auc_score,
)

from gpu_hpo.linear_model import SGDClassifier as OurSGDClassifier
from gpu_hpo.metrics._joint_scores import _plain
from gpu_hpo.metrics._scoring import make_scoring
from gpu_hpo.metrics._stacked import METRICS
from gpu_hpo.testing import NoHostCopyArray
from tests.metrics.helpers import (
    BINARY,
    LABELS,
    ONE_TO_ONE,
    PROBABILITIES,
    REGRESSION,
    Classifier,
    Regressor,
    classification,
    of_model,
    regression,
)
from tests.model_selection.device_frames import DeviceFrame, DeviceSeries

N = 97
weight = np.random.default_rng(1).uniform(0.1, 3, N)


def stack_for(names, n_models=4, n_classes=2):
    """y, and models that have all the answers that the metrics may ask for."""
    rng = np.random.default_rng(0)
    if names[0] in REGRESSION:
        y, responses = regression(rng, n_models, N)
        return y, [Regressor(of_model(responses, i)) for i in range(n_models)]
    y, responses = classification(rng, n_models, N, n_classes)
    classes = np.arange(n_classes)
    return y, [Classifier(of_model(responses, i), classes) for i in range(n_models)]


def score(scoring, models, data, edges=(0, N), rows=()):
    """Score models on rows that come in parts."""
    parts = [
        {name: value[a:b] for name, value in data.items()} for a, b in pairwise(edges)
    ]
    responses = [
        [
            {name: model.responses[name][a:b] for name in scoring.methods(model)}
            for a, b in pairwise(edges)
        ]
        for model in models
    ]
    return scoring.score_many(models, responses, parts, rows)


GROUPS = [
    (REGRESSION, 2),
    ([*LABELS, *PROBABILITIES, *BINARY, "roc_auc"], 2),
    ([*LABELS, *PROBABILITIES], 4),
]
each_group = pytest.mark.parametrize(
    ("names", "n_classes"), GROUPS, ids=["numbers", "2 classes", "4 classes"]
)


@each_group
@pytest.mark.parametrize("weighted", [False, True])
def test_all_metrics_in_parts(names, n_classes, weighted):
    """Every metric in parts is what it is for the whole, and scikit-learn's score."""
    y, models = stack_for(names, n_classes=n_classes)
    data = {"y": y} | ({"sample_weight": weight} if weighted else {})
    rows = ("sample_weight",) if weighted else ()
    scoring = make_scoring(models[0], names, names[0])
    found = score(scoring, models, data, (0, N), rows)
    assert [list(scores) for scores in found] == [names] * len(models)
    for edges in ((0, 30, N), (0, 1, 50, 51, N)):
        assert score(scoring, models, data, edges, rows) == found
    given = {"sample_weight": weight} if weighted else {}
    for model, scores in zip(models, found, strict=True):
        assert all(type(value) is float for value in scores.values())
        for name, value in scores.items():
            if weighted and n_classes > 2 and name in ONE_TO_ONE:
                continue  # scikit-learn takes no weights
            expected = get_scorer(name)(model, None, y, **given)
            assert value == pytest.approx(expected, rel=1e-12, abs=1e-12), name


@each_group
def test_alone_and_together(names, n_classes):
    """A model's scores are those that it has alone, to the last bit."""
    y, models = stack_for(names, 9, n_classes)
    data, rows = {"y": y, "sample_weight": weight}, ("sample_weight",)
    scoring = make_scoring(models[0], names, names[0])
    together = score(scoring, models, data, rows=rows)
    for model, scores in zip(models, together, strict=True):
        responses = [{name: model.responses[name] for name in scoring.methods(model)}]
        assert scoring.score(model, responses, [data], rows) == scores


@each_group
def test_rows_without_weight(names, n_classes):
    """A weight of 0 leaves a row out, in scores of the host's scorers, too."""
    more = {2: ["average_precision", "jaccard_macro"], 4: ["jaccard_macro"]}
    names = [*names, *(["neg_max_error"] if names is REGRESSION else more[n_classes])]
    y, models = stack_for(names, n_classes=n_classes)
    out = np.arange(N) % 4 == 1
    weights = np.where(out, 0.0, weight)
    if names[-1] == "jaccard_macro":
        y = np.where(out, 11, y)  # a label that is nowhere else
    scoring = make_scoring(models[0], names, names[0])
    data = {"y": y, "sample_weight": weights}
    found = score(scoring, models, data, (0, 40, N), ("sample_weight",))
    kept = [
        type(m)({name: a[~out] for name, a in m.responses.items()}, m.classes)
        for m in models
    ]
    data = {"y": y[~out], "sample_weight": weights[~out]}
    rest = score(scoring, kept, data, (0, 40, N), ("sample_weight",))
    for scores, expected in zip(found, rest, strict=True):
        if "neg_max_error" in scores:  # takes no weights, so that all rows count
            assert scores.pop("neg_max_error") <= expected.pop("neg_max_error")
        assert scores == expected


@pytest.mark.parametrize("name", METRICS)
def test_whose_metric(name):
    """A metric is ours by name and by an equal scorer, alone, in lists and in dicts."""
    (_, models) = stack_for([name])
    by_hand = get_scorer(name)
    equal = make_scorer(
        by_hand._score_func,
        response_method=by_hand._response_method,
        greater_is_better=by_hand._sign > 0,
        **by_hand._kwargs,
    )
    for scoring in (name, get_scorer(name), equal, [name], {name: equal}):
        made = make_scoring(models[0], scoring, name)
        assert [metric.ours for metric in made.metrics] == [name]
        assert not made.needs_X


@pytest.mark.parametrize(
    ("scorer", "ours"),
    [
        (make_scorer(accuracy_score), "accuracy"),
        (make_scorer(f1_score), "f1"),
        (make_scorer(r2_score, multioutput="uniform_average"), "r2"),
        (make_scorer(f1_score, pos_label=0), None),
        (make_scorer(precision_score, average="macro", labels=np.arange(2)), None),
        (make_scorer(precision_score, average="macro", zero_division=1), None),
        (make_scorer(mean_squared_error), None),
        (make_scorer(mean_squared_error, greater_is_better=False), True),
        (make_scorer(roc_auc_score, response_method="predict_proba"), None),
        (make_scorer(max_error), None),
        (make_scorer(partial(accuracy_score)), None),
    ],
)
def test_other_arguments(scorer, ours):
    """A scorer with other arguments than a named one's is scikit-learn's."""
    _, (model, *_) = stack_for(["r2" if "error" in str(scorer) else "f1"])
    (metric,) = make_scoring(model, scorer).metrics
    assert metric.ours == ("neg_mean_squared_error" if ours is True else ours)


def test_ours_and_others():
    """Metrics of ours, scikit-learn's and the user's come in the order asked for."""

    def own(y_true, y_pred, sample_weight=None):
        return float(len(y_true))

    y, models = stack_for(["f1"])
    asked = {
        "own": make_scorer(own),
        "f1": "f1",
        "jaccard": "jaccard",
        "auc": "roc_auc",
    }
    scoring = make_scoring(models[0], asked, "f1")
    weights = np.where(np.arange(N) < 5, 0.0, 1.0)
    data = {"y": y, "sample_weight": weights}
    for model, scores in zip(
        models, score(scoring, models, data, rows=("sample_weight",)), strict=True
    ):
        assert list(scores) == list(asked)
        assert scores["own"] == N  # the user's functions see rows without weight
        for name in ("f1", "jaccard", "roc_auc"):
            expected = get_scorer(name)(model, None, y, sample_weight=weights)
            assert scores[name.removeprefix("roc_")] == pytest.approx(expected)


def test_one_model_fails():
    """What a metric raises for a model is scikit-learn's, and that model's alone."""
    y, models = stack_for(["r2"], 3)
    models[1].responses["predict"][4] = np.nan
    names = ["r2", "neg_mean_squared_error", "neg_max_error"]
    scoring = make_scoring(models[0], names, "r2")
    first, error, last = score(scoring, models, {"y": y})
    assert isinstance(error, ValueError)
    assert "contains NaN" in str(error)
    for model, scores in ((models[0], first), (models[2], last)):
        for name in names:
            assert scores[name] == pytest.approx(get_scorer(name)(model, None, y))
    with pytest.raises(ValueError, match="contains NaN"):
        scoring.score(models[1], [models[1].responses], [{"y": y}])


def test_area_of_one_class():
    """Where there is no area under the curve, scikit-learn's warning says so."""
    _, models = stack_for(["roc_auc"], 2)
    scoring = make_scoring(models[0], "roc_auc")
    with pytest.warns(UndefinedMetricWarning, match="Only one class is present"):
        found = score(scoring, models, {"y": np.ones(N, int)})
    assert all(np.isnan(scores["score"]) for scores in found)


def test_probabilities_of_classes_that_y_lacks():
    """Log loss of a class that y does not have is scikit-learn's error."""
    y, models = stack_for(["neg_log_loss"], 2, 3)
    scoring = make_scoring(models[0], "neg_log_loss")
    for error in score(scoring, models, {"y": np.minimum(y, 1)}):
        assert isinstance(error, ValueError)
        assert "different number of classes" in str(error)


def test_models_that_differ():
    """Models may have other classes, and answers of another type."""
    y, models = stack_for(["f1"], 6)
    models[1].classes_ = np.array([0, 1, 2])
    models[2].responses["predict"] = models[2].responses["predict"].astype(np.int8)
    models[3].responses["predict"] = list(models[3].responses["predict"])
    models[4].classes_ = list(models[4].classes_)
    del models[5].classes_
    scoring = make_scoring(models[0], ["f1_macro", "accuracy"], "accuracy")
    responses = [[{"predict": model.responses["predict"]}] for model in models]
    found = scoring.score_many(models, responses, [{"y": y}])
    for model, scores in zip(models, found, strict=True):
        predicted = model.responses["predict"]
        assert scores["accuracy"] == pytest.approx(accuracy_score(y, predicted))
        expected = f1_score(y, predicted, average="macro")
        assert scores["f1_macro"] == pytest.approx(expected)


def test_models_with_other_methods():
    """A model that has no decisions is scored by its probabilities."""
    y, models = stack_for(["roc_auc"], 4)
    for model in models[::2]:
        del model.responses["decision_function"]
    scoring = make_scoring(models[0], "roc_auc")
    for model, scores in zip(models, score(scoring, models, {"y": y}), strict=True):
        expected = get_scorer("roc_auc")(model, None, y)
        assert scores["score"] == pytest.approx(expected, rel=1e-12)


def test_columns_of_frames():
    """y, weights and predictions may be columns of frames."""
    y, models = stack_for(["f1"])
    index = np.arange(N)[::-1] + 1000
    for model in models:
        model.responses = {"predict": pd.Series(model.responses["predict"], index)}
    data = {"y": pd.Series(y, index), "sample_weight": pd.Series(weight, index)}
    scoring = make_scoring(models[0], ["f1", "jaccard"], "f1")
    found = score(scoring, models, data, (0, 40, N), ("sample_weight",))
    for model, scores in zip(models, found, strict=True):
        predicted = model.responses["predict"].to_numpy()
        expected = f1_score(y, predicted, sample_weight=weight)
        assert scores["f1"] == pytest.approx(expected)


def test_several_columns_of_labels():
    """What has no form for stacks is scored model by model, as before."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (N, 3))
    models = [Regressor({"predict": rng.integers(0, 2, (N, 3))}) for _ in range(3)]
    scoring = make_scoring(models[0], ["accuracy", "f1_macro"], "accuracy")
    for model, scores in zip(models, score(scoring, models, {"y": y}), strict=True):
        for name, value in scores.items():
            expected = get_scorer(name)(model, None, y)
            assert value == pytest.approx(expected)


def test_no_models():
    """No models have no scores."""
    scoring = make_scoring(SGDClassifier(), "accuracy")
    assert scoring.score_many([], [], [{"y": np.arange(3)}]) == []


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(set(METRICS) - set(REGRESSION))),
    st.lists(st.integers(-1, 2), min_size=1, max_size=8),
    st.lists(st.integers(-1, 2), min_size=16, max_size=16),
    st.sampled_from([[0, 1], [-1, 1], [-1, 0, 1, 2], [0, 2], [1]]),
    st.booleans(),
)
def test_score_or_error(name, y, predicted, classes, weighted):
    """Whatever scikit-learn makes of labels, a score or an error, so do we."""
    y, n_rows = np.array(y), len(y)
    ratios = np.array(predicted)[: 2 * n_rows].reshape(2, n_rows)[..., None]
    ratios = np.abs(ratios - np.arange(len(classes))) + 1.0
    ratios /= ratios.sum(axis=-1, keepdims=True)
    responses = {
        "predict": np.array(predicted)[-2 * n_rows :].reshape(2, n_rows),
        "predict_proba": ratios,
    }
    models = [Classifier(of_model(responses, i), np.array(classes)) for i in range(2)]
    given = {"sample_weight": np.arange(1.0, n_rows + 1)} if weighted else {}
    scoring = make_scoring(models[0], name)
    method = scoring.methods(models[0])
    kept = [[{name: m.responses[name] for name in method}] for m in models]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = scoring.score_many(models, kept, [{"y": y, **given}], tuple(given))
        for model, scores in zip(models, found, strict=True):
            try:
                expected = get_scorer(name)(model, None, y, **given)
            except Exception as error:
                if name in ONE_TO_ONE and "sample_weight" in str(error):
                    continue
                assert isinstance(scores, type(error))
                assert str(scores) == str(error)
            else:
                wanted = pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True)
                assert scores["score"] == wanted


# ---- on a device ----


def on_device(models):
    for model in models:
        model.responses = {
            name: NoHostCopyArray(response)
            for name, response in model.responses.items()
        }


@each_group
@pytest.mark.parametrize("weighted", [False, True])
def test_device(names, n_classes, weighted, monkeypatch):
    """All scores are copied at once, with the host's bits.

    Before that, at most, where each class begins and ends among the rows.
    """
    y, models = stack_for(names, 5, n_classes)
    scoring = make_scoring(models[0], names, names[0])
    data = {"y": y} | ({"sample_weight": weight} if weighted else {})
    rows = ("sample_weight",) if weighted else ()
    expected = score(scoring, models, data, (0, 33, N), rows)
    on_device(models)
    data = {name: NoHostCopyArray(value) for name, value in data.items()}
    copied = []
    get = NoHostCopyArray.get
    monkeypatch.setattr(
        NoHostCopyArray, "get", lambda self: copied.append(self.size) or get(self)
    )
    assert score(scoring, models, data, (0, 33, N), rows) == expected
    *edges, all_scores = copied
    assert all_scores == len(models) * len(names)
    assert edges in ([], [n_classes + 1])


def test_device_with_other_metrics():
    """Scikit-learn's metrics get copies of answers per model, and of y once."""
    y, models = stack_for(["f1"], 3)
    scoring = make_scoring(models[0], ["f1", "jaccard"], "f1")
    expected = score(scoring, models, {"y": y})
    on_device(models)
    NoHostCopyArray.host_copies = 0
    assert score(scoring, models, {"y": NoHostCopyArray(y)}) == expected
    assert NoHostCopyArray.host_copies == 1 + 1 + 3


def test_device_with_labels_of_the_host():
    """Answers on a device and labels on the host meet on the host."""
    y, models = stack_for(["f1"], 2)
    scoring = make_scoring(models[0], ["f1", "accuracy"], "f1")
    expected = score(scoring, models, {"y": y})
    on_device(models)
    for scores, wanted in zip(score(scoring, models, {"y": y}), expected, strict=True):
        assert scores == pytest.approx(wanted)


def test_device_frames():
    """What of a frame is an array stays on its device; the rest is scikit-learn's."""
    numbers = np.arange(N) % 2
    for column in (numbers, numbers / 3, numbers > 0):
        assert isinstance(_plain(DeviceSeries(column)), np.ndarray)
    several = DeviceFrame({"a": numbers, "b": numbers / 3})
    assert _plain(several).shape == (N, 2)
    gaps = np.where(numbers, np.nan, 1.0)
    for series in (
        DeviceSeries(gaps),
        DeviceSeries(np.array(["x", "y"], object)[numbers]),
        DeviceFrame({"a": numbers, "b": gaps}),
    ):
        assert _plain(series) is series


def test_stack_of_linear_models():
    """Models that were trained as a stack are scored as they are alone."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 4))
    y = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]
    models = [
        OurSGDClassifier(loss="log_loss", alpha=10.0**-i, random_state=0)
        for i in range(4)
    ]
    stack = OurSGDClassifier.stack(models)
    stack.partial_fit(X[:200], y[:200], classes=np.unique(y))
    scoring = make_scoring(
        models[0], ["accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr"], "accuracy"
    )
    part = {"X": X[200:], "y": y[200:]}
    joint = scoring.responses(stack, part)
    responses = [[{name: a[i] for name, a in joint.items()}] for i in range(4)]
    models = stack.unstack()
    found = scoring.score_many(models, responses, [{"y": part["y"]}])
    for model, scores in zip(models, found, strict=True):
        for name, value in scores.items():
            expected = get_scorer(name)(model, part["X"], part["y"])
            assert value == pytest.approx(expected, rel=1e-12)
