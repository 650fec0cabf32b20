# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find which trials of a search may train in one stack."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping

from gpu_hpo.adaptive.training._models import Trial, TrialSpec, make_model
from gpu_hpo.stacks._contract import stack_key

logger = logging.getLogger(__name__)


def stack_groups(spec: TrialSpec, trials: Mapping[int, Trial]) -> dict[int, Hashable]:
    """Find which trials may train in one stack from the start.

    Returns
    -------
    dict of int to Hashable
        Trials with equal values may share a stack; the others are left out.
    """
    groups: dict[int, Hashable] = {}
    if spec.budget.refits or not hasattr(spec.prototype, "stack_key"):
        return groups
    for number, trial in trials.items():
        try:
            model = make_model(
                spec.prototype, trial, spec.unset_seeds, spec.converted_to
            )
            key = stack_key(model)
        except Exception as error:
            # This trial fails alone, with the same error, where it is trained.
            logger.info("trial %d cannot be stacked: %r", number, error)
        else:
            if key is not None:
                groups[number] = key
    return groups
