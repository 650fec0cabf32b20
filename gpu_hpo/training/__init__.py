# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How a cohort of models advances and is scored on one device."""

from gpu_hpo.training._budgets import Budget, Parameter, PartialFit, make_budget
from gpu_hpo.training._cohort import advance_cohort
from gpu_hpo.training._members import Cohort, Member, Outcome, Work
from gpu_hpo.training._models import (
    Recipe,
    Trial,
    make_model,
    takes_classes,
    unset_seeds,
)
from gpu_hpo.training._scoring import Scoring, make_scoring
from gpu_hpo.training._stack import Stack, stack_groups, stack_key, takes_rows

__all__ = [
    "Budget",
    "Cohort",
    "Member",
    "Outcome",
    "Parameter",
    "PartialFit",
    "Recipe",
    "Scoring",
    "Stack",
    "Trial",
    "Work",
    "advance_cohort",
    "make_budget",
    "make_model",
    "make_scoring",
    "stack_groups",
    "stack_key",
    "takes_classes",
    "takes_rows",
    "unset_seeds",
]
