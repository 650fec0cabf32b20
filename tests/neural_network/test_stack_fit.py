# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What is particular to networks that are fitted in a stack."""

import numpy as np
import pytest

from tests.stacks.helpers import NETWORK, assert_one_fails, assert_same, fitted

X, TARGETS = NETWORK.X, NETWORK.targets


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"solver": "sgd"}, "non-finite parameter weights"),
        ({"early_stopping": True}, "contains NaN"),
    ],
    ids=["weights", "scores"],
)
def test_divergence_ends_a_fit(options, match):
    """A network that is no longer finite is given up, as alone, and harms no other."""
    y = TARGETS["regression"]
    models = NETWORK.family("regression", 4, activation="identity", **options)
    models[2].set_params(learning_rate_init=1e300)
    if "solver" in options:
        models[2].max_iter = 10**9
    with np.errstate(all="ignore"):
        stack = NETWORK.stack(models, y)
        assert_one_fails(stack, models, X, y, match)
    assert hasattr(models[2], "coefs_") == ("solver" in options)


def test_weights_of_a_batch_that_sum_to_zero():
    """Only networks that meet a mini-batch whose rows count nothing fail by that."""
    y = TARGETS["regression"]
    weight = np.r_[np.zeros(30), np.ones(120)]
    models = NETWORK.family("regression", batch_size=3)
    for seed, model in enumerate(models):
        model.set_params(max_iter=3, random_state=seed)
    stack = NETWORK.stack(models, y, sample_weight=weight)
    failed = [error is not None for error in stack.errors]
    assert 0 < sum(failed) < 12
    for model, error, alone in zip(stack.unstack(), stack.errors, models, strict=True):
        if error is None:
            assert_same([model], [fitted(alone, X, y, sample_weight=weight)])
            continue
        with pytest.raises(ZeroDivisionError) as found:
            fitted(alone, X, y, sample_weight=weight)
        assert str(error) == str(found.value)
