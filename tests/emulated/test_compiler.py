# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The emulator's compiler is used by threads and processes at once."""

import ctypes
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.emulated.cuda_on_host import _compiler

pytestmark = pytest.mark.usefixtures("cold")
N = 6
HEADERS = "#include <vector>\n"
SOURCE = """#include "begin.h"
extern "C" int answer() { return std::vector<int>(42).size(); }
"""


@pytest.fixture
def cold(tmp_path, monkeypatch):
    """Nothing is kept yet."""
    monkeypatch.setenv("EMULATED_CACHE", str(tmp_path))
    _compiler.precompiled.cache_clear()
    yield
    _compiler.precompiled.cache_clear()


def made():
    folder = _compiler.precompiled(HEADERS, ("-fno-strict-aliasing",))
    path = _compiler.library(SOURCE, f"-I{folder}", "-fno-strict-aliasing")
    assert ctypes.CDLL(str(path)).answer() == 42
    return path


def test_threads_compile_the_same_once(tmp_path, monkeypatch):
    """Threads that want the same headers and library wait for one of them."""
    calls, run = [], subprocess.run

    def counted(command, **options):
        calls.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", counted)
    begin = threading.Barrier(N)

    def at_once(_):
        begin.wait()
        return made()

    with ThreadPoolExecutor(N) as pool:
        (path,) = set(pool.map(at_once, range(N)))
    assert path.parent == tmp_path
    assert sum("-o" in command for command in calls) == 2
    assert not list(tmp_path.rglob(".*")), "nothing unfinished is left"


def test_processes_compile_the_same(tmp_path):
    """Processes that want the same do not disturb each other."""
    code = "from tests.emulated.test_compiler import made; made()"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in running:
        _, said = process.communicate(timeout=100)
        assert process.returncode == 0, said.decode()
    assert not list(tmp_path.rglob(".*")), "nothing unfinished is left"
