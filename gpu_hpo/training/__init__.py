# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How a cohort of models advances and is scored on one device."""

from gpu_hpo.training._budgets import Budget, Parameter, PartialFit, make_budget
from gpu_hpo.training._candidates import (
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
from gpu_hpo.training._fold_scores import Evaluation
from gpu_hpo.training._heard import Announcer, Heard, Hearing, recorded, say
from gpu_hpo.training._lending import Access, access_of, lend, lend_params
from gpu_hpo.training._members import Cohort, Member, Outcome, Work
from gpu_hpo.training._models import (
    Recipe,
    Trial,
    make_model,
    takes_classes,
    train_on_lent,
)
from gpu_hpo.training._scoring import Scoring, ask, make_scoring, read_scorer
from gpu_hpo.training._seeds import Place, unset_seeds
from gpu_hpo.training._snapshots import (
    NotCopyableError,
    Snapshot,
    own_functions,
    snapshot_or_share,
    snapshot_param,
)
from gpu_hpo.training._stack import (
    Stack,
    fits_together,
    stack_groups,
    stack_key,
    takes_rows,
)

__all__ = [
    "Access",
    "Announcer",
    "Budget",
    "Cohort",
    "Evaluation",
    "Heard",
    "Hearing",
    "Member",
    "NotCopyableError",
    "Outcome",
    "Parameter",
    "PartialFit",
    "Place",
    "Recipe",
    "Scoring",
    "Snapshot",
    "Stack",
    "Terms",
    "Told",
    "Trial",
    "Work",
    "access_of",
    "advance_cohort",
    "ask",
    "can_share",
    "cut_fold",
    "cut_rows",
    "evaluate",
    "fit_step",
    "fit_whole",
    "fits_together",
    "join_parts",
    "lend",
    "lend_params",
    "make_budget",
    "make_model",
    "make_scoring",
    "needs_whole",
    "own_functions",
    "read_scorer",
    "recorded",
    "say",
    "snapshot_or_share",
    "snapshot_param",
    "stack_groups",
    "stack_key",
    "takes_classes",
    "takes_rows",
    "train_on_lent",
    "unset_seeds",
]
