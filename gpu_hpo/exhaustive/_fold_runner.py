# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Decide which fit of a search runs when, and how long its result is kept."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gpu_hpo._config import read_number, read_seconds
from gpu_hpo.compute._loss_policy import LossPolicy
from gpu_hpo.compute._pool import Pool, ResultsLost, TaskKilled
from gpu_hpo.exhaustive._evaluation import CallbackTask, evaluate
from gpu_hpo.exhaustive._fold_scores import Evaluation
from gpu_hpo.exhaustive._fold_steps import (
    CandidateSpec,
    cut_fold,
    cut_rows,
    fit_step,
    join_parts,
)
from gpu_hpo.exhaustive.plan._composites import nodes_in
from gpu_hpo.exhaustive.plan._nodes import ROOT, Joined, Leaf, Node

logger = logging.getLogger(__name__)

_BATCHES_PER_SLOT = 4  # at least, so that the last of them does not keep others waiting


@dataclass(frozen=True, eq=False)
class Group:
    """Candidates that have all but their last step in common.

    Attributes
    ----------
    leaf : Leaf
    members : sequence of (int, dict)
        Number of each candidate, and parameters of its last step.
    together, divisible : bool
        Whether they may be fitted together, so that they go into one task; and whether
        they may be divided among tasks, since what each scores is the same however many
        are together.
    """

    leaf: Leaf
    members: Sequence[tuple[int, Mapping[str, Any]]]
    together: bool = False
    divisible: bool = True


@dataclass(eq=False)
class _Batch:
    group: Group
    split: int
    start: int
    stop: int
    alone: bool = False  # nothing else of ours runs as long as it does

    @property
    def members(self) -> Sequence[tuple[int, Mapping[str, Any]]]:
        return self.group.members[self.start : self.stop]

    def one_by_one(self) -> list[_Batch]:
        """Return a batch for each member, to be run alone."""
        return [
            replace(self, start=i, stop=i + 1, alone=True)
            for i in range(self.start, self.stop)
        ]


class _Item:
    """A group on a split: how far it has come."""

    def __init__(self, group: Group, split: int) -> None:
        self.group = group
        self.split = split
        self.begun = 0  # members that are in a task, or were
        self.left = len(group.members)  # members without a score


