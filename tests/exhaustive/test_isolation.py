# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What one fit or score does is seen by no other, and by nobody outside the search."""

import copy
import pickle
import re
import warnings
from concurrent.futures import ThreadPoolExecutor

import dask
import dask.array as da
import dask.threaded
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import KFold, ShuffleSplit, cross_validate
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PolynomialFeatures,
    PowerTransformer,
    StandardScaler,
)

from gpu_hpo.model_selection import GridSearchCV
from tests.exhaustive.cases import DATA, STEPS, C
from tests.exhaustive.helpers import (
    GRID,
    RANDOMIZED,
    FailingClassifier,
    assert_as_theirs,
    assert_same_outcome,
    assert_same_results,
    fit_noting,
)
from tests.exhaustive.recording_steps import MODELS, CountedClassifier

X, y = DATA["two"]
LOGISTIC = {"C": [0.01, 0.1, 1.0]}
PLACES = ["synchronous", "threads", "threads_client", "processes_client"]


@pytest.fixture
def place(request):
    """A scheduler by name: a client's, if it is the name of a fixture."""
    name = request.param
    return request.getfixturevalue(name) if name.endswith("client") else name


everywhere = pytest.mark.parametrize("place", PLACES, indirect=True)


# ---- get functions ----


@pytest.mark.parametrize("client", ["threads_client", "processes_client"])
def test_get_of_a_client(client, request):
    """A client's `get` runs graph after graph, of one search and of the next."""
    client = request.getfixturevalue(client)
    graphs = []

    def get(graph, keys):
        graphs.append(len(graph))
        return client.get(graph, keys)

    for scheduler in (client.get, get):
        ours, _ = assert_as_theirs(
            STEPS,
            {"reduce__n_components": [1, 2], "classify__C": [0.1, 1.0]},
            (X, y),
            scheduler=scheduler,
            n_jobs=1,
            cv=4,
        )
        assert ours.error is None
    assert len(graphs) >= 3


@pytest.mark.parametrize("get", [dask.threaded.get, dask.get], ids=["threads", "here"])
def test_get_with_collections(get):
    """A `get` function of Dask's computes Dask arrays, and runs the fits."""
    theirs = GRID[1](STEPS, C, cv=3).fit(X, y)
    lazy = da.from_array(X, chunks=(30, 5)), da.from_array(y, chunks=30)
    ours = GridSearchCV(STEPS, C, cv=3, scheduler=get, n_jobs=2).fit(*lazy)
    assert_same_results(ours.cv_results_, theirs.cv_results_)


# ---- those who write on what they are given ----


class Writes(LogisticRegression):
    """Writes on its rows, labels and weights in "fit" or in "score"."""

    def __init__(self, at, C=1.0):
        super().__init__(C=C)
        self.at = at

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        if self.at == "fit":
            spoil(X, y, sample_weight)
        return self

    def score(self, X, y, sample_weight=None):
        found = super().score(X, y, sample_weight)
        if self.at == "score":
            spoil(X, y, sample_weight)
        return found


def spoil(X, y, sample_weight=None):
    """Write on arrays."""
    X *= -1
    y += 1
    if sample_weight is not None:
        sample_weight *= np.arange(len(sample_weight))


def writing_scorer(estimator, X, y):
    """A scorer that writes on the rows and the labels."""
    found = estimator.score(X, y)
    spoil(X, y)
    return found


def writing_metric(y_true, y_pred):
    """A metric that writes on the labels and the answers."""
    found = accuracy_score(y_true, y_pred)
    y_true += 1
    y_pred += 1
    return found


WRITERS = {
    "fit": (Writes("fit"), None),
    "score": (Writes("score"), None),
    "scorer": (LogisticRegression(), writing_scorer),
    "metric": (LogisticRegression(), make_scorer(writing_metric)),
    "metrics": (LogisticRegression(), {"a": make_scorer(writing_metric)}),
    "all": (Writes("fit"), writing_scorer),
}


