# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Bad values for the arguments of searches, and of the models in them."""

import numpy as np
from scipy.stats import uniform
from sklearn.linear_model import LogisticRegression, SGDClassifier

from gpu_hpo import linear_model, model_selection, schedules
from tests.bad_calls.common import (
    BAD_NUMBERS,
    BAD_WEIGHT,
    BAD_X,
    BAD_Y,
    NONE,
    Call,
    X,
    y,
)
from tests.bad_calls.kinds import (
    NAN,
    Bad,
    choice,
    count,
    flag,
    function,
    in_their_words,
    number,
    seed,
    text,
    these,
)
from tests.model_selection.helpers import Scripted

SPACE = {"value": uniform(0, 1)}
FIT = {"X": X, "y": y}
EARLY = {
    "estimator": these(3, "x", None, object(), SGDClassifier, LogisticRegression()),
    "parameters": these(3, "x", None, {}, [], [{}], {"value": []}, {"value": 3}, [3]),
    "test_size": number(0, 1, closed=False, also=NONE),
    "tol": number(also=(None, NAN)),
    "patience": count(0, also=NONE),
    "random_state": seed(),
    "scoring": these("best", 3, [], ["accuracy", "best"], 1j),
    "verbose": number(0, 1),
    "prefix": text(),
    "refit": these(3, "best", 0.5, [1]),
    "cv": these("x", 1, 0, -3, 2.5, 1_000_000, 201),
    "stratify": flag(also=NONE),
    "chunk_size": count(1, also=NONE),
    "stack": flag(),
    "resource": these("x", "value", 3, None, "random_state"),
    "device": choice("auto", "cpu", "cuda"),
    "call_timeout": number(0, closed=False, also=NONE),
    "X": BAD_X,
    "y": BAD_Y,
    "groups": these(3, "x", y[:100], {"a": 1}),
    "validation_data": these(3, "x", (X,), (X, y, y, y), (X[:, :2], y)),
    "sample_weight": BAD_WEIGHT,
    "classes": these([0], [0, 1, 1], [1, 2], ["0", "1"], np.array([0, 0, 1])),
}
# The models of a search, as it gets them.
OF_MODELS = {
    "alpha": number(0),
    "loss": choice("hinge", "log_loss", "perceptron"),
    "penalty": choice("l1", "l2", "elasticnet", also=NONE),
    "learning_rate": choice("optimal", "adaptive"),
    "l1_ratio": number(0, 1, also=NONE),
    "eta0": number(0, closed=False),
    "batch_size": count(1),
}


def early(kind, **always):
    """Return a function that fits a search of this kind."""
    own = {"estimator", "parameters", "X", "y", "groups", "validation_data"}
    own |= {"sample_weight", "classes"}

    def call(**given):
        options = {k: v for k, v in given.items() if k not in own}
        search = kind(
            given.get("estimator", Scripted()),
            given.get("parameters", SPACE),
            **{"chunk_size": 50, **always, **options},
        )
        rest = own - {"estimator", "parameters"}
        return search.fit(**{k: v for k, v in given.items() if k in rest})

    return call


def with_model(kind, **always):
    """Return a function that searches with an estimator of ours, of some parameters."""
    fit = early(kind, **always)

    def call(**given):
        data = {k: given.pop(k) for k in ("X", "y", "validation_data") if k in given}
        model = linear_model.SGDClassifier(**given)
        return fit(estimator=model, parameters={"power_t": [0.4, 0.5]}, **data)

    return call


NOT_ALLOWED = [
    ({"cv": 3, "test_size": 0.5}, ("cv", "test_size")),
    ({"groups": np.arange(200), "stratify": True}, ("groups", "stratify")),
    ({"refit": "accuracy"}, ("refit", "scoring")),
]
TOO_PATIENT = ({"patience": 10, "max_iter": 9}, ("patience=10", "max_iter=9"))
HALVING = {
    "n_initial_parameters": count(1),
    "n_initial_iter": count(1),
    "max_iter": count(1, also=NONE),
    "aggressiveness": count(2),
}
WHOLE = {
    "n_initial_parameters": count(1, also=("grid",)),
    "fits_per_score": count(1),
    "max_iter": count(1),
}

