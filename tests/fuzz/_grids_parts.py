# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Steps and models that grids are drawn from, as pieces of Python text."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass
class Part:
    """A piece of a script that makes an estimator.

    Parameters
    ----------
    text : str
        The expression.
    menu : dict of str to list of str
        Values to choose from, by parameter.
    traits : set of str
        "in place", "fails", "sparse" (takes sparse rows), "weights" (of `fit`) ...
    """

    text: str
    menu: dict[str, list[str]] = field(default_factory=dict)
    traits: set[str] = field(default_factory=set)


# Text, menu, traits. "{b}" stands for True or False, "{s}" for a seed or a state of
# random numbers.
Row = tuple[str, dict[str, list[str]], str]

TRANSFORMERS: list[Row] = [
    ("StandardScaler()", {"with_mean": ["True", "False"]}, ""),
    (
        "StandardScaler(copy=False)",
        {"with_std": ["True", "False"], "copy": ["True", "False"]},
        "in place",
    ),
    ("StandardScaler(with_mean=False)", {"with_std": ["True", "False"]}, "sparse"),
    (
        "StandardScaler(with_mean=False, copy=False)",
        {"with_std": ["True", "False"]},
        "sparse,in place",
    ),
    ("MinMaxScaler(copy={b})", {"feature_range": ["(0, 1)", "(-1, 2)"]}, "in place"),
    ("MaxAbsScaler(copy={b})", {}, "sparse,in place"),
    ("RobustScaler(copy=False)", {"with_centering": ["True", "False"]}, "in place"),
    (
        "RobustScaler(with_centering=False)",
        {"with_scaling": ["True", "False"]},
        "sparse",
    ),
    ("Normalizer(copy={b})", {"norm": ["'l1'", "'l2'", "'max'"]}, "sparse,in place"),
    (
        "Binarizer(copy=False)",
        {"threshold": ["0.0", "0.5"], "copy": ["False", "True"]},
        "sparse,in place",
    ),
    ("PCA(2, random_state={s})", {"n_components": ["1", "2", "3", "100"]}, "fails"),
    ("PCA(2, copy=False)", {"whiten": ["True", "False"]}, "in place"),
    (
        "TruncatedSVD(2, random_state={s})",
        {"n_components": ["1", "2"], "algorithm": ["'arpack'", "'randomized'"]},
        "sparse,rounding",
    ),
    ("SelectKBest(k=2)", {"k": ["1", "2", "'all'"]}, "sparse,supervised"),
    ("VarianceThreshold()", {"threshold": ["0.0", "0.1", "9e9"]}, "sparse,fails"),
    (
        "QuantileTransformer(n_quantiles=10, copy=False, random_state=0)",
        {"output_distribution": ["'uniform'", "'normal'"], "copy": ["True", "False"]},
        "in place",
    ),
    (
        "KBinsDiscretizer(4, quantile_method='averaged_inverted_cdf')",
        {"n_bins": ["2", "5"], "encode": ["'ordinal'", "'onehot-dense'", "'onehot'"]},
        "",
    ),
    (
        "PolynomialFeatures(2, include_bias=False)",
        {"degree": ["1", "2"], "interaction_only": ["True", "False"]},
        "sparse",
    ),
    ("SplineTransformer(n_knots=3)", {"degree": ["1", "2"]}, ""),
    ("FunctionTransformer(shrink)", {"validate": ["False", "True"]}, "in place"),
    (
        "FunctionTransformer(clip_up)",
        {"func": ["clip_up", "shrink", "None", "np.tanh"]},
        "in place",
    ),
    ("FunctionTransformer(np.tanh)", {"func": ["np.tanh", "None", "np.abs"]}, ""),
    ("SimpleImputer(copy=False)", {"strategy": ["'mean'", "'median'"]}, "in place"),
    ("PowerTransformer(copy=False)", {"standardize": ["True", "False"]}, "in place"),
    ("Overwrites()", {"factor": ["1.0", "0.5", "2.0"]}, "in place,own steps"),
    ("WritesInFit()", {"factor": ["0.5", "2.0"]}, "in place,own steps"),
    ("Noise()", {"size": ["0.1", "1.0"], "seed": ["0", "1"]}, "draws,own steps"),
    (
        "Nystroem(n_components=4, random_state={s})",
        {"gamma": ["0.1", "1.0"], "n_components": ["2", "4"]},
        "sparse,rounding",
    ),
    ("RBFSampler(n_components=4, random_state={s})", {"gamma": ["0.1", "1."]}, ""),
    (
        "SelectFromModel(Ridge(), threshold='median')",
        {"estimator__alpha": ["0.1", "10."], "estimator": ["Ridge()", "Lasso(0.1)"]},
        "supervised numbers",
    ),
    ("OtherTwice()", {}, "own steps"),
    (
        "FailsAt()",
        {"at": ["None", "'fit'", "'some'", "'transform'", "'test'"]},
        "fails,own steps",
    ),
]

