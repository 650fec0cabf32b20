# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models that have learned text on a device know it, and go on with it."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from gpu_hpo.devices import to_host
from gpu_hpo.linear_model import QNClassifier
from tests.emulated.text_searches import (
    KINDS,
    SEARCHES,
    SPACE,
    THREE,
    TWO,
    X,
    both,
    mlp,
    recall_of_yes,
    scores,
    sgd,
)
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
    pytest.mark.usefixtures("threads_client"),
]


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
@pytest.mark.parametrize("kind", KINDS)
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
@pytest.mark.parametrize("kind", KINDS)
def test_rows_on_the_device(kind, name):
    """A search answers rows on the device with text on the host."""
    import cupy

    make, space, resource = MODELS[name]
    options = {"resource": resource} if kind == "incremental" else {}
    found = SEARCHES[kind](make(), space, device="cuda", **options).fit(X, THREE)
    np.testing.assert_array_equal(found.predict(cupy.asarray(X)), found.predict(X))
    assert found.score(cupy.asarray(X), THREE) == found.score(X, THREE)


@pytest.mark.parametrize("estimator", [sgd(), mlp()], ids=["SGD", "MLP"])
def test_fits_of_the_best_model(estimator):
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


def test_models_of_others():
    """A model that has only numbers is scored by text, and the search decodes it."""
    import cupy

    found = SEARCHES["grid"](
        make_pipeline(StandardScaler(), Centroids()),
        {"centroids__alpha": [0.5, 1.0]},
        device="cuda",
        scoring=recall_of_yes,
    ).fit(X, TWO)
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()
    assert found.best_estimator_.classes_.tolist() == [0, 1]
    assert set(found.predict(cupy.asarray(X))) == {"no", "yes"}


# ---- text beside rows on the device ----

OURS = {
    "SGD": sgd(shuffle=False),
    "SGD that stops early": sgd(early_stopping=True),
    "SGD with weights": sgd(class_weight={"hi": 3.0}),
    "MLP": mlp(),
    "MLP that stops early": mlp(early_stopping=True),
    "QN": QNClassifier(l2_strength=1.0),
}


@pytest.mark.parametrize("name", OURS)
def test_fits_to_text_beside_rows_on_the_device(name):
    """A model of ours is fitted to text where its rows are on the device."""
    import cupy
    from sklearn.base import clone

    # cuML's solver, or what stands for it, is another one than SciPy's.
    near = {"rtol": 0.1, "atol": 0.02} if name == "QN" else {"rtol": 1e-6}
    there, here = clone(OURS[name]), clone(OURS[name])
    there.fit(cupy.asarray(X), THREE.tolist())
    here.fit(X, THREE)
    assert there.classes_.tolist() == ["hi", "lo", "mid"]
    np.testing.assert_allclose(there.predict_proba(X), here.predict_proba(X), **near)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(OURS[name]).fit(cupy.asarray(X), THREE[:9])


@pytest.mark.parametrize("estimator", [sgd(), mlp()], ids=["SGD", "MLP"])
def test_the_best_model_trains_on(estimator):
    """It is trained on with text, on the device where its weights are."""
    import cupy

    there, here = (found.best_estimator_ for found in both(KINDS[1], estimator, SPACE))
    with pytest.raises(ValueError, match="class"):
        there.partial_fit(cupy.asarray(X), cupy.asarray((TWO == "yes").astype(int)))
    before = here.predict_proba(X)
    there.partial_fit(cupy.asarray(X), TWO)
    here.partial_fit(X, TWO)
    assert there.classes_.tolist() == ["no", "yes"]
    assert np.abs(here.predict_proba(X) - before).max() > 1e-4
    np.testing.assert_allclose(there.predict_proba(X), here.predict_proba(X), rtol=1e-6)