SEARCHES = {
    "HyperbandSearchCV": Call(
        early(model_selection.HyperbandSearchCV, max_iter=9),
        FIT,
        EARLY | {"max_iter": count(1), "aggressiveness": count(2)},
        [*NOT_ALLOWED, TOO_PATIENT],
    ),
    "SuccessiveHalvingSearchCV": Call(
        early(model_selection.SuccessiveHalvingSearchCV),
        FIT | {"n_initial_iter": 2},
        EARLY | HALVING,
        [
            *NOT_ALLOWED,
            TOO_PATIENT,
            ({"n_initial_iter": 9, "max_iter": 5}, ("n_initial_iter=9", "max_iter=5")),
        ],
    ),
    "IncrementalSearchCV": Call(
        early(model_selection.IncrementalSearchCV),
        FIT | {"max_iter": 3},
        EARLY
        | WHOLE
        | {
            "decay_rate": number(0, also=(None, "deprecated")),
            "scores_per_fit": count(1, also=NONE),
        },
        [
            *NOT_ALLOWED,
            TOO_PATIENT,
            ({"scores_per_fit": 3, "fits_per_score": 2}, ("scores_per_fit=3",)),
        ],
    ),
    "InverseDecaySearchCV": Call(
        early(model_selection.InverseDecaySearchCV),
        FIT | {"max_iter": 3},
        EARLY | WHOLE | {"decay_rate": number(0)},
        [*NOT_ALLOWED, TOO_PATIENT],
    ),
    "ScheduledSearchCV": Call(
        early(model_selection.ScheduledSearchCV),
        FIT | {"schedule": lambda n: schedules.Incremental(n, 2)},
        {k: v for k, v in EARLY.items() if k not in ("tol", "patience")}
        | {
            "schedule": function(),
            "n_initial_parameters": count(1, also=("grid",)),
        },
        NOT_ALLOWED,
    ),
    "HyperbandSearchCV from_rule_of_thumb": Call(
        model_selection.HyperbandSearchCV.from_rule_of_thumb,
        {
            "estimator": None,
            "parameters": {},
            "n_examples": 100,
            "n_params": 10,
        },
        {"n_examples": count(1), "n_params": count(1)},
        [
            ({"n_examples": 9}, ("n_examples=9", "n_params=10")),
            ({"max_iter": 9}, ("max_iter=9", "n_params")),
            ({"chunk_size": 9}, ("chunk_size=9", "n_examples")),
        ],
    ),
    "HyperbandSearchCV of our models": Call(
        with_model(model_selection.HyperbandSearchCV, max_iter=3),
        FIT,
        OF_MODELS
        | {
            "X": BAD_NUMBERS,
            "validation_data": Bad(
                tuple((bad, y) for bad in BAD_NUMBERS.listed), BAD_NUMBERS.drawn
            ),
        },
    ),
    "IncrementalSearchCV of our models": Call(
        with_model(model_selection.IncrementalSearchCV, max_iter=2),
        FIT,
        OF_MODELS | {"X": BAD_NUMBERS},
    ),
}

# Their errors are scikit-learn's, to the word; of the data, by each estimator.
EXHAUSTIVE = {
    "estimator": these(3, "x", None, object()),
    "scoring": these("best", 3, 1j),
    "refit": these(3, 0.5, [1], None),
    "cv": these("x", 1, 0, -3, 2.5),
    "error_score": these("x", None, [1]),
    "n_jobs": these("x", 2.5, [1]),
    "pre_dispatch": these(None, 2.5, [1]),
    "verbose": count(0, also=NONE),
    "return_train_score": flag(),
    "scheduler": these("x", 3, 1j, [1]),
    "cache_cv": flag(),
    "device": choice("auto", "cpu", "cuda"),
}


class Trains(BaseException):
    """Ends a search that begins to train."""


class Untrained(LogisticRegression):
    """Is not to be fitted."""

    def fit(self, X, y):
        raise Trains


def exhaustive(kind, space):
    """Return a function that fits a search that tries all candidates."""

    def call(X, y, **options):
        estimator = options.pop("estimator", Untrained())
        values = options.pop(space, {"C": [0.1, 1.0]})
        search = kind(estimator, **{space: values, "scheduler": "sync", **options})
        return search.fit(X, y)

    return call


TOO_MANY_FOLDS = [({"cv": 1_000_000}, ("n_splits=1000000",))]
BAD_SPACE = in_their_words(these(3, "x", None, {"C": 3}, {"C": []}, [3], {"D": [1, 2]}))
SEARCHES |= {
    "GridSearchCV": Call(
        exhaustive(model_selection.GridSearchCV, "param_grid"),
        FIT,
        EXHAUSTIVE | {"param_grid": BAD_SPACE},
        TOO_MANY_FOLDS,
    ),
    "RandomizedSearchCV": Call(
        exhaustive(model_selection.RandomizedSearchCV, "param_distributions"),
        FIT | {"n_iter": 2},
        EXHAUSTIVE
        | {
            "param_distributions": BAD_SPACE,
            "n_iter": count(1),
            "random_state": seed(),
        },
        TOO_MANY_FOLDS,
    ),
}
