# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find what the client must know about blocks on workers, and count their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from dask.base import tokenize

from gpu_hpo._typing import ArrayLike
from gpu_hpo.adaptive.data._splitting import TEST, TRAIN, Splitting
from gpu_hpo.data._chunk import (
    ROLES,
    Chunk,
    digest,
    n_bytes,
    n_rows,
    take_chunk_rows,
)
from gpu_hpo.devices._namespace import to_host


@dataclass(frozen=True)
class BlockFacts:
    """The facts about a block that the client needs and cannot see.

    Attributes
    ----------
    n_train, n_validation : int
        Rows of the chunk and of the piece.
    n_bytes : int
        Of the chunk.
    labels : ndarray or None
        Distinct labels, if asked for.
    by_split : ndarray of int of shape (n_splits, 2), or None
        Rows that train and that validate in each split, where rows have roles.
    without_weight : str or None
        Name of weights that are 0 for all rows that could train, if there are any.
    split_without_weight : (int, str) or None
        Where rows have roles: the first split whose training rows all have weight 0,
        and the name of these weights.
    held_labels : tuple of ndarray
        Distinct labels of the rows that validate, in each split; () if not asked for.
    labels_by_column : tuple of ndarray
        Distinct labels of each column, where rows have several; () if not asked for.
    digests : tuple of (str, str)
        What there is in the block, such as "X", and its digest; () if not asked for.
    """

    n_train: int
    n_validation: int
    n_bytes: int
    labels: np.ndarray | None = None
    by_split: np.ndarray | None = None
    without_weight: str | None = None
    split_without_weight: tuple[int, str] | None = None
    held_labels: tuple[np.ndarray, ...] = ()
    labels_by_column: tuple[np.ndarray, ...] = ()
    digests: tuple[tuple[str, str], ...] = ()


def digests_of(block: Chunk) -> tuple[tuple[str, str], ...]:
    """Return a digest of all that is in a block, by name; device data comes here."""
    return tuple((name, digest(value)) for name, value in block.items())


class KnownLabels(NamedTuple):
    """The class labels of y, as far as they are known before training.

    Attributes
    ----------
    distinct : ndarray
        All, sorted.
    held : list of ndarray
        Those of the rows that validate, in each split.
    by_column : list of ndarray
        Those of each column, where rows have several.
    """

    distinct: np.ndarray
    held: list[np.ndarray]
    by_column: list[np.ndarray]

    def as_text(self, classes: ArrayLike | None) -> np.ndarray | None:
        """Return all labels if they are text, also those that y lacks, else None.

        Parameters
        ----------
        classes : array-like or None
            All, if the user names them.
        """
        if self.distinct.dtype.kind not in "OSU":
            return None
        return self.distinct if classes is None else np.unique(np.asarray(classes))


def class_labels(y: ArrayLike) -> np.ndarray | None:
    """Return the class labels of rows, on the host; None if rows have several."""
    labels = np.asarray(to_host(y))
    if labels.ndim > 1:
        # With several outputs a row has several labels; one column can be flattened.
        return labels.ravel() if labels.shape[1] == 1 else None
    return labels


def distinct_labels(labels: np.ndarray | None) -> np.ndarray | None:
    """Return distinct labels, sorted; raise TypeError if they cannot be ordered."""
    if labels is None:
        return None
    try:
        return np.unique(labels)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        raise TypeError(
            f"y has class labels of kinds that cannot be ordered: {', '.join(kinds)}"
        ) from None


def labels_by_column(y: ArrayLike) -> tuple[np.ndarray, ...]:
    """Return the distinct labels of each column of y; () if it has only one."""
    labels = np.asarray(to_host(y))
    if labels.ndim != 2 or labels.shape[1] == 1:
        return ()
    found = [distinct_labels(column) for column in labels.T]
    return tuple(column for column in found if column is not None)


def facts_of_roles(
    block: Chunk,
    labels: np.ndarray | None,
    distinct: np.ndarray | None,
    weights: tuple[str, ...],
) -> BlockFacts:
    """Return the facts about a block of these labels, whose rows have roles."""
    roles = block[ROLES]
    counts = [(roles == role).sum(axis=0) for role in (TRAIN, TEST)]
    held: tuple[np.ndarray, ...] = ()
    if labels is not None:
        held = tuple(np.unique(labels[split == TEST]) for split in roles.T)
    return BlockFacts(
        n_rows(block),
        0,
        n_bytes(block),
        distinct,
        np.stack(counts, axis=1),
        without_weight=without_weight(block, weights),
        split_without_weight=_split_without_weight(block, weights),
        held_labels=held,
    )


