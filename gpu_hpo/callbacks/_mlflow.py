# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Send what searches find to MLflow."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from gpu_hpo._arguments import checked
from gpu_hpo.callbacks._tracking import (
    SearchEnd,
    Tracker,
    TrackingCallback,
    TrialLog,
    need,
    plain,
)

_LONGEST_TAG = 5000  # characters; a server takes a few more
_MOST = (800, 100, 100)  # metrics, parameters and tags that a server takes at once
_STATUS = {
    "finished": "FINISHED",
    "completed": "FINISHED",
    "stopped": "FINISHED",
    "interrupted": "KILLED",
}


class MLflowCallback(TrackingCallback):
    """Send each score to MLflow: a run for the search, with a nested run per trial.

    The run of a trial has its parameters, each score and metric at its number of calls
    (in a grid: at its split), seconds of training and scoring, and tags for worker,
    status and error. The run of the search has the best score so far, at the number of
    scores; in the end the best score, the best parameters (``best_`` before their
    names) and `stopped_`. Runs may be compared, and their curves drawn, as any others.

    Scores are sent by a thread. If MLflow cannot be reached, a warning says so and the
    search goes on. A search that is done waits up to 30 seconds for the last scores.

    Parameters
    ----------
    tracking_uri : str, optional
        Where to; by default what MLflow is configured to use.
    experiment : str, optional
        Name of the experiment, made if there is none. By default the active one.
    run_name : str, optional
        By default the class of the search.
    tags : dict of str to str, optional
        For the run of the search.

    Raises
    ------
    ImportError
        If MLflow is not installed: ``pip install 'gpu_hpo[mlflow]'``.

    Notes
    -----
    If a run is active where the callback is made, as in ``with mlflow.start_run():``,
    runs of searches are nested in it.

    Examples
    --------
    >>> from gpu_hpo.callbacks import MLflowCallback
    >>> callback = MLflowCallback(experiment="iris")  # doctest: +SKIP
    >>> search.set_callbacks(callback).fit(X, y)  # doctest: +SKIP
    """

    @checked(
        tracking_uri=[str, None],
        experiment=[str, None],
        run_name=[str, None],
        tags=[dict, None],
    )
    def __init__(
        self,
        *,
        tracking_uri: str | None = None,
        experiment: str | None = None,
        run_name: str | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        need("mlflow", "mlflow", "MLflowCallback")
        import mlflow

        super().__init__()
        self.tracking_uri = tracking_uri
        self.experiment = experiment
        self.run_name = run_name
        self.tags = tags
        active = mlflow.active_run()
        self._parent = None if active is None else active.info.run_id

    def _tracker(self) -> Tracker:
        return _MLflowTracker(
            self.tracking_uri,
            self.experiment,
            self.run_name,
            dict(self.tags or {}),
            self._parent,
        )


class _MLflowTracker:
    def __init__(
        self,
        uri: str | None,
        experiment: str | None,
        run_name: str | None,
        tags: dict[str, str],
        parent: str | None,
    ) -> None:
        self._uri = uri
        self._experiment = experiment
        self._run_name = run_name
        self._tags = tags
        self._parent = parent
        self._client: Any = None
        self._run = ""  # of the search
        self._runs: dict[int, str] = {}  # of trials
        self._open: set[str] = set()
        # Metrics, parameters and tags that are not sent yet, by run.
        self._waiting: dict[str, tuple[list[Any], list[Any], list[Any]]] = {}
        self._names: set[str] = set()  # of scores
        self._n_scores = 0
        self._best: float | None = None

    def open(self, name: str) -> None:
        from mlflow import MlflowClient

        self._client = MlflowClient(tracking_uri=self._uri)
        self._experiment_id = self._find_experiment()
        tags = dict(self._tags)
        if self._parent is not None:
            tags["mlflow.parentRunId"] = self._parent
        self._run = self._begin(self._run_name or name, {**tags, "search": name})

    def _find_experiment(self) -> str:
        client = self._client
        if self._experiment is not None:
            found = client.get_experiment_by_name(self._experiment)
            if found is not None:
                return str(found.experiment_id)
            return str(client.create_experiment(self._experiment))
        if self._parent is not None:
            return str(client.get_run(self._parent).info.experiment_id)
        from mlflow.tracking.fluent import _get_experiment_id

        return str(_get_experiment_id())

    def _begin(self, name: str, tags: Mapping[str, str]) -> str:
        run = self._client.create_run(self._experiment_id, tags=tags, run_name=name)
        self._open.add(run.info.run_id)
        return str(run.info.run_id)

    def begin(self, trial: TrialLog) -> None:
        labels = {name: str(value) for name, value in trial.labels.items()}
        tags = {**labels, "mlflow.parentRunId": self._run, "trial": str(trial.number)}
        run = self._runs[trial.number] = self._begin(f"trial {trial.name}", tags)
        self._log(run, params=trial.params)

    def score(
        self, trial: TrialLog, step: int, scores: Mapping[str, float], best: float
    ) -> None:
        self._names |= scores.keys()
        self._log(self._runs[trial.number], scores, step=step)
        self._n_scores += 1
        if best != self._best and best == best:
            self._best = best
            self._log(self._run, {"best_score": best}, step=self._n_scores)

    def end(self, trial: TrialLog) -> None:
        run = self._runs[trial.number]
        # Its scores are there, at their numbers of calls.
        last = {n: v for n, v in trial.values.items() if n not in self._names}
        tags = {"status": trial.status, "worker": trial.worker, "error": trial.error}
        self._log(run, last, tags=tags)
        self._end(run, _STATUS.get(trial.status, "FAILED"))

    def close(self, end: SearchEnd) -> None:
        best = {} if end.best_score is None else {"best_score": end.best_score}
        if self._run:
            self._log(
                self._run,
                best,
                step=self._n_scores,
                params={f"best_{name}": v for name, v in end.best_params.items()},
                tags={"stopped": end.stopped},
            )
        for run in sorted(self._open - {self._run}):  # after a failure
            self._end(run, "FAILED")
        if self._run:
            self._end(self._run, _STATUS.get(end.status, "FAILED"))

    def _log(
        self,
        run: str,
        metrics: Mapping[str, float] = {},
        *,
        step: int = 0,
        params: Mapping[str, Any] = {},
        tags: Mapping[str, str] = {},
    ) -> None:
        """Note what is to be sent for a run."""
        from mlflow.entities import Metric, Param, RunTag

        now = int(1000 * time.time())
        kinds = self._waiting.setdefault(run, ([], [], []))
        kinds[0].extend(
            Metric(_key(name), float(value), now, step)
            for name, value in metrics.items()
        )
        kinds[1].extend(Param(_key(n), str(plain(v))) for n, v in params.items())
        kinds[2].extend(
            RunTag(name, text[:_LONGEST_TAG]) for name, text in tags.items() if text
        )

    def flush(self) -> None:
        """Send what waits: a search may be faster than MLflow, so much goes at once."""
        for run in list(self._waiting):
            self._send(run)

    def _send(self, run: str) -> None:
        kinds: Sequence[list[Any]] = self._waiting.pop(run, ([], [], []))
        while any(kinds):
            parts = [kind[:most] for kind, most in zip(kinds, _MOST, strict=True)]
            self._client.log_batch(run, *parts)
            kinds = [kind[most:] for kind, most in zip(kinds, _MOST, strict=True)]

    def _end(self, run: str, status: str) -> None:
        self._send(run)
        self._client.set_terminated(run, status=status)
        self._open.discard(run)


def _key(name: str) -> str:
    """Return a name without the characters that MLflow takes in none."""
    return "".join(c if c.isalnum() or c in "_-. /:" else "_" for c in name)
