# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Labels that are text mean the same on a device as on the CPU."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score, f1_score, fbeta_score, make_scorer
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from gpu_hpo.devices import to_host
from gpu_hpo.exceptions import NoFiniteScoreError
from gpu_hpo.linear_model import QNClassifier, SGDClassifier
from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
    InverseDecaySearchCV,
    RandomizedSearchCV,
    ScheduledSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.neural_network import MLPClassifier
from gpu_hpo.schedules import Rounds
from gpu_hpo.wrappers import Incremental, ParallelPostFit
from tests.gpu import helpers

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:parameters is a space of"),
    pytest.mark.filterwarnings("ignore:The number of bins:UserWarning"),
    pytest.mark.filterwarnings("ignore:Scoring failed:UserWarning"),
    pytest.mark.filterwarnings("ignore:Some fits failed"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning"),
    pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning"),
    pytest.mark.filterwarnings("ignore:One or more of the train scores:UserWarning"),
]
RNG = np.random.default_rng(0)
X = RNG.standard_normal((240, 5))
SIGNAL = X[:, 0] + 0.7 * RNG.standard_normal(240)
# In another order than by their sizes, and far from even.
TWO = np.array(["yes", "no"])[(SIGNAL > 0.5).astype(int)]
THREE = np.array(["lo", "mid", "hi"], dtype=object)[np.digitize(SIGNAL, [-0.6, 0.5])]


def sgd(**params):
    return SGDClassifier(
        **{"loss": "log_loss", "batch_size": 16, "random_state": 0, "max_iter": 5}
        | params
    )


def mlp(**params):
    return MLPClassifier((4,), max_iter=5, batch_size=20, random_state=0, **params)


# ---- the seven searches ----


def _grid(estimator, space, **options):
    return GridSearchCV(estimator, space, cv=3, scheduler="synchronous", **options)


def _randomized(estimator, space, **options):
    return RandomizedSearchCV(
        estimator,
        space,
        n_iter=_size(space),
        cv=3,
        scheduler="synchronous",
        random_state=0,
        **options,
    )


def _size(space):
    return int(np.prod([len(values) for values in space.values()]))


def _end(scores):
    return dict.fromkeys(scores, 0)


def _all_once(n_trials):
    return Rounds(n_trials, _end, first_calls=2)


_STOPS = {"random_state": 0, "chunk_size": 48, "test_size": 0.25}
SEARCHES = {
    "grid": _grid,
    "randomized": _randomized,
    "hyperband": lambda e, s, **o: HyperbandSearchCV(e, s, max_iter=3, **_STOPS | o),
    "halving": lambda e, s, **o: SuccessiveHalvingSearchCV(
        e, s, n_initial_parameters=_size(s), n_initial_iter=1, max_iter=3, **_STOPS | o
    ),
    "incremental": lambda e, s, **o: IncrementalSearchCV(
        e, s, n_initial_parameters=_size(s), max_iter=3, **_STOPS | o
    ),
    "inverse decay": lambda e, s, **o: InverseDecaySearchCV(
        e, s, n_initial_parameters=_size(s), max_iter=3, **_STOPS | o
    ),
    "scheduled": lambda e, s, **o: ScheduledSearchCV(
        e, s, _all_once, n_initial_parameters=_size(s), **_STOPS | o
    ),
}
EXHAUSTIVE = ("grid", "randomized")


@pytest.fixture(params=SEARCHES)
def search(request, threads_client):
    return request.param


@pytest.fixture(params=["grid", "incremental"])
def kind(request, threads_client):
    return request.param


def both(name, estimator, space, y=TWO, fit=None, **options):
    """The same search on an emulated device and on the CPU."""
    found = []
    for device in ("cuda", "cpu"):
        made = SEARCHES[name](estimator, space, device=device, **options)
        found.append(made.fit(X, y, **(fit or {})))
        assert found[-1].device_.name == device
    return found


def scores(found):
    return {
        name: values.astype(float)
        for name, values in found.cv_results_.items()
        if ("test_" in name or "train_" in name) and not name.startswith("rank")
    }


def assert_same(there, here, rtol=1e-9):
    """Scores, ranks, winner, errors, parameters and what the best model says."""
    found, expected = scores(there), scores(here)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=rtol, err_msg=name)
    assert np.isfinite(here.best_score_)
    assert there.best_params_ == here.best_params_
    assert list(there.cv_results_["params"]) == list(here.cv_results_["params"])
    assert_speaks_text(there, here)


