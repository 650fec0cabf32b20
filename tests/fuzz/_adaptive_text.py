# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The text of a search that stops early: estimator, space, options and rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.fuzz._adaptive_backends import OTHERS
from tests.fuzz._adaptive_text_data import Rows, draw_data
from tests.fuzz._adaptive_text_models import Model, chance, draw_model, pick

# The killed worker takes seconds to come back.
_WEIGHTS = np.array([4, 4, 4, 2, 1, 2, 1, 1, 0.15])


@dataclass
class Drawn:
    """Lines of a script, and what they are about."""

    lines: list[str] = field(default_factory=list)


def draw_case(rng: np.random.Generator, others: int) -> Drawn:
    """Draw a search, its rows, and where else it runs."""
    model = draw_model(rng)
    rows = draw_data(rng, model)
    call, imports = _search(rng, model)
    options = _options(rng, model, rows, imports)
    # What these do is not said in so many words.
    unknown = call.pop("unknown", False) or _unknown(model, rows, options)
    named = {k: v for k, v in call.items() if k not in ("class", "first")} | options
    first = "".join(f"        {line},\n" for line in call["first"])
    text = "".join(f"        {name}={value},\n" for name, value in named.items())
    lines = [
        *model.imports,
        *rows.imports,
        *imports,
        "\n",
        "def make(**options):",
        f"    return {call['class']}(",
        f"        {model.text},",
        f"        {model.space},",
        f"{first}{text}        **options,",
        "    )",
        "\n",
        "def data():",
        *(f"    {line}" for line in rows.lines),
        "\n",
        f"differences = check({_checks(rng, others, not unknown, model)})",
    ]
    return Drawn(lines)


def _checks(rng: np.random.Generator, others: int, loop: bool, model: Model) -> str:
    text = "make, data"
    if not loop:
        text += ", loop=False"
    if others:
        weights = _WEIGHTS / _WEIGHTS.sum()
        places = rng.choice(OTHERS, others, replace=False, p=weights)
        text += f", others={[str(place) for place in places]}"
    if model.stacks:
        text += ", unstacked={'stack': False}"
    return text


def _search(rng: np.random.Generator, model: Model) -> tuple[dict[str, Any], list]:
    """Class and arguments of a search, and what they import."""
    least = model.least_calls
    kind = pick(rng, "hyperband", "hyperband", "halving", "plain", "decay", "rounds")
    patience = not model.refits and chance(rng, 0.25)
    call: dict[str, Any] = {"first": []}
    grid = not any(d in model.space for d in ("uniform(", "randint("))
    grid = grid and chance(rng, 0.3)
    if kind == "hyperband":
        most = pick(rng, 3, 4, 6, 8, 9, 9, 10)
        eta = pick(rng, 2, 3, 3, 4)
        call |= {"class": "HyperbandSearchCV", "max_iter": most, "aggressiveness": eta}
        if patience:
            call |= {"patience": pick(rng, True, 2, 3), "tol": pick(rng, 1e-3, 0.05)}
        return call, []
    n = pick(rng, 2, 3, 5, 8, 9)
    call["n_initial_parameters"] = '"grid"' if grid and kind != "halving" else n
    if kind == "halving":
        begin, eta = max(pick(rng, 1, 1, 2, 3), least), pick(rng, 2, 3)
        most = pick(rng, None, begin, begin + 2, 8)
        most = most if most is None else max(most, begin)
        call |= {
            "class": "SuccessiveHalvingSearchCV",
            "n_initial_iter": begin,
            "max_iter": most,
            "aggressiveness": eta,
        }
    elif kind in ("plain", "decay"):
        most = max(pick(rng, 1, 2, 4, 6, 9), least)
        call |= {"class": "IncrementalSearchCV", "max_iter": most}
        call |= {"fits_per_score": pick(rng, 1, 1, 2, 3)}
        if kind == "plain":
            call["decay_rate"] = None
        else:
            call |= {"class": "InverseDecaySearchCV", "decay_rate": pick(rng, 1.0, 0.5)}
    else:
        most = max(pick(rng, 4, 6, 9), least)
        rule = pick(rng, "drop_worst", "best_half_twice_as_long", "unevenly")
        schedule = f"models.rounds(models.{rule}, max_calls={most}"
        begin = max(pick(rng, 1, 1, 2), least)
        schedule += f", first_calls={begin})"
        call |= {"class": "ScheduledSearchCV", "first": [schedule]}
        patience = False
    if patience:
        patient, tol = pick(rng, 2, 3), pick(rng, 1e-3, 0.05, None)
        most = call.get("max_iter") or patient
        if most >= 2:
            call |= {"patience": min(patient, most), "tol": tol}
        if kind == "decay":
            call["unknown"] = True
    return call, []


def _options(
    rng: np.random.Generator, model: Model, rows: Rows, imports: list[str]
) -> dict[str, Any]:
    """Options that all searches have."""
    options: dict[str, Any] = {"random_state": int(rng.integers(1000))}
    if chance(rng, 0.1):
        options["random_state"] = f"np.random.RandomState({options['random_state']})"
    if model.resource != "partial_fit":
        options["resource"] = repr(model.resource)
    if not rows.dask and not model.refits and chance(rng, 0.9):
        options["chunk_size"] = int(rng.integers(20, 60))
    scoring, decides = pick(rng, *model.scorings)
    if scoring is not None:
        options["scoring"] = scoring
    way = pick(rng, "", "", "size", "folds", "splitter")
    if rows.validation or (way == "splitter" and not rows.known):
        way = ""
    if way == "size":
        options["test_size"] = pick(rng, 0.2, 0.3, 0.5)
    elif way == "folds":
        options["cv"] = pick(rng, 2, 3)
    elif way == "splitter":
        choices = [
            "KFold(2, shuffle=True, random_state=0)",
            "ShuffleSplit(2, test_size=0.3, random_state=1)",
            "KFold(3, shuffle=True, random_state=np.random.RandomState(3))",
        ]
        if rows.groups:
            choices = ["GroupKFold(2)", "GroupShuffleSplit(2, random_state=2)"]
        options["cv"] = pick(rng, *choices)
        imports.append(
            f"from sklearn.model_selection import {options['cv'].partition('(')[0]}"
        )
    if decides is not None:
        options["refit"] = repr(decides)
    elif chance(rng, 0.3):
        options["refit"] = pick(rng, True, False)
    if (
        model.target != "numbers"
        and way != "splitter"
        and not rows.groups
        and chance(rng, 0.15)
    ):
        options["stratify"] = pick(rng, True, False)
    return options


def _unknown(model: Model, rows: Rows, options: dict[str, Any]) -> bool:
    """Whether the loop does not know how to do as the options say."""
    return False
