# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A browser shows the searches of this process, to whoever has the link."""

import subprocess
import sys
import threading
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from gpu_hpo.exceptions import GpuHpoError
from gpu_hpo.model_selection import GridSearchCV, HyperbandSearchCV
from gpu_hpo.progress._running import to_be_seen

pytest.importorskip("bokeh")

X, y = load_digits(return_X_y=True)


def page():
    from bokeh.document import Document

    from gpu_hpo.dashboard._page import Page

    return Page(Document())


def status_of(link):
    try:
        return urlopen(link, timeout=20).status
    except HTTPError as error:
        return error.code


def test_the_link_opens_the_page(threads_client):
    """The link is of this machine only, has a secret, and leads to both pages."""
    from gpu_hpo.dashboard import dashboard_link

    link = dashboard_link(threads_client)
    assert dashboard_link(threads_client) == link
    parts = urlsplit(link)
    assert parts.hostname == "127.0.0.1"
    assert status_of(link) == 200
    root = f"{parts.scheme}://{parts.netloc}"
    secret = parts.path.split("/")[1]
    assert len(secret) > 20
    assert status_of(f"{root}/{secret}/status") == 200
    for path in ("/gpu_hpo/searches", "/searches", "/status"):
        assert status_of(root + path) == 404


def test_learning_curves(threads_client):
    """Each trial has its curve, by what has become of it; the last search shows."""
    search = HyperbandSearchCV(
        SGDClassifier(), {"alpha": loguniform(1e-6, 1)}, max_iter=9, random_state=0
    ).fit(X, y)
    shown = page()
    data = shown._lines.data
    assert len(data["calls"]) == len(search.cv_results_["params"])
    drawn = sorted(zip(data["name"], map(tuple, data["scores"]), strict=True))
    status = search.cv_results_["status"]
    expected = sorted(
        (f"{name} {state}", tuple(entry["score"] for entry in entries))
        for (name, entries), state in zip(
            search.model_history_.items(), status, strict=True
        )
    )
    assert drawn == expected
    head = shown._head.text
    assert "HyperbandSearchCV" in head and "(ended)" in head and "bracket 2" in head


def test_a_search_that_runs():
    """A search is there while it runs, also a grid, and gone from the running then."""
    seen = []

    class Looks:
        only_scores = True

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            pass

        def on_score(self, search, context, *, metadata):
            seen.append((page()._head.text, threading.current_thread()))

    search = GridSearchCV(SGDClassifier(), {"alpha": [1e-4, 1e-2]}, cv=2)
    search.set_callbacks(Looks()).fit(X, y)
    assert len(seen) == 4
    assert all("GridSearchCV" in text and "(ended)" not in text for text, _ in seen)
    assert not any(runs for _, runs in to_be_seen())


def test_nothing_is_imported_before(tmp_path):
    """A search without page and bar imports neither: scikit-learn imports rich."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from sklearn.datasets import load_digits\n"
        "from sklearn.linear_model import SGDClassifier\n"
        "from gpu_hpo.model_selection import GridSearchCV\n"
        "X, y = load_digits(return_X_y=True)\n"
        "GridSearchCV(SGDClassifier(), {'alpha': [1, 2]}, cv=2).fit(X, y)\n"
        "none = {'bokeh', 'gpu_hpo.dashboard', 'gpu_hpo.progress._terminal'}\n"
        "assert not none & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, script], check=True, timeout=100)


def test_a_scheduler_elsewhere_without_a_dashboard(monkeypatch, threads_client):
    """Of a scheduler in another process Dask's own link is given, if it has one."""
    from gpu_hpo.dashboard import dashboard_link

    monkeypatch.setattr(threads_client.cluster, "scheduler", None)
    monkeypatch.setattr(type(threads_client), "dashboard_link", "")
    with pytest.raises(GpuHpoError, match="another process"):
        dashboard_link(threads_client)
    monkeypatch.setattr(type(threads_client), "dashboard_link", "http://there")
    assert dashboard_link(threads_client) == "http://there"
