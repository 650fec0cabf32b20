# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches over linear models that train as stacks."""

import numpy as np
import pytest
import scipy.sparse
from scipy.stats import loguniform, uniform
from sklearn import linear_model as theirs

from gpu_hpo import linear_model as ours
from gpu_hpo.model_selection import HyperbandSearchCV

rng = np.random.default_rng(1)
X = rng.standard_normal((400, 6))
LABELS = (X[:, 0] > 0.5).astype(int) + (X @ rng.standard_normal(6) > 0)
TARGETS = X @ rng.standard_normal(6) + rng.standard_normal(400)
SPACE = {
    "penalty": ["l2", "l1", "elasticnet"],
    "alpha": loguniform(1e-5, 1e-1),
    "l1_ratio": uniform(0, 1),
    "average": [False, True],
    "eta0": loguniform(1e-3, 1e-1),
}


def found(estimator, rows, y, space=SPACE, **options):
    """Scores of a search by model and calls, and what is best."""
    search = HyperbandSearchCV(
        estimator, space, max_iter=9, random_state=0, chunk_size=50, **options
    ).fit(rows, y)
    scores = {
        (entry["model_id"], entry["partial_fit_calls"]): entry["score"]
        for entry in search.history_
    }
    return scores, search.best_params_, search.best_estimator_.coef_


@pytest.mark.parametrize("rows", [X, scipy.sparse.csr_array(X * (abs(X) > 0.7))])
@pytest.mark.parametrize("seed", [None, 0])
@pytest.mark.parametrize("cluster", ["threads_client", "processes_client"])
def test_stacks_change_nothing(request, cluster, seed, rows):
    """A search gives one history and one best model, with stacks and without."""
    request.getfixturevalue(cluster)
    space = SPACE | {"loss": ["hinge", "log_loss"], "batch_size": [1, 8]}
    model = ours.SGDClassifier(random_state=seed)
    scores, params, coef = found(model, rows, LABELS, space)
    scores_alone, params_alone, coef_alone = found(
        model, rows, LABELS, space, stack=False
    )
    assert scores == scores_alone
    assert params == params_alone
    assert (coef == coef_alone).all()


@pytest.mark.parametrize("kind", ["SGDClassifier", "SGDRegressor"])
def test_the_same_as_with_scikit_learn(threads_client, kind):
    """With rows one by one and in order, a search gives what scikit-learn's gives."""
    y, space = TARGETS, SPACE
    if kind == "SGDClassifier":
        # Of averages over several calls ours makes another use, as its notes say.
        y, space = LABELS, SPACE | {"average": [False]}
    results = [
        found(getattr(module, kind)(shuffle=False, random_state=0), X, y, space)
        for module in (ours, theirs)
    ]
    (scores, params, coef), (their_scores, their_params, their_coef) = results
    assert params == their_params
    assert scores.keys() == their_scores.keys()
    np.testing.assert_allclose(
        list(scores.values()), [their_scores[key] for key in scores], rtol=1e-7
    )
    np.testing.assert_allclose(coef, their_coef, rtol=1e-7, atol=1e-9)
