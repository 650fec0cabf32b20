# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run the Python blocks of pages, as readers paste them, and say what they printed.

    python -m tests.run_pages blocks.json

The file has a list of pages, each a list of blocks; what comes back on standard output
is a list of the same form, with what each block printed, or the traceback that ended
the page. The blocks of a page share one namespace. All pages share this process, and so
the cluster that their first search starts.
"""

import contextlib
import io
import json
import linecache
import sys
import traceback
import warnings


def run_page(name, blocks):
    """Return what each block printed; the last is a traceback if it raised."""
    namespace = {"__name__": "__main__"}
    printed = []
    for number, block in enumerate(blocks):
        file = f"<{name}, block {number + 1}>"
        linecache.cache[file] = (len(block), None, block.splitlines(True), file)
        shown = io.StringIO()
        try:
            with contextlib.redirect_stdout(shown):
                exec(compile(block, file, "exec"), namespace)
        except Exception:
            printed.append(
                {"printed": shown.getvalue(), "error": traceback.format_exc()}
            )
            break
        printed.append({"printed": shown.getvalue(), "error": ""})
    return printed


def main():
    """Run all pages of a file."""
    warnings.simplefilter("ignore", ResourceWarning)
    with open(sys.argv[1], encoding="utf-8") as file:
        pages = json.load(file)
    print(json.dumps({name: run_page(name, blocks) for name, blocks in pages.items()}))


if __name__ == "__main__":
    main()
