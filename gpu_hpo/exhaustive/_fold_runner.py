# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Decide which fit of a search runs when."""

from __future__ import annotations

import logging
import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeAlias

from gpu_hpo._config import read_number, read_seconds
from gpu_hpo._typing import Params
from gpu_hpo.compute._loss_policy import LossPolicy
from gpu_hpo.compute._pool import Handle, Pool, ResultsLost, TaskKilled
from gpu_hpo.exceptions import WorkersLostError
from gpu_hpo.exhaustive._callbacks import CallbackTask
from gpu_hpo.exhaustive._candidate_spec import CandidateSpec
from gpu_hpo.exhaustive._evaluation import evaluate
from gpu_hpo.exhaustive._fold_scores import Evaluation
from gpu_hpo.exhaustive._kept_outputs import KeptOutputs
from gpu_hpo.exhaustive._limits import Limits
from gpu_hpo.exhaustive.plan._nodes import ROOT, Leaf

logger = logging.getLogger(__name__)

_WINDOW = 4096  # groups that are mixed, if not all candidates may be tried
_STACKS_LEFT = 2  # at least, that can be fitted in the time that is left
_BATCHES_PER_SLOT = 4  # at least, so that slots do not wait long for the last one

# Called with scores as they arrive: the split, the numbers of candidates, and what each
# scored.
Take: TypeAlias = Callable[[int, Sequence[int], Sequence[Evaluation]], None]


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
    members: Sequence[tuple[int, Params]]
    together: bool = False
    divisible: bool = True


@dataclass(eq=False)
class _Batch:
    group: Group
    split: int
    start: int
    stop: int
    alone: bool = False  # no other task of this search runs beside it

    @property
    def members(self) -> Sequence[tuple[int, Params]]:
        return self.group.members[self.start : self.stop]

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.members]

    def one_by_one(self) -> list[_Batch]:
        """Return a batch for each candidate, to be run alone."""
        return [
            replace(self, start=i, stop=i + 1, alone=True)
            for i in range(self.start, self.stop)
        ]