CLASSIFIERS: list[Row] = [
    (
        "LogisticRegression(max_iter=50)",
        {"C": ["0.01", "1.0", "1", "100"], "fit_intercept": ["True", "False"]},
        "sparse,weights",
    ),
    (
        "LogisticRegression(max_iter=2)",
        {"C": ["0.1", "10.", "-1.0"], "max_iter": ["2", "60"]},
        "sparse,weights,fails",
    ),
    (
        "SGDClassifier(max_iter=5, tol=None, random_state={s})",
        {"alpha": ["1e-4", "1e-2"], "penalty": ["'l2'", "'l1'"], "average": ["{b}"]},
        "sparse,weights",
    ),
    (
        "SGDClassifier(max_iter=2, random_state={s})",
        {"loss": ["'hinge'", "'log_loss'", "'nonsense'"], "alpha": ["1e-4", "1e-2"]},
        "sparse,weights,fails",
    ),
    (
        "DecisionTreeClassifier(random_state={s})",
        {"max_depth": ["1", "2", "None", "-1"], "max_features": ["1", "'sqrt'"]},
        "sparse,weights,fails",
    ),
    (
        "RandomForestClassifier(3, random_state={s})",
        {"max_depth": ["1", "3"], "bootstrap": ["True", "False"]},
        "sparse,weights",
    ),
    (
        "SVC()",
        {"C": ["0.1", "1.0", "10", "-1"], "kernel": ["'linear'", "'rbf'", "'poly'"]},
        "sparse,weights,fails",
    ),
    ("LinearSVC(random_state={s})", {"C": ["0.1", "1.0"]}, "sparse,weights"),
    (
        "KNeighborsClassifier(3)",
        {"n_neighbors": ["1", "3", "5"], "weights": ["'uniform'", "'distance'"]},
        "sparse",
    ),
    ("GaussianNB()", {"var_smoothing": ["1e-9", "0.1", "1."]}, "weights"),
    ("BernoulliNB()", {"alpha": ["0.1", "1."], "binarize": ["0.", "1."]}, "weights"),
    (
        "RidgeClassifier()",
        {"alpha": ["0.1", "1.", "10.", "100."], "fit_intercept": ["True", "False"]},
        "weights,rounding",
    ),
    ("Means()", {"shift": ["0.0", "0.5", "-1."]}, "weights,state"),
    (
        "Means(writes=True)",
        {"shift": ["0.0", "0.5"], "writes": ["True", "False"]},
        "weights,state,in place,floats",
    ),
    (
        "VotingClassifier([('a', LogisticRegression()), ('b', GaussianNB())])",
        {"a__C": ["0.1", "1."], "b": ["'drop'", "SVC()"], "voting": ["'hard'"]},
        "",
    ),
    (
        "StackingClassifier([('a', GaussianNB())], LogisticRegression(), cv=2)",
        {"a__var_smoothing": ["0.1", "1."], "passthrough": ["True", "False"]},
        "",
    ),
]

