# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How ours and the reference are fitted and compared."""

# A piece of the text that scripts begin with: the names are those of the pieces before.
# ruff: noqa: F821

# ---- fits and what comes of them ----


class Given:
    """All that a search is given, made anew for each."""

    def __init__(self, estimator, space, X, y=None, fit=None, **options):
        self.estimator = estimator
        self.space = space
        self.options = options
        self.X = X
        self.y = y
        self.fit = fit or {}

    def search(self, cls, **more):
        return cls(self.estimator, self.space, **self.options, **more)

    def parts(self, consumed):
        """What must not change."""
        options = {
            name: value
            for name, value in self.options.items()
            if not (consumed and name in ("cv", "random_state"))
        }
        return {
            "X": self.X,
            "y": self.y,
            "the parameters of fit": self.fit,
            "the estimator": self.estimator,
            "the space": self.space,
            "options": options,
        }


def fit(search, given, warn=True):
    """Fit a search, and give what can be compared."""
    found = {"error": None, "warnings": None}
    data = (given.X,) if given.y is None else (given.X, given.y)
    # scikit-learn's last fit may write on what it gets.
    rows = documented_data(copy.deepcopy(given.X))

    def go():
        try:
            search.fit(*data, **given.fit)
        except Exception as error:
            found["error"] = told(error)

    if warn:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            go()
        # A busy machine has Dask's threads say so at any time.
        caught = [w for w in caught if not OF_DASK.search(w.filename)]
        # Which scikit-learn has no need to say.
        caught = [w for w in caught if "run one at a time" not in str(w.message)]
        found["warnings"] = sorted({w.category.__name__ for w in caught})
        found["said"] = [f"{w.category.__name__}: {w.message}"[:300] for w in caught]
    else:
        go()
    if found["error"] is not None:
        return found
    columns = {
        name: column
        for name, column in search.cv_results_.items()
        if not name.endswith("_time") and not name.startswith("param")
    }
    found["names"] = list(search.cv_results_)
    found["params"] = repr_of(search.cv_results_["params"])
    found["columns"] = columns
    found["choice"] = {
        name: repr_of(getattr(search, name, None))
        for name in ("best_index_", "best_params_", "n_splits_", "multimetric_")
    }
    found["best_score_"] = getattr(search, "best_score_", None)
    ours_alone = {"device_", "stopped_"}
    names = vars(search).keys() - ours_alone
    found["attributes"] = sorted(n for n in names if n.endswith("_"))
    found["answers"] = answers(search, rows)
    return found


def repr_of(value):
    return ADDRESS.sub("0x", repr(value))


def answers(search, X):
    """What the refitted model says of all rows."""
    found = {}
    if not hasattr(search, "best_estimator_"):
        return found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ANSWERS:
            if hasattr(search, name):
                # A transformer that draws has drawn as often as it has been asked.
                model = copy.deepcopy(search.best_estimator_)
                try:
                    found[name] = getattr(model, name)(copy.deepcopy(X))
                except Exception as error:
                    found[name] = repr_of(error)
    return found


def own_differences(ours, theirs, between, tol=1e-13):
    """Compare two outcomes of one search: to the bit, but for what BLAS rounds anew.

    LAPACK may give other last bits from run to run, by where in memory arrays lie.
    """
    found = differences_of(ours, theirs, between)
    if not found or differences_of(ours, theirs, between, tol):
        return found
    _shared.setdefault("counts", collections.Counter())["rounded otherwise"] += 1
    return []


