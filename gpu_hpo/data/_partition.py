# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Blocks into train chunks and validation pieces, one block at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from gpu_hpo.data._chunk import Chunk, concat_chunks, n_bytes, n_rows, take_rows
from gpu_hpo.data._split import split_rows
from gpu_hpo.devices import to_host


@dataclass(frozen=True)
class BlockFacts:
    """What the client needs to know of a block that it does not hold.

    Attributes
    ----------
    n_train, n_validation : int
        Rows.
    n_bytes : int
        Of the train chunk.
    labels : ndarray or None
        Distinct labels, if asked for.
    """

    n_train: int
    n_validation: int
    n_bytes: int
    labels: np.ndarray | None = None


@dataclass(frozen=True)
class SplitBlock:
    """A block cut in two, and the facts about it."""

    train: Chunk
    validation: Chunk
    facts: BlockFacts = field(repr=False)


def split_block(
    block: Chunk, test_size: float, seed: np.random.SeedSequence, classify: bool
) -> SplitBlock:
    """Split one block into a train chunk and a validation piece.

    Parameters
    ----------
    block : Chunk
    test_size : float
        Fraction of the rows that validate.
    seed : numpy.random.SeedSequence
        This block's own.
    classify : bool
        Whether y holds class labels: the split is then stratified by them.

    Raises
    ------
    ValueError
        If X, y and the rest differ in length.
    TypeError
        If labels cannot be ordered.
    """
    n = n_rows(block)
    for name, value in block.items():
        length = n_rows({"X": value})
        if length != n:
            raise ValueError(
                f"X and {name} must have the same number of rows: a block of X has "
                f"{n} and that of {name} has {length}"
            )
    labels = np.asarray(to_host(block["y"])) if classify else None
    if labels is not None and labels.ndim > 1:
        # Of several outputs no row has one class; a single column is as good as flat.
        labels = labels.ravel() if labels.shape[1] == 1 else None
    distinct = None if labels is None else _distinct(labels)
    train, validation = split_rows(n, test_size, seed, labels)
    chunk = take_rows(block, train)
    facts = BlockFacts(
        n_train=len(train),
        n_validation=len(validation),
        n_bytes=n_bytes(chunk),
        labels=distinct,
    )
    return SplitBlock(chunk, take_rows(block, validation), facts)


def _distinct(labels: np.ndarray) -> np.ndarray:
    try:
        return np.unique(labels)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        raise TypeError(
            f"y has class labels of kinds that cannot be ordered: {', '.join(kinds)}"
        ) from None


def n_parts(n_blocks: int, test_size: float) -> int:
    """Count the validation parts: each about as large as a chunk."""
    return max(1, round(n_blocks * test_size))


def join_pieces(pieces: list[Chunk]) -> Chunk:
    """One validation part out of the pieces of several blocks; empty if they are."""
    pieces = [piece for piece in pieces if n_rows(piece)]
    return concat_chunks(pieces) if pieces else {}


def groups(n_items: int, n_groups: int) -> list[range]:
    """Cut ``range(n_items)`` into `n_groups` runs of nearly equal length."""
    edges = [math.floor(n_items * i / n_groups) for i in range(n_groups + 1)]
    return [range(a, b) for a, b in pairwise(edges)]


def union_of_labels(facts: list[BlockFacts]) -> Any:
    """Distinct labels of all blocks, sorted."""
    found = [
        fact.labels for fact in facts if fact.labels is not None and len(fact.labels)
    ]
    return np.unique(np.concatenate(found)) if found else np.array([])
