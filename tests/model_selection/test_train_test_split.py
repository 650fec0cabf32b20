# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Splitting arrays and frames into train and test rows."""

from __future__ import annotations

import itertools

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split as sklearn_split

from gpu_hpo.devices import to_host
from gpu_hpo.model_selection._train_test_split import train_test_split
from gpu_hpo.testing import NoHostCopyArray
from tests.model_selection.device_frames import (
    DeviceFrame,
    DeviceSeries,
    device_frame,
)
from tests.model_selection.lazy_arrays import failing, unknown


@pytest.fixture
def X():
    """Row i is i, i + 1000, i + 2000; the last block is short."""
    rows = np.arange(110.0)[:, None] + [0, 1000, 2000]
    return da.from_array(rows, chunks=(20, 3))


@pytest.fixture
def y(X):
    return (X[:, 0] % 3).astype(int)


@pytest.fixture
def frame():
    data = pd.DataFrame({"a": np.arange(100), "b": np.arange(100) / 2, "c": "text"})
    return dd.from_pandas(data, npartitions=4)


def test_arrays(X, y):
    """Rows of X and y stay together, each is in one part, and a tenth test."""
    parts = train_test_split(X, y, random_state=0)
    assert all(isinstance(part, da.Array) for part in parts)
    X_train, X_test, y_train, y_test = dask.compute(*parts)
    assert X_test.shape == (11, 3)
    np.testing.assert_array_equal(X_train[:, 0] % 3, y_train)
    np.testing.assert_array_equal(X_test[:, 0] % 3, y_test)
    together = np.concatenate([X_train[:, 0], X_test[:, 0]])
    np.testing.assert_array_equal(np.sort(together), np.arange(110))


def test_each_block_gives_its_share(X):
    """Chunk sizes are known at once and right: every block gives its share."""
    X_train, X_test = train_test_split(X, test_size=0.25, random_state=0)
    assert X_train.chunks == ((15,) * 5 + (8,), (3,))
    assert X_test.chunks == ((5,) * 5 + (2,), (3,))
    for number in range(6):
        rows = X_test.blocks[number].compute()[:, 0]
        assert len(rows) == X_test.chunks[0][number]
        assert (rows // 20 == number).all()


def test_blocks_choose_independently(X):
    """Blocks do not all choose the same positions."""
    X_test = train_test_split(X, test_size=0.2, random_state=0)[1]
    positions = [tuple(X_test.blocks[i].compute()[:, 0] % 20) for i in range(5)]
    assert len(set(positions)) == 5


@pytest.mark.parametrize("shuffle", [True, False])
def test_lazy(X, y, shuffle):
    """No block is computed, and those of X never for another array's part."""
    y_train = train_test_split(failing(X), y, shuffle=shuffle)[2]
    assert len(y_train.compute()) == 99


def test_random_state(X):
    """The same integer gives the same rows, another gives others, None new ones."""

    def rows(random_state):
        return train_test_split(X, random_state=random_state)[1].compute()

    np.testing.assert_array_equal(rows(0), rows(0))
    assert (rows(0) != rows(1)).any()
    assert (rows(None) != rows(None)).any()
    generator = np.random.RandomState(0)
    first = rows(generator)
    assert (first != rows(generator)).any()
    np.testing.assert_array_equal(first, rows(np.random.RandomState(0)))


def test_same_names_for_the_same_split(X):
    """Equal calls give equal task names, so Dask does the work once."""
    assert [part.name for part in train_test_split(X, random_state=0)] == [
        part.name for part in train_test_split(X, random_state=0)
    ]


def in_order(*arrays, n_test):
    """What scikit-learn gives: the first rows of the whole, and the last ones."""
    arrays = dask.compute(*arrays)
    return sklearn_split(*arrays, test_size=n_test, shuffle=False)


@pytest.mark.parametrize("columns", [3, 2])
def test_no_shuffle(X, y, columns):
    """Without shuffling the first rows of the whole train, and the last ones test."""
    X = X.rechunk((20, columns))
    parts = train_test_split(X, y, shuffle=False)
    assert [part.chunks[0] for part in parts] == [(20, 20, 20, 20, 19), (1, 10)] * 2
    expected = in_order(X, y, n_test=11)
    for part, same in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part.compute(), same)
    np.testing.assert_array_equal(parts[1][:, 0].compute(), np.arange(99, 110))


