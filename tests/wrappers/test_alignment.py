# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""In worker processes the models in wrappers see aligned arrays."""

import numpy as np
import pandas as pd
import pytest

from gpu_hpo.wrappers import Incremental, ParallelPostFit
from tests.compute.strict import DENSE, ROWS, Strict, Y, check, spread

KINDS = ["C f8", "F f4", "csr", "frame"]


def data(client, kind):
    """X and y in blocks, each on a worker of its own."""
    y = pd.Series(Y) if kind == "frame" else Y
    return spread(client, ROWS[kind]), spread(client, y)


@pytest.mark.parametrize("kind", KINDS)
def test_incremental(processes_client, kind):
    """Blocks that train are aligned, and the model that has seen them all is."""
    model = Incremental(Strict(where="cut"), random_state=0)
    model.fit(*data(processes_client, kind), classes=[0, 1])
    check("here", model=model.estimator_)
    assert model.estimator_.sums_[0] == len(Y)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_and_scores(processes_client, kind):
    """So are blocks that are answered for, and answers that are scored."""
    X, y = data(processes_client, kind)
    model = ParallelPostFit(Strict(where="cut").fit(DENSE, Y), scoring=strict_score)
    assert np.asarray(model.predict(X)).tolist() == [0] * len(Y)
    assert model.score(X, y) == pytest.approx(np.mean(Y == 0))
    model.scoring = "accuracy"
    assert model.score(X, y) == pytest.approx(np.mean(Y == 0))


def strict_score(model, X, y):
    """A scorer that takes all rows."""
    return model.score(X, y)
