# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Keep the former name of `gpu_hpo.compute` importable."""

from gpu_hpo.compute import close_embedded, embedded_client, local_cluster

__all__ = ["close_embedded", "embedded_client", "local_cluster"]
