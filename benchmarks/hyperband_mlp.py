# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""dask-ml's Hyperband experiment: networks on two pairs of circles.

378 networks and 5721 calls of `partial_fit`, each on 8,361 of 50,000 rows, so that the
best network sees the data 50 times; against it a passive search with the same budget,
19 networks that are all trained to the end, one after another. Printed, over repeats
with other seeds: the validation accuracy after so many passes over the data, the
accuracy on 10,000 rows held out, and the wall time of the same search with stacks,
without, and with scikit-learn's networks; with `--peer` also that of dask-ml in its own
environment.

    python benchmarks/hyperband_mlp.py --repeat 5 --plot curve.png
    python benchmarks/hyperband_mlp.py --forms stacks loop theirs --peer PYTHON
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import json
import subprocess
import time
from pathlib import Path

import numpy as np
from _circles import (
    AGGRESSIVENESS,
    CHUNK,
    N_PARAMS,
    N_TRAIN,
    circles,
    space,
)
from sklearn import neural_network as theirs

from gpu_hpo import neural_network as ours
from gpu_hpo.compute import embedded_client
from gpu_hpo.model_selection import (
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
)

PASSIVE = 19
SHOWN = (50, 100, 200, 350, 500, 700, 900)  # passes


def network(form: str, seed: int):
    module = theirs if form == "theirs" else ours
    return module.MLPClassifier(solver="sgd", activation="relu", random_state=seed)


def curve(records: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Passes over the data, and the best accuracy by then."""
    seen: dict[object, int] = {}
    passes, best = [], []
    for record in records:
        seen[record["model_id"]] = record["partial_fit_calls"]
        passes.append(sum(seen.values()) * CHUNK / N_TRAIN)
        best.append(record["score"])
    return np.array(passes), np.maximum.accumulate(best)


def hyperband(form: str, seed: int, X, y):
    search = HyperbandSearchCV(
        network(form, seed),
        space(),
        max_iter=N_PARAMS,
        aggressiveness=AGGRESSIVENESS,
        random_state=seed,
        chunk_size=CHUNK,
        stack=form != "loop",
    )
    began = time.perf_counter()
    search.fit(X, y)
    return search, time.perf_counter() - began


def passive(seed: int, X, y):
    """Networks one after another; only whole ones count, in order of their numbers."""
    search = SuccessiveHalvingSearchCV(
        network("stacks", seed),
        space(),
        n_initial_parameters=PASSIVE,
        n_initial_iter=N_PARAMS,
        max_iter=N_PARAMS,
        random_state=seed,
        chunk_size=CHUNK,
    ).fit(X, y)
    ends = [entries[-1] for entries in search.model_history_.values()]
    return search, ends


def at(passes, best, wanted):
    """Best accuracy after so many passes; NaN before there is one."""
    i = np.searchsorted(passes, wanted, side="right") - 1
    return best[i] if i >= 0 else np.nan


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument(
        "--forms", nargs="+", default=["stacks"], choices=("stacks", "loop", "theirs")
    )
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--no-passive", action="store_true")
    parser.add_argument("--plot", metavar="FILE", help="needs matplotlib")
    parser.add_argument("--peer", metavar="PYTHON", help="interpreter with dask-ml")
    args = parser.parse_args()
    X, X_test, y, y_test = circles()
    X, X_test = X.astype(args.dtype), X_test.astype(args.dtype)
    embedded_client()
    active, patient, walls = [], [], {}
    for seed in range(args.repeat):
        for form in args.forms:
            search, wall = hyperband(form, seed, X, y)
            calls = search.metadata_["partial_fit_calls"]
            held_out = search.best_estimator_.score(X_test, y_test)
            print(
                f"Hyperband, {form}, seed {seed}: {wall:.1f} s, {calls} calls, "
                f"validation {search.best_score_:.3f}, held out {held_out:.3f}",
                flush=True,
            )
            walls.setdefault(form, []).append(wall)
        active.append(curve(search.history_))
        if not args.no_passive:
            _, ends = passive(seed, X, y)
            patient.append(curve(ends))
            print(f"passive, seed {seed}: validation {patient[-1][1][-1]:.3f}")
    if args.peer:
        script = Path(__file__).with_name("_hyperband_mlp_dask_ml.py")
        done = subprocess.run(
            [args.peer, str(script)], check=True, stdout=subprocess.PIPE, text=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
    print(f"\n{'passes':>20}" + "".join(f"{n:8}" for n in SHOWN))
    curves = {"Hyperband": active, "passive": patient}
    if args.peer:
        curves["dask-ml, one run"] = [curve(found["history"])]
    for name, several in curves.items():
        means = [np.mean([at(*one, n) for one in several]) for n in SHOWN if several]
        print(f"{name:>20}" + "".join(f"{mean:8.3f}" for mean in means))
    if patient:
        worst = min(best[-1] for _, best in active)
        beaten = sum(best[-1] < worst for _, best in patient)
        print(f"the worst Hyperband beats {beaten} of {len(patient)} passive searches")
    for form, times in walls.items():
        print(f"{form}: {np.median(times):.1f} s")
    if args.peer:
        ratio = found["wall"] / np.median(walls[args.forms[0]])
        print(
            f"dask-ml: {found['wall']:.1f} s, {found['calls']} calls, validation "
            f"{found['score']:.3f}; {ratio:.1f} times as long as {args.forms[0]}"
        )
    if args.plot:
        draw(args.plot, active, patient)


def draw(path: str, active: list, patient: list) -> None:
    """Plot all curves."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots()
    for name, curves, color in (
        ("Hyperband", active, "C0"),
        ("passive", patient, "C1"),
    ):
        for i, (passes, best) in enumerate(curves):
            label = None if i else name
            axes.step(passes, best, where="post", color=color, alpha=0.5, label=label)
    axes.set(xlabel="passes over the data", ylabel="best validation accuracy")
    axes.legend()
    plt.savefig(path)


if __name__ == "__main__":
    main()
