# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Warnings of fits: recorded by thread, said once with the candidate's number."""

import os
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.parallel import Parallel, delayed

from gpu_hpo.training._heard import Announcer, Heard, Hearing, recorded, say


def heard(text="not done", category=UserWarning):
    return Heard(text, category, __file__, 1)


def texts(announcer):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        announcer.say()
    return [str(item.message) for item in found]


def test_threads_are_told_apart():
    """Each thread records its own warnings, also those shown once by default."""
    found = {}
    both = threading.Barrier(2)

    def fit(name):
        with Hearing().here(), recorded() as own:
            both.wait(10)
            for _ in range(3):
                warnings.warn(name, RuntimeWarning)
            both.wait(10)
        found[name] = own

    with warnings.catch_warnings(record=True) as others:
        warnings.simplefilter("default")
        threads = [threading.Thread(target=fit, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {n: [h.text for h in own] for n, own in found.items()} == {
        "a": ["a"] * 3,
        "b": ["b"] * 3,
    }
    assert not others


def test_filters_hold():
    """What is to be ignored is not recorded; what is an error is raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", FutureWarning)
        with Hearing().here(), recorded() as own:
            warnings.warn("a", UserWarning)
            with pytest.raises(FutureWarning):
                warnings.warn("b", FutureWarning)
        assert not own


def test_filters_of_another_process():
    """In another process the filters of the search hold, and no others."""
    given = (("ignore", None, Warning, None, 0),)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Hearing(given, os.getpid() + 1).here(), recorded() as own:
            warnings.warn("a", UserWarning)
        assert not own
        with pytest.raises(UserWarning):
            warnings.warn("a", UserWarning)


def state():
    """What `catch_warnings` keeps, and puts back."""
    shown = warnings.showwarning, getattr(warnings, "_showwarnmsg_impl", None)
    return list(warnings.filters), shown, warnings.defaultaction


def test_everything_is_put_back():
    """Afterwards filters and what shows warnings are what they were."""
    before = state()
    with Hearing().here():
        kept = warnings.catch_warnings(record=True)
        kept.__enter__()
        warnings.simplefilter("ignore")
    assert state() == before
    # A thread that is late puts back what it found: filters and a way to show them.
    kept.__exit__(None, None, None)
    with Hearing().here():
        pass
    assert state()[0] == before[0]
    assert state()[2] == before[2]


def test_models_that_change_filters_in_threads():
    """Models that put back each other's filters leave none behind."""
    before = state()

    def fit():
        with Hearing().here(), recorded(), warnings.catch_warnings(record=True):
            warnings.simplefilter("ignore")
            time.sleep(0.002)

    with Hearing().here(), ThreadPoolExecutor(4) as pool:
        for _ in range(40):
            pool.submit(fit)
    assert state() == before


def test_empty_filters_of_another_fit():
    """What scikit-learn warns of since another fit has emptied the filters is left out.

    Each of its parallel calls does so for a moment, and tells the next one off.
    """

    def fit():
        Parallel()(delayed(abs)(i) for i in range(2))

    with (
        Hearing().here(),
        Hearing().here(),
        recorded() as own,
        warnings.catch_warnings(),
    ):
        warnings.resetwarnings()
        fit()
    assert own == []


def test_delayed_without_parallel():
    """The same words of a fit that is alone are its own, and are recorded."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with Hearing().here(), recorded() as own:
            joblib.Parallel()(delayed(abs)(i) for i in range(2))
    assert len(own) == 2
    assert all("sklearn.utils.parallel.delayed" in item.text for item in own)


def test_others_are_not_recorded():
    """Warnings of threads without a fit are shown, once if that is the filter."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("default")
        with Hearing().here():
            for _ in range(2):
                warnings.warn("mine", UserWarning)
    assert [str(item.message) for item in found] == ["mine"]


def test_once_each():
    """A candidate's warning is said once, however many of its fits gave it."""
    announcer = Announcer("candidate")
    for number in (1, 0, 1):
        announcer.take(number, [heard(category=ConvergenceWarning), heard("other")])
    assert texts(announcer) == [
        "not done (candidate 0)",
        "not done (candidate 1)",
        "other (candidate 0)",
        "other (candidate 1)",
    ]
    assert not texts(announcer)


def test_a_step_in_common_is_said_once():
    """What a shared step gave is said once, of the first of its candidates."""
    announcer = Announcer("candidate")
    for number in (2, 1, 3):
        announcer.take(number, [heard()], ("node", 5))
    assert texts(announcer) == ["not done (candidate 1)"]


def test_many_are_put_together():
    """After ten candidates the others are named in one line."""
    announcer = Announcer("trial")
    for number in [*range(40), 50]:
        announcer.take(number, [heard()])
    found = texts(announcer)
    assert len(found) == 11
    assert found[-1] == "not done (trials 10 to 39, 50)"


def test_categories_stay():
    """The category is that of the fit; one that takes no text becomes UserWarning."""

    class Odd(Warning):
        def __init__(self, a, b):
            super().__init__(a, b)

    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        say([heard(category=ConvergenceWarning), heard(category=Odd)], "candidate 3")
    assert [item.category for item in found] == [ConvergenceWarning, UserWarning]
    assert str(found[1].message) == "Odd: not done (candidate 3)"
    assert found[0].filename == __file__


def test_filters_are_asked_once():
    """What has passed the filters of its module is shown, whatever else they say."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("error")
        warnings.filterwarnings("default", module=__name__.replace(".", r"\."))
        with Hearing().here(), recorded() as own:
            warnings.warn("from here", UserWarning)
        say(own, "candidate 0")
    assert [str(item.message) for item in found] == ["from here (candidate 0)"]