@everywhere
@pytest.mark.filterwarnings("ignore:The scoring .* does not support sample_weight")
@pytest.mark.parametrize("piped", [False, True], ids=["alone", "last"])
@pytest.mark.parametrize("name", WRITERS)
def test_writers(name, piped, place):
    """Scores are scikit-learn's, and the user's rows, labels and weights unchanged."""
    estimator, scoring = WRITERS[name]
    prefix = ""
    if piped:
        estimator = Pipeline([("scale", StandardScaler()), ("last", estimator)])
        prefix = "last__"
    found = []
    for cls, own in zip(GRID, [{"scheduler": place}, {}], strict=True):
        given = [X.copy(), y.copy(), np.linspace(0.1, 2, len(X))]
        kept = copy.deepcopy(given)
        search = cls(
            estimator,
            {f"{prefix}C": [0.01, 1.0, 0.1]},
            cv=KFold(3),
            scoring=scoring,
            refit=False,
            # Of what it has itself written on while it was fitted, a model may score
            # what it likes.
            return_train_score=name not in ("fit", "all"),
            **own,
        )
        search.fit(*given[:2], **{f"{prefix}sample_weight": given[2]})
        for value, before in zip(given, kept, strict=True):
            np.testing.assert_array_equal(value, before)
        found.append(search.cv_results_)
    assert_same_results(*found)


class WritesOnList(LogisticRegression):
    """Writes on weights that are a list."""

    def __init__(self, C=1.0):
        super().__init__(C=C)

    def fit(self, X, y, sample_weight):
        super().fit(X, y, sample_weight)
        sample_weight[:] = [i % 7 for i in range(len(sample_weight))]
        return self


def test_list_that_is_written_on():
    """A list of weights is each fit's own, as an array is."""
    found = []
    for cls, own in zip(GRID, [{"scheduler": "synchronous"}, {}], strict=True):
        weights = np.linspace(0.1, 2, len(X)).tolist()
        grid = {"C": [0.01, 1.0, 0.1]}
        search = cls(WritesOnList(), grid, cv=KFold(3), refit=False, **own)
        found.append(search.fit(X, y, sample_weight=weights).cv_results_)
        assert weights == np.linspace(0.1, 2, len(X)).tolist()
    assert_same_results(*found)


# ---- what candidates are, and what they draw ----


@pytest.mark.parametrize("place", ["synchronous", "threads"], indirect=True)
@pytest.mark.parametrize("classes", [GRID, RANDOMIZED], ids=["grid", "randomized"])
def test_one_random_state(classes, place):
    """A random state of steps, splitter and search is drawn from as in scikit-learn."""
    found = []
    for cls, own in zip(classes, [{"scheduler": place}, {}], strict=True):
        state = np.random.RandomState(3)
        if classes is RANDOMIZED:
            own = {**own, "random_state": state, "n_iter": 3}
        steps = make_pipeline(
            PCA(3, svd_solver="randomized", random_state=state),
            SGDClassifier(max_iter=5, tol=None, random_state=state),
        )
        splitter = ShuffleSplit(3, test_size=0.3, random_state=state)
        grid = {"sgdclassifier__alpha": [1e-4, 1e-2, 0.1, 1.0]}
        found.append(fit_noting(cls(steps, grid, cv=splitter, **own), X, y))
    assert_same_outcome(*found)
    coefs = [outcome.search.best_estimator_[-1].coef_ for outcome in found]
    np.testing.assert_array_equal(*coefs)


class First(ClassifierMixin, BaseEstimator):
    """Predicts the class that `weights` has first."""

    def __init__(self, weights=None):
        self.weights = weights

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return np.full(len(X), next(iter(self.weights)))


def test_order_of_a_dict():
    """Dicts of another order are other parameters."""
    data = X[:20], np.arange(20) % 5 // 4
    grid = {"weights": [{0: 1, 1: 1}, {1: 1, 0: 1}]}
    ours, _ = assert_as_theirs(First(), grid, data, cv=2)
    assert len(set(ours.search.cv_results_["mean_test_score"])) == 2


def by_places(estimator, X, y=None):
    """Score by where there is no step, and what the steps are called."""
    steps = estimator.named_steps
    skipped = [name for name, step in steps.items() if step == "passthrough"]
    return sum(map(ord, "".join([*skipped, "-", *steps])))


PASSED = [
    {"a": ["passthrough"], "b": [StandardScaler()]},
    {"a": [StandardScaler()], "b": ["passthrough"]},
]
NAMED = {
    "steps": [
        [(name, StandardScaler()), ("last", LogisticRegression())] for name in "xyz"
    ]
}


