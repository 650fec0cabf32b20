# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How a cohort of models advances and is scored on one device."""

from gpu_hpo.training._budgets import Budget, Parameter, PartialFit, make_budget
from gpu_hpo.training._candidates import (
    Evaluation,
    Told,
    can_share,
    evaluate,
    fit_whole,
    needs_whole,
)
from gpu_hpo.training._cohort import advance_cohort
from gpu_hpo.training._fold import (
    Terms,
    cut_fold,
    cut_rows,
    fit_step,
    join_parts,
)
from gpu_hpo.training._members import Cohort, Member, Outcome, Work
from gpu_hpo.training._models import (
    Recipe,
    Trial,
    make_model,
    takes_classes,
    unset_seeds,
)
from gpu_hpo.training._scoring import Scoring, make_scoring, read_scorer
from gpu_hpo.training._stack import (
    Stack,
    fits_together,
    stack_groups,
    stack_key,
    takes_rows,
)

__all__ = [
    "Budget",
    "Cohort",
    "Evaluation",
    "Member",
    "Outcome",
    "Parameter",
    "PartialFit",
    "Recipe",
    "Scoring",
    "Stack",
    "Terms",
    "Told",
    "Trial",
    "Work",
    "advance_cohort",
    "can_share",
    "cut_fold",
    "cut_rows",
    "evaluate",
    "fit_step",
    "fit_whole",
    "fits_together",
    "join_parts",
    "make_budget",
    "make_model",
    "make_scoring",
    "needs_whole",
    "read_scorer",
    "stack_groups",
    "stack_key",
    "takes_classes",
    "takes_rows",
    "unset_seeds",
]
