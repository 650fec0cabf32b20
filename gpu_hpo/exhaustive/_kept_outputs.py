# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Have the output of each node made once per split, and kept as long as needed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from gpu_hpo._config import read_number
from gpu_hpo._typing import ArrayLike
from gpu_hpo.compute._pool import Handle, Pool
from gpu_hpo.exhaustive._candidate_spec import CandidateSpec
from gpu_hpo.exhaustive._fold_steps import (
    cut_fold,
    cut_rows,
    fit_step,
    join_parts,
)
from gpu_hpo.exhaustive.plan._assembly import nodes_in
from gpu_hpo.exhaustive.plan._nodes import ROOT, Joined, Node


class KeptOutputs:
    """The outputs of nodes on splits, and what they are made of, where tasks run.

    Parameters
    ----------
    pool : Pool
    spec : CandidateSpec
    load : callable
        Puts the data where tasks run: called with the pool, gives a handle of it. Once
        more if it gets lost.
    splits : sequence of (array, array)
        Rows that train and that test.
    nodes : mapping of int to Node
        May grow while groups are generated.
    uses : mapping of (int, bool) to int, optional
        By how many nodes and groups each node is needed, with X pairwise or not, if all
        groups are known. Otherwise splits are kept to the end, unless they are many.
    cache : bool
        Whether folds are kept, rather than cut again for each task.

    Attributes
    ----------
    n_splits : int
    uses : mapping or None
    exposed : bool
        Whether outputs were on a worker beside a task that may have ended it.
    """

    def __init__(
        self,
        pool: Pool,
        spec: CandidateSpec,
        load: Callable[[Pool], Handle],
        splits: Sequence[tuple[ArrayLike, ArrayLike]],
        nodes: Mapping[int, Node],
        *,
        uses: Mapping[tuple[int, bool], int] | None = None,
        cache: bool = True,
    ) -> None:
        self._pool = pool
        self._spec = spec
        self._load = load
        self._splits = splits
        self.n_splits = len(splits)
        self._nodes = nodes
        self.uses = uses
        self._cache = cache
        self._kept_splits = read_number("tasks.kept-splits")
        self._data: Handle = None
        self._handles: dict[Hashable, Handle] = {}
        self._needed: dict[Hashable, int] = {}  # uses to come, per node and split
        self.exposed = False
        # Of which a composite asks for what was fitted.
        self._parts = {
            number
            for node in nodes.values()
            if isinstance(node, Joined)
            for number, assembly in node.parts.values()
            for number in (number, *nodes_in(assembly))
        }

    @property
    def data(self) -> Handle:
        """Return the handle of the data; have it loaded if need be."""
        if self._data is None:
            self._data = self._load(self._pool)
        return self._data

    def output(self, number: int, split: int, pairwise: bool) -> Handle:
        """Return the handle of a node's output on a split; submit it if need be."""
        key = (number, split, pairwise)
        handle = self._handles.get(key)
        if handle is not None:
            return handle
        if number == ROOT:
            train, test = self._splits[split]
            handle = self._pool.submit(
                cut_fold, self._spec, self.data, train, test, pairwise
            )
            if not self._cache:
                return handle
        else:
            node = self._nodes[number]
            source, *parts = [self.output(need, split, pairwise) for need in node.needs]
            function: Any = join_parts if isinstance(node, Joined) else fit_step
            keep = self._spec.keep_fitted or number in self._parts
            handle = self._pool.submit(
                function, self._spec, node, keep, source, self.rows(split), *parts
            )
        self._handles[key] = handle
        return handle

    def rows(self, split: int) -> Handle:
        """Return the handle of the rows of a split, but for X; submit it if need be."""
        handle = self._handles.get(split)
        if handle is None:
            train, test = self._splits[split]
            handle = self._pool.submit(cut_rows, self._spec, self.data, train, test)
            self._handles[split] = handle
        return handle

    def drop(self, number: int, split: int, pairwise: bool) -> None:
        """Count one use of a node less, and drop its output after the last."""
        key = (number, split, pairwise)
        if self.uses is not None:
            left = self._needed.get(key, self.uses[number, pairwise]) - 1
            self._needed[key] = left
            if left:
                return
        elif self.n_splits <= self._kept_splits:
            return
        for need in self._forget(number, split, pairwise):
            self.drop(need, split, pairwise)

    def forget_way(self, number: int, split: int, pairwise: bool) -> None:
        """Have a node, and all that it needs, made again where it is needed."""
        for need in self._forget(number, split, pairwise):
            self.forget_way(need, split, pairwise)

    def _forget(self, number: int, split: int, pairwise: bool) -> tuple[int, ...]:
        """Release the output of a node; return the nodes that it has needed."""
        self._release((number, split, pairwise))
        if number == ROOT:
            self._release(split)
            return ()
        return self._nodes[number].needs

    def _release(self, key: Hashable) -> None:
        handle = self._handles.pop(key, None)
        if handle is not None:
            self._pool.release(handle)

    def release_all(self) -> None:
        """Have all but the data made again."""
        for handle in self._handles.values():
            self._pool.release(handle)
        self._handles.clear()
        self.exposed = False

    def lose_data(self) -> None:
        """Have the data loaded again: its handle is worth nothing any more."""
        self._data = None

    def release_data(self) -> None:
        """Release the data; it is loaded again when it is asked for."""
        if self._data is not None:
            self._pool.release(self._data)
            self._data = None
