# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Let no signal come between what is drawn and what is known of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put off Ctrl-C and SIGTERM until this context ends.

    A picture that is half drawn could not be taken away again: how many lines of it are
    there would not be known. Other threads than the main one are never interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def put_off(number: int, frame: Any) -> None:
        came.append(number)

    # None is a handler that Python cannot put back, and one of the system's is no
    # matter: it raises nothing.
    before = {
        number: handler
        for number in _SIGNALS
        if callable(handler := signal.getsignal(number))
    }
    try:
        for number in before:
            signal.signal(number, put_off)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)
