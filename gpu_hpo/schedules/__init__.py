# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Decide which trial trains how long: pure rules, scores in and instructions out."""

from gpu_hpo.schedules._base import (
    Advance,
    Drop,
    Event,
    Failed,
    Instruction,
    Rung,
    Schedule,
    Scored,
)
from gpu_hpo.schedules._hyperband import Bracket, Hyperband, hyperband_brackets
from gpu_hpo.schedules._incremental import Incremental
from gpu_hpo.schedules._inverse_decay import InverseDecay, inverse_decay_rungs
from gpu_hpo.schedules._ladder import Ladder
from gpu_hpo.schedules._rounds import Rounds
from gpu_hpo.schedules._successive_halving import SuccessiveHalving, halving_rungs

__all__ = [
    "Advance",
    "Bracket",
    "Drop",
    "Event",
    "Failed",
    "Hyperband",
    "Incremental",
    "Instruction",
    "InverseDecay",
    "Ladder",
    "Rounds",
    "Rung",
    "Schedule",
    "Scored",
    "SuccessiveHalving",
    "halving_rungs",
    "hyperband_brackets",
    "inverse_decay_rungs",
]