@settings(max_examples=60)
@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(
        lambda lengths: sum(lengths) > 1
    ),
    share=st.floats(0.01, 0.99),
    holder=st.sampled_from(["array", "unknown", "frame"]),
)
def test_no_shuffle_as_scikit_learn(lengths, share, holder):
    """Whatever holds the rows, in blocks of any lengths, they are cut where
    scikit-learn cuts, and no block is left without rows."""
    n = sum(lengths)
    n_test = min(max(round(n * share), 1), n - 1)
    X = da.from_array(np.arange(2.0 * n).reshape(n, 2), chunks=(tuple(lengths), 1))
    given = {"array": lambda x: x, "unknown": unknown, "frame": as_frame}[holder](X)
    other = given.a if holder == "frame" else given[:, 0]
    options = {"test_size": n_test / n, "shuffle": False}
    parts = train_test_split(given, other, **options)
    for part, same in zip(parts, in_order(X, X[:, 0], n_test=n_test), strict=True):
        if holder == "frame":
            assert 0 not in part.map_partitions(len).compute().tolist()
        else:
            blocks = [part.blocks[i].compute() for i in range(part.numblocks[0])]
            assert part.chunks[0] == tuple(map(len, blocks))
            assert 0 not in part.chunks[0]
        np.testing.assert_array_equal(part.compute(), same)


def as_frame(x):
    """The rows of an array of two columns, in partitions like its blocks."""
    ends = np.cumsum([0, *x.chunks[0]])
    rows = pd.DataFrame(x.compute(), columns=["a", "b"])
    parts = [rows[a:b] for a, b in itertools.pairwise(ends.tolist())]
    return dd.from_map(lambda part: part, parts, meta=rows[:0])


@pytest.mark.parametrize("order", [1, -1])
def test_no_shuffle_of_known_and_unknown_lengths(X, y, order):
    """Known lengths spare to compute the others, which are checked where they are
    computed, in each of their blocks."""
    train_test_split(*(X, failing(unknown(y)))[::order], shuffle=False)
    wrong = unknown(da.concatenate([y[:19], y[20:]]).rechunk(((19, *[20] * 4, 10),)))
    parts = train_test_split(*(X, wrong)[::order], shuffle=False)
    parts = parts[2:] if order > 0 else parts[:2]
    assert len(parts[1].compute()) == 11
    with pytest.raises(ValueError, match=r"same blocks of rows.*got 20 and 19"):
        parts[0].compute()


def test_no_shuffle_of_blocks_that_differ(X, y, frame):
    """Collections that cannot be cut at the same row are an error."""
    for other in (y.rechunk(10), y[:100]):
        with pytest.raises(ValueError, match="same blocks of rows"):
            train_test_split(X, other, shuffle=False)
    with pytest.raises(ValueError, match="same blocks of rows"):
        train_test_split(frame, frame.b.repartition(npartitions=2), shuffle=False)
    other = frame[frame.a != 3].clear_divisions()
    with pytest.raises(ValueError, match="same blocks of rows"):
        dask.compute(*train_test_split(frame, other, shuffle=False))
    for few in (da.ones(1), unknown(da.ones(1)), frame[frame.a > 98]):
        with pytest.raises(ValueError, match="no row is left to test"):
            train_test_split(few, shuffle=False)


def test_no_shuffle_mixed_types(X, frame):
    """A mixture is cut at the same row, and blocks are no matter of choice."""
    mixture = [frame[["a", "b"]], X[:100].rechunk((25, 3)), np.arange(100)]
    parts = train_test_split(
        *mixture, shuffle=False, blockwise=False, convert_mixed_types=True
    )
    for part in dask.compute(*parts[1::2]):
        first = part[:, 0] if part.ndim == 2 else part
        np.testing.assert_array_equal(first, np.arange(90, 100))


