# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which library fits candidates, where, and what `device_` says, without a GPU."""

import importlib.util
from concurrent.futures import ThreadPoolExecutor

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.linear_model import SGDClassifier as TheirSGD
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo import linear_model
from gpu_hpo.data._on_device import holds_numbers
from gpu_hpo.devices import Device
from gpu_hpo.exceptions import DeviceNotFoundError, NoCounterpartError
from gpu_hpo.exhaustive._counterparts import Counterparts
from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV
from gpu_hpo.testing import NoHostCopyArray
from gpu_hpo.wrappers import Incremental
from tests.compute.helpers import make_data
from tests.exhaustive.device_doubles import CUDA, believe_in_cuda
from tests.model_selection.device_estimators import OnDevice, Scale

with_cuml = pytest.mark.skipif(
    importlib.util.find_spec("cuml") is None, reason="cuML is not installed"
)
CPU = Device("cpu", 0, "a test says so")
X, y = make_data(120)
FOLDS = 3
SGD = linear_model.SGDClassifier(max_iter=3, tol=None, random_state=0, batch_size=10)
ALPHAS = {"alpha": [1e-4, 1e-2, 1.0]}
SEARCHES = {
    "grid": GridSearchCV,
    "randomized": lambda *args, **options: RandomizedSearchCV(
        *args, n_iter=2, random_state=0, **options
    ),
}


class Theirs(ClassifierMixin, BaseEstimator):
    """An estimator of neither library, which notes of what kind its rows are."""

    def __init__(self, value=0.5, device="cpu"):
        self.value = value
        self.device = device

    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        self.kind_ = type(X)
        return self

    def score(self, X, y):
        return self.value


@pytest.fixture
def cuda(monkeypatch):
    """Lets searches believe in a GPU; gives what they have moved there."""
    return believe_in_cuda(monkeypatch)


def fit(estimator, space, *data, search="grid", **options):
    options = {"cv": FOLDS, "scheduler": "synchronous", "error_score": "raise"} | (
        options
    )
    return SEARCHES[search](estimator, space, **options).fit(*(data or (X, y)))


@pytest.mark.parametrize("scheduler", ["threads", "client", "client get"])
def test_kernels_that_cannot_run(monkeypatch, threads_client, scheduler):
    """The reason says so for models of ours, and nothing of kernels for others."""
    believe_in_cuda(monkeypatch, slow="the driver is too old")
    where = {"client": threads_client, "client get": threads_client.get}
    options = {"scheduler": where.get(scheduler, scheduler)}
    found = fit(SGD, ALPHAS, **options)
    assert found.device_.name == "cuda"
    said = "; models train by array operations, for the driver is too old"
    assert found.device_.reason == CUDA.reason + said
    rows = NoHostCopyArray(X), NoHostCopyArray(y)
    others = fit(Theirs(), {"value": [0.1, 0.2]}, *rows, **options)
    assert others.device_.name == "cuda"
    assert "array operations" not in others.device_.reason


