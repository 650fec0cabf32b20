# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The engine tells of each trial once when it will train no more."""

import pytest

from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.adaptive.engine._news import Ended, TrialFailure
from gpu_hpo.adaptive.engine._simulated_runner import SimulatedRunner
from gpu_hpo.schedules import Hyperband


@pytest.mark.parametrize("patience", [0, 3])
@pytest.mark.parametrize("fails", [False, True])
def test_each_trial_ends_once(patience, fails):
    """A trial ends once: dropped, failed, at its last rung, or stopped by patience."""
    heard = []
    schedule = Hyperband(9, patience=patience)
    dispatcher = Dispatcher(schedule.outlook, task_seconds=1.0)
    for name in "ab":
        dispatcher.add_worker(name, 1)
    engine = Engine(schedule, dispatcher, heard.append)
    SimulatedRunner(
        engine,
        cost=lambda trial, call: 1.0 + trial / 10,
        score=lambda trial, calls: float(trial % 5),
        fails=lambda trial, call: fails and trial % 4 == 0 and call == 2,
    ).run()
    assert engine.done
    ends = {}
    for place, news in enumerate(heard):
        if isinstance(news, Ended):
            assert news.trial not in ends
            ends[news.trial] = place
    assert sorted(ends) == list(range(schedule.n_trials))
    for place, news in enumerate(heard):
        if not isinstance(news, Ended):
            assert place < ends[news.trial]
        if isinstance(news, TrialFailure):
            assert ends[news.trial] == place + 1
    # Not all of them wait for the end of the search.
    assert not all(isinstance(news, Ended) for news in heard[-schedule.n_trials :])
