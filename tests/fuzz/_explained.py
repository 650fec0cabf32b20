# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Differences that are meant, each with the line of the documentation that says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fuzz._core import Difference


@dataclass(frozen=True)
class Explained:
    """A kind of difference that is no fault.

    Parameters
    ----------
    name : str
        How it is counted.
    applies : callable
        Says of a case and a difference whether it is one of these.
    line : str
        A piece of `docs/migrating.md`, word by word, that explains it.
    """

    name: str
    applies: Callable[[Any, Difference], bool]
    line: str


def _by_the_rules(*traits: str, kinds: str = "") -> Callable[[Any, Difference], bool]:
    """Apply to what scikit-learn's search finds otherwise than by the documented rules.

    What ours finds is compared with the rules alone, so nothing of ours is excused.
    """

    def applies(case: Any, difference: Difference) -> bool:
        what, _, between = difference.kind.partition(": ")
        return (
            between == "the rules and scikit-learn"
            and not {*traits}.isdisjoint(getattr(case, "traits", ()))
            and re.search(kinds, what) is not None
        )

    return applies


def _before_scoring(case: Any, difference: Difference) -> bool:
    return (
        difference.kind == "error: the rules and scikit-learn"
        and re.search(
            r"instead of \('(AttributeError', 'It has none|UnsetMeta)", difference.text
        )
        is not None
    )


def _of_another(case: Any, difference: Difference) -> bool:
    again = difference.kind == "error: second and first fit"
    return difference.kind.startswith("error of another candidate") or (
        again and "error_score='raise'" in case.source()
    )


EXPLAINED = [
    Explained(
        "the first error that is met",
        _of_another,
        'With `error_score="raise"` and several candidates that fail',
    ),
    Explained(
        "what scorers raise before they score",
        _before_scoring,
        "What several scorers raise before the first of them is called",
    ),
    Explained(
        "scikit-learn scores rows that a fit has written on",
        _by_the_rules("in place", kinds="^(splits|mean|std)_train_|warnings"),
        "the training scores are those of the rows as they were",
    ),
    Explained(
        "scikit-learn's fits share what they are given",
        _by_the_rules("state", "cannot be copied"),
        "Each fit has its own copy of fit parameters, and each scoring its own copy of "
        "the scorer",
    ),
    Explained(
        "rows are transformed once for several scorers",
        _by_the_rules(
            "draws", "in place", kinds="^(splits|mean|std|rank|best|answers)"
        ),
        "For several scorers the rows are transformed once",
    ),
    Explained(
        "infinite scores rank last",
        _by_the_rules("inf", kinds="^(rank|best|answers|warnings|error)"),
        "A score that is NaN or infinite ranks last",
    ),
    Explained(
        "sparse rows arrive sorted",
        _by_the_rules("unsorted", kinds="^(splits|mean|std|rank|best|answers)"),
        "The indices of sparse rows are sorted before a fit",
    ),
    Explained(
        "the layout of rows in memory",
        lambda case, difference: (
            difference.kind == "error: ours and scikit-learn's"
            and "ndarray is not C-contiguous" in difference.text
        ),
        'errors about the layout ("ndarray is not C-contiguous")',
    ),
    Explained(
        "several scores from one function that fails",
        lambda case, difference: (
            difference.kind == "error: ours and scikit-learn's"
            and re.search("not 'dict'|'float' object is not subscr", difference.text)
            is not None
        ),
        "If a function that gives several scores fails for some candidates",
    ),
    Explained(
        "metrics sum in another order",
        lambda case, difference: difference.kind == "loop: last bits of scores",
        "a score may differ from scikit-learn's in its last bits",
    ),
    Explained(
        "other layouts round otherwise",
        lambda case, difference: (
            difference.kind == "loop: last bits of models"
            and "X = np.asfortranarray(X)" in case.source()
        ),
        "Their layout in memory may then differ from that in scikit-learn, and with it "
        "the last bits",
    ),
    Explained(
        "what is fitted may be written",
        _by_the_rules("read-only", kinds="^(error|warnings)"),
        "A step that writes on rows which are read-only",
    ),
]
