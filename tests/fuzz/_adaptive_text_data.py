# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The text of rows, labels and weights, for searches that stop early."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tests.fuzz._adaptive_text_models import Model, chance, pick


@dataclass
class Rows:
    """Lines that make the rows, and what they are."""

    imports: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    n: int = 0
    dask: bool = False
    known: bool = True  # whether the lengths of blocks are
    groups: bool = False
    validation: bool = False


def draw_data(rng: np.random.Generator, model: Model) -> Rows:
    """Draw rows that a model takes."""
    rows = Rows(n=int(rng.integers(60, 300)))
    kind = pick(rng, *model.kinds)
    width = int(rng.integers(2, 7))
    add = rows.lines.append
    add(f"rng = np.random.default_rng({rng.integers(10**6)})")
    if kind.startswith("counts"):
        add(f"X = rng.poisson(2.0, ({rows.n}, {width})).astype(float)")
    else:
        add(f"X = rng.standard_normal(({rows.n}, {width}))")
    _add_labels(rng, rows, model)
    _add_kind(rng, rows, kind)
    arguments = ["X", "y"]
    weights = model.weights and chance(rng, 0.35)
    if weights:
        add(f"weight = rng.random({rows.n})")
        if chance(rng, 0.4):
            add(f"weight[rng.random({rows.n}) < 0.2] = 0.0")
        arguments.append("weight=weight")
    if kind != "list" and not kind.startswith("counts") and chance(rng, 0.3):
        arguments.append(_add_blocks(rng, rows, kind, model))
    if not rows.dask and chance(rng, 0.12):
        rows.validation = True
        m = int(rng.integers(20, 40))
        last = f", weight[-{m}:]" if weights else ""
        add(f"held = (X[-{m}:], y[-{m}:]{last})")
        add(f"X, y = X[:-{m}], y[:-{m}]")
        if weights:
            add(f"weight = weight[:-{m}]")
        arguments.append("validation=held")
    elif chance(rng, 0.12):
        rows.groups = True
        n = rows.n
        add(f"groups = rng.integers(0, {pick(rng, 6, 15, n // 3)}, {n})")
        arguments.append("groups=groups")
    if model.fit:
        shown = ", ".join(f'"{k}": {v}' for k, v in model.fit.items())
        arguments.append(f"fit={{{shown}}}")
    add(f"return Data({', '.join(arguments)})")
    return rows


def _add_labels(rng: np.random.Generator, rows: Rows, model: Model) -> None:
    add, n = rows.lines.append, rows.n
    add(f"t = X[:, 0] - X[:, 1] + rng.standard_normal({n})")
    if model.target == "numbers":
        add("y = t")
        return
    add(f"y = np.digitize(t, {pick(rng, '[0.0]', '[0.0]', '[-0.7, 0.7]')})")
    labels = pick(rng, "", "", "", "text", "objects", "far")
    if model.target == "codes":
        labels = ""
    if "fail" in model.space or "write" in model.text:
        labels = pick(rng, "", "far")
    if labels == "text":
        add('y = np.array(["no", "yes", "maybe"])[y]')
    elif labels == "objects":
        add('y = np.array(["b", "a", "c"], dtype=object)[y]')
    elif labels == "far":
        add("y = 3 * y - 5")


def _add_kind(rng: np.random.Generator, rows: Rows, kind: str) -> None:
    add = rows.lines.append
    if "float32" in kind:
        add("X = X.astype(np.float32)")
    if kind.startswith("F"):
        add("X = np.asfortranarray(X)")
    elif kind == "read-only":
        add("X.flags.writeable = y.flags.writeable = False")
    elif kind == "frame":
        rows.imports.append("import pandas as pd")
        index = pick(rng, "[7] * len(X)", "np.arange(len(X))[::-1]", "None")
        add(
            f'X = pd.DataFrame(X, columns=list("abcdefg")[: X.shape[1]], index={index})'
        )
        if chance(rng, 0.5):
            add("y = pd.Series(y, index=X.index)")
    elif kind == "list":
        add("X, y = X.tolist(), y.tolist()")
    elif "sparse" in kind:
        rows.imports.append("import scipy.sparse")
        if not kind.startswith("counts"):
            add("X[np.abs(X) < 0.7] = 0.0")
        add("X = scipy.sparse.csr_matrix(X)")
        if "unsorted" in kind:
            add("for a, b in zip(X.indptr, X.indptr[1:]):")
            add("    X.indices[a:b] = X.indices[a:b][::-1].copy()")
            add("    X.data[a:b] = X.data[a:b][::-1].copy()")
            add("X.has_sorted_indices = False")


def _add_blocks(rng: np.random.Generator, rows: Rows, kind: str, model: Model) -> str:
    """Cut what there is into Dask's blocks."""
    rows.dask = True
    if kind == "frame":
        rows.known = False
        rows.lines.append("y = pd.Series(np.asarray(y), index=X.index)")
        if any(line.startswith("weight") for line in rows.lines):
            rows.lines.append("weight = pd.Series(weight, index=X.index)")
        return f"blocks={rng.integers(2, 5)}"
    left, sizes = rows.n, []
    while left > 45:
        sizes.append(int(rng.integers(18, 45)))
        left -= sizes[-1]
    return f"blocks={(*sizes, left) if left else tuple(sizes)}"
