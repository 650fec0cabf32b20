# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""K folds and random splits, of data in memory, on devices and of Dask collections."""

from __future__ import annotations

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn import model_selection as sklearn_splitters
from sklearn.base import clone
from sklearn.linear_model import Ridge, SGDClassifier
from sklearn.model_selection import cross_val_score

from gpu_hpo.model_selection import (
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    check_cv,
    compute_n_splits,
)
from gpu_hpo.testing import NoHostCopyArray
from tests.model_selection.device_frames import DeviceSeries, device_frame
from tests.model_selection.lazy_arrays import failing, unknown

SPLITTERS = [
    KFold(3),
    KFold(4, shuffle=True, random_state=0),
    ShuffleSplit(3, random_state=0),
    ShuffleSplit(3, 0.3, 0.5, random_state=0),
    ShuffleSplit(3, 5, None, random_state=0),
    ShuffleSplit(3, None, 0.7, random_state=0),
    ShuffleSplit(3, 0.3, blockwise=False, random_state=0),
]
ROWS = (7, 7, 1, 8)


@pytest.fixture
def X():
    """Row i is i, i + 1000."""
    return da.from_array(np.arange(23.0)[:, None] + [0, 1000], chunks=(ROWS, 2))


def in_memory(splits):
    """Splits as NumPy arrays."""
    return [dask.compute(*split) for split in splits]


def assert_equal_splits(splits, others):
    """Check that splits choose equal rows, in equal order."""
    splits, others = in_memory(splits), in_memory(others)
    assert len(splits) == len(others)
    for split, other in zip(splits, others, strict=True):
        for rows, same in zip(split, other, strict=True):
            np.testing.assert_array_equal(rows, same)


# ---- data in memory ----


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (KFold(), sklearn_splitters.KFold()),
        (KFold(3), sklearn_splitters.KFold(3)),
        (
            KFold(4, shuffle=True, random_state=1),
            sklearn_splitters.KFold(4, shuffle=True, random_state=1),
        ),
        (
            ShuffleSplit(random_state=0),
            sklearn_splitters.ShuffleSplit(random_state=0),
        ),
        (
            ShuffleSplit(3, 0.25, 0.5, random_state=1),
            sklearn_splitters.ShuffleSplit(
                3, test_size=0.25, train_size=0.5, random_state=1
            ),
        ),
        (
            ShuffleSplit(3, None, 11, random_state=1),
            sklearn_splitters.ShuffleSplit(3, train_size=11, random_state=1),
        ),
    ],
    ids=range(6),
)
def test_in_memory_as_scikit_learn(ours, theirs):
    """Data in memory of any kind is split as by scikit-learn, into NumPy arrays."""
    rows = np.arange(46.0).reshape(23, 2)
    expected = list(theirs.split(rows))
    for data in (
        rows,
        rows[:, 0],
        rows.tolist(),
        pd.DataFrame(rows),
        scipy.sparse.csr_matrix(rows),
        NoHostCopyArray(rows),
        device_frame(23),
    ):
        splits = list(ours.split(data, rows[:, 0]))
        assert all(type(part) is np.ndarray for split in splits for part in split)
        assert_equal_splits(splits, expected)


@pytest.mark.parametrize("splitter", SPLITTERS, ids=range(len(SPLITTERS)))
def test_only_lengths_are_looked_at(splitter, X):
    """No data is brought to the host, and no block of known length is computed."""
    NoHostCopyArray.host_copies = 0
    DeviceSeries.host_copies = 0
    rows = NoHostCopyArray(np.arange(46.0).reshape(23, 2))
    list(splitter.split(rows, rows[:, 0]))
    frame = device_frame(23)
    list(splitter.split(frame, frame.a))
    lazy = failing(X)
    in_memory(splitter.split(lazy, lazy[:, 0]))
    list(splitter.split(rows, lazy[:, 0]))
    assert NoHostCopyArray.host_copies == DeviceSeries.host_copies == 0


@pytest.mark.parametrize(
    ("splitter", "text"),
    [
        (KFold(3), "KFold(n_splits=3, random_state=None, shuffle=False)"),
        (
            ShuffleSplit(2, 0.3, random_state=0),
            "ShuffleSplit(blockwise=True, n_splits=2, random_state=0, test_size=0.3,\n"
            "       train_size=None)",
        ),
        (
            StratifiedKFold(2, shuffle=True),
            "StratifiedKFold(n_splits=2, random_state=None, shuffle=True)",
        ),
    ],
)
def test_repr(splitter, text):
    """A splitter prints its arguments, as scikit-learn's do."""
    assert repr(splitter) == text
    assert splitter.get_n_splits() == splitter.n_splits


