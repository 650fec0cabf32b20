# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Your own rule: train all models further, and drop the worst after each round.

In dask-ml such a rule is called ``additional_calls``. Here it is a function of the
scores so far, from which `Rounds` makes a schedule.

    python examples/drop_worst.py
"""

import math

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

from gpu_hpo.model_selection import ScheduledSearchCV
from gpu_hpo.schedules import Rounds


def remove_worst(records):
    """Return how many calls each model makes next.

    `records` has the models that are left, each with its (calls, score) pairs so far. A
    model that the result leaves out is dropped; if no number in it is positive, the
    search ends.
    """

    def last_score(model):
        _, score = records[model][-1]
        return score if math.isfinite(score) else -math.inf

    worst = min(records, key=last_score)
    left = [model for model in records if model != worst] or [worst]
    return dict.fromkeys(left, 1 if len(left) > 1 else 0)


def schedule(n_trials):
    """Make a schedule: two calls each, then rounds of one, until one model is left."""
    return Rounds(n_trials, remove_worst, first_calls=2)


def main():
    """Search, and print the result."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X / 16, y, stratify=y, random_state=0
    )
    search = ScheduledSearchCV(
        SGDClassifier(),
        {"alpha": loguniform(1e-6, 1e0), "penalty": ["l2", "l1", "elasticnet"]},
        schedule,
        n_initial_parameters=12,
        chunk_size=100,
        random_state=0,
    )
    search.fit(X_train, y_train)
    done = search.metadata_
    print(
        f"{done['n_models']} models, {done['partial_fit_calls']} calls of partial_fit"
    )
    for model, records in search.model_history_.items():
        params = search.cv_results_["params"][model]
        print(
            f"  {records[-1]['partial_fit_calls']:3} calls: "
            f"{records[-1]['score']:.3f} with alpha={params['alpha']:.2g}, "
            f"{params['penalty']}"
        )
    print(f"best: {search.best_params_}")
    print(f"validation accuracy {search.best_score_:.3f}")
    print(f"held-out accuracy   {search.score(X_test, y_test):.3f}")
    return search


if __name__ == "__main__":
    main()
