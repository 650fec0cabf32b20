# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What worker processes of tests have imported when they are forked.

Nothing of CUDA's, which does not outlive a fork.
"""

import os

import dask.array
import dask.dataframe  # noqa: F401
import distributed.nanny  # noqa: F401
import numpy as np
import pandas  # noqa: F401
import sklearn.linear_model
import sklearn.neural_network
import sklearn.pipeline  # noqa: F401

import gpu_hpo.adaptive.engine._worker
import gpu_hpo.model_selection  # noqa: F401

# Or all workers would draw the same numbers where no seed was set.
os.register_at_fork(after_in_child=np.random.seed)
