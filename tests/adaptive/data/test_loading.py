# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Blocks into train chunks and validation pieces."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from gpu_hpo.adaptive.data._block_facts import (
    BlockFacts,
    count_held,
    count_rows,
    union_of_labels,
)
from gpu_hpo.adaptive.data._loading import (
    even_runs,
    join_pieces,
    n_parts,
    split_block,
)
from gpu_hpo.adaptive.data._splitting import Splitting
from gpu_hpo.data._chunk import concat_chunks, n_bytes, n_rows, take_chunk_rows
from gpu_hpo.data._random_split import spawn_seed
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
    pieces = [take_chunk_rows(block, slice(a, b)) for a, b in ((0, 3), (3, 3), (3, 10))]
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


@pytest.mark.parametrize(("n_items", "n_runs"), [(10, 3), (3, 3), (7, 1), (20, 6)])
def test_even_runs(n_items, n_runs):
    """Groups cover all items in order and differ by at most one."""
    found = even_runs(n_items, n_runs)
    assert len(found) == n_runs
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


# ---- rows of weight 0 ----


def weighted(splitting, weight, way="numpy", **options):
    as_X, as_y = WAYS[way]
    block = {"X": as_X(X), "y": as_y(y), "sample_weight": as_y(np.asarray(weight))}
    splitting = replace(splitting, weights=("sample_weight",), **options)
    return split_block(block, splitting, SEED, classify=True)


def held_out():
    """Rows of a block that validate, by the splitting of these tests."""
    return AT_RANDOM.held_out(50, SEED, None, None)[1]


@pytest.mark.parametrize("way", list(WAYS))
def test_no_weight_in_training(way):
    """Rows that train and all have weight 0 are no chunk; others still validate."""
    weight = np.zeros(50)
    weight[held_out()] = 1
    split = weighted(AT_RANDOM, weight, way)
    assert (split.facts.n_train, split.facts.n_validation) == (0, 10)
    assert n_rows(split.train) == 0
    assert split.facts.n_bytes <= 8  # of a sparse matrix without rows
    np.testing.assert_array_equal(host(split.validation["X"]), X[held_out()])
    assert split.facts.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    "weight",
    [
        np.arange(50) == 2,  # which trains
        np.full(50, np.nan),
        np.full(50, "0"),
        np.zeros((50, 1)),
    ],
    ids=["one", "nan", "text", "column"],
)
def test_some_weight_in_training(weight):
    """A single row of weight is enough, and what are no weights is not for here."""
    assert 2 not in held_out()
    facts = weighted(AT_RANDOM, weight).facts
    assert (facts.n_train, facts.without_weight) == (40, None)


def test_weights_of_scores_only():
    """Weights that training does not get decide nothing."""
    block = {"X": X, "y": y, "sample_weight": np.zeros(50)}
    assert split_block(block, AT_RANDOM, SEED, classify=True).facts.n_train == 40


def test_weights_stay_on_the_device():
    """Weights are looked at where they are."""
    NoHostCopyArray.host_copies = 0
    block = {"X": NoHostCopyArray(X), "sample_weight": NoHostCopyArray(np.zeros(50))}
    for splitting in (
        Splitting(0.2),
        Splitting(n_folds=2),
        Splitting(0.2, joined=True),
    ):
        splitting = replace(splitting, weights=("sample_weight",))
        facts = split_block(block, splitting, SEED, classify=False).facts
        assert facts.without_weight == "sample_weight"
    assert NoHostCopyArray.host_copies == 0


def test_no_weight_in_a_split():
    """A split whose rows that train have no weight is named, with the chunk."""
    folds = Splitting(n_folds=2)
    in_fold = folds.roles(50, SEED, None, None)[:, 1] == 2
    facts = weighted(folds, in_fold).facts
    assert facts.split_without_weight == (1, "sample_weight")
    ok = weighted(folds, np.ones(50)).facts
    assert (ok.without_weight, ok.split_without_weight) == (None, None)
    assert count_rows([ok, ok], 0, folds).chunk_rows == [50, 50]
    with pytest.raises(ValueError, match=r"sample_weight is 0.* split 1 .*chunk 1"):
        count_rows([ok, facts], 0, folds)
    # What is fitted to with all chunks before only has to come last.
    joined = count_rows([facts, ok], 0, replace(folds, joined=True))
    assert (joined.last, joined.chunk_rows) == ({0}, [50, 50])
    with pytest.raises(ValueError, match=r"sample_weight is 0.* split 1 .*chunk 0"):
        count_rows([facts, facts], 0, replace(folds, joined=True))


def test_no_weight_where_rows_validate_in_their_chunk():
    """A chunk whose rows that train have no weight is spared, if not all are so."""
    together = replace(AT_RANDOM, together=True)
    weight = np.zeros(50)
    none = weighted(together, weight).facts
    weight[held_out()] = 1
    some, ok = weighted(together, weight).facts, weighted(together, np.ones(50)).facts
    counts = count_rows([none, ok, some], 0, together)
    assert counts.chunk_rows == [40]
    assert counts.n_rows == (40, 30)
    assert counts.spare == {0: False, 2: True}
    with pytest.raises(ValueError, match="sample_weight is 0 for all rows"):
        count_rows([none, some], 0, together)


def test_no_weight_in_any_block():
    """If no row has weight, that is an error which says so."""
    for splitting in (AT_RANDOM, Splitting(n_folds=2), Splitting(0.2, joined=True)):
        facts = weighted(splitting, np.zeros(50)).facts
        with pytest.raises(
            ValueError, match="sample_weight is 0 for all rows to train"
        ):
            count_rows([facts, facts], 0, splitting)
    with pytest.raises(ValueError, match=r"sample_weight is 0 .*validation_data"):
        count_held([weighted(Splitting(), np.zeros(50)).facts])
