# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What trains and where: the user's estimator, or its counterpart on the device."""

import importlib.util

import dask.array as da
import numpy as np
import pytest
from scipy.stats import loguniform, uniform
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.adaptive._placement import place
from gpu_hpo.adaptive.training._budgets import make_budget
from gpu_hpo.adaptive.training._models import Trial
from gpu_hpo.data._on_device import OnDevice
from gpu_hpo.devices import Device
from gpu_hpo.exceptions import DeviceNotFoundError, NoCounterpartError
from gpu_hpo.linear_model import SGDClassifier as OurSGD
from gpu_hpo.model_selection import HyperbandSearchCV, SuccessiveHalvingSearchCV
from gpu_hpo.testing import NoHostCopyArray
from tests.model_selection.helpers import Scripted, make_data

with_cuml = pytest.mark.skipif(
    importlib.util.find_spec("cuml") is None, reason="cuML is not installed"
)
CPU = Device("cpu", 0, "a test says so")
CUDA = Device("cuda", 1, "a test says so")
X, y = make_data()


class DerivedScaler(StandardScaler):
    """What a user makes of a transformer of scikit-learn."""


class DerivedForest(RandomForestClassifier):
    """What a user makes of an estimator of scikit-learn."""


def placed(
    estimator, *params, device=CUDA, resource="n_samples", demanded=False, rows=X
):
    trials = {i: Trial(param, i) for i, param in enumerate(params or [{}])}
    budget = make_budget(resource)
    return place(estimator, trials, budget, device, rows, demanded=demanded)


# ---- a search ----


def test_on_the_cpu_nothing_changes(threads_client):
    """Without CUDA scikit-learn's estimators train as they are; device_ says why."""
    search = HyperbandSearchCV(
        GaussianNB(), {"var_smoothing": loguniform(1e-9, 1)}, max_iter=3
    ).fit(X, y)
    assert type(search.best_estimator_) is GaussianNB
    assert search.device_.name == "cpu"
    assert search.device_.reason


