# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""`gpu-hpo doctor`, as a process of its own."""

import os
import select
import signal
import subprocess
import sys
import time

import pytest

from gpu_hpo.cli import _device_checks
from gpu_hpo.cli._examination import Examination
from gpu_hpo.cli._finding import Finding
from gpu_hpo.cli._output import _wants_colour
from gpu_hpo.devices import _detect
from tests.cli import doubles
from tests.cli.command import environment, needs_posix, refused, run, run_json

pty = pytest.importorskip("pty", reason="terminals of POSIX")
CPU = {"GPU_HPO_DEVICE": "cpu"}


def statuses(report):
    return {finding["name"]: finding["status"] for finding in report["findings"]}


def test_machine_without_gpu():
    """On a CPU all is well: one screen says where searches run, and that one did."""
    done = run("doctor", **CPU)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) <= 24
    # A folder is not broken, so that it can be copied: one may be longer than a line.
    assert all(len(line) <= 80 or len(line.split()) == 1 for line in lines)
    assert lines[1] == "Searches run on the CPU: GPU_HPO_DEVICE=cpu asks for the CPU"
    assert lines[-1] == "Nothing to mend."
    assert "17 models, 69 calls in" in done.stdout
    assert "\x1b" not in done.stdout


def test_report_for_machines():
    """`--json` has the device, versions and findings, each with a status and cure."""
    report = run_json("doctor", "--no-search", **CPU)
    assert report["ok"]
    assert report["device"] == {
        "name": "cpu",
        "n_gpus": 0,
        "reason": "GPU_HPO_DEVICE=cpu asks for the CPU",
    }
    assert report["versions"]["numpy"] == __import__("numpy").__version__
    assert set(statuses(report).values()) <= {"ok", "note"}
    assert "search" not in statuses(report)
    for finding in report["findings"]:
        assert finding.keys() == {"name", "status", "text", "cure"}


def test_something_to_mend(tmp_path):
    """What is to be mended has a cure below it, and the exit status is 1."""
    path = doubles.machine(
        tmp_path,
        pynvml=doubles.nvml(error="Pynvml.NVMLError_LibraryNotFound('not found')"),
    )
    done = run("doctor", "--no-search", PYTHONPATH=path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (wrong,) = [number for number, line in enumerate(lines) if line.startswith("fail")]
    assert "NVMLError_LibraryNotFound: not found" in " ".join(lines[wrong : wrong + 2])
    assert any("cure:     install NVIDIA's driver" in line for line in lines)
    assert lines[-1] == 'To mend: 1, marked "fail".'
    report = run_json("doctor", "--no-search", status=1, PYTHONPATH=path)
    assert not report["ok"]
    (failure,) = [f for f in report["findings"] if f["status"] == "fail"]
    assert failure["cure"].startswith("install NVIDIA's driver")


def test_search_that_fails(tmp_path):
    """A search that cannot run is told with its error, and nothing else is lost."""
    # All else imports scikit-learn, but not this part of it.
    path = doubles.write(
        tmp_path,
        {
            "sitecustomize": """
        import sys
        if "search" in sys.argv or "search" in sys.orig_argv:
            sys.modules["scipy.stats"] = None
        """
        },
    )
    report = run_json("doctor", status=1, PYTHONPATH=path, **CPU)
    assert statuses(report)["search"] == "fail"
    assert "scipy.stats" in report["findings"][-1]["text"]
    assert statuses(report)["host"] == "ok"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise ImportError('numpy is torn')", "ImportError: numpy is torn"),
        ("import os; os.abort()", "was ended by SIGABRT"),
    ],
)
def test_numpy_that_cannot_be_imported(tmp_path, source, words):
    """The doctor itself needs none of the libraries that it looks at."""
    path = doubles.write(tmp_path, {"numpy/__init__": source})
    report = run_json("doctor", status=1, PYTHONPATH=path, **CPU)
    assert statuses(report)["versions"] == "ok"
    failed = [f for f in report["findings"] if f["status"] == "fail"]
    assert failed
    assert f"gpu_hpo cannot be imported: {words}" in [f["text"] for f in failed]
    assert all(finding["cure"] for finding in failed)


