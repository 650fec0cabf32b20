# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""For every public callable: a valid call, and bad values by argument.

A name of `docs/api.md` is either in `CALLS`, perhaps with a remark after it, or with
the reason in `WITHOUT`.
"""

from tests.bad_calls.journals import JOURNALS
from tests.bad_calls.models import MODELS_AND_SPLITTERS
from tests.bad_calls.pictures import PICTURES
from tests.bad_calls.searches import SEARCHES
from tests.bad_calls.sets import CLUSTERS, SETS_AND_SCHEDULES
from tests.bad_calls.trackers import TRACKERS

CALLS = {
    **SEARCHES,
    **MODELS_AND_SPLITTERS,
    **SETS_AND_SCHEDULES,
    **CLUSTERS,
    **PICTURES,
    **JOURNALS,
    **TRACKERS,
}

_ERROR = "is raised by the package, and made by nobody else"
_RECORD = "is a record, checked by those who get it"
_TAKES_NOTHING = "takes no argument"
_ANY = "takes any object"
WITHOUT = {
    **dict.fromkeys(
        (
            "GpuHpoError",
            "ClientClosedError",
            "DeviceNotFoundError",
            "ForkedProcessError",
            "JournalError",
            "JournalInUseError",
            "JournalMismatchError",
            "MissingPackagesError",
            "NoCounterpartError",
            "NoFiniteScoreError",
            "NotPicklableError",
            "UnguardedScriptError",
            "WorkersLostError",
            "GpuHpoWarning",
            "NoEffectWarning",
            "SharedStateWarning",
        ),
        _ERROR,
    ),
    **dict.fromkeys(
        (
            "Advance",
            "Bracket",
            "Device",
            "Drop",
            "Failed",
            "RecordedSearch",
            "Rows",
            "Rung",
            "Scored",
        ),
        _RECORD,
    ),
    **dict.fromkeys(
        (
            "SearchCallback",
            "show_versions",
            "chosen",
            "dashboard_link",
            "embedded_client",
            "close_embedded",
            "synchronize",
        ),
        _TAKES_NOTHING,
    ),
    **dict.fromkeys(("is_device_array", "array_namespace"), _ANY),
    "to_host": "takes whatever NumPy makes an array of",
    "to_device": "takes whatever CuPy makes an array of, and needs it",
    "NoHostCopyArray": "refuses what CuPy refuses, in words like CuPy's",
    "Schedule": "is abstract",
    "Stack": "is a protocol",
    "StackedEstimator": "is a base class without a constructor",
    "ArrayStack": "is a base class, given models by those who found their keys equal",
    "annotated": "takes 0.2 microseconds in inner loops, and does nothing without nvtx",
    "batches": "is called in the inner loop, by stacks only",
}
