# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Bad values for the arguments of splitters, models, wrappers and devices."""

import numpy as np
from sklearn.linear_model import SGDClassifier

from gpu_hpo import (
    devices,
    linear_model,
    model_selection,
    neural_network,
    wrappers,
)
from tests.bad_calls.common import (
    BAD_NUMBERS,
    LAZY_X,
    LAZY_Y,
    NONE,
    Call,
    X,
    y,
)
from tests.bad_calls.kinds import (
    INF,
    NAN,
    Bad,
    choice,
    count,
    flag,
    in_their_words,
    number,
    seed,
    these,
)

# ---- splitters ----

SIZE = number(0, 1, closed=False, also=NONE)
SHUFFLED = {"shuffle": flag(), "random_state": seed()}
ROWS = these(3, None, 0.5)


def splits(kind):
    """Return a function that makes a splitter and splits by it."""

    def call(X=X, y=y, **options):
        return list(kind(**options).split(X, y))

    return call


def split_of(*arrays):
    """Return a function that splits these arrays once."""

    def call(**options):
        given = options.pop("arrays", arrays)
        return model_selection.train_test_split(*given, **options)

    return call


ONCE = {
    "shuffle": flag(also=NONE),
    "blockwise": flag(),
    "convert_mixed_types": flag(),
    "random_state": seed(),
}
MODELS_AND_SPLITTERS = {
    "KFold": Call(
        splits(model_selection.KFold),
        {"n_splits": 3, "shuffle": True},
        {"n_splits": count(2), **SHUFFLED, "X": ROWS},
        [({"n_splits": 1000}, ("n_splits=1000",))],
    ),
    "KFold of Dask collections": Call(
        splits(model_selection.KFold),
        {"n_splits": 3, "shuffle": True, "X": LAZY_X, "y": LAZY_Y},
        {"n_splits": count(2), **SHUFFLED},
        [({"n_splits": 1000}, ("n_splits=1000",))],
    ),
    "StratifiedKFold": Call(
        splits(model_selection.StratifiedKFold),
        {"n_splits": 3, "shuffle": True},
        {
            "n_splits": count(2),
            **SHUFFLED,
            "X": ROWS,
            "y": in_their_words(these(3, None, X[:, 0])),
        },
        [({"n_splits": 150}, ("n_splits=150",))],
    ),
    "ShuffleSplit": Call(
        splits(model_selection.ShuffleSplit),
        {},
        {
            "n_splits": count(1),
            "blockwise": flag(),
            "random_state": seed(),
            "test_size": these("x", -1, 0, 1.5, 1000, NAN, [1], 1j),
            "train_size": these("x", -1, 0, 1.5, 1000, NAN, [1], 1j),
            "X": ROWS,
        },
        [({"test_size": 0.8, "train_size": 0.8}, ("test_size", "train_size"))],
    ),
    "ShuffleSplit of Dask collections": Call(
        splits(model_selection.ShuffleSplit),
        {"X": LAZY_X, "y": LAZY_Y},
        {
            "n_splits": count(1),
            "blockwise": flag(),
            "random_state": seed(),
            "test_size": these("x", -1, 0, 1.5, 1000, NAN, [1], 1j),
        },
    ),
    "train_test_split": Call(
        split_of(X, y),
        {},
        {
            **ONCE,
            "test_size": these("x", -1, 0, 1.5, 1000, NAN, [1], 1j),
            "train_size": these("x", -1, 0, 1.5, 1000, NAN, [1], 1j),
            "stratify": these(3, True, "x"),
            "arrays": in_their_words(these((), (X, y[:9]))),
        },
        [({"stratify": y, "shuffle": False}, ("shuffle",))],
    ),
    "train_test_split of Dask collections": Call(
        split_of(LAZY_X, LAZY_Y),
        {},
        {
            **ONCE,
            "test_size": SIZE,
            "train_size": SIZE,
            "stratify": these(3, True, "x"),
            "arrays": in_their_words(these((LAZY_X, y), (LAZY_X, LAZY_Y[:9]))),
        },
        [
            ({"stratify": LAZY_Y, "shuffle": False}, ("stratify", "shuffle")),
            ({"test_size": 0.5, "train_size": 0.1}, ("test_size", "train_size")),
        ],
    ),
    "check_cv": Call(
        model_selection.check_cv,
        {"cv": 3, "y": y, "classifier": True},
        {
            "cv": these(0, 1, -3, 2.5, "x", 1j, object()),
            "classifier": flag(),
            "y": in_their_words(these(3, "x")),
        },
    ),
    "compute_n_splits": Call(
        model_selection.compute_n_splits,
        {"cv": 3},
        {"cv": these(0, 1, -3, 2.5, "x", 1j, object())},
    ),
}

# ---- models ----

