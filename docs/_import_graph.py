# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw the folders of the package, and which imports which, as they are in the code.

Sphinx makes the picture anew at each build, for the directive ``import-graph``. It
needs nothing but Python: `ast` reads the imports, and the picture is written as SVG.
"""

import ast
import importlib.util
import pathlib
from functools import cache
from html import escape
from itertools import pairwise

BOX_WIDTH, BOX_HEIGHT = 158, 44
LINE_WIDTH = 6
GAP_X, GAP_Y = 14, 40
MARGIN = 8
SWEEPS = 12
FILES = "single files"  # those directly in the package


def package_root():
    """Find the folder of the installed package, without importing it."""
    return pathlib.Path(importlib.util.find_spec("gpu_hpo").origin).parent


def folder_of(path, root):
    """Return the folder that a file is in, as the picture names it."""
    return path.relative_to(root).parent.as_posix().replace(".", FILES)


def read_folders(root):
    """Count the files and lines of each folder.

    Files of the package itself count as one folder, `FILES`.
    """
    folders = {}
    for path in sorted(root.rglob("*.py")):
        n_files, n_lines = folders.get(folder_of(path, root), (0, 0))
        lines = path.read_text(encoding="utf-8").count("\n")
        folders[folder_of(path, root)] = n_files + 1, n_lines + lines
    return folders


def read_imports(root):
    """Return which folders each folder imports from, itself excluded."""
    known = read_folders(root)
    imports = {folder: set() for folder in known}
    for path in sorted(root.rglob("*.py")):
        source = folder_of(path, root)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for module in _modules(node):
                target = _folder_of_module(module, known)
                if target not in (None, source, FILES):
                    imports[source].add(target)
    del imports[FILES]  # it imports all the others lazily, and all import it
    return imports


def _modules(node):
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{name.name}" for name in node.names]
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    return []


def _folder_of_module(module, known):
    """Return the deepest folder that a dotted name begins with; None if not ours."""
    root, *parts = module.split(".")
    if root != "gpu_hpo":
        return None
    found = ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((folder for folder in found if folder in known), FILES)


def find_rows(imports):
    """Number the rows that folders are drawn in, from 0 at the top.

    All imports point down: a folder is right below those that import it, or right above
    what it imports if none does.

    Raises
    ------
    ValueError
        If folders import each other in a circle.
    """

    @cache
    def height(folder, above=()):
        if folder in above:
            raise ValueError(f"imports go round: {' -> '.join((*above, folder))}")
        below = imports[folder]
        return 1 + max((height(f, (*above, folder)) for f in below), default=-1)

    heights = {folder: height(folder) for folder in imports}
    rows = {}
    for folder in sorted(imports, key=lambda folder: -heights[folder]):
        above = [rows[other] for other in rows if folder in imports[other]]
        rows[folder] = (
            max(above, default=max(heights.values()) - heights[folder] - 1) + 1
        )
    return {folder: row - min(rows.values()) for folder, row in rows.items()}


def direct_imports(imports):
    """Leave out an import if other imports lead to the same folder, step by step."""

    @cache
    def reached(folder):
        return imports[folder].union(*(reached(below) for below in imports[folder]))

    return {
        folder: {
            target
            for target in targets
            if not any(target in reached(other) for other in targets - {target})
        }
        for folder, targets in imports.items()
    }


def _lines_by_row(rows, imports):
    """Give each import a place in every row that it crosses, as a list of (row, what).

    What crosses a row is the import itself; at the ends are the two folders.
    """
    return [
        [
            (rows[folder], folder),
            *(
                (row, (row, folder, target))
                for row in range(rows[folder] + 1, rows[target])
            ),
            (rows[target], target),
        ]
        for folder, targets in sorted(imports.items())
        for target in sorted(targets)
    ]


def _order(rows, lines):
    """Put what is in each row in an order by which few lines cross."""
    members = [[] for _ in range(max(rows.values()) + 1)]
    for folder in sorted(rows):
        members[rows[folder]].append(folder)
    linked = {}
    for line in lines:
        for row, what in line[1:-1]:
            members[row].append(what)
        for (_, a), (_, b) in pairwise(line):
            linked.setdefault(a, []).append(b)
            linked.setdefault(b, []).append(a)

    def middle(what, places):
        near = [places[other] for other in linked.get(what, ()) if other in places]
        return sum(near) / len(near) if near else 0.5

    for turn in range(SWEEPS):
        down = turn % 2 == 0
        order = range(1, len(members)) if down else range(len(members) - 2, -1, -1)
        for row in order:
            beside = members[row - 1 if down else row + 1]
            places = {what: (i + 0.5) / len(beside) for i, what in enumerate(beside)}
            members[row].sort(key=lambda what: middle(what, places))
    return members


def _places(members):
    """Return the middle of each box and crossing, and the size of the picture."""

    def width_of(what):
        return BOX_WIDTH if isinstance(what, str) else LINE_WIDTH

    widths = [sum(map(width_of, row)) + GAP_X * (len(row) - 1) for row in members]
    places = {}
    for i, row in enumerate(members):
        x = MARGIN + (max(widths) - widths[i]) / 2
        for what in row:
            y = MARGIN + i * (BOX_HEIGHT + GAP_Y) + BOX_HEIGHT / 2
            places[what] = x + width_of(what) / 2, y
            x += width_of(what) + GAP_X
    height = 2 * MARGIN + len(members) * (BOX_HEIGHT + GAP_Y) - GAP_Y
    return places, max(widths) + 2 * MARGIN, height


def _path(points):
    """Return the path of one line: down through the rows that it crosses."""
    (x, y), *rest = points
    path = [f"M{x:g} {y + BOX_HEIGHT / 2:g}"]
    for i, (x, y) in enumerate(rest):
        top, bottom = y - BOX_HEIGHT / 2, y + BOX_HEIGHT / 2
        before = points[i][0]
        middle = top - GAP_Y / 2
        path.append(f"C{before:g} {middle:g} {x:g} {middle:g} {x:g} {top:g}")
        if i < len(rest) - 1:
            path.append(f"L{x:g} {bottom:g}")
    return f'<path d="{" ".join(path)}"/>'


def draw(root):
    """Return the picture as SVG, in the colours of the page."""
    folders, imports = read_folders(root), read_imports(root)
    rows = find_rows(imports)
    lines = _lines_by_row(rows, direct_imports(imports))
    places, width, height = _places(_order(rows, lines))
    out = [
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" '
        'xmlns="http://www.w3.org/2000/svg" style="max-width: 100%" '
        'font-family="sans-serif" text-anchor="middle" fill="currentColor">',
        "<title>Folders of gpu_hpo; lines lead down to what a folder imports</title>",
        '<g stroke="currentColor" stroke-opacity="0.4" fill="none">',
        *(_path([places[what] for _, what in line]) for line in lines),
        "</g>",
    ]
    for folder in sorted(rows):
        (x, y), (n_files, n_lines) = places[folder], folders[folder]
        out += [
            f'<rect x="{x - BOX_WIDTH / 2:g}" y="{y - BOX_HEIGHT / 2:g}" rx="6" '
            f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}" stroke="currentColor" '
            'fill="none"/>',
            f'<text x="{x:g}" y="{y - 2:g}" font-size="14">{escape(folder)}</text>',
            f'<text x="{x:g}" y="{y + 15:g}" font-size="11" fill-opacity="0.7">'
            f"{n_files} files, {n_lines:,} lines</text>",
        ]
    return "\n".join([*out, "</svg>"])


def setup(app):
    """Add the directive to Sphinx."""
    from docutils import nodes
    from docutils.parsers.rst import Directive

    class ImportGraph(Directive):
        """Put the picture where the directive is."""

        def run(self):
            return [nodes.raw("", draw(package_root()), format="html")]

    app.add_directive("import-graph", ImportGraph)
    # The code may have changed since the page was read.
    app.connect("env-get-outdated", lambda *_: ["architecture"])
    return {"parallel_read_safe": True}
