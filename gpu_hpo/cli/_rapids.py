# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Be a check of `rapids doctor`, by the entry point `rapids_doctor_check`."""

from __future__ import annotations

import warnings
from typing import Any

from gpu_hpo.cli._examination import Examination
from gpu_hpo.exceptions import GpuHpoWarning


def search_check(verbose: bool = False, **kwargs: Any) -> str:
    """Check that hyperparameter searches of gpu_hpo can run here, and where.

    Parameters
    ----------
    verbose : bool, default=False
        What `rapids doctor --verbose` says; all is returned either way.
    **kwargs : dict
        What later versions of rapids-cli may pass.

    Returns
    -------
    str
        Where searches will run, and why there.

    Raises
    ------
    RuntimeError
        If something is to be mended; it says what, and how.
    """
    examination = Examination(with_search=False)
    examination.begin()
    found = list(examination.findings())
    wrong = [f"{f.name}: {f.text}. Cure: {f.cure}" for f in found if f.status == "fail"]
    if wrong:
        raise RuntimeError("\n  ".join(wrong))
    for finding in found:
        if finding.status == "warn":
            warnings.warn(
                f"{finding.name}: {finding.text}. Cure: {finding.cure}", GpuHpoWarning
            )
    return examination.where
