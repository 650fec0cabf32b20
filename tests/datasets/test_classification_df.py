# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Made-up frames, and dates."""

from __future__ import annotations

from datetime import date, datetime

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from gpu_hpo.datasets import make_classification, make_classification_df, random_date


def test_columns():
    """Columns, names and partitions are dask-ml's."""
    X, y = make_classification_df(
        n_samples=100, chunks=20, random_state=0, n_features=5, n_informative=2
    )
    assert isinstance(X, dd.DataFrame)
    assert isinstance(y, dd.Series)
    assert list(X.columns) == ["var0", "var1", "var2", "var3", "var4"]
    assert X.divisions == y.divisions == (0, 20, 40, 60, 80, 99)
    frame, target = dask.compute(X, y)
    assert (target.name, target.dtype) == ("target", np.int64)
    assert (frame.dtypes == np.float64).all()
    assert list(frame.index) == list(target.index) == list(range(100))
    array = make_classification(
        n_features=5, n_informative=2, chunks=20, flip_y=0.0, random_state=0
    )[0]
    np.testing.assert_array_equal(frame, array)


def test_random_state():
    """The same integer gives the same frame, another gives another."""

    def target(random_state):
        arguments = {"n_samples": 200, "chunks": 50, "random_state": random_state}
        X, y = make_classification_df(
            dates=(date(2020, 1, 1), date(2021, 1, 1)), **arguments
        )
        return X.assign(y=y).compute()

    pd.testing.assert_frame_equal(target(0), target(0))
    assert not target(0).equals(target(1))


@pytest.mark.parametrize("predictability", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("response_rate", [0.1, 0.5, 1.0])
def test_response_rate(response_rate, predictability):
    """The share of class 1 is the one asked for, however predictable it is."""
    _, y = make_classification_df(
        n_samples=20000,
        chunks=5000,
        response_rate=response_rate,
        predictability=predictability,
        random_state=0,
    )
    assert set(y.compute()) <= {0, 1}
    for partition in y.partitions:
        assert abs(partition.compute().mean() - response_rate) < 0.03


def test_predictability():
    """The more predictable, the better a classifier scores; at 0 it cannot."""
    scores = []
    for predictability in (0.0, 0.5, 1.0):
        X, y = dask.compute(
            *make_classification_df(
                n_samples=4000,
                predictability=predictability,
                random_state=0,
                n_features=5,
                class_sep=3.0,
            )
        )
        model = KNeighborsClassifier(15).fit(X[:2000], y[:2000])
        scores.append(model.score(X[2000:], y[2000:]))
    np.testing.assert_allclose(scores, [0.5, 0.75, 1.0], atol=0.05)


def test_dates():
    """Dates are whole days of the period, times whole seconds, and differ by row."""
    for dates, step in (
        ((date(2020, 1, 1), date(2020, 1, 10)), "D"),
        ((datetime(2020, 1, 1, 12), datetime(2020, 1, 1, 13)), "s"),
    ):
        X, _ = make_classification_df(
            n_samples=600, chunks=200, dates=dates, random_state=0
        )
        assert X.columns[-1] == "date"
        drawn = X.date.compute()
        assert drawn.dtype == X.date.dtype == "datetime64[us]"
        start, end = map(pd.Timestamp, dates)
        assert start <= drawn.min() < drawn.max() <= end
        assert ((drawn - start) % pd.Timedelta(1, step) == pd.Timedelta(0)).all()
        assert drawn.nunique() >= 10
        blocks = drawn.to_numpy().reshape(3, 200)
        assert (blocks[0] != blocks[1]).any()
    assert set(
        make_classification_df(n_samples=200, dates=(date(2020, 1, 1),) * 2)[
            0
        ].date.compute()
    ) == {pd.Timestamp(2020, 1, 1)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"response_rate": 1.5}, r"'response_rate' parameter .*Got 1.5"),
        ({"predictability": -1}, r"'predictability'.*Got -1"),
        ({"dates": "2020"}, r"'dates'.*Got '2020'"),
        ({"dates": (date(2020, 1, 1),)}, r"dates=\(.*must be two"),
        ({"dates": ("2020", "2021")}, r"dates=\('2020', '2021'\) must be two"),
        ({"dates": (date(2021, 1, 1), date(2020, 1, 1))}, r"dates=.*in order"),
        ({"class_sep": 0}, r"'class_sep'.*Got 0"),
    ],
    ids=str,
)
def test_errors(arguments, message):
    """A wrong argument is an error at the call that names it and its value."""
    with pytest.raises(ValueError, match=message):
        make_classification_df(**arguments)


@pytest.mark.parametrize("name", ["weights", "flip_y", "n_classes", "like"])
def test_not_passed_on(name):
    """What other arguments stand for is not taken, and the error says so."""
    with pytest.raises(TypeError, match=f"does not take {name}=3"):
        make_classification_df(**{name: 3})


def test_random_date():
    """Dates are of the period, both ends included, and the same for the same seed."""
    start, end = date(2020, 1, 1), date(2020, 1, 3)
    drawn = [random_date(start, end, seed) for seed in range(50)]
    assert set(drawn) == {date(2020, 1, 1), date(2020, 1, 2), date(2020, 1, 3)}
    assert drawn == [random_date(start, end, seed) for seed in range(50)]
    times = {random_date(datetime(2020, 1, 1), datetime(2020, 1, 2)) for _ in range(9)}
    assert len(times) > 1
    assert all(time.microsecond == 0 and time.day == 1 for time in times)
    with pytest.raises(ValueError, match=r"end=.*2019.* is before start="):
        random_date(start, date(2019, 1, 1))
