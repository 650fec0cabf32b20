# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Cut a fold, and transform it by shared steps, once for all candidates.

Results of tasks travel as plain dicts, so that Dask and dask-cuda see the arrays inside
when they count bytes and spill.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import scipy.sparse
from sklearn.base import clone

from gpu_hpo._typing import ArrayLike
from gpu_hpo.data._split_rows import params_of_split, rows_of_split
from gpu_hpo.devices._namespace import synchronize
from gpu_hpo.devices._ranges import annotated
from gpu_hpo.exhaustive._candidate_spec import CandidateSpec, n_chosen
from gpu_hpo.exhaustive._lent_steps import (
    TRANSFORMED,
    FittedStep,
    fit_transform_lent,
    is_rows,
    transformed,
    without_shared_steps,
)
from gpu_hpo.exhaustive.plan._assembly import assemble, nodes_in
from gpu_hpo.exhaustive.plan._columns import Columns
from gpu_hpo.exhaustive.plan._composites import with_stand_ins, without_stand_ins
from gpu_hpo.exhaustive.plan._nodes import Joined, Node, Step
from gpu_hpo.exhaustive.plan._stand_in import StandIn
from gpu_hpo.training._heard import Heard, recorded
from gpu_hpo.training._lending import Access

# What comes out of a node of the plan. Rows of X: "train", "test", and, where scores of
# those that train are asked for, "train_transformed", these as `transform` gives them.
# Beside them "times", per node (seconds of fits, seconds of transforms), "fitted", per
# node the estimator if anybody asks for it, "wrote", nodes that have written on rows
# which they were lent, "heard", what was warned of with the number of the node, and
# "error", why there is nothing of all this.
NodeOutput = dict[str, Any]
# y, fit parameters and score parameters of a split: "y_train", "y_test", "fit",
# "score_train", "score_test".
SplitRows = dict[str, Any]


@dataclass(frozen=True)
class FitFailure:
    """Why a fit failed: a traceback, compared in the same way as in scikit-learn."""

    text: str


def cut_fold(
    spec: CandidateSpec,
    data: Mapping[str, Any],
    train: ArrayLike,
    test: ArrayLike,
    pairwise: bool,
) -> NodeOutput:
    """Cut the rows of a split out of X.

    Parameters
    ----------
    spec : CandidateSpec
    data : mapping
        "X", "y", "fit" and "score" parameters.
    train, test : array
        Row numbers.
    pairwise : bool
        Whether columns of X are samples, too.
    """
    with spec.task(), annotated("cut"):
        columns = train if pairwise else None
        X = data["X"]
        output: NodeOutput = {
            "train": spec.moved_X(in_order(rows_of_split(X, train, columns))),
            "test": spec.moved_X(in_order(rows_of_split(X, test, columns))),
            "times": {},
            "fitted": {},
            "wrote": frozenset(),
            "heard": [],
            "error": None,
        }
        output["train_transformed"] = (
            output["train"] if spec.return_train_score else None
        )
        synchronize()  # other threads read it, in other CUDA streams
        return output


def cut_rows(
    spec: CandidateSpec, data: Mapping[str, Any], train: ArrayLike, test: ArrayLike
) -> SplitRows:
    """Cut the rows of a split out of all but X; parameters as in `cut_fold`."""
    with spec.task():
        X, fit, score = data["X"], data["fit"], data["score"]

        def params(given: Mapping[str, Any], rows: ArrayLike) -> dict[str, Any]:
            return spec.moved_params(params_of_split(X, given, rows), n_chosen(rows))

        found = {
            "y_train": spec.moved_y(rows_of_split(data["y"], train)),
            "y_test": spec.moved_y(rows_of_split(data["y"], test)),
            "fit": params(fit, train),
            "score_train": params(score, train),
            "score_test": params(score, test),
        }
        synchronize()
        return found


def fit_step(
    spec: CandidateSpec, step: Step, keep: bool, source: NodeOutput, rows: SplitRows
) -> NodeOutput:
    """Fit a transformer to the output of another node, and transform that.

    Parameters
    ----------
    spec : CandidateSpec
    step : Step
    keep : bool
        Whether the fitted transformer is needed later.
    source : NodeOutput
    rows : SplitRows
    """
    with spec.fitting(source.get("train")), annotated("fit"):
        fit = partial(_fit_transformer, step, keep, rows)
        return _carry_out(spec, step, keep, source, fit)


def join_parts(
    spec: CandidateSpec,
    joined: Joined,
    keep: bool,
    source: NodeOutput,
    rows: SplitRows,
    *parts: NodeOutput,
) -> NodeOutput:
    """Join the outputs of the transformers of a composite.

    Parameters
    ----------
    spec, joined, keep, source, rows
        As of `fit_step`.
    *parts : NodeOutput
        In the order of ``joined.parts``.
    """
    undivided = _written_by_parts(joined, parts)
    for i, part in enumerate(parts):
        # A transformer that fails may succeed on rows that another has written.
        if part["error"] is not None and not undivided:
            # Transformers before it were fitted, and may have warned.
            output = dict(part)
            for before in parts[:i][::-1]:
                output["times"] = {**before["times"], **output["times"]}
                output["heard"] = _merged(before["heard"], output["heard"])
            return output
    with spec.fitting(source.get("train")), annotated("join"):
        fit = (
            partial(_fit_undivided, joined, rows)
            if undivided
            else partial(_fit_joined, joined, rows, parts)
        )
        return _carry_out(spec, joined, keep, source, fit, parts, undivided=undivided)


