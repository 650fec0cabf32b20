# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What trains by the same calls: one model, or a stack of several."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from gpu_hpo.adaptive.data._splitting import Splits
from gpu_hpo.adaptive.training._members import (
    Blame,
    Cohort,
    Entry,
    Member,
    Outcome,
    Work,
)
from gpu_hpo.adaptive.training._models import Recipe, refit, train_call
from gpu_hpo.data._chunk import Chunk, n_rows
from gpu_hpo.devices import annotated
from gpu_hpo.training._heard import recorded
from gpu_hpo.training._lending import Access, access_of


class Unit:
    """Models of a cohort that train together, each on the rows of its split.

    Parameters
    ----------
    recipe : Recipe
    lead : Work
        What the trial of any of them is to do.
    entries : sequence of Entry
    cohort : Cohort
    stacked : bool
        Whether they are to be a stack; if not there is one.
    """

    def __init__(
        self,
        recipe: Recipe,
        lead: Work,
        entries: Sequence[Entry],
        cohort: Cohort,
        *,
        stacked: bool,
    ) -> None:
        self.start, self.stop, self.scores = lead.start, lead.stop, lead.scores
        self._complete = lead.last_part
        self._recipe = recipe
        self._cohort = cohort
        # A trial may have failed before, with the model of another split.
        self._entries = [entry for entry in entries if not entry.outcome.error]
        self._stack: Any = None
        self._known_access: Access | None = None
        if not self._entries:
            return
        with self._blame():
            models = [member.model for member in self._members]
            if stacked:
                self._stack = type(models[0]).stack(models)
            elif lead.new is None and lead.start < lead.stop and _changes(recipe):
                self._members[0].model = copy.deepcopy(models[0])
        self._drop_failed()

    @property
    def outcomes(self) -> list[Outcome]:
        """Of the trials that have models here and that have not failed."""
        return list({id(e.outcome): e.outcome for e in self._entries}.values())

    @property
    def split(self) -> int:
        """The split that decides which rows come next; of a stack, any."""
        return self._entries[0].split if self._entries else 0

    @property
    def _members(self) -> list[Member]:
        return [entry.member for entry in self._entries]

    @property
    def _splits(self) -> dict[int, list[int]]:
        """Positions of the models of each split."""
        positions: dict[int, list[int]] = {}
        for i, entry in enumerate(self._entries):
            positions.setdefault(entry.split, []).append(i)
        return positions

    # ---- training ----

    def train(self, chunk: Splits) -> None:
        """Make one call."""
        if not self._any_left():
            return
        with self._timed("train"):
            members = self._members
            first = members[0].calls == 0
            rows = None
            if self._stack is None:
                trained, own = members[0].model, chunk.train(self.split)
            elif len(self._splits) > 1:
                trained, own = self._stack, chunk.whole
                rows = [chunk.train_numbers(entry.split) for entry in self._entries]
            else:
                trained, own = self._stack, chunk.train(self.split)
            train_call(
                trained, own, self._recipe, first=first, rows=rows, access=self._access
            )
        self._trained(1, 1)

    def refit(self, granted: Callable[[], Chunk]) -> None:
        """Fit the one model that this is to the rows of all its calls."""
        if not self._any_left():
            return
        with self._timed("train"):
            member = self._members[0]
            member.model = refit(
                member.model, granted(), self._recipe, self.start, self.stop
            )
        worth = self._recipe.budget.cost(self.start, self.stop)
        self._trained(self.stop - self.start, worth)

    def end(self) -> None:
        """Give the members of a stack their models."""
        if self._stack is not None and self._entries:
            with self._blame():
                models = self._stack.unstack()
                for member, model in zip(self._members, models, strict=True):
                    member.model = model

    @property
    def _access(self) -> Access:
        """What the models may have of the rows; asked once, since they are alike."""
        if self._known_access is None:
            self._known_access = access_of(self._members[0].model)
        return self._known_access

    def _trained(self, calls: int, worth: int) -> None:
        """Note that so many calls were made, and what they were worth."""
        for entry in self._entries:
            entry.member.calls += calls
            if entry.split == 0:
                entry.outcome.n_calls += worth

    # ---- scoring ----

    def answer(self, part: Splits) -> None:
        """Keep each model's answers for a validation part, where a score needs them."""
        if not self._any_left():
            return
        scoring = self._recipe.scoring
        with self._timed("score"):
            members = self._members
            for split, positions in self._splits.items():
                rows = part.test(split)
                if not n_rows(rows):
                    continue
                needed = rows if scoring.whole else _without_X(rows)
                for i, answers in zip(
                    positions, self._answers(positions, rows), strict=True
                ):
                    members[i].answers.append(answers)
                    members[i].seen.append(needed)

    def score(self) -> None:
        """Score the models by the answers that they have given, each for itself.

        If there are more parts to come, what they have given is kept.
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
                scored = self._recipe.scoring.score_many(
                    [models[i] for i in positions],
                    [members[i].answers for i in positions],
                    members[positions[0]].seen,
                    self._recipe.score_rows,
                )
                for i, metrics in zip(positions, scored, strict=True):
                    found[i] = metrics
            for entry, metrics in zip(self._entries, found, strict=True):
                entry.member.answers, entry.member.seen = [], []
                if isinstance(metrics, Exception):
                    with Blame(self._cohort, [entry.outcome]):
                        raise metrics
                else:
                    entry.outcome.found[entry.split] = (entry.member.calls, metrics)

    def _answers(self, positions: list[int], rows: Chunk) -> list[dict[str, Any]]:
        """Answers of the models of one split, for its rows."""
        scoring = self._recipe.scoring
        if self._stack is None:
            return [scoring.answers(self._members[0].model, rows, self._access)]
        every = len(positions) == len(self._entries)
        joint = scoring.answers(
            self._stack if every else self._stack.take(positions), rows, self._access
        )
        return [
            {name: answer[i] for name, answer in joint.items()}
            for i in range(len(positions))
        ]

    # ---- how ----

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        """Do something for those that have not failed, and note what it took them."""
        began = perf_counter()
        with recorded() as heard, self._blame(), annotated(what):
            yield
        for item in heard:
            for i, entry in enumerate(self._entries):
                if item.models is None or i in item.models:
                    entry.outcome.heard.append(item)
        seconds = (perf_counter() - began) / len(self._entries)
        for entry in self._entries:
            entry.outcome.spent(**{"fit" if what == "train" else "score": seconds})
        self._drop_failed()

    def _any_left(self) -> bool:
        """Whether there is still anything to do: other splits fail trials, too."""
        self._drop_failed()
        return bool(self._entries)

    def _blame(self) -> Blame:
        return Blame(self._cohort, self.outcomes)

    def _drop_failed(self) -> None:
        """Go on without those that failed."""
        if self._stack is not None:
            for entry, error in zip(self._entries, self._stack.errors, strict=True):
                if error is not None and not entry.outcome.error:
                    with Blame(self._cohort, [entry.outcome]):
                        raise error
        kept = [i for i, entry in enumerate(self._entries) if not entry.outcome.error]
        if len(kept) < len(self._entries):
            self._entries = [self._entries[i] for i in kept]
            if self._stack is not None:
                self._stack = self._stack.take(kept) if kept else None


def _changes(recipe: Recipe) -> bool:
    """Whether training changes the model that it begins with."""
    return not recipe.budget.refits or recipe.budget.resumes


def _without_X(part: Chunk) -> Chunk:
    return {name: value for name, value in part.items() if name != "X"}
