# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Write a journal as a study of Optuna's, for its dashboard and its plots."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from gpu_hpo.journal._journal import check_path
from gpu_hpo.journal._read import RecordedSearch, read

_LOG_RATIO = 100  # between the largest and the least value


def to_optuna(
    path: str | os.PathLike[str], storage: Any = None, *, study_name: str | None = None
) -> Any:
    """Write what a journal has of a search into a study of Optuna's.

    Needs Optuna (``pip install optuna``). Each trial has its parameters and its score
    after each number of calls, as intermediate values, and, once the search has ended,
    its last score. Called again while the search runs, it replaces the study.

    Parameters
    ----------
    path : str or os.PathLike
        The journal.
    storage : str, optuna.storages.BaseStorage or None, default=None
        As in ``optuna.create_study``, such as ``"sqlite:///studies.db"``; None keeps
        the study in memory.
    study_name : str, optional
        By default the name of the file.

    Returns
    -------
    optuna.study.Study

    Raises
    ------
    ImportError
        If there is no Optuna.
    FileNotFoundError, JournalError
        As `read`.
    """
    check_path("path", path)
    if study_name is not None and not isinstance(study_name, str):
        raise TypeError(f"study_name must be a str, not {study_name!r}")
    search = read(path)
    import optuna

    name = search.path.name if study_name is None else study_name
    if storage is not None and name in optuna.get_all_study_names(storage):
        optuna.delete_study(study_name=name, storage=storage)
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    study.set_user_attr("gpu_hpo", search.search)
    study.set_user_attr("state", search.state)
    distributions = _distributions(search)
    study.add_trials(
        [_trial(search, number, distributions) for number in _with_scores(search)]
    )
    return study


def _with_scores(search: RecordedSearch) -> list[int]:
    seen = {entry["trial"] for entry in search.history} | search.failures.keys()
    return sorted(seen)


def _trial(search: RecordedSearch, number: int, distributions: dict[str, Any]) -> Any:
    from optuna.trial import TrialState, create_trial

    own = [entry for entry in search.history if entry["trial"] == number]
    trial = search.trials[number]
    failure = search.failures.get(number)
    step = "split" if own and "split" in own[0] else "partial_fit_calls"
    scores = {entry[step]: entry["score"] for entry in own}
    value = math.nan
    if own:
        value = (
            sum(scores.values()) / len(scores) if step == "split" else own[-1]["score"]
        )
    ended = search.state in ("finished", "stopped")
    sound = failure is None and math.isfinite(value)
    if sound:
        state = TrialState.COMPLETE if ended else TrialState.RUNNING
    else:
        state = TrialState.FAIL if failure or ended else TrialState.RUNNING
    params = {name: _plain(value) for name, value in trial["params"].items()}
    attributes = {key: trial[key] for key in trial if key != "params"}
    if failure is not None:
        attributes |= failure
    made = create_trial(
        state=state,
        value=value if state is TrialState.COMPLETE else None,
        params=params,
        distributions={name: distributions[name] for name in params},
        user_attrs=attributes,
        intermediate_values=scores,
    )
    begun = datetime.fromisoformat(search.began).replace(tzinfo=None)
    times = [entry["elapsed_wall_time"] for entry in own] or [0.0]
    spent = own[0].get("partial_fit_time", own[0].get("fit_time", 0.0)) if own else 0.0
    made.datetime_start = begun + timedelta(seconds=max(0.0, times[0] - spent))
    if state.is_finished():
        made.datetime_complete = begun + timedelta(seconds=times[-1])
    return made


def _distributions(search: RecordedSearch) -> dict[str, Any]:
    """Return a distribution for each parameter that has all of its values."""
    from optuna import distributions as of

    values: dict[str, list[Any]] = {}
    for trial in search.trials:
        for name, value in trial.get("params", {}).items():
            values.setdefault(name, []).append(_plain(value))
    found: dict[str, Any] = {}
    for name, seen in values.items():
        if _all(seen, int):
            found[name] = of.IntDistribution(min(seen), max(seen))
        elif _all(seen, int | float):
            low, high = float(min(seen)), float(max(seen))
            log = low > 0 and high / low > _LOG_RATIO
            found[name] = of.FloatDistribution(low, high, log=log)
        else:
            found[name] = of.CategoricalDistribution(list(dict.fromkeys(seen)))
    return found


def _all(values: Iterable[Any], kind: Any) -> bool:
    return all(
        isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)
        for value in values
    )


def _plain(value: Any) -> Any:
    """Return what Optuna takes as a choice."""
    plain = value is None or isinstance(value, bool | int | float | str)
    return value if plain else str(value)
