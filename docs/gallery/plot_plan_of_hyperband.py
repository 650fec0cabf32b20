# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
What max_iter and aggressiveness mean
=====================================

Hyperband's arguments decide how many models there are, and after how many calls most of
them are dropped. That is known before anything is trained: `gpu_hpo.schedules` says it,
and so does the command ``gpu-hpo plan``.
"""

import matplotlib.pyplot as plt

from gpu_hpo.schedules import halving_rungs, hyperband_brackets

max_iter = 81
figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for axes, aggressiveness in zip(panels, [3, 4], strict=True):
    models = 0
    for bracket in hyperband_brackets(max_iter, aggressiveness):
        rungs = halving_rungs(
            bracket.n_trials, bracket.n_calls, aggressiveness, max_iter
        )
        axes.plot(
            [rung.calls for rung in rungs],
            [rung.n_trials for rung in rungs],
            marker="o",
            label=f"bracket {bracket.index}",
        )
        models += bracket.n_trials
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="calls",
        title=f"aggressiveness={aggressiveness}: {models} models",
    )
    axes.legend()
panels[0].set_ylabel("models that get there")
plt.show()