@pytest.mark.parametrize("grid", [PASSED, NAMED], ids=["passthrough", "names"])
@pytest.mark.parametrize("scoring", [by_places, None], ids=["names", "score"])
def test_scorer_that_reads_names(grid, scoring):
    """Candidates that differ in names of steps only have each its own score."""
    steps = Pipeline(
        [
            ("a", StandardScaler()),
            ("b", StandardScaler()),
            ("last", LogisticRegression()),
        ]
    )
    ours, _ = assert_as_theirs(steps, grid, (X, y), cv=2, scoring=scoring)
    if scoring is not None:
        scores = ours.search.cv_results_["mean_test_score"]
        assert len(set(scores)) == len(scores)


def made_by_exec():
    """A function that belongs to no module."""
    known = {}
    exec("def two_times(X):\n    return 2 * X", known)
    assert known["two_times"].__module__ is None
    return known["two_times"]


@everywhere
def test_function_without_a_module(place):
    """A function that belongs to no module may be a step's."""
    steps = make_pipeline(FunctionTransformer(made_by_exec()), LogisticRegression())
    grid = {"logisticregression__C": [0.1, 1.0]}
    ours, _ = assert_as_theirs(steps, grid, (X, y), scheduler=place, cv=2)
    assert ours.error is None


@everywhere
def test_functions_where_dask_wants_them_named(place):
    """Functions may be parameters where Dask is to raise for what it cannot name."""
    steps = make_pipeline(FunctionTransformer(), LogisticRegression())
    shift = 2.0
    grid = {"functiontransformer__func": [lambda X: X**shift, lambda X: X - shift]}
    with dask.config.set({"tokenize.ensure-deterministic": True}):
        ours, _ = assert_as_theirs(steps, grid, (X, y), scheduler=place, cv=2)
    assert ours.error is None


class Ignores(FailingClassifier):
    """Has a parameter that it does not look at."""

    def __init__(self, max_iter=1, bias=0):
        super().__init__(bias=bias)
        self.max_iter = max_iter


@pytest.mark.parametrize("place", ["synchronous", "threads_client"], indirect=True)
def test_number_beyond_floats(place):
    """A number that no float can be is a parameter as any other."""
    grid = {"max_iter": [10**400, 5], "bias": [0, 1]}
    ours, _ = assert_as_theirs(Ignores(), grid, (X, y), scheduler=place)
    assert ours.error is None


# ---- composites ----


@pytest.mark.parametrize("place", ["synchronous", "threads"], indirect=True)
@pytest.mark.parametrize("columns", [[], [False] * 5], ids=["list", "mask"])
def test_composites_of_no_columns(columns, place):
    """A union and a column transformer that are given no columns are left out."""
    union = FeatureUnion([("p", PCA(1)), ("m", MinMaxScaler())])
    inner = ColumnTransformer([("s", StandardScaler(), [0])])
    outer = ColumnTransformer(
        [
            ("all", StandardScaler(), [0, 1, 2]),
            ("union", union, columns),
            ("inner", inner, columns),
        ]
    )
    steps = Pipeline([("columns", outer), ("last", LogisticRegression())])
    grid = {
        "columns__all__with_mean": [True, False],
        "columns__union__m__clip": [True, False],
        "last__C": [0.1, 1.0],
    }
    ours, _ = assert_as_theirs(
        steps, grid, (X, y), scheduler=place, cv=2, return_train_score=True
    )
    assert ours.error is None


# ---- what is there at a time ----


@pytest.mark.parametrize("piped", [False, True], ids=["alone", "last"])
@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_models_are_not_there_together(piped, scoring):
    """Of hundreds of models fitted in one thread, two are there at most."""
    MODELS.reset()
    estimator, name = CountedClassifier(), "share"
    if piped:
        estimator = make_pipeline(StandardScaler(), estimator)
        name = "countedclassifier__share"
    grid = {name: np.linspace(0, 1, 200)}
    options = {"cv": 2, "scoring": scoring, "scheduler": "synchronous"}
    GridSearchCV(estimator, grid, refit=False, **options).fit(X, y)
    assert MODELS.all == 400
    assert MODELS.most <= 2
    assert MODELS.left() == 0


