# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Split arrays into rows to train on and rows to test on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from gpu_hpo._arguments import SEED, checked
from gpu_hpo._typing import Array, ArrayLike, DaskCollection, SeedSource
from gpu_hpo.data._random_split import (
    n_test_rows,
    root_seed,
    spawn_seed,
    split_rows,
)
from gpu_hpo.devices._namespace import is_device_array, to_host, type_name
from gpu_hpo.devices._take_rows import take_rows
from gpu_hpo.model_selection._row_blocks import host_labels, kind, n_rows
from gpu_hpo.model_selection._same_blocks import (
    as_dask_array,
    as_dask_arrays,
    blocks_differ,
    check_blocks,
    known_rows,
    row_markers,
    take_by_block,
)
from gpu_hpo.model_selection._split_in_order import split_in_order

if TYPE_CHECKING:
    import pandas as pd

_DEFAULT_TEST_SIZE = 0.1


@checked(
    random_state=SEED,
    shuffle=["boolean", None],
    blockwise=["boolean"],
    convert_mixed_types=["boolean"],
)
def train_test_split(
    *arrays: ArrayLike,
    test_size: float | None = None,
    train_size: float | None = None,
    random_state: SeedSource = None,
    shuffle: bool | None = None,
    stratify: ArrayLike | None = None,
    blockwise: bool = True,
    convert_mixed_types: bool = False,
) -> list[Any]:
    """Split arrays into random train and test rows, or into first and last ones.

    Dask arrays and frames are split lazily and, if rows are chosen at random, within
    each block, so no row moves between workers. All other data is split as by
    `sklearn.model_selection.train_test_split`, on its own device.

    Parameters
    ----------
    *arrays : dask arrays, dask frames and series, or array-likes
        Data of equal lengths (first axis), and of equal blocks for Dask collections.
    test_size : float, optional
        The fraction of rows that test. By default what `train_size` leaves, else 0.1
        for Dask collections and 0.25 otherwise. In each block of a Dask collection (in
        the whole if `shuffle` is False) it is rounded to the nearest number of rows,
        but at least one if there are two, and never all.
    train_size : float, optional
        The fraction of rows that train. For Dask collections the two must sum to 1.
    random_state : int, RandomState or None, default=None
        Determines the rows; the same integer gives the same rows for any data with the
        same blocks. For Dask collections also a ``numpy.random.Generator`` or
        ``SeedSequence``.
    shuffle : bool, optional
        Whether rows are chosen at random; None means True. If False, the first of all
        rows train and the last test, in order, as for time series. For Dask collections
        this needs the lengths of all blocks: if no array has them (frames never do),
        the first of `arrays` is computed at once to find them. Within a block rows keep
        their order in any case.
    stratify : array-like or Dask collection, optional
        Class labels of the rows: in each block the test rows then have the same share
        of each class. Labels on a device, and nothing else, are copied to the host.
    blockwise : bool, default=True
        For Dask collections only True is implemented; with ``shuffle=False``, where no
        row is drawn, it has no effect.
    convert_mixed_types : bool, default=False
        Whether to allow a mixture of Dask arrays, Dask frames and other data: all
        become Dask arrays, in the blocks of the first Dask array.

    Returns
    -------
    list of length ``2 * len(arrays)``
        ``[train, test, train, test, ...]``, of the types given. Chunk sizes are known
        if those of the input are; with ``shuffle=False`` they always are, and no block
        is empty.

    Raises
    ------
    ValueError
        If an argument is out of range, or blocks do not match. Blocks whose lengths
        are unknown are compared when they are computed.
    TypeError
        If types are mixed without `convert_mixed_types`.
    NotImplementedError
        If ``blockwise=False`` for rows of Dask collections chosen at random.

    See Also
    --------
    sklearn.model_selection.train_test_split : For data in memory.

    Examples
    --------
    >>> import dask.array as da
    >>> from gpu_hpo.model_selection import train_test_split
    >>> X = da.ones((100, 3), chunks=(50, 3))
    >>> X_train, X_test = train_test_split(X, test_size=0.2, random_state=0)
    >>> X_train.chunks[0], X_test.chunks[0]
    ((40, 40), (10, 10))
    >>> X_train, X_test = train_test_split(X, test_size=0.2, shuffle=False)
    >>> X_train.chunks[0], X_test.chunks[0]
    ((50, 30), (20,))
    """
    if not arrays:
        raise ValueError("train_test_split needs at least one array")
    shuffle = True if shuffle is None else shuffle
    kinds = [kind(array) for array in arrays]
    if set(kinds) == {"other"}:
        return _in_memory(
            arrays,
            test_size=test_size,
            train_size=train_size,
            random_state=random_state,
            shuffle=shuffle,
            stratify=stratify,
        )

    if shuffle and not blockwise:
        raise NotImplementedError(
            "blockwise=False is not implemented for Dask collections: rows are chosen "
            "within each block. To mix rows of different blocks, rechunk or shuffle "
            "the data before."
        )
    if stratify is not None and (
        isinstance(stratify, str) or not hasattr(stratify, "__len__")
    ):
        raise TypeError(
            f"stratify={stratify!r} must be the class labels of the rows, y for one"
        )
    if stratify is not None and not shuffle:
        raise ValueError("stratify needs shuffle=True: it chooses rows at random")
    fraction = _test_fraction(test_size, train_size)
    data = list(arrays)
    if len(set(kinds)) > 1:
        if not convert_mixed_types:
            types = ", ".join(type_name(array) for array in arrays)
            raise TypeError(
                f"cannot split a mixture of types ({types}); convert them, or pass "
                "convert_mixed_types=True to make them all Dask arrays"
            )
        data = as_dask_arrays(data)
    if not shuffle:
        return split_in_order(data, fraction)
    is_test = _choose(data, stratify, fraction, root_seed(random_state))
    return [
        _take(array, is_test, fraction, test)
        for array in data
        for test in (False, True)
    ]


