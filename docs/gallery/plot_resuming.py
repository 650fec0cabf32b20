# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""
Go on with a search that was interrupted
========================================

A search with a journal writes each score to a file. Here its time is over before it is
done; its process might as well have been killed. The next `fit` goes on where it was,
and finds what a search that nothing interrupted finds.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from gpu_hpo import journal
from gpu_hpo.model_selection import HyperbandSearchCV

X, y = load_digits(return_X_y=True)
path = Path(tempfile.mkdtemp()) / "digits.journal"


def search(**options):
    space = {"alpha": loguniform(1e-7, 1e-1), "penalty": ["l2", "l1", "elasticnet"]}
    return HyperbandSearchCV(
        SGDClassifier(), space, max_iter=27, random_state=0, **options
    ).fit(X / 16, y)


search(journal=path, max_seconds=0.5)
before = journal.read(path)
found = search(journal=path)
print(f"{before.state} by {before.stopped}, {before.cost['calls']} calls")
print(f"finished: {journal.read(path).cost['calls']} calls")
print("as without an interruption:", found.best_score_ == search().best_score_)

# %%
# The scores of both runs are in the journal, each once.

frame = journal.read(path).to_frame()
colours = ["C0" if i < len(before.history) else "C1" for i in range(len(frame))]
plt.scatter(frame.elapsed_wall_time, frame.score, c=colours, s=12)
plt.xlabel("seconds of both runs")
plt.ylabel("score")
plt.title("first run blue, second run orange")
