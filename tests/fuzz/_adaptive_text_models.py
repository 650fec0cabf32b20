# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The text of estimators and their spaces, for searches that stop early."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

_DENSE = ("C", "C", "F", "float32", "F float32", "read-only", "frame", "list")
_ANY = (*_DENSE, "sparse", "sparse unsorted")
_ACCURACY = (
    (None, None),
    (None, None),
    ('"accuracy"', None),
    ('"balanced_accuracy"', None),
    ('["accuracy", "f1_macro"]', "f1_macro"),
    ('{"a": "accuracy", "b": models.share_right}', "b"),
    ("models.share_right", None),
    ("models.now_and_then", None),
)
_ERRORS = (
    (None, None),
    ('"r2"', None),
    ('"neg_mean_squared_error"', None),
    ('["r2", "neg_mean_absolute_error"]', "r2"),
    ("models.closeness", None),
    ("models.now_and_then", None),
)
_DRAWING = (("models.DrawingScorer(3)", None), ("models.writing_scorer", None))


def chance(rng: np.random.Generator, p: float) -> bool:
    """Whether it happens."""
    return bool(rng.random() < p)


def pick(rng: np.random.Generator, *values: Any) -> Any:
    """One of the values."""
    return values[rng.integers(len(values))]


@dataclass
class Model:
    """An estimator and its space, as text, and what they can do.

    Attributes
    ----------
    kinds : tuple of str
        Kinds of rows that it takes.
    target : {"classes", "numbers", "codes"}
        Codes are classes 0, 1, ..., whatever else labels may be.
    """

    imports: list[str]
    text: str
    space: str
    kinds: tuple[str, ...] = _ANY
    target: str = "classes"
    resource: str = "partial_fit"
    weights: bool = True
    scorings: tuple = _ACCURACY
    stacks: bool = False
    least_calls: int = 1
    fit: dict[str, str] = field(default_factory=dict)

    @property
    def refits(self) -> bool:
        """Whether each score takes a fit."""
        return self.resource not in ("partial_fit", "boosting_rounds")


def draw_model(rng: np.random.Generator) -> Model:
    """Draw an estimator with a space."""
    families = (_linear, _linear, _counted, _network, _own, _own, _chain, _chain)
    families += (_wayward, _wayward, _wayward, _fitted, _fitted, _grown)
    return pick(rng, *families)(rng)


def _seed(rng: np.random.Generator) -> str:
    return pick(rng, "", "random_state=0", f"random_state={rng.integers(99)}")


def _called(name: str, *arguments: str) -> str:
    return f"{name}({', '.join(filter(None, arguments))})"


def _space(rng: np.random.Generator, choices: dict[str, list[str]]) -> str:
    """Some parameters, each with one of the texts of its values."""
    names = list(choices)
    kept = [names[0]] + [name for name in names[1:] if chance(rng, 0.4)]
    parts = [f'"{name}": {pick(rng, *choices[name])}' for name in kept]
    text = "{" + ", ".join(parts) + "}"
    if len(names) > 1 and chance(rng, 0.1):
        other = f'{{"{names[1]}": {pick(rng, *choices[names[1]])}}}'
        return f"[{text}, {other}]"
    return text


_ALPHAS = [
    "loguniform(1e-5, 1e-1)",
    "[1e-5, 1e-4, 1e-3, 1e-2, 1e-1]",
    "[1e-4, 1e-3, 1e-4]",
    "[1e-4, 1e-4, 1e-4, 1e-2]",
    "np.logspace(-5, 0, 12)",
]
_SEEDS = ["[None, 0]", "[0, 1, None]", "[7]"]


def _linear(rng: np.random.Generator) -> Model:
    if chance(rng, 0.4):
        return Model(
            ["from sklearn.linear_model import SGDRegressor"],
            _called("SGDRegressor", _seed(rng)),
            _space(
                rng,
                {
                    "alpha": _ALPHAS,
                    "eta0": ["[1e-3, 1e-2]", "[1e-2, 1e9]"],
                    "random_state": _SEEDS,
                    "average": ["[True, False]"],
                },
            ),
            target="numbers",
            scorings=_ERRORS,
        )
    name = pick(rng, "SGDClassifier", "SGDClassifier", "Perceptron")
    more = {"loss": ['["hinge", "log_loss"]', '["hinge", "no such loss"]']}
    return Model(
        [f"from sklearn.linear_model import {name}"],
        _called(name, _seed(rng)),
        _space(
            rng,
            {
                "alpha": _ALPHAS,
                "random_state": _SEEDS,
                "penalty": ['["l1", "l2"]'],
                **(more if name == "SGDClassifier" else {}),
            },
        ),
        scorings=_ACCURACY + (_DRAWING if chance(rng, 0.1) else ()),
    )


