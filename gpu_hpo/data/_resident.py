# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Chunks on workers: each goes to a worker once and stays there.

Chunks are kept in packs, lists of consecutive chunks that move together, so that
small chunks do not cost a message each. A pack has a home, the worker that got it
first; any other worker that trains on it adopts it, under a key of its own that
Dask neither drops as a spare replica nor moves. Data that would not fit into a
worker's memory is not adopted but fetched when needed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dask
import numpy as np
from dask.base import tokenize
from distributed import Client, Future, wait

from gpu_hpo.data._blocks import Blocks
from gpu_hpo.data._chunk import Chunk, chunk_to_device, n_bytes
from gpu_hpo.data._partition import (
    BlockFacts,
    SplitBlock,
    groups,
    join_pieces,
    n_parts,
    split_block,
    union_of_labels,
)
from gpu_hpo.data._split import spawn_seed

PACK_BYTES = 32 * 2**20
# Share of a worker's memory that data may take to be kept whole on each worker, and
# that one task may hold of it otherwise.
RESIDENT_SHARE = 0.5
TASK_SHARE = 0.1

_SPLIT, _ORDER = range(2)  # purposes of seeds

Pack = list[Chunk]


@dataclass(frozen=True)
class WorkerFacts:
    """What the cluster says of a worker: threads, and bytes of memory (or inf)."""

    nthreads: int
    memory: float


@dataclass
class _Item:
    """A pack or validation part: where it came from and who has it."""

    nbytes: int
    make: Callable[[], Pack] | None  # for data that the client can send again
    future: Future | None = None
    home: str | None = None
    sent: int = 0