def test_name_of_the_variable():
    """The doctor reads the variable that searches read."""
    assert _device_checks.DEVICE_VARIABLE == _detect.DEVICE_VARIABLE


def test_folder_that_cannot_be_written(tmp_path):
    """Folders of scratch files and of compiled code are tried, not looked at."""
    (tmp_path / "file").touch()
    report = run_json(
        *("doctor", "--no-search"),
        status=1,
        DASK_TEMPORARY_DIRECTORY=str(tmp_path / "file" / "below"),
        **CPU,
    )
    (folders, *_) = [f for f in report["findings"] if f["name"] == "folders"]
    assert folders["status"] == "fail"
    assert str(tmp_path / "file") in folders["text"]
    assert "TMPDIR" in folders["cure"]


def test_check_that_raises(monkeypatch):
    """A check with a fault of its own is a finding, and the others go on."""

    def torn(self):
        yield Finding("half", "ok", "said before")
        raise ZeroDivisionError("torn")

    monkeypatch.setenv("GPU_HPO_DEVICE", "cpu")
    monkeypatch.setattr(Examination, "_about_versions", torn)
    examination = Examination(with_search=False)
    examination.begin()
    found = {finding.name: finding for finding in examination.findings()}
    assert "ZeroDivisionError: torn" in found["versions"].text
    assert found["versions"].status == "fail"
    assert found["half"].status == found["host"].status == "ok"


def test_wrong_argument():
    """A time that is none is one line."""
    assert "'soon' is not a time" in refused("doctor", "--timeout", "soon")


def start(*arguments, **variables):
    return subprocess.Popen(
        [sys.executable, "-m", "gpu_hpo", "doctor", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
        start_new_session=True,
    )


def alive(word):
    """The processes that have a word in their environment."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if word.encode() in file.read():
                    found.append(int(pid))
        except OSError:
            continue  # it has ended, or is another user's
    return found


@needs_posix
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")
@pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_interrupted(sent, status, tmp_path):
    """Ctrl-C during the search ends it and its workers at once, without a traceback."""
    word = f"DOCTOR_OF={tmp_path}"
    process = start(DOCTOR_OF=str(tmp_path), **CPU)
    lines = iter(process.stdout.readline, "")
    assert any("host" in line for line in lines)
    time.sleep(2)  # the search has begun, or its workers have
    process.send_signal(sent)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == status
    assert "Traceback" not in errors
    deadline = time.monotonic() + 10
    while alive(word) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert alive(word) == []


@needs_posix
def test_pipe_that_is_closed(tmp_path):
    """A reader that leaves after the first line, as `head -1` does, ends the doctor."""
    process = start("--no-search", **CPU)
    assert process.stdout.readline().startswith("gpu_hpo ")
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


def on_terminal(**variables):
    """Run the doctor on a terminal; give what it shows."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gpu_hpo", "doctor", "--no-search"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(**variables),
    )
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux, once nobody has the other side
            piece = b""
        if not piece:
            break
        shown += piece
    assert process.wait(60) == 0
    os.close(ours)
    return shown.decode()


@needs_posix
def test_colours_of_terminals():
    """A terminal shows colours and what is looked at; one that wants none, none."""
    shown = on_terminal(TERM="xterm", **CPU)
    assert "\x1b[32mok" in shown
    assert "...   host" in shown
    plain = on_terminal(TERM="dumb", **CPU)
    assert "\x1b" not in plain
    assert "...   host" not in plain


def test_no_color(monkeypatch):
    """NO_COLOR, if it is not empty, means no colours, whatever the terminal knows."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not _wants_colour()
    monkeypatch.setenv("NO_COLOR", "")
    assert _wants_colour()