def _counted(rng: np.random.Generator) -> Model:
    if chance(rng, 0.5):
        return Model(
            ["from sklearn.naive_bayes import GaussianNB"],
            "GaussianNB()",
            _space(rng, {"var_smoothing": ["loguniform(1e-9, 1.0)", "[1e-9, 1e-1]"]}),
            kinds=_DENSE,
        )
    return Model(
        ["from sklearn.naive_bayes import MultinomialNB"],
        "MultinomialNB()",
        _space(rng, {"alpha": _ALPHAS, "fit_prior": ["[True, False]"]}),
        kinds=("counts", "counts", "counts sparse"),
        scorings=(*_ACCURACY, ('"neg_log_loss"', None)),
    )


def _network(rng: np.random.Generator) -> Model:
    return Model(
        ["from sklearn.neural_network import MLPClassifier"],
        _called("MLPClassifier", "hidden_layer_sizes=(4,)", _seed(rng)),
        _space(
            rng,
            {"alpha": _ALPHAS, "learning_rate_init": ["[1e-3, 1e-2, 1e-1]"]},
        ),
        kinds=_DENSE,
        weights=False,
        scorings=(*_ACCURACY, ('"neg_log_loss"', None)),
    )


def _own(rng: np.random.Generator) -> Model:
    """Models of this project, that train in stacks."""
    if chance(rng, 0.3):
        return Model(
            ["from gpu_hpo.neural_network import MLPClassifier"],
            _called("MLPClassifier", "hidden_layer_sizes=(4,)", _seed(rng)),
            _space(rng, {"alpha": _ALPHAS, "learning_rate_init": ["[1e-3, 1e-1]"]}),
            kinds=("C", "F", "float32", "F float32"),
            weights=False,
            stacks=True,
            scorings=(*_ACCURACY, ('"neg_log_loss"', None)),
        )
    classes = chance(rng, 0.6)
    name = "SGDClassifier" if classes else "SGDRegressor"
    return Model(
        [f"from gpu_hpo.linear_model import {name}"],
        _called(name, _seed(rng)),
        _space(
            rng,
            {
                "alpha": _ALPHAS,
                "random_state": _SEEDS,
                "penalty": ['["l1", "l2"]', '["l2", "no such penalty"]'],
                "eta0": ["[1e-3, 1e-2]"],
            },
        ),
        kinds=_ANY,
        target="classes" if classes else "numbers",
        stacks=True,
        scorings=_ACCURACY if classes else _ERRORS,
    )


def _chain(rng: np.random.Generator) -> Model:
    """Pipelines whose steps train by calls, or need no training."""
    imports = [
        "from sklearn.linear_model import SGDClassifier",
        "from sklearn.pipeline import FeatureUnion, Pipeline",
        "from sklearn.preprocessing import FunctionTransformer, MinMaxScaler",
        "from sklearn.preprocessing import StandardScaler",
    ]
    function = "FunctionTransformer(models.{})"
    steps = {
        "in": function.format("scale_in_place"),
        "anew": function.format("scale_anew"),
        "clip": function.format("clip_in_place"),
        "scale": "StandardScaler()",
        "own": "StandardScaler(copy=False)",
        "minmax": "MinMaxScaler()",
        "union": (
            'FeatureUnion([("a", StandardScaler(copy=False)), '
            f'("b", {function.format("scale_in_place")})])'
        ),
    }
    names = list(rng.permutation(list(steps))[: rng.integers(1, 3)])
    parts = [f'("{name}", {steps[name]})' for name in names]
    model = _called("SGDClassifier", _seed(rng))
    choices = {"clf__alpha": _ALPHAS, "clf__random_state": _SEEDS}
    choices[str(names[0])] = [f'["passthrough", {steps[str(names[0])]}]']
    listed = f'[[("scale", StandardScaler()), ("clf", {model})], '
    listed += '[("mm", MinMaxScaler()), ("clf", SGDClassifier(penalty="l1"))]]'
    space = _space(rng, choices)
    if chance(rng, 0.15):
        space = f'{{"steps": {listed}}}'
    return Model(
        imports,
        f'Pipeline([{", ".join(parts)}, ("clf", {model})])',
        space,
        kinds=("C", "C", "F", "float32", "read-only", "frame"),
        weights=chance(rng, 0.5),
    )


