# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Grid and randomized searches, drawn at random, against scikit-learn's."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.fuzz._core import ScriptCase
from tests.fuzz._grids_data import Data, draw_data, draw_splitter
from tests.fuzz._grids_parts import (
    CLASSIFIERS,
    NAMES,
    RARE_CLASSIFIERS,
    RARE_REGRESSORS,
    REGRESSORS,
    Part,
    part_of,
    put_together,
    transformer,
)

MOST_CANDIDATES = 6
PRELUDE = "_grids_prelude.py", "_grids_reference.py", "_grids_compare.py"

BODY = '''\
# ---- {name} {seed}: {traits} ----
{imports}

def build():
    """Everything that the search is given, anew."""
{build}
    return Given(
        estimator,
        space,
        X,
        y,
        fit,
{options}
    )


differences = []
if __name__ == "__main__":
    differences = compare(
        build,
        randomized={randomized},
        schedulers={schedulers},
        traits={traits},
        tol={tol},
        config={config},
        own={own},
        twice={twice},
        at_once={at_once},
        plain={plain},
    )
    report(differences)
'''


class GridCase(ScriptCase):
    """A search with everything that it is given.

    Parameters
    ----------
    body : str
    traits : set of str
        What is peculiar about it, by which differences may be explained.
    """

    def __init__(self, body: str, traits: set[str]) -> None:
        super().__init__(PRELUDE, body)
        self.traits = traits


@dataclass
class Draft:
    """What has been decided of a case so far."""

    data: Data
    part: Part
    final: str = ""
    traits: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    options: dict[str, str] = field(default_factory=dict)
    fit: dict[str, str] = field(default_factory=dict)
    routed: bool = False


class Grids:
    """Searches of one of the two classes."""

    def __init__(self, name: str, weight: float, *, randomized: bool) -> None:
        self.name = name
        self.weight = weight
        self._randomized = randomized

    def draw(self, seed: int) -> GridCase:
        """Draw the case that belongs to a seed."""
        rng = random.Random(f"{self.name} {seed}")
        draft = _draw_estimator(rng)
        draft.traits |= draft.data.traits
        space = _draw_space(rng, draft, self._randomized)
        _draw_options(rng, draft)
        _draw_fit(rng, draft)
        if self._randomized:
            draft.options["n_iter"] = str(rng.choice([1, 3, 5]))
            state = rng.choice(["0", "3", "3", "np.random.RandomState(1)"])
            if "State" in state:
                draft.traits.add("consumed")
            draft.options["random_state"] = state
        body = BODY.format(
            name=self.name,
            seed=seed,
            traits=sorted(draft.traits),
            imports="\n".join(sorted(draft.imports)),
            build=_build_text(draft, space),
            options="\n".join(f"        {k}={v}," for k, v in draft.options.items()),
            randomized=self._randomized,
            schedulers=_draw_schedulers(rng, draft),
            # Of the sums of single precision, in whatever order; and of least squares
            # whose columns depend on each other: last bits decide on their rank.
            tol=1e-5 if draft.traits & {"float32", "ill"} else 1e-12,
            config={"enable_metadata_routing": True} if draft.routed else None,
            own={"cache_cv": False} if rng.random() < 0.06 else None,
            twice=rng.random() < 0.35,
            at_once=rng.random() < 0.08,
            plain=rng.random() < 0.2,
        )
        return GridCase(body, draft.traits)


def _build_text(draft: Draft, space: str) -> str:
    fit = ", ".join(f"{name}={value}" for name, value in draft.fit.items())
    lines = [
        *draft.data.lines,
        f"estimator = {draft.part.text}",
        f"space = {space}",
        f"fit = dict({fit})",
    ]
    if "import xgboost" in draft.imports:
        # It reads numbers whose bytes are in the other order as others.
        lines = [line.replace(".astype('>f8')", "") for line in lines]
    return "\n".join(f"    {line}" for line in lines)


