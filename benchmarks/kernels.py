# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What our CUDA kernels take of a card, and how long they should take, by arithmetic.

Needs no GPU, but numba-cuda and nvJitLink, as in the environment of `make test-rapids`.
Prints for each kernel and card, as ptxas says: registers of a thread, bytes that it
spills (stored and loaded again), blocks that a multiprocessor has at once, and what
limits them. Then, for 1, 16 and 256 models on an H100, a predicted time of one pass
over 10,000 rows beside the physical bound: the larger of operations over the rate of
FMA instructions and bytes over the memory's, the data read once and parameters and
state read and written once.

The time is a prediction, which no card has confirmed. Its model:

- A block goes through phases with a barrier of 40 cycles after each. In a phase a
  thread has some instructions and reads some numbers from shared memory. A phase lasts
  as long as the slowest of three: one thread, which begins an instruction every other
  cycle; the multiprocessor's four schedulers, each of which begins an instruction of a
  warp per cycle, for all blocks that it has; its shared memory, which serves one read
  of a warp per cycle (two cycles if numbers have eight bytes).
- Rows come from the L2 cache: 300 cycles, and 300 before for their number in the order.
  A phase of another block may fall into that time, but no work of the same block.
- A multiplication of float64 takes two cycles of a scheduler on an H100.
- Instructions: 2.6 for each product that networks add, counted in the loops of what was
  compiled for an H100. The others are rough: 12 for each product of linear models, 60
  for each place of a table, 40 for each step of SGD and 90 of Adam, 200 for the loss of
  a row.
- Blocks are spread evenly, wave after wave; 1.755 GHz; a launch takes no time.

    python benchmarks/kernels.py
    python benchmarks/kernels.py --cards H100 --models networks