def without_weight(chunk: Chunk, weights: tuple[str, ...]) -> str | None:
    """Return the first weights that are 0 for all rows; None if none are."""
    for name in weights:
        weight: Any = chunk.get(name)
        kind = getattr(getattr(weight, "dtype", None), "kind", "O")
        # If these are no valid weights, the model says what is wrong.
        if kind not in "biuf" or weight.ndim != 1 or not len(weight):
            continue
        if not bool((weight != 0).any()):
            return name
    return None


def _split_without_weight(
    block: Chunk, weights: tuple[str, ...]
) -> tuple[int, str] | None:
    """Return the first split that trains on weight 0 only, and which weights."""
    given = {name: block[name] for name in weights if name in block}
    for split, roles in enumerate(block[ROLES].T if given else ()):
        rows = take_chunk_rows(given, np.flatnonzero(roles == TRAIN))
        name = without_weight(rows, weights)
        if name is not None:
            return split, name
    return None


def union_of_labels(facts: list[BlockFacts]) -> Any:
    """Return the distinct labels of all blocks, sorted."""
    return _union(fact.labels for fact in facts if fact.labels is not None)


def known_labels(facts: list[BlockFacts], held: list[BlockFacts]) -> KnownLabels:
    """Put together what blocks say of labels.

    Parameters
    ----------
    facts, held : list of BlockFacts
        Of all blocks, and of those that the user gave to validate on, if any.

    Raises
    ------
    ValueError
        If rows to validate on have labels that no model can learn.
    """
    distinct = union_of_labels(facts)
    splits = [
        _union(parts)
        for parts in zip(*(fact.held_labels for fact in facts), strict=False)
    ]
    if held:
        given = union_of_labels(held)
        _check_known(distinct, given)
        splits = [given] if len(given) else []
    columns = zip(*(fact.labels_by_column for fact in facts), strict=False)
    return KnownLabels(distinct, splits, [_union(parts) for parts in columns])


def _union(labels: Iterable[np.ndarray]) -> Any:
    found = [part for part in labels if len(part)]
    return np.unique(np.concatenate(found)) if found else np.array([])


def _check_known(labels: np.ndarray, held: np.ndarray) -> None:
    """Raise if rows to validate on have labels that no model can learn."""
    unknown = sorted(set(held.tolist()) - set(labels.tolist()), key=repr)
    if unknown:
        raise ValueError(
            f"validation_data has labels that y lacks: {unknown[:5]}; y has "
            f"{labels.tolist()[:5]}"
        )


class RowCounts(NamedTuple):
    """The numbers of rows that train and that validate.

    Attributes
    ----------
    n_rows : (int, int)
        Rows that train and that validate; in cross-validation the mean over splits.
    chunk_rows : list of int
        Rows of each chunk that train, summed over the splits.
    n_splits : int or None
        None where rows have no roles.
    last : set of int
        Chunks without weight, which must not come first.
    spare : dict of int to bool
        Blocks with rows that only validate, since their training rows have no weight;
        and whether they become chunks when validation rows train as well.
    """

    n_rows: tuple[int, int]
    chunk_rows: list[int]
    n_splits: int | None
    last: frozenset[int] = frozenset()
    spare: Mapping[int, bool] = MappingProxyType({})