def _draw_estimator(rng: random.Random) -> Draft:
    """Draw data, and an estimator that is of some use for them."""
    data = draw_data(rng)
    numbers = data.task == "numbers"
    imports = set()
    if rng.random() < 0.06 and not data.sparse and not data.mixed and data.plain:
        need, row = rng.choice(RARE_REGRESSORS if numbers else RARE_CLASSIFIERS)
        imports.add(need)
    else:
        rows = REGRESSORS if numbers else CLASSIFIERS
        rows = [row for row in rows if not data.sparse or "sparse" in row[2]]
        row = rng.choice(rows)
    last = part_of(rng, row)
    if "labels from 0" in last.traits and data.labels_by_name:
        data.lines.append("y = np.unique(np.asarray(y), return_inverse=True)[1]")
    if "floats" in last.traits and data.task == "classes" and rng.random() < 0.5:
        data.lines.append("X = np.array(X, dtype=float)" if data.plain else "")
    bare = rng.random() < 0.3 and not data.mixed
    if bare or "callbacks" in row[2] or "evaluated" in row[2]:
        return Draft(data, last, "", set(last.traits), imports)
    names = [*rng.sample(NAMES, rng.choice([1, 1, 2, 2, 3])), "model"]
    given = {"sparse": data.sparse, "numbers": numbers, "depth": 2}
    parts = []
    for i, name in enumerate(names[:-1]):
        first = i == 0
        if first and data.mixed:
            parts.append((name, _for_mixed(rng, numbers)))
        else:
            n_columns = data.n_columns if first else 0
            parts.append((name, transformer(rng, columns=n_columns, **given)))
    menu, traits = put_together(rng, parts, ["'passthrough'", "None"], [])
    traits |= last.traits
    menu |= {f"model__{key}": values for key, values in last.menu.items()}
    if rng.random() < 0.15:
        others = rows_like(numbers, data.sparse)
        menu["model"] = [last.text, part_of(rng, rng.choice(others)).text]
    parts.append(("model", last))
    steps = ", ".join(f"({name!r}, {part.text})" for name, part in parts)
    text = f"Pipeline([{steps}])"
    if rng.random() < 0.1:
        menu["steps"] = [f"[{steps}]", f"[{steps.rpartition(', (')[0]}]"]
        menu["steps"][1] = f"[('scale', StandardScaler()), ('model', {last.text})]"
    if rng.random() < 0.1 and not traits & {"own steps"} and not data.sparse:
        text += ".set_output(transform='pandas')"
    return Draft(data, Part(text, menu), "model", traits, imports)


def rows_like(numbers: bool, sparse: bool) -> list:
    """Give the models that could stand in another's place."""
    rows = REGRESSORS if numbers else CLASSIFIERS
    return [row for row in rows if not sparse or "sparse" in row[2]]


def _for_mixed(rng: random.Random, numbers: bool) -> Part:
    """Make numbers of columns of all kinds."""
    inner = transformer(rng, sparse=False, numbers=numbers, depth=0, columns=0)
    fill = f"Pipeline([('fill', SimpleImputer()), ('more', {inner.text})])"
    columns = rng.choice(["['u', 'v']", "selector(dtype_include='number')"])
    names = rng.choice(["['c']", "['c', 'd']"])
    menu = {
        "numbers__fill__strategy": ["'mean'", "'median'"],
        "numbers__more": ["'passthrough'", "StandardScaler(copy=False)", inner.text],
        "names": ["'drop'", "OrdinalEncoder()", "OneHotEncoder(drop='first')"],
        "names__handle_unknown": ["'ignore'", "'error'"],
        "sparse_threshold": ["0", "1"],
        **{f"numbers__more__{key}": values for key, values in inner.menu.items()},
    }
    text = (
        f"ColumnTransformer([('numbers', {fill}, {columns}), "
        f"('names', OneHotEncoder(handle_unknown='ignore'), {names})])"
    )
    return Part(text, menu, set(inner.traits) | {"in place"})


