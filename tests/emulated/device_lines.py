# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say which lines of the package that only run with a device a run has not reached.

`make emulated-coverage` measures such a run and calls this: ``python -m
tests.emulated.device_lines FILE`` reads what coverage.py has noted and combined, and
prints lines and numbers; with ``--all`` it lists all such lines, and needs no file.

A statement only runs with a device where

- a module or function of `ONLY_WITH_A_DEVICE` defines it;
- a condition leads to it that holds with a device alone: one of the words below says
  so, as in ``if is_device_array(X)``, in ``xp is not np`` or behind ``if xp is np:
  return``;
- it is in a private function, or method, that its module calls from such lines alone.

`NOT_COUNTED` says what is left out, and why. Only statements count, as everywhere in
coverage.py: of ``a if is_device_array(x) else b`` nothing is known. A statement is told
by its first line.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[2] / "gpu_hpo"

# Functions that return something true for what is on, or of, a device alone.
TELL = frozenset(
    {
        "is_cuda_array",
        "is_device_array",
        "is_of_cuml",
        "_is_cuml",
        "_is_on_device",
        "_on_device",
        "_names_in_cuml",
    }
)
# Names and attributes that are neither None, False nor empty with a device alone.
MEAN = frozenset({"_on_cuda", "_on_device", "on_cuda", "on_device", "cupy", "cuml"})
# What is compared with these words is the name of a device, a library or its module.
WORDS = re.compile(r"(cuda|cu(py(x)?|ml|df)(\..*)?|__cuda_array_interface__)")

NAMES = frozenset({"name", "__name__", "_library"})
OF_HOST = frozenset({"cpu", "numpy", "sklearn"})

_COMPILED = (
    "Numba compiles it, so that no line of it is seen; tests compare its results"
)
_CUML = "it needs cuML, and no device; `make test-rapids` runs it with cuML itself"
_DASK_CUDA = "of dask-cuda, which looks for a driver; `make test-rapids` runs it"
_DRIVER = "it says why a driver refuses kernels; tests/devices has such drivers"

# Modules ("folder/_file.py") of which all functions, and functions ("folder/_file.py:
# name") of which all lines need a device, though no condition beside them says so.
ONLY_WITH_A_DEVICE = {
    "adaptive/data/_ahead.py": "it uploads chunks",
    "adaptive/data/_upload.py": "it uploads chunks",
    "compute/_cluster_device.py:device_memory": "asks GPUs",
    "compute/_cluster_device.py:sharing_devices": "asks GPUs",
    "compute/_client_pool.py:sharing_devices": "asks GPUs",
    "compute/_client_pool.py:with_kernels": "asks GPUs",
    "compute/_local_pool.py:sharing_devices": "asks GPUs",
    "compute/_pool.py:sharing_devices": "asks GPUs",
    "compute/_pool.py:with_kernels": "asks GPUs",
    "compute/_transport.py:ReturnedToHost": "models leave a GPU for a client without",
    "compute/_worker_kernels.py": "asks GPUs",
    "data/_on_device.py:OnDevice": "what is wanted of rows on a GPU",
    "data/_on_device.py:moved_params": "moves to a GPU",
    "data/_on_device.py:moved_y": "moves to a GPU",
    "devices/_cuda_kernels.py": "launches kernels",
    "devices/_free_memory.py": "asks a GPU",
    "devices/_host_copy.py": "copies from a GPU",
    "devices/_kept.py:unchanged_arrays": "arrays on a GPU",
    "devices/_nvml.py:_answer": "asks NVML of a GPU",
    "devices/_nvml.py:_instances": "asks NVML of a GPU",
    "devices/_nvml.py:_look": "asks NVML of a GPU",
    "devices/_nvml.py:driver_version": "asks NVML",
    "devices/_nvml.py:list_gpus": "asks NVML",
    "devices/_streams.py": "streams of a GPU",
    "devices/_upload.py": "uploads",
    "devices/_validation.py": "checks arrays on a GPU",
    "devices/_visible.py:_find": "looks a GPU up",
    "devices/_visible.py:_look_up": "looks a GPU up",
    "devices/_visible.py:devices_for_workers": "looks GPUs up",
    "linear_model/_array_loop.py": "on the host, compiled loops train",
    "linear_model/_kernel.py": "launches kernels",
    "linear_model/_kernel_code.py:_narrowed": "makes kernels",
    "linear_model/_kernel_code.py:kernels": "makes kernels",
    "linear_model/_quasi_newton_device.py": "calls cuML's solver",
    "neural_network/_kernel.py": "launches kernels",
    "neural_network/_kernel_code.py:kernel": "makes kernels",
    "stacks/_rows.py:device_weight": "weights of rows on a GPU",
    "training/_homes.py:_where_it_is": "where workers have GPUs",
    "training/_homes.py:settle_on_cuda": "where workers have GPUs",
    "training/_turns.py:Turns": "turns on a GPU",
    "training/_turns.py:_Card": "turns on a GPU",
    "training/_turns.py:_Freeze": "turns on a GPU",
    "training/_turns.py:_Watch": "turns on a GPU",
    "training/_turns.py:_card": "turns on a GPU",
    "training/_turns.py:give_back": "turns on a GPU",
    "training/_turns.py:_garbage_of_before_left_alone": "turns on a GPU",
}

