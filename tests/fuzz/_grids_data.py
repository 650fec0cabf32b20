# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Rows, labels and splitters that grids are drawn with, as lines of Python."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass
class Data:
    """Lines that bind X, y, n, p, groups and `rng`.

    Parameters
    ----------
    task : {"classes", "numbers"}
    sparse, mixed, plain : bool
        Whether X is sparse, a frame with columns of all kinds, a dense array.
    labels_by_name : bool
        Whether labels are text.
    n, n_columns : int
    """

    lines: list[str]
    task: str
    n: int
    n_columns: int
    sparse: bool = False
    mixed: bool = False
    plain: bool = False
    labels_by_name: bool = False
    traits: set[str] = field(default_factory=set)


ARRAYS = [
    "X",
    "X",
    "np.asfortranarray(X)",
    "X.astype(np.float32)",
    "np.asfortranarray(X.astype(np.float32))",
    "np.round(3 * X).astype(np.int64)",
    "np.repeat(X, 2, axis=0)[::2]",
    "np.repeat(X, 2, axis=1)[:, ::2]",
    "np.ascontiguousarray(X[::-1])[::-1]",
    "X.astype('>f8')",
    "np.ma.array(X).data[:]",
]
SPARSE = [
    "sp.csr_matrix(X)",
    "sp.csr_array(X)",
    "sp.csc_matrix(X)",
    "sp.csc_array(X)",
    "sp.csr_matrix(X.astype(np.float32))",
    "spoil(sp.csr_matrix(X), 0)",
    "spoil(sp.csr_array(X), 1)",
    "spoil(sp.csc_matrix(X), 0)",
    "spoil(sp.csr_matrix(X.astype(np.float32)), 2)",
]
INDEXES = [
    "rng.permutation(n)",
    "np.arange(n)[::-1]",
    "[f'row {i}' for i in range(n)]",
    "np.zeros(n, int)",
    "pd.date_range('2020', periods=n)",
    "np.arange(n) / 3",
    "pd.MultiIndex.from_arrays([np.arange(n) % 3, np.arange(n)])",
]


def draw_data(rng: random.Random) -> Data:
    """Draw rows and labels of some kind."""
    n, p = rng.choice([16, 30, 40, 60, 90, 120]), rng.choice([3, 4, 5])
    task = rng.choice(["classes", "classes", "numbers"])
    lines = [
        f"rng = np.random.default_rng({rng.randrange(1000)})",
        f"n, p = {n}, {p}",
        "X = rng.standard_normal((n, p))",
        "signal = X[:, 0] - 0.7 * X[:, 1] + 0.5 * rng.standard_normal(n)",
        f"groups = rng.integers(0, {rng.choice([4, 6])}, n)",
    ]
    data = Data(lines, task, n, p)
    _draw_labels(rng, data)
    how = rng.random()
    index = None
    if how < 0.17:
        data.sparse = True
        lines.append("X = np.where(rng.random((n, p)) < 0.6, X, 0)")
        kind = rng.choice(SPARSE)
        if "spoil" in kind:
            data.traits.add("unsorted")
        lines.append(f"X = {kind}")
    elif how < 0.27:
        index = rng.choice(INDEXES)
        dtype = rng.choice(["", ".astype(np.float32)"])
        lines.append(
            "X = pd.DataFrame(X, columns=[f'c{i}' for i in range(p)], "
            f"index={index}){dtype}"
        )
        if rng.random() < 0.3:
            lines.append("X['c1'] = np.round(X['c1']).astype(int)")
    elif how < 0.36:
        index = rng.choice(INDEXES)
        data.mixed = True
        lines += [
            "X = pd.DataFrame({'u': X[:, 0], 'v': X[:, 1], 'w': X[:, 2], "
            "'c': rng.choice(['x', 'y', 'z'], n), 'd': rng.choice([1, 2], n)}, "
            f"index={index})",
            "X.iloc[rng.integers(0, n, n // 8), 1] = np.nan",
        ]
        if rng.random() < 0.4:
            lines.append("X['c'] = X['c'].astype('category')")
    elif how < 0.42:
        lines.append("X = X.tolist()")
    else:
        data.plain = True
        lines.append(f"X = {rng.choice(ARRAYS)}")
        if rng.random() < 0.1:
            lines.append("X.setflags(write=False)")
            data.traits.add("read-only")
        if rng.random() < 0.03:
            lines += ["X = np.array(X, dtype=float)", "X[n // 2, 1] = np.nan"]
    if any("float32" in line for line in lines):
        data.traits.add("float32")
    if index is not None and rng.random() < 0.7:
        lines.append("y = pd.Series(y, index=X.index, name='target')")
    elif rng.random() < 0.08:
        lines.append("y = np.asarray(y).tolist()")
    return data


def _draw_labels(rng: random.Random, data: Data) -> None:
    if data.task == "numbers":
        data.lines.append(rng.choice(["y = signal", "y = signal.astype(np.float32)"]))
        return
    how = rng.random()
    if how < 0.6:
        data.lines.append("y = (signal > 0).astype(int)")
    elif how < 0.75:
        data.lines.append("y = np.digitize(signal, [-1, 1])")
    elif how < 0.85:
        data.labels_by_name = True
        data.lines.append("y = np.where(signal > 0, 'yes', 'no')")
    elif how < 0.93:
        data.labels_by_name = True
        data.lines.append("y = np.where(signal > 0, 'yes', 'no').astype(object)")
    else:
        data.lines.append("y = signal > 0")


def draw_splitter(rng: random.Random, data: Data) -> tuple[str, set[str]]:
    """Draw `cv`; give its text and traits."""
    halves = (
        "[(np.arange(n // 2), np.arange(n // 2, n)), "
        "(np.arange(n // 2, n), np.arange(n // 2))]"
    )
    lists = "[(list(range(0, n, 2)), list(range(1, n, 2)))]"
    overlapping = "[(rng.integers(0, n, n), np.arange(n)[::-1])] * 2"
    found: list[tuple[str, set[str]]] = [
        ("3", set()),
        ("2", set()),
        ("2", set()),
        ("KFold(3, shuffle=True, random_state=0)", set()),
        ("KFold(2)", set()),
        ("KFold(3, shuffle=True, random_state=np.random.RandomState(2))", {"consumed"}),
        ("ShuffleSplit(3, test_size=0.3, random_state=0)", set()),
        ("ShuffleSplit(2, train_size=0.5, random_state=1)", set()),
        ("ShuffleSplit(2, random_state=np.random.RandomState(3))", {"consumed"}),
        ("TimeSeriesSplit(3)", set()),
        ("PredefinedSplit(np.arange(n) % 3 - 1)", set()),
        ("RepeatedKFold(n_splits=2, n_repeats=2, random_state=0)", set()),
        ("GroupKFold(3)", {"groups"}),
        ("GroupShuffleSplit(2, random_state=0)", {"groups"}),
        (halves, set()),
        (lists, set()),
        (overlapping, set()),
        (f"iter({halves})", {"consumed"}),
        (f"(split for split in {halves})", {"consumed"}),
    ]
    if data.task == "classes":
        found += [
            ("StratifiedKFold(3)", set()),
            ("StratifiedKFold(2, shuffle=True, random_state=1)", set()),
            ("StratifiedShuffleSplit(2, random_state=0)", set()),
            ("StratifiedGroupKFold(2)", {"groups"}),
        ]
    if data.n <= 20:
        found += [("LeaveOneOut()", set()), ("None", set())]
    return rng.choice(found)