def differences_of(ours, theirs, between, tol=0.0, counts=None):
    """Compare two outcomes; pairs of kind and text."""
    out = []

    def differ(what, a, b):
        out.append((f"{what}: {between}", f"{short(a)} instead of {short(b)}"))

    if ours["error"] != theirs["error"]:
        of_any = ours["error"] in theirs.get("errors", ())
        what = "error of another candidate" if of_any else "error"
        differ(what, ours["error"], theirs["error"])
        return out
    if ours["error"] is not None:
        return out  # what was warned of before it depends on the order of tasks
    if ours["warnings"] is not None and ours["warnings"] != theirs["warnings"]:
        differ("warnings", ours["said"], theirs["said"])
    for name in ("names", "params", "attributes"):
        if ours[name] != theirs[name]:
            differ(name, ours[name], theirs[name])
    exact = True
    for name, column in theirs["columns"].items():
        mine = ours["columns"].get(name)
        if name.startswith("rank_") or same(mine, column):
            continue
        exact = False
        if not same(mine, column, tol):
            differ(re.sub(r"^split\d+", "splits", name), mine, column)
    if counts is not None:
        counts["equal to the bit" if exact else "not equal to the bit"] += 1
    if out:
        return list(dict(out[::-1]).items())[::-1]
    if not exact and any(
        not same(ours["columns"][name], column)
        for name, column in theirs["columns"].items()
        if name.startswith("rank_")
    ):
        # A tie, but for rounding: who wins is chance.
        if counts is not None:
            counts["ranks by rounding"] += 1
        return out
    for name, column in theirs["columns"].items():
        if name.startswith("rank_") and not same(ours["columns"][name], column):
            differ("rank", ours["columns"][name], column)
    for name, value in theirs["choice"].items():
        if ours["choice"][name] != value:
            differ(name, ours["choice"][name], value)
    if not same(ours["best_score_"], theirs["best_score_"], tol):
        differ("best_score_", ours["best_score_"], theirs["best_score_"])
    for name in theirs["answers"].keys() | ours["answers"].keys():
        mine, value = (o["answers"].get(name) for o in (ours, theirs))
        # Rounding grows from a model's coefficients to its answers.
        if not same(mine, value, 1e3 * tol):
            differ(f"answers of {name}", mine, value)
    return out


def short(value):
    text = " ".join(repr_of(value).split())
    return text if len(text) < 400 else f"{text[:300]} ... {text[-90:]}"


def scheduler_of(name):
    """Give options of a search; a client is one that all cases of a run share."""
    if name == "one job":
        return {"n_jobs": 1}
    if not name.endswith("client"):
        return {"scheduler": None if name == "default" else name}
    if name not in _shared:
        from distributed import Client, LocalCluster

        processes = name.startswith("processes")
        cluster = LocalCluster(
            n_workers=2 if processes else 1,
            threads_per_worker=1 if processes else 4,
            processes=processes,
            host="127.0.0.1" if processes else None,
            dashboard_address=None,
            silence_logs=50,
        )
        _shared[name] = Client(cluster, set_as_default=False)
    return {"scheduler": _shared[name]}


def compare(
    build,
    *,
    randomized=False,
    schedulers=("default",),
    traits=(),
    tol=1e-12,
    config=None,
    own=None,
    twice=True,
    at_once=False,
    plain=False,
):
    """Fit ours in all ways and scikit-learn's; pairs of kind and text.

    Parameters
    ----------
    build : callable
        Gives what a search is given; each time the same, and anew.
    traits : sequence of str
        Of the case: "consumed" if a second fit finds other splits or candidates.
    own : dict or None
        Options of our search only.
    plain : bool
        Whether scikit-learn's is compared to itself without the documented rules.
    """
    with sklearn.config_context(**(config or {})):
        return _compare(
            build, randomized, schedulers, traits, tol, own or {}, twice, at_once, plain
        )


def _compare(build, randomized, schedulers, traits, tol, *how):
    found = _differences(build, randomized, schedulers, traits, tol, *how)
    if any(kind.startswith(_OF_NUMBERS) for kind, _ in found):
        their = sk.RandomizedSearchCV if randomized else sk.GridSearchCV
        given = build()
        given.X = documented_data(given.X)
        with as_documented():
            theirs = fit(given.search(their, n_jobs=1), given, warn=False)
        grown = min(100 * amplified(build, their, theirs), 1e-2)
        if grown > tol:
            # Which bits are the last is for LAPACK and layouts in memory to say.
            _shared["counts"]["much made of last bits"] += 1
            traits = [*traits, "ill"]
            found = _differences(build, randomized, schedulers, traits, grown, *how)
    return found


_OF_NUMBERS = ("splits_", "mean_", "std_", "rank", "best_", "answers")