# ---- copies of a search ----


@pytest.fixture(params=["threads_client", "processes_client", "executor"])
def shared(request):
    """What runs fits, and cannot be copied."""
    if request.param == "executor":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    else:
        yield request.getfixturevalue(request.param)


def test_copies(shared):
    """A clone has the same client or executor; a pickled search predicts without."""
    search = GridSearchCV(LogisticRegression(), LOGISTIC, scheduler=shared)
    for one in (search, search.fit(X, y)):
        copied = clone(one)
        assert copied.scheduler is one.scheduler is shared
        assert not hasattr(copied, "best_estimator_")
    for copied in (pickle.loads(pickle.dumps(search)), copy.deepcopy(search)):
        assert copied.scheduler is None
        np.testing.assert_array_equal(copied.predict(X), search.predict(X))
    assert search.scheduler is shared
    assert clone(search).fit(X, y).best_score_ == search.best_score_


def test_search_with_a_client_in_others(shared):
    """A search that has a client or an executor may be part of what copies it."""
    theirs = GRID[1](LogisticRegression(), LOGISTIC, cv=2)
    ours = GridSearchCV(LogisticRegression(), LOGISTIC, cv=2, scheduler=shared)
    found = [cross_validate(search, X, y, cv=3) for search in (ours, theirs)]
    np.testing.assert_array_equal(*(scores["test_score"] for scores in found))
    found = [
        cls(
            make_pipeline(StandardScaler(), inner),
            {"standardscaler__with_mean": [True, False]},
            cv=2,
        ).fit(X, y)
        for cls, inner in zip(GRID, (ours, theirs), strict=True)
    ]
    assert_same_results(*(search.cv_results_ for search in found))


@pytest.mark.parametrize("client", ["threads_client", "processes_client"])
def test_copies_with_get_of_a_client(client, request):
    """A search that has a client's `get` can be copied as one that has the client."""
    get = request.getfixturevalue(client).get
    search = GridSearchCV(LogisticRegression(), LOGISTIC, scheduler=get).fit(X, y)
    assert clone(search).scheduler == get
    copied = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(copied.predict(X), search.predict(X))


# ---- warnings, and what is printed ----


@everywhere
@pytest.mark.parametrize("iterations", [[1, 2], [1, 500]], ids=["all", "some"])
def test_warnings_that_are_errors(iterations, place):
    """A warning that is an error where the search is makes fits fail anywhere."""
    grid = {"max_iter": iterations}
    found = []
    for cls, own in zip(GRID, [{"scheduler": place}, {}], strict=True):
        search = cls(LogisticRegression(), grid, cv=2, refit=False, **own)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.simplefilter("error", ConvergenceWarning)
            if iterations[1] == 2:
                with pytest.raises(ValueError, match=r"All the 4 fits failed"):
                    search.fit(X, y)
                continue
            search.fit(X, y)
        assert [w.category.__name__ for w in caught][:1] == ["FitFailedWarning"]
        found.append(search.cv_results_)
    if found:
        assert_same_results(*found)
        assert np.isnan(found[0]["mean_test_score"]).tolist() == [True, False]


@pytest.mark.parametrize("place", ["synchronous", "threads"], indirect=True)
def test_filters_stay(place):
    """Fits that change the filters of warnings for a while leave them as they were."""
    before = list(warnings.filters)
    grid = {"max_depth": [1, 2, 3, 4], "criterion": ["gini", "entropy"]}
    trees = ExtraTreesClassifier(5, random_state=0)
    GridSearchCV(trees, grid, cv=3, n_jobs=4, scheduler=place).fit(X, y)
    assert list(warnings.filters) == before


