# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""All that a first GPU can teach in nine minutes, what teaches most first.

Needs a GPU, CuPy, Numba, Dask and pytest, and nothing installed of this repository.
Each part runs in a process of its own and is stopped when its share of the time is up,
so that none of them can spoil another; what one does not need the next may use:

- machine: card, driver, versions, and whether Numba's kernels run, or why not;
- networks and linear, float32 and float64: a kernel's weights beside those of array
  operations and of the CPU; then its time beside what `kernels.py` predicts;
- predictions: what that is, which needs no GPU;
- tests: those in `tests/gpu`, with names of failures, also of tests cut short;
- stacks: models a second in stacks, one by one, by array operations, on a core;
- uploads: bytes a second from memory of all kinds, and what training hides of them;
- calls: launches, waits and copies of a call, as CUPTI says;
- search: what a search costs beside its bare calls and their kernels.

Writes all figures as OUT.json and one table as OUT.md, anew after each part.

    python benchmarks/first_gpu.py
    python benchmarks/first_gpu.py --seconds 120 --only machine networks-float32
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from time import monotonic
from typing import Any

ROOT = Path(__file__).parents[1]
# Parts in order, and their shares of the time.
SHARES = {
    "machine": 30,
    "networks-float32": 45,
    "networks-float64": 40,
    "linear-float32": 40,
    "linear-float64": 35,
    "predictions": 35,
    "tests": 150,
    "stacks": 60,
    "uploads": 30,
    "calls": 30,
    "search": 50,
}
LAST_WORDS = 5  # seconds that a part has to end after it was told to
NO_GPU = 2  # exit status


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=540, help="for all parts")
    parser.add_argument("--only", nargs="+", choices=SHARES, default=list(SHARES))
    parser.add_argument(
        "--size",
        choices=("full", "small"),
        default="full",
        help="small is for CuPy over the host's memory, whose figures say nothing",
    )
    parser.add_argument(
        "--tests", nargs="+", default=[], help="what pytest is to run, by default all"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "first_gpu")
    return parser.parse_args()


class Report:
    """What all parts have found, in two files."""

    def __init__(self, options: argparse.Namespace) -> None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        self.out = options.out
        self.found: dict[str, Any] = {
            "began": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "command": " ".join(sys.argv),
            "commit": commit(),
            "seconds": options.seconds,
            "parts": {},
        }

    def add(self, name: str, part: dict[str, Any]) -> None:
        """Note a part, and write the files anew."""
        self.found["parts"][name] = part
        for suffix, text in (
            (".json", json.dumps(self.found, indent=1)),
            (".md", self.table()),
        ):
            part_path = self.out.with_suffix(".part")
            part_path.write_text(text + "\n")
            part_path.replace(self.out.with_suffix(suffix))

    def figures(self, name: str) -> dict[str, Any]:
        """Return the figures of a part; of none, if it has found none."""
        return self.found["parts"].get(name, {}).get("figures", {})

    def table(self) -> str:
        """Return a table of all rows, those of kernels beside what was predicted."""
        predicted = self.figures("predictions").get("predictions", {})
        lines = [
            f"`first_gpu.py`, {self.found['began']}, commit {self.found['commit']}:",
            "",
            "| part | what | measured | beside it |",
            "| --- | --- | --- | --- |",
        ]
        for name, part in self.found["parts"].items():
            rows = part["rows"]
            if part["state"] != "done":
                why = part["error"].strip().splitlines()[-1:] or [""]
                rows = [
                    *rows,
                    {"what": "-", "measured": part["state"], "beside": why[0]},
                ]
            for row in rows:
                beside = [row["beside"]] if row["beside"] else []
                known = predicted.get(row.get("key"))
                if known:
                    beside.append(
                        f"predicted {known['predicted'] * 1e6:,.0f} us, bound "
                        f"{known['bound'] * 1e6:,.1f} us"
                    )
                cells = name, row["what"], row["measured"], "; ".join(beside)
                lines.append(f"| {' | '.join(map(plain, cells))} |")
        return "\n".join(lines)


