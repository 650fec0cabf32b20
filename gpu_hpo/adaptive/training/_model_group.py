# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train models that make the same calls: one model, or a stack of several."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np

from gpu_hpo._typing import Estimator
from gpu_hpo.adaptive.data._splitting import TEST, TRAIN
from gpu_hpo.adaptive.training._budget import ByCalls
from gpu_hpo.adaptive.training._members import (
    Cohort,
    FailsTrials,
    FoldModel,
    Slot,
    TrialOutcome,
    TrialWork,
)
from gpu_hpo.adaptive.training._models import TrialSpec
from gpu_hpo.data._chunk import ROLES, Chunk, n_rows, take_chunk_rows
from gpu_hpo.devices._ranges import annotated
from gpu_hpo.training._heard import recorded
from gpu_hpo.training._lending import Access, access_of
from gpu_hpo.training._text_labels import explained

logger = logging.getLogger(__name__)


class ModelGroup:
    """Models of a cohort that train together, each on the rows of its split.

    Parameters
    ----------
    spec : TrialSpec
    lead : TrialWork
        The work of the trial of any of them.
    slots : sequence of Slot
    cohort : Cohort
    stacked : bool
        Whether they train as a stack; if not, there is one model.
    """

    def __init__(
        self,
        spec: TrialSpec,
        lead: TrialWork,
        slots: Sequence[Slot],
        cohort: Cohort,
        *,
        stacked: bool,
    ) -> None:
        self.start, self.stop, self.scores = lead.start, lead.stop, lead.scores
        self._complete = lead.last_part
        self._spec = spec
        self._cohort = cohort
        # A trial may already have failed, with the model of another split.
        self._slots = [slot for slot in slots if not slot.outcome.error]
        self._stack: Any = None
        self._known_access: Access | None = None
        if not self._slots:
            return
        with self._failing():
            models = [member.model for member in self._members]
            if stacked:
                self._stack = type(models[0]).stack(models)
            elif lead.new is None and lead.start < lead.stop and _changes(spec):
                self._members[0].model = _copied(models[0])
        self._drop_failed()

    @property
    def outcomes(self) -> list[TrialOutcome]:
        """Outcomes of the trials that have models here and have not failed."""
        return list({id(e.outcome): e.outcome for e in self._slots}.values())

    @property
    def split(self) -> int:
        """The split of the model; for a stack, of any of its models."""
        return self._slots[0].split if self._slots else 0

    @property
    def _members(self) -> list[FoldModel]:
        return [slot.member for slot in self._slots]

    @property
    def _splits(self) -> dict[int, list[int]]:
        """Positions of the models of each split."""
        positions: dict[int, list[int]] = {}
        for i, slot in enumerate(self._slots):
            positions.setdefault(slot.split, []).append(i)
        return positions

    # ---- training ----

    def train(self, chunk: Splits) -> None:
        """Make one call."""
        if not self._any_left():
            return
        budget = self._spec.budget
        assert isinstance(budget, ByCalls)
        with self._timed("train"):
            members = self._members
            first = members[0].calls == 0
            rows = None
            if self._stack is None:
                trained, own = members[0].model, chunk.train(self.split)
            elif len(self._splits) > 1:
                trained, own = self._stack, chunk.whole
                rows = [chunk.train_numbers(slot.split) for slot in self._slots]
            else:
                trained, own = self._stack, chunk.train(self.split)
            params = self._spec.fit_params_of(own)
            if rows is not None:
                params["rows"] = rows
            budget.train(
                trained,
                own,
                params,
                self._spec.classes,
                first=first,
                access=self._access,
            )
        self._trained(1, 1)

    def refit(self, granted: Callable[[], Chunk]) -> None:
        """Fit the only model here to the rows of all its calls."""
        if not self._any_left():
            return
        with self._timed("train"):
            member = self._members[0]
            rows, budget = granted(), self._spec.budget
            params = self._spec.fit_params_of(rows)
            member.model = budget.refit(
                member.model, rows, params, self.start, self.stop
            )
        worth = budget.cost(self.start, self.stop)
        self._trained(self.stop - self.start, worth)

    def end(self) -> None:
        """Give the models of a stack back to the cohort, one by one."""
        if self._stack is not None and self._slots:
            with self._failing():
                models = self._stack.unstack()
                for member, model in zip(self._members, models, strict=True):
                    member.model = model

    @property
    def _access(self) -> Access:
        """What the models may have of the rows; it is the same for all."""
        if self._known_access is None:
            self._known_access = access_of(self._members[0].model)
        return self._known_access

    def _trained(self, calls: int, worth: int) -> None:
        """Record how many calls were made, and how many they were worth."""
        for slot in self._slots:
            slot.member.calls += calls
            if slot.split == 0:
                slot.outcome.n_calls += worth

    # ---- scoring ----

    def respond(self, part: Splits) -> None:
        """Keep each model's responses for a validation part, if a score needs them."""
        if not self._any_left():
            return
        scoring = self._spec.scoring
        with self._timed("score"):
            members = self._members
            for split, positions in self._splits.items():
                rows = part.test(split)
                if not n_rows(rows):
                    continue
                needed = rows if scoring.needs_X else _without_X(rows)
                for i, responses in zip(
                    positions, self._responses(positions, rows), strict=True
                ):
                    members[i].responses.append(responses)
                    members[i].seen.append(needed)

    def score(self) -> None:
        """Score each model by its responses.

        If more parts are to come, responses are kept instead.
        """
        if not self._complete or not self._any_left():
            return
        with self._timed("score"):
            members = self._members
            models = [members[0].model]
            if self._stack is not None:
                models = self._stack.unstack()
            found: list[Any] = [None] * len(members)
            for positions in self._splits.values():
                scored = self._spec.scoring.score_many(
                    [models[i] for i in positions],
                    [members[i].responses for i in positions],
                    members[positions[0]].seen,
                    self._spec.score_rows,
                )
                for i, metrics in zip(positions, scored, strict=True):
                    found[i] = metrics
            for slot, metrics in zip(self._slots, found, strict=True):
                slot.member.responses, slot.member.seen = [], []
                if isinstance(metrics, Exception):
                    with FailsTrials(self._cohort, [slot.outcome]):
                        raise metrics
                else:
                    slot.outcome.metrics[slot.split] = metrics
                    slot.outcome.calls = slot.member.calls

    def _responses(self, positions: list[int], rows: Chunk) -> list[dict[str, Any]]:
        """Return the responses of the models of one split, for its rows."""
        scoring = self._spec.scoring
        if self._stack is None:
            return [scoring.responses(self._members[0].model, rows, self._access)]
        every = len(positions) == len(self._slots)
        stack = self._stack if every else self._stack.take(positions)
        return scoring.responses_of_stack(stack, len(positions), rows, self._access)

    # ---- how ----

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        """Time what is done for trials that have not failed; record the seconds."""
        began = perf_counter()
        with (
            recorded() as heard,
            self._failing(),
            explained(self._spec.labels),
            annotated(what),
        ):
            yield
        for item in heard:
            for i in item.about(len(self._slots)):
                self._slots[i].outcome.heard.append(item)
        seconds = (perf_counter() - began) / len(self._slots)
        for slot in self._slots:
            slot.outcome.spent(**{"fit" if what == "train" else "score": seconds})
        self._drop_failed()

    def _any_left(self) -> bool:
        """Return whether any trial is left that has not failed, by any split."""
        self._drop_failed()
        return bool(self._slots)

    def _failing(self) -> FailsTrials:
        return FailsTrials(self._cohort, self.outcomes)

    def _drop_failed(self) -> None:
        """Continue without the models of failed trials."""
        if self._stack is not None:
            for slot, error in zip(self._slots, self._stack.errors, strict=True):
                if error is not None and not slot.outcome.error:
                    with FailsTrials(self._cohort, [slot.outcome]):
                        raise error
        kept = [i for i, slot in enumerate(self._slots) if not slot.outcome.error]
        if len(kept) < len(self._slots):
            self._slots = [self._slots[i] for i in kept]
            if self._stack is not None:
                self._stack = self._stack.take(kept) if kept else None


