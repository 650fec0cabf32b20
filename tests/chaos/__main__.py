# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Search while workers die, stop, join and leave: `python -m tests.chaos --seed 0`."""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import itertools
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

# Of cases, and of their workers: the number of BLAS threads must be set before NumPy is
# imported, and clusters tell much as workers die.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")
os.environ.setdefault("GPU_HPO_DEVICE", "cpu")

from tests.chaos._plan import MISCHIEFS, SEARCHES, draw
from tests.chaos._watch import LIMIT, ChaosCase, import_beforehand
from tests.fuzz._core import Difference, run_case

PAUSE = 60.0  # seconds between two lines of progress
_LOOK = 0.2


def main() -> int:
    """Run the cases that the arguments ask for; 1 if there was a difference."""
    options = _parse()
    options.out.mkdir(parents=True, exist_ok=True)
    import_beforehand()
    tally = _Tally(options.out)
    seeds = _seeds(options)
    end = time.monotonic() + options.seconds
    lock, stop = threading.Lock(), threading.Event()

    def work() -> None:
        while time.monotonic() < end and not stop.is_set():
            with lock:
                seed = next(seeds, None)
            if seed is None:
                return
            case = ChaosCase(seed, options.limit)
            if options.case is not None:
                print(case.plan, flush=True)
            found = run_case(case, ())
            with lock:
                tally.add(case, found)
            if options.case is not None:
                print(case.output, flush=True)

    threads = [threading.Thread(target=work) for _ in range(options.jobs)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        try:
            time.sleep(_LOOK)  # Ctrl-C in `join` would let it return too early
        except KeyboardInterrupt:
            print("no further cases", flush=True)
            stop.set()
    tally.close()
    return 1 if tally.n_differences else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    add = parser.add_argument
    add("--seconds", type=float, default=600, help="when to begin no other case")
    add("--cases", type=int, default=sys.maxsize, help="how many cases at the most")
    add("--seed", type=int, default=0, help="of the first case; then one more each")
    add("--mischief", action="append", choices=MISCHIEFS, help="only cases with this")
    add("--search", action="append", choices=SEARCHES, help="only cases of this class")
    add("--case", type=int, help="run only the case with this seed, and print it")
    add("--jobs", type=int, default=1, help="how many cases run at a time")
    add("--limit", type=float, default=LIMIT, help="seconds after which a case hangs")
    add("--out", type=Path, default=Path("build/chaos"), help="folder for what failed")
    return parser.parse_args()


def _seeds(options: argparse.Namespace) -> Iterator[int]:
    if options.case is not None:
        return iter([options.case])
    wanted = (
        seed
        for seed in itertools.count(options.seed)
        if draw(seed).mischief in (options.mischief or MISCHIEFS)
        and draw(seed).search in (options.search or SEARCHES)
    )
    return itertools.islice(wanted, options.cases)


class _Tally:
    """Counts, and says what was found."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self.n_differences = 0
        self._n_idle = 0  # cases that ended before anything happened
        self._cases: Counter[tuple[str, str]] = Counter()
        self._right: Counter[tuple[str, str]] = Counter()
        self._kinds: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._begin = self._told = time.monotonic()

    def add(self, case: ChaosCase, found: list[Difference]) -> None:
        place = case.plan.mischief, case.plan.search
        self._cases[place] += 1
        self._right[place] += not found
        self._n_idle += not case.happened
        self._outcomes[case.outcome or "no outcome"] += 1
        if found:
            self.n_differences += 1
            self._kinds.update({difference.kind for difference in found})
            path = self._out / f"case_{case.plan.seed}.txt"
            told = [f"{d.kind}: {d.text}" for d in found]
            text = [case.source(), str(case.plan), "", *told, "", case.output]
            path.write_text("\n".join(text))
            shown = " | ".join(found[0].text.strip().split("\n"))
            print(
                f"{case.source()}: {' on '.join(place)}, {case.plan.cluster}: "
                f"{found[0].kind}: {shown[:160]} ({path})",
                flush=True,
            )
        if time.monotonic() - self._told > PAUSE:
            self._told = time.monotonic()
            print(f"... {self.line()}", flush=True)

    def line(self) -> str:
        took = time.monotonic() - self._begin
        n_cases = self._cases.total()
        return f"{n_cases} cases, {self.n_differences} differences, in {took:.0f} s"

    def close(self) -> None:
        width = max(map(len, SEARCHES))
        print("right / cases")
        print(" " * width, *(f"{name:>9}" for name in MISCHIEFS))
        for search in SEARCHES:
            cells = [
                f"{self._right[place]}/{self._cases[place]}"
                if self._cases[place]
                else "-"
                for place in ((mischief, search) for mischief in MISCHIEFS)
            ]
            print(f"{search:{width}}", *(f"{cell:>9}" for cell in cells))
        for title, counts in (
            ("ended with", self._outcomes),
            ("different", self._kinds),
        ):
            for kind, n in counts.most_common():
                print(f"{title}: {n} x {kind}")
        print(f"nothing happened: {self._n_idle} x")
        print(self.line(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
