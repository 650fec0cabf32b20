# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Print rows of docs/reliability.md: `python -m tests.reliability NAME --times 20`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from tests.reliability._run import Run, run_once
from tests.reliability._scenario import Scenario, scenarios

MOST_LINES = 40  # of what a wrong run printed


def main() -> int:
    """Run the scenarios that are asked for; 1 if a run was wrong."""
    known = scenarios()
    parser = argparse.ArgumentParser(prog="python -m tests.reliability")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--times", type=int, default=20, help="of each (default: 20)")
    parser.add_argument("--first", type=int, default=0, help="number of the first run")
    options = parser.parse_args()
    if options.times < 1:
        parser.error(f"--times must be at least 1, not {options.times}")
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(known)}")
    numbers = range(options.first, options.first + options.times)
    print("| tried | times | right | seen | command |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    good = [print_row(known[name], numbers) for name in options.names or known]
    return int(not all(good))


def print_row(scenario: Scenario, numbers: range) -> bool:
    """Run a scenario so often, print its row, and say whether all runs were right."""
    runs = {number: run_once(scenario, number) for number in numbers}
    print(row(scenario, runs), flush=True)
    for number, run in runs.items():
        if run.wrong:
            print(
                f"\nrun {number} of {scenario.name}, {run.seconds:.0f} s: {run.wrong}"
            )
            for line in run.printed.splitlines()[-MOST_LINES:]:
                print(f"    {line}")
            print(flush=True)
    return not any(run.wrong for run in runs.values())


def row(scenario: Scenario, runs: dict[int, Run]) -> str:
    """Return the row of the table, in Markdown."""
    right = sum(not run.wrong for run in runs.values())
    words = Counter(run.seen for run in runs.values() if not run.wrong and run.seen)
    seen = ", ".join(
        f"{text} ({count})" if len(words) > 1 else text for text, count in words.items()
    )
    first = f" --first {min(runs)}" if min(runs) else ""
    command = (
        f"`python -m tests.reliability {scenario.name} --times {len(runs)}{first}`"
    )
    return f"| {scenario.tried} | {len(runs)} | {right} | {seen} | {command} |"


if __name__ == "__main__":
    sys.exit(main())
