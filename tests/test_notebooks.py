# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Every notebook of examples/ runs in a kernel of its own, and shows what it says."""

import importlib.util
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FOLDER = ROOT / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

# What must hold after the last cell, in terms of the names of each notebook.
CLAIMS = {
    "cuml_on_gpus": """
        plain = RandomForestClassifier(n_estimators=27).fit(X_train, y_train)
        assert search.score(X_test, y_test) > plain.score(X_test, y_test) - 0.05
        assert best.n_estimators == 27
        assert set(grid.cv_results_["rank_test_score"]) <= {1, 2, 3, 4}
    """,
    "first_search": """
        assert search.score(X_test, y_test) > theirs.score(X_test, y_test) - 0.05
        assert planned["partial_fit_calls"] == search.metadata_["partial_fit_calls"]
    """,
    "grid_over_a_pipeline": """
        assert np.array_equal(*scores)
        assert found["gpu_hpo"].best_params_ == found["sklearn"].best_params_
    """,
    "larger_than_memory": """
        more = rng.normal(size=(20_000, n_features))
        right = more @ weights + rng.normal(scale=3, size=20_000) > 0
        ideal = ((more @ weights > 0) == right).mean()
        assert ideal - 0.03 < search.best_score_ < ideal + 0.03
        assert reads == n_files < calls
        assert search.device_.name == "cuda" or held["on disk"].max() > 1
    """,
    "own_network": """
        from sklearn.linear_model import LogisticRegression
        linear = LogisticRegression(max_iter=1000).fit(X, y)
        assert search.score(X_test, y_test) > linear.score(X_test, y_test) - 0.03
    """,
    "rapids_hpo": """
        assert auc(xgb) > auc(default)
        assert auc(forest) > auc(default)
    """,
    "reading_results": """
        assert len(report.to_frame()) == len(results) == search.metadata_["n_models"]
        assert len(failed) and set(failed["param_alpha"]) == {-1}
        assert len(history) == sum(map(len, search.model_history_.values()))
    """,
    "xgboost_early_stopping": """
        losses = {
            name: log_loss(y_test, fitted.predict_proba(X_test))
            for name, fitted in rows.items()
        }
        assert min(losses, key=losses.get) != "defaults of XGBoost", losses
    """,
}
MUST_PRINT = {"grid_over_a_pipeline": (r"sklearn +37 sel", r"gpu_hpo +10 sel")}


def read(path):
    """Return a notebook."""
    import nbformat

    return nbformat.read(path, as_version=4)


def printed(book, name="stdout"):
    """Return what its cells have printed."""
    outputs = (out for cell in book.cells for out in cell.get("outputs", []))
    return "".join(out.text for out in outputs if out.get("name") == name)


def imported(book):
    """Return the packages that its cells import."""
    code = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    return set(re.findall(r"^(?:from|import) (\w+)", code, re.MULTILINE))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path, tmp_path):
    """All cells run in a fresh kernel, without a warning, and show what they say."""
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    import nbformat
    from nbclient import NotebookClient

    book = read(path)
    for name in (*imported(book), "matplotlib"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    claims = "\n".join(line.strip() for line in CLAIMS[path.stem].splitlines())
    book.cells.append(nbformat.v4.new_code_cell(claims))
    NotebookClient(
        book, timeout=200, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert not re.search(r"\w+Warning\b", printed(book, "stderr"))
    for pattern in MUST_PRINT.get(path.stem, ()):
        assert re.search(pattern, printed(book)), printed(book)


def test_all_are_tested_and_listed():
    """Each notebook has a claim here, and a line on the page of notebooks."""
    assert sorted(CLAIMS) == [path.stem for path in NOTEBOOKS]
    page = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    listed = re.findall(r"\.\./examples/notebooks/(\w+)\.ipynb", page)
    assert sorted(listed) == sorted(CLAIMS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_form(path):
    """It begins with a title, two sentences and the licence, and has no output."""
    pytest.importorskip("nbformat")
    book = read(path)
    title, first, *_ = book.cells[0].source.split("\n\n")
    if re.fullmatch(r"_\w+, \d{4}_", first):  # RAPIDS' examples have a date there
        first = book.cells[0].source.split("\n\n")[2]
    assert title.startswith("# ")
    assert len(re.findall(r"[.?!](?:\s|$)", first)) == 2, first
    assert "<!-- SPDX-License-Identifier: Apache-2.0 -->" in book.cells[0].source
    for cell in book.cells:
        assert not cell.get("outputs") and not cell.get("execution_count"), cell.source