def _copied(model: Estimator) -> Any:
    """Return a copy of a model, or the model itself if it cannot be copied.

    Training then changes what the task before has left. Nobody trains on from that
    again: a trial that is lost starts from its first call.
    """
    try:
        return copy.deepcopy(model)
    except Exception as error:
        logger.info("%s is trained in place: %r", type(model).__name__, error)
        return model


def _changes(spec: TrialSpec) -> bool:
    """Return whether training changes the model that it begins with."""
    return not spec.budget.refits or spec.budget.resumes


def _without_X(part: Chunk) -> Chunk:
    return {name: value for name, value in part.items() if name != "X"}


class Splits:
    """The rows of one chunk by their role in each split; copies are made once.

    Parameters
    ----------
    chunk : Chunk
    by_roles : bool
        Whether rows have roles. If not, there is one split, of all rows.
    """

    def __init__(self, chunk: Chunk, *, by_roles: bool) -> None:
        self._roles: np.ndarray | None = chunk[ROLES] if by_roles else None
        self._rows = {name: value for name, value in chunk.items() if name != ROLES}
        self._taken: dict[tuple[int, int], Chunk] = {}
        self._numbers: dict[tuple[int, int], np.ndarray] = {}

    @property
    def whole(self) -> Chunk:
        """All rows."""
        return self._rows

    def train(self, split: int) -> Chunk:
        """Return the rows that train in a split."""
        return self._take(split, TRAIN)

    def test(self, split: int) -> Chunk:
        """Return the rows that validate in a split."""
        return self._take(split, TEST)

    def train_numbers(self, split: int) -> np.ndarray | None:
        """Return the numbers of the rows that train in a split; None for all rows."""
        return None if self._roles is None else self._numbered(split, TRAIN)

    def _numbered(self, split: int, role: int) -> np.ndarray:
        assert self._roles is not None
        key = split, role
        if key not in self._numbers:
            self._numbers[key] = np.flatnonzero(self._roles[:, split] == role)
        return self._numbers[key]

    def _take(self, split: int, role: int) -> Chunk:
        if self._roles is None:
            return self._rows
        key = split, role
        if key not in self._taken:
            numbers = self._numbered(split, role)
            every = len(numbers) == n_rows(self._rows)
            taken = self._rows if every else take_chunk_rows(self._rows, numbers)
            self._taken[key] = taken
        return self._taken[key]