@pytest.mark.parametrize(
    ("sizes", "n_test"),
    [
        ({"test_size": 0.2}, 22),
        ({"train_size": 0.8}, 22),
        ({"test_size": 0.2, "train_size": 0.8}, 22),
        ({}, 11),
    ],
)
def test_sizes(X, sizes, n_test):
    """Either size decides both; the default is a tenth."""
    assert train_test_split(X, **sizes)[1].shape == (n_test, 3)


@pytest.mark.parametrize(
    "sizes",
    [
        {"test_size": 5},
        {"test_size": 0},
        {"test_size": 1.0},
        {"test_size": -0.5},
        {"test_size": "half"},
        {"train_size": 0.0},
        {"train_size": 90},
        {"test_size": True},
    ],
)
def test_bad_sizes(X, sizes):
    """A size that is no fraction is an error that names it and its value."""
    ((name, value),) = sizes.items()
    with pytest.raises(ValueError, match=f"{name}={value!r}"):
        train_test_split(X, **sizes)


def test_sizes_must_sum_to_one(X):
    """No row may be left out."""
    with pytest.raises(ValueError, match=r"test_size=0.1 and train_size=0.5"):
        train_test_split(X, test_size=0.1, train_size=0.5)


def test_stratify(X):
    """Each block's classes give their share, and chunk sizes are known."""
    y = da.from_array(np.tile(np.repeat([0, 1], [16, 4]), 6)[:110], chunks=20)
    _, X_test, _, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=0
    )
    assert X_test.chunks[0] == (5, 5, 5, 5, 5, 2)
    for number in range(5):
        assert y_test.blocks[number].compute().sum() == 1
    np.testing.assert_array_equal(
        (X_test[:, 0] % 20 >= 16).astype(int).compute(), y_test.compute()
    )


def test_stratify_by_host_labels(X):
    """Labels in memory are cut into the data's blocks."""
    labels = np.tile(np.repeat(["a", "b"], [16, 4]), 6)[:110]
    expected = train_test_split(
        X, stratify=da.from_array(labels, chunks=20), random_state=0
    )
    actual = train_test_split(X, stratify=list(labels), random_state=0)
    np.testing.assert_array_equal(expected[1].compute(), actual[1].compute())


def test_bad_stratify(X, y):
    """Labels must have the data's blocks, one axis, and shuffling."""
    with pytest.raises(ValueError, match="same blocks"):
        train_test_split(X, stratify=y.rechunk(10))
    with pytest.raises(ValueError, match="different numbers of rows"):
        train_test_split(X, stratify=np.zeros(109))
    with pytest.raises(ValueError, match="one axis"):
        train_test_split(X, stratify=X)
    with pytest.raises(ValueError, match="shuffle=True"):
        train_test_split(X, stratify=y, shuffle=False)


def test_column_blocks(X):
    """Blocks of columns stay as they are, and all choose the same rows."""
    parts = train_test_split(X.rechunk((20, 2)), random_state=0)
    assert parts[0].chunks[1] == (2, 1)
    expected = train_test_split(X, random_state=0)
    for part, same in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part.compute(), same.compute())


@pytest.mark.parametrize("columns", [3, 2])
def test_unknown_lengths(X, y, columns):
    """Where lengths are unknown, the same rows are chosen and lengths stay unknown."""
    expected = train_test_split(X, y, random_state=0)
    parts = train_test_split(
        unknown(X.rechunk((20, columns))), unknown(y), random_state=0
    )
    assert np.isnan(parts[0].shape[0])
    for part, same in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part.compute(), same.compute())


@pytest.mark.parametrize("order", [1, -1])
def test_one_known_length_is_enough(X, y, order):
    """Where one array's lengths are known, those of the others are checked by it."""
    arrays = (X, unknown(y))[::order]
    parts = train_test_split(*arrays, random_state=0)
    expected = train_test_split(X, y, random_state=0)[1]
    np.testing.assert_array_equal(parts[1::2][::order][0].compute(), expected.compute())
    wrong = (X, unknown(y[: 6 * 18].rechunk(18)))[::order]
    parts = train_test_split(*wrong, random_state=0)
    with pytest.raises(ValueError, match="same blocks"):
        dask.compute(*parts)


@pytest.mark.parametrize("change", [lambda y: y.rechunk(10), lambda y: y[:100]])
def test_blocks_must_match(X, y, change):
    """Arrays of other blocks are an error that shows both."""
    with pytest.raises(ValueError, match=r"same blocks of rows.*\(20, 20, .*Rechunk"):
        train_test_split(X, change(y))


