# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Turning estimators of cuML into scikit-learn's, and the reverse, with the real cuML.

A GPU is not needed, but cuML is: `make test-rapids`.
"""

import importlib

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.linear_model import (
    ElasticNet,
    Lars,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    SGDClassifier,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import CategoricalNB, GaussianNB, MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVR

import gpu_hpo.linear_model
from gpu_hpo.devices import convert
from gpu_hpo.exceptions import NoCounterpartError
from tests.devices.counterpart_cases import QN, TO_CPU, Frame, of_cuml

IDS = [f"{case[1]}-{'-'.join(case[2]) or 'defaults'}" for case in TO_CPU]


def own_params(estimator):
    return estimator.get_params(deep=False)


def make_data(estimator):
    """Rows of counts that any of the estimators can learn from."""
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=150)
    X = rng.poisson(1 + 8 * (labels[:, None] == [0, 1, 2, 0, 1, 2]))
    if is_classifier(estimator):
        return X, labels
    return X.astype(float), X @ [1.0, -2.0, 3.0, 0.5, 0.0, 1.0] + 5


# ---- cuML's into scikit-learn's ----


@pytest.mark.parametrize(
    ("module", "name", "given", "expected", "lost"), TO_CPU, ids=IDS
)
def test_cuml_becomes_scikit_learn(cuml, module, name, given, expected, lost):
    """A cuML estimator becomes that of scikit-learn's with the same meaning."""
    model = of_cuml(module, name, **given)
    before = dict(vars(model))
    converted = convert(model, "cpu")
    assert type(converted) is getattr(
        importlib.import_module(f"sklearn.{module}"), name
    )
    params = own_params(converted)
    assert {key: params[key] for key in expected} == expected
    same = set(params) & set(given) - set(expected) - {*lost, "penalty"}
    assert {key: params[key] for key in same} == {key: given[key] for key in same}
    assert vars(model) == before
    assert type(model).__module__.startswith("cuml")


@pytest.mark.parametrize(
    ("module", "name", "given", "expected", "lost"), TO_CPU, ids=IDS
)
def test_cuml_comes_back(cuml, module, name, given, expected, lost):
    """There and back again, all is as before but for what the way cannot know."""
    model = of_cuml(module, name, **given)
    converted = convert(model, "cpu")
    back = convert(converted, "cuda")
    assert type(back) is type(model)
    again = convert(back, "cpu")
    for before, after in ((model, back), (converted, again)):
        old, new = own_params(before), own_params(after)
        for key in old.keys() - {*lost}:
            if isinstance(old[key], float):
                old[key] = pytest.approx(old[key])
            assert new[key] == old[key], key


@pytest.mark.parametrize(
    ("module", "name", "given", "expected", "lost"), TO_CPU, ids=IDS
)
def test_what_was_cuml_learns_on_the_cpu(cuml, module, name, given, expected, lost):
    """The estimator of scikit-learn's takes its parameters, and learns."""
    converted = convert(of_cuml(module, name, **given), "cpu")
    X, y = make_data(converted)
    converted.fit(X, y)
    if hasattr(converted, "predict") and name != "KMeans":
        assert converted.score(X, y) > 0.6


def test_every_supervised_class_is_tested(cuml):
    """Each supervised class that cuML maps, or that has the same name, is above."""
    tested = {case[1] for case in TO_CPU} | {
        "OneVsOneClassifier",
        "OneVsRestClassifier",
    }
    modules = {"ensemble", "kernel_ridge", "linear_model", "multiclass", "naive_bayes"}
    for module in modules | {"neighbors", "svm"}:
        library = importlib.import_module(f"cuml.{module}")
        theirs = importlib.import_module(f"sklearn.{module}")
        for name, value in vars(library).items():
            supervised = getattr(value, "_estimator_type", None) or hasattr(
                value, "predict"
            )
            if isinstance(value, type) and supervised and hasattr(theirs, name):
                assert name in tested | {"IsolationForest"}, name


