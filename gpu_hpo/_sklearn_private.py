# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Import the private names of scikit-learn and joblib that the package uses.

No other module imports one. A release of scikit-learn may move or change each of these
without notice, which is why `pyproject.toml` has an upper bound for its version and
`make test-nightly` runs the tests with its next one.
"""

from joblib._utils import eval_expr
from sklearn.base import _fit_context
from sklearn.callback._callback_support import callback_management_context
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from sklearn.model_selection._search import (
    BaseSearchCV,
    _yield_masked_array_for_each_param,
)
from sklearn.model_selection._split import _validate_shuffle_split
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    Hidden,
    Interval,
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.metadata_routing import _routing_enabled
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import (
    _check_method_params,
    _check_sample_weight,
    _num_samples,
)

__all__ = [
    "BaseSearchCV",
    "Hidden",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "_BaseScorer",
    "_MultimetricScorer",
    "_PassthroughScorer",
    "_check_method_params",
    "_check_partial_fit_first_call",
    "_check_sample_weight",
    "_fit_context",
    "_num_samples",
    "_routing_enabled",
    "_safe_indexing",
    "_validate_shuffle_split",
    "_warn_or_raise_about_fit_failures",
    "_yield_masked_array_for_each_param",
    "callback_management_context",
    "eval_expr",
    "validate_parameter_constraints",
]
