# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""`make chaos` finds what is wrong, and nothing where nothing is."""

import itertools

import numpy as np
import psutil
import pytest

from gpu_hpo.exceptions import ClientClosedError
from tests.chaos._answers import Seen, compare, judge_error, without
from tests.chaos._plan import COMBINATIONS, MISCHIEFS, SEARCHES, draw
from tests.chaos._watch import ChaosCase, marked

N_COMBINATIONS = len(COMBINATIONS)

# One bit of a score, and a process that nobody ends.
WRONG = """
import subprocess, sys
from gpu_hpo.adaptive import _run

make_history = _run.make_history

def wrong(*args, **options):
    history = make_history(*args, **options)
    history[3]["score"] += 2**-53
    return history

_run.make_history = wrong
sleeps = "import time; time.sleep(1000)"
left = subprocess.Popen([sys.executable, "-c", sleeps], start_new_session=True)
print("left", left.pid)
"""

HANGS = """
import time
type(search).fit = lambda self, X, y: time.sleep(1000)
"""

FORGETS = """
fit = type(search).fit

def forgets(self, X, y):
    try:
        fit(self, X, y)
    except Exception as error:
        del self.history_[-1]
        raise OSError("a comm was closed") from error

type(search).fit = forgets
"""


def find_seed(mischief, search):
    """The first seed that draws both, on a cluster that starts fast."""
    return next(
        seed
        for seed in itertools.count()
        for plan in [draw(seed)]
        if (plan.mischief, plan.search) == (mischief, search)
        and plan.cluster != "embedded"
        # Known at all: the search has got somewhere when its cluster goes.
        and all(event.moment > 0.3 for event in plan.events)
    )


def test_seeds():
    """A seed gives one plan, and seeds in a row all combinations, on all clusters."""
    assert draw(5) == draw(5)
    plans = [draw(seed) for seed in range(7, 7 + N_COMBINATIONS)]
    assert {(plan.mischief, plan.search) for plan in plans} == set(COMBINATIONS)
    assert {plan.mischief for plan in plans} == set(MISCHIEFS)
    assert {plan.search for plan in plans} == set(SEARCHES)
    assert {plan.cluster for plan in plans} == {"plain", "ours", "embedded"}
    for seed in range(N_COMBINATIONS):
        again = draw(seed + N_COMBINATIONS)
        assert draw(seed).mischief == again.mischief
        assert (draw(seed).cluster == "plain") != (again.cluster == "plain")


def test_a_case_that_is_right():
    """Workers that join change nothing, and nothing is said to be wrong."""
    case = ChaosCase(find_seed("join", "SuccessiveHalvingSearchCV"))
    assert case.run() == []
    assert case.outcome == "answer"
    assert "join" in case.happened


def test_a_wrong_answer_and_a_process_that_is_left():
    """One other bit is found, and so is a process, which is ended."""
    case = ChaosCase(find_seed("join", "SuccessiveHalvingSearchCV"), plant=WRONG)
    found = case.run()
    assert {d.kind for d in found} == {"another answer", "leaves processes"}
    left = case.output.partition("left ")[2].split()[0]
    assert not psutil.pid_exists(int(left))


def test_a_search_that_hangs():
    """What does not end is ended with all that it started, and its stacks are shown."""
    case = ChaosCase(find_seed("join", "HyperbandSearchCV"), limit=20, plant=HANGS)
    assert [d.kind for d in case.run()] == ["hangs"]
    assert "most recent call first" in case.output
    assert marked(case.mark) == []


def test_results_that_are_thrown_away():
    """A result that was known and is not kept is found, and an error of Dask's too."""
    found = ChaosCase(find_seed("scheduler", "HyperbandSearchCV"), plant=FORGETS).run()
    assert {d.kind for d in found} == {
        "raises what is not documented",
        "throws results away",
    }


class Grid:
    """What is left of a grid of two candidates and two folds."""

    def __init__(self, *columns):
        self.cv_results_ = {
            f"split{i}_test_score": np.array(column) for i, column in enumerate(columns)
        }


@pytest.mark.parametrize(
    ("left", "kinds"),
    [
        (Grid([0.5, 0.25], [np.nan, 1.0]), []),
        (Grid([0.5, 0.25], [np.nan, np.nan]), ["throws results away"]),
        (Grid([0.5, 0.25], [np.nan, 0.75]), ["keeps a wrong result"]),
        (Grid(), ["throws results away"]),
    ],
)
def test_what_an_error_leaves(left, kinds):
    """After an error each score that was heard must be there, and be the right one."""
    quiet = {
        "split0_test_score 0": "0.5",
        "split0_test_score 1": "0.25",
        "split1_test_score 0": "0.75",
        "split1_test_score 1": "1.0",
    }
    seen = Seen()
    seen.cells = {(0, 0): 0.5, (1, 0): 0.25, (1, 1): 1.0}
    found = judge_error(ClientClosedError(), left, quiet, seen)
    assert [d.kind for d in found] == kinds


def test_the_deadly_configuration_is_left_out():
    """Its own rows are not compared, those of all others are."""
    grid = Grid([0.5, 0.25], [0.75, 1.0])
    quiet = {f"cv_results_ x {i}": "1" for i in range(2)}
    other = {"cv_results_ x 0": "1", "cv_results_ x 1": "2"}
    assert compare(without(quiet, grid, 1), without(other, grid, 1)) == []
    assert len(compare(without(quiet, grid, 0), without(other, grid, 0))) == 1
