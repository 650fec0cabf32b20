# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A search that is gone on with has the answer of one that nothing interrupted."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import KFold

from gpu_hpo import journal
from gpu_hpo.exceptions import JournalError, JournalInUseError, JournalMismatchError
from gpu_hpo.journal import Journal
from gpu_hpo.journal._versions import versions_of
from tests.compute.helpers import answer, current, make_data
from tests.journal import searches
from tests.journal.searches import SEARCHES, Counts

GRIDS = ("grid", "randomized")
posix = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


def comparable(search):
    """The answer, with all of `cv_results_` but times."""
    table = {
        name: np.ma.getdata(column).tolist()
        for name, column in search.cv_results_.items()
        if "time" not in name and name != "params"
    }
    if hasattr(search, "model_history_"):
        return answer(search), table
    return search.best_params_, search.best_score_, table


@pytest.fixture(scope="module")
def threads():
    from gpu_hpo.compute import local_cluster

    with current(local_cluster(1, device="cpu", processes=False, threads_per_worker=2)):
        yield


def killed(name, path, n_calls, how="SIGKILL"):
    """Run a search in another process until it has made so many calls."""
    code = f"""
    from tests.journal.searches import run
    if __name__ == "__main__":
        run({name!r}, {str(path)!r}, {n_calls}, {how!r})
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "GPU_HPO_DEVICE": "cpu"},
    )


@posix
@pytest.mark.parametrize("name", SEARCHES)
def test_killed_and_gone_on_with(name, threads, tmp_path):
    """The answer is the same, and what was recorded is not done again."""
    Counts.n = 0
    quiet = SEARCHES[name]().fit(*make_data())
    n_quiet = Counts.n
    share = 0.3 if list(SEARCHES).index(name) % 2 else 0.8
    path = tmp_path / "j"
    done = killed(name, path, int(share * n_quiet))
    assert done.returncode == -signal.SIGKILL, done.stderr
    found = journal.read(path)
    assert found.state == "unfinished"
    Counts.n = 0
    again = SEARCHES[name](journal=path).fit(*make_data())
    assert comparable(again) == comparable(quiet)
    assert Counts.n <= n_quiet - (len(found.history) if name in GRIDS else 0)
    assert journal.read(path).state == "finished"
    # All is known: only the best model is trained again.
    Counts.n = 0
    last = SEARCHES[name](journal=path).fit(*make_data())
    assert comparable(last) == comparable(quiet)
    assert Counts.n < n_quiet / 2


@posix
@pytest.mark.parametrize("name", ["hyperband", "grid"])
@pytest.mark.parametrize("how", ["SIGTERM", "max_seconds"])
def test_stopped_and_gone_on_with(name, how, threads, tmp_path):
    """A search that ended early has its attributes, and the next one all of them."""
    path = tmp_path / "j"
    done = killed(name, path, 20, how)
    assert done.returncode == 0, done.stderr
    assert journal.read(path).state == "stopped"
    again = SEARCHES[name](journal=path).fit(*make_data())
    assert again.stopped_ == ""
    assert comparable(again) == comparable(SEARCHES[name]().fit(*make_data()))


def test_more_iterations(threads, tmp_path):
    """A finished search goes on with a larger `max_iter`; the budget is a total."""
    path = tmp_path / "j"
    make = searches.incremental
    make(max_iter=4, journal=path).fit(*make_data())
    longer = make(max_iter=12, journal=path).fit(*make_data())
    assert comparable(longer) == comparable(make(max_iter=12).fit(*make_data()))
    scored = [(e["trial"], e["partial_fit_calls"]) for e in journal.read(path).history]
    assert len(scored) == len(set(scored)) == len(longer.history_)


def test_more_candidates(threads, tmp_path):
    """A grid goes on with more values: those that were tried are not fitted again."""
    path = tmp_path / "j"
    searches.grid(journal=path, alphas=[1e-4, 1e-2]).fit(*make_data())
    Counts.n = 0
    wider = searches.grid(journal=path, alphas=[1e-5, 1e-4, 1e-3, 1e-2])
    wider.fit(*make_data())
    assert Counts.n == 2 * 3 + 1  # two on three splits, and the best on all rows
    expected = searches.grid(alphas=[1e-5, 1e-4, 1e-3, 1e-2]).fit(*make_data())
    assert comparable(wider) == comparable(expected)
    found = journal.read(path)
    assert found.best["params"] == wider.best_params_
    assert found.best["score"] == pytest.approx(wider.best_score_)
    assert len(found.trials) == 4 and set(found.cv_results["partial_fit_calls"]) == {3}


X, y = make_data()
CHANGES = {
    "rows": ({}, (X + 1, y), r"data\.X was '.*' and is"),
    "labels": ({}, (X, 1 - y), r"data\.y was"),
    "seed": ({"random_state": 1}, (X, y), "random_state.* was .* and is"),
    "estimator": ({"model": Counts(penalty="l1")}, (X, y), r"estimator\.penalty was"),
    "class": ({"model": SGDClassifier()}, (X, y), r"estimator\.class was"),
    "scoring": ({"scoring": "f1"}, (X, y), "scoring was None and is 'f1'"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["hyperband", "grid"])
def test_what_must_not_change(name, change, threads, tmp_path):
    """The error names what differs, and the journal can still be gone on with."""
    if (name, change) == ("grid", "seed"):
        pytest.skip("grids draw nothing")
    path = tmp_path / "j"
    options, rows, match = CHANGES[change]
    SEARCHES[name](journal=path).fit(X, y)
    before = path.read_bytes()
    with pytest.raises(JournalMismatchError, match=match):
        SEARCHES[name](journal=path, **options).fit(*rows)
    assert path.read_bytes() == before
    SEARCHES[name](journal=path).fit(X, y)


def test_splits_must_not_change(threads, tmp_path):
    """Splits that are drawn anew are refused, by name."""
    path = tmp_path / "j"
    searches.grid(journal=path, cv=KFold(3, shuffle=True)).fit(X, y)
    with pytest.raises(JournalMismatchError, match="splits was"):
        searches.grid(journal=path, cv=KFold(3, shuffle=True)).fit(X, y)


def test_no_seed(threads, tmp_path):
    """An adaptive search without a seed goes on with that of the journal."""
    path = tmp_path / "j"
    first = searches.hyperband(random_state=None, journal=path).fit(X, y)
    again = searches.hyperband(random_state=None, journal=path).fit(X, y)
    assert comparable(first) == comparable(again)
    with pytest.raises(ValueError, match="random_state=None draws"):
        searches.randomized(random_state=None, journal=tmp_path / "k").fit(X, y)


@pytest.mark.parametrize("name", ["hyperband", "grid"])
def test_whether_to_resume(name, threads, tmp_path):
    """ "must" wants a search that is there, "never" none."""
    path = tmp_path / "j"
    with pytest.raises(JournalError, match="j is not there to be gone on with"):
        SEARCHES[name](journal=Journal(path, resume="must")).fit(X, y)
    SEARCHES[name](journal=Journal(path, resume="never")).fit(X, y)
    with pytest.raises(JournalError, match="j has a search, and resume='never'"):
        SEARCHES[name](journal=Journal(path, resume="never")).fit(X, y)
    SEARCHES[name](journal=Journal(path, resume="must")).fit(X, y)
    other = {"hyperband": "grid", "grid": "hyperband"}[name]
    with pytest.raises(JournalMismatchError, match="not a "):
        SEARCHES[other](journal=path).fit(X, y)


@pytest.mark.parametrize("name", ["hyperband", "grid"])
def test_bad_journals(name, threads, tmp_path):
    """What cannot be a journal is an error before any fit."""
    (tmp_path / "text").write_text("no journal\nat all\n")
    Counts.n = 0
    for given, error, match in [
        (tmp_path / "no" / "j", JournalError, "no is no folder"),
        (tmp_path, JournalError, "it is no file"),
        (tmp_path / "text", JournalError, "text is no journal"),
        (3, ValueError, "journal"),
    ]:
        with pytest.raises(error, match=match):
            SEARCHES[name](journal=given).fit(X, y)
    with pytest.raises(ValueError, match="resume must be"):
        Journal("x", resume="always")
    with pytest.raises(TypeError, match="path must be"):
        Journal(3)
    assert Counts.n == 0


def test_two_searches_at_once(threads, tmp_path):
    """The second is refused while the first runs."""
    path = tmp_path / "j"
    seen = []

    class Second:
        only_scores = True

        def setup(self, estimator, context):
            pass

        teardown = on_fit_task_begin = on_fit_task_end = setup

        def on_score(self, search, context, *, metadata):
            if not seen:
                try:
                    journal._file.JournalFile(path)
                except JournalInUseError as error:
                    seen.append(str(error))

    searches.grid(journal=path).set_callbacks(Second()).fit(X, y)
    assert len(seen) == 1 and "is being written" in seen[0]


def test_read(threads, tmp_path):
    """`read` has what the search has, and `find` finds it."""
    path = tmp_path / "j"
    search = searches.hyperband(journal=path, scoring=["accuracy", "f1"], refit="f1")
    search.fit(X, y)
    found = journal.read(path)
    shown = [
        {key: value for key, value in entry.items() if key != "trial"}
        for entry in found.history
    ]
    assert shown == [
        {**entry, "bracket": int(entry["bracket"])} for entry in search.history_
    ]
    assert found.best["params"] == search.best_params_
    assert found.best["score"] == search.best_score_
    assert found.cost["calls"] == search.metadata_["partial_fit_calls"]
    assert found.cv_results["test_score"] == search.cv_results_["test_score"].tolist()
    frame = found.to_frame()
    assert len(frame) == len(search.history_)
    assert frame.param_alpha.tolist() == [e["params"]["alpha"] for e in search.history_]
    (tmp_path / "other").write_text("x\n")
    assert [f.path for f in journal.find(tmp_path)] == [path]


def test_read_of_a_resumed_grid(threads, tmp_path):
    """What earlier runs have fitted is there, also if nothing was left to do."""
    path = tmp_path / "j"
    first = searches.grid(journal=path).fit(X, y)
    before = journal.read(path)
    searches.grid(journal=path).fit(X, y)
    found = journal.read(path)
    assert found.best == before.best and found.cv_results == before.cv_results
    assert found.best["params"] == first.best_params_


def test_several_metrics_in_a_grid(threads, tmp_path):
    """The metric that `refit` names is the score."""
    path = tmp_path / "j"
    options = {"scoring": ["accuracy", "f1"], "refit": "f1"}
    search = searches.grid(journal=path, **options).fit(X, y)
    found = journal.read(path)
    assert found.best["params"] == search.best_params_
    assert found.best["score"] == pytest.approx(search.best_score_)
    assert comparable(searches.grid(journal=path, **options).fit(X, y)) == comparable(
        search
    )


@pytest.mark.parametrize("name", ["hyperband", "grid"])
def test_rows_that_lie_otherwise(name, threads, tmp_path):
    """The same rows, by columns or as a view, are the same search."""
    path = tmp_path / "j"
    SEARCHES[name](journal=path).fit(X, y)
    n_scores = len(journal.read(path).history)
    for rows in (np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]):
        SEARCHES[name](journal=path).fit(rows, y)
    assert len(journal.read(path).history) == n_scores


@pytest.mark.parametrize("name", ["hyperband", "grid"])
def test_callbacks_hear_all(name, threads, tmp_path):
    """They are told of what earlier runs have found, and that it was then."""

    class Notes:
        only_scores = True

        def __init__(self):
            self.heard = []

        def setup(self, estimator, context):
            pass

        teardown = on_fit_task_begin = on_fit_task_end = setup

        def on_score(self, search, context, *, metadata):
            self.heard.append((metadata["trial"], metadata["score"]))
            self.recalled = metadata["recalled"]
            return "no"  # which is not True

    path, first, again = tmp_path / "j", Notes(), Notes()
    SEARCHES[name](journal=path).set_callbacks(first).fit(X, y)
    SEARCHES[name](journal=path).set_callbacks(again).fit(X, y)
    assert sorted(again.heard) == sorted(first.heard)
    assert again.recalled and not first.recalled


def test_journals_can_be_copied(tmp_path):
    """A search with a journal can be cloned and pickled, as any."""
    from sklearn.base import clone

    search = searches.grid(journal=Journal(tmp_path / "j", resume="must"))
    for copy in (clone(search), pickle.loads(pickle.dumps(search))):
        assert repr(copy.journal) == repr(search.journal)


def test_versions():
    """They are of what scores depend on: also of what an estimator is made of."""
    import sklearn
    from sklearn.pipeline import make_pipeline

    import gpu_hpo

    xgboost = pytest.importorskip("xgboost")
    found = versions_of(make_pipeline(Counts(), xgboost.XGBClassifier()))
    assert found["sklearn"] == sklearn.__version__
    assert found["xgboost"] == xgboost.__version__
    assert found["gpu_hpo"] == gpu_hpo.__version__
    assert "tests" not in found


def test_another_version(threads, tmp_path, monkeypatch):
    """A search of another version is refused, by name."""
    path = tmp_path / "j"
    searches.grid(journal=path).fit(X, y)
    monkeypatch.setattr(np, "__version__", "99.1")
    with pytest.raises(JournalMismatchError, match=r"versions\.numpy was .* is '99.1'"):
        searches.grid(journal=path).fit(X, y)


def test_nothing_is_unpickled(threads, tmp_path):
    """Reading a journal looks up no class by name, as pickle does."""
    path = tmp_path / "j"
    searches.hyperband(journal=path).fit(X, y)
    code = f"""
import sys
from gpu_hpo import journal
def refuse(event, args):
    if event.startswith(("pickle.", "marshal.", "exec", "compile")):
        raise RuntimeError(event)
import pandas
journal.read({str(path)!r}).to_frame()
sys.addaudithook(refuse)
found = journal.read({str(path)!r})
assert found.best and found.cost and found.cv_results and len(found.to_frame())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