def test_blocks_of_one_row():
    """A block of one row trains; if there are no others, that is an error."""
    parts = train_test_split(da.arange(11, chunks=10), random_state=0)
    assert [part.chunks for part in parts] == [((9, 1),), ((1, 0),)]
    assert 10 in parts[0].compute()
    with pytest.raises(ValueError, match="no row is left to test"):
        train_test_split(da.arange(3, chunks=1))


def test_device_blocks_stay_on_the_device(X, y):
    """Blocks on a device are never copied to the host; only labels to stratify by."""
    NoHostCopyArray.host_copies = 0
    on_device = [x.map_blocks(NoHostCopyArray) for x in (X, y)]
    parts = dask.compute(*train_test_split(*on_device, random_state=0))
    assert all(isinstance(part, NoHostCopyArray) for part in parts)
    assert NoHostCopyArray.host_copies == 0
    expected = dask.compute(*train_test_split(X, y, random_state=0))
    for part, same in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part.get(), same)
    NoHostCopyArray.host_copies = 0
    train_test_split(*on_device, stratify=on_device[1])[0].compute()
    assert NoHostCopyArray.host_copies == 6


def test_sparse_blocks(X):
    """Blocks may be sparse matrices."""
    sparse = X.map_blocks(scipy.sparse.csr_matrix)
    X_test = train_test_split(sparse, random_state=0)[1].blocks[0].compute()
    expected = train_test_split(X, random_state=0)[1].blocks[0].compute()
    np.testing.assert_array_equal(X_test.toarray(), expected)


def test_frames(frame):
    """Rows of frames and series stay together, with their index and divisions."""
    parts = train_test_split(frame, frame.b, random_state=0)
    assert [type(part) for part in parts] == [dd.DataFrame] * 2 + [dd.Series] * 2
    assert parts[0].divisions == frame.divisions
    X_train, X_test, y_train, y_test = dask.compute(*parts)
    assert len(X_test) == 8
    pd.testing.assert_series_equal(X_train.b, y_train)
    pd.testing.assert_series_equal(X_test.b, y_test)
    pd.testing.assert_frame_equal(
        pd.concat([X_train, X_test]).sort_index(), frame.compute()
    )


def test_frames_choose_as_arrays_do(frame):
    """The same blocks and seed give the same rows, whatever holds them."""
    array = frame.a.to_dask_array(lengths=True)
    expected = train_test_split(array, random_state=3)[1].compute()
    actual = train_test_split(frame, random_state=3)[1].compute()
    np.testing.assert_array_equal(actual.a, expected)


def test_frames_without_shuffle_and_stratified(frame):
    """Frames take the last rows, or each class's share, as arrays do."""
    parts = train_test_split(frame, frame.b, test_size=0.4, shuffle=False)
    assert parts[0].divisions == parts[2].divisions == (0, 25, 50, 75)
    assert parts[1].divisions == parts[3].divisions == (50, 75, 99)
    data = frame.compute()
    for part, same in zip(
        dask.compute(*parts[:2]), (data[:60], data[60:]), strict=True
    ):
        pd.testing.assert_frame_equal(part, same)
    pd.testing.assert_series_equal(parts[3].compute(), data.b[60:])
    test = train_test_split(frame, stratify=frame.a % 2, random_state=0)[1].compute()
    assert (test.a % 2).value_counts().to_dict() == {0: 4, 1: 4}


def test_frames_must_match(frame):
    """Frames of other divisions or lengths are an error."""
    with pytest.raises(ValueError, match="same blocks"):
        train_test_split(frame, frame.b.repartition(npartitions=2))
    other = frame.b.repartition(divisions=[0, 10, 50, 75, 99])
    with pytest.raises(ValueError, match="same divisions"):
        train_test_split(frame, other)
    other = frame[frame.a != 3].clear_divisions()
    with pytest.raises(ValueError, match="same blocks"):
        dask.compute(*train_test_split(frame, other))


