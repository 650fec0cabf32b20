# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's search by the documented rules, and what is the same."""

# A piece of the text that scripts begin with: the names are those of the pieces before.
# ruff: noqa: F821

# ---- sameness ----

_within = []  # objects that are being compared, which may hold themselves


def same(a, b, tol=0.0):
    """Whether two values of whatever kind are equal, objects by what they hold."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(b, dict):
        return list(map(str, a)) == list(map(str, b)) and all(
            same(v, w, tol) for v, w in zip(a.values(), b.values(), strict=True)
        )
    if isinstance(b, (list, tuple)):
        return (
            list.__len__(a) == list.__len__(b)
            if isinstance(b, LockedLog)
            else (
                len(a) == len(b)
                and all(same(v, w, tol) for v, w in zip(a, b, strict=True))
            )
        )
    if sp.issparse(b):
        return all(
            same(getattr(a, name), getattr(b, name), tol)
            for name in ("data", "indices", "indptr")
        ) and (a.shape == b.shape)
    if isinstance(b, np.random.RandomState):
        return same(a.get_state(), b.get_state())
    if isinstance(b, (pd.DataFrame, pd.Series)):
        return a.equals(b) and a.index.equals(b.index)
    if isinstance(b, np.ndarray):
        if (a.dtype, a.shape) != (b.dtype, b.shape):
            return False
        if b.dtype == object:
            return all(
                same(v, w, tol) for v, w in zip(a.ravel(), b.ravel(), strict=True)
            )
        if tol and b.dtype.kind in "fc":
            return np.allclose(a, b, rtol=tol, atol=tol, equal_nan=True)
        return np.array_equal(a, b, equal_nan=b.dtype.kind in "fc")
    if isinstance(b, (float, np.floating)):
        return bool(a == b or (a != a and b != b) or abs(a - b) <= tol * (1 + abs(b)))
    if isinstance(b, types.MethodType):
        return same(a.__func__, b.__func__) and same(a.__self__, b.__self__)
    if isinstance(b, rv_frozen):
        # Which holds NumPy's global state.
        return same((a.args, a.kwds), (b.args, b.kwds))
    if isinstance(b, (types.FunctionType, type, threading.Thread)):
        return getattr(a, "__qualname__", a) == getattr(b, "__qualname__", b)
    if isinstance(b, np.random.Generator):
        return same(a.bit_generator.state, b.bit_generator.state)
    if hasattr(b, "__dict__") and type(b).__eq__ is object.__eq__:
        if id(b) in _within:
            return True
        _within.append(id(b))
        try:
            return same(vars(a), vars(b), tol)
        finally:
            _within.pop()
    if type(b).__eq__ is object.__eq__:
        return True
    return bool(a == b)


def kept(value):
    """A copy to compare with later; of what cannot be copied, itself."""
    if isinstance(value, types.GeneratorType):
        return value
    try:
        return copy.deepcopy(value)
    except TypeError:
        return value


# ---- scikit-learn's search by the documented rules ----


@contextmanager
def patched(*changes):
    """Set attributes for a while."""
    before = [(place, name, getattr(place, name)) for place, name, _ in changes]
    try:
        for place, name, value in changes:
            setattr(place, name, value)
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)


def errors_of_all(search, given):
    """Give the errors of all fits, of which a search raises the first that it meets."""
    found = []
    fit_and_score = sk_search._fit_and_score

    def go_on(*args, scorer, return_train_score, **more):
        try:
            return fit_and_score(
                *args, scorer=scorer, return_train_score=return_train_score, **more
            )
        except Exception as error:
            found.append(told(error))
        names = getattr(scorer, "_scorers", None)
        score = 0.0 if names is None else dict.fromkeys(names, 0.0)
        times = {"fit_time": 0.0, "score_time": 0.0, "n_test_samples": 1}
        scores = {"test_scores": score, "train_scores": score}
        return {**times, **scores, "fit_error": None}

    with patched((sk_search, "_fit_and_score", go_on)):
        fit(search.set_params(refit=False), given)
    return found


def told(error):
    """Give type and text of an error, but for what is not the same in two runs."""
    text = TRACEBACK.sub("Traceback\n", ADDRESS.sub("0x", str(error)))
    # Of a pipeline's prefix that is shared, only the last steps are there to be asked.
    text = re.sub(r"^\w+ has none of the following", "It has none of", text)
    # What stands in a set has another order in each process.
    text = re.sub(r"\{('[^{}]*)\}", lambda m: str(sorted(m[1].split(", "))), text)
    if re.match(r"\s*All the \d+ fits failed", text):
        text = text.strip().split("\n\n")[0]  # what each says follows
    return type(error).__name__, text


@contextmanager
def as_documented():
    """Patch what is meant to differ into scikit-learn's searches.

    Each fit has its own copy of the parameters of `fit`, each scoring one of the
    scorer; the rows that trained are scored as they were; means that are not finite
    rank last; for several scorers the rows are transformed once, and what they raise
    before the first of them is called is the candidate's failure.
    """
    cuts = []
    fit_and_score = sk_search._fit_and_score
    safe_split, score = sk_validation._safe_split, sk_validation._score

    def own_copies(*args, fit_params, score_params, **more):
        cuts.clear()
        own = {
            "fit_params": {name: kept(v) for name, v in (fit_params or {}).items()},
            "score_params": {name: kept(v) for name, v in (score_params or {}).items()},
        }
        return fit_and_score(*args, **own, **more)

    def note_cut(*args, **more):
        X, y = safe_split(*args, **more)
        cuts.append((X, copy.deepcopy((X, y))))
        return X, y

    def score_as_cut(estimator, X, y, scorer, *args, **more):
        for cut, before in cuts:
            if cut is X:
                X, y = before
        return score(estimator, X, y, kept(scorer), *args, **more)

    def last(means, fill_value):
        finite = np.isfinite(means)
        worst = means[finite].min() - 1 if finite.any() else 0.0
        return np.where(finite, means, worst)

    score_all = sk_scorer._MultimetricScorer.__call__

    cached_call = sk_scorer._cached_call
    start, asked = [], []

    def call_as_fitted(cache, estimator, method, X, *args, **more):
        # What draws as it transforms, or writes, gives every method the same rows.
        if start:
            given, model, before = start
            estimator = copy.deepcopy(model) if asked else estimator
            X = copy.deepcopy(before) if X is given else X
            asked.append(True)
        return cached_call(cache, estimator, method, X, *args, **more)

    def score_or_fail(self, estimator, X, *args, **more):
        start[:], asked[:] = [X, kept(estimator), copy.deepcopy(X)], []
        try:
            return score_all(self, estimator, X, *args, **more)
        except Exception:
            if self._raise_exc:
                raise
            return dict.fromkeys(self._scorers, traceback.format_exc())
        finally:
            start.clear()

    format_results = sk_search.BaseSearchCV._format_results

    def format_quietly(*args, **more):
        with np.errstate(invalid="ignore"):  # for infinite scores
            return format_results(*args, **more)

    xpx = types.SimpleNamespace(nan_to_num=last)
    with patched(
        (sk_search, "_fit_and_score", own_copies),
        (sk_validation, "_safe_split", note_cut),
        (sk_validation, "_score", score_as_cut),
        (sk_search, "xpx", xpx),
        (sk_search.BaseSearchCV, "_format_results", format_quietly),
        (sk_scorer._MultimetricScorer, "__call__", score_or_fail),
        (sk_scorer, "_cached_call", call_as_fitted),
    ):
        yield


def documented_data(X):
    """Give the rows as a model of ours gets them: sorted, and free to be written."""
    if sp.issparse(X) and hasattr(X, "sorted_indices"):
        return X.sorted_indices()
    if isinstance(X, np.ndarray) and not X.flags.writeable:
        return copy.deepcopy(X)
    return X
