# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models made of a template are what a clone with these parameters is."""

import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from sklearn.utils import all_estimators

from gpu_hpo.exhaustive._new_models import new_model


class Own(BaseEstimator):
    def __init__(self, a=1, b=None):
        self.a = a
        self.b = b


class Setting(Own):
    """Does more than set what it is given."""

    def set_params(self, **params):
        super().set_params(**params)
        self.b = "set"
        return self


class Cloning(Own):
    def __sklearn_clone__(self):
        return Own(self.a, "cloned")


class Watching(Own):
    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        self.__dict__["b"] = name


def requesting():
    with config_context(enable_metadata_routing=True):
        return LogisticRegression().set_fit_request(sample_weight=True)


def by_clone(template, params):
    model = clone(template)
    model.set_params(**clone(params, safe=False))
    return model


@pytest.mark.parametrize(
    ("template", "params"),
    [
        (Own(), {"a": 2}),
        (Own(b=[1]), {"a": 2}),
        (Own(), {"a": [2]}),
        (Own(a=Own()), {"a__a": 3, "b": 1}),
        (Own(), {"a": Own()}),
        (Setting(), {"a": 2}),
        (Cloning(), {}),
        (Watching(), {"a": 2}),
        (Ridge(), {"alpha": np.float64(2)}),
        (SVC(), {"class_weight": {0: 1}}),
        (GaussianNB(), {"priors": np.array([0.5, 0.5])}),
        (make_pipeline(Own(), SVC()), {"svc__C": 2}),
        (lightgbm.LGBMClassifier(), {"num_leaves": 3, "extra": 1}),
        (xgboost.XGBClassifier(), {"max_depth": 3, "extra": 1}),
        (requesting(), {"C": 2}),
        (FunctionTransformer().set_output(transform="pandas"), {}),
        (FrozenEstimator(Own()), {}),
    ],
)
def test_as_a_clone(template, params):
    """Type, attributes and parameters are those of a clone; nothing is shared."""
    ours, theirs = new_model(template, params), by_clone(template, params)
    assert type(ours) is type(theirs)
    assert repr(vars(ours)) == repr(vars(theirs))
    for value in params.values():
        if isinstance(value, list | dict | Own | np.ndarray):
            assert all(value is not held for held in vars(ours).values())
    if not isinstance(template, FrozenEstimator):
        assert ours is not template


@pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")
@pytest.mark.parametrize(
    "kind", [kind for _, kind in all_estimators()], ids=lambda kind: kind.__name__
)
def test_all_of_scikit_learns(kind):
    """Of every estimator of scikit-learn's a copy is a clone."""
    try:
        template = clone(kind())
    except TypeError:
        pytest.skip("needs arguments")
    assert repr(vars(new_model(template, {}))) == repr(vars(clone(template)))


def test_unknown_parameters():
    """The error is scikit-learn's."""
    with pytest.raises(ValueError, match="Invalid parameter 'c' for estimator"):
        new_model(Own(), {"c": 1})


def test_the_template_stays():
    """What a model becomes is not seen in the template, or in others."""
    template = RandomForestClassifier(n_estimators=2)
    model, other = new_model(template, {}), new_model(template, {"max_depth": 1})
    model.fit(np.eye(4), [0, 1, 0, 1])
    assert not hasattr(template, "estimators_")
    assert not hasattr(other, "estimators_")
