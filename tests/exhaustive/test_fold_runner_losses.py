# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What the runner of an exhaustive search makes of failures and of losses."""

import numpy as np
import pytest

from tests.exhaustive.fold_runs import ALPHAS, FOLDS, SGD, STEPS, Run, expected_scores
from tests.exhaustive.recording_pool import RecordingPool


@pytest.fixture(params=[0.0, 1e9], ids=["one by one", "in batches"])
def batches(request, configure):
    """Tasks of one candidate each, or of as many as there may be."""
    configure({"tasks.exhaustive": request.param})
    return request.param > 0


# ---- fits that fail ----


def test_failing_fits(batches):
    """A fit that fails is a failure of its candidate alone, or of all that need it."""
    grid = [
        {"last__C": [0.1, 13, 1.0]},
        {"a__by": [1.0, None], "last__C": [0.1, 1.0]},
    ]
    run = Run(RecordingPool(), STEPS, grid)()
    assert run.failed == [1, 5, 6]
    assert "an unlucky number" in run.evaluations[1, 0].error
    assert "by how much?" in run.evaluations[6, 1].error
    good = Run(RecordingPool(), STEPS, [{"last__C": [0.1, 1.0]}])().scores
    assert [run.scores[i, k] for i in (0, 2) for k in (0, 1)] == [
        good[i, k] for i in (0, 1) for k in (0, 1)
    ]


@pytest.mark.parametrize("bad", [{"last__C": [13]}, {"a__by": [None]}], ids=str)
def test_raises_at_once(bad):
    """If a failure is to be raised, nothing else begins, and all is released."""
    pool = RecordingPool(1)
    grid = [bad, {"last__C": np.logspace(-3, 3, 50).tolist()}]
    run = Run(pool, STEPS, grid, error_score="raise", limit=1)
    run.groups.sort(key=lambda group: group.members[0][0])  # the bad one comes first
    with pytest.raises(ValueError, match=r"unlucky|how much"):
        run()
    assert pool.began["evaluate"] <= 1
    assert set(pool.held) <= {run.outputs.data}


def test_error_in_a_group():
    """An error while candidates are generated is raised, and all is released."""
    pool = RecordingPool(2)
    run = Run(pool)

    def generate(groups):
        yield groups[0]
        raise ValueError("no such parameter")

    run.groups = generate(run.groups)
    with pytest.raises(ValueError, match="no such parameter"):
        run()
    assert set(pool.held) <= {run.outputs.data}


# ---- results that get lost ----


@pytest.mark.parametrize("moment", [1, 2, 5, 11, 17, 23, 24])
def test_all_is_lost_once(batches, moment):
    """When all results are lost, data are sent again and the scores are the same."""
    pool = RecordingPool(2, loses={moment})
    run = Run(pool)()
    assert run.scores == expected_scores()
    if len(pool.waited) >= moment:
        assert (run.loads, pool.recovered) == (2, 1)
    assert not pool.held


@pytest.mark.parametrize(
    ("first", "second"), [(1, 2), (1, 14), (5, 6), (5, 14), (13, 14), (13, 20)]
)
def test_all_is_lost_twice(first, second):
    """So they are when that happens again, while others are running."""
    pool = RecordingPool(2, loses={first, second})
    run = Run(pool)()
    assert run.scores == expected_scores()
    assert (run.loads, pool.recovered) == (3, 2)
    assert not pool.held


def test_results_are_dropped_after_a_loss():
    """What was computed again is released as well when nothing needs it."""
    grid = {"a__by": np.arange(20.0), "b__by": [0.0, 1.0], "last__C": [0.1, 1.0]}
    pool = RecordingPool(2, loses={20})
    run = Run(pool, STEPS, grid, limit=1)()
    assert pool.recovered == 1
    assert pool.most <= 1 + 2 * FOLDS + 3 * (1 + FOLDS)
    assert len(run.scores) == 80 * FOLDS
    assert not pool.held


def kills(**params):
    """Whether a task is the fit of such a step."""

    def deadly(function, args):
        if function.__name__ == "_evaluate":
            return any(
                all(given.get(name) == value for name, value in params.items())
                for given in args[2]
            )
        if function.__name__ == "fit_step":
            step = args[1].estimator.get_params()
            return all(step.get(name, step) == value for name, value in params.items())
        return False

    return deadly


DEADLY = {"a__by": [0.0, 1.0], "last__C": [0.1, 0.2, 0.3, 13.5, 0.5, 0.6, 0.7]}


@pytest.mark.parametrize("loses_all", [False, True], ids=["killed", "lost"])
@pytest.mark.parametrize("n_slots", [1, 4])
def test_deadly_candidate(batches, n_slots, loses_all):
    """A candidate that ends workers is found, and fails alone."""
    deadly = kills(C=13.5)
    pool = RecordingPool(n_slots, deadly=deadly, loses_all=loses_all)
    run = Run(pool, STEPS, DEADLY)()
    assert run.failed == [3, 10]
    expected = Run(RecordingPool(), STEPS, DEADLY)().scores
    for place, score in run.scores.items():
        if place[0] not in (3, 10):
            assert score == expected[place]
    assert not pool.held


@pytest.mark.parametrize("n_slots", [1, 4])
def test_candidates_beside_a_deadly_one(batches, n_slots):
    """Those that were on a worker which another one ended are not blamed for it."""
    pool = RecordingPool(n_slots, deadly=kills(C=13.5), beside=True)
    run = Run(pool, STEPS, DEADLY)()
    assert run.failed == [3, 10]
    assert not pool.held


@pytest.mark.parametrize("loses_all", [False, True], ids=["killed", "lost"])
def test_deadly_transformer(batches, loses_all):
    """If a transformer ends workers, all candidates that need it fail, and no other."""
    grid = {"a__by": [0.0, 7.0, 1.0], "last__C": [0.1, 1.0]}
    pool = RecordingPool(2, deadly=kills(by=7.0), loses_all=loses_all)
    run = Run(pool, STEPS, grid)()
    assert run.failed == [2, 3]
    assert not pool.held


def test_deadly_stack():
    """Of those fitted together the one that ends workers is found as well."""
    pool = RecordingPool(1, deadly=kills(alpha=ALPHAS["alpha"][4]))
    run = Run(pool, SGD, ALPHAS)()
    assert run.failed == [4]
    expected = Run(RecordingPool(), SGD, ALPHAS)().scores
    for place, score in run.scores.items():
        if place[0] != 4:
            assert score == pytest.approx(expected[place], rel=1e-12)


@pytest.mark.parametrize("loses_all", [False, True], ids=["killed", "lost"])
def test_deadly_candidate_that_raises(loses_all):
    """If a failure is to be raised, so is that a candidate ends workers."""
    pool = RecordingPool(1, deadly=kills(C=13.5), loses_all=loses_all)
    run = Run(pool, STEPS, DEADLY, error_score="raise")
    with pytest.raises(Exception, match="ended"):
        run()
    assert set(pool.held) <= {run.outputs.data}