def count_rows(facts: list[BlockFacts], n_held: int, splitting: Splitting) -> RowCounts:
    """Count rows, and raise ValueError if a model has none to train or validate on.

    Parameters
    ----------
    facts : list of BlockFacts
    n_held : int
        Rows to validate on that the user gave apart from the blocks.
    splitting : Splitting
    """
    test_size = splitting.test_size
    # A block without rows is no chunk.
    filled = [fact for fact in facts if fact.n_train]
    if all(fact.without_weight is not None for fact in filled):
        _check_any_weight(facts, "to train on")
    by_split = [fact.by_split for fact in filled if fact.by_split is not None]
    if by_split:
        bare = {
            i: fact.split_without_weight
            for i, fact in enumerate(filled)
            if fact.split_without_weight is not None
        }
        may_lack = splitting.joined or splitting.together
        if not may_lack or len(bare) == len(filled):
            _check_weights(bare)
        spare = {} if splitting.joined else bare
        n_train, n_validation = np.sum(by_split, axis=0).mean(axis=0).astype(int)
        n_train -= sum(int(by_split[i][:, 0].sum()) for i in spare)
        if test_size:
            _check_any(int(n_train), int(n_validation), len(facts), test_size)
        _check_splits(by_split, "groups" if test_size else "cv")
        return RowCounts(
            (int(n_train), int(n_validation)),
            [int(n[:, 0].sum()) for i, n in enumerate(by_split) if i not in spare],
            len(by_split[0]),
            frozenset(bare if splitting.joined else ()),
            {i: filled[i].without_weight is None for i in spare},
        )
    chunk_rows = [fact.n_train for fact in filled]
    n_train = sum(chunk_rows)
    n_validation = sum(fact.n_validation for fact in facts) + n_held
    _check_any(n_train, n_validation, len(facts), test_size)
    last = (i for i, fact in enumerate(filled) if fact.without_weight is not None)
    return RowCounts((n_train, n_validation), chunk_rows, None, frozenset(last))


def count_held(facts: list[BlockFacts]) -> int:
    """Count the rows that the user gave to validate on.

    Scores ignore rows of weight 0, so blocks may consist of them.

    Raises
    ------
    ValueError
        If all have weight 0.
    """
    n_held = sum(fact.n_train for fact in facts)
    if not n_held:
        _check_any_weight(facts, "of validation_data")
    return n_held


def _check_any_weight(facts: list[BlockFacts], which: str) -> None:
    for fact in facts:
        if fact.without_weight is not None:
            raise ValueError(f"{fact.without_weight} is 0 for all rows {which}")


def _check_any(n_train: int, n_held: int, n_chunks: int, test_size: float) -> None:
    """Raise if no row is left to train or to validate on."""
    for rows, what in ((n_train, "train"), (n_held, "validate")):
        if not rows:
            n = n_train + n_held
            raise ValueError(
                f"no rows are left to {what} on: {n_chunks} chunks of "
                f"{n / n_chunks:.3g} rows (n_samples={n}) with test_size="
                f"{test_size:.3g}; let chunk_size or test_size be larger"
            )


def _check_splits(by_split: list[np.ndarray], argument: str) -> None:
    """Raise if a model finds no row to train on in some chunk, or to validate on."""
    empty = np.flatnonzero(np.sum(by_split, axis=0)[:, 1] == 0)
    if len(empty):
        raise ValueError(f"{argument}: split {empty[0]} has no row to validate on")
    for chunk, counts in enumerate(by_split):
        if (counts[:, 0] == 0).any():
            split = int(np.argmin(counts[:, 0]))
            raise ValueError(
                f"{argument}: split {split} has no row to train on in chunk {chunk}: "
                "all of its rows validate. Let cv be an integer, or a splitter with "
                "shuffle=True, or take larger or shuffled chunks"
            )


def _check_weights(bare: Mapping[int, tuple[int, str]]) -> None:
    """Raise if a model finds only rows of weight 0 to train on in some chunk."""
    for chunk, (split, name) in bare.items():
        raise ValueError(
            f"{name} is 0 for all rows that split {split} has to train on in chunk "
            f"{chunk}: leave rows of weight 0 out, or take larger or shuffled chunks"
        )


def fingerprint(
    facts: Iterable[BlockFacts], held: Iterable[BlockFacts]
) -> dict[str, Any]:
    """Return what tells these rows, and how they are cut, from others.

    Parameters
    ----------
    facts, held : iterable of BlockFacts
        Of the rows to search with, and of those that the user gave to validate on.
    """
    found: dict[str, Any] = {}
    for prefix, blocks in (("", facts), ("validation ", held)):
        digests: dict[str, list[str]] = {}
        for block in blocks:
            for name, of_one in block.digests:
                digests.setdefault(name, []).append(of_one)
        for name, by_block in digests.items():
            found[f"{prefix}{name}"] = tokenize(by_block)
            found[f"{prefix}chunks"] = len(by_block)
    return found
