# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Wrapped models in searches, and as stacks."""

import dask.array as da
import numpy as np
import pytest
from scipy.stats import loguniform, uniform
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, SGDClassifier

from gpu_hpo import linear_model, neural_network
from gpu_hpo.datasets import make_classification
from gpu_hpo.devices import convert
from gpu_hpo.exceptions import NoCounterpartError
from gpu_hpo.model_selection import HyperbandSearchCV, train_test_split
from gpu_hpo.stacks._contract import fits_together, stack_key
from gpu_hpo.testing import check_stackable
from gpu_hpo.wrappers import Incremental, ParallelPostFit
from tests.wrappers.helpers import make_data

WRAPPERS = [ParallelPostFit, Incremental]


def make_search(estimator, space=None, **options):
    options = {"max_iter": 9, "random_state": 0, "chunk_size": 50} | options
    space = {"estimator__alpha": loguniform(1e-5, 1e1)} if space is None else space
    return HyperbandSearchCV(estimator, space, **options)


def test_the_guide(threads_client):
    """dask-ml's example of ParallelPostFit in its page on hyper-parameter search."""
    X, y = make_classification(chunks=20, random_state=0)
    X_train, X_test, y_train, y_test = train_test_split(X, y)
    params = {
        "estimator__alpha": loguniform(1e-2, 1e0),
        "estimator__l1_ratio": uniform(0, 1),
    }
    est = ParallelPostFit(SGDClassifier(tol=1e-3, random_state=0))
    search = HyperbandSearchCV(est, params, max_iter=9, random_state=0)
    search.fit(X_train, y_train, classes=[0, 1])
    assert 0 <= search.score(X_test, y_test) <= 1
    assert set(search.best_params_) == set(params)
    assert isinstance(search.best_estimator_, ParallelPostFit)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_same_search(threads_client, wrapper):
    """A wrapped model is trained, scored and found like the model itself."""
    X, y = make_data()
    bare = make_search(
        SGDClassifier(random_state=0), {"alpha": loguniform(1e-5, 1e1)}
    ).fit(X, y)
    search = make_search(wrapper(SGDClassifier(random_state=0))).fit(X, y)
    assert search.best_score_ == bare.best_score_
    assert search.best_params_ == {"estimator__alpha": bare.best_params_["alpha"]}
    assert list(search.classes_) == [0, 1]
    assert search.n_features_in_ == X.shape[1]
    best = search.best_estimator_
    lazy = da.from_array(X, chunks=(50, 2))
    expected = bare.predict(X)
    for model in (search, best):
        np.testing.assert_array_equal(model.predict(X), expected)
        assert isinstance(model.predict(lazy), da.Array)
        np.testing.assert_array_equal(model.predict(lazy).compute(), expected)
        assert model.score(lazy, y) == bare.score(X, y)
    if wrapper is ParallelPostFit:
        with pytest.raises(NotFittedError):
            search.estimator.predict(X)


def test_metas_of_a_search(threads_client):
    """predict_meta of a search says what its predict gives."""
    X, y = make_data()
    search = make_search(SGDClassifier(), {"alpha": loguniform(1e-5, 1e1)})
    search.set_params(predict_meta=np.array([1], np.int8)).fit(X, y)
    assert search.predict(da.from_array(X, chunks=(50, 5))).dtype == np.int8


# ---- stacks ----


def models(wrapper, kind, **params):
    seeds = (0, np.random.RandomState(3), 2, np.random.RandomState(5))
    return [
        wrapper(kind(alpha=alpha, random_state=seed, **params))
        for alpha, seed in zip((0.1, 0.01, 0.001, 1.0), seeds, strict=True)
    ]


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (linear_model.SGDClassifier, {"loss": "log_loss", "average": True}),
        (linear_model.SGDRegressor, {}),
        (neural_network.MLPClassifier, {"hidden_layer_sizes": (3,)}),
    ],
)
def test_stackable(wrapper, kind, params):
    """Wrapped models that share a stack come out as if trained alone."""
    X, y = make_data(200)
    given = {} if kind is linear_model.SGDRegressor else {"classes": [0, 1]}
    check_stackable(models(wrapper, kind, **params), X, y, **given)
    check_stackable(
        [ParallelPostFit(model) for model in models(wrapper, kind, **params)],
        X,
        y,
        **given,
    )


