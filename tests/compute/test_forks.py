# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A search in a forked process ends: with its answer, or at once with an error."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

SCRIPT = """
import os
import numpy as np
from distributed import Client
from sklearn.linear_model import SGDClassifier
from gpu_hpo.compute import local_cluster
from gpu_hpo.exceptions import ForkedProcessError
from gpu_hpo.model_selection import GridSearchCV, HyperbandSearchCV

X = np.random.RandomState(0).randn(300, 3)
y = (X[:, 0] > 0).astype(int)
GRID = {{"alpha": [1e-4, 1e-3, 1e-2]}}

def search():
    model = SGDClassifier(random_state=0)
    return HyperbandSearchCV(model, GRID, max_iter=3, random_state=0).fit(X, y)

def grid():
    return GridSearchCV(SGDClassifier(random_state=0), GRID).fit(X, y)

def say(what):
    try:
        print(type(what()).__name__, flush=True)
    except ForkedProcessError as error:
        assert "spawn" in str(error)
        print("refused", flush=True)

def main():
    {before}
    if os.fork():
        assert os.wait()[1] == 0
    else:
        say(search)
        say(grid)
        {after}
        os._exit(0)

if __name__ == "__main__":
    main()
"""

CASES = {
    # In a parent that only imports, all is as it would be without a fork.
    "imported": ("pass", "['HyperbandSearchCV', 'GridSearchCV']"),
    "searched": ("search()", "['refused', 'GridSearchCV']"),
    "client": (
        "client = Client(local_cluster(1, processes=False))",
        "['refused', 'GridSearchCV']",
    ),
}


@pytest.mark.parametrize("case", list(CASES))
def test_fork(case, tmp_path):
    """What needs Dask is refused where the parent used it; threads still work."""
    before, expected = CASES[case]
    script = tmp_path / "script.py"
    after = "from gpu_hpo.compute import close_embedded; close_embedded()"
    script.write_text(SCRIPT.format(before=before, after=after))
    ended = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert str(ended.stdout.split()) == expected


def test_fork_of_a_fork(tmp_path):
    """A process is refused whose grandparent used Dask, since it inherits that too."""
    script = tmp_path / "script.py"
    text = SCRIPT.format(before="search()", after="pass").replace(
        "        say(search)\n        say(grid)\n",
        "        if os.fork():\n"
        "            os._exit(os.wait()[1])\n"
        "        say(search)\n",
    )
    script.write_text(text)
    ended = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["refused"]


ENDS = (
    SCRIPT.partition("def main")[0]
    + """
import sys
import threading
from pathlib import Path
from gpu_hpo.compute import close_embedded, embedded_client
from gpu_hpo.compute._privacy import scratch_folder

def state(client):
    if client is None:
        return None
    there = Path(scratch_folder(), "dask-scratch-space").iterdir()
    return sorted(p.name for p in there), client.run(os.getpid)

def fork(client=None):
    search()
    before = state(client)
    in_task = threading.current_thread() is not threading.main_thread()
    if not os.fork():
        say(search)
        os._exit(0) if in_task else sys.exit(0)  # Dask would catch what sys.exit raises
    assert os.wait()[1] == 0
    assert state(client) == before
    search()
    print("went on", flush=True)

def main():
    {how}

if __name__ == "__main__":
    main()
"""
)


ALONE = {
    "embedded": "fork(embedded_client())",
    "cluster": "fork(Client(local_cluster(1, device='cpu')))",
    "block": "with local_cluster(1, device='cpu') as c, Client(c) as d: fork(d)",
    "closed": "search(); close_embedded(); fork()",
    "closed block": "with local_cluster(1) as c, Client(c): search()\n    fork()",
    "task": "Client(local_cluster(1, device='cpu')).submit(fork).result()",
}


@pytest.mark.parametrize("how", list(ALONE))
def test_child_that_ends(how, tmp_path):
    """A child is refused, and ends without ending what is its parent's, wherever it is
    forked."""
    script = tmp_path / "script.py"
    script.write_text(ENDS.format(how=ALONE[how]))
    ended = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=120,
        env=dict(os.environ, TMPDIR=str(tmp_path)),  # where scratch files are
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["refused", "went", "on"]
    assert "Failed to remove" not in ended.stderr
