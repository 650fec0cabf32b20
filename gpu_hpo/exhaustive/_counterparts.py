# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Decide which library fits all candidates, and on which device."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from dask.base import tokenize
from sklearn.base import clone

from gpu_hpo._typing import Estimator, Params
from gpu_hpo.data._on_device import OnDevice, holds_numbers
from gpu_hpo.devices._counterparts import convert
from gpu_hpo.devices._detect import Device, sees_gpus
from gpu_hpo.devices._namespace import is_device_array
from gpu_hpo.devices._params import is_estimator, libraries
from gpu_hpo.exceptions import DeviceNotFoundError, NoCounterpartError
from gpu_hpo.training._content_keys import Keys
from gpu_hpo.training._homes import (
    REPLACED,
    is_of_cuml,
    settle_on_cpu,
    settle_on_cuda,
    why_not_returned,
)

logger = logging.getLogger("gpu_hpo.model_selection")

_ABSENT = object()


class Counterparts:
    """Gives the estimators that are fitted in place of the user's.

    Candidates keep the names and values that the user gave; only what is fitted has
    others.

    Parameters
    ----------
    estimator : estimator
        The user's, not fitted.
    workers : Device
        Of those who fit.
    X : array-like or Dask collection
        As the user gave it.
    demanded : bool
        Whether the user asked for that device. If not, and some candidate cannot be
        fitted on a GPU, all are fitted on the CPU.
    in_blocks : bool
        Whether X stays a Dask collection, whose blocks nobody moves.
    returned : bool
        Whether the best model comes to this process.

    Attributes
    ----------
    base : estimator
        What is fitted: the estimator itself, or its counterpart.
    device : Device
        Where it is fitted, and why.
    on_device : OnDevice or None
        What it wants of rows in GPU memory; None if rows stay where they are.

    Raises
    ------
    NoCounterpartError
        If there is no CUDA, and scikit-learn has no counterpart.
    ValueError
        If the user asked for CUDA, and X cannot be there.
    """

    def __init__(
        self,
        estimator: Estimator,
        workers: Device,
        X: Any,
        *,
        demanded: bool = False,
        in_blocks: bool = False,
        returned: bool = False,
    ) -> None:
        self._given = estimator
        self._workers = workers
        self._X = X
        self._demanded = demanded
        self._in_blocks = in_blocks
        self._returned = returned
        self._changes: dict[int, Params] = {}  # by the identity of the user's
        self._candidates: list[Params] = []  # so that their identities stay theirs
        self.base: Any = estimator
        self.device = workers
        self.on_device: OnDevice | None = None
        self._on_cuda = False
        if workers.name == "cpu":
            self._settle_on_cpu(workers)

    def settle(self, candidates: Iterable[Params]) -> Iterable[Params]:
        """Decide where candidates are fitted, before any of them is.

        Returns
        -------
        iterable of dict
            The same candidates. With CUDA they are generated at once, else later.

        Raises
        ------
        NoCounterpartError, DeviceNotFoundError
            If the user asked for CUDA and some candidate cannot be fitted there; if
            others have been fitted there; or if the best model would be cuML's, and
            this process has no GPU to hold it.
        """
        if self._workers.name == "cpu":
            return candidates
        listed = list(candidates)
        if self.device.name == "cpu":
            return listed  # as was decided for others
        self._candidates += listed
        try:
            self._settle_on_cuda(listed)
        except (NoCounterpartError, DeviceNotFoundError) as error:
            if self._demanded or self._on_cuda:
                raise
            logger.info("training on the CPU: %s", error)
            self._settle_on_cpu(Device("cpu", 0, str(error)), self._workers)
        else:
            self._check_returned(listed)
        return listed

    def params(self, given: Params) -> Params:
        """Return the parameters that make of `base` what a candidate stands for.

        Parameters
        ----------
        given : dict
            Of the candidate, by the names of the user's estimator.

        Raises
        ------
        NoCounterpartError
            If the library that fits cannot do what one of them asks for.
        """
        known = self._changes.get(id(given))
        if known is not None:
            return known
        target = "cuda" if self._on_cuda else "cpu"
        if self.base is self._given and not self._is_replaced([*given.values()]):
            return given
        model = self._made(given)
        if model is None:
            return given  # its fits fail alone, with the same error
        return _changes(self.base, convert(model, target))

    # ---- where ----

    def _settle_on_cpu(self, device: Device, workers: Device | None = None) -> None:
        self._on_cuda, self.on_device, self.base = False, None, self._given
        self._changes.clear()
        if self._is_replaced(self._given):
            logger.info("training by scikit-learn: %s", device.reason)
            self.base = convert(self._given, "cpu")
        self.device = settle_on_cpu(self.base, device, self._X, workers)

    def _settle_on_cuda(self, candidates: Sequence[Params]) -> None:
        if self._in_blocks:
            self._stay_in_blocks()
            return
        models = [(params, self._made(params)) for params in candidates]
        fitted = [(p, m, convert(m, "cuda")) for p, m in models if m is not None]
        kinds = [kind for _, _, kind in fitted] or [convert(self._given, "cuda")]
        found = [
            settle_on_cuda(kind, self._workers, self._X, demanded=self._demanded)
            for kind in kinds
        ]
        wanted = [rows for _, rows in found if rows is not None]
        if wanted and len(wanted) < len(found) and not self._demanded:
            stays = next(device for device, rows in found if rows is None)
            raise NoCounterpartError(f"not all candidates train alike: {stays.reason}")
        if wanted and not is_device_array(self._X) and not holds_numbers(self._X):
            if self._demanded:
                raise ValueError(
                    "X holds other values than numbers, which cannot be moved to the "
                    "GPU that device='cuda' or GPU_HPO_DEVICE asks for"
                )
            raise NoCounterpartError("X holds other values than numbers")
        if any(kind is not model for _, model, kind in fitted):
            if not self._on_cuda:
                self.base = self._base_on_cuda(kinds[0])
            self._changes |= {
                id(params): _changes(self.base, kind) for params, _, kind in fitted
            }
        on_cuda = [device for device, _ in found if device.name == "cuda"]
        self.device = (on_cuda or [found[0][0]])[0]
        self._on_cuda = True
        if wanted:
            in_columns = all(rows.column_major for rows in wanted)
            self.on_device = OnDevice(column_major=in_columns)

    def _base_on_cuda(self, first: Any) -> Any:
        """Return the counterpart of the estimator, or of a candidate if it has none."""
        try:
            return convert(self._given, "cuda")
        except NoCounterpartError as error:
            # All candidates replace what cannot be converted.
            logger.info("candidates are made of the first one: %s", error)
            return first

    def _check_returned(self, candidates: Sequence[Params]) -> None:
        """Fit on the CPU, or raise, if the best model could not come here."""
        if not self._returned or sees_gpus()[0]:
            return
        made = [m for m in map(self._made, candidates) if m is not None]
        models = made or [self._given]
        kinds = [convert(model, "cuda") for model in models]
        lacks = next(filter(None, map(why_not_returned, kinds)), "")
        if not lacks:
            return
        if self._demanded or any(map(is_of_cuml, models)):
            raise DeviceNotFoundError(
                f"{lacks}. Call fit where there is a GPU, let device='cpu' train "
                "counterparts of scikit-learn, or have no model returned: refit=False"
            )
        logger.info("training on the CPU: %s", lacks)
        self._settle_on_cpu(Device("cpu", 0, lacks), self._workers)

    def _stay_in_blocks(self) -> None:
        if is_device_array(self._X) or "cuml" in libraries(self._given):
            self._on_cuda = True
            return
        if self._demanded:
            raise ValueError(
                "device='cuda' or GPU_HPO_DEVICE asks for a GPU, but X has its blocks "
                "in host memory, where they stay: make them CuPy's before"
            )
        raise NoCounterpartError("X has its blocks in host memory")

    def _is_replaced(self, value: object) -> bool:
        return bool(libraries(value) & REPLACED["cuda" if self._on_cuda else "cpu"])

    def _made(self, params: Params) -> Any:
        """Return the user's estimator with a candidate's parameters; None if it cannot.

        Parameters may be estimators, which are not changed.
        """
        try:
            return clone(self._given).set_params(**clone(dict(params), safe=False))
        except (AttributeError, TypeError, ValueError) as error:
            logger.info("a candidate cannot be made: %r", error)
            return None