"""

import argparse
from dataclasses import dataclass
from itertools import pairwise

from _compiled_kernels import N_ROWS, compiled, linear_launch, network_launch


@dataclass
class Card:
    """A card, and what each of its multiprocessors has; all have 65,536 registers."""

    capability: tuple[int, int]
    threads: int
    blocks: int
    shared: int  # KiB

    @property
    def reserved(self) -> int:
        """Bytes of shared memory that CUDA takes of each block."""
        return 1024 if self.capability >= (8, 0) else 0


# CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
CARDS = {
    "T4": Card((7, 5), 1024, 16, 64),
    "A100": Card((8, 0), 2048, 32, 164),
    "A40": Card((8, 6), 1536, 16, 100),
    "L40": Card((8, 9), 1536, 24, 100),
    "H100": Card((9, 0), 2048, 32, 228),
    "B200": Card((10, 0), 2048, 32, 228),
    "RTX 50": Card((12, 0), 1536, 24, 100),
}
# An H100 SXM.
MULTIPROCESSORS, CLOCK, MEMORY = 132, 1.755e9, 3.35e12
OPERATIONS = {"float32": 67e12, "float64": 34e12}
SIZES = 1, 16, 256


@dataclass
class Case:
    """One kernel that is compiled, with shapes that it is launched for."""

    name: str
    kind: str
    dtype: str
    shape: tuple  # units and solver, or features
    size: int

    def __str__(self):
        return f"{self.kind}, {self.dtype}, {self.name}"

    def arguments(self, n_models=1):
        """What `_compiled_kernels` wants to know of it."""
        if self.kind == "networks":
            units, solver = self.shape
            return units, self.dtype, solver, n_models, self.size
        return *self.shape, self.dtype, n_models, self.size

    def launch(self):
        launch = network_launch if self.kind == "networks" else linear_launch
        return launch(*self.arguments())


CASES = [
    Case(
        f"{'-'.join(map(str, units))} {solver}", "networks", dtype, (units, solver), 200
    )
    for dtype, solvers in (("float32", ("adam", "sgd")), ("float64", ("adam",)))
    for units in ((20, 100, 2), (16, 16, 2))
    for solver in solvers
] + [
    Case(f"{n_features} features, batch {size}", "linear", dtype, (n_features,), size)
    for dtype in ("float32", "float64")
    for n_features in (16, 100)
    for size in (1, 32, 256)
]


def occupancy(card, usage, launch):
    """Blocks that a multiprocessor has at once, and what limits them."""
    warps = -(-launch.threads // 32)
    # Registers of a warp are given in units of 256, to one of four schedulers.
    of_warp = -(-usage.registers * 32 // 256) * 256
    by = {
        "registers": 4 * (16384 // of_warp) // warps,
        "shared memory": card.shared
        * 1024
        // (-(-(launch.n_bytes + card.reserved) // 128) * 128),
        "threads": card.threads // (32 * warps),
        "blocks": card.blocks,
    }
    limit = min(by, key=by.get)
    return by[limit], limit


def network_phases(case, threads):
    """Instructions and reads of a thread, and warps that have some, per tile and batch.

    Also cycles for which nothing but other blocks' work can be done.
    """
    units, solver = case.shape
    layers = list(pairwise(units))
    step = 90 if solver == "adam" else 40
    double = case.dtype == "float64"
    for begin in range(0, case.size, 32):
        n = min(32, case.size - begin)
        half = -(-n // 2)
        yield n * units[0] / threads * 40, 0, threads, 600
        tables = [(-(-b // 2) * half, a + 1, 0) for a, b in layers]
        tables += [(-(-a // 2) * half, b, 0) for a, b in layers[:0:-1]]
        last = begin + n == case.size
        tables += [
            (-(-b // 2) * (a // 2 + 1), n, 4 * step if last else 16) for a, b in layers
        ]
        for places, terms, more in tables:
            turns = -(-places // threads)
            work = 4 * terms * (2.6 + double) + 60 + more
            reads = 4 * terms * (1 + double)
            yield turns * work, turns * reads, min(places, threads), 40
        yield 200 + 10 * units[-1], 4 * units[-1], n, 40


def linear_phases(case, launch):
    """The same of a mini-batch of a linear model."""
    [n_features] = case.shape
    layout = launch.arguments[1]
    threads, count = launch.threads, min(case.size, int(layout.tile))
    team, columns = int(layout.team), int(layout.columns)
    double = case.dtype == "float64"
    turns, terms = -(-count * team // threads), -(-n_features // team)
    used = min(count * team, threads)
    yield turns * (60 + terms * (12 + double)), turns * terms, used, 640
    yield 200 + 3 * team, team, count, 40
    turns, terms = -(-n_features // columns), -(-count * columns // threads)
    yield turns * (60 + terms * (12 + double)), 2 * turns * terms, threads, 340
    yield 100, 0, count, 80
    slices = threads // columns
    turns = -(-n_features // threads)
    yield turns * (60 + 3 * slices), turns * slices, min(n_features, threads), 40


def predicted(case, launch, blocks, n_models):
    """Seconds of a pass on an H100 with `blocks` at once on a multiprocessor."""
    phases = network_phases(case, launch.threads)
    if case.kind == "linear":
        phases = linear_phases(case, launch)
    phases = list(phases)
    seconds, left = 0.0, -(-n_models // MULTIPROCESSORS)
    while left > 0:
        at_once = min(left, blocks)
        left -= at_once
        cycles = 0.0
        for work, reads, used, waits in phases:
            warps = at_once * -(-used // 32)
            # What a block waits for is hidden by as many others.
            cycles += max(2 * work + waits, warps * work / 4, warps * reads)
        seconds += cycles * -(-N_ROWS // case.size) / CLOCK
    return seconds


def bound(case, n_models):
    """Seconds that the physics of an H100 allow at the least."""
    itemsize = 8 if case.dtype == "float64" else 4
    if case.kind == "networks":
        units, solver = case.shape
        n_params = sum((a + 1) * b for a, b in pairwise(units))
        inner = sum((a + 1) * b for a, b in pairwise(units[1:]))
        operations = 2 * N_ROWS * (2 * n_params + inner)
        state = 2 * n_params * (3 if solver == "adam" else 2)
        n_features = units[0]
    else:
        [n_features] = case.shape
        operations, state = 4 * N_ROWS * n_features, 2 * n_features
    n_bytes = itemsize * (N_ROWS * n_features + n_models * state)
    return max(n_models * operations / OPERATIONS[case.dtype], n_bytes / MEMORY)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cards", nargs="+", default=list(CARDS), choices=CARDS)
    parser.add_argument("--models", choices=("networks", "linear"))
    options = parser.parse_args()
    cases = [case for case in CASES if options.models in (None, case.kind)]
    launches = [case.launch() for case in cases]
    known = {}
    print("Registers, bytes spilled, blocks at once, and what limits them")
    print(" | ".join(["kernel", "threads", "shared, KiB", *options.cards]))
    for case, launch in zip(cases, launches, strict=True):
        cells = [str(case), str(launch.threads), f"{launch.n_bytes / 1024:.1f}"]
        for name in options.cards:
            # Shapes change what is launched, but seldom what is compiled.
            key = case.kind, case.dtype, launch.dispatcher, name
            if key not in known:
                known[key] = compiled(launch, CARDS[name].capability)
            usage = known[key]
            blocks, limit = occupancy(CARDS[name], usage, launch)
            cells.append(f"{usage.registers}, {usage.spilled}, {blocks} ({limit})")
        print(" | ".join(cells), flush=True)
    if "H100" not in options.cards:
        return
    print(f"\nH100, ms for {N_ROWS} rows: predicted (bound)")
    print("kernel | " + " | ".join(f"{n} models" for n in SIZES))
    for case, launch in zip(cases, launches, strict=True):
        usage = known[case.kind, case.dtype, launch.dispatcher, "H100"]
        blocks, _ = occupancy(CARDS["H100"], usage, launch)
        times = (
            f"{predicted(case, launch, blocks, n) * 1e3:.3g} "
            f"({bound(case, n) * 1e3:.2g})"
            for n in SIZES
        )
        print(f"{case} | {' | '.join(times)}")


if __name__ == "__main__":
    main()
