# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""`gpu-hpo plan`."""

import random

import pytest
from sklearn.linear_model import SGDClassifier

from gpu_hpo.cli import main
from gpu_hpo.cli._planning import make_plan, memory_use
from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.schedules import Hyperband
from tests.adaptive.engine.simulation import search as simulate
from tests.cli import doubles
from tests.cli.command import needs_posix, refused, run, run_json


def test_plan_is_what_the_search_says():
    """Brackets, models and calls are those of the class, for the guide's numbers."""
    planned = run_json(
        *("plan", "--n-params", 94, "--n-examples", 1800, "--aggressiveness", 4)
    )
    search = HyperbandSearchCV.from_rule_of_thumb(
        SGDClassifier(),
        {"alpha": range(10**6)},
        n_examples=1800,
        n_params=94,
        aggressiveness=4,
    )
    assert planned["max_iter"] == search.max_iter
    assert planned["chunk_size"] == search.chunk_size
    assert (planned["n_models"], planned["partial_fit_calls"]) == (98, 1151)
    theirs = [
        {name: bracket[name] for name in bracket if name[0].islower()}
        for bracket in search.metadata["brackets"]
    ]
    assert planned["brackets"][::-1] == theirs


FOUR_GPUS = (
    *("plan", "--n-params", 100, "--passes", 5, "--data-size", "40 GB"),
    *("--row-bytes", 400, "--workers", 4, "--seconds-per-call", "200 ms"),
)


def test_four_gpus_and_forty_gigabytes():
    """The plan says how many chunks, passes and seconds, and that chunks fit."""
    done = run(*FOUR_GPUS, "--memory-per-gpu", "80 GB")
    assert (done.returncode, done.stderr) == (0, "")
    said = " ".join(done.stdout.split())
    for words in (
        "HyperbandSearchCV(..., max_iter=100, chunk_size=5000000)",
        "20 of 5,000,000 rows",
        "500,000,000 rows, which is 5 passes through the data",
        "90.50 s on 4 workers",
        "all chunks stay on each GPU",
    ):
        assert words in said
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_chunks_that_do_not_fit():
    """On small GPUs chunks are uploaded one by one, or the plan says what would fit."""
    uploaded = run_json(*FOUR_GPUS, "--memory-per-gpu", "10 GB")["memory"]
    assert (uploaded["stays"], uploaded["fits"]) == (False, True)
    too_large = run(*FOUR_GPUS, "--memory-per-gpu", "4 GB")
    assert too_large.returncode == 0
    said = " ".join(too_large.stdout.split())
    assert "A chunk may have 2,500,000 rows: take more --n-params" in said
    # The advice is good: twice the parameter sets halve the chunks.
    more = ["200" if word == 100 else word for word in FOUR_GPUS]
    assert run_json(*more, "--memory-per-gpu", "4 GB")["memory"]["fits"]


def test_memory_follows_the_setting(configure):
    """Chunks may take the share of a GPU that searches would let them take."""
    plan = make_plan(9, 3, chunk_size=100, n_rows=1000)
    assert memory_use(plan, 10, 20_000).stays
    assert not memory_use(plan, 10, 19_999).stays
    configure({"memory.resident-share": 0.25})
    assert not memory_use(plan, 10, 20_000).stays
    assert memory_use(plan, 10, 40_000).stays


@pytest.mark.parametrize("workers", [1, 4, 16, 64])
@pytest.mark.parametrize(("max_iter", "aggressiveness"), [(27, 3), (81, 4)])
def test_time_is_that_of_a_simulated_search(workers, max_iter, aggressiveness):
    """A search that the real engine runs in simulated time takes about as long."""
    plan = make_plan(max_iter, aggressiveness)
    draw = random.Random(0)
    _, makespan = simulate(
        Hyperband(max_iter, aggressiveness),
        workers=workers,
        cost=lambda trial, call: 1.0,
        score=lambda trial, calls: draw.random(),
    )
    expected = plan.seconds(1.0, workers)
    assert expected <= makespan + 1e-6
    assert makespan < 1.4 * expected


def test_more_workers_than_help():
    """Workers beyond what the plan names change nothing, and fewer take longer."""
    plan = make_plan(81, 3)
    most = plan.useful_workers
    assert plan.seconds(1, most) == plan.seconds(1, 10 * most)
    assert plan.seconds(1, most - 1) > plan.seconds(1, most)


def test_rows_of_one_chunk():
    """Chunks cannot have more rows than there are, and passes say so."""
    planned = run_json("plan", "--n-params", 4, "--n-examples", 1000, "--rows", 100)
    assert (planned["chunk_size"], planned["n_chunks"]) == (250, 1)
    assert (planned["rows_seen"], planned["passes_of_best"]) == (400, 4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "Missing option '--n-params' (or '--max-iter')"),
        ("--n-params 0", "'--n-params': 0 is not in the range"),
        ("--n-params x", "'--n-params': 'x' is not a valid integer"),
        ("--n-params 9 --max-iter 9", "--max-iter and --n-params are one number"),
        ("--n-params 9 --n-examples 3", "--n-examples means 3 rows for 9 calls"),
        ("--n-params 9 --passes 2", "--passes needs --rows"),
        ("--n-params 9 --passes nan --rows 9", "'--passes': 'nan'"),
        ("--n-params 9 --passes inf --rows 9", "'--passes': 'inf'"),
        ("--n-params 9 --chunk-size 3 --n-examples 9", "--chunk-size follows from"),
        ("--n-params 9 --aggressiveness 1", "'--aggressiveness': 1"),
        ("--n-params 9 --workers -1", "'--workers': -1"),
        ("--n-params 9 --seconds-per-call 3parsecs", "'3parsecs' is not a time"),
        ("--n-params 9 --seconds-per-call -1", "'-1' is not a time"),
        ("--n-params 9 --row-bytes 1e400GB", "'1e400GB' is not a size"),
        ("--n-params 9 --row-bytes 0", "'0' is not a size"),
        ("--n-params 9 --data-size 1GB", "--data-size needs --row-bytes"),
        ("--n-params 9 --data-size 1 --row-bytes 2", "less than --row-bytes"),
        ("--n-params 9 --memory-per-gpu 1GB", "--memory-per-gpu needs --row-bytes"),
        (
            "--n-params 9 --memory-per-gpu 1GB --row-bytes 4",
            "--memory-per-gpu needs the rows of a chunk",
        ),
        ("--n-params 9 --bogus", "--bogus"),
        ("--n-params 9 more", "unexpected extra argument (more)"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(arguments, words, capsys):
    """The line names the argument and its value; the exit status is 2."""
    assert main(["plan", *arguments.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("gpu-hpo plan: ")
    assert words in line


def test_wrong_setting_is_told_in_one_line():
    """A setting that is out of range is named, as in a search."""
    line = refused(
        *FOUR_GPUS,
        *("--memory-per-gpu", "80 GB"),
        DASK_GPU_HPO__MEMORY__RESIDENT_SHARE="7",
    )
    assert "gpu_hpo.memory.resident-share is 7" in line


@needs_posix
def test_interrupted(tmp_path):
    """Ctrl-C, here while a library is imported, ends it without a traceback."""
    interrupting = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    path = doubles.write(tmp_path, {"sklearn/__init__": interrupting})
    done = run("plan", "--n-params", 81, PYTHONPATH=path)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_help():
    """The example stands in lines of its own."""
    lines = run("plan", "--help").stdout.splitlines()
    assert "  Four GPUs and 40 GB of data:" in lines
    assert not any("\\b" in line for line in lines)
