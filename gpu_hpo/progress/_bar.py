# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Show a bar while a search runs, in a terminal or a notebook."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from time import monotonic, thread_time
from typing import Any, Protocol

from gpu_hpo.progress._state import State
from gpu_hpo.progress._uninterrupted import uninterrupted

_EVERY = 0.1  # seconds between two pictures, at least
_SHARE = 0.01  # of the search's time that may go into pictures

# A terminal has one bar: the first search has it; those beside it, or in it, have none.
_shown = threading.Lock()


class View(Protocol):
    """Draws states somewhere."""

    def show(self, state: State) -> None:
        """Draw a state in place of the one before."""

    def close(self, state: State) -> None:
        """Leave one line of what was done."""


def open_view(title: str) -> View | None:
    """Return where to draw, or None where nobody looks."""
    if _is_notebook():
        from gpu_hpo.progress._notebook import NotebookView

        return NotebookView(title)
    if not (getattr(sys.stderr, "isatty", bool)() and find_spec("rich")):
        return None
    from gpu_hpo.progress._terminal import TerminalView

    return TerminalView(title)


def wanted(progress: bool | None, verbose: Any) -> bool:
    """Return whether a search shows a bar.

    Parameters
    ----------
    progress, verbose
        As given to the search. By default there is none beside printed lines, nor in
        processes that were started for something else, such as workers.
    """
    if progress is not None:
        return bool(progress)
    return not verbose and multiprocessing.parent_process() is None


class Bar:
    """Shows the state of a search now and then, and one line at its end.

    Parameters
    ----------
    title : str
    look : callable
        Returns the present state; called in the thread that calls `update`.
    shown : bool
        Whether to show anything.
    """

    def __init__(self, title: str, look: Callable[[], State], *, shown: bool) -> None:
        self._title = title
        self._look = look
        self._wanted = shown
        self._view: View | None = None
        self._next = 0.0

    def open(self) -> None:
        """Begin to show it, unless nobody looks; `close` must follow in any case."""
        if not self._wanted:
            return
        # Else an interrupt could leave the cursor hidden, or no bar to any other.
        with uninterrupted():
            if not _shown.acquire(blocking=False):
                return
            try:
                self._view = open_view(self._title)
            finally:
                if self._view is None:
                    _shown.release()

    def update(self) -> None:
        """Draw the present state, if the last picture is old enough."""
        if self._view is not None and monotonic() >= self._next:
            began = thread_time()
            state = self._look()
            with uninterrupted():
                self._view.show(state)
            spent = thread_time() - began
            self._next = monotonic() + max(_EVERY, spent / _SHARE)

    def close(self) -> None:
        """End, however the search did."""
        if self._view is None:
            return
        state = self._look()
        with uninterrupted():
            view, self._view = self._view, None
            try:
                view.close(state)
            finally:
                _shown.release()


def _is_notebook() -> bool:
    """Return whether this process shows what it prints in a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")