class FoldRunner:
    """Fits and scores groups of candidates on all splits.

    Each node is fitted once per split, when it is first needed, and its result is
    dropped when nothing needs it any more.

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
    limit : int, optional
        Tasks at a time that end in scores.
    cache : bool
        Whether folds are kept, rather than cut again for each task.
    callback_task : callable, optional
        Gives the `CallbackTask` of a candidate, by its number, on a split.
    """

    def __init__(
        self,
        pool: Pool,
        spec: CandidateSpec,
        load: Callable[[Pool], Any],
        splits: Sequence[tuple[Any, Any]],
        nodes: Mapping[int, Node],
        *,
        uses: Mapping[tuple[int, bool], int] | None = None,
        limit: int | None = None,
        cache: bool = True,
        callback_task: Callable[[int, int], CallbackTask] | None = None,
    ) -> None:
        self._pool = pool
        self._spec = spec
        self._load = load
        self._splits = splits
        self._nodes = nodes
        self._uses = uses
        self._limit = max(limit or 2 * pool.n_slots, 1)
        self._cache = cache
        self._callback_task = callback_task
        self._task_seconds = read_seconds("tasks.exhaustive")
        self._max_models = read_number("tasks.max-models")
        self._kept_splits = read_number("tasks.kept-splits")
        self._data: Any = None
        self._handles: dict[Any, Any] = {}
        self._needed: dict[Any, int] = {}  # uses to come, per node and split
        self._prices: dict[int, float] = {}  # seconds per candidate, by leaf
        self._running: dict[Any, _Batch] = {}
        self._items: dict[tuple[int, int], _Item] = {}
        self._loss_policy = LossPolicy()
        self._suspects: deque[_Batch] = deque()  # to be run alone, at the end
        # Whether what is held may have been beside what ends workers; and been blamed.
        self._beside = self._killed = False
        self._parts = {
            number
            for node in nodes.values()
            if isinstance(node, Joined)
            for number, assembly in node.parts.values()
            for number in (number, *nodes_in(assembly))
        }

    def run(
        self,
        groups: Iterable[Group],
        take: Callable[[int, Sequence[int], Sequence[Evaluation]], None],
        begun: Callable[[int, Sequence[int]], None] | None = None,
    ) -> None:
        """Carry out all groups.

        Parameters
        ----------
        groups : iterable of Group
            Asked for the next one when there is nothing else left to begin.
        take : callable
            Called with scores as they arrive: the split, the numbers of candidates, and
            what each scored.
        begun : callable, optional
            Called with the split and the numbers of candidates before they are fitted.
        """
        self._begun = begun
        batches = self._batches(groups)
        try:
            while True:
                while len(self._running) < self._limit:
                    batch = next(batches, None)
                    if batch is None:
                        break
                    self._beside = True
                    self._submit(batch)
                if not self._running and self._suspects:
                    self._renew()
                    self._submit(self._suspects.popleft())
                if not self._running:
                    return
                try:
                    for handle in self._pool.wait(list(self._running)):
                        self._finish(handle, take)
                except ResultsLost as error:
                    logger.warning("%s; it is sent and computed again", error)
                    self._begin_again(error, take)
        finally:
            for handle in [*self._running, *self._handles.values()]:
                self._pool.release(handle)

    @property
    def data(self) -> Any:
        """Return the handle of the data."""
        if self._data is None:
            self._data = self._load(self._pool)
        return self._data

    # ---- what to do next ----

    def _batches(self, groups: Iterable[Group]) -> Iterator[_Batch]:
        for group, split in self._in_order(groups):
            item = _Item(group, split)
            self._items[id(group), split] = item
            while item.begun < len(group.members):
                start = item.begun
                item.begun = min(start + self._size(group), len(group.members))
                yield _Batch(group, split, start, item.begun)

    def _in_order(self, groups: Iterable[Group]) -> Iterator[tuple[Group, int]]:
        splits = range(len(self._splits))
        if self._uses is None:
            # Who comes later is not known yet.
            yield from ((group, split) for group in groups for split in splits)
            return
        # What is made of few splits is there at a time.
        known = list(groups)
        yield from ((group, split) for split in splits for group in known)

    def _size(self, group: Group) -> int:
        """Return how many members of a group go into a task."""
        n_members, n_splits = len(group.members), len(self._splits)
        if group.together:
            lots = math.ceil(self._pool.n_slots / n_splits) if group.divisible else 1
            return min(math.ceil(n_members / lots), self._max_models)
        price = self._prices.get(group.leaf.number)
        if price is None:
            return 1
        fair = n_members * n_splits / (self._pool.n_slots * _BATCHES_PER_SLOT)
        return max(1, int(min(self._task_seconds / max(price, 1e-9), fair)))

    # ---- tasks ----

    def _submit(self, batch: _Batch) -> None:
        leaf, split = batch.group.leaf, batch.split
        if self._begun is not None:
            self._begun(split, [number for number, _ in batch.members])
        args = [
            self._spec,
            leaf,
            [params for _, params in batch.members],
            self._output(leaf.source, split, leaf.pairwise),
            self._rows(split),
            self._output(ROOT, split, leaf.pairwise)
            if self._spec.keep_fitted
            else None,
        ]
        if self._callback_task is not None:
            numbers = [number for number, _ in batch.members]
            args.append([self._callback_task(number, split) for number in numbers])
        self._running[self._pool.submit(_evaluate, *args)] = batch

    def _output(self, number: int, split: int, pairwise: bool) -> Any:
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
            source, *parts = [
                self._output(need, split, pairwise) for need in node.needs
            ]
            function: Any = join_parts if isinstance(node, Joined) else fit_step
            keep = self._spec.keep_fitted or number in self._parts
            handle = self._pool.submit(
                function, self._spec, node, keep, source, self._rows(split), *parts
            )
        self._handles[key] = handle
        return handle

    def _rows(self, split: int) -> Any:
        handle = self._handles.get(split)
        if handle is None:
            train, test = self._splits[split]
            handle = self._pool.submit(cut_rows, self._spec, self.data, train, test)
            self._handles[split] = handle
        return handle

    def _finish(self, handle: Any, take: Callable[..., None]) -> None:
        batch = self._running[handle]
        try:
            seconds, evaluations = self._pool.result(handle)
        except TaskKilled as error:
            del self._running[handle]
            self._pool.release(handle)
            # What it needs may be what has failed, or been beside it.
            leaf = batch.group.leaf
            self._forget_way(leaf.source, batch.split, leaf.pairwise)
            self._beside = self._killed = True
            self._lost(batch, error, take)
            return
        del self._running[handle]
        self._pool.release(handle)
        leaf = batch.group.leaf
        price, known = seconds / len(evaluations), self._prices.get(leaf.number)
        self._prices[leaf.number] = price if known is None else (price + known) / 2
        self._done(batch, evaluations, take)

    def _lost(
        self, batch: _Batch, error: TaskKilled | ResultsLost, take: Callable[..., None]
    ) -> None:
        """See whether a batch is what ends workers, and do without it if it is."""
        single = len(batch.members) == 1
        guilty = self._loss_policy.lost(
            (batch.members[0][0], batch.split),
            alone=batch.alone and single,
            deaths=error.deaths,
        )
        if not guilty:
            # Members of a stack are told apart only if it is one of them.
            undivided = batch.group.together and not batch.alone
            self._suspects += (
                [replace(batch, alone=True)] if undivided else batch.one_by_one()
            )
        elif self._spec.raises:
            raise error
        else:
            self._done(batch, [Evaluation(error=str(error))], take)

    def _done(
        self,
        batch: _Batch,
        evaluations: Sequence[Evaluation],
        take: Callable[..., None],
    ) -> None:
        group, split = batch.group, batch.split
        take(split, [number for number, _ in batch.members], evaluations)
        item = self._items[id(group), split]
        item.left -= len(evaluations)
        if not item.left:
            del self._items[id(group), split]
            self._drop(group.leaf.source, split, group.leaf.pairwise)

    def _drop(self, number: int, split: int, pairwise: bool) -> None:
        """Count one use of a node less, and drop its result after the last."""
        key = (number, split, pairwise)
        if self._uses is not None:
            left = self._needed.get(key, self._uses[number, pairwise]) - 1
            self._needed[key] = left
            if left:
                return
        elif len(self._splits) <= self._kept_splits:
            return
        self._forget(key)
        if number == ROOT:
            self._forget(split)
            return
        for need in self._nodes[number].needs:
            self._drop(need, split, pairwise)

    def _forget_way(self, number: int, split: int, pairwise: bool) -> None:
        """Have a node, and all that it needs, made again where it is needed."""
        self._forget((number, split, pairwise))
        if number == ROOT:
            self._forget(split)
            return
        for need in self._nodes[number].needs:
            self._forget_way(need, split, pairwise)

    def _forget(self, key: Any) -> None:
        handle = self._handles.pop(key, None)
        if handle is not None:
            self._pool.release(handle)

    # ---- what may go wrong ----

    def _begin_again(self, error: ResultsLost, take: Callable[..., None]) -> None:
        """Have the data sent, and what tasks need computed, once more."""
        running = dict(self._running)
        self._running.clear()
        for handle in running:
            self._pool.release(handle)
        self._release_results()
        self._data = None
        self._pool.recover()
        self._killed = False
        for batch in running.values():
            self._lost(batch, error, take)

    def _renew(self) -> None:
        """Have all made again that may be held against a suspect which is to run alone.

        Dask remembers of a task how many workers it was on when they died, also when it
        has a result, which may have to be computed again.
        """
        if self._beside:
            self._release_results()
        if self._killed:
            if self._data is not None:
                self._pool.release(self._data)
                self._data = None
            self._pool.recover()
            self._killed = False

    def _release_results(self) -> None:
        for handle in self._handles.values():
            self._pool.release(handle)
        self._handles.clear()
        self._beside = False


def _evaluate(*args: Any) -> tuple[float, list[Evaluation]]:
    begin = time.perf_counter()
    evaluations = evaluate(*args)
    return time.perf_counter() - begin, evaluations
