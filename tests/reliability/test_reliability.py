# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What counts runs of scenarios counts a wrong one as wrong."""

import pathlib
import re

import pytest

from tests.compute.helpers import gone
from tests.reliability import __main__ as command
from tests.reliability import _run, _wrong
from tests.reliability._scenario import Scenario, scenarios

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "reliability.md"
REASONS = {
    _wrong.raises: "ended with 1: AssertionError: another answer",
    _wrong.hangs: "had not ended after",
    _wrong.ends_early: "ended before all had been checked",
    _wrong.leaves_a_process: "left processes: .*time.sleep",
    _wrong.prints_an_error: "printed: .* ERROR - lost",
    _wrong.fails_at_exit: "printed: Exception ignored",
}


def run(check, **options):
    """Run a check once; what hangs does so for a few seconds only."""
    hangs = check is _wrong.hangs
    scenario = Scenario("x", "it", check, seconds=3 if hangs else 60, **options)
    return _run.run_once(scenario, 7)


@pytest.mark.parametrize("check", REASONS, ids=lambda check: check.__name__)
def test_wrong_runs(check, monkeypatch):
    """A run that is not right in any of the ways is wrong, and the reason is said."""
    monkeypatch.setattr(_run, "GRACE", 0.5)
    assert re.match(REASONS[check], run(check).wrong)


def test_nothing_is_left_of_a_wrong_run(monkeypatch):
    """Processes that a run has left do not outlive it for long."""
    monkeypatch.setattr(_run, "GRACE", 0.5)
    killed = []
    kill = _run._kill
    monkeypatch.setattr(_run, "_kill", lambda left: kill(left) or killed.append(left))
    run(_wrong.leaves_a_process)
    ((pid, line),) = killed[0].items()
    assert "time.sleep" in line
    assert gone([pid], 10) == []


def test_right_run():
    """A run that ends well is right, and what it has seen is kept."""
    found = run(_wrong.right)
    assert (found.wrong, found.seen) == ("", "seen 7"), found.printed
    assert "nothing of importance" in found.printed


def test_errors_of_dasks_own():
    """Where workers die, an error of Dask's is counted, and one of ours is wrong."""
    found = run(_wrong.prints_an_error, deaths=True)
    assert (found.wrong, found.seen) == ("", "; Dask printed errors")
    assert "printed: Traceback" in run(_wrong.fails_in_our_code, deaths=True).wrong


def test_row(capsys, monkeypatch):
    """A row has the counts; a wrong run is shown below it with what it printed."""
    ends = {0: "", 1: "another answer", 2: ""}
    monkeypatch.setattr(
        command,
        "run_once",
        lambda _, i: _run.Run(ends[i], "" if ends[i] else "fine", "printed it", 1.0),
    )
    scenario = Scenario("some-name", "something", _wrong.right)
    assert not command.print_row(scenario, range(3))
    row, *below = capsys.readouterr().out.splitlines()
    assert row.startswith("| something | 3 | 2 | fine | `python -m tests.reliability ")
    assert "run 1 of some-name, 1 s: another answer" in below
    assert "    printed it" in below
    assert command.print_row(scenario, range(0, 3, 2))


def test_unknown_names(monkeypatch, capsys):
    """A name that is none is refused, and those that there are are listed."""
    monkeypatch.setattr("sys.argv", ["reliability", "no-such-name"])
    with pytest.raises(SystemExit):
        command.main()
    said = capsys.readouterr().err
    assert "there is no no-such-name; there are " in said
    assert all(name in said for name in scenarios())


def test_page_and_scenarios():
    """The page has a row for each scenario, with its words, and for no other."""
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"`python -m tests\.reliability ([\w-]+)", text)
    known = scenarios()
    assert sorted(set(named) - {"NAME"}) == sorted(known)
    for scenario in known.values():
        assert f"| {scenario.tried} |" in text
