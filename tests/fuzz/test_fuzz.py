# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The generators of `make fuzz` work: a few of their cases."""

from pathlib import Path

import pytest

from tests.fuzz._core import run_case, unexplained
from tests.fuzz._explained import EXPLAINED
from tests.fuzz._grids import KINDS

GRIDS = {kind.name: kind for kind in KINDS}
PAGE = Path(__file__).parents[2] / "docs" / "migrating.md"
CASES = [("grid", 218), ("grid", 234), ("grid", 237), ("grid", 251)]
CASES += [("randomized", 228), ("randomized", 231), ("randomized", 248)]

# A search that multiplies its rows before it begins.
WRONG = """
class Wrong(GridSearchCV):
    def fit(self, X, y, **more):
        X[::2] *= -3
        return super().fit(X, y, **more)

GridSearchCV = Wrong

def build():
    X = np.random.default_rng(0).standard_normal((40, 3))
    y = (X[:, 0] > 0).astype(int)
    return Given(LogisticRegression(), {"C": [0.1, 1]}, X, y, cv=2)

differences = compare(build)
"""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", GRIDS)
def test_a_seed_gives_one_case(name, seed):
    """The same seed gives the same script, another one another, and both compile."""
    text = GRIDS[name].draw(seed).source()
    assert text == GRIDS[name].draw(seed).source()
    assert text != GRIDS[name].draw(seed + 1).source()
    compile(text, "case", "exec")


# Candidates that fail, rows that are written on, a scorer with state, frames, pairs of
# searches in threads.
@pytest.mark.parametrize(("name", "seed"), CASES)
def test_a_few_cases(name, seed):
    """What a search finds is what scikit-learn's finds by the documented rules."""
    found = run_case(GRIDS[name].draw(seed), EXPLAINED)
    assert unexplained(found) == []


@pytest.mark.parametrize("entry", EXPLAINED, ids=lambda entry: entry.name)
def test_what_is_excused_is_documented(entry):
    """Each excuse is a line of the page for those who come from dask-ml."""
    page = " ".join(PAGE.read_text().split())
    assert " ".join(entry.line.split()) in page


def test_a_wrong_search_is_found():
    """Other scores, and rows of the user that are written on, are differences."""
    case = GRIDS["grid"].draw(0)
    case.body = WRONG
    kinds = {difference.kind for difference in run_case(case, EXPLAINED)}
    assert "mean_test_score: ours and scikit-learn's" in kinds
    assert "X changed" in kinds