@pytest.mark.parametrize("given", [{}, {"penalty": "elasticnet", "l1_ratio": 0.5}])
@pytest.mark.parametrize(
    ("name", "loss", "expected"),
    [
        ("MBSGDClassifier", "hinge", "hinge"),
        ("MBSGDClassifier", "log", "log_loss"),
        ("MBSGDClassifier", "squared_loss", "squared_error"),
        ("MBSGDRegressor", "squared_loss", "squared_error"),
    ],
)
def test_mini_batch_sgd_becomes_ours(cuml, name, loss, expected, given):
    """cuML's mini-batch models become ours, which are trained in the same batches."""
    given = {"epochs": 500, "eta0": 0.01, "batch_size": 8, "tol": 0.01, **given}
    converted = convert(of_cuml("linear_model", name, loss=loss, **given), "cpu")
    kind = getattr(gpu_hpo.linear_model, name.removeprefix("MB"))
    assert type(converted) is kind
    given["max_iter"] = given.pop("epochs")
    params = own_params(converted)
    assert {key: params[key] for key in given} == given
    assert (params["loss"], params["learning_rate"]) == (expected, "constant")
    assert params["random_state"] == 0
    X, y = make_data(converted)
    if is_classifier(converted):
        y = y == 1
    X = StandardScaler().fit_transform(X)
    assert converted.fit(X, y).score(X, y) > 0.8
    assert convert(converted, "cuda") is converted


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("given", QN, ids=["defaults", "how", "all"])
def test_quasi_newton_becomes_ours(cuml, given, device):
    """cuML's QN becomes ours on either device, with the same values, and learns."""
    model = of_cuml("solvers", "QN", **given)
    before = dict(vars(model))
    converted = convert(Pipeline([("last", model)]), device).named_steps["last"]
    assert type(converted) is gpu_hpo.linear_model.QNClassifier
    old, new = own_params(model), own_params(converted)
    assert old.keys() - new.keys() == {"loss", "output_type"}
    assert new.keys() <= old.keys()
    same = new.keys() - {"verbose"}
    assert {key: new[key] for key in same} == {key: old[key] for key in same}
    assert vars(model) == before
    X, y = make_data(converted)
    assert converted.fit(X, y).score(X, y) > 0.8
    assert convert(converted, device) is converted


def test_other_losses_of_quasi_newton_stay_on_the_gpu(cuml):
    """What only cuML has, a GPU can be asked for as it is."""
    model = of_cuml("solvers", "QN", loss="l2")
    assert convert(model, "cuda") is model


@pytest.mark.parametrize(
    ("module", "name", "params", "culprit"),
    [
        ("ensemble", "RandomForestClassifier", {"n_bins": 64}, "n_bins=64"),
        (
            "ensemble",
            "RandomForestRegressor",
            {"max_depth": 3, "split_criterion": "gamma"},
            "split_criterion='gamma'",
        ),
        (
            "linear_model",
            "LogisticRegression",
            {"penalty_normalized": False},
            "penalty_normalized=False",
        ),
        ("linear_model", "LogisticRegression", {"penalty": "l3"}, "penalty='l3'"),
        (
            "linear_model",
            "LogisticRegression",
            {"penalty": "elasticnet"},
            "l1_ratio=None",
        ),
        ("linear_model", "LogisticRegression", {"C": -1.0}, "C=-1.0"),
        ("linear_model", "Ridge", {"solver": "none"}, "solver='none'"),
        ("linear_model", "MBSGDClassifier", {"loss": "huber"}, "loss='huber'"),
        ("linear_model", "MBSGDRegressor", {"alpha": -2.0}, "alpha=-2.0"),
        ("kernel_ridge", "KernelRidge", {"kernel": max}, "kernel=<built-in"),
        ("svm", "LinearSVC", {"penalty": "l1", "loss": "hinge"}, "loss='hinge'"),
        (
            "svm",
            "SVC",
            {"decision_function_shape": "ovr"},
            "decision_function_shape='ovr'",
        ),
        ("neighbors", "KNeighborsClassifier", {"metric": "odd"}, "metric='odd'"),
        ("naive_bayes", "GaussianNB", {"var_smoothing": -1}, "var_smoothing=-1"),
        ("solvers", "QN", {"loss": "l2"}, "loss='l2'"),
        ("solvers", "QN", {"loss": "svc_l1", "l2_strength": 2.0}, "loss='svc_l1'"),
        ("solvers", "QN", {"tol": 0}, "tol=0"),
    ],
)
def test_what_scikit_learn_lacks_is_an_error(cuml, module, name, params, culprit):
    """A value of cuML's that scikit-learn lacks is an error that names it."""
    with pytest.raises(NoCounterpartError) as caught:
        convert(of_cuml(module, name, **params), "cpu")
    message = str(caught.value)
    assert message.startswith(f"cuML's {name} with {culprit}")
    assert ":" in message