def _carry_out(
    spec: CandidateSpec,
    node: Node,
    keep: bool,
    source: NodeOutput,
    fit: Callable[[NodeOutput], FittedStep],
    parts: Sequence[NodeOutput] = (),
    *,
    undivided: bool = False,
) -> NodeOutput:
    """Fit what a node has, and note what has come of it.

    If a composite is fitted undivided, its parts have been fitted in vain.
    """
    if source["error"] is not None:
        return source
    times, fitted = dict(source["times"]), dict(source["fitted"])
    wrote, begin = source["wrote"], time.time()
    output: NodeOutput = {"error": None}
    with recorded() as heard:
        try:
            given = _columns(node.columns, source)
            fit_begin = time.time()
            if given["train"] is None:
                # Without columns scikit-learn skips this transformer.
                output |= given
            else:
                for part in parts:
                    times |= part["times"]
                    fitted |= {} if undivided else part["fitted"]
                step = fit(given)
                output |= step.rows
                fitted[node.number] = step.estimator
                fit_time = fit_begin - begin + step.fit_time
                times[node.number] = (fit_time, step.test_time)
                wrote |= {node.number} if step.wrote else set()
        except Exception:
            if spec.raises:
                raise
            times[node.number] = (time.time() - begin, 0.0)
            output = {"error": FitFailure(traceback.format_exc())}
    all_heard = _merged(source["heard"], [(node.number, item) for item in heard])
    for part in () if undivided else parts:
        all_heard = _merged(all_heard, part["heard"])
    output |= {"times": times, "wrote": wrote, "heard": all_heard}
    output["fitted"] = fitted if keep else {}
    synchronize()
    return output


def _merged(
    before: list[tuple[int, Heard]], more: list[tuple[int, Heard]]
) -> list[tuple[int, Heard]]:
    return before if not more else list(dict.fromkeys([*before, *more]))


def _fit_transformer(
    step: Step, keep: bool, rows: SplitRows, given: NodeOutput
) -> FittedStep:
    params = {
        method: {name: rows["fit"][known] for name, known in route.items()}
        for method, route in step.routes.items()
    }
    return fit_transform_lent(
        step.estimator, given, rows["y_train"], params, step.memory, keep=keep
    )


def _fit_joined(
    joined: Joined, rows: SplitRows, parts: Sequence[NodeOutput], given: NodeOutput
) -> FittedStep:
    """Fit a composite to the output of its parts."""
    begin = time.time()
    kinds = ["train", *(name for name in TRANSFORMED if given[name] is not None)]
    stand_ins = {}
    seen: dict[int, Any] = {}
    for (name, (_, assembly)), part in zip(joined.parts.items(), parts, strict=True):
        if part["train"] is not None:
            responses = {kind: part[kind] for kind in kinds}
            fitted_part = without_shared_steps(assemble(assembly, part["fitted"]), seen)
            stand_ins[name] = StandIn(fitted_part, responses)
    estimator = with_stand_ins(joined.estimator, stand_ins)
    output: NodeOutput = dict.fromkeys(TRANSFORMED)
    output["train"] = estimator.fit_transform(given["train"], rows["y_train"])
    fit_time, test_time = time.time() - begin, 0.0
    for kind in kinds[1:]:
        for stand_in in stand_ins.values():
            stand_in.kind = kind
        start = time.time()
        output[kind], _ = transformed(estimator, given[kind], Access.SHARED)
        if kind == "test":
            test_time = time.time() - start
    without_stand_ins(estimator, joined.estimator, stand_ins)
    return FittedStep(estimator, output, fit_time, test_time, wrote=False)


def _fit_undivided(joined: Joined, rows: SplitRows, given: NodeOutput) -> FittedStep:
    """Fit a composite in one piece, if its transformers write on shared rows."""
    # Not of what is fitted: that has drawn from its random states.
    given_estimator: Any = joined.estimator
    composite = clone(given_estimator).set_params(n_jobs=None)
    step = fit_transform_lent(composite, given, rows["y_train"], {}, keep=True)
    step.estimator.n_jobs = given_estimator.n_jobs
    return step._replace(wrote=True)


def _written_by_parts(joined: Joined, parts: Sequence[NodeOutput]) -> bool:
    """Return whether a transformer has written on rows that others read.

    In scikit-learn those after it see what it has written.
    """
    nodes = {
        number
        for number, assembly in joined.parts.values()
        for number in (number, *nodes_in(assembly))
    }
    return any(nodes & part["wrote"] for part in parts)


def _columns(columns: tuple[Columns, ...], source: NodeOutput) -> NodeOutput:
    """Return the columns of the source's output that a node gets."""
    given = {name: source[name] for name in ("train", *TRANSFORMED)}
    for selection in columns:
        others = [name for name in TRANSFORMED if is_rows(given[name])]
        selected = selection.of(given["train"], [given[name] for name in others])
        if selected is None:
            return dict.fromkeys(given)
        given |= dict(zip(["train", *others], selected, strict=True))
    return given


def in_order(X: Any) -> Any:
    """Return sparse rows with their indices sorted, like those that are cut from them.

    Many estimators sort them in place. Two threads that do so at once would corrupt
    them.

    Parameters
    ----------
    X : array-like
    """
    if scipy.sparse.issparse(X) and X.format in ("csr", "csc", "bsr"):
        return X if X.has_sorted_indices else X.sorted_indices()
    return X
