# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say what holds for all tasks of a search, wherever they run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sklearn import config_context, get_config

from gpu_hpo.training._heard import Hearing


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """What holds for all tasks of a search; each kind of search adds its own.

    Attributes
    ----------
    config : dict
        scikit-learn's configuration where the search was started; threads and processes
        of workers have others.
    hearing : Hearing
        How warnings are treated.
    """

    config: Mapping[str, Any] = field(default_factory=get_config)
    hearing: Hearing = field(default_factory=Hearing)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Work under scikit-learn's configuration, and the warnings, of the search."""
        with config_context(**dict(self.config)), self.hearing.here():
            yield