# ---- without a GPU ----


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "client", "get"])
def test_cuda_that_is_not_there(monkeypatch, threads_client, search, scheduler):
    """device="cuda" without a GPU says what was asked, and why not, before any work."""
    monkeypatch.delenv("GPU_HPO_DEVICE", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr("gpu_hpo.exhaustive._run.SearchData.load", None)
    where = {"client": threads_client, "get": threads_client.get}
    scheduler = where.get(scheduler, scheduler)
    who = "" if isinstance(scheduler, str) else "worker inproc://.* has none: "
    options = {"search": search, "scheduler": scheduler}
    message = f"device='cuda' asks for a GPU, but {who}.*hides every device"
    with pytest.raises(DeviceNotFoundError, match=message):
        fit(LogisticRegression(), {"C": [1.0, 2.0]}, device="cuda", **options)
    monkeypatch.setenv("GPU_HPO_DEVICE", "cuda")
    with pytest.raises(DeviceNotFoundError, match="GPU_HPO_DEVICE=cuda asks"):
        fit(LogisticRegression(), {"C": [1.0, 2.0]}, **options)


@pytest.mark.parametrize("search", SEARCHES)
def test_environment_wins(monkeypatch, search):
    """GPU_HPO_DEVICE=cpu overrides what a script asks for, and device_ says so."""
    monkeypatch.setenv("GPU_HPO_DEVICE", "cpu")
    space = {"var_smoothing": [1e-9, 1e-3]}
    found = fit(GaussianNB(), space, device="cuda", search=search)
    assert found.device_ == Device("cpu", 0, "GPU_HPO_DEVICE=cpu asks for the CPU")
    monkeypatch.setenv("GPU_HPO_DEVICE", "gpu")
    with pytest.raises(ValueError, match="GPU_HPO_DEVICE is 'gpu'"):
        fit(GaussianNB(), space, search=search)


def test_without_cuda_nothing_changes():
    """Candidates are asked for as they are needed, and nothing is cloned to see."""
    counterparts = Counterparts(GaussianNB(), CPU, X)
    given = iter([{"var_smoothing": 1e-3}])
    assert counterparts.settle(given) is given
    params = next(given)
    assert counterparts.params(params) is params
    assert counterparts.on_device is None
    assert counterparts.device is CPU


# ---- rows move ----


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize(
    "scheduler", ["synchronous", "threads", "executor", "client", "get", "client get"]
)
def test_rows_move_once_per_split(cuda, threads_client, search, scheduler):
    """Rows of a split go to the device once, for all candidates, wherever these run."""
    with ThreadPoolExecutor(3) as executor:
        where = {
            "executor": executor,
            "client": threads_client,
            "get": dask.get,
            "client get": threads_client.get,
        }
        scheduler = where.get(scheduler, scheduler)
        found = fit(SGD, ALPHAS, search=search, scheduler=scheduler, n_jobs=3)
    assert found.device_ == CUDA
    n, width = X.shape
    train, test = n - n // FOLDS, n // FOLDS
    # For each split, and all rows for the best candidate.
    assert cuda.of_rows == sorted(
        [(train, width), (test, width)] * FOLDS + [(n, width)]
    )
    assert isinstance(found.best_estimator_.coef_, NoHostCopyArray)
    here = fit(SGD, ALPHAS, search=search, device="cpu")
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"]
    )


def test_steps_move_no_rows_of_their_own(cuda):
    """What shared steps make of rows stays on the device for the steps after them."""
    steps = Pipeline([("scale", Scale()), ("classify", SGD)])
    grid = {"scale__by": [0.5, 2.0], "classify__alpha": [1e-4, 1e-2]}
    found = fit(steps, grid, device="cuda")
    assert found.device_ == CUDA
    assert len(cuda.of_rows) == 2 * FOLDS + 1
    here = fit(clone(steps), grid, device="cpu")
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"]
    )


def test_weights_move_too(cuda):
    """Weights go along with the rows, to fits and scores; other parameters do not."""
    weight = np.where(np.arange(len(X)) % 3, 1.0, 0.1)
    found = GridSearchCV(
        SGD, ALPHAS, cv=FOLDS, scheduler="synchronous", scoring="neg_log_loss"
    ).set_params(estimator__loss="log_loss")
    here = clone(found).set_params(device="cpu").fit(X, y, sample_weight=weight)
    found.fit(X, y, sample_weight=weight.tolist())
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"],
        here.cv_results_["mean_test_score"],
        rtol=1e-9,
    )
    assert (
        found.best_score_
        != fit(clone(found.estimator), ALPHAS, scoring="neg_log_loss").best_score_
    )


def test_lazy_rows(cuda):
    """Dask's rows are put together on the host, and then go the same way."""
    rows = da.from_array(X, chunks=(50, -1)), da.from_array(y, chunks=30)
    found = fit(SGD, ALPHAS, *rows)
    assert found.device_ == CUDA
    assert found.best_score_ == pytest.approx(fit(SGD, ALPHAS).best_score_)


def test_rows_that_are_there(cuda):
    """What the user has put on the device stays as it is."""
    found = fit(SGD, ALPHAS, NoHostCopyArray(X), NoHostCopyArray(y))
    assert found.device_ == CUDA
    assert cuda.shapes == []


@pytest.mark.parametrize("scoring", [None, "accuracy", "f1_macro", "neg_log_loss"])
def test_labels_that_a_device_cannot_hold(cuda, scoring):
    """Strings become numbers on their way, and come back from the fitted search."""
    names = np.array(["ham", "spam"])[y]
    model = clone(SGD).set_params(loss="log_loss")
    found = fit(model, ALPHAS, X, names, scoring=scoring)
    here = fit(model, ALPHAS, X, names, scoring=scoring, device="cpu")
    assert found.device_ == CUDA
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"],
        here.cv_results_["mean_test_score"],
        rtol=1e-6,
    )
    on_device = NoHostCopyArray(X)
    assert found.classes_.tolist() == ["ham", "spam"]
    assert (found.predict(on_device) == here.predict(X)).all()
    assert found.score(on_device, names) == pytest.approx(here.score(X, names))
    # A later fit knows nothing of them.
    found.fit(X, y)
    assert found.classes_.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [
        (X, True),
        (X.tolist(), True),
        (X > 0, True),
        (scipy.sparse.csr_array(X), True),
        (pd.DataFrame(X), True),
        (da.from_array(X), True),
        (NoHostCopyArray(X), True),
        (dask.delayed(X), True),
        ([["a"], ["b"]], False),
        ([[1], [2, 3]], False),
        (X.astype(object), False),
        (X.astype(complex), False),
        (X.astype(np.longdouble), np.longdouble().itemsize == 8),
        (pd.DataFrame({"a": [1.0], "b": ["text"]}), False),
        (pd.DataFrame({"a": pd.Categorical(["text"])}), False),
        (da.from_array(np.array([["a"]])), False),
    ],
)
def test_what_a_device_can_hold(rows, numbers):
    """Numbers of any kind of array, frame or list can be moved, and nothing else."""
    assert holds_numbers(rows) is numbers


