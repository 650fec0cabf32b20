# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Keep chunks on workers: each goes to a worker once and stays there.

Chunks are kept in packs: lists of consecutive chunks that move together, so that small
chunks do not cost a message each. A pack has a home, the worker that got it first. Any
other worker that trains on it adopts it under another key, so that Dask neither drops
the copy as a spare replica nor moves it. Data that would not fit into a worker's memory
is not adopted but fetched when needed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dask.base import tokenize
from distributed import Client, Future

from gpu_hpo._config import read_bytes, read_share
from gpu_hpo.adaptive.data._block_facts import (
    KnownLabels,
    count_held,
    count_rows,
    fingerprint,
    known_labels,
)
from gpu_hpo.adaptive.data._copies import Copies
from gpu_hpo.adaptive.data._loading import ORDER_SEED, Item, Loader
from gpu_hpo.adaptive.data._memory import MemoryPlan
from gpu_hpo.adaptive.data._splitting import Splitting
from gpu_hpo.adaptive.data._upload import Upload
from gpu_hpo.compute._keys import key_of
from gpu_hpo.compute._transport import pack
from gpu_hpo.compute._worker_facts import WorkerFacts
from gpu_hpo.data._blocks import Blocks
from gpu_hpo.data._chunk import Chunk, concat_chunks
from gpu_hpo.data._on_device import OnDevice
from gpu_hpo.data._random_split import spawn_seed
from gpu_hpo.devices._namespace import synchronize


