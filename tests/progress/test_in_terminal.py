# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a user sees of a search in a terminal, and where there is none."""

import contextlib
import io
import re
import signal
import subprocess
import sys

import pytest

pytest.importorskip("pty", reason="there are no pseudo-terminals")
pytest.importorskip("rich")

from rich.console import Console

from gpu_hpo.progress import _bar
from gpu_hpo.progress._state import State
from gpu_hpo.progress._terminal import TerminalView
from tests.progress.terminal import (
    by_mark,
    cursor_is_shown,
    environment,
    run_in_terminal,
    screen,
    script,
)

LINE = r"{}: [\d,]+ of [\d,]+ {} in \d+ s, best 0\.\d+: alpha=\S+"
HYPERBAND = LINE.format("HyperbandSearchCV", "calls")
GRID = LINE.format("GridSearchCV", "fits")


def test_a_bar_and_the_line_that_remains(tmp_path):
    """A bar shows each kind of search, with its brackets; one line remains of each."""
    printed, status = run_in_terminal(
        """
        with threads():
            mark("hyperband")
            hyperband().fit(X, y)
            mark("grid")
            grid().fit(X, y)
            mark("off")
            hyperband(progress=False).fit(X, y)
            grid(progress=False).fit(X, y)
            mark("verbose")
            hyperband(verbose=True).fit(X, y)
            grid(verbose=1).fit(X, y)
            mark("end")
        """,
        tmp_path,
    )
    assert status == 0, printed
    shown = by_mark(screen(printed))
    assert len(shown["hyperband"]) == 1
    assert re.fullmatch(HYPERBAND, shown["hyperband"][0])
    assert len(shown["grid"]) == 1 and re.fullmatch(GRID, shown["grid"][0])
    assert shown["off"] == shown["end"] == []
    # Lines are printed as scores arrive, and no bar.
    assert not any(
        re.search("HyperbandSearchCV|GridSearchCV", x) for x in shown["verbose"]
    )
    assert any(line.startswith("[CV] creating") for line in shown["verbose"])
    # While it runs there is more: bars, brackets, the best score, the time left.
    of_hyperband, of_grid = printed.split("[grid]")[0], printed.split("[grid]")[1]
    for text in ("━", "bracket 2", "left", "models left", "of 2 busy", "best 0."):
        assert text in of_hyperband, text
    for text in ("━", " fits", "best 0.", "busy"):
        assert text in of_grid.split("[off]")[0], text
    assert "\x1b[?25l" in printed and cursor_is_shown(printed)


def test_nobody_looks(tmp_path):
    """Where standard error is no terminal nothing is printed, nor a bar imported."""
    path = tmp_path / "script.py"
    path.write_text(
        script(
            """
            with threads():
                for progress in (None, True, False):
                    hyperband(0, progress=progress).fit(X, y)
                    grid(0, progress=progress).fit(X, y)
                # rich itself is imported by scikit-learn.
                for view in ("gpu_hpo.progress._terminal", "IPython"):
                    assert view not in sys.modules
            """
        )
    )
    done = subprocess.run(
        [sys.executable, path],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(),
        timeout=100,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_several_searches(tmp_path):
    """Of two searches in threads one has the bar; searches in a search have none."""
    printed, status = run_in_terminal(
        """
        with threads():
            mark("two at once")
            searches = [grid(), grid(), hyperband()]
            started = [threading.Thread(target=s.fit, args=(X, y)) for s in searches]
            for thread in started:
                thread.start()
            for thread in started:
                thread.join()
            assert all(hasattr(search, "best_estimator_") for search in searches)
            mark("in a search")
            inner = hyperband(0, max_iter=3)
            GridSearchCV(
                inner, {"aggressiveness": [3, 4]}, cv=2, scheduler="threads"
            ).fit(X, y)
            mark("after them")
            grid().fit(X, y)
            mark("end")
        """,
        tmp_path,
    )
    assert status == 0 and "Traceback" not in printed, printed
    shown = by_mark(screen(printed))
    # Those that begin when the first is done may have it then.
    assert 1 <= len(shown["two at once"]) <= 2
    assert all(re.fullmatch(f"{GRID}|{HYPERBAND}", x) for x in shown["two at once"])
    (line,) = shown["in a search"]
    assert line.startswith("GridSearchCV: 4 of 4 fits in ")
    assert re.fullmatch(GRID, shown["after them"][0]) and shown["end"] == []
    assert cursor_is_shown(printed)


def test_worker_processes_show_none(tmp_path):
    """Searches in worker processes, whose standard error is the terminal, show none."""
    printed, status = run_in_terminal(
        """
        inner = grid(0, scheduler="threads")
        mark("in processes")
        GridSearchCV(
            inner, {"error_score": ["raise", 0.0]}, cv=2, scheduler="processes"
        ).fit(X, y)
        mark("end")
        """,
        tmp_path,
    )
    assert status == 0, printed
    (line,) = by_mark(screen(printed))["in processes"]
    assert line.startswith("GridSearchCV: 4 of 4 fits in ")


@pytest.mark.parametrize(
    "variables", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"columns": 40}]
)
def test_terminals_of_other_kinds(variables, tmp_path):
    """One that cannot move its cursor, one without colours, and a narrow one."""
    printed, status = run_in_terminal(
        """
        with threads():
            mark("hyperband")
            hyperband().fit(X, y)
            mark("end")
        """,
        tmp_path,
        **variables,
    )
    assert status == 0 and "Traceback" not in printed, printed
    columns = variables.get("columns", 80)
    for line in printed.replace("\r", "\n").split("\n"):
        visible = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", line)
        assert len(visible) <= columns, visible
    (line,) = by_mark(screen(printed))["hyperband"]
    assert line.startswith("HyperbandSearchCV: ")
    if variables.get("TERM") == "dumb":
        assert "\x1b" not in printed.split("[end]")[0].split("[hyperband]")[1]
    if "NO_COLOR" in variables:
        assert not re.search(r"\x1b\[[\d;]*3\d[;m]", printed)


