# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Upload the next chunk while models train, where chunks do not stay on a device."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from gpu_hpo.data._chunk import Chunk
from gpu_hpo.devices._namespace import synchronize
from gpu_hpo.devices._streams import free_own_memory


class Ahead:
    """Returns the uploaded chunk of a call, and begins to upload the next.

    It holds at most two chunks: the one in use, and the next. Use it in a ``with``
    block.

    Parameters
    ----------
    chunk_of_call : callable
        Chunk for call number n.
    upload : callable
        Returns the chunk in GPU memory; it is called in a thread of its own.
    last : int
        The last call that has a chunk.
    """

    def __init__(
        self,
        chunk_of_call: Callable[[int], Chunk],
        upload: Callable[[Chunk], Chunk],
        last: int,
    ) -> None:
        self._chunk_of_call = chunk_of_call
        self._upload = upload
        self._last = last
        self._coming: dict[int, Future[Chunk]] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="gpu_hpo-upload")

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *error: object) -> None:
        self._coming.clear()
        # What the thread has freed is of use to no other one.
        self._pool.submit(free_own_memory)
        self._pool.shutdown()

    def __call__(self, call: int) -> Chunk:
        """Wait for the chunk of a call."""
        if self._coming.keys() - {call}:
            # A kernel that still reads a chunk would see what its memory holds next.
            synchronize()
        begun = {n: f for n, f in self._coming.items() if n in (call, call + 1)}
        for n in (call, call + 1):
            if n not in begun and n <= max(call, self._last):
                begun[n] = self._pool.submit(self._make, n)
        self._coming = begun
        return begun[call].result()

    def _make(self, call: int) -> Chunk:
        return self._upload(self._chunk_of_call(call))
