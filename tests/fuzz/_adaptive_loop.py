# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The searches that stop early as a plain loop, by the rules that are documented.

Written from the Hyperband paper and from what dask-ml documents, without the package's
schedules, tasks and scores. It trains all models itself, and decides by its own scores;
where the search found another score, that is a difference, and the search's own is then
taken, so that one wrong score is not reported as many wrong decisions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from sklearn.base import is_classifier
from sklearn.model_selection import ParameterGrid

from gpu_hpo.model_selection import (
    HyperbandSearchCV,
    InverseDecaySearchCV,
    ScheduledSearchCV,
    SuccessiveHalvingSearchCV,
)
from tests.fuzz._adaptive_answers import answers_of, are_close
from tests.fuzz._adaptive_data import Data
from tests.fuzz._adaptive_rows import record_rows
from tests.fuzz._adaptive_trials import Trial, root_of

Found = list[tuple[str, str]]


def compare_with_loop(fitted: Any, fresh: Any, data: Callable[[], Data]) -> Found:
    """What a fitted search found otherwise than the loop does.

    Parameters
    ----------
    fitted : search
    fresh : search
        The same, not fitted.
    data : callable
        Gives the rows.
    """
    loop = Loop(fitted, fresh, data())
    loop.run()
    loop.compare()
    if hasattr(fitted, "best_estimator_"):
        loop.compare_model(data)
    return loop.found


