# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Bad values for the arguments of callbacks, refused before a tracker is imported."""

from gpu_hpo import callbacks
from tests.bad_calls.common import Call
from tests.bad_calls.kinds import these

NO_TEXT = these(3, 2.5, ["x"], True, b"x")
NO_DICT = these(3, "x", ["x"], True)
TRACKERS = {
    "MLflowCallback": Call(
        callbacks.MLflowCallback,
        {},
        {
            "tracking_uri": NO_TEXT,
            "experiment": NO_TEXT,
            "run_name": NO_TEXT,
            "tags": NO_DICT,
        },
    ),
    "WandbCallback": Call(
        callbacks.WandbCallback,
        {},
        {"project": NO_TEXT, "name": NO_TEXT, "group": NO_TEXT, "init": NO_DICT},
    ),
    "TensorBoardCallback": Call(
        callbacks.TensorBoardCallback, {}, {"log_dir": these(3, None, ["x"], True)}
    ),
}
