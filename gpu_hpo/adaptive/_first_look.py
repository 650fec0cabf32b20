# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Refuse what every model of a search would refuse, before any of them is trained.

Only data in the host's memory is looked at, and only its first chunk. Only estimators
of scikit-learn and of gpu_hpo are asked, since these refuse what their tags and their
constraints of parameters say; others may do as they like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, get_tags

from gpu_hpo._arguments import check_classes
from gpu_hpo._sklearn_private import validate_parameter_constraints
from gpu_hpo._typing import Estimator
from gpu_hpo.adaptive._early_stopping import check_early_stopping
from gpu_hpo.adaptive._row_checks import first_step
from gpu_hpo.adaptive._search_args import SearchArgs
from gpu_hpo.adaptive.training._budgets import Budget
from gpu_hpo.data._blocks import Blocks
from gpu_hpo.devices._namespace import is_device_array
from gpu_hpo.devices._params import is_estimator

_PREDICTORS = ("classifier", "regressor", "clusterer")


def look_first(search: Any, args: SearchArgs, budget: Budget) -> None:
    """Raise if folds, classes, parameters of models or rows make no sense.

    Parameters
    ----------
    search : BaseIncrementalSearchCV
        Its estimator is no future.
    args : SearchArgs
    budget : Budget

    Raises
    ------
    ValueError, TypeError
    """
    _check_folds(args.cv, args.blocks)
    check_classes(args.whole.get("classes"))
    _check_columns("X", args.blocks)
    if args.validation is not None:
        _check_columns("X of validation_data", args.validation)
    spaces = search.parameters
    spaces = [spaces] if isinstance(spaces, Mapping) else list(spaces)
    given = {*args.whole, *args.fit_rows}
    check_early_stopping(_parts(search.estimator), spaces, budget, given)
    if get_config()["skip_parameter_validation"]:
        return
    searched = {name for space in spaces for name in space}
    fixed_by_budget = set(budget.sets(search.estimator))
    for prefix, part in _parts(search.estimator):
        if not any(f"{prefix}__".startswith(f"{name}__") for name in searched):
            _check_params(prefix, part, searched | fixed_by_budget)
    for space in spaces:
        _check_values(search.estimator, space)
    reader = first_step(search.estimator)
    if not _has_steps(search.estimator, searched) and _reads_numbers(reader):
        _check_rows("X", "y", args.blocks, reader)
        if args.validation is not None:
            where = " of validation_data"
            _check_rows(f"X{where}", f"y{where}", args.validation, reader)


def _check_folds(cv: Any, blocks: Blocks) -> None:
    if blocks.rows is None or not isinstance(cv, Integral):
        return
    if int(cv) > blocks.n_rows:
        raise ValueError(
            f"cv={cv} is more than the number of rows, {blocks.n_rows}: each fold must "
            "have one"
        )


def _check_columns(name: str, blocks: Blocks) -> None:
    shape: Any = () if blocks.lazy else getattr(blocks.blocks[0]["X"], "shape", ())
    if len(shape) == 2 and not shape[1]:
        raise ValueError(
            f"{name} has no columns: 0 feature(s) (shape={tuple(shape)}) while a "
            "minimum of 1 is required."
        )


# ---- parameters of models ----


def _parts(estimator: Estimator, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield an estimator and those among its parameters, by the names of these."""
    yield prefix, estimator
    for name, value in estimator.get_params(deep=True).items():
        if is_estimator(value):
            yield name, value


def _is_known(part: Any) -> bool:
    library = type(part).__module__.partition(".")[0]
    return library in ("sklearn", "gpu_hpo") and hasattr(part, "_parameter_constraints")


def _check_params(prefix: str, part: Any, searched: set[str]) -> None:
    """Raise if a parameter that is not searched is one that `part` refuses."""
    if not _is_known(part):
        return
    own = part.get_params(deep=False)
    start = f"{prefix}__" if prefix else ""
    given = {k: v for k, v in own.items() if f"{start}{k}" not in searched}
    validate_parameter_constraints(
        part._parameter_constraints, given, caller_name=type(part).__name__
    )
    if given.keys() == own.keys() and hasattr(part, "stack_key"):
        clone(part).stack_key()  # which refuses what does not go together


def _check_values(estimator: Estimator, space: Mapping[str, Any]) -> None:
    """Raise if all values that are listed for a parameter are refused by its owner."""
    owners = dict(_parts(estimator))
    for path, values in space.items():
        prefix, _, name = path.rpartition("__")
        part = owners.get(prefix)
        if hasattr(values, "rvs") or not _is_known(part):
            continue
        refused = [error for value in values if (error := _refusal(part, name, value))]
        if len(refused) == len(values):
            raise ValueError(
                f"parameters[{path!r}]={values!r} has no value that "
                f"{type(part).__name__} takes: {refused[0]}"
            )


def _refusal(part: Any, name: str, value: Any) -> ValueError | None:
    try:
        validate_parameter_constraints(
            part._parameter_constraints, {name: value}, caller_name=type(part).__name__
        )
    except ValueError as error:
        return error
    return None


# ---- rows ----


def _has_steps(estimator: Estimator, searched: set[str]) -> bool:
    """Return whether it is a pipeline of which the search replaces steps."""
    if not isinstance(estimator, Pipeline):
        return False
    return bool(searched & {"steps", *(name for name, _ in estimator.steps)})


def _reads_numbers(reader: Any) -> bool:
    """Return whether an estimator takes finite numbers, and nothing else."""
    if not _is_known(reader) or len(dict(_parts(reader))) > 1:
        return False
    tags = get_tags(reader)
    wants = tags.input_tags
    other = wants.allow_nan or wants.string or wants.categorical or wants.dict
    known = tags.estimator_type in _PREDICTORS and not tags.no_validation
    return known and wants.two_d_array and not other


def _check_rows(X_name: str, y_name: str, blocks: Blocks, reader: Any) -> None:
    first = blocks.blocks[0]
    if blocks.lazy or any(map(is_device_array, first.values())):
        return
    name = type(reader).__name__
    with _named(X_name, first["X"], name):
        _check_no_times(first["X"])
        check_array(
            first["X"],
            accept_sparse=True,
            dtype=np.float64,  # to which strings of digits are converted, too
            input_name=X_name,
            estimator=name,
        )
    if "y" in first and not is_classifier(reader):
        with _named(y_name, first["y"], name):
            check_array(
                first["y"],
                dtype=np.float64,
                ensure_2d=False,
                allow_nd=True,
                input_name=y_name,
                estimator=name,
            )


def _check_no_times(value: Any) -> None:
    """Raise for what NumPy turns into numbers, and models do not."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind is not None and kind in "mM":
        raise TypeError("dates and times are no numbers")


@contextmanager
def _named(what: str, value: Any, reader: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = getattr(value, "dtype", None)
        kind = f"an array of {kind}" if kind is not None else type(value).__name__
        reason = str(error).partition("\n")[0]
        # NumPy has types of errors that take no message.
        kind_of_error = ValueError if isinstance(error, ValueError) else TypeError
        raise kind_of_error(
            f"{what} must be finite numbers for {reader}; got {kind}: {reason}"
        ) from None