# The same, for what is left out.
NOT_COUNTED = {
    "compute/_clusters.py:local_cluster": _DASK_CUDA,
    "compute/_embedded.py:_embedded_cluster": _DASK_CUDA,
    "compute/_gpu_options.py": _DASK_CUDA,
    "devices/_counterpart_rules.py": _CUML,
    "devices/_counterparts.py": _CUML,
    "devices/_cuda_kernels.py:_explain": _DRIVER,
    "devices/_cuda_kernels.py:_nothing": _COMPILED,
    "devices/_cuda_kernels.py:_shown": _DRIVER,
    "linear_model/_kernel_batch.py": _COMPILED,
    "linear_model/_kernel_code.py:_any_not_finite": _COMPILED,
    "linear_model/_kernel_code.py:_epoch": _COMPILED,
    "linear_model/_kernel_code.py:_set_norms": _COMPILED,
    **{
        f"neural_network/_kernel_code.py:{name}": _COMPILED
        for name in (
            *("_copy", "_count_not_finite", "_fill", "_gather", "_row", "_sum"),
            "_train",
        )
    },
    "neural_network/_kernel_layers.py": _COMPILED,
    "testing/_no_host_copy.py": "a double of a device, for tests without one",
}


@dataclass(frozen=True)
class Line:
    """A statement: where it is, and the lines that belong to it and to no other."""

    path: str
    begin: int
    end: int

    def __str__(self) -> str:
        return f"gpu_hpo/{self.path}:{self.begin}"


# ---- what conditions say ----


def device_if(test: ast.expr, outcome: bool) -> bool:
    """Tell whether a condition has this outcome with a device alone."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return device_if(operand, not outcome)
        case ast.BoolOp(op=op, values=values):
            # All of "and" hold if it does; of "or" some do, so each has to tell.
            every = isinstance(op, ast.And) is outcome
            return (any if every else all)(device_if(v, outcome) for v in values)
        case ast.NamedExpr(value=value):
            return device_if(value, outcome)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compared(left, op, right, outcome)
        case ast.Call(func=ast.Name(id="bool"), args=[argument]):
            return device_if(argument, outcome)
        case ast.Call(func=ast.Name(id="any" | "all"), args=[argument]):
            return outcome and _of_each(argument)
        case ast.Call(func=ast.Name(id="hasattr"), args=[_, ast.Constant(value=name)]):
            return outcome and bool(WORDS.fullmatch(str(name)))
        case ast.Call(func=function):
            return outcome and _name(function) in TELL
    return outcome and _name(test) in MEAN


def _host_if(test: ast.expr) -> bool:
    """Tell whether a condition holds on the host alone, as ``xp is np`` does."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(map(_host_if, test.values))
    return isinstance(test, ast.Compare) and device_if(test, False)


def _of_each(argument: ast.expr) -> bool:
    """Look into what `any` and `all` are given."""
    match argument:
        case ast.Call(func=ast.Name(id="map"), args=[function, *_]):
            return _name(function) in TELL
        case ast.GeneratorExp(elt=each):
            return device_if(each, True)
    return False


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr, outcome: bool) -> bool:
    same = isinstance(op, ast.Is | ast.Eq) is outcome
    if not isinstance(op, ast.Is | ast.IsNot | ast.Eq | ast.NotEq):
        return False
    match right:
        case ast.Name(id="np"):
            return not same
        case ast.Constant(value=None):
            return not same and _name(left) in MEAN
        case ast.Constant(value=str(word)) if _name(left) in NAMES:
            return same if WORDS.fullmatch(word) else not same and word in OF_HOST
    return False


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return _name(function)
    return ""


# ---- which statements they lead to ----


