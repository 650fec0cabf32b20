# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Checks of which each run is wrong, for a reason of its own, and one that is right."""

import os
import subprocess
import sys
import time
import warnings


def right(number):
    """End well, with some words that are no error."""
    warnings.warn("nothing of importance")
    return f"seen {number}"


def raises(number):
    """Find that something is not as it should be."""
    raise AssertionError("another answer")


def hangs(number):
    """Wait for ever."""
    time.sleep(1000)


def ends_early(number):
    """End, without an error, before anything is checked."""
    os._exit(0)


def leaves_a_process(number):
    """Leave a process, that is in a session of its own."""
    sleep = [sys.executable, "-c", "import time; time.sleep(1000)"]
    subprocess.Popen(sleep, start_new_session=True)


def prints_an_error(number):
    """Print what a log of Dask's looks like."""
    print("2026-01-01 00:00:00,000 - distributed.scheduler - ERROR - lost", flush=True)


class _FailsAtExit:
    def __del__(self):
        raise RuntimeError("too late")


def fails_at_exit(number):
    """Print a traceback after all has been checked."""
    sys.modules["left"] = _FailsAtExit()


def fails_in_our_code(number):
    """Print a traceback with a line of the package's."""
    print('Traceback:\n  File "/x/gpu_hpo/compute/_pool.py", line 1', flush=True)
