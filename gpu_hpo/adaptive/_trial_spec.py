# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Collect all that workers need to make, train and score a search's models."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.multiclass import check_classification_targets

from gpu_hpo.adaptive._placement import Placement
from gpu_hpo.adaptive._search_args import SearchArgs
from gpu_hpo.adaptive.data._resident import ResidentData
from gpu_hpo.adaptive.training._budgets import Budget
from gpu_hpo.adaptive.training._models import TrialSpec
from gpu_hpo.metrics._rehearsal import check_defined
from gpu_hpo.metrics._scoring import Scoring
from gpu_hpo.training._pipelines import classes_of_columns
from gpu_hpo.training._turns import Turns


def make_trial_spec(
    placement: Placement,
    budget: Budget,
    scoring: Scoring,
    search_args: SearchArgs,
    fit_params: dict[str, Any],
    data: ResidentData,
    *,
    stacked: bool,
) -> TrialSpec:
    """Make the spec of a search, once its data is loaded.

    Parameters
    ----------
    placement : Placement
    budget : Budget
    scoring : Scoring
    search_args : SearchArgs
    fit_params : dict
        Those for every call, with Dask collections computed.
    data : ResidentData
        Loaded.
    stacked : bool
        Whether models that can train in one stack do.

    Raises
    ------
    ValueError
        If y has fewer than two classes, or labels other than those that the user names
        or that the estimator takes; or if a metric is not defined for them.
    """
    params = dict(fit_params)
    classes = params.pop("classes", None)
    by_column = data.known_labels.by_column
    if len(data.labels):
        _check_labels(data.labels)
        known = data.labels
        if classes is not None:
            _check_classes(classes, data.labels)
            known = np.asarray(classes)
        elif budget.takes_classes(placement.kind):
            classes = known
        held = data.known_labels.held
        check_defined(scoring, placement.kind, known, held, search_args.scoring)
        if data.numbered is not None and classes is not None:
            classes = np.arange(len(data.numbered))
    elif by_column:
        _check_takes_columns(placement.kind, len(by_column))
        if classes is None and budget.takes_classes(placement.kind):
            classes = classes_of_columns(placement.kind, by_column)
    if classes is not None and not by_column:
        budget.check_labels(placement.kind, classes)
    rows = placement.on_device
    return TrialSpec(
        placement.prototype,
        placement.unset_seeds,
        scoring.of_numbers(data.numbered),
        classes,
        params,
        search_args.fit_rows,
        search_args.score_rows,
        stacked=stacked,
        budget=budget,
        converted_to=placement.converted_to,
        on_device=rows is not None,
        turns=None if rows is None else Turns(),
        to_host=placement.returns_to_host,
        n_splits=data.n_splits,
        by_roles=data.has_roles,
        assume_finite=rows is not None and rows.finite,
        labels=data.numbered,
        config=search_args.config,
    )


def _check_labels(labels: np.ndarray) -> None:
    """Raise if these cannot be class labels."""
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise ValueError("y has NaN among its class labels")
    check_classification_targets(labels)
    if len(labels) == 1:
        raise ValueError(
            f"y has one class only, {labels.tolist()[0]!r}: there is nothing to tell "
            "apart"
        )


def _check_takes_columns(model: Any, n_columns: int) -> None:
    """Raise if a classifier whose tags can be trusted takes one column of labels."""
    params = model.get_params(deep=False).values()
    if any(hasattr(value, "get_params") for value in params):
        return  # what it holds may take more
    tags = get_tags(model)
    known = type(model).__module__.partition(".")[0] in ("sklearn", "gpu_hpo")
    takes_several = tags.target_tags.multi_output or (
        tags.classifier_tags is not None and tags.classifier_tags.multi_label
    )
    if known and not takes_several and not isinstance(model, Pipeline):
        raise ValueError(
            f"y has {n_columns} columns of labels, but {type(model).__name__} takes one"
        )


def _check_classes(classes: np.ndarray, labels: np.ndarray) -> None:
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise ValueError(
            f"classes={classes!r} lacks labels that y has: {unknown.tolist()}"
        )