def _changes(base: Any, target: Any) -> Params:
    """Return the parameters that `set_params` has to change to make one of another."""
    before, after = base.get_params(deep=True), target.get_params(deep=True)
    changes: dict[str, Any] = {}
    for name, value in after.items():
        old = before.get(name, _ABSENT)
        parts = name.split("__")
        is_inside = any("__".join(parts[:i]) in changes for i in range(1, len(parts)))
        told = any(other.startswith(f"{name}__") for other in after)
        if not is_inside and not _is_same(old, value, after, told):
            changes[name] = value
    return changes


def _is_same(old: Any, new: Any, names: Params, told: bool) -> bool:
    """Return whether a parameter is the same, but for what its parts' names tell.

    Some of cuML's estimators do not tell the parameters of their parts.
    """
    if is_estimator(old) and is_estimator(new):
        keys = Keys()
        return type(old) is type(new) and (told or keys.of(old) == keys.of(new))
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        named = _named(new)
        if named and named.keys() <= names.keys():
            return _named(old) == named
    return old is new or (type(old) is type(new) and tokenize(old) == tokenize(new))


def _named(value: Any) -> dict[str, Any]:
    """Return what a list of named steps says besides them; {} if it is none."""
    items = [item for item in value if isinstance(item, tuple) and len(item) > 1]
    if len(items) < len(value) or not all(isinstance(item[0], str) for item in items):
        return {}
    return {item[0]: tokenize(item[2:]) for item in items}