def test_in_memory_goes_to_sklearn():
    """Data in memory is split as by scikit-learn, by default shuffled."""
    X = np.arange(40).reshape(20, 2)
    for data in (X, pd.DataFrame(X), X.tolist(), scipy.sparse.csr_matrix(X)):
        actual = train_test_split(data, X, test_size=3, random_state=0)
        expected = sklearn_split(data, X, test_size=3, random_state=0)
        for part, same in zip(actual, expected, strict=True):
            assert type(part) is type(same)
            np.testing.assert_array_equal(
                part.toarray() if scipy.sparse.issparse(part) else part,
                same.toarray() if scipy.sparse.issparse(same) else same,
            )
    assert len(train_test_split(X)[1]) == 5
    assert (train_test_split(X, shuffle=False)[1] == X[15:]).all()


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("test_size", [None, 0.25, 3])
def test_device_data_in_memory(shuffle, test_size):
    """Device arrays that are not Dask's are split there, in the rows of host arrays."""
    rows = np.arange(40.0).reshape(20, 2)
    options = {"test_size": test_size, "shuffle": shuffle, "random_state": 0}
    expected = train_test_split(rows, rows[:, 0], rows, **options)
    NoHostCopyArray.host_copies = 0
    X, y = NoHostCopyArray(rows), NoHostCopyArray(rows[:, 0])
    parts = train_test_split(X, y, rows, **options)
    assert NoHostCopyArray.host_copies == 0
    assert all(isinstance(part, NoHostCopyArray) for part in parts[:4])
    assert all(isinstance(part, np.ndarray) for part in parts[4:])
    for part, same in zip(parts[:4], expected, strict=False):
        np.testing.assert_array_equal(part.get(), same)


def test_device_data_of_different_lengths():
    """Device arrays of different lengths are an error, as host arrays are."""
    X, y = NoHostCopyArray(np.ones((5, 2))), NoHostCopyArray(np.ones(4))
    with pytest.raises(ValueError, match=r"inconsistent numbers.*\[5, 4\]"):
        train_test_split(X, y)


def test_stratify_device_data_in_memory():
    """To stratify, labels are copied to the host once, and the data never."""
    labels = np.repeat([0, 1], [15, 5])
    X, y = NoHostCopyArray(np.arange(20.0)), NoHostCopyArray(labels)
    NoHostCopyArray.host_copies = 0
    parts = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
    assert NoHostCopyArray.host_copies == 1
    assert [int(part.sum()) for part in parts[2:]] == [4, 1]
    expected = train_test_split(labels, test_size=0.2, stratify=labels, random_state=0)
    np.testing.assert_array_equal(parts[3].get(), expected[1])
    lazy = da.from_array(labels, chunks=7).map_blocks(NoHostCopyArray)
    same = train_test_split(X, test_size=0.2, stratify=lazy, random_state=0)
    np.testing.assert_array_equal(same[1].get(), parts[1].get())


def test_stratify_dask_data_by_device_labels(X, y):
    """Labels on a device, in memory or Dask's, choose the rows that host labels do."""
    labels = np.arange(110) % 3
    expected = train_test_split(X, stratify=labels, random_state=0)[1].compute()
    for strata in (NoHostCopyArray(labels), y.map_blocks(NoHostCopyArray)):
        test = train_test_split(X, stratify=strata, random_state=0)[1]
        np.testing.assert_array_equal(test.compute(), expected)


def test_device_frames_in_memory():
    """Device frames stay there; of them only labels to stratify by are copied."""
    frame = device_frame(20)
    DeviceSeries.host_copies = 0
    parts = train_test_split(
        frame, frame.label, test_size=8, stratify=frame.label, random_state=0
    )
    assert DeviceSeries.host_copies == 1
    assert [type(part) for part in parts] == [DeviceFrame] * 2 + [DeviceSeries] * 2
    assert (parts[1].label == "y").sum() == 2
    assert list(parts[1].index) == list(parts[3].index)
    DeviceSeries.host_copies = 0
    train_test_split(frame, frame.a, shuffle=False)
    assert DeviceSeries.host_copies == 0