def test_in_scikit_learn():
    """scikit-learn's searches and scores take the splitters as `cv`."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = X @ [1.0, 2.0, 3.0] + rng.normal(size=60)
    for ours, theirs in (
        (KFold(4), sklearn_splitters.KFold(4)),
        (
            ShuffleSplit(4, 0.2, random_state=0),
            sklearn_splitters.ShuffleSplit(4, test_size=0.2, random_state=0),
        ),
    ):
        np.testing.assert_array_equal(
            cross_val_score(Ridge(), X, y, cv=ours),
            cross_val_score(Ridge(), X, y, cv=theirs),
        )
        search = sklearn_splitters.GridSearchCV(Ridge(), {"alpha": [0.1, 1]}, cv=ours)
        assert clone(search).fit(X, y).n_splits_ == 4


# ---- Dask collections ----


def test_folds_of_consecutive_rows(X):
    """Without shuffling, folds are scikit-learn's, in blocks like those of the data."""
    splits = list(KFold(3).split(X))
    assert_equal_splits(splits, sklearn_splitters.KFold(3).split(np.zeros(23)))
    assert [train.chunks[0] for train, _ in splits] == [
        (6, 1, 8),
        (7, 1, 7),
        (7, 7, 1, 1),
    ]
    assert [test.chunks[0] for _, test in splits] == [(7, 1), (6, 1, 1), (7,)]


def test_folds_shuffled_within_blocks(X):
    """Shuffled folds are consecutive rows of blocks whose rows are in random order."""
    splits = in_memory(KFold(3, shuffle=True, random_state=0).split(X))
    tests = [test for _, test in splits]
    np.testing.assert_array_equal(np.sort(np.concatenate(tests)), np.arange(23))
    for train, test in splits:
        np.testing.assert_array_equal(np.setdiff1d(np.arange(23), test), train)
        assert (np.diff(test) > 0).all()
    assert set(tests[0]) != set(range(8))
    # All of the first block, and one row of the second.
    assert set(range(7)) < set(tests[0]) < set(range(14))
    others = in_memory(KFold(3, shuffle=True, random_state=1).split(X))
    assert any(set(a[1]) != set(b[1]) for a, b in zip(splits, others, strict=True))


def test_blocks_are_shuffled_differently():
    """Blocks are not all brought into the same order."""
    X = da.zeros((100, 2), chunks=(10, 2))
    for splitter in (
        ShuffleSplit(1, 0.5, random_state=0),
        KFold(2, shuffle=True, random_state=0),
    ):
        # The first fold of two ends at a block's end, unless rows are odd.
        data = X if isinstance(splitter, ShuffleSplit) else X[5:]
        ((_, test), *_) = in_memory(splitter.split(data))
        positions = {tuple(np.sort(rows % 10)) for rows in np.array_split(test, 10)}
        assert len(positions) > 1


@pytest.mark.parametrize(
    ("sizes", "n_train", "n_test"),
    [
        ({}, 20, 3),
        ({"test_size": 0.3}, 16, 7),
        ({"test_size": 6}, 17, 6),
        ({"test_size": None, "train_size": 0.5}, 11, 12),
        ({"test_size": 0.2, "train_size": 0.4}, 9, 5),
        ({"test_size": 1, "train_size": 2}, 2, 1),
        ({"test_size": 12, "train_size": 11}, 11, 12),
    ],
    ids=str,
)
@pytest.mark.parametrize("blockwise", [True, False])
def test_sizes(X, sizes, n_train, n_test, blockwise):
    """Sizes give the numbers of rows that they give in scikit-learn, none twice."""
    splitter = ShuffleSplit(5, blockwise=blockwise, random_state=0, **sizes)
    tests = set()
    for train, test in splitter.split(X):
        assert (train.shape, test.shape) == ((n_train,), (n_test,))
        assert sum(train.chunks[0]) == n_train
        train, test = dask.compute(train, test)
        assert (len(train), len(test)) == (n_train, n_test)
        assert len({*train, *test}) == n_train + n_test
        assert min(*train, *test) >= 0
        assert max(*train, *test) < 23
        tests.add(tuple(np.sort(test)))
    assert len(tests) > 1
    expected = next(
        sklearn_splitters.ShuffleSplit(**{"test_size": 0.1, **sizes}).split(range(23))
    )
    assert [len(part) for part in expected] == [n_train, n_test]


