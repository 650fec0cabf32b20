# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Generate searches and compare them: `python -m tests.fuzz --seconds 60 --seed 0`."""

# The number of BLAS threads must be set before NumPy is imported.
# ruff: noqa: E402

from __future__ import annotations

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
# Of this process and of workers: clusters tell much when they are closed.
os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")

import argparse
import faulthandler
import random
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from pathlib import Path

from tests.fuzz._core import SHARED, Case, Difference, find_kinds, run_case
from tests.fuzz._explained import EXPLAINED

LONGEST = 180.0  # seconds for one case, after which it counts as one that hangs
PAUSE = 60.0  # seconds between two lines of progress


def main() -> int:
    """Run the cases that the arguments ask for; 1 if there was a difference."""
    options = _parse()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.jobs > 1:
        return _share_out(options)
    kinds = find_kinds()
    if options.kind:
        kinds = [kind for kind in kinds if kind.name in options.kind]
        if not kinds:
            known = sorted(kind.name for kind in find_kinds())
            sys.exit(f"--kind {options.kind}: there are {known}")
    tally = _Tally(options.out)
    seeds = (
        [options.case]
        if options.case is not None
        else range(options.seed + options.first, sys.maxsize, options.step)
    )
    end = time.monotonic() + options.seconds
    try:
        for seed in seeds:
            if time.monotonic() > end or tally.n_cases >= options.cases:
                break
            name, case = _draw(kinds, seed)
            if options.case is not None:
                print(case.source(), flush=True)
            with _Watch(tally, name, seed, case):
                tally.add(name, seed, case, run_case(case, EXPLAINED))
    finally:
        for thing in SHARED.values():
            close = getattr(thing, "close", None)
            if close is not None:
                close()
    tally.close()
    return 1 if tally.n_differences else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    add = parser.add_argument
    add("--seconds", type=float, default=600, help="when to stop")
    add("--cases", type=int, default=sys.maxsize, help="how many cases at the most")
    add("--seed", type=int, default=0, help="of the first case; then one more each")
    add("--kind", action="append", help="only cases of this kind; may be repeated")
    add("--case", type=int, help="run only the case with this seed, and print it")
    add("--jobs", type=int, default=1, help="processes that share the cases")
    add("--out", type=Path, default=Path("build/fuzz"), help="folder for the scripts")
    add("--first", type=int, default=0, help=argparse.SUPPRESS)
    add("--step", type=int, default=1, help=argparse.SUPPRESS)
    return parser.parse_args()


def _draw(kinds: list, seed: int) -> tuple[str, Case]:
    """Choose a kind by its weight; give its name and the case."""
    weights = [kind.weight for kind in kinds]
    kind = random.Random(f"kind {seed}").choices(kinds, weights)[0]
    return kind.name, kind.draw(seed)


class _Tally:
    """Counts, and says what was found."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self.n_cases = self.n_differences = self.n_explained = 0
        self._kinds: Counter[str] = Counter()
        self._excuses: Counter[str] = Counter()
        self._of_kind: Counter[str] = Counter()
        self._begin = self._told = time.monotonic()

    def add(self, name: str, seed: int, case: Case, found: list[Difference]) -> None:
        self.n_cases += 1
        self._of_kind[name] += 1
        excused = {d.explained for d in found if d.explained is not None}
        self.n_explained += bool(excused)
        self._excuses.update(excused)
        open_ones = [d for d in found if d.explained is None]
        if open_ones:
            self.n_differences += 1
            self._kinds.update({d.kind for d in open_ones})
            self._out.mkdir(parents=True, exist_ok=True)
            path = self._out / f"{name}_{seed}.py"
            path.write_text(case.source())
            kinds = list(dict.fromkeys(d.kind for d in open_ones))
            shown = " | ".join(open_ones[0].text.strip().split("\n"))
            if len(shown) > 240:
                shown = f"{shown[:80]} ... {shown[-150:]}"
            more = f" (and {len(kinds) - 1} more kinds)" if len(kinds) > 1 else ""
            print(f"{path}: {kinds[0]}: {shown}{more}", flush=True)
        if time.monotonic() - self._told > PAUSE:
            self._told = time.monotonic()
            print(f"... {self.line()}", flush=True)

    def line(self) -> str:
        took = time.monotonic() - self._begin
        return (
            f"{self.n_cases} cases, {self.n_differences} differences, "
            f"{self.n_explained} explained, in {took:.0f} s"
        )

    def close(self) -> None:
        for title, counts in (
            ("cases", self._of_kind),
            ("outcomes", SHARED.get("counts", Counter())),
            ("explained", self._excuses),
            ("different", self._kinds),
        ):
            for kind, n in counts.most_common():
                print(f"{title}: {n} x {kind}")
        print(self.line(), flush=True)


class _Watch:
    """Ends the run, with the stacks of all threads, if a case never does."""

    def __init__(self, tally: _Tally, name: str, seed: int, case: Case) -> None:
        self._timer = threading.Timer(LONGEST, self._end)
        self._timer.daemon = True
        self._told = (tally, name, seed, case)

    def _end(self) -> None:
        tally, name, seed, case = self._told
        text = f"did not end within {LONGEST:g} s"
        tally.add(name, seed, case, [Difference("hangs", text)])
        faulthandler.dump_traceback(all_threads=True)
        tally.close()
        os._exit(1)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *raised: object) -> None:
        self._timer.cancel()


def _share_out(options: argparse.Namespace) -> int:
    """Let several processes have every so-many-th case each."""
    command = [sys.executable, "-m", "tests.fuzz", "--out", str(options.out)]
    command += ["--seconds", str(options.seconds), "--seed", str(options.seed)]
    for kind in options.kind or []:
        command += ["--kind", kind]
    jobs = options.jobs
    share = -(-options.cases // jobs)
    started = [
        subprocess.Popen(
            [*command, "--step", str(jobs), "--first", str(i), "--cases", str(share)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(jobs)
    ]
    last = [""] * jobs

    def pass_on(place: int) -> None:
        for line in started[place].stdout or ():
            last[place] = line
            print(line, end="", flush=True)

    readers = [threading.Thread(target=pass_on, args=(i,)) for i in range(jobs)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    totals = [0, 0, 0]
    for line in last:
        numbers = [int(word) for word in line.split() if word.isdigit()]
        totals = [a + b for a, b in zip(totals, numbers, strict=False)]
    print(f"{totals[0]} cases, {totals[1]} differences, {totals[2]} explained")
    return max(abs(process.wait()) for process in started)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
