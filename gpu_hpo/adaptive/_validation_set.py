# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Choose the rows to score models on: held-out rows, folds, or the user's rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import dask
import numpy as np
from dask.base import is_dask_collection
from distributed import Client
from sklearn.model_selection import check_cv

from gpu_hpo._typing import ArrayLike
from gpu_hpo.adaptive._search_args import SearchArgs, is_splitter
from gpu_hpo.adaptive.data._splitting import (
    Splitting,
    count_groups,
    fold_groups,
    hold_out_groups,
    roles_of_indices,
)
from gpu_hpo.data._blocks import Blocks
from gpu_hpo.data._chunk import GROUPS, n_rows
from gpu_hpo.devices._namespace import to_host
from gpu_hpo.training._lending import access_of, lend

# Where models are refitted, the size of a chunk is no measure for that of validation.
REFIT_TEST_SIZE = 0.2
# Up to so many are found to be too many when rows are divided.
_FEW_FOLDS = 100


async def plan_splitting(
    client: Client,
    search_args: SearchArgs,
    *,
    classify: bool,
    refits: bool,
    seed: np.random.SeedSequence,
) -> tuple[Splitting, np.ndarray | None]:
    """Decide how rows are divided, by groups, or by y if a splitter needs it.

    Parameters
    ----------
    client : distributed.Client
    search_args : SearchArgs
    classify : bool
        Whether y holds class labels.
    refits : bool
        Whether models train by refits.
    seed : numpy.random.SeedSequence
        Decides which groups are held out.

    Returns
    -------
    splitting : Splitting
    roles : ndarray of shape (n_samples, n_splits), or None
        Of all rows, if a splitter decides.

    Raises
    ------
    ValueError
        If the rows cannot be divided as asked.
    """
    blocks, cv = search_args.blocks, search_args.cv
    if search_args.stratify and not classify:
        raise ValueError(
            "stratify=True, but there are no classes in y: the estimator is no "
            "classifier, or there is no y"
        )
    if is_splitter(cv):
        roles = await _roles_by_splitter(client, search_args, classify)
        return Splitting(), roles
    if search_args.validation is not None:
        return Splitting(), None
    stratify = classify if search_args.stratify is None else search_args.stratify
    test_size = search_args.test_size
    if test_size is None:
        test_size = REFIT_TEST_SIZE if refits else min(0.2, 1 / len(blocks.blocks))
    numbers = None
    if GROUPS in blocks.blocks[0]:
        counts = await _group_sizes(client, blocks)
        if cv is not None:
            numbers = fold_groups(counts, int(cv))
        else:
            numbers = hold_out_groups(counts, test_size, seed)
    if cv is not None:
        if numbers is None and blocks.rows is None and int(cv) > _FEW_FOLDS:
            await _check_folds(client, blocks, int(cv))
        return Splitting(0.0, int(cv), stratify, numbers), None
    # Rows that are held out train in the end, with their chunk.
    together = search_args.refit is True
    return Splitting(test_size, None, stratify, numbers, together), None


async def _check_folds(client: Client, blocks: Blocks, n_folds: int) -> None:
    """Raise if there are more folds than rows, which are counted where they are.

    It would be found out, too, when rows are divided: for a million folds in a minute.
    """
    count = dask.delayed(_n_rows, pure=False)
    futures = client.compute([count(block["X"]) for block in blocks.blocks])
    n = sum(await client.gather(futures, asynchronous=True))
    if n_folds > n:
        raise ValueError(
            f"cv={n_folds} is more than the number of rows, {n}: each fold must have "
            "one"
        )


def _n_rows(X: ArrayLike) -> int:
    return n_rows({"X": X})


async def _group_sizes(client: Client, blocks: Blocks) -> dict[Any, int]:
    """Count the rows of each group, where the blocks are."""
    groups = [block[GROUPS] for block in blocks.blocks]
    if blocks.lazy:
        count = dask.delayed(count_groups, pure=False)
        futures = client.compute([count(value) for value in groups])
        found = await client.gather(futures, asynchronous=True)
    else:
        found = [count_groups(value) for value in groups]
    sizes: Counter[Any] = Counter()
    for names, counts in found:
        sizes.update(dict(zip(names.tolist(), counts.tolist(), strict=True)))
    return dict(sizes)


async def _roles_by_splitter(
    client: Client, search_args: SearchArgs, classify: bool
) -> np.ndarray:
    """Return the role of each row in each split of a scikit-learn splitter."""
    cv = search_args.cv
    if search_args.blocks.rows is None:
        raise ValueError(
            f"cv={cv!r} needs to know the lengths of all chunks of X: pass "
            "X.to_dask_array(lengths=True), call X.compute_chunk_sizes(), or let cv be "
            "an integer"
        )
    n = search_args.blocks.n_rows
    y, groups = [
        await _on_client(client, value) for value in (search_args.y, search_args.groups)
    ]
    # Splitters look at the length of X only.
    rows = np.zeros((n, 1))
    splitter = check_cv(cv, y, classifier=classify)
    access = access_of(splitter)
    splits = list(splitter.split(rows, lend(y, access), lend(groups, access)))
    if not splits:
        raise ValueError(f"cv={cv!r} gives no splits")
    return roles_of_indices(splits, n)


async def _on_client(client: Client, value: object) -> Any:
    if is_dask_collection(value):
        value = await client.gather(client.compute(value), asynchronous=True)
    return None if value is None else np.asarray(to_host(value))
