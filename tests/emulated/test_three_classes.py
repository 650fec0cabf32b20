# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Classifiers of cuML learn three classes in searches on a device.

Some of them have scikit-learn combine several estimators on the host.
"""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from gpu_hpo.devices import to_host
from tests.emulated.text_searches import KINDS, SEARCHES, SIGNAL, both, scores
from tests.emulated.text_searches import X as ROWS

cuml = pytest.importorskip("cuml")
of_cuml = pytest.importorskip("cuml.multiclass")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:parameters is a space of"),
    pytest.mark.filterwarnings("ignore:The number of bins:UserWarning"),
    pytest.mark.usefixtures("threads_client"),
]

X = ROWS - ROWS.min()  # what naive Bayes counts is not negative
NUMBERS = np.digitize(SIGNAL, [-0.6, 0.5]) + 3
LABELS = {"numbers": NUMBERS, "text": np.array(["lo", "mid", "hi"])[NUMBERS - 3]}
C = [0.01, 1.0]
MODELS = {
    "SVC": (SVC(), {"C": C}),
    "SVC in a pipeline": (make_pipeline(StandardScaler(), SVC()), {"svc__C": C}),
    "SVC that answers CuPy": (cuml.SVC(output_type="cupy"), {"C": C}),
    "linear SVC": (LinearSVC(), {"C": C}),
    "one-vs-one": (OneVsOneClassifier(LogisticRegression()), {"estimator__C": C}),
    "one-vs-rest": (OneVsRestClassifier(SVC()), {"estimator__C": C}),
    "one-vs-rest of cuML": (
        of_cuml.OneVsRestClassifier(cuml.LogisticRegression()),
        {"estimator": [cuml.LogisticRegression(C=c) for c in C]},
    ),
    "logistic": (LogisticRegression(), {"C": C}),
    "neighbors": (KNeighborsClassifier(), {"n_neighbors": [1, 9]}),
    "forest": (
        RandomForestClassifier(9, bootstrap=False, max_features=1.0, random_state=0),
        {"max_depth": [1, 3]},
    ),
    "Gaussian": (GaussianNB(), {"var_smoothing": [1e-9, 10.0]}),
    "multinomial": (MultinomialNB(), {"alpha": [0.1, 1e4]}),
    "complement": (ComplementNB(), {"alpha": [0.1, 1e4]}),
    "Bernoulli": (BernoulliNB(binarize=X.mean()), {"alpha": [0.1, 1e4]}),
}
# These have no decision function, or another one than scikit-learn's.
WITHOUT = {"neighbors", "forest", "Gaussian", "multinomial", "complement", "Bernoulli"}


def columns(estimator, X, y):
    """A scorer that asks for both answers."""
    if hasattr(estimator, "decision_function"):
        assert estimator.decision_function(X).shape == (len(y), 3)
    return float((to_host(estimator.predict(X)) == to_host(y)).mean())


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_three_classes(kind, name, labels):
    """Models that learn three classes are scored as scikit-learn's are."""
    estimator, space = MODELS[name]
    y = LABELS[labels]
    options = {"resource": "n_samples"} if kind == "incremental" else {}
    scoring = {"accuracy": "accuracy", "f1": "f1_macro", "own": columns}
    made = []
    for device in ("cuda", "cpu"):
        given = {"scoring": scoring, "refit": "f1", "device": device, **options}
        made.append(SEARCHES[kind](estimator, space, **given).fit(X, y))
        assert made[-1].device_.name == device
    there, here = (scores(found) for found in made)
    for split, values in here.items():
        np.testing.assert_allclose(there[split], values, atol=0.04, err_msg=split)
    accuracy = here["mean_test_accuracy" if kind == "grid" else "test_accuracy"]
    assert len(set(accuracy)) > 1 or name in ("one-vs-rest", "linear SVC")
    if name != "SVC that answers CuPy":  # which cuML itself cannot do for host rows
        agreed = to_host(made[0].predict(X)) == made[1].predict(X)
        assert agreed.mean() > 0.95


@pytest.mark.parametrize("name", ["SVC", "SVC in a pipeline", "one-vs-one"])
@pytest.mark.parametrize("search", SEARCHES)
def test_every_search(search, name):
    """Each search scores machines of three classes on a device."""
    estimator, space = MODELS[name]
    options = {} if search in ("grid", "randomized") else {"resource": "n_samples"}
    there, here = both(search, estimator, space, LABELS["text"], **options)
    for split, values in scores(here).items():
        np.testing.assert_allclose(scores(there)[split], values, atol=0.04)