# ---- who trains where ----


def test_estimators_of_others_stay_where_they_are(cuda):
    """An estimator of neither library gets rows as they came; device_ says where."""
    found = fit(Theirs(), {"value": [0.1, 0.2]})
    assert found.best_estimator_.kind_ is np.ndarray
    assert found.device_.name == "cpu"
    assert found.device_.reason == (
        "Theirs of tests trains where X is, in host memory, though a test says so"
    )
    assert cuda.shapes == []
    found = fit(OnDevice(), {"rate": [0.1, 0.5]}, NoHostCopyArray(X), y)
    assert found.device_.name == "cuda"
    found = fit(Theirs(), {"device": ["cpu", "cuda"], "value": [0.1]})
    assert found.device_.name == "cuda"  # one of them trained there
    assert found.best_estimator_.kind_ is np.ndarray


@pytest.mark.parametrize("demanded", [False, True])
def test_values_that_a_device_cannot_hold(cuda, demanded):
    """Rows of text are for the CPU: "auto" says why, and "cuda" is an error."""
    texts = [["a", "b"]] * len(y)
    counterparts = Counterparts(SGD, CUDA, texts, demanded=demanded)
    if demanded:
        with pytest.raises(ValueError, match="X holds other values than numbers"):
            counterparts.settle([{}])
        return
    counterparts.settle([{}])
    assert counterparts.on_device is None
    assert counterparts.device == Device("cpu", 0, "X holds other values than numbers")


def test_rows_in_blocks(cuda):
    """Blocks of a Dask array stay where they are, and `device_` says where that is."""
    lazy = da.from_array(X, chunks=(40, -1)), da.from_array(y, chunks=40)
    wrapped = Incremental(SGD)
    grid = {"estimator__alpha": [1e-4, 1e-2]}
    found = fit(wrapped, grid, *lazy)
    assert found.device_.name == "cpu"
    assert "X has its blocks in host memory" in found.device_.reason
    assert cuda.shapes == []
    with pytest.raises(ValueError, match="device='cuda' or GPU_HPO_DEVICE asks for"):
        fit(wrapped, grid, *lazy, device="cuda")


@with_cuml
def test_scikit_learn_becomes_cuml():
    """With CUDA, scikit-learn's estimators become cuML's, under the user's names."""
    from cuml.linear_model import LogisticRegression as Logistic

    counterparts = Counterparts(LogisticRegression(max_iter=500), CUDA, X)
    candidates = [{"C": 0.1}, {"C": 10.0}]
    assert counterparts.settle(iter(candidates)) == candidates
    assert counterparts.device == CUDA
    assert type(counterparts.base) is Logistic
    assert counterparts.base.max_iter == 500
    made = [
        clone(counterparts.base).set_params(**counterparts.params(c))
        for c in candidates
    ]
    assert [model.C for model in made] == [0.1, 10.0]
    ridge = Counterparts(Ridge(), CUDA, X)
    ridge.settle([{}])
    assert ridge.on_device.column_major


@with_cuml
def test_names_of_the_other_library():
    """A candidate keeps its names, whatever the counterpart calls its parameters."""
    counterparts = Counterparts(RandomForestClassifier(), CUDA, X)
    candidate = {"criterion": "entropy", "max_depth": 3}
    counterparts.settle([candidate])
    changes = counterparts.params(candidate)
    assert changes["split_criterion"] == "entropy"
    assert "criterion" not in changes
    # A copy of it is not known by its identity.
    assert counterparts.params(dict(candidate)) == changes


