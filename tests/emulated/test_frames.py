# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches for cuML's estimators, on frames of cuDF and on rows that others read."""

import numpy as np
import pytest

from gpu_hpo.adaptive.data._upload import chunk_to_device
from gpu_hpo.data._on_device import OnDevice
from gpu_hpo.model_selection import GridSearchCV

cudf = pytest.importorskip("cudf")
cuml = pytest.importorskip("cuml")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 4)).astype(np.float32)
LABELS = (X[:, 0] + 0.5 * RNG.standard_normal(300) > 0).astype(np.int64)
TARGETS = X @ np.arange(4, dtype=np.float32)
# Those whose rows are stored by columns, and those that take them as they are.
ESTIMATORS = {
    "LogisticRegression": ({"C": [0.1, 1.0]}, LABELS),
    "SVC": ({"C": [0.1, 1.0]}, LABELS),
    "LinearSVC": ({"C": [0.1, 1.0]}, LABELS),
    "KNeighborsClassifier": ({"n_neighbors": [1, 5]}, LABELS),
    "RandomForestClassifier": ({"max_depth": [2, 4]}, LABELS),
    "LinearRegression": ({"fit_intercept": [True, False]}, TARGETS),
    "Ridge": ({"alpha": [0.1, 1.0, 10.0]}, TARGETS),
    "Lasso": ({"alpha": [0.01, 0.1]}, TARGETS),
}


@pytest.fixture
def frame():
    return cudf.DataFrame({f"x{i}": X[:, i] for i in range(4)})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_grid_takes_frames(frame, name):
    """Scores are those of the same rows in arrays of CuPy, and answers are series."""
    import cupy as cp

    space, y = ESTIMATORS[name]
    options = {"cv": 3, "scheduler": "synchronous", "error_score": "raise"}
    fixed = {"random_state": 0} if "Forest" in name else {}
    found, expected = (
        GridSearchCV(getattr(cuml, name)(**fixed), space, **options).fit(*given)
        for given in (
            (frame, cudf.Series(y)),
            (cp.asarray(X), cp.asarray(y)),
        )
    )
    assert type(found.best_estimator_) is getattr(cuml, name)
    assert found.device_.name == "cuda"
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"],
        expected.cv_results_["mean_test_score"],
        rtol=1e-4,
    )
    assert isinstance(found.predict(frame), cudf.Series)
    assert found.score(frame, cudf.Series(y)) == pytest.approx(
        expected.score(cp.asarray(X), cp.asarray(y)), rel=1e-4
    )


BROKEN = {
    "infinity": lambda frame: {**frame, "more": cudf.Series([np.inf] + [0.0] * 299)},
    "NaN": lambda frame: {
        **frame,
        "more": cudf.Series([np.nan] + [0.0] * 299, nan_as_null=False),
    },
    "missing number": lambda frame: {
        **frame,
        "more": cudf.Series([None] + [0.5] * 299),
    },
    "missing integer": lambda frame: {
        **frame,
        "more": cudf.Series([None] + [1] * 299),
    },
}


@pytest.mark.parametrize("broken", BROKEN)
def test_numbers_that_are_not_finite_are_found(frame, broken):
    """No column of a frame may have them, whatever its type."""
    wanted = OnDevice(finite=True)
    chunk_to_device({"X": frame}, wanted)
    given = {"X": cudf.DataFrame(BROKEN[broken](dict(frame.items())))}
    with pytest.raises(ValueError, match="NaN or infinity"):
        chunk_to_device(given, wanted)
    chunk_to_device(given, OnDevice(finite=False))


def test_whole_numbers_are_finite(frame):
    """Columns without fractions need no look at their values."""
    whole = frame.astype("int32")
    moved = chunk_to_device({"X": whole}, OnDevice(finite=True))
    assert moved["X"] is whole


# Those that change rows while they train.
HARMFUL = {
    "Lasso": {"alpha": [0.01, 0.1, 1.0, 10.0]},
    "ElasticNet": {"alpha": [0.01, 0.1, 1.0, 10.0]},
    "MBSGDRegressor": {"alpha": [1e-4, 1e-3, 1e-2, 1e-1]},
    "PCA": {"n_components": [1, 2, 3, 4]},
}


def given_rows():
    """Rows of which some do not survive that means are taken off and added again."""
    import cupy as cp

    return cp.asfortranarray(cp.asarray(1 + X)), cp.asarray(TARGETS)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", HARMFUL)
def test_rows_are_as_they_were(name):
    """What changes rows when it is called by itself does not in a search."""
    rows, targets = given_rows()
    before = rows.get()
    getattr(cuml, name)().fit(rows, targets)
    assert (rows.get() != before).any()

    rows, targets = given_rows()
    scoring = None
    if name == "PCA":
        scoring = lambda model, rows, y: float(model.singular_values_[0])  # noqa: E731
    options = {"scoring": scoring, "error_score": "raise"}
    search = GridSearchCV(getattr(cuml, name)(), HARMFUL[name], cv=3, **options)
    search.set_params(scheduler="synchronous").fit(rows, targets)
    assert (rows.get() == before).all()
