# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Bad values for the arguments of data sets, schedules, tools and clusters."""

from datetime import date

from gpu_hpo import (
    compute,
    datasets,
    linear_model,
    schedules,
    stacks,
    testing,
)
from tests.bad_calls.common import (
    NONE,
    Call,
    X,
    y,
)
from tests.bad_calls.kinds import (
    INF,
    NAN,
    choice,
    count,
    flag,
    function,
    number,
    seed,
    these,
)
from tests.bad_calls.models import FIT

# ---- data sets ----

MADE = {
    "n_samples": count(1),
    "random_state": seed(),
    "chunks": these(0, -2, 2.5, "x", (3, 4), 1j, [1]),
    "like": these(3, "x", [1], 1j),
}
WIDE = MADE | {"n_features": count(1), "n_informative": count(1)}
SIGNAL = {
    "class_sep": number(0),
    "hypercube": flag(),
    "shift": these("x", [1, 2], 1j, NAN),
    "scale": these("x", [1, 2], 1j, -1),
    "shuffle": flag(),
    "n_redundant": count(0),
    "n_repeated": count(0),
    "n_clusters_per_class": count(1),
}
SETS_AND_SCHEDULES = {
    "make_blobs": Call(
        datasets.make_blobs,
        {},
        MADE
        | {
            "n_samples": these(0, -3, 2.5, "x", [0, -1], [2.5], 1j, None),
            "n_features": count(1),
            "centers": these(0, -3, 2.5, "x", [[NAN]], 1j),
            "cluster_std": these(-1.0, "x", [1.0, 2.0], NAN, 1j, None),
            "center_box": these(3, "x", (1,), (2, 1), ("a", "b"), (NAN, 1)),
            "shuffle": flag(),
            "return_centers": flag(),
        },
    ),
    "make_classification": Call(
        datasets.make_classification,
        {},
        WIDE
        | SIGNAL
        | {
            "n_classes": count(1),
            "weights": these("x", [2.0, 3.0], [-1, 2], 3, [NAN, 1], [1, 2, 3, 4]),
            "flip_y": number(0, 1),
        },
        [
            ({"n_informative": 30}, ("n_informative=30", "n_features=20")),
            ({"n_classes": 9}, ("n_classes=9", "n_informative=2")),
        ],
    ),
    "make_classification_df": Call(
        datasets.make_classification_df,
        {},
        {k: v for k, v in WIDE.items() if k != "like"}
        | SIGNAL
        | {
            "response_rate": number(0, 1),
            "predictability": number(0, 1),
            "dates": these(3, "x", (1,), (1, 2), (date(2020, 1, 2), date(2020, 1, 1))),
            "weights": these([0.5]),
            "unknown": these(3),
        },
    ),
    "make_counts": Call(
        datasets.make_counts,
        {},
        WIDE | {"n_informative": count(0), "scale": number(0)},
        [({"n_informative": 300}, ("n_informative=300", "n_features=100"))],
    ),
    "make_regression": Call(
        datasets.make_regression,
        {},
        WIDE
        | {
            "n_informative": count(0),
            "n_targets": count(1),
            "bias": number(),
            "effective_rank": count(1, also=NONE),
            "tail_strength": number(0, 1),
            "noise": number(0),
            "shuffle": flag(),
            "coef": flag(),
        },
    ),
    "random_date": Call(
        datasets.random_date,
        {"start": date(2020, 1, 1), "end": date(2020, 1, 2)},
        {
            "start": these(3, "x", None, date(2021, 1, 1)),
            "end": these(3, "x", None, date(2019, 1, 1)),
            "random_state": seed(),
        },
    ),
}

# ---- schedules ----

PLATEAU = {
    "patience": count(0),
    "tol": number(also=(None, NAN)),
    "extra_scores": flag(),
}
FIRST = {"first_trial": count(0)}
RATE = {
    "n_trials": count(1),
    "decay_rate": number(0),
    "max_calls": count(1),
}
HALVES = {
    "n_trials": count(1),
    "n_calls": count(1),
    "aggressiveness": count(2),
    "max_calls": count(1, also=NONE),
}
BEYOND = [({"n_calls": 5, "max_calls": 2}, ("n_calls=5", "max_calls=2"))]
RUNGS = [schedules.Rung(4, 1), schedules.Rung(2, 3)]


def keep_all(records):
    """Decide that all train no more."""
    return dict.fromkeys(records, 0)