class ResidentData:
    """Train chunks and validation parts of one search on the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        Its event loop runs all coroutines of this object.
    blocks : Blocks
    name : str
        Prefix of keys, unique per search.
    test_size : float or None
        Fraction of each block that validates; None is dask-ml's ``min(0.2, 1 /
        n_blocks)``.
    seed : numpy.random.SeedSequence
        Decides who validates and in which order chunks train.
    classify : bool
        Whether y holds class labels.
    on_device : bool
        Whether chunks are to be moved into GPU memory on arrival.

    Attributes
    ----------
    n_chunks, n_parts : int
        Train chunks and validation parts.
    n_bytes : int
        Of all train chunks.
    labels : ndarray
        Distinct labels, if `classify`.
    """

    def __init__(
        self,
        client: Client,
        blocks: Blocks,
        *,
        name: str,
        test_size: float | None,
        seed: np.random.SeedSequence,
        classify: bool,
        on_device: bool = False,
    ) -> None:
        self._client = client
        self._blocks = blocks
        self._name = name
        n_blocks = len(blocks.blocks)
        self.test_size = min(0.2, 1 / n_blocks) if test_size is None else test_size
        self._seed = seed
        self._classify = classify
        self._on_device = on_device
        self._packs: list[_Item] = []
        self._parts: list[_Item] = []
        self._place: list[tuple[int, int]] = []  # chunk -> pack, position
        self._adopted: dict[tuple[str, str], Future] = {}
        self._order: list[int] = []
        self.n_bytes = 0
        self.labels = np.array([])
        self.n_rows = (0, 0)
        self.resident = True
        self._task_bytes = math.inf

    @property
    def n_chunks(self) -> int:
        return len(self._place)

    @property
    def n_parts(self) -> int:
        return len(self._parts)

    async def load(self, workers: dict[str, WorkerFacts]) -> None:
        """Split the data and put each pack on one worker.

        Parameters
        ----------
        workers : dict of str to WorkerFacts

        Raises
        ------
        ValueError
            If no rows are left to train or to validate on, or X and y differ.
        """
        load = self._load_lazy if self._blocks.lazy else self._load_concrete
        facts = await load(list(workers))
        self.n_rows = (
            sum(fact.n_train for fact in facts),
            sum(fact.n_validation for fact in facts),
        )
        for rows, what in zip(self.n_rows, ("train", "validate"), strict=True):
            if not rows:
                raise ValueError(
                    f"no rows are left to {what} on: {len(facts)} blocks of data, "
                    f"test_size={self.test_size:.3g}"
                )
        self.n_bytes = sum(item.nbytes for item in self._packs)
        self.labels = union_of_labels(facts)
        self._limit(workers)

    def calls_order(self, stop: int) -> list[int]:
        """Chunks that calls number 1 to `stop` train on, the same for all models.

        One random permutation of the chunks after another.
        """
        while len(self._order) < stop:
            epoch = len(self._order) // self.n_chunks
            rng = np.random.default_rng(spawn_seed(self._seed, _ORDER, epoch))
            self._order += rng.permutation(self.n_chunks).tolist()
        return self._order[:stop]

    def train(
        self, worker: str, start: int, stop: int
    ) -> tuple[list[Future], list[tuple[int, int]]]:
        """What `worker` needs to make calls `start` + 1 to `stop`.

        Returns
        -------
        packs : list of Future
        plan : list of (int, int)
            Per call, which of `packs`, and which chunk in it.
        """
        calls = [self._place[i] for i in self.calls_order(stop)[start:]]
        needed = {pack: i for i, pack in enumerate(dict.fromkeys(p for p, _ in calls))}
        packs = [self._at(worker, "pack", self._packs, pack) for pack in needed]
        return packs, [(needed[pack], position) for pack, position in calls]

    def validation(self, worker: str, parts: tuple[int, int]) -> list[Future]:
        """Validation parts ``parts[0], ..., parts[1] - 1`` for `worker`."""
        return [self._at(worker, "part", self._parts, i) for i in range(*parts)]

    def window(self, start: int) -> int:
        """Call up to which a task that begins after `start` calls holds little data."""
        held: dict[int, int] = {}
        stop = start
        while stop - start < 2 * self.n_chunks:
            pack = self._place[self.calls_order(stop + 1)[stop]][0]
            held[pack] = self._packs[pack].nbytes
            if stop > start and sum(held.values()) > self._task_bytes:
                break
            stop += 1
        return stop

    @property
    def windowed(self) -> bool:
        """Whether a task may not hold all of the data at once."""
        return self.n_bytes > self._task_bytes

    @property
    def parts_per_task(self) -> int:
        """Validation parts that a task may hold at once."""
        largest = max(part.nbytes for part in self._parts)
        return max(1, int(min(self._task_bytes / max(largest, 1), self.n_parts)))

    def forget_worker(self, worker: str) -> None:
        """Drop what was kept for a worker that is gone."""
        for key in [key for key in self._adopted if key[0] == worker]:
            del self._adopted[key]

    async def restore(self, workers: list[str]) -> bool:
        """Send again what was lost with its workers; False if nothing was."""
        lost = [
            (kind, i, item)
            for kind, items in (("pack", self._packs), ("part", self._parts))
            for i, item in enumerate(items)
            if _is_lost(item)
        ]
        for kind, i, item in lost:
            if item.make is None:
                raise RuntimeError(f"{kind} {i} of the data was lost with its worker")
            self._adopted = {
                k: f for k, f in self._adopted.items() if k[1] != f"{kind}-{i}"
            }
            await self._send(
                item, f"{kind}-{i}", item.make(), workers[i % len(workers)]
            )
        return bool(lost)

    def release(self) -> None:
        """Let go of everything on the cluster."""
        self._adopted.clear()
        self._packs.clear()
        self._parts.clear()

    # ---- from the client ----

    async def _load_concrete(self, workers: list[str]) -> list[BlockFacts]:
        blocks = self._blocks.blocks
        facts: list[BlockFacts] = []
        chunks: list[Chunk] = []  # of the pack that is being filled
        pieces: list[Chunk] = []
        edges = groups(len(blocks), n_parts(len(blocks), self.test_size))
        ends = {group[-1]: k for k, group in enumerate(edges)}
        sends = []
        pack: list[int] = []
        for i in range(len(blocks)):
            split = self._split(i)
            facts.append(split.facts)
            pieces.append(split.validation)
            if split.facts.n_train:
                chunks.append(split.train)
                pack.append(i)
            last = i == len(blocks) - 1
            if pack and (last or sum(map(n_bytes, chunks)) >= PACK_BYTES):
                sends.append(self._add_pack(pack, chunks, workers))
                pack, chunks = [], []
            if i in ends:
                group = edges[ends[i]]
                sends.append(self._add_part(group, pieces, workers))
            if len(sends) >= 2 or last:
                await asyncio.gather(*sends)
                sends = []
        return facts

    def _split(self, i: int) -> SplitBlock:
        seed = spawn_seed(self._seed, _SPLIT, i)
        return split_block(self._blocks.blocks[i], self.test_size, seed, self._classify)

    def _add_pack(self, members: list[int], pack: Pack, workers: list[str]) -> Any:
        number = len(self._packs)
        self._place += [(number, k) for k in range(len(members))]

        def make() -> Pack:
            return [self._split(i).train for i in members]

        item = _Item(sum(map(n_bytes, pack)), make)
        self._packs.append(item)
        home = workers[number % len(workers)]
        return self._send(item, f"pack-{number}", pack, home)

    def _add_part(self, group: range, pieces: list[Chunk], workers: list[str]) -> Any:
        def make() -> Pack:
            return [join_pieces([self._split(i).validation for i in group])]

        part = join_pieces([pieces[i] for i in group])
        for i in group:
            pieces[i] = {}
        if not part:
            return asyncio.sleep(0)
        number = len(self._parts)
        item = _Item(n_bytes(part), make)
        self._parts.append(item)
        home = workers[-1 - number % len(workers)]
        return self._send(item, f"part-{number}", [part], home)

    async def _send(self, item: _Item, kind: str, value: Pack, home: str) -> None:
        item.sent += 1
        key = f"{self._name}-{kind}-sent-{item.sent}"
        try:
            sent = await self._client.scatter({key: value}, workers=[home], hash=False)
            item.home = home
        except (KeyError, OSError):  # it left meanwhile: any other
            sent = await self._client.scatter({key: value}, hash=False)
            item.home = None
        item.future = sent[key]

    # ---- from a Dask graph ----

    async def _load_lazy(self, workers: list[str]) -> list[BlockFacts]:
        """Split blocks where they are; only facts come to the client."""
        splits = [
            dask.delayed(split_block, pure=False)(
                block,
                self.test_size,
                spawn_seed(self._seed, _SPLIT, i),
                self._classify,
                dask_key_name=f"{self._name}-split-{i}",
            )
            for i, block in enumerate(self._blocks.blocks)
        ]
        packs = [
            dask.delayed(_train)(s, dask_key_name=f"{self._name}-pack-{i}")
            for i, s in enumerate(splits)
        ]
        pieces = [dask.delayed(_validation)(s) for s in splits]
        facts = [dask.delayed(_facts)(s) for s in splits]
        parts = [
            dask.delayed(_part)(
                [pieces[i] for i in group], dask_key_name=f"{self._name}-part-{k}"
            )
            for k, group in enumerate(
                groups(len(splits), n_parts(len(splits), self.test_size))
            )
        ]
        futures = self._client.compute([*packs, *parts, *facts])
        try:
            known: list[BlockFacts] = await self._client.gather(futures[-len(facts) :])
        except BaseException:
            # Who keeps the traceback would keep the data.
            for future in futures:
                future.release()
            raise
        futures = futures[: -len(facts)]
        with self._client.as_current():
            # Only then is it known where each of them is.
            await wait(futures)
        homes = await self._client.who_has(futures)
        items = []
        for future in futures:
            where = homes.get(future.key) or (None,)
            items.append(_Item(0, None, future, where[0]))
        self._packs = []
        for item, fact in zip(items, known, strict=False):
            if fact.n_train:
                item.nbytes = fact.n_bytes
                self._place.append((len(self._packs), 0))
                self._packs.append(item)
        rows = sum(fact.n_train for fact in known) or 1
        parts, self._parts = items[len(packs) :], []
        for item, group in zip(parts, groups(len(known), len(parts)), strict=True):
            held = sum(known[i].n_validation for i in group)
            item.nbytes = sum(fact.n_bytes for fact in known) * held // rows
            if held:
                self._parts.append(item)
        return known

    # ---- on the workers ----

    def _limit(self, workers: dict[str, WorkerFacts]) -> None:
        memory = min(facts.memory for facts in workers.values())
        threads = max(facts.nthreads for facts in workers.values())
        total = self.n_bytes + sum(part.nbytes for part in self._parts)
        self.resident = total <= RESIDENT_SHARE * memory
        if not self.resident:
            self._task_bytes = TASK_SHARE * memory / threads

    def _at(self, worker: str, kind: str, items: list[_Item], i: int) -> Future:
        item = items[i]
        assert item.future is not None
        at_home = item.home == worker and not self._on_device
        if at_home or not (self.resident or self._on_device):
            return item.future
        place = (worker, f"{kind}-{i}")
        if place not in self._adopted:
            self._adopted[place] = self._client.submit(
                _adopt,
                item.future,
                self._on_device,
                key=f"{self._name}-{kind}-{i}-{tokenize(item.future.key, worker)}",
                workers=[worker],
                allow_other_workers=False,
                pure=False,
            )
        return self._adopted[place]


def _is_lost(item: _Item) -> bool:
    # The scheduler computes again by itself what came from a graph.
    final = ("cancelled",) if item.make is None else ("cancelled", "lost")
    return item.future is not None and item.future.status in final


def _train(split: SplitBlock) -> Pack:
    return [split.train]


def _validation(split: SplitBlock) -> Chunk:
    return split.validation


def _facts(split: SplitBlock) -> BlockFacts:
    return split.facts


def _part(pieces: list[Chunk]) -> Pack:
    return [join_pieces(pieces)]


def _adopt(pack: Pack, on_device: bool) -> Pack:
    """Keep a pack on this worker, in GPU memory if its models want it there."""
    return [chunk_to_device(chunk) for chunk in pack] if on_device else pack