@pytest.mark.parametrize("kind", ["hyperband", "grid"])
@pytest.mark.parametrize("how", ["error", "Ctrl-C"])
def test_the_terminal_is_left_as_it_was(how, kind, tmp_path):
    """After an error, and after Ctrl-C, the bar is gone and the cursor is shown."""
    body = f"""
        class Stops:
            only_scores = True
            n = 0
            def setup(self, estimator, context): pass
            teardown = on_fit_task_begin = on_fit_task_end = setup
            def on_score(self, search, context, *, metadata):
                self.n += 1
                if self.n == 6 and {how == "error"}:
                    raise ArithmeticError("of the callback")
        with threads():
            mark("search")
            try:
                {kind}(0.15).set_callbacks(Stops()).fit(X, y)
            except (ArithmeticError, KeyboardInterrupt) as error:
                mark(type(error).__name__)
                grid().fit(X, y)
            mark("end")
        """
    printed, status = run_in_terminal(
        body, tmp_path, interrupt_after=r"best 0\." if how == "Ctrl-C" else None
    )
    assert status == 0, printed
    shown = by_mark(screen(printed))
    raised = "ArithmeticError" if how == "error" else "KeyboardInterrupt"
    assert raised in shown, printed
    # One line of what was done remains, and the next search has its bar.
    assert len(shown["search"]) == 1 and "SearchCV: " in shown["search"][0]
    assert re.fullmatch(GRID, shown[raised][0])
    assert cursor_is_shown(printed.split(f"[{raised}]")[0])
    assert cursor_is_shown(printed)


class _InterruptedFile(io.StringIO):
    """Ctrl-C is pressed while the first picture is written to it."""

    presses = 1

    def write(self, text):
        if self.presses:
            self.presses = 0
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


def test_ctrl_c_while_a_picture_is_drawn(monkeypatch):
    """The picture is drawn whole before the search hears of it, and taken away."""
    file = _InterruptedFile()
    console = Console(file=file, force_terminal=True, width=80)
    monkeypatch.setattr(_bar, "open_view", lambda title: TerminalView(title, console))
    state = State("fits", 1, 24, 0.1, best_score=0.4, busy=1, slots=2)
    bar = _bar.Bar("GridSearchCV", lambda: state, shown=True)
    file.presses = 0
    bar.open()
    file.presses = 1
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        bar.update()
    assert not file.presses and signal.getsignal(signal.SIGINT) is handler
    assert "1 of 2 busy" in file.getvalue()
    bar.close()
    (line,) = screen(file.getvalue())
    assert line.startswith("GridSearchCV: 1 of 24 fits in 0 s, best 0.4")


def test_ctrl_c_while_a_bar_is_opened(monkeypatch):
    """The cursor is shown again, and the next search may have a bar."""
    file = _InterruptedFile()
    console = Console(file=file, force_terminal=True, width=80)
    monkeypatch.setattr(_bar, "open_view", lambda title: TerminalView(title, console))
    state = State("fits", 0, 24, 0.1)
    for presses in (1, 0):
        file.presses = presses
        bar = _bar.Bar("GridSearchCV", lambda: state, shown=True)
        with pytest.raises(KeyboardInterrupt) if presses else contextlib.nullcontext():
            bar.open()
        bar.update()
        bar.close()
        assert cursor_is_shown(file.getvalue())
    assert file.getvalue().count("GridSearchCV: 0 of 24 fits") == 2
