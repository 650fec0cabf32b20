# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Put blocks on workers: split on the client and sent, or split where they are."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import dask
import numpy as np
from dask.base import is_dask_collection
from dask.task_spec import DataNode
from distributed import Client, Future, wait

from gpu_hpo.adaptive.data._block_facts import (
    BlockFacts,
    class_labels,
    digests_of,
    distinct_labels,
    facts_of_roles,
    labels_by_column,
    without_weight,
)
from gpu_hpo.adaptive.data._splitting import Splitting
from gpu_hpo.compute._keys import key_of
from gpu_hpo.compute._transport import Parcel, aligned, pack, scatter, unwrap, wrap
from gpu_hpo.data._blocks import Blocks
from gpu_hpo.data._chunk import (
    GROUPS,
    ROLES,
    Chunk,
    concat_chunks,
    n_bytes,
    n_rows,
    take_chunk_rows,
)
from gpu_hpo.data._random_split import spawn_seed
from gpu_hpo.devices._namespace import to_host

SPLIT_SEED, ORDER_SEED = range(2)  # purposes of seeds


@dataclass(frozen=True)
class SplitBlock:
    """A block cut in two, and the facts about it."""

    train: Chunk
    validation: Chunk
    facts: BlockFacts = field(repr=False)


def split_block(
    block: Chunk, splitting: Splitting, seed: np.random.SeedSequence, classify: bool
) -> SplitBlock:
    """Split one block into a train chunk and a validation piece.

    Where rows have roles, the chunk is the whole block, and the piece is empty.

    Parameters
    ----------
    block : Chunk
        If it has roles, these are used.
    splitting : Splitting
    seed : numpy.random.SeedSequence
        This block's own.
    classify : bool
        Whether y holds class labels.

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
    block = dict(block)
    groups = block.pop(GROUPS, None)
    if groups is not None:
        groups = np.asarray(to_host(groups))
    labels = class_labels(block["y"]) if classify else None
    distinct = distinct_labels(labels)
    by_column = labels_by_column(block["y"]) if classify and labels is None else ()
    if splitting.by_roles:
        block[ROLES] = splitting.roles(n, seed, labels, groups)
    if ROLES in block:
        block[ROLES] = np.asarray(block[ROLES])
        facts = facts_of_roles(block, labels, distinct, splitting.weights)
        facts = replace(facts, labels_by_column=by_column)
        return SplitBlock(block, take_chunk_rows(block, slice(0)), facts)
    train, validation = splitting.held_out(n, seed, labels, groups)
    chunk = take_chunk_rows(block, train)
    bare = without_weight(chunk, splitting.weights)
    if bare is not None and not splitting.joined:
        # Many models raise for rows without weight; without rows, it is no chunk.
        chunk = take_chunk_rows(chunk, slice(0))
    facts = BlockFacts(
        n_rows(chunk),
        len(validation),
        n_bytes(chunk),
        distinct,
        without_weight=bare,
        held_labels=() if labels is None else (np.unique(labels[validation]),),
        labels_by_column=by_column,
    )
    return SplitBlock(chunk, take_chunk_rows(block, validation), facts)


@dataclass
class Item:
    """A pack or validation part: how to make it again, and which worker has it."""

    nbytes: int
    make: Callable[[], list[Chunk]] | None  # for data that the client can send again
    future: Future | None = None
    home: str | None = None
    sent: int = 0


class Loader:
    """Splits one search's blocks and puts each pack and part on one worker.

    Parameters
    ----------
    client : distributed.Client
        Its event loop runs all coroutines of this object.
    blocks : Blocks
    name : str
        Prefix of keys, unique per search.
    splitting : Splitting
        How blocks are divided.
    seed : numpy.random.SeedSequence
    classify : bool
        Whether y holds class labels.

    Attributes
    ----------
    packs, parts : list of Item
    place : list of (int, int)
        Per chunk, which pack it is in, and its position there.
    with_digests : bool
        Whether the facts have digests; set before `load`.
    """

    def __init__(
        self,
        client: Client,
        blocks: Blocks,
        *,
        name: str,
        splitting: Splitting,
        seed: np.random.SeedSequence,
        classify: bool,
    ) -> None:
        self._client = client
        self._blocks = blocks
        self._name = name
        self._splitting = splitting
        self._seed = seed
        self._classify = classify
        self.packs: list[Item] = []
        self.parts: list[Item] = []
        self.place: list[tuple[int, int]] = []
        self.with_digests = False

    async def load(self, workers: list[str], pack_bytes: int) -> list[BlockFacts]:
        """Fill `packs`, `parts` and `place`.

        Parameters
        ----------
        workers : list of str
        pack_bytes : int
            Bytes up to which chunks from the client share a pack.

        Returns
        -------
        list of BlockFacts
            One per block.

        Raises
        ------
        ValueError
            If X, y and the rest differ in length.
        """
        if self._blocks.lazy:
            return await self._load_lazy()
        return await self._load_concrete(workers, pack_bytes)

    def split(self, i: int) -> SplitBlock:
        """Split block `i`; the result is the same each time."""
        block = self._blocks.blocks[i]
        return split_block(block, self._splitting, self._split_seed(i), self._classify)

    async def send(self, item: Item, kind: str, value: list[Chunk], home: str) -> None:
        """Send what the client holds to one worker, under a key not used before."""
        item.sent += 1
        key = key_of(self._name, "load", kind, "sent", item.sent)
        item.future, there = await scatter(self._client, key, pack(value), [home])
        item.home = home if there else None

    def _with_digests(self, facts: BlockFacts, block: Chunk) -> BlockFacts:
        return replace(facts, digests=digests_of(block)) if self.with_digests else facts

    def _split_seed(self, i: int) -> np.random.SeedSequence:
        return spawn_seed(self._seed, SPLIT_SEED, i)

    def _groups(self) -> list[range]:
        """Return, for each validation part, the blocks that its pieces come from."""
        n_blocks = len(self._blocks.blocks)
        return even_runs(n_blocks, n_parts(n_blocks, self._splitting.test_size))

    # ---- from the client ----

    async def _load_concrete(
        self, workers: list[str], pack_bytes: int
    ) -> list[BlockFacts]:
        blocks = self._blocks.blocks
        facts: list[BlockFacts] = []
        chunks: list[Chunk] = []  # of the pack that is being filled
        pieces: list[Chunk] = []
        edges = self._groups()
        ends = {group[-1]: k for k, group in enumerate(edges)}
        sends = []
        members: list[int] = []
        for i in range(len(blocks)):
            split = self.split(i)
            facts.append(self._with_digests(split.facts, blocks[i]))
            pieces.append(split.validation)
            if split.facts.n_train:
                chunks.append(split.train)
                members.append(i)
            last = i == len(blocks) - 1
            if members and (last or sum(map(n_bytes, chunks)) >= pack_bytes):
                sends.append(self._add_pack(members, chunks, workers))
                members, chunks = [], []
            if i in ends:
                group = edges[ends[i]]
                sends.append(self._add_part(group, pieces, workers))
            if len(sends) >= 2 or last:
                await asyncio.gather(*sends)
                sends = []
        return facts

    def _add_pack(
        self, members: list[int], chunks: list[Chunk], workers: list[str]
    ) -> Awaitable[None]:
        number = len(self.packs)
        self.place += [(number, k) for k in range(len(members))]

        def make() -> list[Chunk]:
            return [self.split(i).train for i in members]

        item = Item(sum(map(n_bytes, chunks)), make)
        self.packs.append(item)
        home = workers[number % len(workers)]
        return self.send(item, f"pack-{number}", chunks, home)

    def _add_part(
        self, group: range, pieces: list[Chunk], workers: list[str]
    ) -> Awaitable[None]:
        def make() -> list[Chunk]:
            return [join_pieces([self.split(i).validation for i in group])]

        part = join_pieces([pieces[i] for i in group])
        for i in group:
            pieces[i] = {}
        if not part:
            return asyncio.sleep(0)
        number = len(self.parts)
        item = Item(n_bytes(part), make)
        self.parts.append(item)
        home = workers[-1 - number % len(workers)]
        return self.send(item, f"part-{number}", [part], home)

    # ---- from a Dask graph ----

    async def _load_lazy(self) -> list[BlockFacts]:
        """Split blocks where they are; only facts come to the client."""
        # Each task costs milliseconds, so facts come with the pieces of a part.
        splits = [
            dask.delayed(_split, pure=False)(
                {name: _at_hand(value) for name, value in block.items()},
                self._splitting,
                self._split_seed(i),
                self._classify,
                self.with_digests,
                dask_key_name=key_of(self._name, "split", i),
            )
            for i, block in enumerate(self._blocks.blocks)
        ]
        packs = [
            dask.delayed(_train)(s, dask_key_name=key_of(self._name, "load", "pack", i))
            for i, s in enumerate(splits)
        ]
        pieces = [dask.delayed(_piece)(s) for s in splits]
        joined = [
            dask.delayed(_join)([pieces[i] for i in group]) for group in self._groups()
        ]
        parts = [
            dask.delayed(_part)(j, dask_key_name=key_of(self._name, "load", "part", k))
            for k, j in enumerate(joined)
        ]
        facts = [dask.delayed(_facts)(j) for j in joined]
        futures = self._client.compute([*packs, *parts, *facts])
        try:
            found = await self._client.gather(futures[-len(facts) :])
        except BaseException:
            # A caller who keeps the traceback would keep the data alive.
            for future in futures:
                future.release()
            raise
        futures = futures[: -len(facts)]
        known = [fact for group in found for fact in group]
        with self._client.as_current():
            # Before that it is not known where each of them is.
            await wait(futures)
        homes = await self._client.who_has(futures)
        items = []
        for future in futures:
            where = homes.get(future.key) or (None,)
            items.append(Item(0, None, future, where[0]))
        self._keep(items[: len(packs)], items[len(packs) :], known)
        return known

    def _keep(
        self, packs: list[Item], parts: list[Item], known: list[BlockFacts]
    ) -> None:
        """Keep packs and parts that have rows."""
        for item, fact in zip(packs, known, strict=True):
            if fact.n_train:
                item.nbytes = fact.n_bytes
                self.place.append((len(self.packs), 0))
                self.packs.append(item)
        rows = sum(fact.n_train for fact in known) or 1
        for item, group in zip(parts, self._groups(), strict=True):
            held = sum(known[i].n_validation for i in group)
            item.nbytes = sum(fact.n_bytes for fact in known) * held // rows
            if held:
                self.parts.append(item)


def n_parts(n_blocks: int, test_size: float) -> int:
    """Count the validation parts: each about as large as a chunk."""
    return max(1, round(n_blocks * test_size))


def even_runs(n_items: int, n_runs: int) -> list[range]:
    """Cut ``range(n_items)`` into `n_runs` runs of nearly equal length."""
    edges = [math.floor(n_items * i / n_runs) for i in range(n_runs + 1)]
    return [range(a, b) for a, b in pairwise(edges)]


def join_pieces(pieces: list[Chunk]) -> Chunk:
    """Join the pieces of several blocks into one validation part; {} if empty."""
    pieces = [piece for piece in pieces if n_rows(piece)]
    return concat_chunks(pieces) if pieces else {}


def _at_hand(value: Any) -> Any:
    """Return the value if the graph holds it, which saves a task."""
    if not is_dask_collection(value):
        return value
    node = value.__dask_graph__().get(value.key)
    return node.value if isinstance(node, DataNode) else value


# ---- on the workers ----


def _split(
    block: Chunk,
    splitting: Splitting,
    seed: np.random.SeedSequence,
    classify: bool,
    with_digests: bool,
) -> Parcel:
    split = split_block(block, splitting, seed, classify)
    facts = split.facts
    if with_digests:
        facts = replace(facts, digests=digests_of(block))
    # Splitting may not have copied arrays that came here unaligned, by Dask.
    train, validation = aligned(split.train), aligned(split.validation)
    return Parcel(SplitBlock(train, validation, facts))


def _train(split: Parcel) -> list[Chunk]:
    return pack([split.value.train])


def _piece(split: Parcel) -> Any:
    return wrap((split.value.validation, split.value.facts))


def _join(pieces: list[Any]) -> tuple[list[Chunk], list[BlockFacts]]:
    chunks, facts = zip(*map(unwrap, pieces), strict=True)
    return pack([join_pieces(list(chunks))]), list(facts)


def _part(joined: tuple[list[Chunk], list[BlockFacts]]) -> list[Chunk]:
    return joined[0]


def _facts(joined: tuple[list[Chunk], list[BlockFacts]]) -> list[BlockFacts]:
    return joined[1]
