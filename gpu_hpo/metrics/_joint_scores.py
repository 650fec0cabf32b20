# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Score several models in one pass, where their responses are arrays of one kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from gpu_hpo._typing import Array, ArrayLike, Estimator
from gpu_hpo.data._chunk import concat_chunks
from gpu_hpo.devices._namespace import array_namespace, is_device_array, to_host
from gpu_hpo.metrics._stacked import models_at_once, stacked_scores
from gpu_hpo.metrics._truth import Truth

Responses = dict[str, Any]  # by method: an array, or a list of outputs


def joined(responses: Sequence[Responses], methods: Sequence[str]) -> Responses:
    """Concatenate the responses of one model for all parts, by method."""
    return concat_chunks([{name: part[name] for name in methods} for part in responses])


def joint_scores(
    metrics: Mapping[str, str],
    methods: Sequence[Sequence[str]],
    models: Sequence[Estimator],
    responses: Sequence[Sequence[Responses]],
    y: ArrayLike | None,
    weight: ArrayLike | None = None,
    *,
    numbered: bool = False,
) -> dict[str, list[float]]:
    """Score models together by their responses, and copy only scores.

    Parameters
    ----------
    metrics : mapping of str to str
        Keys of `METRICS`, by names of the caller's.
    methods : sequence of sequences of str
        Per model, those whose responses the metrics need.
    models : sequence of estimators
    responses : sequence of sequences of dict
        Per model, per part, by method.
    y : array-like
        For all parts.
    weight : array-like, optional
        Sample weights for all parts.
    numbered : bool, default=False
        Whether labels are text, and y and what models predict are their numbers.

    Returns
    -------
    dict of str to list of float
        Per metric, a score per model: not finite where scikit-learn has to be asked.
    """
    all_scores = {name: [np.nan] * len(models) for name in metrics}
    y, weight = _plain(y), _plain(weight)
    for group in _groups(models, responses, methods):
        needed = methods[group[0]]
        first = _arrays(responses[group[0]], needed)
        xp = _common_namespace(y, weight, first.values())
        if xp is None:
            continue
        classes = _classes(xp, models[group[0]])
        truth = Truth(y, weight, classes, numbered=numbered)
        step = models_at_once(xp, max(a.size for a in first.values()))
        tables = []
        for start in range(0, len(group), step):
            block = [
                first if i == group[0] else _arrays(responses[i], needed)
                for i in group[start : start + step]
            ]
            stack = {name: xp.stack([a[name] for a in block]) for name in needed}
            scores = stacked_scores(truth, set(metrics.values()), stack)
            tables.append(xp.stack([scores[name] for name in metrics.values()]))
        # All that leaves the device, and all at once.
        table = to_host(xp.concatenate(tables, axis=1)).tolist()
        for name, row in zip(metrics, table, strict=True):
            for i, score in zip(group, row, strict=True):
                all_scores[name][i] = score
    return all_scores


def _groups(
    models: Sequence[Estimator],
    responses: Sequence[Sequence[Responses]],
    methods: Sequence[Sequence[str]],
) -> list[list[int]]:
    """Group the positions of models whose responses fit into one array."""
    groups: list[list[int]] = []
    for i, model in enumerate(models):
        for group in groups:
            j = group[0]
            if methods[i] == methods[j] and _alike(
                model, responses[i], models[j], responses[j], methods[i]
            ):
                group.append(i)
                break
        else:
            groups.append([i])
    return groups


def _arrays(responses: Sequence[Responses], methods: Sequence[str]) -> Responses:
    return {name: _plain(value) for name, value in joined(responses, methods).items()}


def _alike(
    a: Estimator,
    responses_a: Sequence[Responses],
    b: Estimator,
    responses_b: Sequence[Responses],
    methods: Sequence[str],
) -> bool:
    """Return whether two models' responses fit into one array, with one meaning."""
    if type(a) is not type(b) or len(responses_a) != len(responses_b):
        return False
    for of_a, of_b in zip(responses_a, responses_b, strict=True):
        for name in methods:
            x, y = of_a[name], of_b[name]
            if not hasattr(x, "shape") or not hasattr(x, "dtype"):
                return False
            if type(x) is not type(y) or x.shape != y.shape or x.dtype != y.dtype:
                return False
    known_a: Any = getattr(a, "classes_", None)
    known_b: Any = getattr(b, "classes_", None)
    if known_a is known_b:
        return True
    if type(known_a) is not type(known_b) or not hasattr(known_a, "shape"):
        return False
    return known_a.shape == known_b.shape and bool((known_a == known_b).all())


def _common_namespace(
    y: Array, weight: Array | None, responses: Iterable[Array]
) -> ModuleType | None:
    """Return the namespace of arrays that fit together; None if they do not."""
    arrays = [y, *responses] if weight is None else [y, weight, *responses]
    try:
        xp = array_namespace(*arrays)
    except TypeError:
        return None
    if not all(isinstance(array, xp.ndarray) for array in arrays):
        return None
    if y.ndim not in (1, 2) or any(a.shape[:1] != y.shape[:1] for a in arrays):
        return None
    if weight is not None and (weight.ndim != 1 or weight.dtype.kind not in "biuf"):
        return None
    return xp


def _classes(xp: ModuleType, model: Estimator) -> Array | None:
    """Return the labels that a classifier knows, as an array; None if there is none."""
    classes = _plain(getattr(model, "classes_", None))
    if not isinstance(classes, np.ndarray | xp.ndarray) or not is_classifier(model):
        return None
    return classes


def _plain(values: Any) -> Array:
    """Return the array of a frame or of a column, where it is."""
    if not hasattr(values, "iloc"):
        return values
    if not is_device_array(values):
        return np.asarray(values)
    # On a device columns are an array only if they have numbers, and all of them.
    dtypes = [values.dtype] if values.ndim == 1 else values.dtypes
    if not all(getattr(dtype, "kind", "O") in "biuf" for dtype in dtypes):
        return values
    return values if bool(values.isna().values.any()) else values.values
