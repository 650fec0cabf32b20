# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Every search takes cuML's estimators, on a GPU or without: the example's script."""

import numpy as np
import pytest
from sklearn.base import clone

pytest.importorskip("cuml", reason="cuML is not installed")

from examples.every_search import (
    CASES,
    STEPS,
    make_data,
    make_searches,
    trained_by,
)
from gpu_hpo.devices import convert

SEARCHES = list(make_searches(CASES["Ridge"]))
X, LABELS, NUMBERS = make_data()

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    # Spaces are smaller than some searches could be.
    "ignore:.* distinct:UserWarning",
)


def test_what_is_shown():
    """At least twelve estimators of cuML's, and a pipeline of two."""
    single = [case.estimator for case in CASES.values() if case.estimator is not STEPS]
    assert len({type(estimator) for estimator in single}) >= 12
    parts = [*single, *(step for _, step in STEPS.steps)]
    assert all(type(part).__module__.startswith("cuml.") for part in parts)
    assert len(SEARCHES) == 7


@pytest.mark.parametrize("name", CASES)
def test_case(threads_client, name):
    """All searches train what workers can, and say so, under the names of the user."""
    case = CASES[name]
    y = NUMBERS if case.regression else LABELS
    for kind, search in make_searches(case).items():
        before = clone(case.estimator).get_params()
        search.fit(X, y)
        on_gpu = search.device_.name == "cuda"
        libraries = trained_by(search)
        assert ("cuml" in libraries) == on_gpu, (kind, libraries, search.device_)
        assert libraries <= ({"cuml"} if on_gpu else {"sklearn", "gpu_hpo"}), kind
        assert search.best_params_.keys() == case.space.keys(), kind
        assert np.isfinite(search.best_score_), kind
        assert search.predict(X[:5]).shape == (5,), kind
        # Candidates are the user's own, and nothing has changed them.
        assert str(clone(case.estimator).get_params()) == str(before), kind
        if not on_gpu:
            made = clone(case.estimator).set_params(**search.best_params_)
            expected = convert(made, "cpu")
            assert type(search.best_estimator_) is type(expected), kind