def test_device_frames_of_dask():
    """Blocks of a Dask frame stay on the device, and labels may be strings."""
    frame = dd.from_pandas(device_frame(48), npartitions=3)
    DeviceSeries.host_copies = 0
    parts = dask.compute(*train_test_split(frame, frame.a, random_state=0))
    assert [type(part) for part in parts] == [DeviceFrame] * 2 + [DeviceSeries] * 2
    assert list(parts[1].a) == list(parts[3])
    assert DeviceSeries.host_copies == 0
    test = train_test_split(frame, test_size=0.25, stratify=frame.label)[1].compute()
    assert (test.label == "y").sum() == 3
    assert DeviceSeries.host_copies == 3


@pytest.mark.gpu
def test_cupy_and_cudf():
    """CuPy, cuDF and dask-cudf give the rows that host data does, in their types."""
    import cudf
    import cupy
    from cupyx.scipy import sparse

    rows = np.arange(80.0).reshape(40, 2)
    labels = pd.Series(["x", "x", "x", "y"] * 10)
    options = {"test_size": 0.25, "stratify": cudf.Series(labels), "random_state": 0}
    expected = train_test_split(rows, **{**options, "stratify": labels})[1]
    for data in (cupy.asarray(rows), cudf.DataFrame(rows)):
        test = train_test_split(data, **options)[1]
        assert type(test) is type(data)
        np.testing.assert_array_equal(to_host(test), expected)
    test = train_test_split(sparse.coo_matrix(cupy.asarray(rows)), **options)[1]
    np.testing.assert_array_equal(test.toarray().get(), expected)
    frame = dd.from_pandas(pd.DataFrame({"a": rows[:, 0], "label": labels}), 3)
    on_device = frame.to_backend("cudf")
    options = {"test_size": 0.25, "random_state": 0}
    expected = train_test_split(frame, stratify=frame.label, **options)[1].compute()
    test = train_test_split(on_device, stratify=on_device.label, **options)[1].compute()
    assert isinstance(test, cudf.DataFrame)
    assert test.a.to_pandas().tolist() == expected.a.tolist()


def test_mixture_is_an_error(X, frame):
    """Types are not mixed silently; the error names them and the way out."""
    for other in (X.compute(), frame, [1] * 110):
        with pytest.raises(TypeError, match="convert_mixed_types=True"):
            train_test_split(X, other)
    with pytest.raises(TypeError, match=r"dask.*numpy.ndarray"):
        train_test_split(X, X.compute())


def test_convert_mixed_types(X, frame):
    """A mixture becomes Dask arrays of equal blocks, and rows stay together."""
    X = X[:100].rechunk((25, 3))
    mixture = [
        frame[["a", "b"]],
        X,
        np.arange(100),
        pd.Series(range(100)),
        [*range(100)],
    ]
    parts = train_test_split(*mixture, convert_mixed_types=True, random_state=0)
    assert all(isinstance(part, da.Array) for part in parts)
    assert {part.chunks[0] for part in parts[1::2]} == {(2, 2, 2, 2)}
    tests = dask.compute(*parts[1::2])
    for test in tests:
        np.testing.assert_array_equal(test[:, 0] if test.ndim == 2 else test, tests[2])
    frames = train_test_split(frame.a, np.arange(100), convert_mixed_types=True)
    np.testing.assert_array_equal(*dask.compute(*frames[1::2]))


def test_convert_mixed_types_must_match(X, frame):
    """A mixture of other lengths or blocks is an error."""
    with pytest.raises(ValueError, match="different numbers of rows"):
        train_test_split(X, np.zeros(100), convert_mixed_types=True)
    with pytest.raises(ValueError, match="same blocks"):
        train_test_split(X, frame, convert_mixed_types=True)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        train_test_split(unknown(X), np.zeros(110), convert_mixed_types=True)


def test_not_implemented(X):
    """Mixing rows of different blocks is not there, and the error says so."""
    with pytest.raises(NotImplementedError, match="blockwise=False"):
        train_test_split(X, blockwise=False)


def test_wrong_inputs():
    """No array, and Dask collections that have no rows, are errors."""
    with pytest.raises(ValueError, match="at least one array"):
        train_test_split()
    with pytest.raises(TypeError, match="Delayed"):
        train_test_split(dask.delayed(np.ones)(3))
    with pytest.raises(ValueError, match="axis"):
        train_test_split(da.ones(()))
