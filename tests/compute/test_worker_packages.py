# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Workers that cannot run a search are named before it begins."""

import threading
import time
import warnings

import numpy as np
import pytest
from distributed import Client, get_worker
from scipy.stats import loguniform
from sklearn.linear_model import SGDClassifier

from gpu_hpo.compute import embedded_client, local_cluster
from gpu_hpo.compute._worker_packages import _checked, _listed
from gpu_hpo.exceptions import GpuHpoWarning, MissingPackagesError
from gpu_hpo.model_selection import GridSearchCV, HyperbandSearchCV

# A worker whose environment is another. It cannot import what it lacks, as if it had
# never been installed, and says so to Dask.
OTHER = """
import builtins, importlib.metadata, sys
import distributed.versions

VERSIONS, PYTHON = {versions!r}, {python!r}
IMPORTED = {{"scikit-learn": "sklearn"}}
lacks = [IMPORTED.get(p, p) for p, version in VERSIONS.items() if version is None]
version = importlib.metadata.version
system = distributed.versions.get_system_info

def other_version(package):
    found = VERSIONS.get(package, "")
    if found is None:
        raise importlib.metadata.PackageNotFoundError(package)
    return found or version(package)

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in lacks:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

def dask_setup(worker):
    importlib.metadata.version = distributed.versions.version = other_version
    if PYTHON:
        distributed.versions.get_system_info = lambda: system() | {{"python": PYTHON}}
    for name in list(sys.modules):
        if name.partition(".")[0] in lacks:
            del sys.modules[name]
    sys.meta_path.insert(0, Blocker())
"""


@pytest.fixture
def other(tmp_path):
    """Start a cluster, one of whose workers has other packages, and give its client."""
    opened = []

    def start(python=None, *, joins=True, **versions):
        names = {name.replace("_learn", "-learn"): v for name, v in versions.items()}
        file = tmp_path / "other_packages.py"
        file.write_text(OTHER.format(versions=names, python=python))
        cluster = local_cluster(1, device="cpu")
        opened.append(cluster)
        cluster.new_spec["options"]["preload"] = [str(file)]
        client = Client(cluster, set_as_default=False)
        opened.append(client)
        if joins:
            cluster.scale(2)
            client.wait_for_workers(2, timeout=60)
        return client

    yield start
    for one in reversed(opened):
        one.close()


def data():
    X = np.random.default_rng(0).standard_normal((200, 3))
    return X, (X[:, 0] > 0).astype(int)


def grid():
    return GridSearchCV(SGDClassifier(random_state=0), {"alpha": [1e-4, 1e-2]}, cv=2)


def hyperband():
    return HyperbandSearchCV(
        SGDClassifier(), {"alpha": [1e-4, 1e-3, 1e-2]}, max_iter=3, random_state=0
    )


def test_workers_that_lack_packages(other):
    """Each kind of search says which worker lacks what, and how to bring it."""
    client = other(gpu_hpo=None, scikit_learn=None)
    addresses = sorted(client.nthreads())
    with client.as_current():
        for search in (grid(), hyperband()):
            with pytest.raises(MissingPackagesError) as caught:
                search.fit(*data())
            text = str(caught.value)
            assert "lacks gpu_hpo and scikit-learn" in text
            assert sum(address in text for address in addresses) == 1
            assert "PipInstall" in text
    assert sorted(client.nthreads()) == addresses  # nobody died


def test_another_python(other):
    """Another Python than this is an error: it cannot read functions of this one."""
    client = other(python="3.1.4.final.0")
    with (
        client.as_current(),
        pytest.raises(MissingPackagesError, match=r"Python 3\.1,"),
    ):
        hyperband().fit(*data())


def test_other_versions(other):
    """Other versions are warned of once, and the search goes on."""
    client = other(scikit_learn="1.4.2", gpu_hpo="77.0", scipy="0.0.1")
    with client.as_current():
        with pytest.warns(GpuHpoWarning, match=r"gpu_hpo 77\.0 \(here .*learn 1\.4\.2"):
            grid().fit(*data())
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            hyperband().fit(*data())


def test_package_that_was_installed_since(other):
    """What Dask remembers as missing may be there by now."""
    client = other(gpu_hpo=None)

    def install():
        import importlib.metadata

        module = importlib.metadata.version.__globals__
        module["VERSIONS"].clear()
        module["lacks"].clear()

    with client.as_current():
        with pytest.raises(MissingPackagesError):
            grid().fit(*data())
        for worker in client.nthreads():
            client.run(install, workers=[worker], on_error="ignore")
        assert grid().fit(*data()).best_score_ > 0.5


def test_each_worker_is_asked_once(processes_client, monkeypatch):
    """A second search on the same workers asks nothing, and one on our own never."""
    grid().fit(*data())
    assert _checked[processes_client] > set(processes_client.nthreads())

    def fail(*args, **kwargs):
        raise AssertionError("asked")

    monkeypatch.setattr(Client, "get_versions", fail)
    grid().fit(*data())
    hyperband().fit(*data())
    with embedded_client().as_current():
        hyperband().fit(*data())


class NotesWorker(SGDClassifier):
    """Notes where it was trained; waits until there is a second worker."""

    def __init__(self, folder=None, alpha=1e-4, random_state=None):
        super().__init__(alpha=alpha, random_state=random_state)
        self.folder = folder

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        while not (self.folder / "joined").exists():
            time.sleep(0.05)
        time.sleep(0.1)
        with (self.folder / "workers").open("a") as file:
            file.write(f"{get_worker().address}\n")
        return super().partial_fit(X, y, classes, sample_weight)


@pytest.mark.parametrize("lacks", ["threadpoolctl", None])
def test_workers_that_join(other, tmp_path, lacks):
    """Who joins during a search trains; if it lacks a package, a warning says so."""
    client = other(joins=False, **({lacks: None} if lacks else {}))
    search = HyperbandSearchCV(
        NotesWorker(tmp_path, random_state=0),
        {"alpha": loguniform(1e-6, 1e-1)},
        max_iter=9,
        random_state=0,
        chunk_size=50,
    )

    def join():
        time.sleep(0.5)  # the search has begun
        client.cluster.scale(2)
        client.wait_for_workers(2, timeout=60)
        (tmp_path / "joined").touch()

    thread = threading.Thread(target=join)
    thread.start()
    with client.as_current(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(*data())
    thread.join()
    told = [str(w.message) for w in caught if issubclass(w.category, GpuHpoWarning)]
    trained = set((tmp_path / "workers").read_text().split())
    if lacks is None:
        assert (len(trained), told) == (2, [])
    else:
        (text,) = told
        (worker,) = client.nthreads().keys() - trained
        assert text == (
            f"worker {worker} lacks threadpoolctl: the search goes on without it"
        )


def test_many_workers_in_one_message():
    """Workers with one problem are named together, and not all of them."""
    problems = {f"tcp://{i}": "lacks gpu_hpo" for i in range(5)}
    problems["the scheduler"] = "lacks numba"
    assert _listed(problems) == (
        "worker tcp://0, worker tcp://1, worker tcp://2 and 2 more lacks gpu_hpo; "
        "the scheduler lacks numba"
    )