@pytest.mark.skipif(
    importlib.util.find_spec("cuml") is not None, reason="cuML is installed"
)
def test_cuml_that_is_not_installed():
    """With CUDA and without cuML, "cuda" is an error that says so; "auto" goes on."""
    with pytest.raises(
        DeviceNotFoundError, match=r"GaussianNB .* where cuML is install"
    ):
        Counterparts(GaussianNB(), CUDA, X, demanded=True).settle([{}])
    counterparts = Counterparts(GaussianNB(), CUDA, X)
    counterparts.settle([{}])
    assert type(counterparts.base) is GaussianNB
    assert counterparts.device.name == "cpu"
    assert "where cuML is installed" in counterparts.device.reason


@with_cuml
def test_no_counterpart_on_a_device():
    """If one candidate has none, "auto" fits all on the CPU; "cuda" raises."""
    for estimator, candidates, culprit in [
        (TheirSGD(), [{}], "gpu_hpo.linear_model.SGDClassifier"),
        (LogisticRegression(), [{"C": 1.0}, {"warm_start": True}], "warm_start=True"),
        (
            CalibratedClassifierCV(RandomForestClassifier()),
            [{}],
            "CalibratedClassifierCV",
        ),
    ]:
        counterparts = Counterparts(estimator, CUDA, X)
        counterparts.settle(candidates)
        assert type(counterparts.base) is type(estimator)
        assert counterparts.on_device is None
        assert counterparts.device.name == "cpu"
        assert culprit in counterparts.device.reason
        assert counterparts.params(candidates[-1]) is candidates[-1]
        with pytest.raises(NoCounterpartError, match=culprit):
            Counterparts(estimator, CUDA, X, demanded=True).settle(candidates)


@with_cuml
def test_cuml_beside_what_has_no_counterpart():
    """Where "auto" falls back to the CPU, cuML's steps become scikit-learn's."""
    import cuml

    mixed = make_pipeline(cuml.preprocessing.StandardScaler(), TheirSGD())
    counterparts = Counterparts(mixed, CUDA, X)
    candidate = {"sgdclassifier__alpha": 0.1}
    counterparts.settle([candidate])
    assert counterparts.device.name == "cpu"
    assert type(counterparts.base[0]) is StandardScaler
    assert counterparts.params(candidate) == candidate


@with_cuml
def test_parts_of_a_pipeline_and_searched_steps():
    """Steps become cuML's, and so do estimators that are values of parameters."""
    steps = Pipeline([("scale", StandardScaler()), ("clf", TheirSGD())])
    candidates = [
        {"clf": LogisticRegression(C=0.1)},
        {"clf": GaussianNB(), "scale": "passthrough"},
    ]
    counterparts = Counterparts(steps, CUDA, X)
    counterparts.settle(candidates)
    assert counterparts.device == CUDA
    made = [
        clone(counterparts.base).set_params(**clone(counterparts.params(c), safe=False))
        for c in candidates
    ]
    libraries = [type(model["clf"]).__module__.partition(".")[0] for model in made]
    assert libraries == ["cuml", "cuml"]
    assert made[0]["clf"].C == 0.1
    assert type(made[0]["scale"]).__module__.startswith("cuml.")
    assert made[1]["scale"] == "passthrough"
    # The user's own are as they were.
    assert type(candidates[0]["clf"]) is LogisticRegression


@with_cuml
def test_candidates_that_do_not_train_alike():
    """Candidates that want rows in different places are all fitted on the CPU."""
    steps = Pipeline([("clf", GaussianNB())])
    candidates = [{"clf": LogisticRegression()}, {"clf": Theirs()}]
    counterparts = Counterparts(steps, CUDA, X)
    counterparts.settle(candidates)
    assert counterparts.device.name == "cpu"
    assert "Theirs of tests" in counterparts.device.reason


@with_cuml
def test_what_derives_from_cuml_needs_a_gpu():
    """A user's subclass of a cuML estimator is refused where there is none."""
    import cuml

    class Mine(cuml.linear_model.LogisticRegression):
        pass

    with pytest.raises(NoCounterpartError, match=r"Mine of .* derives from cuML's"):
        Counterparts(Mine(), CPU, X)
    mine = Counterparts(Mine(), CUDA, X)
    mine.settle([{"C": 2.0}])
    assert mine.on_device is not None


@with_cuml
def test_candidates_that_come_later():
    """What is tried later is fitted where the first candidates were."""
    counterparts = Counterparts(LogisticRegression(), CUDA, X)
    counterparts.settle([{"C": 0.1}])
    base = counterparts.base
    later = {"C": 5.0}
    counterparts.settle([later])
    assert counterparts.base is base
    assert counterparts.params(later) == {"C": 5.0}
    with pytest.raises(NoCounterpartError, match="warm_start=True"):
        counterparts.settle([{"warm_start": True}])
