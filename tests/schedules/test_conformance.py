# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Every schedule passes the conformance suite, whatever its parameters."""

import pytest
from hypothesis import given, settings

from gpu_hpo.testing import check_schedule
from tests.schedules import draws


@pytest.mark.parametrize(
    "factories", ["ladders", "halvings", "hyperbands", "incrementals", "decays"]
)
def test_conforms(factories):
    """It passes with ties, scores that are not finite, failures and plateaus."""

    @given(getattr(draws, factories), draws.kinds, draws.seeds, draws.shares)
    @settings(max_examples=80)
    def check(factory, kind, seed, share):
        check_schedule(
            factory,
            score=draws.scores(seed, kind),
            fails=draws.failures(seed, share),
            seed=seed,
            orders=2,
        )

    check()