def test_blocks_give_their_share():
    """Each block gives its share of a blockwise split to one row, and keeps order."""
    rows = (40, 3, 100, 1, 57)
    X = da.zeros((201, 2), chunks=(rows, 2))
    for train, test in in_memory(ShuffleSplit(20, 0.25, 0.5, random_state=0).split(X)):
        for part, size in ((train, 0.5), (test, 0.25)):
            assert (np.diff(part) > 0).all()
            blocks = np.searchsorted(np.cumsum(rows), part, side="right")
            counts = np.bincount(blocks, minlength=5)
            assert (np.abs(counts - size * np.array(rows)) < 1.5).all()


def test_rows_test_equally_often():
    """Every row tests with the same probability, in blocks of whatever lengths."""
    X = da.zeros((30, 1), chunks=((1, 1, 1, 2, 5, 20), 1))
    for blockwise in (True, False):
        splitter = ShuffleSplit(400, 0.2, blockwise=blockwise, random_state=0)
        tests = dask.compute(*(test for _, test in splitter.split(X)), scheduler="sync")
        # Four standard deviations.
        frequency = np.bincount(np.concatenate(tests)) / 400
        np.testing.assert_allclose(frequency, 0.2, atol=0.08)


def test_draw_from_all(X):
    """With blockwise=False rows of all blocks are mixed, in as many blocks."""
    train, test = next(ShuffleSplit(blockwise=False, random_state=0).split(X))
    assert train.numblocks == (4,)
    assert test.numblocks == (3,)
    rows = train.compute()
    assert (np.diff(rows) < 0).any()
    assert len(set(np.searchsorted(np.cumsum(ROWS), rows[:5], side="right"))) > 1


@pytest.mark.parametrize("splitter", SPLITTERS, ids=range(len(SPLITTERS)))
def test_index_data_by_dask_arrays(splitter, X):
    """What a splitter gives takes rows of the data given to it, on a device too."""
    rows = X.compute()
    for data in (X, X.map_blocks(NoHostCopyArray), X.rechunk((ROWS, 1))):
        for train, test in splitter.split(data):
            for part in (train, test):
                taken = data[part]
                assert taken.shape == (part.size, 2)
                taken = taken.compute()
                taken = taken.get() if hasattr(taken, "get") else taken
                np.testing.assert_array_equal(taken, rows[part.compute()])


@pytest.mark.parametrize("splitter", SPLITTERS, ids=range(len(SPLITTERS)))
def test_random_state(splitter, X):
    """The same integer gives the same rows and task names, another gives others."""
    first, again = (list(splitter.split(X)) for _ in range(2))
    assert_equal_splits(first, again)
    assert [[part.name for part in split] for split in first] == [
        [part.name for part in split] for split in again
    ]
    if splitter.random_state is None:
        return
    other = clone(splitter, safe=False)
    other.random_state = np.random.RandomState(0)
    draws = [in_memory(other.split(X)) for _ in range(2)]
    assert any((a[1] != b[1]).any() for a, b in zip(*draws, strict=True))


@pytest.mark.parametrize("splitter", SPLITTERS, ids=range(len(SPLITTERS)))
def test_unknown_lengths(splitter, X):
    """Blocks of unknown lengths, and those of frames, are counted first."""
    expected = list(splitter.split(X))
    frame = dd.from_dask_array(X, columns=["a", "b"])
    for data in (unknown(X), unknown(X.rechunk((ROWS, 1))), frame, frame.a):
        splits = list(splitter.split(data))
        assert_equal_splits(splits, expected)
        assert all(not np.isnan(part.shape[0]) for split in splits for part in split)


def test_device_frames_are_counted():
    """Frames on a device are counted there."""
    DeviceSeries.host_copies = 0
    frame = dd.from_pandas(device_frame(20), npartitions=3)
    assert_equal_splits(KFold(2).split(frame), KFold(2).split(np.zeros(20)))
    assert DeviceSeries.host_copies == 0


@pytest.mark.parametrize("splitter", [KFold(2), ShuffleSplit(), StratifiedKFold(2)])
def test_groups_are_ignored(splitter, X):
    """Groups have no effect and give scikit-learn's warning."""
    y = np.arange(23) % 2
    for data in (X, X.compute()):
        with pytest.warns(UserWarning, match="groups parameter is ignored by"):
            splits = list(splitter.split(data, y, groups=np.arange(23)))
        assert len(splits) == splitter.n_splits


@pytest.mark.parametrize("splitter", [KFold(2), ShuffleSplit()])
def test_lengths_must_match(splitter, X):
    """A y of another length is an error that gives both, if it is known."""
    for data in (X, X.compute()):
        for y in (np.zeros(22), da.zeros(22)):
            with pytest.raises(ValueError, match=r"X and y .*: 23 and 22"):
                next(splitter.split(data, y))


