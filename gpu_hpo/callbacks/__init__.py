# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tell others what a search finds, while it runs: `search.set_callbacks(...)`.

Any object that follows scikit-learn's ``FitCallback`` may be set. `SearchCallback` is a
base for your own; the others send scores to MLflow, Weights & Biases and TensorBoard,
each imported when its callback is made.
"""

from gpu_hpo.callbacks._base import SearchCallback
from gpu_hpo.callbacks._mlflow import MLflowCallback
from gpu_hpo.callbacks._tensorboard import TensorBoardCallback
from gpu_hpo.callbacks._wandb import WandbCallback

__all__ = [
    "MLflowCallback",
    "SearchCallback",
    "TensorBoardCallback",
    "WandbCallback",
]
