# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define the settings under which workers train and score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sklearn import config_context, get_config

from gpu_hpo.training._heard import Hearing


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """Settings that hold for all tasks of a search; each kind of search adds its own.

    Attributes
    ----------
    config : dict
        scikit-learn's settings where the search was started; threads and processes of
        workers have others.
    hearing : Hearing
        How warnings are treated.
    """

    config: Mapping[str, Any] = field(default_factory=get_config)
    hearing: Hearing = field(default_factory=Hearing)

    @contextmanager
    def settings(self) -> Iterator[None]:
        """Work under the settings of the search."""
        with config_context(**dict(self.config)), self.hearing.here():
            yield
