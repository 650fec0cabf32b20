# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run a search that stops early here and there, and compare what comes out."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz._adaptive_answers import answers_of, first_line
from tests.fuzz._adaptive_backends import FIRST, shared_backends
from tests.fuzz._adaptive_data import Data, marks
from tests.fuzz._adaptive_loop import compare_with_loop
from tests.fuzz._adaptive_trials import NotRecordedError

Found = list[tuple[str, str]]
# What distributed and Python say of a machine that is slow.
_NOISE = re.compile("heartbeat|unresponsive|took longer|Sending large|unclosed|garbage")

# What searches refuse, and what models do that are made to fail.
_EXPECTED = re.compile(
    "fails at call|predicts not after|this one has no score|'no such |no rows are left|"
    "none of [0-9]+ trials got a finite|has no row to (train|validate) on|"
    "there must be a group|let chunks be smaller|is 0 for all rows|"
    "implementation of clip"
)


@dataclass
class Result:
    """What a search came to: `error`, or else what the other attributes say."""

    search: Any = None
    error: str = ""
    warnings: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def facts(self) -> dict[str, Any]:
        """What has to be the same wherever the search runs."""
        if self.error:
            return {"error": self.error}
        search = self.search
        table = search.cv_results_
        facts = {
            "params": [_shown(p) for p in table["params"]],
            "scores": _scores(search),
            "status": [str(s) for s in table["status"]],
            "errors": [_last_line(e) for e in table["error"]],
            "ranks": table["rank_test_score"].tolist(),
            "best_index_": search.best_index_,
            "best_score_": repr(float(search.best_score_)),
            "best_params_": _shown(search.best_params_),
            "metadata_": _shown(search.metadata_),
            "warnings": self.warnings,
        }
        return facts


def _scores(search: Any) -> dict[str, list[Any]]:
    """Scores of each model by calls, whenever they came in."""
    return {
        str(model): sorted(
            (entry["partial_fit_calls"], *_numbers(entry)) for entry in entries
        )
        for model, entries in search.model_history_.items()
    }


def _numbers(entry: dict[str, Any]) -> list[str]:
    names = [k for k in sorted(entry) if k == "score" or "test_" in k]
    return [repr(float(entry[name])) for name in names]


def _shown(params: dict[str, Any]) -> str:
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(params))


def _last_line(text: str) -> str:
    lines = str(text).strip().splitlines()
    # Sets are shown in an order that differs between processes.
    return re.sub(r" at 0x[0-9a-fA-F]+|{[^}]*}", "", lines[-1]) if lines else ""


def run_once(
    name: str, make: Callable[..., Any], data: Callable[[], Data], **options: Any
) -> Result:
    """Fit a new search to new data in one place."""
    search, given = make(**options), data()
    args, params = given.given()
    owned = {
        "X": given.X,
        "y": given.y,
        "sample_weight": given.weight,
        "groups": given.groups,
        "validation_data": given.validation,
        "fit parameters": given.fit,
        "estimator": search.estimator,
        "parameters": search.parameters,
        "scoring": search.scoring,
        "cv": search.cv,
    }
    before = {key: marks(value) for key, value in owned.items()}
    result = Result()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result.search = shared_backends().fit(name, search, args, params)
        except Exception as error:
            result.error = f"{type(error).__name__}: {first_line(error)}"
    texts = {f"{w.category.__name__}: {w.message}" for w in caught}
    result.warnings = sorted(text for text in texts if not _NOISE.search(text))
    result.changed = [k for k, v in owned.items() if marks(v) != before[k]]
    return result


def check(
    make: Callable[..., Any],
    data: Callable[[], Data],
    *,
    loop: bool = True,
    others: Iterable[str] = (),
    **variants: dict[str, Any],
) -> Found:
    """Compare a search with a plain loop, and with itself elsewhere.

    Parameters
    ----------
    make : callable
        ``make(**options)`` gives a new search.
    data : callable
        Gives new data, the same each time.
    loop : bool
        Whether the plain loop can do what the search does.
    others : iterable of str
        Places to search, besides one thread of this process.
    **variants : dict
        Options of the search that change nothing, by a name for them.

    Returns
    -------
    list of (str, str)
        Kinds and texts of what differs.
    """
    first = run_once(FIRST, make, data)
    found = _unchanged(FIRST, first)
    runs = {name: (name, {}) for name in others}
    runs |= {name: (FIRST, options) for name, options in variants.items()}
    if first.error and not _EXPECTED.search(first.error):
        found.append(("raised", first.error))
    if loop and not first.error:
        with suppress(NotRecordedError):  # what it found is the other runs' to find
            found += compare_with_loop(first.search, make(), data)
    answers = None if first.error else _answers(first.search, data)
    for title, (place, options) in runs.items():
        other = run_once(place, make, data, **options)
        found += _unchanged(title, other)
        found += _differing(title, first, other)
        if answers is not None and not other.error:
            theirs = _answers(other.search, data)
            for name in answers:
                if answers[name] != theirs.get(name):
                    text = f"{answers[name]!s:.150} there {theirs.get(name)!s:.150}"
                    found.append((f"{title}: best_estimator_", f"{name}: {text}"))
    return found


def _unchanged(title: str, result: Result) -> Found:
    return [
        ("overwritten", f"{title}: the user's {name} was changed")
        for name in result.changed
    ]


def _differing(title: str, first: Result, other: Result) -> Found:
    ours, theirs = first.facts, other.facts
    if ours.keys() != theirs.keys():
        text = f"{first.error or 'ends well'} there {other.error or 'ends well'}"
        return [(f"{title}: error", text)]
    found = []
    for name, value in ours.items():
        if name == "warnings" and title == "task of a process":
            continue  # where it warns is where the task runs
        if value != theirs[name]:
            found.append((f"{title}: {name}", _contrast(value, theirs[name])))
    return found


def _contrast(a: Any, b: Any) -> str:
    """Say where two values differ first."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key in a:
            if a[key] != b[key]:
                return f"{key}: {_contrast(a[key], b[key])}"
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, pair in enumerate(zip(a, b, strict=True)):
            if pair[0] != pair[1]:
                return f"{i}: {_contrast(*pair)}"
    return f"{a!s:.200} there {b!s:.200}"


def _answers(search: Any, data: Callable[[], Data]) -> dict[str, Any]:
    model = getattr(search, "best_estimator_", None)
    return {} if model is None else answers_of(model, data)