def test_bad_arguments(X):
    """What is out of range is an error that names the argument and its value."""
    for arguments, message in (
        ({"n_splits": 1}, "n_splits=1"),
        ({"n_splits": 2.5}, "2.5"),
        ({"random_state": 0}, "shuffle"),
    ):
        with pytest.raises(ValueError, match=message):
            KFold(**arguments)
    for arguments, message in (
        ({"n_splits": 0}, "n_splits.* 0 instead"),
        ({"n_splits": "2"}, "n_splits.* '2' instead"),
        ({"blockwise": "yes"}, "blockwise.* 'yes' instead"),
    ):
        with pytest.raises(ValueError, match=message):
            ShuffleSplit(**arguments)
    with pytest.raises(ValueError, match=r"n_splits=24 .*rows, 23"):
        next(KFold(24).split(X))
    with pytest.raises(TypeError, match="Delayed"):
        next(KFold().split(dask.delayed(np.ones)(3)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test_size": 0}, "test_size.* 0 instead"),
        ({"test_size": 23}, "test_size=23 "),
        ({"test_size": 1.5}, "test_size.* 1.5 instead"),
        ({"test_size": -0.1}, "test_size.* -0.1 instead"),
        ({"test_size": "half"}, "test_size.* 'half' instead"),
        ({"test_size": True}, "test_size.* True instead"),
        ({"train_size": 0.0}, "train_size.* 0.0 instead"),
        ({"train_size": 0.95}, "test_size and train_size = 1.05"),
        ({"train_size": 22}, "train_size and test_size = 25"),
    ],
    ids=str,
)
def test_bad_sizes(X, arguments, message):
    """A size that is out of range is an error that names it, for any data."""
    for data in (X, X.compute()):
        with pytest.raises(ValueError, match=message):
            next(ShuffleSplit(**arguments).split(data))


@pytest.mark.gpu
@pytest.mark.parametrize("splitter", SPLITTERS, ids=range(len(SPLITTERS)))
def test_cupy_and_cudf(splitter, X):
    """CuPy, cuDF and their Dask collections are split as host data are."""
    import cudf
    import cupy

    rows = X.compute()
    for data in (cupy.asarray(rows), cudf.DataFrame(rows)):
        assert_equal_splits(splitter.split(data), splitter.split(rows))
    on_device = X.map_blocks(cupy.asarray)
    for train, test in splitter.split(on_device):
        for part in (train, test):
            taken = on_device[part].compute()
            assert isinstance(taken, cupy.ndarray)
            np.testing.assert_array_equal(taken.get(), rows[part.compute()])
    frame = dd.from_dask_array(X, columns=["a", "b"]).to_backend("cudf")
    assert_equal_splits(splitter.split(frame), splitter.split(X))


# ---- check_cv and compute_n_splits ----


@pytest.mark.parametrize("shuffle", [False, True])
def test_stratified_folds(shuffle):
    """Labels anywhere give scikit-learn's stratified folds, and X stays where it is."""
    labels = np.array([0, 1, 1])[np.arange(47) % 3]
    options = {"shuffle": shuffle, "random_state": 0 if shuffle else None}
    splitter = StratifiedKFold(4, **options)
    expected = list(
        sklearn_splitters.StratifiedKFold(4, **options).split(labels, labels)
    )
    lazy = da.from_array(labels, chunks=10)
    on_device = lazy.map_blocks(NoHostCopyArray)
    X = failing(da.zeros((47, 3), chunks=(10, 3)))
    for data in (X, NoHostCopyArray(np.zeros((47, 3)))):
        for y in (labels, NoHostCopyArray(labels), lazy, on_device):
            NoHostCopyArray.host_copies = 0
            assert_equal_splits(splitter.split(data, y), expected)
            assert NoHostCopyArray.host_copies <= 1
    train, test = next(splitter.split(X, lazy))
    assert isinstance(train, da.Array)
    assert sum(train.chunks[0]) == 47 - test.size
    assert len(train.chunks[0]) >= 4


def test_stratified_folds_of_device_frames():
    """Labels may be strings of a device frame, in memory or Dask's."""
    frame = device_frame(40)
    expected = list(StratifiedKFold(2).split(np.zeros(40), np.arange(40) % 4 == 3))
    assert_equal_splits(StratifiedKFold(2).split(frame, frame.label), expected)
    lazy = dd.from_pandas(frame, npartitions=3)
    assert_equal_splits(StratifiedKFold(2).split(lazy, lazy.label), expected)