def _differences(
    build, randomized, schedulers, traits, tol, more, twice, at_once, plain
):
    own = functools.partial(RandomizedSearchCV if randomized else GridSearchCV, **more)
    their = sk.RandomizedSearchCV if randomized else sk.GridSearchCV
    counts = _shared.setdefault("counts", collections.Counter())
    consumed = "consumed" in traits
    own_tol = tol if "ill" in traits else 1e-13
    found = []
    given = build()
    given.X = documented_data(given.X)
    with as_documented():
        theirs = fit(given.search(their, n_jobs=1), given)
    used_by_theirs = given.options
    if plain:
        given = build()
        as_is = fit(given.search(their, n_jobs=1), given)
        found += own_differences(theirs, as_is, "the rules and scikit-learn", own_tol)
    outcomes = {}
    for name in ("synchronous", *schedulers):
        given = build()
        before = {part: kept(value) for part, value in given.parts(consumed).items()}
        search = given.search(own, **scheduler_of(name))
        outcomes[name] = fit(search, given)
        found += changes(before, given, consumed, name)
        for option in ("cv", "random_state"):
            if consumed and not same(
                given.options.get(option), used_by_theirs.get(option)
            ):
                found.append((f"{option} used otherwise", name))
        if twice and not consumed and name == schedulers[0]:
            again = fit(search, given)
            found += own_differences(
                again, outcomes[name], "second and first fit", own_tol
            )
            found += changes(before, given, consumed, f"{name}, second fit")
    if theirs["error"] is not None:
        given = build()
        given.X = documented_data(given.X)
        with as_documented():
            theirs["errors"] = errors_of_all(given.search(their, n_jobs=1), given)
    for outcome in outcomes.values():
        outcome["errors"] = theirs.get("errors", ())
    first = outcomes.pop("synchronous")
    found += differences_of(first, theirs, "ours and scikit-learn's", tol, counts)
    for name, outcome in outcomes.items():
        found += own_differences(outcome, first, f"{name} and synchronous", own_tol)
    if at_once and not consumed:
        found += two_at_once(build, own, first, own_tol)
    return found


def amplified(build, their, theirs):
    """Give how far scikit-learn's scores move if rows move by their last bits.

    Columns that depend on each other, transformations that search for an optimum and
    answers far from the rows that trained make much of little.

    Returns
    -------
    float
        The largest difference, relative where that is less; 0.0 of rows of other kinds.
    """
    given = build()
    if not (isinstance(given.X, np.ndarray) or sp.issparse(given.X)):
        return 0.0
    if given.X.dtype.kind != "f":
        return 0.0
    given.X = documented_data(given.X * (1 + 2**-52))
    with as_documented():
        moved = fit(given.search(their, n_jobs=1), given, warn=False)
    most = 0.0
    for name, column in theirs.get("columns", {}).items():
        column = np.asarray(column)
        other = moved.get("columns", {}).get(name)
        if column.dtype.kind == "f" and np.shape(other) == column.shape:
            with np.errstate(invalid="ignore"):
                far = np.abs(other - column) / (1 + np.abs(column))
            most = max(most, float(np.nanmax(far, initial=0.0)))
    return most


def changes(before, given, consumed, name):
    """What of the user's is no longer as it was."""
    after = given.parts(consumed)
    return [
        (f"{part} changed", f"scheduler: {name}")
        for part, value in before.items()
        if not same(after[part], value)
    ]


def two_at_once(build, own, first, tol):
    """Two searches that share all that they are given, each in a thread."""
    given = build()
    before = {part: kept(value) for part, value in given.parts(False).items()}
    outcomes = [None, None]
    gate = threading.Barrier(2)

    config = sklearn.get_config()  # which is each thread's own

    def go(place):
        with sklearn.config_context(**config):
            search = given.search(own)
            gate.wait()
            outcomes[place] = fit(search, given, warn=False)

    threads = [threading.Thread(target=go, args=(i,)) for i in range(2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = []
    for outcome in outcomes:
        found += own_differences(outcome, first, "two at once and one", tol)
    return found + changes(before, given, False, "two at once")


def report(differences):
    """Print differences, unless this is one of many cases."""
    if _shared.get("quiet"):
        return
    for kind, text in differences:
        print(f"{kind}\n    {text}")
    print(f"{len(differences)} differences")
