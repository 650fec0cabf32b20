# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Examine a machine: ask probes, and judge what they say of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

from gpu_hpo.cli._cures import cure_of, cure_of_ending, shortened
from gpu_hpo.cli._device_checks import judge_devices, wants_cpu
from gpu_hpo.cli._finding import Finding, Status
from gpu_hpo.cli._installed import (
    Package,
    cuda_of_packages,
    installed,
    misfits,
    shown_versions,
)
from gpu_hpo.cli._isolated import ProbeEndedError, ask

# Seconds without an answer. NVML takes milliseconds, or seconds if it loads a driver.
_PATIENCE = {"machine": 20.0, "host": 60.0, "cuda": 90.0, "search": 180.0}
_SLOW = 10  # seconds in which a library finds its GPU
_LEAST_DISK = 2**30
_NEW_ENVIRONMENT = "install gpu_hpo and what it needs into a new environment"
_GOOD_SCORE = 0.8  # scikit-learn's digits; a linear model has 0.9


class Examination:
    """Looks at one thing after another.

    Parameters
    ----------
    with_search : bool
        Whether to run a search.
    timeout : float, optional
        Seconds that each look may take, in place of those that suit it.
    watch : callable, optional
        Told what is looked at next.

    Attributes
    ----------
    facts : dict
        What is known of the machine, once `findings` has begun.
    versions : dict of str to str
    """

    def __init__(
        self,
        *,
        with_search: bool = True,
        timeout: float | None = None,
        watch: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._with_search = with_search
        self._timeout = timeout
        self._watch = watch
        self._packages: dict[str, Package] = {}
        self.facts: dict[str, Any] = {}
        self.versions: dict[str, str] = {}
        self._ended: ProbeEndedError | None = None

    @property
    def where(self) -> str:
        """Where searches will run, and why there, in one sentence."""
        device = self.facts.get("device")
        if device is None:
            return "Searches cannot run: no device could be chosen"
        if device["name"] == "cpu":
            return f"Searches run on the CPU: {device['reason']}"
        count = device["n_gpus"]
        return f"Searches run on {count} GPU{'s' * (count > 1)}: {device['reason']}"

    def begin(self) -> None:
        """Find out where searches will run."""
        self._watch("device")
        try:
            self.facts = self._all_said("machine")
        except ProbeEndedError as error:
            self._ended = error

    def findings(self) -> Generator[Finding, None, None]:
        """Yield what is found; `begin` comes first."""
        steps: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
            ("versions", self._about_versions),
            ("device", self._about_devices),
            ("cuda", self._about_cuda),
            ("host", self._about_host),
        ]
        if self._with_search:
            steps.append(("search", self._about_search))
        for name, step in steps:
            self._watch(name)
            try:
                yield from step()
            # What is wrong with one check is no reason to leave out the others.
            except Exception as error:
                yield Finding(
                    name,
                    "fail",
                    f"the check itself failed ({type(error).__name__}: {error})",
                    "mend what else is said here; if there is nothing, report this",
                )

    def _about_versions(self) -> Iterator[Finding]:
        self._packages = installed()
        self.versions = shown_versions(self._packages)
        wrong = list(misfits(self._packages))
        said = ", ".join(f"{name} {value}" for name, value in self.versions.items())
        if "cuml" not in self.versions and "cupy" not in self.versions:
            said += "; no RAPIDS"
        yield Finding("versions", "note" if wrong else "ok", said)
        yield from wrong

    def _about_devices(self) -> Iterator[Finding]:
        if self._ended is not None:
            how, what = str(self._ended), self.facts.get("begin")
            if what is None:
                text = f"gpu_hpo cannot be imported: {how}"
                yield Finding("device", "fail", text, _NEW_ENVIRONMENT)
            else:
                yield Finding("driver", "fail", f"{what} {how}", cure_of_ending(how))
            return
        yield from judge_devices(self.facts, cuda_of_packages(self._packages))

    def _about_cuda(self) -> Iterator[Finding]:
        """Use CUDA's libraries, unless there is no GPU to use, or none is wanted."""
        if self._ended or wants_cpu() or not self.facts.get("cupy"):
            return
        steps = list(self.facts["steps"])
        worked: list[str] = []
        while steps:
            current = ""
            try:
                for said in ask("cuda", *steps, patience=self._patience("cuda")):
                    current = said.get("begin", current)
                    if "step" in said:
                        finding = _judge_step(said, "driver" in self.facts)
                        steps.remove(said["step"])
                        if finding is None:
                            worked.append(said["step"])
                        else:
                            yield finding
                        current = ""
            except ProbeEndedError as error:
                if current not in steps:
                    raise
                # The others may work, in a new process.
                steps.remove(current)
                yield Finding(current, "fail", str(error), cure_of_ending(str(error)))
        if worked:
            yield Finding("cuda", "ok", f"work: {', '.join(worked)}")

    def _about_host(self) -> Iterator[Finding]:
        arguments = ["cupy"] if self.facts.get("cupy") else []
        facts: dict[str, Any] = {}
        try:
            self._all_said("host", *arguments, into=facts)
        except ProbeEndedError as error:
            yield Finding(
                "host",
                "fail",
                f"{facts.get('begin', 'Python')}: {error}",
                _NEW_ENVIRONMENT,
            )
        yield from _judge_folders(facts)
        if "cores" in facts:
            threads = facts["blas_threads"]
            yield Finding(
                "host",
                "ok",
                f"{facts['cores']} cores, {facts['memory'] / 2**30:.1f} GiB of memory; "
                f"BLAS ({', '.join(facts['blas']) or 'unknown'}) has {threads} "
                f"thread{'s' * (threads > 1)}, and one in each task of a search",
            )

    def _about_search(self) -> Iterator[Finding]:
        if self._ended is not None or "device" not in self.facts:
            yield Finding("search", "note", "not run, since no device could be chosen")
            return
        try:
            found = self._all_said("search", into={})
        except ProbeEndedError as error:
            yield Finding(
                "search",
                "fail",
                str(error),
                "mend what else is said here, or report this",
            )
            return
        yield _judge_search(found, self.facts["device"]["name"])

    def _all_said(
        self, probe: str, *arguments: str, into: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return all that a probe says; `into` has what it said before it crashed."""
        facts = self.facts if into is None else into
        for said in ask(probe, *arguments, patience=self._patience(probe)):
            facts.update(said)
        return facts

    def _patience(self, probe: str) -> float:
        return _PATIENCE[probe] if self._timeout is None else self._timeout


def _judge_step(said: dict[str, Any], has_driver: bool) -> Finding | None:
    """Judge the use of a library; None if it worked, and in time."""
    name, error, seconds = said["step"], said.get("error"), said["seconds"]
    if error is not None:
        # Without kernels models train in array operations; Dask only shows its counts.
        status: Status = "warn" if name in ("numba", "dask") else "fail"
        cure = cure_of(error, step=name, has_driver=has_driver)
        return Finding(name, status, shortened(error), cure)
    if seconds > _SLOW and name in ("cudart", "cupy"):
        return Finding(
            name,
            "warn",
            f"took {seconds:.0f} s to find its GPU, which every worker waits for",
            "keep the driver loaded: `sudo nvidia-smi --persistence-mode=1`",
        )
    return None


def _judge_folders(facts: dict[str, Any]) -> Iterator[Finding]:
    written = []
    for name, cure in (
        ("scratch", "set TMPDIR to a folder that can be written"),
        ("cupy_cache", "set CUPY_CACHE_DIR to a folder that can be written"),
    ):
        if (error := facts.get(f"{name}_error")) is not None:
            yield Finding("folders", "fail", error, cure)
        elif name in facts:
            folder, free = facts[name]["folder"], facts[name]["free"]
            written.append(f"{folder} ({free / 2**30:.1f} GiB free)")
            if free < _LEAST_DISK:
                yield Finding(
                    "folders",
                    "warn",
                    f"{folder} has only {free / 2**20:.0f} MiB free",
                    f"{cure}, and has more room",
                )
    if "compiled" in facts and facts["compiled"] is None:
        yield Finding(
            "folders",
            "warn",
            "compiled loops are kept nowhere: each process compiles them for itself",
            "set NUMBA_CACHE_DIR to a folder that can be written",
        )
    elif "compiled" in facts:
        written.append(facts["compiled"])
    if written:
        yield Finding("folders", "ok", f"can be written: {', '.join(written)}")


def _judge_search(found: dict[str, Any], expected: str) -> Finding:
    said = (
        f"{found['n_models']} models, {found['calls']} calls in "
        f"{found['seconds']:.1f} s on the {_NAMES[found['device']]}; best accuracy "
        f"{found['score']:.2f}"
    )
    if found["errors"]:
        return Finding(
            "search",
            "fail",
            f"a model failed: {found['errors'][0]}",
            "mend what else is said here, or report this",
        )
    if found["device"] != expected:
        return Finding(
            "search",
            "fail",
            f"{said}, since {found['reason']}",
            cure_of(found["reason"]),
        )
    if not found["score"] > _GOOD_SCORE:
        return Finding(
            "search", "fail", f"{said}, where 0.9 is usual", "report this, with --json"
        )
    return Finding("search", "ok", said)


_NAMES = {"cpu": "CPU", "cuda": "GPU"}
