# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""One run of a scenario: `python -m tests.reliability._one MODULE:FUNCTION NUMBER`."""

import importlib
import sys


def main() -> None:
    """Say that all is right, as the very last, unless the check raises."""
    module, _, function = sys.argv[1].partition(":")
    check = getattr(importlib.import_module(module), function)
    seen = check(int(sys.argv[2]))
    sys.stderr.flush()
    # Where the process hangs at exit, or prints an error there, the runner sees that.
    print("right:", seen or "", flush=True)


if __name__ == "__main__":
    main()