class Module:
    """Which statements of a file only run with a device."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.tree = ast.parse(source)
        self.only: set[ast.stmt] = set()
        self._whole: set[str] = set(self._listed(ONLY_WITH_A_DEVICE))
        while True:
            self._follow(self.tree.body, path in ONLY_WITH_A_DEVICE, top=True)
            more = self._called_by_them() - self._whole
            if not more:
                return
            self._whole |= more

    def lines(self) -> Iterator[Line]:
        """Return them, without those that are not counted."""
        left_out = {
            inner
            for name in self._listed(NOT_COUNTED)
            for node in _definitions(self.tree)
            if node.name == name
            for inner in ast.walk(node)
        }
        if self.path in NOT_COUNTED:
            return
        for node in self.only - left_out:
            if not _is_docstring(node):
                yield Line(self.path, node.lineno, _own_end(node))

    def names(self) -> set[str]:
        """Return the names of its classes and functions."""
        return {node.name for node in _definitions(self.tree)}

    def _listed(self, among: Mapping[str, str]) -> Iterator[str]:
        for entry in among:
            path, _, name = entry.partition(":")
            if path == self.path and name:
                yield name

    def _follow(self, body: Sequence[ast.stmt], only: bool, top: bool = False) -> bool:
        """Note statements of a block; return whether what comes behind is theirs."""
        for node in body:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    # A definition itself runs in any case, in a module or a class.
                    if only and not top:
                        self.only.add(node)
                    self._follow(node.body, only or node.name in self._whole)
                case ast.ClassDef():
                    whole = only or node.name in self._whole
                    self._follow(node.body, whole, top=True)
                case _ if top:
                    # Imports and constants of a module, fields of a class.
                    continue
                case _:
                    only = self._of(node, only)
        return only

    def _of(self, node: ast.stmt, only: bool) -> bool:
        """Note a statement and those in it; return as `_follow`."""
        if only:
            self.only.add(node)
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                there = only and not _host_if(test)
                self._follow(body, there or device_if(test, True))
                self._follow(orelse, only or device_if(test, False))
                return (
                    only
                    or (_leaves(body) and device_if(test, False))
                    or (_leaves(orelse) and device_if(test, True))
                )
            case ast.While(test=test, body=body, orelse=orelse):
                self._follow(body, only or device_if(test, True))
                self._follow(orelse, only)
            case ast.With(body=body) | ast.AsyncWith(body=body):
                return self._follow(body, only)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=last):
                for part in (body, *(h.body for h in handlers), orelse, last):
                    self._follow(part, only)
            case (
                ast.For(body=body, orelse=orelse)
                | ast.AsyncFor(body=body, orelse=orelse)
            ):
                self._follow(body, only)
                self._follow(orelse, only)
            case ast.Match(cases=cases):
                for case in cases:
                    self._follow(case.body, only)
        return only

    def _called_by_them(self) -> set[str]:
        """Return the private functions that are named in such statements alone."""
        private = {f.name for f in _functions(self.tree) if _is_private(f.name)}
        counted: dict[str, list[bool]] = {}
        for statement in _statements(self.tree):
            for node in _own_nodes(statement):
                if isinstance(node, ast.Name | ast.Attribute):
                    said = statement in self.only
                    counted.setdefault(_name(node), []).append(said)
        return {name for name in private if all(counted.get(name, [False]))}


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """Tell whether what is behind a block never comes after it."""
    if not body:
        return False
    match body[-1]:
        case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
            return True
        case ast.If(body=inner, orelse=orelse):
            return _leaves(inner) and _leaves(orelse)
        case ast.With(body=inner):
            return _leaves(inner)
    return False


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _definitions(tree: ast.AST) -> Iterator[Any]:
    """Return classes and functions."""
    yield from _functions(tree)
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.stmt))


def _own_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    """Return the nodes of a statement that belong to no statement in it."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(statement))
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.stmt):
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def _own_end(statement: ast.stmt) -> int:
    """Return the last line of a statement that belongs to no statement in it."""
    inner = [n.lineno for n in _statements(statement) if n is not statement]
    end = statement.end_lineno or statement.lineno
    return max(min([end, *(n - 1 for n in inner)]), statement.lineno)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def device_lines(package: Path = PACKAGE) -> list[Line]:
    """Return all lines of the package that only run with a device, in order."""
    found: list[Line] = []
    for file in sorted(package.rglob("*.py")):
        path = file.relative_to(package).as_posix()
        lines = Module(path, file.read_text()).lines()
        found.extend(sorted(lines, key=lambda line: line.begin))
    return found


# ---- what was reached ----


def reached_lines(file: str) -> dict[str, set[int]]:
    """Return what coverage.py noted, by the path of a file within the package."""
    from coverage import CoverageData

    data = CoverageData(file)
    data.read()
    found: dict[str, set[int]] = {}
    for name in data.measured_files():
        _, inside, path = Path(name).as_posix().rpartition("/gpu_hpo/")
        if inside:
            found.setdefault(path, set()).update(data.lines(name) or ())
    return found


def missed(lines: Iterable[Line], reached: Mapping[str, set[int]]) -> list[Line]:
    """Return the lines that were not reached."""
    return [
        line
        for line in lines
        if reached.get(line.path, set()).isdisjoint(range(line.begin, line.end + 1))
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the lines, how many there are, and how many of them were reached."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", nargs="?", help="what coverage.py has combined")
    parser.add_argument("--all", action="store_true", help="list all lines")
    given = parser.parse_args(arguments)
    if not given.file and not given.all:
        parser.error("give a file of coverage.py, or --all")
    lines = device_lines()
    listed = lines if given.all else missed(lines, reached_lines(given.file))
    print(*listed, sep="\n")
    if not given.all:
        n = len(lines) - len(listed)
        print(
            f"{n} of {len(lines)} lines that only run with a device were reached: "
            f"{100 * n / len(lines):.1f} %"
        )


if __name__ == "__main__":
    main()
