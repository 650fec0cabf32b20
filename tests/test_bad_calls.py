# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Calls that make no sense: each public callable refuses them at once, and says why.

The table is in `tests/bad_calls`. Of each argument some bad values are tried here, and
some that Hypothesis draws; `make bad-calls` tries all, and draws 1,000.
"""

import os
import re
import reprlib
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpu_hpo.adaptive._run import SearchRun
from tests.bad_calls.table import CALLS, WITHOUT
from tests.test_docs import listed

# Drawn calls; all that are listed are tried only if there are so many.
DRAWN = int(os.environ.get("BAD_CALLS", "60"))
ALL = DRAWN >= 1000
PAIRS = [(name, argument) for name, row in CALLS.items() for argument in row.bad]
MOST_SECONDS = 2


@pytest.fixture(autouse=True, scope="module")
def nothing_trains():
    """A search that would begin to train raises an error of another kind."""
    patch = pytest.MonkeyPatch()

    def trains(*args, **options):
        raise AssertionError("it trains")

    patch.setattr(SearchRun, "_carry_out", trains)
    yield
    patch.undo()


def problem(name, given, *words):
    """Say what is wrong with how a call with these arguments is refused."""
    row = CALLS[name]
    before = time.thread_time()
    try:
        row.call(**{**row.valid, **given})
    except (ValueError, TypeError, AttributeError, NotImplementedError) as error:
        seconds, text = time.thread_time() - before, str(error)
    except BaseException as error:
        return f"raises {error!r}"
    else:
        return "is accepted"
    if seconds > MOST_SECONDS:
        return f"takes {seconds:.1f} s"
    missing = [w for w in words if not re.search(rf"(?<!\w){re.escape(w)}", text)]
    return f"does not say {missing}: {text}" if missing else ""


def shown(value):
    """Return how a message shows a value, if it is short."""
    simple = isinstance(value, str | int | float | complex | bytes | None)
    return [str(value)] if simple else []


def bad(pair, value):
    """Say what is wrong with how a bad value is refused."""
    name, argument = pair
    words = [argument, *shown(value)] if CALLS[name].bad[argument].named else []
    found = problem(name, {argument: value}, *words)
    return f"{name}({argument}={reprlib.repr(value)}) {found}" if found else ""


def test_every_public_name():
    """Each name of the API's page is in the table, or is left out for a reason."""
    public = set().union(*listed().values())
    rows = {name.partition(" ")[0] for name in CALLS}
    assert rows | WITHOUT.keys() == public
    assert not rows & WITHOUT.keys()


# Arguments that are numbers and no flags, where scikit-learn's rules are not the ones.
NUMBERS = {
    "HyperbandSearchCV": "max_iter aggressiveness tol chunk_size call_timeout",
    "SuccessiveHalvingSearchCV": "n_initial_parameters n_initial_iter max_iter",
    "IncrementalSearchCV": "n_initial_parameters max_iter fits_per_score call_timeout",
    "InverseDecaySearchCV": "n_initial_parameters max_iter decay_rate chunk_size",
    "ScheduledSearchCV": "chunk_size call_timeout",
    "local_cluster": "n_workers threads_per_worker memory_limit",
    "QNClassifier": "l1_strength l2_strength max_iter tol delta lbfgs_memory",
    "SGDClassifier": "batch_size",
    "SGDRegressor": "batch_size",
    "Hyperband": "max_calls aggressiveness patience tol",
    "Rounds": "n_trials first_calls max_calls",
    "ShuffleSplit": "n_splits test_size",
    "make_counts": "n_samples n_features",
}


@pytest.mark.parametrize(
    ("name", "argument"),
    [(n, a) for n, given in NUMBERS.items() for a in given.split()],
)
def test_booleans_are_no_numbers(name, argument):
    """True is not taken for 1."""
    row = CALLS[name]
    if argument not in row.valid and argument not in row.bad:
        pytest.fail(f"{name} has no {argument}")
    assert problem(name, {argument: True}, argument, "True") == ""


def some(values, number):
    """A few of the values, others for each argument."""
    return values if ALL else [values[number % len(values)]]


@pytest.mark.parametrize("name", CALLS)
def test_listed(name):
    """Bad values are refused by name and value, before any work."""
    row = CALLS[name]
    found = []
    for number, (argument, values) in enumerate(row.bad.items()):
        for value in some(values.listed, number + len(name)):
            found.append(bad((name, argument), value))
    for arguments, words in row.together:
        found.append(problem(name, arguments, *words))
    assert [text for text in found if text] == []


@settings(
    max_examples=DRAWN,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
    derandomize=not ALL,
)
@given(st.data())
def test_drawn(data):
    """Whatever else is bad for an argument is refused in the same way."""
    name, argument = pair = data.draw(st.sampled_from(PAIRS))
    value = data.draw(CALLS[name].bad[argument].drawn)
    assert not bad(pair, value)
