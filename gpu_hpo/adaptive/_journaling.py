# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Record what an engine has to say in a journal, and read it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from gpu_hpo.adaptive.engine._news import News, Record, TrialFailure
from gpu_hpo.adaptive.training._models import Trial
from gpu_hpo.journal._identity import described
from gpu_hpo.journal._journal import OpenJournal, opened
from gpu_hpo.journal._versions import versions_of

# Arguments that may be others when a search is gone on with. These do not change what a
# trial scores after so many calls, ...
_FREE = (
    "call_timeout",
    "device",
    "journal",
    "max_seconds",
    "prefix",
    "predict_meta",
    "predict_proba_meta",
    "progress",
    "stack",
    "stop_score",
    "transform_meta",
    "verbose",
)
# ... nor do these, which say what trials there are and how far they train.
_OF_SCHEDULES = (
    "aggressiveness",
    "decay_rate",
    "fits_per_score",
    "max_iter",
    "n_initial_iter",
    "n_initial_parameters",
    "patience",
    "schedule",
    "scores_per_fit",
    "tol",
)


class SearchJournal:
    """The journal of one `fit`, if it has any.

    Parameters
    ----------
    search : BaseIncrementalSearchCV
    journal : OpenJournal or None
    """

    def __init__(self, search: Any, journal: OpenJournal | None) -> None:
        self._search = search
        self._journal = journal
        self._identity: dict[str, Any] = {}

    @property
    def wanted(self) -> bool:
        """Whether there is one."""
        return self._journal is not None

    def seed(self, seed: np.random.SeedSequence) -> np.random.SeedSequence:
        """Return the seed of the search: that of the journal if the user gives none."""
        journal = self._journal
        if journal is None:
            return seed
        if journal.entropy is not None and self._search.random_state is None:
            seed = np.random.SeedSequence(journal.entropy)
        self._seed = seed
        return seed

    def check(self, estimator: Any) -> None:
        """Raise JournalMismatchError if the journal has a search with other arguments.

        Parameters
        ----------
        estimator : estimator
            That of the search, at hand.
        """
        if self._journal is None:
            return
        params = self._search.get_params(deep=False)
        arguments = {
            name: described(value)
            for name, value in params.items()
            if name not in (*_FREE, *_OF_SCHEDULES, "estimator", "random_state")
        }
        if not isinstance(arguments["refit"], str):
            del arguments["refit"]
        self._identity = {
            **arguments,
            "random_state": [described(self._seed.entropy), list(self._seed.spawn_key)],
            "estimator": described(estimator),
            "versions": versions_of(estimator),
        }
        self._journal.check(self._identity)

    def begin(
        self,
        trials: Mapping[int, Trial],
        label: Callable[[int], Mapping[str, Any]],
        data: Mapping[str, Any],
    ) -> list[Record | TrialFailure]:
        """Begin to record; return what earlier runs of the search have found.

        Parameters
        ----------
        trials : mapping of int to Trial
        label : callable
            Returns `model_id` and other labels of a trial.
        data : mapping of str to object
            What tells the rows, and how they are cut, from others.
        """
        if self._journal is None:
            return []
        now = [described(trials[i].params) for i in trials]
        facts = {
            "trials": [
                {"labels": described(label(i)), "params": now[i]} for i in trials
            ],
            "schedule": {
                name: described(value)
                for name, value in self._search.get_params(deep=False).items()
                if name in _OF_SCHEDULES
            },
        }
        first, events = self._journal.begin(
            self._seed.entropy, {**self._identity, "data": described(data)}, facts
        )
        return list(_known(first, events, now))

    def listener(
        self, rebuilds: Callable[[], bool], listen: Callable[[News], Any]
    ) -> Callable[[News], Any]:
        """Return a listener that records what is new before it passes it on.

        Parameters
        ----------
        rebuilds : callable
            Returns whether a model is only trained again, which is no news.
        listen : callable
        """
        journal = self._journal
        if journal is None:
            return listen

        def heard(news: News) -> Any:
            if isinstance(news, Record | TrialFailure) and not rebuilds():
                journal.write(_event_of(news))
            return listen(news)

        return heard

    def end(self, stopped: str, best: Record | None, elapsed: float) -> None:
        """Record the end of the search."""
        if self._journal is not None:
            self._journal.write(
                {
                    "event": "end",
                    "stopped": stopped,
                    "elapsed": elapsed,
                    "best": None if best is None else best.trial,
                }
            )


@contextmanager
def recording(search: Any) -> Iterator[SearchJournal]:
    """Open the journal of a search, if it has any, and close it however it ends."""
    with opened(search.journal, type(search).__name__) as journal:
        yield SearchJournal(search, journal)


def _event_of(news: Record | TrialFailure) -> dict[str, Any]:
    kind = "score" if isinstance(news, Record) else "failure"
    return {"event": kind, **asdict(news)}


_KINDS: dict[str, type] = {"score": Record, "failure": TrialFailure}


def _known(
    first: Mapping[str, Any], events: Sequence[Mapping[str, Any]], now: list[Any]
) -> Iterator[Record | TrialFailure]:
    """Yield what is known of trials whose parameters are what they were."""
    then = [trial["params"] for trial in first["trials"]]
    for event in events:
        if event["event"] == "resume":
            then = [trial["params"] for trial in event["trials"]]
        kind = _KINDS.get(event["event"])
        if kind is None:
            continue
        trial = event["trial"]
        if trial < len(now) and now[trial] == then[trial]:
            values = {f.name: event[f.name] for f in fields(kind)}
            if kind is Record:
                values["splits"] = tuple(values["splits"])
            yield kind(**values)
