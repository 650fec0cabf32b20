# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Hold models side by side, as named arrays with a leading model axis."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Self

import numpy as np

from gpu_hpo._typing import Array
from gpu_hpo.devices._namespace import to_host

COPIED_AT_ONCE = 1 << 21  # bytes


class ModelArrays:
    """Hold models of one shape, to be taken apart and put together.

    Parameters
    ----------
    models : sequence of estimator
        They are left as they are.

    Attributes
    ----------
    models : list of estimator
        Parameters and records of each; their weights are out of date.
    arrays : dict of str to array
        What is trained, each with a leading model axis; empty before the first call.
    errors : list of (Exception or None)
    xp : module
        NumPy or CuPy, as the data.
    sound : array, or None
        What the last epoch found of weights, if it did: not 0 where they are finite,
        equally many numbers for each model.
    """

    sound: Array | None = None

    def __init__(self, models: Sequence[Any]) -> None:
        self.models = [self.copied(model) for model in models]
        self.errors: list[Exception | None] = [None] * len(self.models)
        self.arrays: dict[str, Array] = {}
        self.xp: ModuleType = np

    def __len__(self) -> int:
        return len(self.models)

    def copied(self, model: Any) -> Any:
        """Copy a model but not its arrays, which are replaced and never changed.

        What it draws from is its own afterwards.
        """
        out = copy.copy(model)
        if isinstance(out.random_state, np.random.RandomState):
            out.random_state = copy.deepcopy(out.random_state)
        return out

    def copies_at_once(self) -> bool:
        """Tell whether models share the memory that their weights are copied to.

        On a device each copy is a launch. That memory lives as long as one of the
        models, so of large ones each has its own.
        """
        n_bytes = sum(array.nbytes for array in self.arrays.values())
        return self.xp is not np and n_bytes <= COPIED_AT_ONCE

    def found_finite(self, names: Sequence[str]) -> np.ndarray:
        """Tell of each model whether its part of some arrays is finite, on the host.

        What an epoch has found of them is used once.
        """
        sound, self.sound = self.sound, None
        if sound is not None:
            return (to_host(sound).reshape(len(self), -1) != 0).all(axis=1)
        fine: Any = True
        for name in names:
            array = self.arrays[name].reshape(len(self), -1)
            fine = self.xp.isfinite(array).all(axis=1) & fine
        return to_host(fine)

    def take(self, indices: Sequence[int]) -> Self:
        """Return a stack of some of the models, which shares nothing with this one."""
        out = self.part(indices)
        out.models = [self.copied(model) for model in out.models]
        return out

    def concat(self, others: Sequence[Self]) -> Self:
        """Return a stack of these models and those of `others`."""
        stacks = [self, *others]
        out = copy.copy(self)
        out.models = [self.copied(model) for stack in stacks for model in stack.models]
        out.errors = [error for stack in stacks for error in stack.errors]
        out.arrays = {
            name: self.xp.concatenate([stack.arrays[name] for stack in stacks])
            for name in self.arrays
        }
        return out

    def part(self, members: Sequence[int] | np.ndarray) -> Self:
        """Return some of the models themselves, with copies of their arrays."""
        out = copy.copy(self)
        out.models = [self.models[i] for i in members]
        out.errors = [self.errors[i] for i in members]
        places = self.xp.asarray(np.asarray(members, np.intp))
        out.arrays = {name: array[places] for name, array in self.arrays.items()}
        return out

    def put(self, members: Sequence[int] | np.ndarray, part: Self) -> None:
        """Take over models and arrays of a part."""
        places = self.xp.asarray(np.asarray(members, np.intp))
        for name, array in self.arrays.items():
            array[places] = part.arrays[name]
        for i, error in zip(members, part.errors, strict=True):
            self.errors[i] = error
