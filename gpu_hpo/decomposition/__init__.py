# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which fits the candidates of a search have in common. Nothing is fitted here."""

from gpu_hpo.decomposition._columns import Columns
from gpu_hpo.decomposition._composites import (
    LAST,
    numbers_in,
    put_together,
    with_stand_ins,
    without_stand_ins,
)
from gpu_hpo.decomposition._nodes import ROOT, Joined, Leaf, Node, Step
from gpu_hpo.decomposition._planner import Plan, Planner
from gpu_hpo.decomposition._stand_in import StandIn

__all__ = [
    "LAST",
    "ROOT",
    "Columns",
    "Joined",
    "Leaf",
    "Node",
    "Plan",
    "Planner",
    "StandIn",
    "Step",
    "numbers_in",
    "put_together",
    "with_stand_ins",
    "without_stand_ins",
]
