# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Send what searches find to Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpu_hpo._arguments import checked
from gpu_hpo.callbacks._tracking import (
    SearchEnd,
    Tracker,
    TrackingCallback,
    TrialLog,
    need,
)


class WandbCallback(TrackingCallback):
    """Send each score to Weights & Biases: one run per search.

    Not one per trial: opening a run takes a second or more, and a search has hundreds
    of trials, most of which train for a second. Each score is a row of the run's
    history, with the number and name of its trial, ``calls`` (in a grid: ``split``),
    all metrics, and the best score so far; draw ``score`` against ``calls``, grouped by
    ``trial``. In the end a table ``trials`` has a row per trial, with parameters, last
    scores, seconds, worker, status and error; the summary has the best score, the best
    parameters and `stopped_`.

    Rows are sent by a thread. If that fails, a warning says so and the search goes on.
    A search that is done waits up to 30 seconds for the last rows.

    Parameters
    ----------
    project, name, group : str, optional
        Of the run, as in ``wandb.init``.
    init : dict, optional
        Further arguments of ``wandb.init``, such as ``{"mode": "offline"}``.

    Raises
    ------
    ImportError
        If wandb is not installed: ``pip install 'gpu_hpo[wandb]'``.

    Examples
    --------
    >>> from gpu_hpo.callbacks import WandbCallback
    >>> callback = WandbCallback(project="iris")  # doctest: +SKIP
    >>> search.set_callbacks(callback).fit(X, y)  # doctest: +SKIP
    """

    @checked(
        project=[str, None], name=[str, None], group=[str, None], init=[dict, None]
    )
    def __init__(
        self,
        *,
        project: str | None = None,
        name: str | None = None,
        group: str | None = None,
        init: dict[str, Any] | None = None,
    ) -> None:
        need("wandb", "wandb", "WandbCallback")
        super().__init__()
        self.project = project
        self.name = name
        self.group = group
        self.init = init

    def _tracker(self) -> Tracker:
        given = {"project": self.project, "name": self.name, "group": self.group}
        return _WandbTracker({**given, **(self.init or {})})


class _WandbTracker:
    def __init__(self, init: dict[str, Any]) -> None:
        self._init = init
        self._run: Any = None
        self._trials: list[TrialLog] = []

    def open(self, name: str) -> None:
        import wandb

        # Other runs of this process, also the user's, go on beside it. What is printed
        # is left alone: two runs would take it from each other, and from the bar.
        ours: dict[str, Any] = {
            "job_type": "search",
            "reinit": "create_new",
            "settings": wandb.Settings(console="off"),
            "config": {"search": name},
        }
        self._run = wandb.init(**{**ours, **self._init})

    def begin(self, trial: TrialLog) -> None:
        self._trials.append(trial)

    def score(
        self, trial: TrialLog, step: int, scores: Mapping[str, float], best: float
    ) -> None:
        kind = "split" if "splits" in trial.values else "calls"
        row = {"trial": trial.number, "model_id": trial.name, kind: step}
        self._run.log({**row, **trial.labels, **scores, "best_score": best})

    def end(self, trial: TrialLog) -> None:
        """Do nothing: its row comes with the others, at the end."""

    def flush(self) -> None:
        """Do nothing: W&B sends what it has by itself."""

    def close(self, end: SearchEnd) -> None:
        if self._run is None:
            return
        try:
            self._run.log({"trials": self._table()})
            self._run.summary.update(
                {
                    "best_score": end.best_score,
                    "best_params": end.best_params,
                    "stopped": end.stopped,
                    "status": end.status,
                }
            )
        finally:
            self._run.finish(exit_code=0 if end.status == "finished" else 1)

    def _table(self) -> Any:
        import wandb

        rows = [
            {
                "trial": trial.number,
                "model_id": trial.name,
                **trial.labels,
                **{f"param_{name}": value for name, value in trial.params.items()},
                **trial.values,
                "worker": trial.worker,
                "status": trial.status,
                "error": trial.error,
            }
            for trial in self._trials
        ]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        data = [[row.get(name) for name in columns] for row in rows]
        return wandb.Table(columns=columns, data=data, allow_mixed_types=True)
