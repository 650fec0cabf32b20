# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Write what searches find for TensorBoard."""

from __future__ import annotations

import os
import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpu_hpo._arguments import checked
from gpu_hpo.callbacks._tracking import (
    SearchEnd,
    Tracker,
    TrackingCallback,
    TrialLog,
    need,
)

_MOST_OPEN = 32  # files; each has a thread


class TensorBoardCallback(TrackingCallback):
    """Write each score for TensorBoard, in a folder per search and trial.

    The folder of a trial has each score and metric at its number of calls (in a grid:
    at its split), its parameters for the tab HParams with its last scores as
    ``final/score`` and so on, seconds, worker, status and error. The folder of the
    search has the best score so far, at the number of scores, and in the end its best
    parameters. Look at it by ``tensorboard --logdir runs``.

    A thread writes. If that fails, a warning says so and the search goes on.

    Parameters
    ----------
    log_dir : str or path, default="runs"
        Each search makes a folder in it, named by its class and the time.

    Raises
    ------
    ImportError
        If tensorboardX is not installed: ``pip install 'gpu_hpo[tensorboard]'``.

    Examples
    --------
    >>> from gpu_hpo.callbacks import TensorBoardCallback
    >>> callback = TensorBoardCallback("runs")  # doctest: +SKIP
    >>> search.set_callbacks(callback).fit(X, y)  # doctest: +SKIP
    """

    @checked(log_dir=[str, os.PathLike])
    def __init__(self, log_dir: str | os.PathLike[str] = "runs") -> None:
        need("tensorboardX", "tensorboard", "TensorBoardCallback")
        super().__init__()
        self.log_dir = log_dir

    def _tracker(self) -> Tracker:
        return _TensorBoardTracker(Path(self.log_dir).absolute())


class _TensorBoardTracker:
    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._folder = log_dir
        # By folder, the one used last at the end.
        self._writers: OrderedDict[Path, Any] = OrderedDict()
        self._n_files = self._n_scores = 0

    def open(self, name: str) -> None:
        when = time.strftime("%Y%m%d-%H%M%S")
        self._folder = self._log_dir / f"{name}-{when}-{uuid.uuid4().hex[:6]}"
        self._writer(self._folder)

    def begin(self, trial: TrialLog) -> None:
        self._writer(self._of(trial))

    def score(
        self, trial: TrialLog, step: int, scores: Mapping[str, float], best: float
    ) -> None:
        writer = self._writer(self._of(trial))
        for name, value in scores.items():
            writer.add_scalar(name, value, step)
        self._n_scores += 1
        self._writer(self._folder).add_scalar("best_score", best, self._n_scores)

    def end(self, trial: TrialLog) -> None:
        from tensorboardX.summary import hparams

        folder = self._of(trial)
        writer = self._writer(folder)
        for name in ("status", "worker", "error"):
            writer.add_text(name, getattr(trial, name) or "none")
        final = {f"final/{n}": float(value) for n, value in trial.values.items()}
        for name, value in final.items():
            writer.add_scalar(name, value, 0)
        # In the same file, so that scores and parameters are of one run.
        for summary in hparams(dict(trial.params), dict.fromkeys(final, 0.0)):
            writer.file_writer.add_summary(summary)
        self._close(folder)

    def flush(self) -> None:
        """Do nothing: writers write every few seconds."""

    def close(self, end: SearchEnd) -> None:
        try:
            if self._folder != self._log_dir and end.best_score is not None:
                writer = self._writer(self._folder)
                writer.add_scalar("best_score", end.best_score, self._n_scores)
                writer.add_text("best_params", repr(end.best_params))
                writer.add_text("stopped", end.stopped or end.status)
        finally:
            for folder in list(self._writers):
                self._close(folder)

    def _of(self, trial: TrialLog) -> Path:
        safe = "".join(c if c.isalnum() or c in "-_=." else "_" for c in trial.name)
        return self._folder / f"trial-{safe}"

    def _writer(self, folder: Path) -> Any:
        """Return what writes to a folder, and close what was not used for longest."""
        from tensorboardX import SummaryWriter

        if folder not in self._writers:
            while len(self._writers) >= _MOST_OPEN:
                self._close(next(iter(self._writers)))
            # Files of one second would have one name. They are read in their order.
            self._n_files += 1
            suffix = f".{self._n_files:06}"
            self._writers[folder] = SummaryWriter(
                str(folder), filename_suffix=suffix, flush_secs=10
            )
        self._writers.move_to_end(folder)
        return self._writers[folder]

    def _close(self, folder: Path) -> None:
        self._writers.pop(folder).close()
