# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Start clusters, find clients, and run tasks on them or in this process."""

from gpu_hpo.compute._clusters import local_cluster
from gpu_hpo.compute._embedded import close_embedded, embedded_client

__all__ = ["close_embedded", "embedded_client", "local_cluster"]
