# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Bad values for the arguments of pictures and reports of fitted searches."""

from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

from gpu_hpo import plotting, report
from tests.bad_calls.common import Call, X, y
from tests.bad_calls.kinds import choice, count, seed, these

GRID = GridSearchCV(
    DummyClassifier(),
    {"random_state": list(range(6)), "strategy": ["uniform", "stratified"]},
    cv=2,
).fit(X, y)
SEARCH = these(3, "x", None, [GRID], GRID.best_estimator_)
METRIC = these("x", "accuracy", "")
AX = these(3, "x", [3], [None, None])
FITTED = {"search": GRID}
PICTURES = {
    "LearningCurvesDisplay": Call(
        plotting.LearningCurvesDisplay.from_search,
        FITTED,
        {"search": SEARCH, "metric": METRIC},
    ),
    "BestScoreDisplay": Call(
        plotting.BestScoreDisplay.from_search,
        FITTED,
        {
            "search": SEARCH,
            "metric": METRIC,
            "ax": AX,
            "x": choice("calls", "passes", "seconds"),
        },
    ),
    "ParametersDisplay": Call(
        plotting.ParametersDisplay.from_search,
        FITTED,
        {
            "search": SEARCH,
            "metric": METRIC,
            "ax": AX,
            "parameters": these(3, ["x"]),
            "pair": these(3, ("strategy",), ("strategy", "x")),
        },
    ),
    "ImportanceDisplay": Call(
        plotting.ImportanceDisplay.from_search,
        FITTED,
        {
            "search": SEARCH,
            "metric": METRIC,
            "ax": AX,
            "n_repeats": count(1),
            "random_state": seed(),
        },
    ),
    "TimelineDisplay": Call(
        plotting.TimelineDisplay.from_search, FITTED, {"search": SEARCH}
    ),
    "HeatmapDisplay": Call(
        plotting.HeatmapDisplay.from_search,
        FITTED,
        {
            "search": SEARCH,
            "metric": METRIC,
            "ax": AX,
            "parameters": these(3, "strategy", ("strategy", "x"), ("strategy",)),
        },
    ),
    "Report": Call(report.Report, FITTED, {"search": SEARCH, "metric": METRIC}),
}
