# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Ask a process of its own, which may crash or hang."""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

logger = logging.getLogger(__name__)

_GRACE = 5  # seconds in which a killed process ends, if the kernel lets it


class ProbeEndedError(Exception):
    """A probe crashed or did not answer; the message says how."""


def ask(probe: str, *arguments: str, patience: float) -> Iterator[dict[str, Any]]:
    """Yield what a probe of `_probe.py` says, as it says it.

    Parameters
    ----------
    probe : str
        Its name.
    *arguments : str
    patience : float
        Seconds that it may take until it says the next thing.

    Raises
    ------
    ProbeEndedError
        If it takes longer, or ends in another way than by itself.
    """
    process = subprocess.Popen(
        # Not from the folder of the user, where a file may have a library's name.
        [sys.executable, "-P", "-m", "gpu_hpo.cli._probe", probe, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Ctrl-C is the doctor's, which then ends all that the probe has started.
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said: queue.Queue[bytes | None] = queue.Queue()
    errors: list[bytes] = []
    readers = [
        threading.Thread(target=_pass_on, args=(process.stdout, said), daemon=True),
        threading.Thread(target=_keep, args=(process.stderr, errors), daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        while True:
            try:
                line = said.get(timeout=patience)
            except queue.Empty:
                raise ProbeEndedError(f"did not answer within {patience:g} s") from None
            if line is None:
                break
            yield json.loads(line)
        status = process.wait(_GRACE)
        if status:
            readers[1].join(_GRACE)
            raise ProbeEndedError(_how(status, b"".join(errors)))
    except subprocess.TimeoutExpired:
        raise ProbeEndedError("did not end") from None
    finally:
        _end(process)
        for reader, stream in zip(
            readers, (process.stdout, process.stderr), strict=True
        ):
            reader.join(_GRACE)
            if not reader.is_alive():  # else closing would wait for it
                stream.close()


def _pass_on(stream: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _keep(stream: IO[bytes], kept: list[bytes]) -> None:
    kept.extend(stream)


def _how(status: int, errors: bytes) -> str:
    """Say how a process ended, and what it said last."""
    if status < 0:
        try:
            return f"was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"was ended by signal {-status}"
    lines = errors.decode(errors="backslashreplace").strip().splitlines()
    return lines[-1] if lines else f"ended with exit status {status}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, and what it has started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):  # macOS says the latter
        logger.debug("the probe and all that it started have ended")
    finally:
        # What waits for the kernel, such as in a driver that hangs, cannot be ended.
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
