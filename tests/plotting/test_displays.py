# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Pictures show the numbers of the search, on any background, without settings."""

import itertools
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from gpu_hpo.plotting import (
    BestScoreDisplay,
    HeatmapDisplay,
    ImportanceDisplay,
    LearningCurvesDisplay,
    ParametersDisplay,
    TimelineDisplay,
)
from gpu_hpo.plotting._best_score import expected_best
from gpu_hpo.plotting._style import palette, set_calls_axis
from gpu_hpo.plotting._values import parameter_axis
from tests.plotting.fitted import (
    EVERY_SEARCH,
    MAKERS,
    SELDOM,
    STOP_EARLY,
    Fails,
    X,
    fitted,
    y,
)

pytestmark = pytest.mark.usefixtures("threads_client", "close_figures")
ALL = (
    LearningCurvesDisplay,
    BestScoreDisplay,
    ParametersDisplay,
    ImportanceDisplay,
    TimelineDisplay,
    HeatmapDisplay,
)


@pytest.fixture
def close_figures():
    yield
    plt.close("all")


def drawn(name):
    """All displays of a search; the reason instead of those that cannot be drawn."""
    found = {}
    for display in ALL:
        try:
            found[display.__name__] = display.from_search(fitted(name))
        except ValueError as error:
            found[display.__name__] = str(error)
    return found


def contrast(first, second):
    """Contrast of two colours by WCAG 2, from 1 to 21."""

    def luminance(color):
        parts = np.array(to_rgb(color))
        linear = np.where(
            parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4
        )
        return np.dot(linear, (0.2126, 0.7152, 0.0722))

    high, low = sorted([luminance(first), luminance(second)], reverse=True)
    return (high + 0.05) / (low + 0.05)


# ---- what is drawn ----


@pytest.mark.parametrize("name", STOP_EARLY)
def test_learning_curves_are_the_history(name):
    """A curve has the calls and scores of its model, and lines are drawn of them."""
    search = fitted(name)
    display = LearningCurvesDisplay.from_search(search)
    assert len(display.curves) == len(search.cv_results_["params"])
    for curve in display.curves:
        entries = search.model_history_[curve["label"]]
        assert curve["calls"].tolist() == [e["partial_fit_calls"] for e in entries]
        assert curve["scores"].tolist() == [e["score"] for e in entries]
    lines = [
        line
        for kind in ("dropped", "completed")
        for collection in display.lines_[kind]
        for line in collection.get_segments()
    ]
    assert len(lines) == len(display.curves) - 1
    (best,) = display.lines_["best"]
    assert best.get_ydata()[-1] == search.best_score_
    assert "best: alpha=" in "".join(
        text.get_text() for text in display.figure_.findobj(plt.Text)
    )


def test_a_panel_for_each_bracket():
    """Brackets have a panel each, with the trials of the bracket only."""
    search = fitted("hyperband")
    display = LearningCurvesDisplay.from_search(search)
    assert len(display.axes_) == len(search.metadata_["brackets"]) > 1
    for panel, bracket in zip(
        display.axes_, search.metadata_["brackets"][::-1], strict=True
    ):
        text = panel.get_title() or panel.get_title("center")
        assert text == f"bracket {bracket['bracket']}: {bracket['n_models']} trials"


def test_expected_best_is_the_mean_over_all_draws():
    """The curve of random search is the mean maximum over all sets of k trials."""
    scores = np.sort(np.random.default_rng(0).normal(size=7))
    for k, value in enumerate(expected_best(scores), start=1):
        draws = [max(draw) for draw in itertools.combinations(scores, k)]
        assert value == pytest.approx(np.mean(draws))
    many = expected_best(np.sort(np.random.default_rng(0).normal(size=2000)))
    assert np.isfinite(many).all()


def test_best_score_by_calls_passes_and_seconds():
    """What was spent is what the search counted, and random search pays in full."""
    search = fitted("hyperband")
    calls = BestScoreDisplay.from_search(search)
    assert calls.spent[-1] == search.metadata_["partial_fit_calls"]
    assert calls.random_spent.tolist() == [
        9 * k for k in range(1, len(calls.random_spent) + 1)
    ]
    assert calls.best_scores[-1] == max(entry["score"] for entry in search.history_)
    passes = BestScoreDisplay.from_search(search, x="passes")
    assert passes.spent == pytest.approx(calls.spent / 5)  # 400 rows in chunks of 80
    seconds = BestScoreDisplay.from_search(search, x="seconds")
    assert seconds.spent[-1] == search.history_[-1]["elapsed_wall_time"]
    ratio = calls.random_spent[0] / calls.spent[-1]
    assert seconds.random_spent[0] / seconds.spent[-1] == pytest.approx(ratio)
    np.testing.assert_array_equal(seconds.line_.get_xdata(), seconds.spent)


