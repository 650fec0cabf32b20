# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Blocks into train chunks and validation pieces."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from gpu_hpo.data import Splitting, concat_chunks, n_rows, spawn_seed
from gpu_hpo.data._chunk import n_bytes, take_rows
from gpu_hpo.data._partition import (
    BlockFacts,
    groups,
    join_pieces,
    n_parts,
    split_block,
    union_of_labels,
)
from gpu_hpo.testing import NoHostCopyArray

SEED = np.random.SeedSequence(0)
STRATIFIED = Splitting(0.2, stratify=True)
AT_RANDOM = Splitting(0.2)
X = np.arange(100.0).reshape(50, 2)
y = np.repeat([0, 1], [40, 10])
WAYS = {
    "numpy": (np.asarray, np.asarray),
    "pandas": (pd.DataFrame, pd.Series),
    "sparse": (scipy.sparse.csr_matrix, np.asarray),
    "device": (NoHostCopyArray, NoHostCopyArray),
}


def host(value):
    if scipy.sparse.issparse(value):
        return value.toarray()
    return value.get() if isinstance(value, NoHostCopyArray) else np.asarray(value)


@pytest.mark.parametrize("way", list(WAYS))
def test_split(way):
    """Every row is in one half, with its label and weight, in the original order."""
    as_X, as_y = WAYS[way]
    block = {"X": as_X(X), "y": as_y(y), "w": as_y(np.arange(50))}
    split = split_block(block, STRATIFIED, SEED, classify=True)
    for half, n in ((split.train, 40), (split.validation, 10)):
        assert n_rows(half) == n
        assert {name: type(value) for name, value in half.items()} == {
            name: type(value) for name, value in block.items()
        }
        rows = host(half["w"])
        assert (np.diff(rows) > 0).all()
        np.testing.assert_array_equal(host(half["X"]), X[rows])
        np.testing.assert_array_equal(host(half["y"]), y[rows])
    both = [*host(split.train["w"]), *host(split.validation["w"])]
    assert sorted(both) == list(range(50))


def test_stratified():
    """Each class has its share of the validation rows if y holds labels."""
    for seed in range(10):
        seed = spawn_seed(SEED, seed)
        split = split_block({"X": X, "y": y}, STRATIFIED, seed, classify=True)
        assert np.bincount(split.validation["y"]).tolist() == [8, 2]


def test_device_rows_stay():
    """Only labels are copied from a device, to draw the rows."""
    block = {"X": NoHostCopyArray(X), "y": NoHostCopyArray(y)}
    NoHostCopyArray.host_copies = 0
    split_block(block, AT_RANDOM, SEED, classify=False)
    assert NoHostCopyArray.host_copies == 0
    split_block(block, STRATIFIED, SEED, classify=True)
    assert NoHostCopyArray.host_copies == 1


def test_facts():
    """The facts about a block are its rows, bytes and labels."""
    facts = split_block({"X": X, "y": y}, STRATIFIED, SEED, classify=True).facts
    assert (facts.n_train, facts.n_validation) == (40, 10)
    assert facts.n_bytes == 40 * 2 * 8 + 40 * y.itemsize
    assert facts.labels.tolist() == [0, 1]
    assert (
        split_block({"X": X, "y": y}, AT_RANDOM, SEED, classify=False).facts.labels
        is None
    )


def test_several_outputs():
    """Several outputs are split without strata, and have no labels."""
    facts = split_block(
        {"X": X, "y": np.c_[y, y]}, STRATIFIED, SEED, classify=True
    ).facts
    assert facts.labels is None
    assert facts.n_validation == 10


def test_column_of_labels():
    """Labels in a single column are labels all the same."""
    split = split_block({"X": X, "y": y[:, None]}, STRATIFIED, SEED, classify=True)
    assert split.facts.labels.tolist() == [0, 1]
    assert np.bincount(split.validation["y"][:, 0]).tolist() == [8, 2]


@pytest.mark.parametrize("n", [0, 1])
def test_small_blocks(n):
    """A block of one row trains, and an empty one does nothing."""
    split = split_block({"X": X[:n], "y": y[:n]}, STRATIFIED, SEED, classify=True)
    assert (split.facts.n_train, split.facts.n_validation) == (n, 0)
    assert split.facts.labels.tolist() == [0] * n


def test_lengths_that_differ():
    """A block whose parts differ in length is an error that gives both."""
    with pytest.raises(ValueError, match="block of X has 50 and that of y has 49"):
        split_block({"X": X, "y": y[1:]}, AT_RANDOM, SEED, classify=False)


@pytest.mark.parametrize("way", list(WAYS))
def test_join(way):
    """Pieces are put together in order, empty ones left out."""
    as_X, as_y = WAYS[way]
    block = {"X": as_X(X), "y": as_y(y)}
    pieces = [take_rows(block, slice(a, b)) for a, b in ((0, 3), (3, 3), (3, 10))]
    joined = join_pieces(pieces)
    assert n_rows(joined) == 10
    np.testing.assert_array_equal(host(joined["X"]), X[:10])
    np.testing.assert_array_equal(host(joined["y"]), y[:10])
    assert join_pieces([pieces[1]]) == {}
    assert join_pieces([]) == {}


def test_one_chunk_is_not_copied():
    """Joining one chunk copies nothing."""
    assert concat_chunks([{"X": X}])["X"] is X


@pytest.mark.parametrize("way", list(WAYS))
def test_bytes(way):
    """The bytes of a chunk are those of its arrays."""
    as_X, _ = WAYS[way]
    found = n_bytes({"X": as_X(X)})
    assert X.nbytes <= found <= 2 * X.nbytes


@pytest.mark.parametrize(
    ("n_blocks", "test_size", "expected"),
    [(20, 0.05, 1), (20, 0.2, 4), (1, 0.2, 1), (3, 0.5, 2), (100, 0.01, 1)],
)
def test_n_parts(n_blocks, test_size, expected):
    """A validation part is about as large as a chunk."""
    assert n_parts(n_blocks, test_size) == expected


@pytest.mark.parametrize(("n_items", "n_groups"), [(10, 3), (3, 3), (7, 1), (20, 6)])
def test_groups(n_items, n_groups):
    """Groups cover all items in order and differ by at most one."""
    found = groups(n_items, n_groups)
    assert len(found) == n_groups
    assert [i for group in found for i in group] == list(range(n_items))
    sizes = [len(group) for group in found]
    assert max(sizes) - min(sizes) <= 1


def test_union_of_labels():
    """Labels of all blocks, sorted, text or numbers; none where there are none."""
    facts = [
        BlockFacts(1, 1, 1, None if labels is None else np.array(labels))
        for labels in (["b"], [], ["a", "b"], None, ["a long one"])
    ]
    assert union_of_labels(facts).tolist() == ["a", "a long one", "b"]
    assert union_of_labels(facts[3:4]).tolist() == []
