# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What scoring costs: all models of a stack in one pass, against scikit-learn's loop.

Each line is a metric: seconds for all models together, seconds for scikit-learn's
scorer called model by model (timed on some of the models and extrapolated), and how
many times faster the pass is. Neither includes predicting, and the scores of both must
agree.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer

from gpu_hpo.metrics._scoring import make_scoring
from gpu_hpo.metrics._stacked import METRICS

REGRESSION = [
    name
    for name, metric in METRICS.items()
    if getattr(metric, "__module__", "").endswith("._regression")
]


class Answered(BaseEstimator):
    """An estimator that knows its answers."""

    def __init__(self, responses, classes):
        for name, response in responses.items():
            setattr(self, name, self._method(name, response))
        if classes is not None:
            self.classes_ = classes

    @staticmethod
    def _method(name, response):
        def method(X):
            return response

        method.__name__ = name
        return method

    def fit(self, X, y):
        return self


class Classifier(ClassifierMixin, Answered):
    pass


class Regressor(RegressorMixin, Answered):
    pass


def classification(rng, n_models, n_rows, n_classes):
    """Labels, and per model answers that are right more often than not."""
    y = rng.integers(0, n_classes, n_rows)
    scores = rng.standard_normal((n_models, n_rows, n_classes))
    scores[:, np.arange(n_rows), y] += 1
    scores = np.exp(scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    responses = {"predict": scores.argmax(axis=-1), "predict_proba": scores}
    if n_classes == 2:
        responses["decision_function"] = scores[..., 1] - scores[..., 0]
    return y, responses


def regression(rng, n_models, n_rows):
    """Targets, and per model predictions with noise."""
    y = rng.standard_normal(n_rows)
    return y, {"predict": y + rng.standard_normal((n_models, n_rows))}


def seconds(call, repeat):
    """Shortest time of a call, and what it gave."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        found = call()
        times.append(time.perf_counter() - began)
    return min(times), found


def compare(kind, names, y, responses, weight, args):
    """Print a line per metric, and one for all of them at once."""
    cls = Regressor if kind == "regression" else Classifier
    classes = None if kind == "regression" else np.unique(y)
    n_models = responses["predict"].shape[0]
    each = [{name: a[i] for name, a in responses.items()} for i in range(n_models)]
    models = [cls(given, classes) for given in each]
    parts = [{"y": y}] if weight is None else [{"y": y, "sample_weight": weight}]
    rows = () if weight is None else ("sample_weight",)
    given = {} if weight is None else {"sample_weight": weight}

    def loop(name):
        scorer = get_scorer(name)
        return [scorer(model, None, y, **given) for model in models[: args.peer_models]]

    def one_pass(names):
        scoring = make_scoring(models[0], list(names), names[0])
        needed = scoring.methods(models[0])
        kept = [[{name: given[name] for name in needed}] for given in each]
        return scoring.score_many(models, kept, parts, rows)

    total = 0.0
    for name in names:
        ours, found = seconds(lambda name=name: one_pass([name]), args.repeat)
        peer, expected = seconds(lambda name=name: loop(name), 1)
        peer *= n_models / args.peer_models
        total += peer
        got = [scores[name] for scores in found[: args.peer_models]]
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)
        line(f"{kind}: {name}", ours, peer)
    ours, _ = seconds(lambda: one_pass(names), args.repeat)
    line(f"{kind}: all {len(names)} at once", ours, total)


def line(name, ours, peer):
    print(f"{name:<48} {ours:9.3f} {peer:9.3f} {peer / ours:7.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=256)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--weighted", action="store_true", help="with sample weights")
    parser.add_argument(
        "--repeat", type=int, default=3, help="passes, of which the best"
    )
    parser.add_argument(
        "--peer-models", type=int, default=8, help="models scored by scikit-learn"
    )
    args = parser.parse_args()
    args.peer_models = min(args.peer_models, args.models)
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.5, 2.0, args.rows) if args.weighted else None
    labels = [name for name in METRICS if name not in REGRESSION]
    print(f"seconds for {args.models} models of {args.rows} rows")
    print(f"{'':<48} {'one pass':>9} {'loop':>9} {'ratio':>7}")
    y, responses = classification(rng, args.models, args.rows, 2)
    compare("2 classes", labels, y, responses, weight, args)
    y, responses = classification(rng, args.models, args.rows, args.classes)
    # Scikit-learn takes none of these for more classes, or not with weights.
    two_only = {"f1", "precision", "recall", "roc_auc"}
    if args.weighted:
        two_only |= {"roc_auc_ovo", "roc_auc_ovo_weighted"}
    labels = [name for name in labels if name not in two_only]
    compare(f"{args.classes} classes", labels, y, responses, weight, args)
    y, responses = regression(rng, args.models, args.rows)
    compare("regression", REGRESSION, y, responses, weight, args)


if __name__ == "__main__":
    main()