SETS_AND_SCHEDULES |= {
    "Hyperband": Call(
        schedules.Hyperband,
        {"max_calls": 9},
        PLATEAU
        | {
            "max_calls": count(1),
            "aggressiveness": count(2),
            "n_trials": these(3, "x", {2: 0}, {1: -1}, {0: 2.5}, {2: "x"}),
        },
    ),
    "SuccessiveHalving": Call(
        schedules.SuccessiveHalving,
        {"n_trials": 9, "n_calls": 1},
        PLATEAU | FIRST | HALVES,
        BEYOND,
    ),
    "Incremental of schedules": Call(
        schedules.Incremental,
        {"n_trials": 9, "max_calls": 3},
        PLATEAU
        | {"n_trials": count(1), "max_calls": count(1), "fits_per_score": count(1)},
    ),
    "InverseDecay": Call(
        schedules.InverseDecay,
        {"n_trials": 9},
        PLATEAU | RATE | {"fits_per_score": count(1)},
    ),
    "Rounds": Call(
        schedules.Rounds,
        {"n_trials": 9, "decide": keep_all},
        {
            "n_trials": count(1),
            "decide": function(),
            "first_calls": count(1),
            "max_calls": count(1, also=NONE),
        },
        [({"first_calls": 5, "max_calls": 2}, ("first_calls=5", "max_calls=2"))],
    ),
    "Ladder": Call(
        schedules.Ladder,
        {"rungs": RUNGS},
        PLATEAU
        | FIRST
        | {
            "score_every": count(0),
            "rungs": these(
                3,
                "x",
                None,
                [],
                [3],
                RUNGS[::-1],
                [schedules.Rung(-1, 2)],
                [(4, 1)],
                [schedules.Rung(2.5, 2)],
                [schedules.Rung(2, "x")],
            ),
        },
    ),
    "hyperband_brackets": Call(
        schedules.hyperband_brackets,
        {"max_calls": 9, "aggressiveness": 3},
        {"max_calls": count(1), "aggressiveness": count(2)},
    ),
    "halving_rungs": Call(
        schedules.halving_rungs,
        {"n_trials": 9, "n_calls": 1, "aggressiveness": 3},
        HALVES,
        BEYOND,
    ),
    "inverse_decay_rungs": Call(
        schedules.inverse_decay_rungs,
        {"n_trials": 9, "decay_rate": 1.0, "max_calls": 9},
        RATE | {"most_apart": count(1, also=NONE)},
    ),
}

# ---- stacks, tools for tests ----

MODELS = [linear_model.SGDClassifier(alpha=a, random_state=0) for a in (0.1, 0.2, 0.3)]
SETS_AND_SCHEDULES |= {
    "read_rows": Call(
        lambda **given: stacks.read_rows(linear_model.SGDClassifier(), **given),
        {"X": X, "y": y, "reset": True, "fit": True},
        {
            "X": FIT["X"],
            "y": FIT["y"],
            "sample_weight": FIT["sample_weight"],
        },
    ),
    "check_schedule": Call(
        testing.check_schedule,
        {"make": lambda: schedules.Incremental(2, 2)},
        {
            "make": function(),
            "score": function(also=NONE),
            "fails": function(also=NONE),
            "total_calls": count(0, also=NONE),
            "orders": count(0),
            "seed": these("x", 2.5, None, 1j),
        },
    ),
    "drive_schedule": Call(
        testing.drive_schedule,
        {"schedule": schedules.Incremental(2, 2), "score": lambda trial, calls: 0.5},
        {
            "schedule": these(3, "x", None, schedules.Incremental),
            "score": function(),
            "fails": function(also=NONE),
            "choose": function(),
            "max_events": count(1),
        },
    ),
    "check_stackable": Call(
        testing.check_stackable,
        {"models": MODELS, "X": X, "y": y, "classes": [0, 1]},
        {
            "models": these(3, "x", None, 1j),
            "n_calls": these(2.5, NAN, INF, "x", "", [3], 1j, None, b"3"),
        },
    ),
}

# ---- clusters: calls that are not refused start one ----

CLUSTERS = {
    "local_cluster": Call(
        compute.local_cluster,
        {"n_workers": 1, "device": "cpu", "processes": False},
        {
            "n_workers": count(1, also=NONE),
            "device": choice("auto", "cpu", "cuda"),
            "threads_per_worker": count(1, also=NONE),
            "processes": flag(),
            "memory_limit": these(-1, "x", "-1GB", NAN, [1], 1j),
            "dashboard_address": these(2.5, [1], 1j),
            "worker_dashboard_address": these(2.5, [1], 1j),
            "host": these(3, [1], 1j),
            "protocol": these("x", 3, 1j),
            "scheduler_port": these(-1, 2.5, "x", 70000),
            "asynchronous": flag(),
            "no_such_option": these(1, "x"),
        },
    ),
}
