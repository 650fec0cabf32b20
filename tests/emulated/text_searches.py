# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches over labels that are text, on an emulated device and on the CPU."""

import pickle

import numpy as np
from sklearn.metrics import f1_score

from gpu_hpo.devices import to_host
from gpu_hpo.linear_model import SGDClassifier
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
    return Rounds(n_trials, _end, first_calls=2, max_calls=2)


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
KINDS = ("grid", "incremental")  # one of either kind of search


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


def f1_of_yes(estimator, X, y):
    """A scorer that is a function: it sees labels, a model and all rows."""
    assert set(np.unique(y)) <= {"yes", "no"}
    assert estimator.classes_.tolist() == ["no", "yes"]
    assert estimator.get_params()["alpha"] == estimator.alpha
    return float(f1_score(y, estimator.predict(X), pos_label="yes"))


def recall_of_yes(estimator, X, y):
    return float((estimator.predict(X) == y)[y == "yes"].mean())