REGRESSORS: list[Row] = [
    ("LinearRegression()", {"fit_intercept": ["True", "False", "1"]}, "weights,ill"),
    (
        "LinearRegression(copy_X=False)",
        {"fit_intercept": ["{b}"]},
        "weights,in place,ill",
    ),
    (
        "Ridge()",
        {"alpha": ["0.01", "0.1", "1.", "10.", "100."], "fit_intercept": ["{b}"]},
        "weights,rounding",
    ),
    (
        "Ridge(copy_X=False)",
        {"alpha": ["0.1", "1.", "10.", "-1."], "solver": ["'svd'", "'cholesky'"]},
        "weights,in place,rounding,fails",
    ),
    (
        "Ridge(solver='lsqr')",
        {"alpha": ["0.1", "1."], "tol": ["1e-4", "1e-2"]},
        "sparse,weights,rounding",
    ),
    ("Lasso(0.1, max_iter=200)", {"alpha": ["0.01", "0.1", "1."]}, "weights"),
    (
        "ElasticNet(0.1, copy_X=False, max_iter=3)",
        {"alpha": ["0.01", "0.1", "1."], "l1_ratio": ["0.1", "0.9", "2.0"]},
        "weights,in place,fails",
    ),
    (
        "SVR()",
        {"C": ["0.1", "1.0", "10"], "kernel": ["'linear'", "'rbf'"]},
        "sparse,weights",
    ),
    (
        "KNeighborsRegressor(3)",
        {"n_neighbors": ["1", "3", "200"], "p": ["1", "2"]},
        "sparse,fails",
    ),
    (
        "DecisionTreeRegressor(random_state={s})",
        {"max_depth": ["1", "2", "None"], "splitter": ["'best'", "'random'"]},
        "sparse,weights",
    ),
    (
        "SGDRegressor(max_iter=5, tol=None, random_state={s})",
        {"alpha": ["1e-4", "1e-2"], "eta0": ["0.001", "0.01", "-1."]},
        "sparse,weights,fails",
    ),
    (
        "GradientBoostingRegressor(n_estimators=3, random_state={s})",
        {"max_depth": ["1", "2"], "subsample": ["0.5", "1.0"]},
        "sparse,weights",
    ),
    (
        "BaggingRegressor(DecisionTreeRegressor(max_depth=2), 3, random_state={s})",
        {"estimator__max_depth": ["1", "2"], "max_samples": ["0.5", "1.0"]},
        "sparse",
    ),
    (
        "VotingRegressor([('a', Ridge()), "
        "('b', DecisionTreeRegressor(max_depth=1, random_state=0))])",
        {"a__alpha": ["0.1", "10."], "b": ["'drop'", "KNeighborsRegressor(2)"]},
        "",
    ),
    (
        "TransformedTargetRegressor(Ridge(), transformer=StandardScaler())",
        {"regressor__alpha": ["0.1", "10."], "transformer": ["None", "MinMaxScaler()"]},
        "rounding",
    ),
    ("MeansRegressor()", {"shift": ["0.0", "0.5", "-1."]}, "weights,state"),
    (
        "MeansRegressor(writes=True)",
        {"shift": ["0.0", "0.5"]},
        "weights,state,in place,floats",
    ),
]

# Dear ones, now and then; after their import.
RARE_CLASSIFIERS: list[tuple[str, Row]] = [
    (
        "import lightgbm as lgb",
        (
            "lgb.LGBMClassifier(n_estimators=12, n_jobs=1, verbose=-1, num_leaves=4)",
            {"num_leaves": ["2", "4", "8"], "learning_rate": ["0.1", "0.5"]},
            "weights,callbacks of lightgbm",
        ),
    ),
    (
        "import xgboost",
        (
            "xgboost.XGBClassifier(n_estimators=6, n_jobs=1, max_depth=2)",
            {"max_depth": ["1", "2"], "learning_rate": ["0.1", "0.5"]},
            "weights,labels from 0",
        ),
    ),
    (
        "import xgboost",
        (
            "xgboost.XGBClassifier(n_estimators=12, n_jobs=1, callbacks="
            "[xgboost.callback.EarlyStopping(2)])",
            {"max_depth": ["1", "2"], "learning_rate": ["0.1", "0.5"]},
            "weights,evaluated by xgboost,labels from 0",
        ),
    ),
    (
        "from gpu_hpo.linear_model import SGDClassifier as OwnSGDClassifier",
        (
            "OwnSGDClassifier(max_iter=4, tol=None, random_state={s})",
            {"alpha": ["1e-4", "1e-2"], "penalty": ["'l2'", "'l1'"]},
            "weights",
        ),
    ),
    (
        "from gpu_hpo.neural_network import MLPClassifier as OwnMLPClassifier",
        (
            "OwnMLPClassifier((4,), max_iter=3, random_state={s})",
            {"alpha": ["1e-4", "1e-2"], "learning_rate_init": ["0.01", "0.1"]},
            "",
        ),
    ),
]
RARE_REGRESSORS: list[tuple[str, Row]] = [
    (
        "import lightgbm as lgb",
        (
            "lgb.LGBMRegressor(n_estimators=12, n_jobs=1, verbose=-1, num_leaves=4)",
            {"num_leaves": ["2", "4", "8"], "learning_rate": ["0.1", "0.5"]},
            "weights,callbacks of lightgbm",
        ),
    ),
    (
        "from gpu_hpo.linear_model import SGDRegressor as OwnSGDRegressor",
        (
            "OwnSGDRegressor(max_iter=4, tol=None, random_state={s})",
            {"alpha": ["1e-4", "1e-2"], "eta0": ["0.001", "0.01"]},
            "weights",
        ),
    ),
]

