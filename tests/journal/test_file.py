# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The file of a journal: one writer, never in the way, always valid."""

import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from gpu_hpo.exceptions import JournalError, JournalInUseError
from gpu_hpo.journal._file import JournalFile, is_locked, read_file
from gpu_hpo.journal._journal import Journal, OpenJournal
from tests.compute.helpers import wait_until

posix = pytest.mark.skipif(sys.platform == "win32", reason="not with these rights")


def test_events_are_there_within_a_second_or_so(tmp_path):
    """Others read them while the writer goes on, and a next writer goes on behind."""
    path = tmp_path / "j"
    first = JournalFile(path)
    for i in range(5):
        first.append({"i": i})
    assert not wait_until(lambda: len(read_file(path)) == 5, 5)
    first.append({"i": 5})
    first.close()
    second = JournalFile(path)
    assert [event["i"] for event in second.events] == list(range(6))
    second.append({"i": 6})
    second.close()
    assert [event["i"] for event in read_file(path)] == list(range(7))


@posix
def test_private(tmp_path):
    """Nobody else reads it, whatever the umask."""
    before = os.umask(0)
    try:
        JournalFile(tmp_path / "j").close()
    finally:
        os.umask(before)
    for name in ("j", "j.lock"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_one_writer(tmp_path):
    """A second one is refused, in this process and in another, until the first ends."""
    path = tmp_path / "j"
    file = JournalFile(path)
    with pytest.raises(JournalInUseError, match="j is being written"):
        JournalFile(path)
    code = f"""
from pathlib import Path
from gpu_hpo.journal._file import JournalFile
JournalFile(Path({str(path)!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "JournalInUseError" in done.stderr
    file.append({"i": 0})
    file.close()
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    assert read_file(path) == [{"i": 0}]


@posix
def test_a_writer_that_is_killed(tmp_path):
    """It leaves whole lines, and no lock."""
    path = tmp_path / "j"
    code = f"""
from pathlib import Path
from gpu_hpo.journal._file import JournalFile
file = JournalFile(Path({str(path)!r}))
i = 0
while True:
    file.append({{"i": i}})
    i += 1
    if i % 100 == 0:
        import time; time.sleep(0.001)
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    assert not wait_until(lambda: path.exists() and path.stat().st_size > 1000, 20)
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    file = JournalFile(path)
    assert [event["i"] for event in file.events] == list(range(len(file.events)))
    assert len(file.events) > 10
    file.close()


@posix
def test_a_disk_that_is_full(tmp_path):
    """The writer goes on, the file stays valid, and what is missing is known."""
    code = f"""
import resource, signal, time
from pathlib import Path
from gpu_hpo.journal._file import JournalFile, read_file
path = Path({str(tmp_path / "j")!r})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
file = JournalFile(path)
for i in range(50):
    file.append({{"i": i}})
time.sleep(1.5)
assert len(read_file(path)) == 50
for i in range(50, 1000):
    file.append({{"i": i}})
time.sleep(1.5)
assert file.problem and file.n_missing == 1000 - len(read_file(path)), file.problem
n = len(read_file(path))
assert n > 50 and [e["i"] for e in read_file(path)] == list(range(n))
# There is room again.
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
file.append({{"i": 1000}})
file.close()
assert file.n_missing == 0 and file.problem
assert [e["i"] for e in read_file(path)] == list(range(1001))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "cannot be written: File too large" in done.stderr


def test_a_torn_tail_is_cut_off(tmp_path):
    """What comes next begins where the last whole line ends."""
    path = tmp_path / "j"
    file = JournalFile(path)
    file.append({"i": 0})
    file.append({"i": 1})
    file.close()
    path.write_bytes(path.read_bytes()[:-3])
    file = JournalFile(path)
    assert file.events == [{"i": 0}]
    file.append({"i": 2})
    file.close()
    assert read_file(path) == [{"i": 0}, {"i": 2}]


@pytest.mark.parametrize("resume", ["auto", "must", "never"])
@pytest.mark.parametrize(
    "content",
    [b'{"a": 1}\n', b"text", b"\x00" * 50, bytes(range(256)) * 4, b"a,b\n1,2\n"],
    ids=["one line", "no line", "zeros", "binary", "table"],
)
def test_what_is_no_journal_is_left_as_it_is(content, resume, tmp_path):
    """A path that was given by mistake costs no file."""
    path = tmp_path / "j"
    path.write_bytes(content)
    for read in (
        lambda: OpenJournal(Journal(path, resume=resume), "GridSearchCV"),
        lambda: read_file(path),
    ):
        with pytest.raises(JournalError, match="j is no journal"):
            read()
    assert path.read_bytes() == content


def test_must_makes_no_file(tmp_path):
    """Where there is nothing to go on with, nothing is made."""
    with pytest.raises(JournalError, match="not there to be gone on with"):
        OpenJournal(Journal(tmp_path / "j", resume="must"), "GridSearchCV")
    assert list(tmp_path.iterdir()) == []


def test_a_first_line_that_is_torn(tmp_path):
    """A journal whose first line was not written whole is a new one."""
    path = tmp_path / "j"
    first = OpenJournal(Journal(path), "GridSearchCV")
    first.begin(0, {"a": 1}, {"trials": []})
    first.close()
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        again = OpenJournal(Journal(path), "GridSearchCV")
        assert again.begin(0, {"a": 2}, {"trials": []})[1] == []
        again.close()


def test_whether_it_is_locked(tmp_path):
    """Others can tell that a search writes it, and do not hinder that."""
    path = tmp_path / "j"
    assert not is_locked(path)
    file = JournalFile(path)
    assert is_locked(path)
    file.close()
    assert not is_locked(path)
    JournalFile(path).close()


@pytest.mark.parametrize("what", ["folder", "no folder", "changed"])
def test_what_cannot_be_written(what, tmp_path):
    """The error names the file, and the lock is given back."""
    path = tmp_path / "j"
    if what == "folder":
        path.mkdir()
    elif what == "no folder":
        path = tmp_path / "x" / "j"
    else:
        file = JournalFile(path)
        for i in range(3):
            file.append({"i": i})
        file.close()
        path.write_bytes(path.read_bytes().replace(b'"i":1', b'"i":9'))
    for _ in range(2):
        with pytest.raises(JournalError, match=r"j (cannot be written|was changed)"):
            JournalFile(path)