def test_best_score_of_a_grid_by_fits():
    """An exhaustive search ends where its candidates in a random order end."""
    search = fitted("grid")
    display = BestScoreDisplay.from_search(search)
    assert display.spent[-1] == 18 * 5
    assert display.random_spent[-1] == pytest.approx(display.spent[-1])
    assert display.random_scores[-1] == pytest.approx(search.best_score_)
    with pytest.raises(ValueError, match="GridSearchCV does not record the rows"):
        BestScoreDisplay.from_search(search, x="passes")


def test_axes_of_parameters():
    """Axes are logarithmic by distribution or range, and texts are categories."""
    display = ParametersDisplay.from_search(fitted("hyperband"))
    axes = {axis.name: axis for axis in display.axes}
    assert axes["alpha"].log
    assert not axes["eta0"].log
    assert axes["penalty"].categories == ["elasticnet", "l1", "l2"]
    results = fitted("hyperband").cv_results_
    assert axes["alpha"].positions.tolist() == results["param_alpha"].tolist()
    names = [axes["penalty"].categories[int(i)] for i in axes["penalty"].positions]
    assert names == results["param_penalty"].tolist()
    scales = {panel.get_xlabel(): panel.get_xscale() for panel in display.axes_[:3]}
    assert scales == {"alpha": "log", "eta0": "linear", "penalty": "linear"}
    grid = ParametersDisplay.from_search(fitted("scheduled"), ["alpha"], pair=False)
    assert not grid.axes[0].log  # two decades, and no more


def test_two_most_important_are_a_pair():
    """The last panel shows the first two of the importance picture."""
    search = fitted("hyperband")
    display = ParametersDisplay.from_search(search)
    pair = {display.axes[i].name for i in display.pair}
    assert len(display.axes_) == 4
    assert {display.axes_[-1].get_xlabel(), display.axes_[-1].get_ylabel()} == pair


def test_importance_is_of_what_decides():
    """A parameter that alone decides has all importance, and draws are repeated."""
    grid = {"value": np.linspace(0, 1, 12).tolist(), "fails": ["", None]}
    search = GridSearchCV(Fails(), grid, cv=2).fit(X, y)
    display = ImportanceDisplay.from_search(search, n_repeats=3)
    assert display.parameters == ["value", "fails"]
    assert display.importances.shape == (2, 15)
    assert display.importances_mean[0] > 10 * abs(display.importances_mean[1])
    assert [bar.get_width() for bar in display.bars_] == pytest.approx(
        display.importances_mean.tolist()
    )
    again = ImportanceDisplay.from_search(search, n_repeats=3)
    np.testing.assert_array_equal(display.importances, again.importances)


@pytest.mark.parametrize("name", STOP_EARLY)
def test_timeline_has_each_task_once(name):
    """Each task is one bar; bars of a slot do not overlap, and fill the busy share."""
    search = fitted(name)
    display = TimelineDisplay.from_search(search)
    tasks = search._ledger.tasks
    assert len(display.bars) == len(tasks) == len(display.bars_.get_paths())
    assert len(display.rows) == 4  # threads of the client's worker
    by_row = {}
    for row, begin, end, _ in display.bars:
        by_row.setdefault(row, []).append((begin, end))
    for bars in by_row.values():
        bars.sort()
        assert all(a[1] <= b[0] + 1e-9 for a, b in itertools.pairwise(bars))
    assert display.bound <= display.seconds
    assert 0 < display.busy <= 1
    assert display.bound_line_.get_xdata()[0] == display.bound
    assert any(best for *_, best in display.bars)


def test_heatmap_is_the_pivot_of_the_best():
    """Cells are pandas' pivot table of mean scores, where others are at their best."""
    search = fitted("grid")
    table = pd.DataFrame(search.cv_results_).pivot_table(
        index="param_gamma", columns="param_C", values="mean_test_score", aggfunc="max"
    )
    display = HeatmapDisplay.from_search(search, ("C", "gamma"))
    np.testing.assert_array_equal(display.scores, table.to_numpy())
    assert display.values == (["0.1", "1", "10"], ["0.01", "0.1", "1"])
    for (i, j), text in np.ndenumerate(display.text_):
        assert text.get_text() == f"{display.scores[i, j]:.3f}"


