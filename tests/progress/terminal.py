# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run a script in a terminal, and read what a user would see there."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import textwrap
import time

HEAD = """
import contextlib, os, sys, threading, warnings
import numpy as np
from dask.distributed import Client
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier
from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import GridSearchCV, HyperbandSearchCV, RandomizedSearchCV
from tests.reliability._searches import Model

X, y = make_classification(600, 5, n_informative=3, n_redundant=0, random_state=0)
ALPHAS = np.logspace(-5, 1, 12).tolist()

def hyperband(seconds=0.05, **options):
    options = {"max_iter": 9, "random_state": 0, **options}
    return HyperbandSearchCV(Model(seconds=seconds), {"alpha": ALPHAS}, **options)

def grid(seconds=0.05, model=None, **options):
    options = {"cv": 2, "scheduler": "threads", **options}
    return GridSearchCV(model or Model(seconds=seconds), {"alpha": ALPHAS}, **options)

@contextlib.contextmanager
def threads():
    with local_cluster(1, device="cpu", processes=False, threads_per_worker=2) as c:
        with Client(c):
            yield

def mark(name):
    sys.stderr.flush()
    print(f"[{name}]", flush=True)

def main():
    warnings.filterwarnings("ignore", "parameters is a space")
"""
TAIL = """
if __name__ == "__main__":
    main()
"""
ESCAPE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])")


def script(body):
    """A script with some searches at hand."""
    return HEAD + textwrap.indent(textwrap.dedent(body), "    ") + TAIL


def environment(**variables):
    """That of a script, which imports the tests; None takes a variable away."""
    found = dict(os.environ, PYTHONPATH=os.getcwd(), GPU_HPO_DEVICE="cpu", TERM="xterm")
    for name in ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR"):
        found.pop(name, None)
    found.update(variables)
    return {name: value for name, value in found.items() if value is not None}


def run_in_terminal(body, folder, *, columns=80, interrupt_after=None, **variables):
    """Run a script in a terminal; return all that it printed, and how it ended.

    If `interrupt_after` has been printed, Ctrl-C is pressed.
    """
    path = folder / "script.py"
    path.write_text(script(body))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, str(path)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=environment(**variables),
        start_new_session=True,
    )
    os.close(theirs)
    printed, end = b"", time.monotonic() + 100
    try:
        while True:
            assert time.monotonic() < end, printed.decode()
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                more = os.read(ours, 65536)
            except OSError:  # Linux says so that nobody has the terminal any more
                break
            if not more:
                break
            printed += more
            if interrupt_after and re.search(interrupt_after.encode(), printed):
                interrupt_after = None
                os.killpg(process.pid, signal.SIGINT)
        return printed.decode(), process.wait(20)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def screen(printed):
    """The lines that are there in the end, as a terminal shows them."""
    lines, row, column = [""], 0, 0
    at = 0
    while at < len(printed):
        found = ESCAPE.match(printed, at)
        if found:
            number, what = found.groups()
            at = found.end()
            if what == "A":
                row = max(0, row - int(number or 1))
            elif what == "K":
                lines[row] = "" if number == "2" else lines[row][:column]
            else:
                assert what in "mhl", found.group()  # colours, and the cursor
            continue
        letter = printed[at]
        at += 1
        if letter == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif letter == "\r":
            column = 0
        else:
            line = lines[row].ljust(column)
            lines[row] = line[:column] + letter + line[column + 1 :]
            column += 1
    return [line.rstrip() for line in lines if line.strip()]


def cursor_is_shown(printed):
    """Whether the cursor was not left hidden."""
    return printed.rfind("\x1b[?25h") >= printed.rfind("\x1b[?25l")


def by_mark(lines):
    """The lines after each mark, by its name."""
    found, name = {}, ""
    for line in lines:
        if mark := re.fullmatch(r"\[(.+)\]", line):
            name = mark.group(1)
            found[name] = []
        else:
            found.setdefault(name, []).append(line)
    return found