def assert_speaks_text(there, here):
    labels = here.best_estimator_.classes_.tolist()
    expected = here.predict(X)
    assert not isinstance(expected[0], int)
    for best in (
        there.best_estimator_,
        pickle.loads(pickle.dumps(there)).best_estimator_,
    ):
        assert best.classes_.tolist() == labels
        np.testing.assert_array_equal(best.predict(X), expected)
    assert there.classes_.tolist() == labels
    np.testing.assert_array_equal(to_host(there.predict(X)), expected)


SPACE = {"alpha": [1e-4, 1e-2, 1.0]}


def count_yes(estimator, X, y):
    """A scorer that is a function: it sees labels, a model and all rows."""
    assert set(np.unique(y)) <= {"yes", "no"}
    assert estimator.classes_.tolist() == ["no", "yes"]
    assert estimator.get_params()["alpha"] == estimator.alpha
    return float(f1_score(y, estimator.predict(X), pos_label="yes"))


def own_metric(y, predicted):
    """A function of labels that no library knows."""
    return float(((y == "yes") & (predicted == "yes")).mean())


SCORINGS = {
    "pos_label": make_scorer(f1_score, pos_label="no"),
    "labels": make_scorer(cohen_kappa_score, labels=["yes", "no"]),
    "fbeta": make_scorer(fbeta_score, beta=2, pos_label="yes"),
    "own metric": make_scorer(own_metric),
    "function": count_yes,
    "roc_auc": "roc_auc",
    "neg_log_loss": "neg_log_loss",
    "f1_macro": "f1_macro",
    "accuracy": None,
}


@pytest.mark.parametrize("scoring", ["pos_label", "function", "accuracy"])
def test_scorers(kind, scoring):
    """A scorer sees text, whatever it asks for."""
    assert_same(*both(kind, sgd(), SPACE, scoring=SCORINGS[scoring]))


def test_several_scorers(search):
    """Several scorers see text, some of which are ours, and one is a function."""
    scoring = {name: SCORINGS[name] or "accuracy" for name in SCORINGS}
    assert_same(*both(search, sgd(), SPACE, scoring=scoring, refit="function"))


@pytest.mark.parametrize("scoring", ["pos_label", "function"])
def test_scores_of_rows_that_train(threads_client, scoring):
    """So do scores on rows that train, and on folds of a search that stops early."""
    options = {"return_train_score": True, "scoring": SCORINGS[scoring]}
    assert_same(*both("grid", sgd(), SPACE, **options))
    options = {"cv": 3, "test_size": None, "scoring": SCORINGS[scoring]}
    assert_same(*both("incremental", sgd(), SPACE, **options))


@pytest.mark.parametrize("scoring", ["f1", "precision", "neg_brier_score"])
def test_metrics_that_are_not_defined(kind, scoring):
    """A metric that asks which label is 1 is not defined for text."""
    said = []
    for device in ("cuda", "cpu"):
        made = SEARCHES[kind](sgd(), SPACE, scoring=scoring, device=device)
        if kind in EXHAUSTIVE:
            made.fit(X, TWO)
            assert np.isnan(made.cv_results_["mean_test_score"]).all()
            made.set_params(error_score="raise")
        with pytest.raises(ValueError, match="pos_label") as error:
            made.fit(X, TWO)
        said.append(str(error.value))
    assert said[0] == said[1]


WEIGHTS = {"class_weight": [{"yes": 5.0}, {"no": 5.0, "yes": 0.5}, None]}


def test_searched_weights_of_classes(search):
    """Weights of classes that are searched are by text."""
    there, here = both(search, sgd(alpha=0.1), WEIGHTS, scoring="recall_macro")
    assert_same(there, here)
    used = there.cv_results_[
        "mean_test_score" if search in EXHAUSTIVE else "test_score"
    ]
    assert len(set(used)) > 1  # weights matter
    best = there.best_estimator_
    assert best.class_weight == there.best_params_["class_weight"]


@pytest.mark.parametrize("wrap", ["pipeline", "incremental", "parallel"])
def test_fixed_weights_inside(kind, wrap):
    """Weights of the estimator itself, in a pipeline or a wrapper, are by text."""
    inner = sgd(class_weight={"yes": 4.0})
    if wrap == "pipeline":
        estimator = make_pipeline(FunctionTransformer(), inner)
        name = "sgdclassifier__alpha"
    elif wrap == "incremental":
        estimator, name = Incremental(inner), "estimator__alpha"
    else:
        estimator, name = ParallelPostFit(inner), "estimator__alpha"
    space = {
        name: SPACE["alpha"],
        name.replace("alpha", "class_weight"): [
            {"yes": 4.0},
            {"no": 0.1, "yes": 2.0},
        ],
    }
    scoring = {"own": _weighted_yes, "recall": "recall_macro"}
    there, here = both(kind, estimator, space, scoring=scoring, refit="recall")
    assert_same(there, here)
    assert type(there.best_estimator_) is type(here.best_estimator_)
    name = name.replace("alpha", "class_weight")
    best = there.best_estimator_.get_params()
    assert best[name] == there.best_params_[name]


