# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train a model on one block after another, by a chain of Dask tasks."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dask
import numpy as np
from dask.base import clone_key
from dask.core import get_dependencies
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph
from dask.task_spec import DataNode, GraphNode, Task, TaskRef
from distributed import get_worker

from gpu_hpo._typing import ArrayLike, Estimator, Params
from gpu_hpo.compute._transport import aligned, packed_up
from gpu_hpo.data._chunk import n_rows, row_params, targets
from gpu_hpo.devices._cuml_task import n_device_bytes
from gpu_hpo.devices._detect import sees_gpus
from gpu_hpo.devices._host_copy import host_copy
from gpu_hpo.devices._namespace import to_host
from gpu_hpo.training._pipelines import train

# Blocks that may be read, or wait, while the model is trained on another.
AHEAD = 2


@dataclass
class _Passed:
    """A model on its way through the blocks, and how many have trained it."""

    model: Any
    calls: int = 0

    def __reduce_ex__(self, protocol: Any) -> Any:
        return packed_up(_arrived, (self.model, self.calls), protocol)

    def __sizeof__(self) -> int:
        # Dask would take a model for an object of some 50 bytes.
        return n_device_bytes(self.model)


class _PassedToHost(_Passed):
    """A model on its way to a process without a GPU: its arrays arrive on the host."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        try:
            model = host_copy(self.model)
        except Exception:
            model = self.model  # whose own pickle fails, too, and says why
        return _Passed(model, self.calls).__reduce_ex__(protocol)


@dataclass
class _CallParams:
    """Parameters of every call of `partial_fit`, and those of the first only."""

    every: Params
    first: Params


def train_in_chain(
    model: Estimator,
    blocks: Sequence[Mapping[str, Any]],
    order: Sequence[int],
    every: Params,
    first: Params,
) -> Any:
    """Train a model by one call of `partial_fit` for each block that has rows.

    Runs on whatever scheduler Dask uses at the time. Blocks are read as the chain
    comes to need them, so that a few are in memory, however many there are. Where a
    task may be repeated, on the workers of a cluster, each trains a copy of the model
    that it was given: one that is repeated, or goes on where a worker has died, begins
    with what the first began with.

    Parameters
    ----------
    model : estimator
        Is trained in place where tasks are never repeated.
    blocks : sequence of mapping of str to Delayed
        Chunks.
    order : sequence of int
        In which blocks come.
    every, first : mapping of str to object
        Parameters of every call, and more for the first.

    Returns
    -------
    estimator

    Raises
    ------
    ValueError
        If there are no rows.
    """
    name = f"incremental-{uuid.uuid4().hex}"
    params, done = f"{name}-params", f"{name}-done"
    blocks = [blocks[number] for number in order]
    dsk = _graph_of(blocks)
    renamed = _read_in_turn(dsk, blocks, done)
    dsk[params] = DataNode(params, _CallParams(every, first))
    dsk[name, 0] = DataNode((name, 0), _Passed(model))
    for step, block in enumerate(blocks, start=1):
        dsk[name, step] = Task(
            (name, step),
            _train,
            TaskRef((name, step - 1)),
            TaskRef(params),
            tuple(block),
            *(TaskRef(renamed.get(v.key, v.key)) for v in block.values()),
        )
        # To wait for the model itself would fetch it.
        dsk[done, step] = Task((done, step), _nothing, TaskRef((name, step)))
    last: Any = (name, len(blocks))
    if not sees_gpus()[0]:
        dsk[name, "here"] = Task((name, "here"), _to_host, TaskRef(last))
        last = name, "here"
    graph = HighLevelGraph.from_collections(name, dsk)
    passed: _Passed = Delayed(last, graph, layer=name).compute()
    if not passed.calls:
        raise ValueError("X has no rows")
    return passed.model


def labels_by_column(blocks: Sequence[Mapping[str, Any]]) -> list[np.ndarray]:
    """Return the distinct labels in y of all blocks, sorted.

    Parameters
    ----------
    blocks : sequence of mapping of str to array-like or Delayed
        Chunks. One y after the other is looked at where it is.

    Returns
    -------
    list of ndarray
        One for each column of y.

    Raises
    ------
    TypeError
        If labels cannot be ordered.
    """
    lazy = [dask.delayed(_distinct)(block["y"]) for block in blocks]
    columns = zip(*dask.compute(*lazy), strict=True)
    return [_sorted(np.concatenate(per_block)) for per_block in columns]


# ---- the graph ----


def _graph_of(blocks: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
    """Return the graphs of all blocks as one; blocks of one collection share theirs."""
    lazy = [value for block in blocks for value in block.values()]
    graphs = {id(graph): graph for graph in (v.__dask_graph__() for v in lazy)}
    dsk: dict[Any, Any] = {}
    for graph in graphs.values():
        dsk.update(graph)
    return dsk


def _read_in_turn(
    dsk: dict[Any, Any], blocks: Sequence[Mapping[str, Any]], done: str
) -> dict[Any, Any]:
    """Make tasks that read blocks wait until it is nearly the turn of these blocks.

    Otherwise idle workers would read all blocks while the first ones train the model.
    What several blocks are made from is read for the first of them.

    Parameters
    ----------
    dsk : dict
        Graph of the blocks. Tasks that wait, and those that need them, are added to it
        under names of their own, since a cluster may know the others.
    blocks : sequence of mapping of str to Delayed
        In the order in which they train the model.
    done : str
        Name of the tasks that say that a block has trained it.

    Returns
    -------
    dict
        By their old names, the names of all tasks that were added.
    """
    renamed: dict[Any, Any] = {}
    for key, (step, needs) in _first_needed(dsk, blocks).items():
        node, before = dsk[key], step - 1 - AHEAD
        reads = isinstance(node, Task) and all(_is_at_hand(dsk[need]) for need in needs)
        if reads and before > 0:
            renamed[key] = new = clone_key(key, done)
            dsk[new] = Task(new, _after, TaskRef((done, before)), node)
        elif not renamed.keys().isdisjoint(needs):
            renamed[key] = new = clone_key(key, done)
            dsk[new] = node.substitute(
                {need: renamed.get(need, need) for need in needs}, new
            )
    return renamed


def _first_needed(
    dsk: Mapping[Any, Any], blocks: Sequence[Mapping[str, Any]]
) -> dict[Any, tuple[int, set[Any]]]:
    """Return for each task the step that first needs it, and what it needs itself.

    Those that others need come before these. If some are in the form that tasks of
    Dask once had, nothing is said of any.
    """
    first: dict[Any, tuple[int, set[Any]]] = {}
    for step, block in enumerate(blocks, start=1):
        waiting = [value.key for value in block.values()]
        while waiting:
            key = waiting[-1]
            if key in first or key not in dsk:  # but a cluster holds it
                waiting.pop()
                continue
            # A future is called what it stands for.
            needs = get_dependencies(dsk, key) - {key}
            if needs and not isinstance(dsk[key], GraphNode):
                return {}
            missing = needs - first.keys()
            if missing:
                waiting.extend(missing)
                continue
            first[key] = step, needs
            waiting.pop()
    return first


def _is_at_hand(node: Any) -> bool:
    """Return whether the graph holds a value, such as the file blocks come from."""
    return isinstance(node, DataNode) or not isinstance(node, GraphNode)


# ---- tasks ----


def _arrived(passed: tuple[Any, int]) -> _Passed:
    return _Passed(*passed)


def _train(
    passed: _Passed, params: _CallParams, columns: Sequence[str], *values: Any
) -> _Passed:
    chunk = aligned(dict(zip(columns, values, strict=True)))
    if not n_rows(chunk):
        return passed
    model = _own(passed.model)
    given = {**params.every, **({} if passed.calls else params.first)}
    # Others may read the block, too.
    train(model, targets(chunk), {**row_params(chunk), **given})
    return _Passed(model, passed.calls + 1)


def _own(model: Estimator) -> Any:
    """Return a model that may be changed: a copy, on a worker of a cluster.

    There what a task was given is kept until the task has succeeded, to repeat it, and
    may be sent to another worker meanwhile. Dask's own schedulers do neither.
    """
    try:
        get_worker()
    except ValueError:
        return model
    return copy.deepcopy(model)


def _to_host(passed: _Passed) -> _Passed:
    return _PassedToHost(passed.model, passed.calls)


def _nothing(passed: _Passed) -> None:
    """Return None in place of a trained model, to say that it was trained."""


def _after(done: None, value: Any) -> Any:
    return value


def _distinct(y: ArrayLike | None) -> list[np.ndarray]:
    labels = np.asarray(to_host(y))
    columns = labels.T if labels.ndim > 1 and labels.shape[1] > 1 else [labels.ravel()]
    return [_sorted(column) for column in columns]


def _sorted(labels: np.ndarray) -> np.ndarray:
    try:
        return np.unique(labels)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        raise TypeError(
            f"y has class labels of kinds that cannot be ordered: {', '.join(kinds)}"
        ) from None