class Loop:
    """One search, done over again."""

    def __init__(self, fitted: Any, fresh: Any, data: Data) -> None:
        self.found: Found = []
        self.search = fresh
        self.fitted = fitted
        self._table = fitted.cv_results_
        calls = _most_calls(fresh, fitted)
        classify = is_classifier(fresh.estimator)
        root = root_of(fresh.random_state)
        self.rows = record_rows(fresh, calls, data, classify=classify)
        theirs = [fitted.model_history_[m] for m in self._table["model_id"].tolist()]
        self.trials = [
            Trial(i, params, root, fresh, data, self.rows, theirs[i])
            for i, params in enumerate(self._table["params"])
        ]
        self.finalists: list[Trial] = []

    # ---- rules ----

    def run(self) -> None:
        """Train and drop models."""
        search, trials = self.search, self.trials
        if isinstance(search, ScheduledSearchCV):
            self.finalists = self._rounds(search.schedule.keywords)
        elif isinstance(search, HyperbandSearchCV):
            self._brackets(search.max_iter, search.aggressiveness)
        elif isinstance(search, SuccessiveHalvingSearchCV):
            rungs = _halving(
                len(trials),
                search.n_initial_iter,
                search.aggressiveness,
                search.max_iter,
            )
            self.finalists = self._halve(trials, rungs)
        elif isinstance(search, InverseDecaySearchCV) and search.decay_rate:
            rungs = _decay(len(trials), search.decay_rate, search.max_iter)
            self.finalists = self._halve(trials, rungs)
        else:
            rungs = [(len(trials), search.max_iter)]
            self.finalists = self._halve(trials, rungs, search.fits_per_score)

    def _brackets(self, most: int, eta: int) -> None:
        s_max = 0
        while eta ** (s_max + 1) <= most:
            s_max += 1
        ids = self._table["model_id"].tolist()
        done = 0
        for s in range(s_max, -1, -1):
            n = math.ceil((s_max + 1) * eta**s / (s + 1))
            n = min(n, _size(self.search.parameters))
            trials = self.trials[done : done + n]
            expected = [f"bracket={s}-{i}" for i in range(n)]
            if ids[done : done + n] != expected:
                self._say("models", f"{ids[done : done + n]} in place of {expected}")
            rungs = _halving(n, most // eta**s, eta, most)
            self.finalists += self._halve(trials, rungs)
            done += n
        if done != len(ids):
            self._say("models", f"{len(ids)} in place of {done}")

    def _halve(
        self, trials: list[Trial], rungs: list[tuple[int, int]], every: int = 0
    ) -> list[Trial]:
        """Train those that are left up to each rung, and keep the best of them."""
        left, began = list(trials), 0
        for i, (_, calls) in enumerate(rungs):
            for trial in left:
                self._train(trial, began, calls, every)
            left = [trial for trial in left if not trial.error]
            if i + 1 < len(rungs):
                left = sorted(left, key=_order)[: rungs[i + 1][0]]
            began = calls
        return left

    def _train(self, trial: Trial, began: int, calls: int, every: int) -> None:
        """Train up to so many calls, with the scores that are due on the way."""
        patience = _patience(self.search)
        while trial.calls < calls and not (trial.error or trial.stopped):
            points = [calls]
            if not trial.refits:
                if trial.calls == 0:
                    points.append(1)
                elif every:
                    first = max(began, 1)
                    done = (trial.calls - first) // every
                    points.append(first + (done + 1) * every)
                if patience and trial.calls:
                    points.append(trial.calls + patience)
            trial.advance(min(points))
            trial.stopped = _plateau(trial.record, patience, self.search.tol)

    def _rounds(self, rule: dict[str, Any]) -> list[Trial]:
        """Rounds, with a function that decides after each."""
        options, decide = rule["options"], rule["decide"]
        most = options.get("max_calls") or math.inf
        first = min(options.get("first_calls", 1), most)
        more = dict.fromkeys(range(len(self.trials)), first)
        live = set(more)
        while True:
            going = []
            for number in sorted(live):
                trial = self.trials[number]
                goal = min(trial.calls + more[number], most)
                if goal > trial.calls:
                    going.append(number)
                    trial.advance(int(goal))
            live = {number for number in live if not self.trials[number].error}
            if not live or not going:
                break
            records = {
                n: tuple(
                    (calls, score if math.isfinite(score) else -math.inf)
                    for calls, score in self.trials[n].record
                )
                for n in sorted(live)
            }
            more = dict(decide(records))
            live = set(more)
        return [self.trials[n] for n in sorted(live)]

    # ---- comparing ----

    def _say(self, kind: str, text: str) -> None:
        self.found.append((f"loop: {kind}", text))

    def compare(self) -> None:
        """Compare scores, what became of models, and the choice."""
        table, final = self._table, {trial.number for trial in self.finalists}
        for trial in self.trials:
            self.found += trial.found
            theirs = [entry["partial_fit_calls"] for entry in trial.theirs]
            ours = [calls for calls, _ in trial.record]
            if sorted(theirs) != ours:
                text = f"trial {trial.number} after {theirs} calls, in place of {ours}"
                self._say("scored calls", f"{text}; {trial.error}")
            status = "completed" if trial.number in final else "stopped"
            status = "failed" if trial.error else status
            if table["status"][trial.number] != status:
                text = f"{table['status'][trial.number]} in place of {status}"
                error = table["error"][trial.number].strip().splitlines()[-1:]
                self._say("status", f"trial {trial.number} {text}; {error}")
            elif trial.error and trial.error not in table["error"][trial.number]:
                last = table["error"][trial.number].strip().splitlines()[-1]
                self._say("error", f"{last} in place of {trial.error}")
        last = [trial.last for trial in self.trials]
        self._compare("test_score", _marked(table["test_score"]), _marked(last))
        made = [trial.record[-1][0] if trial.record else 0 for trial in self.trials]
        self._compare("calls", table["partial_fit_calls"].tolist(), made)
        known = self.fitted.metadata_
        done = {"n_models": len(self.trials), "partial_fit_calls": sum(made)}
        self._compare("metadata_", {key: known[key] for key in done}, done)
        # Completed, stopped, failed; what is not finite after all of them.
        keys = [
            (math.inf, 0.0)
            if not math.isfinite(trial.last)
            else (2 if trial.error else int(trial.number not in final), -trial.last)
            for trial in self.trials
        ]
        ranks = [1 + sum(other < key for other in keys) for key in keys]
        self._compare("ranks", table["rank_test_score"].tolist(), ranks)
        best = self._best()
        if best is None:
            self._say("best", f"{self.fitted.best_index_} in place of none")
            return
        self._compare("best_index_", self.fitted.best_index_, best.number)
        self._compare("best_score_", float(self.fitted.best_score_), best.last)
        params = table["params"][best.number]
        if repr(self.fitted.best_params_) != repr(params):
            self._say("best_params_", f"{self.fitted.best_params_}, not {params}")

    def _compare(self, name: str, theirs: Any, ours: Any) -> None:
        if theirs != ours:
            self._say(name, f"{theirs} in place of {ours}")

    def _best(self) -> Trial | None:
        sound = [trial for trial in self.trials if not trial.error]
        for trials in (self.finalists, sound, self.trials):
            finite = [trial for trial in trials if math.isfinite(trial.last)]
            if finite:
                return min(finite, key=_order)
        return None

    def compare_model(self, data: Callable[[], Data]) -> None:
        """Compare `best_estimator_` with the model of the best trial."""
        best = self.trials[self.fitted.best_index_]
        try:
            model = best.model_again() if self._again() else best.model_before()
        except NotImplementedError:
            return
        if model is None:
            return
        ours = answers_of(model, data)
        theirs = answers_of(self.fitted.best_estimator_, data)
        for name in ours:
            if ours[name] != theirs.get(name):
                text = f"{theirs.get(name)!s:.120} in place of {ours[name]!s:.120}"
                close = are_close(theirs.get(name), ours[name])
                kind = "last bits of models" if close else "best_estimator_"
                self._say(kind, f"{name}: {text}")

    def _again(self) -> bool:
        refit = self.search.refit
        by_folds = self.search.cv is not None
        return by_folds if isinstance(refit, str | None) else bool(refit)


def _marked(scores: Iterable[float]) -> list[str]:
    return [repr(float(score)) for score in scores]


def _key(score: float) -> tuple[bool, float]:
    finite = math.isfinite(score)
    return (not finite, -score if finite else 0.0)


def _order(trial: Trial) -> tuple[bool, float, int]:
    """Best first; what is not finite comes last, and ties go by number."""
    return (*_key(trial.last), trial.number)


def _size(spaces: Any) -> float:
    """How many parameter sets there are."""
    spaces = [spaces] if isinstance(spaces, dict) else spaces
    values = [value for space in spaces for value in space.values()]
    if any(hasattr(value, "rvs") for value in values):
        return math.inf
    return len(ParameterGrid(spaces))


def _halving(n: int, calls: int, eta: int, most: int | None) -> list[tuple[int, int]]:
    """Models and calls of each rung: one of `eta` goes on, for `eta` times as long."""
    rungs = []
    for i in range(10**6):
        size, at = n // eta**i, calls * eta**i
        at = at if most is None else min(at, most)
        rungs.append((size, at))
        if size == 1 or at == most or n // eta ** (i + 1) < 1:
            break
    return rungs


def _decay(n: int, rate: float, most: int) -> list[tuple[int, int]]:
    """Models and calls between decisions of dask-ml's inverse decay."""

    def target(time: int) -> int:
        return int(n / (1 + time) ** rate)

    rungs = [(n, 1)]
    while rungs[-1][1] < most:
        now = later = rungs[-1][1] + 1
        if target(now) <= 1:
            break
        while target(later) == target(now) and later <= most + 1:
            later += 1
        left = max(1, target(later)) if later <= most + 1 else target(now) - 1
        if left <= 1:
            break
        rungs.append((left, min(later - 1, most)))
    return rungs


def _patience(search: Any) -> int:
    patience = getattr(search, "patience", False)
    if patience is True:
        return max(search.max_iter // search.aggressiveness, 2)
    return int(patience)


def _plateau(
    record: Iterable[tuple[int, float]], patience: int, tol: float | None
) -> bool:
    """Whether the scores of the last `patience` calls rose by no more than `tol`."""
    record = list(record)
    if not patience or tol is None or math.isnan(tol) or not record:
        return False
    calls = record[-1][0]
    window = [score for at, score in record if at >= calls - patience]
    if calls < patience or len(window) < 2:
        return False
    later = [score for score in window[1:] if not math.isnan(score)]
    return bool(later) and max(later) - window[0] <= tol


def _most_calls(fresh: Any, fitted: Any) -> int:
    """Calls up to which rows have to be known; chunks of "n_samples" follow from it."""
    most = getattr(fresh, "max_iter", None)
    if isinstance(fresh, ScheduledSearchCV):
        most = fresh.schedule.keywords["options"].get("max_calls")
    if most is None or fresh.resource != "n_samples":
        made = fitted.cv_results_["partial_fit_calls"].max()
        most = max(int(made), 1) + 1
    return max(most, 2)
