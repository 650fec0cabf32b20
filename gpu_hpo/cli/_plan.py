# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The command `gpu-hpo plan`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from gpu_hpo.cli._output import show, wrapped
from gpu_hpo.cli._sizes import Positive, Seconds, Size

if TYPE_CHECKING:
    from gpu_hpo.cli._planning import MemoryUse, Plan

# Far more than any search has, and what arithmetic with floats can take.
_MANY = 10**9
_COUNT = click.IntRange(1, _MANY)
_ROWS = click.IntRange(1, _MANY**2)


@click.command()
@click.option("--n-params", type=_COUNT, help="Roughly how many parameter sets to try.")
@click.option("--max-iter", type=_COUNT, help="The same number, by its name in code.")
@click.option(
    "--n-examples", type=_ROWS, help="Rows that the longest trained models see."
)
@click.option(
    "--passes",
    type=Positive(),
    help="The same, in passes through the data; needs --rows or --data-size.",
)
@click.option(
    "--chunk-size",
    type=_ROWS,
    help="Rows of a chunk. By default n-examples // n-params.",
)
@click.option("--rows", type=_ROWS, help="Rows of the data.")
@click.option(
    "--data-size",
    type=Size(),
    help="Size of the data, such as '40 GB', in place of --rows; needs --row-bytes.",
)
@click.option("--row-bytes", type=Size(), help="Size of a row.")
@click.option(
    "--aggressiveness",
    type=click.IntRange(min=2),
    default=3,
    show_default=True,
    help="One of so many models is kept at each decision; 4 suits a first look.",
)
@click.option("--seconds-per-call", type=Seconds(), help="Time of one call.")
@click.option(
    "--workers",
    type=_COUNT,
    default=1,
    show_default=True,
    help="Workers: one per GPU, or per core.",
)
@click.option(
    "--memory-per-gpu", type=Size(), help="Free memory of each GPU, such as '80 GB'."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(**given: Any) -> None:
    """Say what a Hyperband search will do, before it runs.

    By the rule of thumb of dask-ml's guide: max_iter is --n-params, and a chunk has
    n-examples // n-params rows.

    \b
    Four GPUs and 40 GB of data:
      gpu-hpo plan --n-params 100 --passes 5 --data-size '40 GB' --row-bytes 400
        --workers 4 --memory-per-gpu '80 GB' --seconds-per-call '200 ms'
    """  # noqa: D301 - click wants the character that \b stands for
    facts = _Facts(given)
    show(json.dumps(facts.as_dict(), indent=2) if given["as_json"] else facts.as_text())


class _Facts:
    """A plan, with the time and memory that it takes, if what they need is given."""

    def __init__(self, given: dict[str, Any]) -> None:
        from gpu_hpo.cli._planning import make_plan, memory_use

        n_rows = _rows(given)
        max_iter = _max_iter(given)
        self.plan: Plan = make_plan(
            max_iter,
            given["aggressiveness"],
            chunk_size=_chunk_size(given, max_iter, n_rows),
            n_rows=n_rows,
        )
        self.workers: int = given["workers"]
        self.call: float | None = given["seconds_per_call"]
        self.memory: MemoryUse | None = None
        self.gpu: int | None = given["memory_per_gpu"]
        if self.gpu is not None:
            _need(given, "memory_per_gpu", "row_bytes")
            if self.plan.chunk_size is None:
                raise click.UsageError(
                    "--memory-per-gpu needs the rows of a chunk: --n-examples, "
                    "--passes or --chunk-size."
                )
            try:
                self.memory = memory_use(self.plan, given["row_bytes"], self.gpu)
            except ValueError as error:  # of Dask's configuration
                raise click.UsageError(str(error)) from None

    def as_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints; what is not known is None."""
        plan = self.plan
        return {
            "max_iter": plan.max_iter,
            "aggressiveness": plan.aggressiveness,
            "chunk_size": plan.chunk_size,
            "n_rows": plan.n_rows,
            "n_chunks": plan.n_chunks,
            "n_models": plan.n_models,
            "partial_fit_calls": plan.partial_fit_calls,
            "brackets": [asdict(bracket) for bracket in plan.brackets],
            "rows_seen": plan.rows_seen,
            "passes_of_best": plan.passes(plan.max_iter),
            "passes_of_all": plan.passes(plan.partial_fit_calls),
            "workers": self.workers,
            "useful_workers": plan.useful_workers,
            "seconds": None if self.call is None else self._seconds(),
            "memory": None if self.memory is None else asdict(self.memory),
        }

    def as_text(self) -> str:
        """Return what is printed for people."""
        plan = self.plan
        lines = [self._call_in_code(), "", "bracket    models     calls   decisions"]
        for bracket in plan.brackets:
            start = (
                f"{bracket.bracket:>7}{bracket.n_models:>10,}"
                f"{bracket.partial_fit_calls:>10,}   "
            )
            after = ", ".join(map(str, bracket.decisions))
            lines.append(wrapped(f"after {after} calls", start))
        lines += [f"  total{plan.n_models:>10,}{plan.partial_fit_calls:>10,}", ""]
        for name, text in self._said():
            lines.append(wrapped(text, f"{name:<9}"))
        return "\n".join(lines)

    def _call_in_code(self) -> str:
        plan = self.plan
        chunks = "" if plan.chunk_size is None else f", chunk_size={plan.chunk_size}"
        aggressive = (
            ""
            if plan.aggressiveness == 3
            else f", aggressiveness={plan.aggressiveness}"
        )
        text = f"HyperbandSearchCV(..., max_iter={plan.max_iter}{aggressive}{chunks})"
        return wrapped(text)

    def _said(self) -> list[tuple[str, str]]:
        said = [("chunks", self._about_chunks()), ("passes", self._about_passes())]
        said += [("time", self._about_time())]
        if self.memory is not None:
            said.append(("memory", self._about_memory(self.memory)))
        return said

    def _about_chunks(self) -> str:
        plan = self.plan
        if plan.chunk_size is None:
            return "of any size: --n-examples, --passes or --chunk-size say which"
        size = f"{plan.chunk_size:,} rows"
        if plan.n_chunks is None:
            return size
        if plan.chunk_size > (plan.n_rows or 0):
            return (
                f"one, of all {plan.n_rows:,} rows: {size} are more than there are. "
                "More --n-params or fewer --n-examples make chunks smaller"
            )
        return f"{plan.n_chunks:,} of {size}"

    def _about_passes(self) -> str:
        plan = self.plan
        if plan.rows_seen is None:
            return f"the best models see {plan.max_iter:,} chunks"
        text = f"the best models see {plan.rows_seen:,} rows"
        best, every = plan.passes(plan.max_iter), plan.passes(plan.partial_fit_calls)
        if best is None or every is None:
            return f"{text}; --rows says how many passes that is"
        return (
            f"{text}, which is {_number(best)} passes through the data; all models "
            f"together make {_number(every)}"
        )

    def _about_time(self) -> str:
        from dask.utils import format_time

        plan = self.plan
        workers = f"{self.workers} worker{'s' * (self.workers > 1)}"
        more = f"more than {plan.useful_workers} workers do not help"
        if self.call is None:
            calls = plan.seconds(1, self.workers)
            return (
                f"that of {_number(calls)} calls on {workers}, and of scores; "
                f"{more}. --seconds-per-call gives the time"
            )
        if self.workers > plan.useful_workers:
            more = f"the best models need {plan.max_iter:,} calls in a row; {more}"
        seconds = format_time(self._seconds())
        return f"{seconds} on {workers}, and the time of scores; {more}"

    def _about_memory(self, use: MemoryUse) -> str:
        from dask.utils import format_bytes

        room = f"{format_bytes(int(use.usable_bytes))} of each GPU that chunks may take"
        chunk = format_bytes(use.chunk_bytes)
        data = "" if use.data_bytes is None else format_bytes(use.data_bytes)
        if use.stays:
            return f"all chunks stay on each GPU: {data} fit into the {room}"
        whole = f"all chunks ({data}) do not; " if data else ""
        if use.fits:
            return (
                f"chunks fit: two of {chunk} go into the {room}; {whole}each task "
                "uploads its chunks, the next one while one trains"
            )
        if not use.largest_chunk:
            return f"no row fits into the {room}"
        return (
            f"chunks do not fit: two of {chunk} are more than the {room}. A chunk may "
            f"have {use.largest_chunk:,} rows: take more --n-params"
        )

    def _seconds(self) -> float:
        assert self.call is not None
        return self.plan.seconds(self.call, self.workers)


def _max_iter(given: dict[str, Any]) -> int:
    n_params, max_iter = given["n_params"], given["max_iter"]
    if n_params is None and max_iter is None:
        raise click.UsageError("Missing option '--n-params' (or '--max-iter').")
    if n_params is not None and max_iter is not None:
        raise click.UsageError("--max-iter and --n-params are one number; give one.")
    return int(n_params if max_iter is None else max_iter)


def _rows(given: dict[str, Any]) -> int | None:
    if given["data_size"] is None:
        return given["rows"]
    if given["rows"] is not None:
        raise click.UsageError(
            "--rows and --data-size both say how large the data is; give one."
        )
    _need(given, "data_size", "row_bytes")
    if given["data_size"] < given["row_bytes"]:
        raise click.UsageError("--data-size is less than --row-bytes.")
    return int(given["data_size"] // given["row_bytes"])


def _chunk_size(given: dict[str, Any], max_iter: int, n_rows: int | None) -> int | None:
    from gpu_hpo.schedules._hyperband import rule_of_thumb

    sources = [
        name
        for name in ("chunk_size", "n_examples", "passes")
        if given[name] is not None
    ]
    if len(sources) > 1:
        first, second = (_option(name) for name in sources[:2])
        raise click.UsageError(f"{first} follows from {second}; give one.")
    if not sources:
        return None
    if sources == ["chunk_size"]:
        return int(given["chunk_size"])
    n_examples = given["n_examples"]
    if sources == ["passes"]:
        if n_rows is None:
            raise click.UsageError("--passes needs --rows, or --data-size.")
        n_examples = int(given["passes"] * n_rows)
    try:
        return rule_of_thumb(n_examples, max_iter)[1]
    except ValueError:
        raise click.UsageError(
            f"{_option(sources[0])} means {n_examples} rows for {max_iter} calls of the"
            " best models: give more, or fewer --n-params."
        ) from None


def _need(given: dict[str, Any], name: str, other: str) -> None:
    if given[other] is None:
        raise click.UsageError(f"{_option(name)} needs {_option(other)}.")


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _number(value: float) -> str:
    """Return a number with at most three digits behind the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
