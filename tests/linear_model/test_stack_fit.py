# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What is particular to linear models that are fitted in a stack."""

import copy

import numpy as np
import pytest
import scipy.sparse

from gpu_hpo import linear_model as ours
from tests.stacks.helpers import LINEAR, assert_as_alone, assert_same, fitted

X, TARGETS = LINEAR.X, LINEAR.targets
SPARSE = scipy.sparse.csr_matrix(X * (abs(X) > 0.4))


@pytest.mark.parametrize("rows", [X, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("target", TARGETS)
def test_divergence_harms_no_neighbour(target, rows):
    """A model whose weights overflow at some epoch fails as alone, and by itself."""
    y = TARGETS[target]
    options = {"loss": "squared_error", "learning_rate": "invscaling", "penalty": None}
    models = LINEAR.family(target, 6, batch_size=4, **options)
    for i, power in ((1, -400.0), (4, -150.0)):
        # Rates that grow with the updates.
        models[i].set_params(power_t=power, tol=None)
    stack = LINEAR.stack(models, y, rows)
    for i, (model, error) in enumerate(zip(stack.unstack(), stack.errors, strict=True)):
        alone = copy.deepcopy(models[i])
        if i not in (1, 4):
            assert error is None
            assert_same([model], [fitted(alone, rows, y)])
            continue
        with pytest.raises(ValueError) as expected:
            fitted(alone, rows, y)
        assert str(error) == str(expected.value)
        assert f"occurred at epoch #{model.n_iter_}." in str(error)
        assert not hasattr(alone, "coef_")
    assert stack.models[1].n_iter_ == 1 < stack.models[4].n_iter_


def test_initial_weights_and_class_weights():
    """All models of a stack begin with the same weights, if there are any."""
    y, rng = TARGETS["multiclass"], np.random.default_rng(0)
    init = {"coef_init": rng.random((3, 7)), "intercept_init": rng.random(3)}
    models = LINEAR.family("multiclass", 5, class_weight="balanced")
    stack = LINEAR.stack(models, y, **init)
    assert_as_alone(stack, models, X, y, **init)
    before = stack.unstack()
    with pytest.raises(ValueError, match="does not match dataset"):
        stack.fit(X, y, coef_init=np.ones((2, 7)))
    assert_same(stack.unstack(), before)


def test_no_warning_of_what_failed():
    """A stack does not warn that a model was not done if it has failed."""
    models = LINEAR.family("regression", 4, learning_rate="constant")
    for model in models:
        model.set_params(max_iter=1, eta0=1e300, tol=1e-9)
    stack = ours.SGDRegressor.stack(models).fit(X, TARGETS["regression"])
    assert None not in stack.errors