class ResidentData:
    """Train chunks and validation parts of one search on the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        Its event loop runs all coroutines of this object.
    blocks : Blocks
    name : str
        Prefix of keys, unique per search.
    splitting : Splitting
        Which rows of each block validate, or which role they have in each split.
    seed : numpy.random.SeedSequence
        Determines which rows validate, and the order in which chunks train.
    classify : bool
        Whether y holds class labels.
    validation : Blocks, optional
        Rows to validate on, if they are not in `blocks`.
    on_device : OnDevice or None
        What models want of chunks in GPU memory; None leaves chunks on the host.
    device_memory : float, default=inf
        Bytes of memory of each GPU. Chunks stay there if all of them fit.

    Attributes
    ----------
    n_chunks, n_parts : int
        Train chunks and validation parts.
    n_bytes : int
        Of all chunks.
    known_labels : KnownLabels
        What is known of labels, if `classify`.
    chunk_rows : list of int
        Rows of each chunk that train, summed over the splits.
    n_splits : int
        Models of a trial.
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
        validation: Blocks | None = None,
        on_device: OnDevice | None = None,
        device_memory: float = math.inf,
    ) -> None:
        self._client = client
        self._name = name
        self.splitting = splitting
        self._seed = seed
        self._on_device = on_device
        self._memory = MemoryPlan(
            device_memory=math.inf if on_device is None else device_memory,
            resident_share=read_share("memory.resident-share"),
        )
        self._loader = Loader(
            client, blocks, name=name, splitting=splitting, seed=seed, classify=classify
        )
        self._held: Loader | None = None
        if validation is not None:
            self._held = Loader(
                client,
                validation,
                name=f"{name}-held",
                splitting=Splitting(weights=splitting.weights),
                seed=seed,
                classify=classify,
            )
        # Filled by `load`.
        self._packs = self._loader.packs
        self._parts = self._loader.parts
        self._place = self._loader.place  # chunk -> pack, position
        self._copies = Copies()
        self._order: list[int] = []
        self._last: frozenset[int] = frozenset()  # chunks without weight
        self._spare: list[tuple[int, int]] = []  # of chunks that only validate at first
        self.n_bytes = 0
        self.known_labels = KnownLabels(np.array([]), [], [])
        self.n_rows = (0, 0)
        self.chunk_rows: list[int] = []
        self.n_splits = 1
        self.classes: Any = None  # all labels, if the user names them; before `load`
        self.digests_wanted = False  # whether `fingerprint` is; before `load`
        self.fingerprint: dict[str, Any] = {}

    @property
    def n_chunks(self) -> int:
        return len(self._place)

    @property
    def labels(self) -> np.ndarray:
        """Distinct labels, if y has class labels."""
        return self.known_labels.distinct

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
        most = read_bytes("memory.message-size")
        self._loader.with_digests = self.digests_wanted
        facts = await self._loader.load(list(workers), most)
        held = []
        if self._held is not None:
            self._held.with_digests = self.digests_wanted
            held = await self._held.load(list(workers), most)
            self._parts = self._held.packs
        if self.digests_wanted:
            self.fingerprint = fingerprint(facts, held)
        self.known_labels = known_labels(facts, held)
        n_held = count_held(held)
        counts = count_rows(facts, n_held, self.splitting)
        self.n_rows = counts.n_rows
        self._last = counts.last
        places = list(self._place)
        self._place = [place for i, place in enumerate(places) if i not in counts.spare]
        self._spare = [
            places[i] for i, has_weight in counts.spare.items() if has_weight
        ]
        self.chunk_rows = counts.chunk_rows
        if counts.n_splits is not None:
            self.n_splits = counts.n_splits
            self._parts = self._packs  # every row validates where it is
        self.n_bytes = sum(item.nbytes for item in self._packs)
        total = self.n_bytes
        if not self.has_roles:
            total += sum(part.nbytes for part in self._parts)
        self._memory = self._memory.of_workers(workers.values(), total)

    def include_validation(self) -> None:
        """Make chunks of the validation rows too, after the others.

        All chunks then train in a new order.
        """
        if not self.has_roles:
            first = len(self._packs)
            places = [(i, 0) for i in range(len(self._parts))]
            if self._held is not None:
                places = self._held.place
            self._place = [*self._place, *((first + i, k) for i, k in places)]
            self._packs = [*self._packs, *self._parts]
            self._parts = []
            self.n_bytes = sum(item.nbytes for item in self._packs)
        self._place = [*self._place, *self._spare]
        self._spare = []
        self._order = []
        self._copies.forget("whole")

    def check_fits_in_memory(self, *, joined_by_tasks: bool) -> None:
        """Raise ValueError if a worker cannot hold all rows in one piece.

        Parameters
        ----------
        joined_by_tasks : bool
            Whether each task joins chunks for itself, rather than one task for all.
        """
        self._memory.check_one_piece(
            self.n_bytes,
            is_copied=self.n_chunks > 1,
            by_tasks=joined_by_tasks,
            by_splits=self.has_roles,
        )

    @property
    def resident(self) -> bool:
        """Whether each worker may keep all data."""
        return self._memory.resident

    @property
    def has_roles(self) -> bool:
        """Whether rows stay in their chunks to validate, each in its split."""
        return self._parts is self._packs

    @property
    def upload(self) -> Upload | None:
        """How tasks upload their chunks, if they do."""
        return self._to_device if self._memory.uploads_in_tasks else None

    @property
    def _to_device(self) -> Upload | None:
        wanted = self._on_device
        return None if wanted is None else Upload(wanted, self.numbered)

    @property
    def numbered(self) -> np.ndarray | None:
        """Labels, sorted, for which workers get numbers, if a GPU cannot hold them."""
        return self.known_labels.as_text(self.classes) if self._on_device else None

    def rows_of(self, calls: tuple[int, int] | None) -> int:
        """Count the rows of the chunks of some calls, or of all if None."""
        if calls is None:
            return sum(self.chunk_rows)
        return sum(self.chunk_rows[i] for i in self.calls_order(calls[1])[calls[0] :])

    def calls_order(self, stop: int) -> list[int]:
        """Return the chunks that calls 1 to `stop` train on, the same for all models.

        They are one random permutation of the chunks after another.
        """
        while len(self._order) < stop:
            epoch = len(self._order) // self.n_chunks
            rng = np.random.default_rng(spawn_seed(self._seed, ORDER_SEED, epoch))
            order = rng.permutation(self.n_chunks).tolist()
            self._order += sorted(order, key=self._last.__contains__)
        return self._order[:stop]

    def train(
        self, worker: str, start: int, stop: int
    ) -> tuple[list[Future], list[tuple[int, int]]]:
        """Return what `worker` needs to make calls `start` + 1 to `stop`.

        Returns
        -------
        packs : list of Future
        plan : list of (int, int)
            For each call, the position of its pack, and of its chunk in the pack.
        """
        calls = [self._place[i] for i in self.calls_order(stop)[start:]]
        numbers = dict.fromkeys(number for number, _ in calls)
        needed = {number: i for i, number in enumerate(numbers)}
        packs = [self._at(worker, "pack", self._packs, number) for number in needed]
        return packs, [(needed[number], position) for number, position in calls]

    def whole(self, worker: str) -> Future:
        """Return a pack of one chunk, all rows to train on, for `worker`."""
        packs, plan = self.train(worker, 0, self.n_chunks)
        if len(plan) == 1:
            return packs[0]

        def join() -> Future:
            return self._client.submit(
                _join,
                packs,
                plan,
                key=key_of(
                    self._name, "join", tokenize([p.key for p in packs], worker)
                ),
                workers=[worker],
                allow_other_workers=False,
                pure=False,
            )

        return self._copies.get(worker, "whole", join)

    def validation(self, worker: str, parts: tuple[int, int]) -> list[Future]:
        """Return validation parts ``parts[0], ..., parts[1] - 1`` for `worker`."""
        kind = "pack" if self.has_roles else "part"
        return [self._at(worker, kind, self._parts, i) for i in range(*parts)]

    def window(self, start: int) -> int:
        """Return the last call up to which a task holds no more data than it may."""
        held: dict[int, int] = {}
        stop = start
        while stop - start < 2 * self.n_chunks:
            number, _ = self._place[self.calls_order(stop + 1)[stop]]
            held[number] = self._packs[number].nbytes
            if stop > start and sum(held.values()) > self._memory.task_bytes:
                break
            stop += 1
        return stop

    @property
    def windowed(self) -> bool:
        """Whether a task may not hold all of the data at once."""
        return self.n_bytes > self._memory.task_bytes

    @property
    def parts_per_task(self) -> int:
        """Validation parts that a task may hold at once."""
        largest = max(part.nbytes for part in self._parts)
        return max(1, int(min(self._memory.task_bytes / max(largest, 1), self.n_parts)))

    def forget_worker(self, worker: str) -> None:
        """Drop what was kept for a lost worker."""
        self._copies.forget_worker(worker)

    async def restore(self, workers: list[str]) -> bool:
        """Bring back what was lost with its workers; False if nothing was.

        A copy that another worker has adopted takes its place; what nobody holds is
        sent again.
        """
        lost = {
            f"{kind}-{i}": item
            for kind, items in (("pack", self._packs), ("part", self._parts))
            if kind == "pack" or items is not self._packs
            for i, item in enumerate(items)
            if _is_lost(item)
        }
        if lost:
            self._copies.forget_waiting({*lost, "whole"})
        for i, (name, item) in enumerate(lost.items()):
            # What was uploaded to a GPU is no copy of what tasks expect from elsewhere.
            copy = None if self._to_device else self._copies.take(name)
            if copy is not None:
                item.home, item.future = copy
                continue
            if item.make is None:
                raise RuntimeError(f"{name} of the data was lost with its worker")
            home = workers[i % len(workers)]
            await self._loader.send(item, name, item.make(), home)
        return bool(lost)

    def release(self) -> None:
        """Let go of everything on the cluster."""
        self._copies.clear()
        for items in (self._packs, self._parts, self._loader.packs, self._loader.parts):
            items.clear()
        if self._held is not None:
            self._held.packs.clear()

    # ---- on the workers ----

    def _at(self, worker: str, kind: str, items: list[Item], i: int) -> Future:
        item = items[i]
        assert item.future is not None
        upload = None if self._memory.uploads_in_tasks else self._to_device
        at_home = item.home == worker and upload is None
        if at_home or not (self.resident or upload):
            return item.future
        original, piece = item.future, f"{kind}-{i}"
        does = "copy" if upload is None else "upload"

        def adopt() -> Future:
            return self._client.submit(
                _adopt,
                original,
                upload,
                key=key_of(self._name, does, piece, tokenize(original.key, worker)),
                workers=[worker],
                allow_other_workers=False,
                pure=False,
            )

        return self._copies.get(worker, piece, adopt)


def _is_lost(item: Item) -> bool:
    # Dask's scheduler itself computes again what came from a graph.
    final = ("cancelled",) if item.make is None else ("cancelled", "lost")
    return item.future is not None and item.future.status in final


def _adopt(chunks: list[Chunk], upload: Upload | None) -> list[Chunk]:
    """Keep a pack on this worker, in GPU memory if its models want it there."""
    return chunks if upload is None else list(map(upload, chunks))


def _join(packs: list[list[Chunk]], plan: list[tuple[int, int]]) -> list[Chunk]:
    """Join all chunks into one, in the order of the plan."""
    whole = concat_chunks([packs[number][position] for number, position in plan])
    synchronize()
    return pack([whole])