def plain(cell: str) -> str:
    """Return what can stand in a cell."""
    return " ".join(cell.replace("|", "/").split())


def commit() -> str:
    """Return the commit of the source, if git knows."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
        return subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.strip()
    return "not known"


def environment(folder: Path) -> dict[str, str]:
    """Let parts import the package, which need not be installed."""
    paths = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(":"))]
    try:
        importlib.metadata.version("gpu_hpo")
    except importlib.metadata.PackageNotFoundError:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        known = folder / f"gpu_hpo-{project['version']}.dist-info"
        known.mkdir()
        (known / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: gpu_hpo\nVersion: {project['version']}\n"
        )
        paths.insert(0, str(folder))
    return {**os.environ, "PYTHONPATH": ":".join(paths), "PYTHONUNBUFFERED": "1"}


def run_part(
    name: str, seconds: float, given: dict[str, Any], env: dict[str, str], folder: Path
) -> dict[str, Any]:
    """Run a part in a process; whatever becomes of it, return what it has found."""
    path, log = folder / f"{name}.json", folder / f"{name}.log"
    script = Path(__file__).with_name("_first_gpu_parts.py")
    given = {**given, "seconds": seconds}
    if name == "predictions":
        # Compiles with the real Numba, also where a GPU is emulated.
        paths = env["PYTHONPATH"].split(":")
        kept = [path for path in paths if not Path(path, "sitecustomize.py").exists()]
        env = {**env, "PYTHONPATH": ":".join(kept)}
    began = monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(script), name, str(path), json.dumps(given)],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(seconds)
            state = "done" if status == 0 else f"failed, status {status}"
            if status < 0:
                state = f"ended by {signal.Signals(-status).name}"
        except subprocess.TimeoutExpired:
            state = f"stopped after {seconds:.0f} s"
        finally:
            end_session(process)
    found = {"figures": {}, "rows": []}
    if path.exists():
        found = json.loads(path.read_text())
    took = round(monotonic() - began, 2)
    error = "" if state == "done" else log.read_text(errors="replace")[-3000:]
    return {
        "state": state,
        "took": took,
        "share": round(seconds, 1),
        "error": error,
    } | (found)


def end_session(process: subprocess.Popen[bytes]) -> None:
    """End what a part has started, and itself if it has not ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LAST_WORDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main() -> int:
    options = read_options()
    # So that parts are ended, too, if this is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("first_gpu.py was ended"))
    end = monotonic() + options.seconds
    report = Report(options)
    with tempfile.TemporaryDirectory(prefix="first-gpu-") as name:
        folder = Path(name)
        env = environment(folder)
        for i, part in enumerate(options.only):
            left = end - monotonic() - LAST_WORDS - 1
            share = SHARES[part] / sum(SHARES[other] for other in options.only[i:])
            given = {
                "size": options.size,
                "tests": options.tests,
                "capability": report.figures("machine")
                .get("card", {})
                .get("capability"),
            }
            found = run_part(part, max(left * share, 1), given, env, folder)
            report.add(part, found)
            print(f"\n{part}: {found['state']}, {found['took']} s", flush=True)
            for row in found["rows"]:
                print(f"  {row['what']}: {row['measured']}; {row['beside']}")
            if found["error"]:
                print(found["error"])
            if found["figures"].get("usable") is False:
                why = found["figures"]["why_not"]
                print(f"first_gpu.py needs a GPU and CuPy: {why}", file=sys.stderr)
                return NO_GPU
    print(f"\nwrote {options.out.with_suffix('.json')} and .md")
    states = [part["state"] for part in report.found["parts"].values()]
    return int(any(state != "done" for state in states))


if __name__ == "__main__":
    sys.exit(main())