class FoldRunner:
    """Fits and scores groups of candidates on all splits.

    Parameters
    ----------
    pool : Pool
    spec : CandidateSpec
    outputs : KeptOutputs
        What the last steps of candidates are fitted to.
    limit : int, optional
        Tasks at a time that end in scores.
    callback_task : callable, optional
        Returns the `CallbackTask` of a candidate, by its number, on a split.
    limits : Limits, optional
        When to begin no more.
    known : callable, optional
        ``known(number, split)`` is what a candidate has scored on a split already, or
        None. It is taken without a fit.
    """

    def __init__(
        self,
        pool: Pool,
        spec: CandidateSpec,
        outputs: KeptOutputs,
        *,
        limit: int | None = None,
        callback_task: Callable[[int, int], CallbackTask] | None = None,
        limits: Limits | None = None,
        known: Callable[[int, int], Evaluation | None] | None = None,
    ) -> None:
        self._limits = limits
        self._known = known
        self._parts: deque[_Batch] = deque()  # of batches that were known in part
        self._first: list[int] = []  # candidates of the first batch
        self._shuffle = random.Random(0)
        self._pool = pool
        self._spec = spec
        self._outputs = outputs
        self._limit = max(limit or 2 * pool.n_slots, 1)
        self._callback_task = callback_task
        self._task_seconds = read_seconds("tasks.exhaustive")
        self._max_models = read_number("tasks.max-models")
        self._prices: dict[int, float] = {}  # seconds per candidate, by leaf
        self._running: dict[Handle, _Batch] = {}
        # Members of a group without a score on a split.
        self._n_open: dict[tuple[Group, int], int] = {}
        self._loss_policy = LossPolicy()
        self._suspects: deque[_Batch] = deque()  # to be run alone, at the end
        self._killed = False  # whether what is kept has been blamed, too

    def run(
        self,
        groups: Iterable[Group],
        take: Take,
        begun: Callable[[int, Sequence[int]], None] | None = None,
    ) -> None:
        """Carry out all groups.

        Parameters
        ----------
        groups : iterable of Group
            Asked for the next one when there is nothing else left to begin.
        take : callable
            See `Take`.
        begun : callable, optional
            Called with the split and the numbers of candidates before they are fitted.
        """
        self._take, self._begun = take, begun
        in_part = self._limits is not None and self._limits.may_end_early
        batches = (self._one_by_one if in_part else self._batches)(groups)
        self._left_out = False
        try:
            while True:
                while len(self._running) < self._limit:
                    batch = self._next(batches)
                    if batch is None:
                        break
                    self._outputs.exposed = True
                    self._submit(batch)
                if not self._running and self._suspects and not self._is_over:
                    self._renew()
                    self._submit(self._suspects.popleft())
                if not self._running:
                    if self._limits is not None and self._left_out:
                        self._limits.stop("max_seconds")
                    return
                try:
                    for handle in self._pool.wait(list(self._running)):
                        self._finish(handle)
                except ResultsLost as error:
                    logger.warning("%s; it is sent and computed again", error)
                    self._begin_again(error)
        finally:
            for handle in self._running:
                self._pool.release(handle)
            self._outputs.release_all()

    # ---- what to do next ----

    def _batches(self, groups: Iterable[Group]) -> Iterator[_Batch]:
        for group, split in self._in_order(groups):
            n_members, stop = len(group.members), 0
            self._n_open[group, split] = n_members
            while stop < n_members:
                start, stop = stop, min(stop + self._size(group), n_members)
                yield _Batch(group, split, start, stop)

    @property
    def _is_over(self) -> bool:
        return self._limits is not None and bool(self._limits.stopped)

    def _next(self, batches: Iterator[_Batch]) -> _Batch | None:
        """Return the next batch that can end in time."""
        limits = self._limits
        if limits is None:
            return self._next_unknown(batches)
        while not limits.stopped:
            batch = self._next_unknown(batches)
            if batch is None:
                return None
            self._first = self._first or batch.numbers
            if self._has_time(batch, limits):
                return batch
            if limits.left <= 0 and limits.known:
                limits.stop("max_seconds")
            self._left_out = True
        return None

    def _next_unknown(self, batches: Iterator[_Batch]) -> _Batch | None:
        """Return the next batch of which nothing is known; take what is known."""
        if self._known is None:
            return next(batches, None)
        while not self._parts:
            batch = next(batches, None)
            if batch is None:
                return None
            known = [self._known(number, batch.split) for number in batch.numbers]
            whole = batch.group.together and not batch.group.divisible
            if None not in known or (any(known) and not whole):
                self._parts += self._take_known(batch, known)
            else:
                self._parts.append(batch)
        return self._parts.popleft()

    def _take_known(
        self, batch: _Batch, known: Sequence[Evaluation | None]
    ) -> list[_Batch]:
        """Take what is known of a batch; return the rest, in runs."""
        runs: list[_Batch] = []
        for i, evaluation in enumerate(known, batch.start):
            one = replace(batch, start=i, stop=i + 1)
            if evaluation is not None:
                self._done(one, [evaluation])
            elif runs and runs[-1].stop == i:
                runs[-1].stop = i + 1
            else:
                runs.append(one)
        return runs

    def _has_time(self, batch: _Batch, limits: Limits) -> bool:
        """Return whether a batch can end in time; its candidates if they are new."""
        if not limits.timed or (batch.numbers == self._first and not limits.known):
            return True  # however little time there is, one score is to be known
        splits = self._outputs.n_splits - batch.split
        rounds = math.ceil(splits / self._pool.n_slots)
        # It begins when what was handed out before it has ended.
        waits = sum(map(self._price, self._running.values())) / self._pool.n_slots
        return waits + self._price(batch) * rounds < limits.left

    def _price(self, batch: _Batch) -> float:
        """Return the seconds that a batch takes, by what others have taken."""
        known = self._prices
        price = known.get(batch.group.leaf.number)
        if price is None:
            price = sum(known.values()) / len(known) if known else 0.0
        return price * len(batch.members)

    def _one_by_one(self, groups: Iterable[Group]) -> Iterator[_Batch]:
        """Yield candidates with all of their splits, before there are others.

        The last ones may not be tried. So they come from everywhere in the grid, not in
        its order, whose first ones differ in the last parameter only.
        """
        groups, splits = iter(groups), range(self._outputs.n_splits)
        while window := list(islice(groups, _WINDOW)):
            turns = deque(self._mixed(group) for group in window)
            self._shuffle.shuffle(turns)
            while turns:
                batches = turns.popleft()
                batch = next(batches, None)
                if batch is not None:
                    yield from (replace(batch, split=split) for split in splits)
                    turns.append(batches)

    def _mixed(self, group: Group) -> Iterator[_Batch]:
        """Yield a group's candidates in a random order, as batches without a split."""
        members = list(group.members)
        if not group.together:
            self._shuffle.shuffle(members)
        group, stop = replace(group, members=members), 0
        splits = range(self._outputs.n_splits)
        self._n_open |= {(group, split): len(members) for split in splits}
        while stop < len(members):
            start, stop = stop, min(stop + self._size(group), len(members))
            yield _Batch(group, -1, start, stop)

    def _in_order(self, groups: Iterable[Group]) -> Iterator[tuple[Group, int]]:
        splits = range(self._outputs.n_splits)
        if self._outputs.uses is None:
            # Later candidates are not known yet.
            yield from ((group, split) for group in groups for split in splits)
            return
        # Only a few splits have outputs at a time.
        known = list(groups)
        yield from ((group, split) for split in splits for group in known)

    def _size(self, group: Group) -> int:
        """Return how many candidates of a group go into a task."""
        n_members, n_splits = len(group.members), self._outputs.n_splits
        if group.together:
            lots = math.ceil(self._pool.n_slots / n_splits) if group.divisible else 1
            most = min(math.ceil(n_members / lots), self._max_models)
            if self._limits is None or not (self._limits.timed and group.divisible):
                return most
            # A stack cannot be ended: each takes a part of the time that is left.
            price = self._prices.get(group.leaf.number)
            rounds = math.ceil(n_splits / self._pool.n_slots)
            left = max(self._limits.left, 0.0) / _STACKS_LEFT / rounds
            return 1 if price is None else max(1, min(most, int(left / price)))
        price = self._prices.get(group.leaf.number)
        if price is None:
            return 1
        fair = n_members * n_splits / (self._pool.n_slots * _BATCHES_PER_SLOT)
        longest = self._task_seconds
        if self._limits is not None:
            longest = min(longest, max(self._limits.left, 0.0))
        return max(1, int(min(longest / max(price, 1e-9), fair)))

    # ---- tasks ----

    def _submit(self, batch: _Batch) -> None:
        leaf, split, outputs = batch.group.leaf, batch.split, self._outputs
        if self._begun is not None:
            self._begun(split, batch.numbers)
        args = [
            self._spec,
            leaf,
            [params for _, params in batch.members],
            outputs.output(leaf.source, split, leaf.pairwise),
            outputs.rows(split),
        ]
        keeps = self._spec.keep_fitted
        args.append(outputs.output(ROOT, split, leaf.pairwise) if keeps else None)
        if self._callback_task is not None:
            args.append([self._callback_task(n, split) for n in batch.numbers])
        self._running[self._pool.submit(_evaluate, *args)] = batch

    def _finish(self, handle: Handle) -> None:
        batch = self._running[handle]
        leaf = batch.group.leaf
        try:
            seconds, evaluations = self._pool.result(handle)
        except TaskKilled as error:
            del self._running[handle]
            self._pool.release(handle)
            # The cause may be what it needs, or what ran beside it.
            self._outputs.forget_way(leaf.source, batch.split, leaf.pairwise)
            self._outputs.exposed = self._killed = True
            self._lost(batch, error)
            return
        del self._running[handle]
        self._pool.release(handle)
        price, known = seconds / len(evaluations), self._prices.get(leaf.number)
        self._prices[leaf.number] = price if known is None else (price + known) / 2
        self._done(batch, evaluations)

    def _done(self, batch: _Batch, evaluations: Sequence[Evaluation]) -> None:
        group, split = batch.group, batch.split
        self._take(split, batch.numbers, evaluations)
        self._n_open[group, split] -= len(evaluations)
        if not self._n_open[group, split]:
            del self._n_open[group, split]
            self._outputs.drop(group.leaf.source, split, group.leaf.pairwise)

    # ---- what may go wrong ----

    def _lost(self, batch: _Batch, error: TaskKilled | ResultsLost) -> None:
        """Find out whether a batch ends workers, and give it up if it does."""
        single = len(batch.members) == 1
        guilty = self._loss_policy.lost(
            (batch.members[0][0], batch.split),
            alone=batch.alone and single,
            deaths=error.deaths,
        )
        if not guilty:
            # Candidates of a stack are run one by one only if the stack is guilty.
            undivided = batch.group.together and not batch.alone
            self._suspects += (
                [replace(batch, alone=True)] if undivided else batch.one_by_one()
            )
        elif self._spec.raises:
            (number, params), *_ = batch.members
            raise WorkersLostError(f"candidate {number}, {params}: {error}") from error
        else:
            self._done(batch, [Evaluation(error=str(error))])

    def _begin_again(self, error: ResultsLost) -> None:
        """Send the data again, and compute again what tasks need."""
        running = dict(self._running)
        self._running.clear()
        for handle in running:
            self._pool.release(handle)
        self._outputs.release_all()
        self._outputs.lose_data()
        self._pool.recover()
        self._killed = False
        for batch in running.values():
            self._lost(batch, error)

    def _renew(self) -> None:
        """Make all outputs again, before a suspect runs alone.

        Dask counts for each task how many workers died while they had it, even if its
        result exists; such a task could fail when it is computed again, and the suspect
        would be blamed.
        """
        if self._outputs.exposed:
            self._outputs.release_all()
        if self._killed:
            self._outputs.release_data()
            self._pool.recover()
            self._killed = False


def _evaluate(*args: Any) -> tuple[float, list[Evaluation]]:
    begin = time.perf_counter()
    evaluations = evaluate(*args)
    return time.perf_counter() - begin, evaluations