NAMES = ["scale", "reduce", "a", "b", "first", "Zed", "step_1"]


def filled(rng: random.Random, text: str) -> str:
    """Write a truth and a seed where the text has room for them."""
    text = text.replace("{b}", rng.choice(["True", "False"]))
    seed = rng.choice(["0", "1", "7", f"np.random.RandomState({rng.randrange(9)})"])
    return text.replace("{s}", seed)


def part_of(rng: random.Random, row: Row) -> Part:
    """Make a part of a row of the tables."""
    text, menu, traits = row
    own = {name: [filled(rng, value) for value in menu[name]] for name in menu}
    return Part(filled(rng, text), own, set(filter(None, traits.split(","))))


def transformer(
    rng: random.Random, *, sparse: bool, numbers: bool, depth: int, columns: int
) -> Part:
    """Draw a transformer: plain, several in a row, side by side, or by columns."""
    how = rng.random()
    given = {"sparse": sparse, "numbers": numbers, "depth": depth - 1}
    if depth > 0 and how < 0.13:
        return _in_a_row(rng, given, columns)
    if depth > 0 and how < 0.3:
        return _side_by_side(rng, given, columns)
    if depth > 0 and how < 0.42 and columns and not sparse:
        return _by_columns(rng, given, columns)
    rows = [
        row
        for row in TRANSFORMERS
        if (not sparse or "sparse" in row[2])
        and (numbers or "supervised numbers" not in row[2])
    ]
    return part_of(rng, rng.choice(rows))


def put_together(
    rng: random.Random, parts: list[tuple[str, Part]], left_out: list[str], more: list
) -> tuple[dict[str, list[str]], set[str]]:
    """Give the menu and the traits of named parts, some of which may be exchanged."""
    menu: dict[str, list[str]] = {}
    traits: set[str] = set()
    for name, part in parts:
        traits |= part.traits
        for key, values in part.menu.items():
            menu[f"{name}__{key}"] = values
        if rng.random() < 0.3 and left_out:
            own = [*left_out, part.text, *(other.text for other in more)]
            menu[name] = rng.sample(own, min(len(own), rng.choice([2, 2, 3])))
    return menu, traits


def _in_a_row(rng: random.Random, given: dict, columns: int) -> Part:
    names = rng.sample(NAMES, 2)
    parts = [(names[0], transformer(rng, columns=columns, **given))]
    parts.append((names[1], transformer(rng, columns=0, **given)))
    menu, traits = put_together(rng, parts, ["'passthrough'", "None"], [])
    steps = ", ".join(f"({name!r}, {part.text})" for name, part in parts)
    return Part(f"Pipeline([{steps}])", menu, traits)


def _side_by_side(rng: random.Random, given: dict, columns: int) -> Part:
    names = rng.sample(NAMES, rng.choice([2, 2, 3]))
    parts = [(name, transformer(rng, columns=columns, **given)) for name in names]
    menu, traits = put_together(rng, parts, ["'passthrough'", "'drop'"], [])
    menu["transformer_weights"] = ["None", f"{{{names[0]!r}: 0.5}}"]
    steps = ", ".join(f"({name!r}, {part.text})" for name, part in parts)
    return Part(f"FeatureUnion([{steps}])", menu, traits)


def _by_columns(rng: random.Random, given: dict, columns: int) -> Part:
    names = rng.sample(NAMES, 2)
    places = [
        rng.choice(["[0, 1]", "slice(0, 3)", "[0]", "[True, True] + [False] * (p - 2)"])
    ]
    places.append(rng.choice(["[1, 2]", "slice(1, None)", "[-1]", "[]"]))
    parts = [(name, transformer(rng, columns=0, **given)) for name in names]
    menu, traits = put_together(rng, parts, ["'passthrough'", "'drop'"], [])
    menu["remainder"] = ["'passthrough'", "'drop'", "StandardScaler()"]
    rows = [
        f"({name!r}, {part.text}, {place})"
        for (name, part), place in zip(parts, places, strict=True)
    ]
    if rng.random() < 0.3:
        menu["transformers"] = [f"[{', '.join(rows)}]", f"[{rows[0]}]"]
    rest = rng.choice(["'drop'", "'passthrough'"])
    text = f"ColumnTransformer([{', '.join(rows)}], remainder={rest})"
    return Part(text, menu, traits)
