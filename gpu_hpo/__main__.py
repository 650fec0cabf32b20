# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run the command `gpu-hpo` by ``python -m gpu_hpo``."""

import sys

from gpu_hpo.cli import main

if __name__ == "__main__":
    sys.exit(main())
