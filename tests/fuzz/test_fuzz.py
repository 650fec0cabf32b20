# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The generators of `make fuzz` work: a few of their cases."""

import pytest

from tests.fuzz._grids import KINDS

GRIDS = {kind.name: kind for kind in KINDS}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", GRIDS)
def test_a_seed_gives_one_case(name, seed):
    """The same seed gives the same script, another one another, and both compile."""
    text = GRIDS[name].draw(seed).source()
    assert text == GRIDS[name].draw(seed).source()
    assert text != GRIDS[name].draw(seed + 1).source()
    compile(text, "case", "exec")
