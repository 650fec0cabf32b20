# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Record what fits have scored in a journal, and read it back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from dask.base import tokenize

from gpu_hpo._typing import Params
from gpu_hpo.compute._pool import Handle, Pool
from gpu_hpo.data._chunk import digest
from gpu_hpo.exhaustive._fold_scores import Evaluation
from gpu_hpo.journal._identity import described
from gpu_hpo.journal._journal import OpenJournal, opened
from gpu_hpo.journal._versions import versions_of

# Arguments that may be others when a search is gone on with: they do not change what a
# candidate scores on a split.
_FREE = (
    "cache_cv",
    "device",
    "iid",
    "journal",
    "max_seconds",
    "n_iter",
    "n_jobs",
    "param_distributions",
    "param_grid",
    "pre_dispatch",
    "progress",
    "random_state",  # of the parameters that are drawn
    "refit",
    "scheduler",
    "stop_score",
    "verbose",
)


class FitJournal:
    """The journal of one `fit`, if it has any.

    Parameters
    ----------
    search : ExhaustiveSearch
    journal : OpenJournal or None
    """

    def __init__(self, search: Any, journal: OpenJournal | None) -> None:
        self._search = search
        self._journal = journal
        self._identity: dict[str, Any] = {}
        self._known: dict[tuple[str, int], Evaluation] = {}
        self._keys: dict[int, str] = {}
        self._began = monotonic()
        self.before = 0.0  # seconds of earlier runs
        if journal is not None:
            self._check()

    def _check(self) -> None:
        """Raise an error if the arguments do not let the search be gone on with."""
        assert self._journal is not None
        search = self._search
        params = search.get_params(deep=False)
        if params.get("random_state", 0) is None:
            raise ValueError(
                "random_state=None draws other parameters at each fit, so that a "
                "journal could not be gone on with; random_state must be a number"
            )
        self._identity = {
            name: described(value)
            for name, value in params.items()
            if name not in _FREE
        }
        self._identity["versions"] = versions_of(search.estimator)
        self._journal.check(self._identity)

    @property
    def wanted(self) -> bool:
        """Whether there is one."""
        return self._journal is not None

    def begin(self, pool: Pool, data: Handle) -> None:
        """Begin to record; find out what earlier runs of the search have scored.

        Parameters
        ----------
        pool : Pool
        data : handle
            The rows; they are read where they are.
        """
        if self._journal is None:
            return
        identity = {**self._identity, "data": pool.run(_digests, data)}
        _, events = self._journal.begin(0, identity, {"trials": []})
        for event in events:
            self.before = max(self.before, event.get("elapsed", 0.0))
            if event["event"] == "fit":
                self._known[_key(event["params"]), event["split"]] = _evaluation(event)

    def check_splits(self, splits: Sequence[tuple[Any, Any]]) -> None:
        """Raise JournalMismatchError unless the splits are those of earlier runs."""
        if self._journal is None:
            return
        self._journal.check_part({"splits": tokenize(list(splits))})

    def known(self, number: int, split: int, params: Params) -> Evaluation | None:
        """Return what a candidate has scored on a split in an earlier run, or None."""
        if not self._known:
            return None
        if number not in self._keys:
            self._keys[number] = _key(described(params))
        return self._known.get((self._keys[number], split))

    def write(
        self, number: int, split: int, params: Params, evaluation: Evaluation
    ) -> None:
        """Record what a candidate has scored on a split."""
        if self._journal is None or self.known(number, split, params) is not None:
            return
        self._journal.write(
            {
                "event": "fit",
                "trial": number,
                "params": described(params),
                "split": split,
                "test": evaluation.test,
                "train": evaluation.train,
                "metric": self._search.refit,  # by name, if it is one of several
                "fit_seconds": evaluation.fit_time,
                "score_seconds": evaluation.score_time,
                "error": evaluation.error,
                "scoring_failures": evaluation.scoring_failures,
                "elapsed": self._elapsed,
            }
        )

    def end(self, stopped: str) -> None:
        """Record the end of the search."""
        if self._journal is not None:
            self._journal.write(
                {"event": "end", "stopped": stopped, "elapsed": self._elapsed}
            )

    @property
    def _elapsed(self) -> float:
        return self.before + monotonic() - self._began


@contextmanager
def recording(search: Any) -> Iterator[FitJournal]:
    """Open the journal of a search, if it has any, and close it however it ends."""
    with opened(search.journal, type(search).__name__) as journal:
        yield FitJournal(search, journal)


def _key(params: Any) -> str:
    return json.dumps(params, sort_keys=True)


def _evaluation(event: Mapping[str, Any]) -> Evaluation:
    return Evaluation(
        event["test"],
        event["train"],
        event["fit_seconds"],
        event["score_seconds"],
        event["error"],
        list(event["scoring_failures"]),
    )


def _digests(rows: Mapping[str, Any]) -> dict[str, str]:
    """Return digests of X, y and the parameters of fits and scores, by name."""
    found = {}
    for name, value in rows.items():
        parts = value if isinstance(value, Mapping) else {"": value}
        for part, given in parts.items():
            found[f"{name} {part}".strip()] = digest(given)
    return found