STOPPING = {
    "max_iter": count(1),
    "tol": number(0, also=NONE),
    "shuffle": flag(),
    "random_state": seed(),
    "early_stopping": flag(),
    "warm_start": flag(),
}
LINEAR = {
    **STOPPING,
    "validation_fraction": number(0, 1, closed=False),
    "n_iter_no_change": count(1),
    "alpha": number(0),
    "l1_ratio": number(0, 1, also=NONE),
    "penalty": choice("l1", "l2", "elasticnet", also=NONE),
    "learning_rate": choice("constant", "optimal", "invscaling", "adaptive"),
    "eta0": number(0, closed=False),
    "power_t": number(),
    "epsilon": number(0),
    "batch_size": count(1),
    "fit_intercept": flag(),
    "average": these("x", -1, 2.5, None, 1j),
}
NETWORK = {
    **{k: v for k, v in STOPPING.items() if k != "tol"},
    "tol": number(0),
    "validation_fraction": number(0, 1),
    "n_iter_no_change": count(1, also=(INF,)),
    "hidden_layer_sizes": these("x", -1, (0,), (3, -1), (2.5,), 0, None),
    "activation": choice("identity", "logistic", "tanh", "relu"),
    "solver": choice("lbfgs", "sgd", "adam"),
    "alpha": number(0),
    "batch_size": count(1, also=("auto",)),
    "learning_rate": choice("constant", "invscaling", "adaptive"),
    "learning_rate_init": number(0, closed=False),
    "momentum": number(0, 1),
    "nesterovs_momentum": flag(),
    "beta_1": number(0, 1),
    "beta_2": number(0, 1),
    "epsilon": number(0, closed=False),
}
FIT = {
    name: in_their_words(bad)
    for name, bad in {
        "X": Bad((*BAD_NUMBERS.listed, 3, "x", None, X[:, 0]), BAD_NUMBERS.drawn),
        "y": these(3, None, y[:100], np.where(y == 1, NAN, 0)),
        "sample_weight": these(np.full(200, NAN), np.ones(199), "x"),
    }.items()
}


def fits(kind, **always):
    """Return a function that makes a model and fits it."""

    def call(X=X, y=y, sample_weight=None, **options):
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        return kind(**always, **options).fit(X, y, **weight)

    return call


QUASI_NEWTON = {
    "l1_strength": number(0),
    "l2_strength": number(0),
    "penalty_normalized": flag(),
    "fit_intercept": flag(),
    "max_iter": count(1),
    "tol": number(0, closed=False),
    "delta": number(0, also=NONE),
    "linesearch_max_iter": count(1),
    "lbfgs_memory": count(1),
    "warm_start": flag(),
}
MODELS_AND_SPLITTERS |= {
    "SGDClassifier": Call(
        fits(linear_model.SGDClassifier),
        {},
        LINEAR
        | FIT
        | {
            "loss": choice("hinge", "log_loss"),
            "class_weight": these("x", 3),
        },
    ),
    "SGDRegressor": Call(
        fits(linear_model.SGDRegressor),
        {},
        LINEAR | FIT | {"loss": choice("squared_error", "huber")},
    ),
    "QNClassifier": Call(fits(linear_model.QNClassifier), {}, QUASI_NEWTON | FIT),
    "MLPClassifier": Call(
        fits(
            neural_network.MLPClassifier,
        ),
        {"max_iter": 300},
        NETWORK | FIT,
    ),
    "MLPRegressor": Call(
        fits(neural_network.MLPRegressor),
        {"max_iter": 300},
        NETWORK | FIT | {"loss": choice("squared_error", "poisson")},
    ),
}

# ---- wrappers ----


def wraps(kind):
    """Return a function that makes a wrapper, fits it and scores by it."""

    def call(X=X, y=y, compute=True, estimator=None, classes=None, **options):
        model = kind(SGDClassifier() if estimator is None else estimator, **options)
        model.fit(X, y, **({} if classes is None else {"classes": classes}))
        return model.score(X, y, compute=compute)

    return call


WRAPPED = {
    "estimator": these(3, "x", object(), SGDClassifier),
    "scoring": these("best", 3, 1j, []),
    "compute": flag(),
    "predict_meta": these(3, "x", 1j),
    "predict_proba_meta": these(3, "x", 1j),
    "transform_meta": these(3, "x", 1j),
}
BLOCKS = WRAPPED | {
    "shuffle_blocks": flag(),
    "random_state": seed(),
    "assume_equal_chunks": flag(),
}
MODELS_AND_SPLITTERS |= {
    "ParallelPostFit": Call(wraps(wrappers.ParallelPostFit), {}, WRAPPED),
    "Incremental": Call(
        wraps(wrappers.Incremental),
        {},
        BLOCKS | {"classes": these([0, 1, 1], [0], "x")},
    ),
    "Incremental of Dask collections": Call(
        wraps(wrappers.Incremental), {"X": LAZY_X, "y": LAZY_Y}, BLOCKS
    ),
}

# ---- devices ----

MODELS_AND_SPLITTERS |= {
    "convert": Call(
        devices.convert,
        {"estimator": SGDClassifier(), "device": "cpu"},
        {"device": choice("cpu", "cuda")},
    ),
    "resolve_device": Call(
        devices.resolve_device,
        {},
        {"requested": choice("auto", "cpu", "cuda")},
    ),
    "validate_device_data": Call(
        devices.validate_device_data,
        {"estimator": SGDClassifier(), "X": X, "y": y, "reset": True},
        {
            "X": in_their_words(these(3, "x", None, X[:, 0], BAD_NUMBERS.listed[0])),
            "y": in_their_words(these(3, "x", y[:9], np.full(200, NAN))),
        },
    ),
}