@pytest.mark.parametrize("train", [False, True], ids=["test", "train"])
@pytest.mark.parametrize("scoring", [None, ["accuracy", "f1"]], ids=["one", "many"])
@pytest.mark.parametrize("at", ["some", "fit", "predict"])
@pytest.mark.parametrize("error_score", [np.nan, -1.0], ids=["nan", "number"])
def test_lines_of_failed_fits(capsys, at, error_score, scoring, train):
    """The lines about fits and scores that fail are scikit-learn's."""
    printed, found = [], []
    for cls, own in zip(GRID, [{"scheduler": "synchronous"}, {}], strict=True):
        search = cls(
            FailingClassifier(),
            {"at": [None, at], "bias": [0, 1]},
            cv=3,
            scoring=scoring,
            refit=False,
            error_score=error_score,
            return_train_score=train,
            verbose=3,
            **own,
        )
        found.append(fit_noting(search, X, y))
        out = re.sub(r"time= *[0-9.]+(s|min)", "time=", capsys.readouterr().out)
        printed.append(sorted(re.sub(r"\.{2,}", "..", out).splitlines()))
    assert printed[0] == printed[1]
    assert len(printed[0]) == 13
    assert_same_outcome(*found)


class Noisy(BaseEstimator, TransformerMixin):
    """Adds what it draws, from a state that its fit makes."""

    def __init__(self, size=0.5):
        self.size = size

    def fit(self, X, y=None):
        self.random_ = np.random.RandomState(0)
        return self

    def transform(self, X):
        return X + self.size * self.random_.normal(size=X.shape)


def _accuracy(estimator, X, y):
    return accuracy_score(y, estimator.predict(X))


@pytest.mark.parametrize("nested", [False, True])
def test_parts_that_are_alike(nested):
    """Parts that are alike and draw are fitted once, and draw each for itself."""
    second = FeatureUnion([("noise", Noisy()), ("scale", MinMaxScaler())])
    union = FeatureUnion([("a", Noisy()), ("b", second if nested else Noisy())])
    model = make_pipeline(union, LogisticRegression())
    grid = {"featureunion__a__size": [0.5, 1.0]}
    options = {"cv": 3, "scoring": _accuracy, "return_train_score": True}
    theirs = GRID[1](model, grid, **options).fit(X, y)
    ours = GridSearchCV(model, grid, scheduler="synchronous", **options).fit(X, y)
    assert_same_results(ours.cv_results_, theirs.cv_results_)


GAPS = np.where(np.random.RandomState(0).rand(*X.shape) < 0.1, np.nan, X)


@pytest.mark.parametrize("first", [True, False])
def test_part_that_fails_but_for_another(first):
    """A part that fails on the rows as they are sees what the one before has filled in.

    After it, it fails, as in scikit-learn.
    """
    parts = [("fill", SimpleImputer(copy=False)), ("more", PolynomialFeatures(2))]
    union = FeatureUnion(parts if first else parts[::-1])
    model = make_pipeline(union, LogisticRegression(max_iter=20))
    ours, _ = assert_as_theirs(
        model,
        {"logisticregression__C": [0.1, 1.0]},
        (GAPS, y),
        scheduler="synchronous",
        cv=3,
        refit=False,
    )
    assert (ours.error is None) == first


def test_warnings_beside_a_part_that_fails():
    """What parts have warned of is said, though one after them fails."""
    union = FeatureUnion([("empty", WarningStep()), ("fails", PolynomialFeatures(2))])
    search = GridSearchCV(
        make_pipeline(union, LogisticRegression()), C, cv=2, scheduler="synchronous"
    )
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="fits failed"):
            search.set_params(param_grid={"logisticregression__C": [1.0]}).fit(GAPS, y)
    assert any("of the first part" in str(item.message) for item in found)


class WarningStep(FunctionTransformer):
    """Warns when it is fitted."""

    def fit(self, X, y=None):
        warnings.warn("of the first part", RuntimeWarning)
        return super().fit(X, y)


@pytest.mark.parametrize("place", ["synchronous", "threads"])
def test_several_scorers_of_steps_that_write(place):
    """Steps that write on their rows are given them anew for each method and scorer."""
    scoring = {
        "auc": "roc_auc",
        "f1": "f1_macro",
        "own": _accuracy,
        "loss": "neg_log_loss",
    }

    def searched(copied):
        model = make_pipeline(
            MinMaxScaler(copy=copied),
            PowerTransformer(copy=copied),
            LogisticRegression(),
        )
        search = GridSearchCV(
            model,
            {"logisticregression__C": [0.01, 1.0]},
            scoring=scoring,
            refit=False,
            cv=3,
            scheduler=place,
        )
        return search.fit(X, y).cv_results_

    assert_same_results(searched(False), searched(True))
