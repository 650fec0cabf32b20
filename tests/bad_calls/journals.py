# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Bad values for the arguments of journals."""

from gpu_hpo import journal
from tests.bad_calls.common import Call
from tests.bad_calls.kinds import these

NO_PATH = these(3, 2.5, None, True, b"x", ["x"], {"x": 1})
JOURNALS = {
    "Journal": Call(
        journal.Journal,
        {"path": "x"},
        {"path": NO_PATH, "resume": these("x", None, True, 3, ["auto"])},
    ),
    "read": Call(journal.read, {"path": "x"}, {"path": NO_PATH}),
    "to_optuna": Call(
        journal.to_optuna,
        {"path": "x"},
        {"path": NO_PATH, "study_name": these(3, b"x")},
    ),
    "find": Call(journal.find, {"folder": "."}, {"folder": NO_PATH}),
}
