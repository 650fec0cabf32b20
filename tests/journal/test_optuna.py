# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Optuna itself reads what a journal is written as."""

import pytest

from gpu_hpo import journal
from gpu_hpo.compute import local_cluster
from tests.compute.helpers import current, make_data
from tests.journal import searches

optuna = pytest.importorskip("optuna")
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:optuna")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journals")
    with current(local_cluster(1, device="cpu", processes=False)):
        hyperband = searches.hyperband(journal=folder / "hyperband")
        hyperband.fit(*make_data())
    grid = searches.grid(journal=folder / "grid").fit(*make_data())
    return folder, hyperband, grid


@pytest.mark.parametrize("stored", [False, True], ids=["in memory", "in a database"])
def test_hyperband(stored, recorded, tmp_path):
    """A study has the trials, their scores after each call, and the best one's."""
    folder, search, _ = recorded
    storage = f"sqlite:///{tmp_path / 'studies.db'}" if stored else None
    for _ in range(2):  # the second replaces the first
        study = journal.to_optuna(folder / "hyperband", storage)
    if stored:
        study = optuna.load_study(study_name="hyperband", storage=storage)
    assert len(study.trials) == search.metadata_["n_models"]
    by_model = {trial.user_attrs["model_id"]: trial for trial in study.trials}
    for model_id, entries in search.model_history_.items():
        trial = by_model[model_id]
        assert trial.params == entries[0]["params"]
        scores = {e["partial_fit_calls"]: e["score"] for e in entries}
        assert trial.intermediate_values == pytest.approx(scores)
        assert trial.state == optuna.trial.TrialState.COMPLETE
        assert trial.datetime_start <= trial.datetime_complete
    (distribution,) = study.best_trial.distributions.values()
    assert distribution.log


def test_its_plots_and_frames(recorded):
    """What its dashboard and its plots are made of can be computed."""
    folder, *_ = recorded
    study = journal.to_optuna(folder / "hyperband")
    assert len(study.trials_dataframe()) == len(study.trials)
    from optuna.visualization import _intermediate_values, _optimization_history

    info = _intermediate_values._get_intermediate_plot_info(study)
    assert len(info.trial_infos) == len(study.trials)
    found = _optimization_history._get_optimization_history_info_list(
        study, None, "score", False
    )
    assert len(found[0].trial_numbers) == len(study.trials)


def test_grid(recorded):
    """The value of a candidate is its mean over the splits."""
    folder, _, search = recorded
    study = journal.to_optuna(folder / "grid", study_name="other")
    assert study.study_name == "other"
    assert study.best_value == pytest.approx(search.best_score_)
    assert study.best_params == search.best_params_
    assert len(study.best_trial.intermediate_values) == 3