def _weighted_yes(estimator, X, y):
    return float((estimator.predict(X) == y)[y == "yes"].mean())


def test_weights_of_no_label(search):
    """Weights of what is no label are scikit-learn's error, as on the CPU."""
    space = {"class_weight": [{"yes": 2.0}, {"maybe": 3.0}]}
    there, here = both(search, sgd(), space)
    assert_same(there, here)
    if search not in EXHAUSTIVE:
        errors = [found.cv_results_["error"] for found in (there, here)]
        assert [bool(error) for error in errors[0]] == [bool(e) for e in errors[1]]
        assert any("not in class_weight" in error for error in errors[0])
        for found, expected in zip(*errors, strict=True):
            assert _last_line(found) == _last_line(expected)
        return
    said = []
    for device in ("cuda", "cpu"):
        options = {"device": device, "error_score": "raise"}
        with pytest.raises(ValueError, match=r"'no', 'yes'\], are not in") as error:
            SEARCHES[search](sgd(), space, **options).fit(X, TWO)
        said.append(str(error.value))
    assert said[0] == said[1]


def _last_line(error):
    return error.strip().splitlines()[-1] if error else ""


def test_errors_say_which_number_is_which_label(threads_client):
    """Where an error speaks of numbers, a note says what labels these are."""
    # In no fold are there all labels that have weights.
    order = np.argsort(THREE, kind="stable")
    folds = [(order[:200], order[200:])]
    grid = GridSearchCV(
        sgd(class_weight={"hi": 2.0, "mid": 3.0}),
        SPACE,
        cv=folds,
        scheduler="synchronous",
        error_score="raise",
        device="cuda",
    )
    labels = np.where(THREE[order] == "mid", "lo", THREE[order])
    labels[order[200:]] = "mid"
    with pytest.raises(ValueError, match="not in class_weight") as error:
        grid.fit(X, labels)
    assert any("1 is 'lo'" in note for note in error.value.__notes__)