def test_large_heatmap_has_no_numbers():
    """Scores are not written into more than 12 cells side by side."""
    grid = {"value": np.linspace(0, 1, 13).tolist(), "fails": ["", None]}
    search = GridSearchCV(Fails(), grid, cv=2).fit(X, y)
    assert HeatmapDisplay.from_search(search).text_ is None


def test_one_of_several_metrics():
    """`metric` takes another metric than the one that decides."""
    search = fitted("metrics")
    display = ParametersDisplay.from_search(search, metric="f1")
    np.testing.assert_array_equal(display.scores, search.cv_results_["test_f1"])
    display = ParametersDisplay.from_search(search)
    np.testing.assert_array_equal(display.scores, search.cv_results_["test_accuracy"])
    curves = LearningCurvesDisplay.from_search(search, metric="f1")
    assert curves.curves[0]["scores"][-1] == search.cv_results_["test_f1"][0]
    grid = fitted("grid of metrics")
    display = ParametersDisplay.from_search(grid)
    np.testing.assert_array_equal(display.scores, grid.cv_results_["mean_test_f1"])
    assert display.axes_[0].get_ylabel() == "f1"


# ---- every search ----


@pytest.mark.parametrize("name", EVERY_SEARCH)
def test_every_search_can_be_drawn(name):
    """Each picture is drawn, or the error names the search or what it lacks."""
    found = drawn(name)
    exhaustive = name in ("grid", "randomized")
    class_name = type(fitted(name)).__name__
    for display, made in found.items():
        if isinstance(made, str):
            assert class_name in made, (display, made)
    lacking = {display for display, made in found.items() if isinstance(made, str)}
    expected = {"LearningCurvesDisplay", "TimelineDisplay"} if exhaustive else set()
    if name not in ("grid", "scheduled"):
        expected |= {"HeatmapDisplay"}  # with distributions
    if name == "scheduled":
        expected |= {"ImportanceDisplay"}  # six trials
    assert lacking == expected


@pytest.mark.parametrize("name", SELDOM)
def test_seldom_searches_can_be_drawn(name, tmp_path):
    """One trial, failures, scores that are not finite and many trials are drawn."""
    for made in drawn(name).values():
        if not isinstance(made, str):
            made.figure_.savefig(tmp_path / "picture.pdf")


def test_many_trials_are_pixels():
    """With many trials lines and points are rasterised, and the legend stays short."""
    curves = LearningCurvesDisplay.from_search(fitted("many"))
    for kind in ("dropped", "completed"):
        assert all(lines.get_rasterized() for lines in curves.lines_[kind])
    assert len(curves.axes_[0].get_legend().get_texts()) <= 4
    points = ParametersDisplay.from_search(fitted("many"))
    assert all(dots.get_rasterized() for dots in points.ax_.collections[:2])
    few = LearningCurvesDisplay.from_search(fitted("halving"))
    assert not any(lines.get_rasterized() for lines in few.lines_["dropped"])


def test_a_model_that_diverged_does_not_flatten_the_picture():
    """Scores that are far lower than others are left out of the axes, and counted."""
    display = LearningCurvesDisplay.from_search(fitted("not finite"))
    low, high = display.ax_.get_ylim()
    assert -1 < low < 0.5 < high < 1
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts == ["▼ 2 lower"]


# ---- style ----


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_colours_can_be_seen(style):
    """What matters has a contrast of 3 at least on the background, as WCAG asks."""
    with plt.style.context(style):
        _, ax = plt.subplots()
        colors = palette(ax)
        face = ax.get_facecolor()
        assert contrast(colors.accent, face) >= 3
        assert contrast(colors.strong, face) >= 3
        assert contrast(colors.text, face) >= 7
        assert contrast(colors.faded, face) >= 2
        display = LearningCurvesDisplay.from_search(fitted("halving"))
        label = display.ax_.yaxis.label.get_color()
        assert contrast(label, display.ax_.get_facecolor()) >= 7


def test_settings_of_matplotlib_stay():
    """No picture changes matplotlib's settings."""
    before = dict(plt.rcParams)
    drawn("hyperband")
    drawn("grid")
    assert dict(plt.rcParams) == before