def test_who_is_fitted_together():
    """Wrappers whose fit is that of the model inside are fitted together as it is."""
    model = linear_model.SGDClassifier()
    assert fits_together(ParallelPostFit(model))
    assert fits_together(ParallelPostFit(ParallelPostFit(model)))
    # Goes once through each block.
    assert not fits_together(Incremental(model))
    assert not fits_together(ParallelPostFit(Incremental(model)))
    assert not fits_together(ParallelPostFit(LogisticRegression()))


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_who_shares_a_stack(wrapper):
    """Wrappers may share a stack if what they wrap may, and are of one class."""
    ours = wrapper(linear_model.SGDClassifier(alpha=1.0))
    assert stack_key(ours) == stack_key(
        wrapper(linear_model.SGDClassifier(alpha=2.0), scoring="accuracy")
    )
    assert stack_key(ours) != stack_key(wrapper(linear_model.SGDRegressor()))
    assert stack_key(ours) != stack_key(linear_model.SGDClassifier(alpha=1.0))
    assert stack_key(wrapper(SGDClassifier())) is None
    assert stack_key(wrapper()) is None


def test_wrappers_come_out_of_a_stack():
    """Each keeps its own parameters, and what it was made of stays unfitted."""
    X, y = make_data(200)
    made = [
        ParallelPostFit(linear_model.SGDRegressor(random_state=0), scoring=scoring)
        for scoring in ("r2", "max_error", None)
    ]
    stack = ParallelPostFit.stack(made)
    stack.partial_fit(X, y)
    out = stack.take([2, 0]).unstack()
    assert [model.scoring for model in out] == [None, "r2"]
    assert all(model.n_features_in_ == X.shape[1] for model in out)
    assert not any(hasattr(model, "coef_") for model in made)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_stacks_in_searches(threads_client, monkeypatch, wrapper):
    """A search trains wrapped models in stacks, with the same result as one by one."""
    X, y = make_data()
    sizes = []
    stack = wrapper.stack.__func__

    def noting(cls, members):
        sizes.append(len(members))
        return stack(cls, members)

    monkeypatch.setattr(ParallelPostFit, "stack", classmethod(noting))
    estimator = wrapper(linear_model.SGDClassifier(random_state=0))
    found = [
        make_search(estimator, stack=together, scoring=scoring).fit(X, y)
        for scoring in ("accuracy", None)
        for together in (True, False)
    ]
    assert max(sizes) > 1
    for search in found[1:]:
        assert search.best_params_ == found[0].best_params_
        np.testing.assert_array_equal(
            search.cv_results_["test_score"], found[0].cv_results_["test_score"]
        )
    assert isinstance(found[0].best_estimator_, wrapper)


# ---- devices ----


def test_what_is_wrapped_is_converted():
    """On a device, what a wrapper holds is replaced, in a wrapper like it."""
    pytest.importorskip("cuml")
    wrapper = ParallelPostFit(LogisticRegression(C=3.0), scoring="accuracy")
    there = convert(wrapper, "cuda")
    assert type(there.estimator).__module__.startswith("cuml.")
    assert (there.estimator.C, there.scoring) == (3.0, "accuracy")
    assert type(wrapper.estimator) is LogisticRegression
    back = convert(there, "cpu")
    assert type(back.estimator) is LogisticRegression
    for device in ("cpu", "cuda"):
        ours = Incremental(linear_model.SGDClassifier())
        assert convert(ours, device) is ours
    with pytest.raises(NoCounterpartError, match="SGDClassifier has no counterpart"):
        convert(Incremental(SGDClassifier()), "cuda")
