# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find the nodes that candidates need, each once."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from typing import Any

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from gpu_hpo._typing import Estimator, Params
from gpu_hpo.exhaustive.plan._columns import REMAINDER
from gpu_hpo.exhaustive.plan._composites import take_apart
from gpu_hpo.exhaustive.plan._nodes import Plan, PlanTable
from gpu_hpo.exhaustive.plan._template import Template
from gpu_hpo.training._content_keys import Keys

logger = logging.getLogger(__name__)

_LISTS = frozenset({"steps", "transformer_list", "transformers"})  # of composites


class Planner:
    """Finds what the candidates of one search have in common.

    Parameters
    ----------
    estimator : estimator
        Not fitted.
    fit_params : sequence of str
        Names of the parameters of the search's `fit` that go to the estimator.
    apart : bool
        Whether composites are taken apart.
    by_name : bool
        Whether candidates are the same only if their steps also have the same names.

    Attributes
    ----------
    nodes : dict of int to Node
        Those of `PlanTable`.
    """

    def __init__(
        self,
        estimator: Estimator,
        fit_params: Sequence[str] = (),
        *,
        apart: bool = True,
        by_name: bool = False,
    ) -> None:
        self._base = estimator
        self.apart = apart
        self._by_name = by_name
        self._fit_params = tuple(fit_params)
        self._keys = Keys()
        self._table = PlanTable()
        self.nodes = self._table.nodes
        self._templates: dict[Hashable, Template] = {}
        self._local: dict[str, bool] = {}
        self._paths = frozenset(_paths(estimator) if apart else [""])

    def plan(self, params: Params) -> Plan:
        """Plan a candidate.

        Parameters
        ----------
        params : dict
            The parameters of the estimator that the candidate sets.

        Raises
        ------
        ValueError
            If the estimator, or a part of it, has no such parameter.
        """
        shape = {name: params[name] for name in params if not self._is_local(name)}
        local = {name: params[name] for name in params if name not in shape}
        try:
            if not _gives_all_parts(shape, local):
                template = self._template(shape)
                if template.takes(local):
                    return template.plan(local)
        except Exception as error:
            # If several are wrong, the error is about the first that scikit-learn sets.
            logger.info("the parameters are set all at once: %r", error)
        return self._template(params).plan({})

    def _template(self, shape: Params) -> Template:
        key = tuple((name, self._keys.of(shape[name])) for name in sorted(shape))
        template = self._templates.get(key)
        if template is None:
            estimator = clone(self._base)
            if shape:
                estimator.set_params(**clone(dict(shape), safe=False))
            taken = take_apart(estimator, self._fit_params, apart=self.apart)
            template = self._templates[key] = Template(
                estimator, taken, self._table, self._keys, by_name=self._by_name
            )
        return template

    def _is_local(self, name: str) -> bool:
        """Return whether a parameter is one step's, and changes no other step."""
        known = self._local.get(name)
        if known is None:
            known = self._local[name] = any(
                not path or name.startswith(f"{path}__") for path in self._paths
            )
        return known


def _gives_all_parts(shape: Params, local: Params) -> bool:
    """Return whether a composite's transformers are given, and parameters of these too.

    The composite decides whether such parameters belong to the old transformers or to
    the new ones; in a ColumnTransformer it is the old ones.
    """
    for name in shape:
        path, _, last = name.rpartition("__")
        below = f"{path}__" if path else ""
        if last in _LISTS and any(n.startswith(below) for n in local):
            return True
    return False


def _paths(estimator: Any, path: str = "") -> list[str]:
    """Return the paths, by names, to all steps that are not composites."""
    if type(estimator) is Pipeline:
        parts = estimator.steps
    elif type(estimator) is FeatureUnion:
        parts = estimator.transformer_list
    elif type(estimator) is ColumnTransformer:
        parts = [*estimator.transformers, (REMAINDER, estimator.remainder)]
    else:
        return [] if isinstance(estimator, str) or estimator is None else [path]
    paths = []
    try:
        for name, part, *_ in parts:
            paths += _paths(part, f"{path}__{name}" if path else name)
    except (TypeError, ValueError):
        # Steps are not valid: scikit-learn will raise.
        return []
    return paths