def test_a_class_that_scikit_learn_lacks_is_an_error(cuml):
    """A class of cuML's without a counterpart is an error that names it."""
    with pytest.raises(NoCounterpartError, match="cuML's SGD has no counterpart"):
        convert(of_cuml("solvers", "SGD"), "cpu")


# ---- scikit-learn's into cuML's ----


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (
            RandomForestRegressor(criterion="poisson", max_leaf_nodes=9, n_jobs=3),
            {"split_criterion": "poisson", "max_leaves": 9},
        ),
        (LogisticRegression(), {"max_iter": 100, "penalty": "l2", "solver": "qn"}),
        (
            LogisticRegression(l1_ratio=0.4, solver="saga", random_state=3, dual=False),
            {"penalty": "elasticnet", "l1_ratio": 0.4},
        ),
        (Ridge(solver="lsqr", random_state=3), {"solver": "lsmr"}),
        (LinearRegression(n_jobs=2), {"algorithm": "auto"}),
        (Lasso(alpha=0.5, copy_X=False), {"alpha": 0.5, "tol": pytest.approx(1e-3)}),
        (ElasticNet(l1_ratio=0.2), {"l1_ratio": 0.2}),
        (Lars(random_state=2), {"eps": None}),
        (SVC(), {"cache_size": 1024, "decision_function_shape": "ovo"}),
        (LinearSVR(C=2, dual=False), {"C": 2, "penalty": "l2"}),
        (GaussianNB(priors=[0.5, 0.5]), {"priors": [0.5, 0.5]}),
        (MultinomialNB(alpha=0.5, force_alpha=False), {"alpha": 0.5}),
        (MinMaxScaler(feature_range=(0, 2)), {"feature_range": (0, 2)}),
    ],
    ids=repr,
)
def test_scikit_learn_becomes_cuml(cuml, model, expected):
    """An estimator of scikit-learn becomes that of cuML's with the same meaning."""
    before = own_params(model)
    converted = convert(model, "cuda")
    assert type(converted).__module__.startswith("cuml.")
    assert type(converted).__name__ == type(model).__name__
    params = own_params(converted)
    assert {key: params[key] for key in expected} == expected
    assert own_params(model) == before
    back = convert(converted, "cpu")
    assert type(back) is type(model)


def test_priors_become_arrays(cuml):
    """cuML's naive Bayes takes class priors as an array only, and does not share it."""
    prior = [0.25, 0.75]
    converted = convert(MultinomialNB(class_prior=prior), "cuda")
    assert converted.class_prior.shape == (2,)
    assert converted.class_prior.tolist() == prior


@pytest.mark.parametrize(
    ("model", "culprit"),
    [
        (RandomForestClassifier(warm_start=True), "warm_start=True"),
        (RandomForestClassifier(max_depth=3, ccp_alpha=0.1), "ccp_alpha=0.1"),
        (
            RandomForestRegressor(criterion="absolute_error", ccp_alpha=0.1),
            "ccp_alpha=0.1",
        ),
        (RandomForestClassifier(max_samples=9), "max_samples=9"),
        (LogisticRegression(intercept_scaling=2), "intercept_scaling=2"),
        (Lasso(positive=True), "positive=True"),
        (Lars(jitter=0.1), "jitter=0.1"),
        (Ridge(positive=True), "positive=True"),
        (SVC(break_ties=True), "break_ties=True"),
        (SVC(decision_function_shape="ovo"), "decision_function_shape='ovo'"),
        (CategoricalNB(min_categories=4), "min_categories=4"),
        (MultinomialNB(alpha=[0.1, 0.2]), "alpha=[0.1, 0.2]"),
        (MultinomialNB(alpha=0, force_alpha=False), "force_alpha=False"),
        (MinMaxScaler(clip=True), "clip=True"),
    ],
    ids=repr,
)
def test_what_cuml_lacks_is_an_error(cuml, model, culprit):
    """A value of scikit-learn's that cuML lacks is an error that names it."""
    with pytest.raises(NoCounterpartError) as caught:
        convert(model, "cuda")
    start = f"scikit-learn's {type(model).__name__} with {culprit} has no counterpart"
    assert str(caught.value).startswith(start)


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        (GradientBoostingClassifier(), ""),
        (SGDClassifier(), "gpu_hpo.linear_model.SGDClassifier"),
    ],
    ids=repr,
)
def test_a_class_that_cuml_lacks_is_an_error(cuml, model, hint):
    """A class without a counterpart is an error, which names one of ours if it can."""
    with pytest.raises(NoCounterpartError, match=type(model).__name__) as caught:
        convert(model, "cuda")
    assert hint in str(caught.value)