def _in_memory(
    arrays: Sequence[ArrayLike], stratify: ArrayLike | None, **options: Any
) -> list[Any]:
    from sklearn.model_selection import train_test_split as sklearn_split

    for name in ("test_size", "train_size"):
        size = options[name]
        # In scikit-learn's words only if it is a number.
        if size is not None and not (isinstance(size, Real) and size == size):
            raise ValueError(f"{name}={size!r} must be a fraction, or a number of rows")
    # scikit-learn chooses rows, and takes them from data in the host's memory. It never
    # sees data on a device, since it does not know all kinds of that.
    stand_ins = [np.arange(n_rows(x)) if is_device_array(x) else x for x in arrays]
    stratify = None if stratify is None else host_labels(stratify)
    parts = sklearn_split(*stand_ins, stratify=stratify, **options)
    return [
        take_rows(arrays[i // 2], part) if is_device_array(arrays[i // 2]) else part
        for i, part in enumerate(parts)
    ]


def _test_fraction(test_size: Any, train_size: Any) -> float:
    for name, size in (("test_size", test_size), ("train_size", train_size)):
        if size is None:
            continue
        # In scikit-learn whole numbers count rows; a block cannot know its share of
        # them.
        if not (isinstance(size, Real) and 0 < float(size) < 1):
            raise ValueError(
                f"{name}={size!r} must be a float between 0 and 1 for Dask collections"
            )
    if test_size is None:
        return _DEFAULT_TEST_SIZE if train_size is None else 1.0 - float(train_size)
    if train_size is not None and not math.isclose(test_size + train_size, 1.0):
        raise ValueError(
            f"test_size={test_size!r} and train_size={train_size!r} must sum to 1 for "
            "Dask collections"
        )
    return float(test_size)


def _choose(
    data: list[DaskCollection],
    stratify: ArrayLike | None,
    test_size: float,
    root: np.random.SeedSequence,
) -> DaskCollection:
    """Mark the rows that test, lazily: a 1-D Dask array of bool in the data's blocks.

    All arrays share the marks, so they have the same rows.
    """
    import dask.array as da

    markers = [row_markers(x) for x in data]
    labels = None
    if stratify is not None:
        labels = as_dask_array(_labels(stratify), markers[0].chunks[0])
        if labels.ndim != 1:
            raise ValueError(f"stratify must have one axis; got {labels.ndim}")
        markers.append(labels)
    check_blocks(data, markers)
    rows = known_rows(markers) or markers[0].chunks[0]
    known = not any(map(math.isnan, rows))
    if known and not sum(n_test_rows(n, test_size) for n in rows):
        raise ValueError(
            f"no row is left to test: no block of {rows} has two rows to split"
        )
    if labels is not None:
        blocks = labels
    elif known:
        # Only lengths are needed, so the choice does not wait for data.
        blocks = da.empty(sum(rows), chunks=(rows,), dtype=bool)
    else:
        blocks = markers[0]
        blocks = blocks.blocks[(slice(None), *(0,) * (blocks.ndim - 1))]
    return da.map_blocks(
        _test_rows,
        blocks,
        drop_axis=list(range(1, blocks.ndim)),
        chunks=(rows,),
        dtype=bool,
        meta=np.empty(0, dtype=bool),
        test_size=test_size,
        root=root,
        stratify=labels is not None,
    )


def _labels(stratify: Any) -> ArrayLike:
    """Copy labels to the host; in tasks if they are a Dask collection."""
    if kind(stratify) == "other":
        return host_labels(stratify)
    if kind(stratify) == "array" or stratify.ndim != 1:
        return stratify
    # Labels may be strings, which arrays on a device cannot hold.
    return stratify.map_partitions(_on_host, meta=_on_host(stratify._meta))


def _on_host(part: Array) -> pd.Series:
    import pandas as pd

    values = to_host(part)
    return pd.Series(values, dtype=values.dtype)


def _test_rows(
    block: Array,
    *,
    test_size: float,
    root: np.random.SeedSequence,
    stratify: bool,
    block_id: tuple[int, ...],
) -> np.ndarray:
    """Mark the rows of one block that test. Runs in a task."""
    n_rows = block.shape[0]
    is_test = np.zeros(n_rows, dtype=bool)
    labels = to_host(block) if stratify else None
    seed = spawn_seed(root, block_id[0])
    is_test[split_rows(n_rows, test_size, seed, labels)[1]] = True
    return is_test


def _take(
    x: DaskCollection, is_test: DaskCollection, fraction: float, test: bool
) -> DaskCollection:
    """Take, lazily, the rows of every block that test, or those that do not."""
    lengths = x.chunks[0] if kind(x) == "array" else ()
    counts = [_n_rows(n, fraction, test) for n in lengths]
    return take_by_block(_take_rows, x, is_test, counts, test=test)


def _n_rows(n_rows: float, fraction: float, test: bool) -> float:
    if math.isnan(n_rows):
        return n_rows
    n_test = n_test_rows(int(n_rows), fraction)
    return n_test if test else n_rows - n_test


def _take_rows(block: Array, is_test: Array, test: bool) -> Array:
    """Take rows of one block. Runs in a task."""
    marks = np.asarray(is_test)
    if len(marks) != block.shape[0]:
        raise ValueError(blocks_differ(len(marks), block.shape[0]))
    return take_rows(block, np.flatnonzero(marks == test))