def test_check_cv():
    """Numbers become splitters by what y holds; splitters stay; None means 5."""
    labels = np.array([0, 1] * 10)
    places = (
        labels,
        pd.Series(labels),
        NoHostCopyArray(labels),
        da.from_array(labels, chunks=5),
        da.from_array(labels, chunks=5).map_blocks(NoHostCopyArray),
        device_frame(20).label,
        dd.from_pandas(pd.Series(["a", "b"] * 10), npartitions=2),
    )
    for y in places:
        assert type(check_cv(3, y, classifier=True)) is StratifiedKFold
        assert type(check_cv(3, y)) is KFold
    assert type(check_cv(3, labels + 0.5, classifier=True)) is KFold
    assert type(check_cv(3, None, classifier=True)) is KFold
    for five in (check_cv(), check_cv(None), check_cv(cv=5)):
        assert five.n_splits == 5
    splitter = ShuffleSplit()
    assert check_cv(splitter, labels, True) is splitter
    theirs = sklearn_splitters.GroupKFold()
    assert check_cv(theirs) is theirs
    splits = [([0, 1], [2]), ([0, 2], [1])]
    assert list(check_cv(iter(splits)).split()) == splits


def test_check_cv_computes_labels_only_if_it_must():
    """No label is computed where none has a say."""
    y = failing(da.zeros(20, chunks=5, dtype=int))
    check_cv(3, y)
    check_cv(KFold(), y, classifier=True)


@pytest.mark.parametrize(
    ("cv", "message"), [(1, "cv.* 1 instead"), (2.5, "2.5"), ("three", "three")]
)
def test_check_cv_errors(cv, message):
    """What is no number of folds, splitter or iterable is an error that shows it."""
    with pytest.raises(ValueError, match=message):
        check_cv(cv)


def test_compute_n_splits():
    """Splits are counted as scikit-learn does, for data of any kind."""
    groups = np.array([0, 1, 2] * 4)
    rows = np.zeros((12, 2))
    lazy = da.from_array(rows, chunks=(5, 2))
    lazy_groups = da.from_array(groups, chunks=5)
    for cv, expected in (
        (None, 5),
        (4, 4),
        (iter([([0], [1])] * 3), 3),
        (KFold(4), 4),
        (ShuffleSplit(7), 7),
        (sklearn_splitters.RepeatedKFold(n_splits=2, n_repeats=3), 6),
        (sklearn_splitters.PredefinedSplit([0, 1, -1]), 2),
    ):
        assert compute_n_splits(cv, failing(lazy), failing(lazy_groups)) == expected
    places = (
        (rows, groups),
        (lazy, lazy_groups),
        (NoHostCopyArray(rows), NoHostCopyArray(groups)),
        (lazy, lazy_groups.map_blocks(NoHostCopyArray)),
        (unknown(lazy), unknown(lazy_groups)),
        (device_frame(12), pd.Series(groups)),
    )
    for X, by in places:
        assert compute_n_splits(sklearn_splitters.LeaveOneOut(), X) == 12
        assert compute_n_splits(sklearn_splitters.LeavePOut(2), X) == 66
        leave_group = sklearn_splitters.LeaveOneGroupOut()
        assert compute_n_splits(leave_group, X, groups=by) == 3
        leave_two = sklearn_splitters.LeavePGroupsOut(2)
        assert compute_n_splits(leave_two, X, groups=by) == 3


def test_compute_n_splits_computes_only_what_it_must():
    """Known lengths are taken as they are, and of a grouped split only the groups."""
    X = failing(da.zeros((12, 2), chunks=(5, 2)))
    assert compute_n_splits(sklearn_splitters.LeaveOneOut(), X) == 12
    groups = da.from_array(np.arange(12) % 4, chunks=5)
    leave_group = sklearn_splitters.LeaveOneGroupOut()
    assert compute_n_splits(leave_group, X, X[:, 0], groups) == 4
    with pytest.raises(ValueError, match="'X' parameter should not be None"):
        compute_n_splits(sklearn_splitters.LeaveOneOut())


def test_a_search_splits_by_them():
    """A classifier's search in scikit-learn takes what `check_cv` gives."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = (X[:, 0] > 0).astype(int)
    cv = check_cv(4, y, classifier=True)
    search = sklearn_splitters.GridSearchCV(
        SGDClassifier(random_state=0), {"alpha": [1e-3, 1e-2]}, cv=cv
    )
    assert search.fit(X, y).n_splits_ == 4