def _draw_space(rng: random.Random, draft: Draft, randomized: bool) -> str:
    """Draw one grid, or several."""
    n = 2 if rng.random() < 0.15 else 1
    grids = [_draw_grid(rng, draft, randomized, MOST_CANDIDATES // n) for _ in range(n)]
    return grids[0] if n == 1 else f"[{', '.join(grids)}]"


def _draw_grid(rng: random.Random, draft: Draft, randomized: bool, most: int) -> str:
    menu = draft.part.menu
    if not menu or rng.random() < 0.02:
        return "{}"
    keys = rng.sample(sorted(menu), min(len(menu), rng.choice([1, 2, 2, 3])))
    chosen, size = {}, 1
    for key in keys:
        room = max(most // size, 1)
        values = menu[key]
        picked = rng.sample(values, min(len(values), rng.choice([1, 2, 3]), room))
        if rng.random() < 0.08 and len(picked) < room:
            picked.append(rng.choice(picked))
        size *= len(picked)
        chosen[key] = f"[{', '.join(picked)}]"
        if randomized and rng.random() < 0.3:
            chosen[key] = _distribution(rng, values) or chosen[key]
    if rng.random() < 0.02:
        chosen["nonsense"] = "[1]"
    return "{" + ", ".join(f"{key!r}: {value}" for key, value in chosen.items()) + "}"


def _distribution(rng: random.Random, values: list[str]) -> str | None:
    """Give a distribution in place of numbers."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return None
    if all("." not in value and "e" not in value for value in values):
        low, high = int(min(numbers)), int(max(numbers)) + 1
        return f"randint({max(low, 1)}, {max(high, 2)})"
    low, high = max(min(numbers), 1e-4), max(numbers)
    if high <= low:
        return None
    if rng.random() < 0.5:
        return f"loguniform({low}, {high})"
    return f"uniform({low}, {high - low})"


def _draw_options(rng: random.Random, draft: Draft) -> None:
    """Draw splitter, scoring, and what else a search takes."""
    data, options = draft.data, draft.options
    splitter, traits = draw_splitter(rng, data)
    draft.traits |= traits
    options["cv"] = splitter
    if "groups" in traits:
        draft.fit["groups"] = "groups"
    if rng.random() < 0.45:
        options["return_train_score"] = "True"
    if rng.random() < 0.3:
        options["error_score"] = rng.choice(["'raise'", "0.0", "-1.0", "np.nan"])
    scoring, refits, traits = _draw_scoring(rng, data)
    draft.traits |= traits
    if scoring is not None:
        options["scoring"] = scoring
    options["refit"] = rng.choice(refits)


def _draw_scoring(
    rng: random.Random, data: Data
) -> tuple[str | None, list[str], set[str]]:
    """Draw a scoring; give what `refit` may be with it, and its traits."""
    one = ["True", "True", "True", "False", "lambda results: 0"]
    if data.task == "numbers":
        names = ["'r2'", "'neg_mean_squared_error'", "'max_error'"]
        metric = "make_scorer(r2_score)"
    else:
        names = ["'accuracy'", "'f1_macro'", "'balanced_accuracy'", "'neg_log_loss'"]
        names += ["'roc_auc_ovr'"]
        metric = "make_scorer(accuracy_score)"
    how = rng.random()
    if how < 0.35:
        return None, one, set()
    if how < 0.5:
        return rng.choice(names), one, set()
    if how < 0.58:
        chosen = rng.sample(names, 2)
        refits = [*chosen, chosen[0], "False", "lambda results: 0", "True"]
        return f"[{', '.join(chosen)}]", refits, set()
    if how < 0.66:
        own = rng.choice(["plain_score", "nan_score", "failing_score", names[0]])
        scoring = f"{{'one': {metric}, 'other': {own}}}"
        return scoring, ["'one'", "'one'", "'other'", "False"], set()
    callables = {
        "plain_score": set(),
        "two_scores": set(),
        "nan_score": set(),
        "inf_score": {"inf"},
        "minus_inf_score": {"inf"},
        "failing_score": {"fails"},
        "twice_score": set(),
        "CountingScore()": {"state"},
        "DrawingScore(1)": {"state"},
        "CountingScore().__call__": {"state"},
        metric: set(),
    }
    if data.task == "numbers":
        del callables["DrawingScore(1)"]
    own = rng.choice(sorted(callables))
    if own == "two_scores":
        return own, ["'same'", "'same'", "'n'", "False", "True"], set()
    return own, one, callables[own]


def _draw_fit(rng: random.Random, draft: Draft) -> None:
    """Draw parameters of `fit`."""
    last = draft.traits
    before = f"{draft.final}__" if draft.final else ""
    if "evaluated by xgboost" in last:
        draft.fit |= {"eval_set": "[(X, y)]", "verbose": "False"}
    if "callbacks of lightgbm" in last and draft.data.plain and not before:
        stop = "lgb.early_stopping(2, verbose=False)"
        draft.fit |= {
            "eval_X": "X[: n // 2]",
            "eval_y": "y[: n // 2]",
            "callbacks": rng.choice([f"[{stop}]", f"[{stop}, lgb.log_evaluation(0)]"]),
        }
        draft.traits.add("state")
    if "state" in part_traits(draft) and rng.random() < 0.5:
        name, value = rng.choice(
            [
                ("rng", "np.random.RandomState(5)"),
                ("rng", "np.random.default_rng(5)"),
                ("log", "[]"),
                ("log", "[1, 2]"),
                ("log", "LockedLog()"),
            ]
        )
        draft.fit[before + name] = value
        draft.traits.add("state")
        if "Locked" in value:
            draft.traits.add("cannot be copied")
    if "weights" in last and rng.random() < 0.35:
        weights = rng.choice(
            [
                "rng.random(n)",
                "rng.random(n).astype(np.float32)",
                "rng.integers(1, 3, n).astype(float)",
                "rng.random(n).tolist()",
                "pd.Series(rng.random(n), index=np.arange(n)[::-1])",
                "np.repeat(rng.random(n), 2)[::2]",
            ]
        )
        draft.routed = rng.random() < 0.3 and draft.part.text.endswith(")")
        if not draft.routed:
            draft.fit[f"{before}sample_weight"] = weights
            return
        draft.fit["sample_weight"] = weights
        asked = rng.choice(["True", "True", "False", "None"])
        if draft.final:
            draft.data.lines.append(f"wanted = {asked}")
            draft.traits.add("routed to a step")
            draft.part.text = f"with_request({draft.part.text}, sample_weight=wanted)"
        else:
            draft.part.text += f".set_fit_request(sample_weight={asked})"


def part_traits(draft: Draft) -> set[str]:
    """Give the traits of the estimator, but for those of the scorer."""
    return {"state"} if "Means" in draft.part.text.rpartition("'model'")[2] else set()


def _draw_schedulers(rng: random.Random, draft: Draft) -> tuple[str, ...]:
    found = ["default"]
    if rng.random() < 0.1:
        found.append("one job")
    if "cannot be copied" in draft.traits:
        return tuple(found)
    if rng.random() < 0.06:
        found.append("threads client")
    if rng.random() < 0.04:
        found.append("processes client")
    if rng.random() < 0.02:
        found.append("processes")
    return tuple(found)


KINDS = [
    Grids("grid", 3.0, randomized=False),
    Grids("randomized", 1.0, randomized=True),
]