# ---- estimators inside estimators ----


def test_parts_are_converted(cuml):
    """All estimators in a pipeline become cuML's, and scikit-learn's frame stays."""
    model = Pipeline(
        [
            (
                "columns",
                ColumnTransformer(
                    [("scale", MinMaxScaler(), [0, 1]), ("rest", "passthrough", [2])]
                ),
            ),
            ("own", FunctionTransformer(abs)),
            ("vote", VotingClassifier([("a", GaussianNB()), ("b", Ridge(alpha=2))])),
        ]
    )
    before = repr(model)
    converted = convert(model, "cuda")
    assert repr(model) == before
    assert type(converted) is Pipeline
    params, old = converted.get_params(), model.get_params()
    assert type(params["columns"]) is ColumnTransformer
    for name in ("columns__scale", "vote__a", "vote__b"):
        assert type(params[name]).__module__.startswith("cuml.")
        assert type(old[name]).__module__.startswith("sklearn.")
    assert params["vote__b__alpha"] == 2
    assert type(params["own"]) is FunctionTransformer
    assert params["own"] is not old["own"]
    back = convert(converted, "cpu")
    assert repr(back) == before
    assert convert(back, "cpu") is back


def test_cuml_frames_become_scikit_learn(cuml):
    """cuML's column transformer and multiclass models are replaced, parts and all."""
    scale = of_cuml("preprocessing", "StandardScaler", with_mean=False)
    frame = of_cuml("compose", "ColumnTransformer", transformers=[("s", scale, [0, 1])])
    inner = of_cuml("linear_model", "LogisticRegression", penalty="l1", tol=0.01)
    for name in ("OneVsRestClassifier", "OneVsOneClassifier"):
        outer = of_cuml("multiclass", name, estimator=inner)
        converted = convert(make_pipeline(frame, outer), "cpu")
        found = [type(value) for value in converted.get_params().values()]
        assert not [kind for kind in found if kind.__module__.startswith("cuml")]
        assert type(converted[0]) is ColumnTransformer
        assert not converted[0].transformers[0][1].with_mean
        assert converted[1].estimator.l1_ratio == 1
        X, y = make_data(converted)
        assert converted.fit(X, y).score(X, y) > 0.5


def test_one_versus_rest_becomes_cuml(cuml):
    """Multiclass models, which look at labels themselves, become cuML's."""
    model = OneVsRestClassifier(LogisticRegression(C=2), n_jobs=2)
    converted = convert(model, "cuda")
    assert type(converted) is cuml.multiclass.OneVsRestClassifier
    assert type(converted.estimator) is cuml.linear_model.LogisticRegression
    assert converted.estimator.C == 2
    assert type(model.estimator) is LogisticRegression


def test_an_error_names_the_parameter_of_a_part(cuml):
    """A part's parameter is named as `set_params` of the whole would."""
    model = make_pipeline(StandardScaler(), OneVsRestClassifier(Lasso(positive=True)))
    name = "onevsrestclassifier__estimator__positive=True"
    with pytest.raises(NoCounterpartError, match=f"Lasso with {name}"):
        convert(model, "cuda")


def test_third_party_frames_keep_their_class(cuml):
    """An estimator of neither library stays, and what it holds is converted."""
    model = Frame(GaussianNB(var_smoothing=0.1))
    converted = convert(model, "cuda")
    assert type(converted) is Frame
    assert type(converted.inner) is cuml.naive_bayes.GaussianNB
    assert converted.inner.var_smoothing == 0.1
    assert type(model.inner) is GaussianNB