def _wayward(rng: np.random.Generator) -> Model:
    """Models that write, draw and fail."""
    classes = chance(rng, 0.7)
    name = "models.WaywardClassifier" if classes else "models.WaywardRegressor"
    writes = pick(rng, "", "", "X", "y", "weight", "predict", "Xy weight predict")
    arguments = [f'writes="{writes}"'] if writes else []
    if writes and chance(rng, 0.4):
        arguments.append("late=True")
    noise = chance(rng, 0.4)
    if noise:
        arguments += ["noise=0.5", _seed(rng)]
    choices = {
        "rate": ["[0.1, 0.3, 0.5, 0.7, 0.9]", "[0.5, 0.5, 0.9]", "[0.0, 0.2]"],
        "fail_at": ["[0, 0, 2]", "[0, 1, 3]", "randint(0, 5)"],
        "fail_in": ['["fit", "predict"]'],
    }
    if writes:
        choices["writes"] = [f'["", "{writes}"]']
    if noise:
        choices["random_state"] = _SEEDS
    sampler = noise and chance(rng, 0.3)
    own = _ACCURACY if classes else _ERRORS
    return Model(
        [],
        _called(name, *arguments),
        _space(rng, choices),
        kinds=("C", "F", "float32", "read-only", "frame", "sparse", "sparse unsorted"),
        target="classes" if classes else "numbers",
        scorings=own + (_DRAWING if classes and chance(rng, 0.2) else ()),
        resource=pick(rng, "partial_fit", "partial_fit", "partial_fit", "n_samples"),
        fit={"sampler": "np.random.RandomState(5)"} if sampler else {},
    )


def _fitted(rng: np.random.Generator) -> Model:
    """Models that are fitted anew, or gone on with, for each score."""
    what = pick(rng, "rows", "trees", "forest", "iterations", "warm", "warm trees")
    seed = _seed(rng)
    if what == "rows":
        return Model(
            ["from sklearn.tree import DecisionTreeClassifier"],
            _called("DecisionTreeClassifier", seed),
            _space(rng, {"max_depth": ["[1, 2, 3, 5]", "randint(1, 9)"]}),
            kinds=_DENSE,
            resource="n_samples",
        )
    if what == "iterations":
        return Model(
            ["from sklearn.linear_model import SGDClassifier"],
            _called("SGDClassifier", "tol=None", seed),
            _space(rng, {"alpha": _ALPHAS, "random_state": _SEEDS}),
            resource="max_iter",
        )
    if what == "warm":
        return Model(
            ["from sklearn.linear_model import SGDClassifier"],
            _called("SGDClassifier", "tol=None", seed),
            _space(rng, {"alpha": _ALPHAS, "penalty": ['["l1", "l2"]']}),
            resource="warm_start",
        )
    name = "ExtraTreesRegressor" if what == "trees" else "RandomForestClassifier"
    return Model(
        [f"from sklearn.ensemble import {name}"],
        _called(name, seed),
        _space(rng, {"max_depth": ["[1, 2, 4]", "randint(1, 6)"]}),
        kinds=_DENSE,
        target="numbers" if what == "trees" else "classes",
        scorings=_ERRORS if what == "trees" else _ACCURACY,
        resource="warm_start" if what == "warm trees" else "n_estimators",
    )


def _grown(rng: np.random.Generator) -> Model:
    """Trees that are added to, call by call."""
    if chance(rng, 0.3):
        library, name, more = pick(
            rng,
            ("sklearn.ensemble", "GradientBoostingClassifier", "random_state=0"),
            ("lightgbm", "LGBMClassifier", "verbose=-1, n_jobs=1, min_child_samples=5"),
            ("xgboost", "XGBClassifier", "n_jobs=1"),
        )
        return Model(
            [f"from {library} import {name}"],
            _called(name, "n_estimators=2", more),
            _space(rng, {"max_depth": ["[1, 2, 3, 4]", "randint(1, 6)"]}),
            kinds=("C", "F", "float32"),
            target="codes",
            resource="boosting_rounds",
        )
    library, name, more = pick(
        rng,
        ("sklearn.ensemble", "GradientBoostingRegressor", "random_state=0"),
        ("lightgbm", "LGBMRegressor", "verbose=-1, n_jobs=1, min_child_samples=5"),
        ("xgboost", "XGBRegressor", "n_jobs=1"),
        ("sklearn.ensemble", "RandomForestRegressor", "random_state=3"),
    )
    return Model(
        [f"from {library} import {name}"],
        _called(name, "n_estimators=2", more),
        _space(rng, {"max_depth": ["[1, 2, 3, 4]", "randint(1, 6)"]}),
        kinds=("C", "F", "float32", "frame"),
        target="numbers",
        scorings=_ERRORS,
        resource="boosting_rounds",
    )
