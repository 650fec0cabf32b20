# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a notebook has after its cells: one picture per search, and no noise."""

import os
import re

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

CELLS = [
    """
import warnings
from dask.distributed import Client
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier
from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import GridSearchCV, HyperbandSearchCV
warnings.filterwarnings("ignore", "parameters is a space")
X, y = make_classification(600, 5, n_informative=3, n_redundant=0, random_state=0)
space = {"alpha": [10.0**-i for i in range(9)]}
cluster = local_cluster(1, device="cpu", processes=False, threads_per_worker=2)
client = Client(cluster)
search = HyperbandSearchCV(SGDClassifier(), space, max_iter=9, random_state=0)
grid = GridSearchCV(SGDClassifier(), space, cv=2, scheduler="threads")
""",
    "done = search.fit(X, y)",
    "done = grid.fit(X, y)",
    "done = grid.set_params(progress=False).fit(X, y)",
    "done = search.set_params(stop_score='x').fit(X, y)",
    "client.close(); cluster.close()",
]


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """The cells, run in a notebook; the last but one raises an error."""
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS]
    book.cells[-2].metadata["tags"] = ["raises-exception"]
    folder = tmp_path_factory.mktemp("notebook")
    client = nbclient.NotebookClient(
        book,
        timeout=100,
        resources={"metadata": {"path": folder}},
        store_widget_state=False,
    )
    client.execute(env=dict(os.environ, GPU_HPO_DEVICE="cpu"))
    return book.cells


@pytest.mark.parametrize(
    ("cell", "name", "unit"),
    [(1, "HyperbandSearchCV", "calls"), (2, "GridSearchCV", "fits")],
)
def test_a_picture_of_a_search(cell, name, unit, cells):
    """One output has a full bar, what was best and no time left; nothing is printed."""
    (output,) = cells[cell].outputs
    assert output["output_type"] == "display_data"
    page = output["data"]["text/html"]
    assert name in page and re.search(r"best 0\.\d+: alpha=", page)
    done, total = re.search(rf"([\d,]+) of ([\d,]+) {unit}", page).groups()
    assert done == total
    shares = [float(share) for share in re.findall(r'<progress value="([\d.]+)"', page)]
    assert shares[0] == 1 and all(0 <= share <= 1 for share in shares)
    assert ("bracket 2" in page) == (cell == 1)
    assert "busy" not in page and not re.search(r"\d s left", page)


def test_without_a_bar(cells):
    """With `progress=False` there is no output at all."""
    assert cells[3].outputs == []


def test_a_call_that_makes_no_sense(cells):
    """An error before the search leaves no picture beside it."""
    assert [output["output_type"] for output in cells[4].outputs] == ["error"]
    assert cells[4].outputs[0]["ename"] == "InvalidParameterError"