@pytest.mark.parametrize("make", [HyperbandSearchCV, SuccessiveHalvingSearchCV])
def test_cuda_that_is_not_there(threads_client, calls, monkeypatch, make):
    """device="cuda" without a GPU says what was asked, of which worker, and why not."""
    monkeypatch.delenv("GPU_HPO_DEVICE", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    options = {"n_initial_iter": 1} if make is SuccessiveHalvingSearchCV else {}
    space = {"value": uniform(0, 1)}
    search = make(Scripted(), space, max_iter=3, device="cuda", **options)
    address = next(iter(threads_client.nthreads()))
    message = f"device='cuda' asks for a GPU, but worker {address}.*hides every device"
    with pytest.raises(DeviceNotFoundError, match=message):
        search.fit(X, y)
    monkeypatch.setenv("GPU_HPO_DEVICE", "cuda")
    with pytest.raises(DeviceNotFoundError, match="GPU_HPO_DEVICE=cuda asks"):
        search.set_params(device="auto").fit(X, y)
    assert calls == []


def test_environment_wins(threads_client, monkeypatch):
    """GPU_HPO_DEVICE=cpu overrides what a script asks for."""
    monkeypatch.setenv("GPU_HPO_DEVICE", "cpu")
    search = HyperbandSearchCV(
        SGDClassifier(), {"alpha": [1e-3, 1e-2]}, max_iter=2, device="cuda"
    )
    search.fit(X, y)
    assert search.device_.reason == "GPU_HPO_DEVICE=cpu asks for the CPU"


@with_cuml
@pytest.mark.parametrize(
    ("name", "params", "resource", "counterpart"),
    [
        (
            "ensemble.RandomForestClassifier",
            {"max_depth": [2, 4, 8], "split_criterion": ["gini", "entropy"]},
            "n_estimators",
            RandomForestClassifier,
        ),
        (
            "linear_model.LogisticRegression",
            {"C": [0.01, 0.1, 1.0], "linesearch_max_iter": [50]},
            "n_samples",
            LogisticRegression,
        ),
        (
            "naive_bayes.GaussianNB",
            {"var_smoothing": [1e-9, 1e-3, 1e-1]},
            "partial_fit",
            GaussianNB,
        ),
    ],
)
def test_cuml_without_cuda(processes_client, name, params, resource, counterpart):
    """cuML's estimators train as scikit-learn's, and results keep the user's names."""
    import cuml

    estimator = getattr(getattr(cuml, name.split(".")[0]), name.split(".")[1])()
    before = estimator.get_params()
    search = SuccessiveHalvingSearchCV(
        estimator,
        params,
        n_initial_parameters=3,
        n_initial_iter=1,
        max_iter=3,
        resource=resource,
        random_state=0,
    ).fit(X, y)
    assert type(search.best_estimator_) is counterpart
    assert search.device_.name == "cpu"
    assert estimator.get_params() == before
    assert all(row.keys() == params.keys() for row in search.cv_results_["params"])
    assert {f"param_{param}" for param in params} <= search.cv_results_.keys()
    assert set(search.cv_results_["status"]) == {"completed", "stopped"}
    assert set(search.predict(X)) == {0, 1}
    if "split_criterion" in params:
        best = search.best_params_["split_criterion"]
        assert search.best_estimator_.criterion == best


@with_cuml
def test_value_without_a_counterpart(threads_client, monkeypatch):
    """A sampled value that means nothing on the CPU is an error before any work."""
    from cuml.ensemble import RandomForestClassifier as Forest

    monkeypatch.setattr("gpu_hpo.adaptive.data._resident.ResidentData.load", None)
    search = SuccessiveHalvingSearchCV(
        Forest(),
        {"split_criterion": ["gini", "poisson"]},
        n_initial_parameters=2,
        n_initial_iter=1,
        resource="n_estimators",
    )
    with pytest.raises(NoCounterpartError, match="split_criterion='poisson'"):
        search.fit(X, y)


@pytest.mark.skipif(
    importlib.util.find_spec("cuml") is not None, reason="cuML is installed"
)
def test_cuml_that_is_not_installed():
    """With CUDA and without cuML, "cuda" is an error that says so; "auto" goes on."""
    with pytest.raises(
        DeviceNotFoundError, match=r"GaussianNB .* where cuML is install"
    ):
        placed(GaussianNB(), resource="partial_fit", demanded=True)
    found = placed(GaussianNB(), resource="partial_fit")
    assert type(found.kind) is GaussianNB
    assert "where cuML is installed" in found.device.reason


@pytest.mark.parametrize("lazy", [False, True])
def test_host_and_device_mixed(threads_client, calls, lazy):
    """X and y in different memories are refused, by name and type; not so labels."""

    def data(values):
        return da.from_array(values, chunks=100, asarray=False) if lazy else values

    on_device = NoHostCopyArray(X)
    search = SuccessiveHalvingSearchCV(
        Scripted(), {"value": uniform(0, 1)}, n_initial_parameters=2, n_initial_iter=1
    )
    with pytest.raises(
        TypeError, match=r"(?s)X is a .* on the device, but y is .*host"
    ):
        search.fit(data(on_device), data(y))
    with pytest.raises(
        TypeError, match=r"(?s)X is a .* on the host, but y is .*device"
    ):
        search.fit(data(X), data(NoHostCopyArray(y)))
    with pytest.raises(TypeError, match="but sample_weight is a numpy"):
        search.fit(on_device, NoHostCopyArray(y), sample_weight=np.ones(len(X)))
    assert calls == []
    search.fit(on_device, np.array(["ham", "spam"])[y])


# ---- on a device, as far as that goes without one ----


def test_ours_train_where_the_device_is():
    """Estimators of ours are not converted, and want their rows in GPU memory."""
    found = placed(OurSGD(), resource="partial_fit")
    assert type(found.kind) is OurSGD
    assert found.converted_to is None
    assert found.on_device is not None
    assert placed(OurSGD(), device=CPU, resource="partial_fit").on_device is None


class Derived(OurSGD):
    """What a user makes of an estimator of ours."""


def test_what_derives_from_ours_trains_there_too():
    """A user's subclass wants its rows where its base does, in a pipeline too."""
    assert placed(Derived(), resource="partial_fit").on_device is not None
    pipeline = Pipeline([("clf", Derived())])
    assert placed(pipeline).on_device is not None


def test_third_party_estimators_stay_where_they_are():
    """An estimator of neither library trains on the rows as they came: device_ too."""
    found = placed(Scripted(), resource="partial_fit", rows=NoHostCopyArray(X))
    assert type(found.kind) is Scripted
    assert found.on_device is None
    assert found.device.name == "cuda"
    assert found.device.reason == "Scripted of tests trains where X is; a test says so"
    here = placed(Scripted(), resource="partial_fit")
    assert here.on_device is None
    assert here.device == Device(
        "cpu",
        0,
        "Scripted of tests trains where X is, in host memory, though a test says so",
    )


class Boosted(Scripted):
    """Says by a parameter where it trains, as XGBoost and LightGBM do."""

    def __init__(self, value=0.5, device="cpu"):
        super().__init__(value)
        self.device = device


def test_estimators_that_say_where_they_train():
    """device_ follows what an estimator of neither library is told by its parameter."""
    assert placed(Boosted(), resource="partial_fit").device.name == "cpu"
    found = placed(Boosted(device="cuda:0"), resource="partial_fit")
    assert found.device.name == "cuda"
    assert found.device.reason == "Boosted of tests has device='cuda:0'; a test says so"


class OfCupy:
    """Rows of CuPy's, as far as their type tells."""


OfCupy.__module__ = "cupy.fake"


def test_rows_in_gpu_memory_with_the_cpu_asked_for():
    """device="cpu" moves no rows: device_ says where ours train, and why."""
    found = placed(OurSGD(), device=CPU, resource="partial_fit", rows=OfCupy())
    assert found.on_device is None
    assert found.device.name == "cuda"
    assert "X is in GPU memory" in found.device.reason
    host = placed(GaussianNB(), device=CPU, resource="partial_fit", rows=OfCupy())
    assert host.device == CPU


@with_cuml
def test_scikit_learn_becomes_cuml():
    """With CUDA, scikit-learn's estimators become cuML's, rows as these want them."""
    from cuml.linear_model import LogisticRegression as Logistic
    from cuml.linear_model import Ridge

    found = placed(LogisticRegression(max_iter=500), {"C": 0.1}, {"C": 10.0})
    assert type(found.kind) is Logistic
    assert found.kind.C == 0.1
    assert found.converted_to == "cuda"
    assert found.on_device.finite
    assert found.device == CUDA
    from sklearn.linear_model import Ridge as ridge

    assert type(placed(ridge()).kind) is Ridge
    assert placed(ridge()).on_device.column_major


@with_cuml
def test_no_counterpart_on_a_device():
    """Without a counterpart "auto" trains on the CPU and says why; "cuda" raises."""
    found = placed(SGDClassifier(), resource="partial_fit")
    assert type(found.kind) is SGDClassifier
    assert found.on_device is None
    assert found.device.name == "cpu"
    assert "gpu_hpo.linear_model.SGDClassifier" in found.device.reason
    with pytest.raises(NoCounterpartError, match="SGDClassifier has no counterpart"):
        placed(SGDClassifier(), resource="partial_fit", demanded=True)
    # One value of one trial is enough.
    values = {"penalty": "l2"}, {"warm_start": True}
    estimator = LogisticRegression()
    assert placed(estimator, *values).device.name == "cpu"
    with pytest.raises(NoCounterpartError, match="warm_start=True"):
        placed(estimator, *values, demanded=True)


@with_cuml
def test_counterpart_that_lacks_the_resource():
    """A counterpart that cannot be trained by the budget is no counterpart."""
    found = placed(LogisticRegression(), resource="warm_start")
    assert type(found.kind) is LogisticRegression
    assert "warm_start" in found.device.reason


@with_cuml
def test_parts_of_a_pipeline_are_placed_too():
    """A pipeline trains on the device if its steps do."""
    steps = [("scale", StandardScaler()), ("clf", LogisticRegression())]
    found = placed(Pipeline(steps), {"clf__C": 0.1})
    assert type(found.kind) is Pipeline
    assert type(found.kind["clf"]).__module__.startswith("cuml.")
    assert found.kind["clf"].C == 0.1
    assert found.on_device is not None


@with_cuml
@pytest.mark.parametrize(
    ("estimator", "culprit"),
    [
        (Pipeline([("scale", StandardScaler()), ("clf", Scripted())]), "Scripted of"),
        (CalibratedClassifierCV(RandomForestClassifier()), "CalibratedClassifierCV of"),
        (
            Pipeline([("scale", StandardScaler()), ("clf", DerivedForest())]),
            "DerivedForest of",
        ),
        (DerivedForest(), "DerivedForest of"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_of_one_device(estimator, culprit):
    """What only in part trains on a device trains on the CPU, and says why."""
    found = placed(estimator)
    assert found.device.name == "cpu"
    assert found.on_device is found.converted_to is None
    assert culprit in found.device.reason
    if not isinstance(estimator, Pipeline) or "Derived" in culprit:
        with pytest.raises(NoCounterpartError, match=culprit):
            placed(estimator, demanded=True)


@with_cuml
def test_what_derives_from_cuml_needs_a_gpu():
    """A user's subclass of a cuML estimator is refused where there is none."""
    import cuml

    class Mine(cuml.linear_model.LogisticRegression):
        pass

    assert placed(Mine()).on_device is not None
    with pytest.raises(NoCounterpartError, match=r"Mine of .* derives from cuML's"):
        placed(Mine(), device=CPU)
    # Beside what trains on the CPU it still trains on the GPU, from rows on the host.
    mixed = placed(Pipeline([("scale", DerivedScaler()), ("clf", Mine())]))
    assert mixed.on_device is None
    assert mixed.device.name == "cuda"
    assert "Mine of tests derives from cuML's" in mixed.device.reason


@with_cuml
def test_a_resource_under_another_name(processes_client):
    """The parameter that is the budget is found by the counterpart's name for it."""
    import cuml

    search = SuccessiveHalvingSearchCV(
        cuml.linear_model.MBSGDClassifier(loss="log"),
        {"alpha": [1e-4, 1e-2, 1.0]},
        n_initial_parameters=3,
        n_initial_iter=1,
        max_iter=3,
        resource="epochs",
        random_state=0,
    ).fit(X, y)
    assert search.best_estimator_.max_iter == 3
    assert search.metadata_["resource"] == "epochs"
    assert set(search.cv_results_["status"]) == {"completed", "stopped"}
    scaler = ("scale", cuml.preprocessing.StandardScaler())
    pipeline = Pipeline([scaler, ("clf", cuml.linear_model.MBSGDClassifier())])
    trials = {0: Trial({}, 0)}
    found = place(pipeline, trials, make_budget("clf__epochs"), CPU, X, demanded=False)
    assert found.budget.name == "clf__max_iter"


@with_cuml
def test_a_replaced_prototype_need_not_convert():
    """What all trials replace is not asked for a counterpart."""
    steps = [("scale", StandardScaler()), ("clf", SGDClassifier())]
    found = placed(Pipeline(steps), {"clf": GaussianNB()})
    assert type(found.kind["clf"]).__module__.startswith("cuml.")


def test_labels_that_a_device_cannot_hold():
    """Strings become numbers on their way to a device, and come back as strings."""
    from gpu_hpo.adaptive.data._upload import chunk_to_device
    from gpu_hpo.training._text_labels import Decoded

    labels = np.array(["ham", "spam"])
    chunk = {"X": NoHostCopyArray(X), "y": labels[y]}
    device_y = pytest.MonkeyPatch()
    device_y.setattr(
        "gpu_hpo.adaptive.data._upload.to_device", lambda x: NoHostCopyArray(x)
    )
    with device_y.context():
        moved = chunk_to_device(chunk, OnDevice(), labels)
    device_y.undo()
    assert (moved["y"].get() == y).all()

    class Model:
        def predict(self, X):
            return moved["y"]

    decoded = Decoded(Model(), labels)
    assert (decoded.predict(X) == labels[y]).all()
    assert (decoded.classes_ == labels).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_are_checked_once_on_arrival(bad):
    """NaN on the way to a device is an error there, unless the estimator takes it."""
    from gpu_hpo.adaptive.data._upload import chunk_to_device

    values = X.copy()
    values[3, 1] = bad
    chunk = {"X": NoHostCopyArray(values), "y": NoHostCopyArray(y)}
    with pytest.raises(ValueError, match="X has NaN or infinity"):
        chunk_to_device(chunk, OnDevice())
    assert chunk_to_device(chunk, OnDevice(finite=False))["X"].shape == X.shape


def test_columns_for_those_that_want_them():
    """A chunk is put in columns once, on arrival, for models that want it so."""
    from gpu_hpo.adaptive.data._upload import chunk_to_device

    chunk = {"X": NoHostCopyArray(X)}
    moved = chunk_to_device(chunk, OnDevice(column_major=True))
    assert moved["X"].flags.f_contiguous
    assert chunk_to_device(chunk, OnDevice())["X"] is chunk["X"]