def test_where_to_draw():
    """Pictures are drawn on the user's axes: one that is divided, or one per panel."""
    search = fitted("hyperband")
    figure, axes = plt.subplots(1, 3)
    display = LearningCurvesDisplay.from_search(search, ax=axes)
    assert display.axes_ == list(axes)
    assert display.figure_ is figure
    figure, ax = plt.subplots(layout="constrained")
    assert len(LearningCurvesDisplay.from_search(search, ax=ax).axes_) == 3
    assert not ax.axison
    for made in (BestScoreDisplay, ImportanceDisplay, TimelineDisplay):
        figure, ax = plt.subplots()
        display = made.from_search(search, ax=ax)
        assert display.ax_ is ax
        assert display.plot().ax_ is not ax
    with pytest.raises(ValueError, match="ax must be one Axes"):
        LearningCurvesDisplay.from_search(search, ax=axes[:2])


def test_arguments_for_matplotlib():
    """Arguments for lines and bars go to matplotlib, by long or short names."""
    search = fitted("hyperband")
    display = BestScoreDisplay.from_search(search, line_kw={"lw": 5, "color": "red"})
    assert display.line_.get_linewidth() == 5
    assert display.line_.get_color() == "red"
    display = LearningCurvesDisplay.from_search(search, best_kw={"color": "black"})
    assert display.lines_["best"][0].get_color() == "black"
    display = ImportanceDisplay.from_search(search, bar_kw={"height": 0.2})
    assert display.bars_[0].get_height() == pytest.approx(0.2)


# ---- errors ----


@pytest.mark.parametrize("display", ALL)
def test_what_is_no_fitted_search(display):
    """A search that was not fitted, what is none, and other metrics are refused."""
    with pytest.raises(NotFittedError):
        display.from_search(clone(MAKERS["halving"]()))
    with pytest.raises(TypeError, match="search=3 must be"):
        display.from_search(3)
    if display is not TimelineDisplay:
        with pytest.raises(ValueError, match="metric='nothing' must be None or one of"):
            display.from_search(fitted("halving"), metric="nothing")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda s: ParametersDisplay.from_search(s, ["beta"]),
            "'beta' is no parameter",
        ),
        (lambda s: ParametersDisplay.from_search(s, pair=("alpha",)), "two parameters"),
        (lambda s: HeatmapDisplay.from_search(s, ("alpha", "eta0")), "distribution"),
        (
            lambda s: HeatmapDisplay.from_search(s, ("alpha", "x")),
            "'x' is no parameter",
        ),
        (lambda s: HeatmapDisplay.from_search(s, "alpha"), "must be two names"),
        (lambda s: BestScoreDisplay.from_search(s, x="hours"), "'hours'"),
        (lambda s: ImportanceDisplay.from_search(s, n_repeats=0), "n_repeats"),
    ],
)
def test_arguments_are_checked(call, words):
    """The error says which argument is wrong, and how."""
    with pytest.raises(ValueError, match=words):
        call(fitted("hyperband"))


def test_without_matplotlib(monkeypatch):
    """Without matplotlib the error says what to install."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'gpu_hpo\[plot\]'"):
        LearningCurvesDisplay.from_search(fitted("halving"))


def test_values_that_are_written_alike():
    """Each value has a place and a name of its own, however alike they are."""
    long = (64,) * 8
    values = {
        "estimators": [LogisticRegression(C=1e-4), LogisticRegression(C=1)],
        "long tuples": [(*long, 1), (*long, 2)],
        "numbers": [0.010001, 0.010002, 0.01, "scale"],
        "functions": [lambda x: x, lambda x: 2 * x],
        "texts": ["1", 1, "one", True],
    }
    for name, given in values.items():
        axis = parameter_axis("p", [{"p": value} for value in given * 2])
        assert len(set(axis.categories)) == len(given), name
        assert len(np.unique(axis.positions)) == len(given), name
    found = parameter_axis("p", [{"p": value} for value in values["numbers"]])
    assert found.categories == ["0.01", "0.010001", "0.010002", "scale"]


def test_calls_after_a_search_was_ended():
    """Many numbers of calls, most of them small, have a logarithmic axis."""
    _, ax = plt.subplots()
    set_calls_axis(ax, [1] * 200 + [3] * 80 + list(range(4, 40)) + [200, 750])
    assert ax.get_xscale() == "log"
    _, ax = plt.subplots()
    set_calls_axis(ax, list(range(1, 60)))
    assert ax.get_xscale() == "linear"