# What scores TWO; the others score THREE. cuML has no weights of three classes.
OF_TWO = {"logistic, weights", "SVC", "linear SVC"}
MODELS = {
    "MLP": (mlp, {"alpha": [1e-4, 1.0]}, "partial_fit"),
    "QN": (QNClassifier, {"l2_strength": [0.1, 10.0]}, "n_samples"),
    "averaged SGD": (lambda: sgd(average=3), SPACE, "partial_fit"),
    "naive Bayes": (GaussianNB, {"var_smoothing": [1e-9, 1e-1]}, "partial_fit"),
    "logistic": (LogisticRegression, {"C": [0.01, 1.0]}, "n_samples"),
    "logistic, weights": (
        LogisticRegression,
        {"class_weight": [None, {"yes": 0.2}, "balanced"]},
        "n_samples",
    ),
    "SVC": (SVC, {"C": [0.1, 1.0], "class_weight": [{"yes": 0.2}, None]}, "n_samples"),
    "linear SVC": (LinearSVC, {"C": [0.1, 1.0]}, "n_samples"),
    "neighbors": (KNeighborsClassifier, {"n_neighbors": [3, 9]}, "n_samples"),
    "forest": (
        lambda: RandomForestClassifier(20, max_depth=4, random_state=0),
        {"max_depth": [2, 4]},
        "n_samples",
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_models(kind, name):
    """Each model of ours and of cuML answers with text, as text is scored."""
    make, space, resource = MODELS[name]
    y, scorer = THREE, make_scorer(f1_score, labels=["mid", "hi"], average="macro")
    if name in OF_TWO:
        y, scorer = TWO, make_scorer(f1_score, pos_label="no")
    options = {"resource": resource} if kind == "incremental" else {}
    there, here = both(kind, make(), space, y, scoring=scorer, **options)
    best = there.best_estimator_
    assert best.classes_.tolist() == np.unique(y).tolist()
    predicted = best.predict(X)
    assert type(predicted) is np.ndarray
    assert set(predicted) <= set(y)
    np.testing.assert_array_equal(to_host(there.predict(X)), predicted)
    assert best.score(X, y) == pytest.approx((predicted == y).mean())
    again = pickle.loads(pickle.dumps(there))
    np.testing.assert_array_equal(again.best_estimator_.predict(X), predicted)
    # What computes on emulated memory is scikit-learn's, in single precision or not.
    for split in scores(here):
        np.testing.assert_allclose(
            scores(there)[split], scores(here)[split], atol=0.12, err_msg=split
        )
    assert (here.predict(X) == predicted).mean() > 0.85


@pytest.mark.parametrize("name", ["MLP", "QN", "logistic", "forest"])
def test_rows_on_the_device(kind, name):
    """A search answers rows on the device with text on the host."""
    import cupy

    make, space, resource = MODELS[name]
    options = {"resource": resource} if kind == "incremental" else {}
    found = SEARCHES[kind](make(), space, device="cuda", **options).fit(X, THREE)
    np.testing.assert_array_equal(found.predict(cupy.asarray(X)), found.predict(X))
    assert found.score(cupy.asarray(X), THREE) == found.score(X, THREE)


@pytest.mark.parametrize("estimator", [sgd(), mlp()], ids=["SGD", "MLP"])
def test_fits_of_the_best_model(threads_client, estimator):
    """The best model is fitted anew to text, on the host, as one of the CPU is."""
    there, here = both("grid", estimator, {"alpha": [1e-3]})
    for found in (there, here):
        found.best_estimator_.fit(X, THREE)
    np.testing.assert_array_equal(
        there.best_estimator_.predict(X), here.best_estimator_.predict(X)
    )


def test_the_best_model_without_a_gpu(monkeypatch):
    """Where the caller has no GPU, the best model trains on with text."""
    with helpers.cuda_client(1) as client, client.as_current():
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        found = SEARCHES["incremental"](sgd(), SPACE, device="cuda").fit(X, TWO)
        assert found.device_.name == "cuda"
        best = found.best_estimator_
        assert type(best.coef_) is np.ndarray
        assert best.classes_.tolist() == ["no", "yes"]
        before = best.coef_.copy()
        best.partial_fit(X, TWO)
        assert (best.coef_ != before).any()
        assert set(best.predict(X)) == {"no", "yes"}


@pytest.mark.parametrize("classes", [["yes", "no"], ["yes", "no", "maybe"]])
def test_classes_that_the_user_names(threads_client, classes):
    """`classes` may be text, and name labels that y lacks."""
    there, here = both("incremental", sgd(), SPACE, fit={"classes": classes})
    assert_same(there, here)
    assert there.best_estimator_.classes_.tolist() == sorted(classes)
    fit = {"classes": classes}
    estimator, space = Incremental(sgd()), {"estimator__alpha": SPACE["alpha"]}
    assert_same(*both("grid", estimator, space, fit=fit))
    for device in ("cuda", "cpu"):
        made = SEARCHES["incremental"](sgd(), SPACE, device=device)
        with pytest.raises(ValueError, match=r"lacks labels that y has: \['no'\]"):
            made.fit(X, TWO, classes=["maybe", "yes"])


def test_a_column_of_labels(threads_client):
    """One column of text is taken for labels."""
    found = SEARCHES["grid"](sgd(), SPACE, device="cuda").fit(X, TWO[:, None])
    expected = SEARCHES["grid"](sgd(), SPACE, device="cuda").fit(X, TWO)
    assert found.best_score_ == expected.best_score_


class Centroids(ClassifierMixin, BaseEstimator):
    """An estimator of neither library, which keeps no labels where others do."""

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y):
        assert y.dtype.kind == "i"
        self.classes_ = np.unique(to_host(y))
        self.centers_ = [self.alpha * X[y == c].mean(axis=0) for c in self.classes_]
        return self

    def predict(self, X):
        away = [((X - center) ** 2).sum(axis=1) for center in self.centers_]
        return to_host(np.stack([to_host(a) for a in away])).argmin(axis=0)


def test_models_of_others(threads_client):
    """A model that has only numbers is scored by text, and the search decodes it."""
    import cupy

    found = SEARCHES["grid"](
        make_pipeline(StandardScaler(), Centroids()),
        {"centroids__alpha": [0.5, 1.0]},
        device="cuda",
        scoring=_weighted_yes,
    ).fit(X, TWO)
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()
    assert found.best_estimator_.classes_.tolist() == [0, 1]
    assert set(found.predict(cupy.asarray(X))) == {"no", "yes"}


def test_no_score_is_the_same_error(threads_client):
    """Where no model can be scored, the error is that of the CPU."""
    said = []
    for device in ("cuda", "cpu"):
        scoring = make_scorer(f1_score, pos_label="maybe")
        made = SEARCHES["incremental"](sgd(), SPACE, scoring=scoring, device=device)
        with pytest.raises((ValueError, NoFiniteScoreError)) as error:
            made.fit(X, TWO)
        said.append(f"{type(error.value).__name__}: {error.value}")
    assert said[0] == said[1]
